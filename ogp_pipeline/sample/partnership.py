"""The fictional partnership: how its plans and commitments are drawn as clean cells.

Here: the shares everything is drawn with. Not here: names and words (`names.py`), cells that follow
from the layout (`layouts.py`), dirt (`dirt.py`) and files (`__init__.py`). Levels of public
influence and outcomes come from separate random streams: they are associated only where an effect is planted.
Random numbers are only added, multiplied and compared, so that every platform draws the same cells.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from ogp_pipeline.sample.dirt import Row
from ogp_pipeline.sample.layouts import (
    COMPLETION_LABELS,
    DEVELOPMENT_LEVEL,
    EARLY_RESULTS_LABELS,
    EXPLORER_HEADER,
    IMPACT_LABELS,
    IMPLEMENTATION_LEVEL,
    INSTITUTIONS,
    LEVELS,
    POLICY_AREAS,
    PROCESS_HEADER,
    SELF_ASSESSMENT_ANSWERS,
    SPECIFICITY_LABELS,
    STEPS,
    plan_cells,
)
from ogp_pipeline.sample.names import (
    AGENCIES,
    ALIASES,
    ALPHA2_CODES,
    LOCALS,
    MANNERS,
    MEMBER_IDS,
    MEMBER_NAMES,
    REGIONS,
    STATUSES,
    SUBJECTS,
    VERBS,
)

LARGEST_PLAN_NUMBER = 95  # the last numbers of two digits are those of later plans
TYPICAL_PLAN_SIZE = 13
SMALLEST_PLAN, LARGEST_PLAN = 4, 40  # commitments; plans grow larger once every member has all its plans

# Dealt like cards, so that a sample of usual size has several plans of each level.
LEVEL_DECK = (*("NA",) * 3, *("Inform",) * 3, *("Consult",) * 5, *("Involve",) * 4, *("Collaborate",) * 3)
LEVEL_DECK += ("Empower", "NR")
# The share of a plan's commitments that score on an outcome, before the plan's own deviation.
AMBITIOUS_SHARE, COMPLETE_SHARE, COMPLETE_SHARE_AT_END, STRONG_RESULTS_SHARE = 0.48, 0.28, 0.42, 0.28
PLAN_DEVIATION = 0.12  # largest deviation of a plan from these shares; small ones are likelier

FIRST_YEAR_CARDS = (2011, 2012, 2012, 2012, 2013, 2013, 2013)


@dataclass
class Plan:
    """One action plan. `commitments` is 0 for a plan that only the process file has.

    `development` and `implementation` are the cells of the process file; NA before 2013 is not a level.
    `date_order` is what the plan's dates prove: day_first, month_first, or nothing (unproven, undecidable).
    """

    explorer_name: str
    process_name: str
    number: int
    year: int
    commitments: int
    is_reviewed: bool
    has_end_of_term: bool
    is_dotted: bool
    date_order: str
    development: str
    implementation: str

    @property
    def development_rank(self) -> int | None:
        """0 (no consultation) to 5 (empower); None where not assessed."""
        return LEVELS.index(self.development) if self.development in LEVELS else None

    @property
    def throughout_rank(self) -> int | None:
        """The lower of the two stages; None unless both are assessed."""
        if self.development_rank is None or self.implementation not in LEVELS or self.year < 2013:
            return None
        return min(self.development_rank, LEVELS.index(self.implementation))


@dataclass(frozen=True)
class HitShares:
    """The hit probabilities of one plan: moderate or transformative, complete, major or outstanding."""

    ambition: float
    completion: float
    early_results: float


@dataclass(frozen=True)
class Outcome:
    """The labels of one outcome and the shares among them, apart from the share of hits.

    `misses_up_to` holds the cumulative shares of all misses but the last.
    """

    unassessed: tuple[str, ...]
    unassessed_share: float
    misses: tuple[str, ...]
    misses_up_to: tuple[float, ...]
    hit: str
    best_hit: str

    def draw(self, draws: Random, hit_share: float) -> str:
        """One label: unassessed, else a hit with `hit_share`, else a miss. Always draws twice."""
        first, second = draws.random(), draws.random()
        if first < self.unassessed_share:
            return self.unassessed[int(second * len(self.unassessed))]
        if first < self.unassessed_share + (1 - self.unassessed_share) * hit_share:
            return self.best_hit if second < 0.28 else self.hit
        return _one_of(second, self.misses, self.misses_up_to)


IMPACT = Outcome(("Unclear",), 0.01, ("None", "Minor"), (0.14,), "Moderate", "Transformative")
COMPLETION = Outcome(
    ("Unclear", "Withdrawn"),
    0.04,
    ("a. Not started", "b. Limited", "c. Substantial"),
    (0.15, 0.65),
    "d. Complete",
    "d. Complete",
)
RESULTS = Outcome((), 0, ("a. Worsens", "b. None", "c. Marginal"), (0.03, 0.5), "d. Major", "e. Outstanding")
_COMPLETION_ORDER = tuple(COMPLETION_LABELS)


def _one_of(draw: float, labels: Sequence[str], up_to: Sequence[float]) -> str:
    return labels[sum(draw >= bound for bound in up_to)]


class Partnership:
    """Draws plans and commitments; each of the random streams belongs to one purpose."""

    def __init__(self, seed: int, planted_effect: float) -> None:
        self.planted_effect = planted_effect
        self._plan_draws = Random(f"{seed} plans")
        self._level_draws = Random(f"{seed} levels")
        self._outcome_draws = Random(f"{seed} outcomes")
        self._word_draws = Random(f"{seed} words")
        self._decks: dict[str, list] = {}
        self._ordinal = 0

    def plans(self, members: int, commitments: int) -> Iterator[Plan]:
        """The plans in the order of the files, member by member, with those of the process file alone."""
        per_member = plans_per_member(members, commitments)
        plans_left, commitments_left = sum(per_member), commitments
        largest = max(LARGEST_PLAN, 3 * commitments // plans_left)
        for position, count in enumerate(per_member):
            names = _names_in_files(MEMBER_NAMES[position])
            years = self._submission_years(count)
            for number, year in enumerate(years, start=1):
                size = self._plan_size(commitments_left, plans_left, largest)
                plans_left, commitments_left = plans_left - 1, commitments_left - size
                yield self._plan(names, number, year, size)
            if position >= members - 3 and count < LARGEST_PLAN_NUMBER:
                yield self._plan(names, count + 1, 2015, 0)

    def _deal(self, name: str, cards: Sequence):
        deck = self._decks.setdefault(name, [])
        if not deck:
            deck.extend(cards)
            (self._level_draws if "level" in name else self._plan_draws).shuffle(deck)
        return deck.pop()

    def _submission_years(self, count: int) -> list[int]:
        if count > 2:
            return [2011 + 5 * position // count for position in range(count)]
        first = self._deal("first year", FIRST_YEAR_CARDS)
        return [first + 2 * position for position in range(count)]

    def _plan_size(self, commitments_left: int, plans_left: int, largest: int) -> int:
        """Skewed to small plans; the plans left can always take what is left."""
        spread = 0.3 + 2.1 * self._plan_draws.random() * self._plan_draws.random() * 4 / 3
        at_least = max(SMALLEST_PLAN, commitments_left - largest * (plans_left - 1))
        at_most = min(largest, commitments_left - SMALLEST_PLAN * (plans_left - 1))
        return max(at_least, min(int(commitments_left / plans_left * spread + 0.5), at_most))

    def _plan(self, names: tuple[str, str], number: int, year: int, size: int) -> Plan:
        draws = self._plan_draws
        self._ordinal += 1
        is_reviewed = draws.random() >= (0.25 if year == 2015 else 0.03)
        end_of_term = draws.random() < 0.45 and year in (2013, 2014)
        development, implementation = self._levels(year, is_reviewed)
        return Plan(
            explorer_name=names[0],
            process_name=names[1],
            number=number,
            year=year,
            commitments=size,
            is_reviewed=is_reviewed,
            has_end_of_term=is_reviewed and end_of_term,
            is_dotted=draws.random() < 0.3,
            date_order=("unproven", "day_first")[self._ordinal % 2],
            development=development,
            implementation=implementation,
        )

    def _levels(self, year: int, is_reviewed: bool) -> tuple[str, str]:
        """Development and implementation; most plans keep their level: "throughout" has every level."""
        if not is_reviewed:
            return "NR", "NR"
        if year < 2013:
            return "NR", "NA" if self._level_draws.random() < 0.55 else "NR"
        development = self._deal("development level", LEVEL_DECK)
        keeps = self._level_draws.random() < 0.6
        return development, development if keeps else self._deal("implementation level", LEVEL_DECK)

    def _hit_shares(self, plan: Plan) -> HitShares:
        """The plan's probabilities: deviations of its own and, with a planted effect, its levels."""

        def share(base: float, rank: int | None) -> float:
            deviation = PLAN_DEVIATION * (self._outcome_draws.random() + self._outcome_draws.random() - 1)
            effect = 0 if rank is None else self.planted_effect * (rank - LEVELS.index("Consult"))
            return min(max(base + deviation + effect, 0.02), 0.98)

        complete = COMPLETE_SHARE_AT_END if plan.has_end_of_term else COMPLETE_SHARE
        return HitShares(
            ambition=share(AMBITIOUS_SHARE, plan.development_rank),
            completion=share(complete, plan.throughout_rank),
            early_results=share(STRONG_RESULTS_SHARE, plan.throughout_rank),
        )

    def commitment_rows(self, plan: Plan) -> list[Row]:
        """The clean commitments of one plan, as cells by header; stars are still to be written."""
        shares = self._hit_shares(plan)
        same = plan_cells(plan)
        rows = []
        for position in range(plan.commitments):
            row = same.copy()
            self._write_words(row, plan, position)
            outcomes = self._outcome_cells(plan, shares)
            if plan.is_reviewed:
                row.update(outcomes)
            rows.append(row)
        return rows

    def _write_words(self, row: Row, plan: Plan, position: int) -> None:
        draws = self._word_draws
        verb, subject, manner = draws.choice(VERBS), draws.choice(SUBJECTS), draws.choice(MANNERS)
        agency, partner = draws.choice(AGENCIES), draws.choice(AGENCIES)
        theme = position // 3 + 1
        row["Comm No"] = f"{theme}.{position % 3 + 1}" if plan.is_dotted else str(position + 1)
        row["Commitment Title"] = row["Short Title"] = f"{verb} {subject} {manner}"
        row["Full Text"] = (
            f"The {agency} will {verb[0].lower()}{verb[1:]} {subject} {manner}. "
            f"{int(draws.random() * 900) + 20} offices take part and report twice a year. (SYNTHETIC)"
        )
        row["Lead Institution"], row["Supporting Institution(s)"] = agency, partner
        areas = {draws.choice(POLICY_AREAS) for _ in range(1 + int(draws.random() * 3))}
        row.update(dict.fromkeys(areas, "1"))
        row["Checksum"] = str(len(areas))
        if plan.is_reviewed and plan.year <= 2012:
            row["Cluster"] = str(theme) if plan.is_dotted else "None"
        if plan.is_reviewed and plan.date_order == "day_first":
            row["Start Date"] = f"{13 + int(draws.random() * 16)}/0{1 + int(draws.random() * 5)}/{plan.year}"
            row["End Date"] = f"31/12/{plan.year + 1}"

    def _outcome_cells(self, plan: Plan, shares: HitShares) -> Row:
        draws = self._outcome_draws
        cells: Row = {}
        values = [draws.random() < share for share in (0.6, 0.35, 0.3, 0.35)]
        for column, holds in zip(EXPLORER_HEADER[75:79], values, strict=True):
            cells[column] = "1" if holds else "0"
        cells["_Relevant"] = "1" if any(values[:3]) else "0"

        specificity = _one_of(draws.random(), tuple(SPECIFICITY_LABELS), (0.03, 0.25, 0.62))
        cells["Specificity"], cells["_Specificity"] = specificity, SPECIFICITY_LABELS[specificity]

        impact = IMPACT.draw(draws, shares.ambition)
        if plan.year > 2011:
            cells["Potential impact"], cells["_Pot Impact Coded"] = impact, IMPACT_LABELS[impact]

        latest, results = COMPLETION.draw(draws, shares.completion), RESULTS.draw(draws, shares.early_results)
        rank = _COMPLETION_ORDER.index(latest)
        has_moved = draws.random() < 0.5 and plan.has_end_of_term and latest in _COMPLETION_ORDER[3:]
        progress = _COMPLETION_ORDER[rank - has_moved]
        cells["Completion (progress report)"] = progress
        cells["_CompletionProgress"] = COMPLETION_LABELS[progress]
        if plan.has_end_of_term:
            cells["Completion (end of term)"], cells["_CompletionEndTerm"] = latest, COMPLETION_LABELS[latest]
            is_comparable = {latest, progress} <= set(_COMPLETION_ORDER[2:])  # a change needs two of the four steps
            change, steps = ("Increase", "1") if has_moved else ("No Change", "0")
            cells["Change in completion"], cells["_ChangeCompletion"] = (
                (change, steps) if is_comparable else ("ND", "ND")
            )
            cells["Did it open government (end of term only)"] = results
            cells["_OpenGovt"] = EARLY_RESULTS_LABELS[results]
        return cells

    def process_row(self, plan: Plan) -> Row:
        """The clean row of one plan in the process database."""
        draws = self._word_draws

        def yes_no(share: float) -> str:
            return "Yes" if draws.random() < share else "No"

        row = dict.fromkeys(PROCESS_HEADER, "NR")
        row["Country name"], row["Action Plan Number"] = plan.process_name, str(plan.number)
        row["Year AP Submitted"] = str(plan.year)
        if not plan.is_reviewed:
            return row
        for answer in STEPS:
            row[answer] = yes_no(0.5)
        if plan.development == "NA":
            row["Step 4: Online consultations"] = row["Step 5: In-person consultations"] = "No"
        row.update({twin: "1" if row[answer] == "Yes" else "0" for answer, twin in STEPS.items()})
        row["_Number of steps followed (out of 6)"] = str(sum(row[twin] == "1" for twin in STEPS.values()))
        row.update({column: yes_no(0.4) for column in ("Timeline: Online", "Timeline: other channels")})
        row.update({column: "NA" for column in PROCESS_HEADER if column.lower().endswith((": links", ": link"))})
        has_notice = row["Step 2: Advance notice"] == "Yes"
        row["Days in advance"] = str(3 + int(draws.random() * 28)) if has_notice else "NA"
        row["Advance notice: Adequacy"] = yes_no(0.6) if has_notice else "No"

        row[DEVELOPMENT_LEVEL], row[IMPLEMENTATION_LEVEL] = plan.development, plan.implementation
        for stage, level in (("dev.", plan.development), ("imp.", plan.implementation)):
            is_open = draws.random() < 0.6
            row[f"Invitation-only or open participation during {stage} consultation"] = (
                level if level in ("NA", "NR") else "Open" if is_open else "Invitation-only"
            )
        has_forum = self._has_forum(plan)
        row["Consultation during action plan implementation (regular forum)"] = "Yes" if has_forum else "No"
        row["_Regular forum"] = "1" if has_forum else "0"

        published = yes_no(0.8)
        row["Was annual progress report published?"] = published
        row["_Self assessment published"] = "1" if published == "Yes" else "0"
        row.update({column: yes_no(0.6) if published == "Yes" else "NA" for column in SELF_ASSESSMENT_ANSWERS})
        row.update({column: "1" if draws.random() < 0.6 else "0" for column in INSTITUTIONS})
        return row

    def _has_forum(self, plan: Plan) -> bool:
        """Before 2013 a plan without a forum is NA and one with a forum NR (DOMAIN.md section 2)."""
        usually = self._word_draws.random() < 0.8
        if plan.year < 2013:
            return plan.implementation == "NR"
        return usually and plan.implementation != "NA"


def plans_per_member(members: int, commitments: int) -> list[int]:
    """How many plans with commitments each member has: usual sizes, at most 95 plans."""
    plans = min(max(members, round(commitments / TYPICAL_PLAN_SIZE)), members * LARGEST_PLAN_NUMBER)
    return [plans // members + (position < plans % members) for position in range(members)]


def _names_in_files(name: str) -> tuple[str, str]:
    """How the commitments and the process file call a member."""
    in_explorer, in_process = ALIASES.get(name, ("", ""))
    return in_explorer or name, in_process or name


def member_rows(members: int) -> Iterator[tuple[str, ...]]:
    """The rows of the members file, by `MEMBERS_HEADER`; the locals after the countries.

    The ids of a member's commitments begin with the member's own id: that is the prefix.
    """
    for position, name in enumerate(MEMBER_NAMES[:members]):
        aliases = "|".join(filter(None, ALIASES.get(name, ())))
        member_id, joined = MEMBER_IDS[position], "2011"  # no plan is older
        status, since = STATUSES.get(position, ("active", joined))
        alpha2 = ALPHA2_CODES[position] if position < len(ALPHA2_CODES) else ""
        region = REGIONS[position % len(REGIONS)]
        yield member_id, name, "national", region, aliases, joined, status, since, alpha2, member_id
    for position, (member_id, name) in enumerate(LOCALS.items()):
        region = REGIONS[position % len(REGIONS)]
        yield member_id, name, "local", region, "", "2016", "active", "2016", "", member_id
