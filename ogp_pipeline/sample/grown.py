"""A partnership grown to any number of commitments: further members, national and local, in the layout of the master.

Here: these members, their plans after 2016, their commitments and the levels of influence that two analysts read.
Not here: how a commitment is coded (`later.py`), and the sample itself, which stays beside all of this as it is.
Members grow with the commitments, so that plans are as large and as many to a member whatever the size is. Words and
codes are dealt from a stock of rows, so that a million rows are written in seconds; one plan at a time is in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from ogp_pipeline.sample.dirt import Row
from ogp_pipeline.sample.irm_codings import level_codings
from ogp_pipeline.sample.later import MASTER_DIRT, LaterPlan, coded_row, headers, identity, policy_areas, write_derived
from ogp_pipeline.sample.names import AGENCIES, BEGINNINGS, ENDINGS, MEMBER_IDS, MIDDLES, REGIONS, SUBJECTS

YEARS = (2017, 2019, 2021, 2023)  # one plan of two years after the other
TYPICAL_PLAN_SIZE, LARGEST_PLAN_SIZE = 20, 40  # commitments
MEMBERS_PER_NATIONAL = 7  # one national and six locals of it
STOCK = 400  # coded rows to deal from, for each kind and year
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
COUNTRIES = frozenset({"QAT", "XKX", "ZAF", "ZMB", "ZWE"})  # all whose codes begin with these three letters

WORDS = (
    "Those who use it are asked twice a year what they miss, and the answers are published with the accounts.",
    "Every office names a person who answers for it, and the names stand on the portal.",
    "What is held back is told with the rule it is held back by, and who may be asked.",
    "Civic groups and offices meet before each step, and the minutes are open to all.",
    "The first provinces begin in spring; the others follow when the first have reported.",
    "Its costs stand in the budget under a heading of their own, and are compared with what was planned.",
    "A count of all requests, answered and refused, is part of the yearly report.",
    "Whoever cannot use a computer finds the same in every town hall, in all languages of the land.",
)
MARK = "(SYNTHETIC)"
# What is wrong in one row each, in turn; beside MASTER_DIRT the kinds of `dirt.py` that any layout can hold.
OTHER_DIRT: tuple[tuple[str, str, str, str], ...] = (  # kind, column, what is replaced (all where blank), by what
    ("line break in a cell", "Full Text", ". ", ".\n"),
    ("markup in a cell", "Full Text", ". ", ".<br/>"),
    ("quotes and comma in a cell", "Full Text", ". ", ', known as "one door, no queue". '),
    ("no-break space", "Commitment Title", " ", "\u00a0"),
    ("replacement character", "Commitment Title", " ", "\ufffd "),
    ("date ambiguous, order proved by the plan", "Start Date", "", "5/6/{year}"),
    ("date is month and year", "End Date", "", "July {year}"),
    ("date is a year", "End Date", "", "{year}"),
    ("date is Ongoing", "End Date", "", "Ongoing"),
    ("date is a quarter", "End Date", "", "Quarter 1 {year}"),
)
ROWS_PER_DIRT = 18  # 51 of the 900 rows of the sample's first file carry some


@dataclass(frozen=True)
class GrownMember:
    """A further member: its code, its name, its region, and the member it is a local of (None for a national one)."""

    member_id: str
    name: str
    region: str
    nation: str | None


def members_needed(commitments: int) -> int:
    """How many further members have so many commitments."""
    return max(1, round(commitments / (len(YEARS) * TYPICAL_PLAN_SIZE)))


def grown_members(count: int) -> Iterator[GrownMember]:
    """The first so many members, each national one before its locals; the same ones for every seed and size."""
    nation_ids, local_ids = _ids(3), _ids(4)
    nation = ""
    for position in range(count):
        ordinal, place = divmod(position, MEMBERS_PER_NATIONAL)
        region = REGIONS[ordinal % len(REGIONS)]
        if place == 0:
            nation = _name(ordinal)
            yield GrownMember(next(nation_ids), nation, region, None)
        else:
            yield GrownMember(next(local_ids), f"{_name(position)} Vale, {nation}", region, nation)


def _ids(length: int) -> Iterator[str]:
    """Codes that no country and no member of the sample has."""
    for first in "XZQ":
        for number in range(len(LETTERS) ** (length - 1)):
            rest = ""
            for _ in range(length - 1):
                number, letter = divmod(number, len(LETTERS))
                rest = LETTERS[letter] + rest
            code = first + rest
            # the locals of the sample begin with QZ
            if code not in COUNTRIES and code not in MEMBER_IDS and not code.startswith("QZ"):
                yield code


def _name(ordinal: int) -> str:
    """A name of its own for every ordinal: three syllables, and a number of letters where these are used up."""
    rest, last = divmod(ordinal, len(ENDINGS))
    rest, middle = divmod(rest, len(MIDDLES))
    again, first = divmod(rest, len(BEGINNINGS))
    return f"{BEGINNINGS[first]}{MIDDLES[middle]}{ENDINGS[last]}" + (f" {LETTERS[again]}" if again else "")


def member_list_rows(members: Sequence[GrownMember]) -> Iterator[tuple[str, ...]]:
    """The rows of a member list, by `MEMBERS_HEADER`."""
    for member in members:
        kind = "local" if member.nation else "national"
        yield member.member_id, member.name, kind, member.region, "", "2016", "active", "2016", "", member.member_id


class GrownPartnership:
    """Deals the plans of the further members, the same at every call; each stream of draws belongs to one purpose."""

    def __init__(self, seed: int, members: Sequence[GrownMember], commitments: int) -> None:
        self.members, self.commitments = members, commitments
        self.header = headers("master_commitments")
        self._seed = seed
        self._stock = _stock(seed, self.header)
        self._places = {name: position for position, name in enumerate(self.header)}

    def plans(self) -> Iterator[tuple[LaterPlan, int]]:
        """The plans member by member, without commitments, and how many each has: all of them in the end."""
        sizes = Random(f"{self._seed} grown: sizes")
        plans_left, left = len(self.members) * len(YEARS), self.commitments
        for member in self.members:
            for number, year in enumerate(YEARS, start=1):
                kind = "National" if member.nation is None else "Legacy Local" if year <= 2021 else "Local"
                size = _plan_size(sizes.random(), left, plans_left)
                plans_left, left = plans_left - 1, left - size
                yield LaterPlan(member.member_id, member.name, kind, number, year, ()), size

    def master_rows(self) -> Iterator[Sequence[str]]:
        """The rows of the master's file, header first; one in `ROWS_PER_DIRT` carries some dirt."""
        yield self.header
        regions = {member.member_id: member.region for member in self.members}
        deals, rows = Random(f"{self._seed} grown: deals"), 0
        for plan, size in self.plans():
            for position in range(1, size + 1):
                cells = self._commitment(deals.random, plan, position, regions[plan.member_id])
                rows += 1
                turn, is_clean = divmod(rows, ROWS_PER_DIRT)
                yield cells if is_clean else self._spoiled(cells, plan, turn)

    def _commitment(self, deal: Callable[[], float], plan: LaterPlan, position: int, region: str) -> list[str]:
        stock = self._stock[plan.kind, plan.year]
        cells = stock[int(deal() * len(stock))].copy()
        first = int(deal() * len(WORDS))
        subject = SUBJECTS[int(deal() * len(SUBJECTS))]
        agency = AGENCIES[int(deal() * len(AGENCIES))]
        rest = " ".join(WORDS[(first + step) % len(WORDS)] for step in range(2 + int(deal() * 6)))
        words = {
            "Country/Locality": plan.member_name,
            "Region": region,
            "Full Text": f"The {agency} will see to {subject} within two years. {rest} {MARK}",
            "Lead Institution": agency,
        }
        for name, cell in (identity(plan.member_id, plan.number, position) | words).items():
            cells[self._places[name]] = cell
        return cells

    def _spoiled(self, cells: list[str], plan: LaterPlan, turn: int) -> list[str]:
        kinds = len(MASTER_DIRT) + len(OTHER_DIRT)
        row = dict(zip(self.header, cells, strict=True))
        kind = turn % kinds
        if kind < len(MASTER_DIRT):
            row |= MASTER_DIRT[kind][1]
            write_derived(row)
            row |= MASTER_DIRT[kind][1]
        else:
            _, column, old, new = OTHER_DIRT[kind - len(MASTER_DIRT)]
            row[column] = row[column].replace(old, new, 1) if old else new.format(year=plan.year + 1)
        return list(row.values())

    def plan_codings(self) -> Iterator[Row]:
        """What two analysts read about the national plans, in the form `irm-report`."""
        draws = Random(f"{self._seed} grown: levels")
        for plan, _ in self.plans():
            if plan.kind == "National":
                yield from level_codings(draws, plan)


def _plan_size(draw: float, left: int, plans_left: int) -> int:
    """Between half and one and a half of the mean; the plans that are left can take what is left."""
    at_least = left - LARGEST_PLAN_SIZE * (plans_left - 1)
    wanted = int(left / plans_left * (0.5 + draw) + 0.5)
    return left if plans_left == 1 else max(at_least, min(wanted, LARGEST_PLAN_SIZE, left))


def _stock(seed: int, header: Sequence[str]) -> Mapping[tuple[str, int], list[list[str]]]:
    """Coded rows for each kind and year, as cells by the header."""
    draws, areas = Random(f"{seed} grown: stock"), policy_areas()
    kinds = [("National", year) for year in YEARS]
    kinds += [("Legacy Local" if year <= 2021 else "Local", year) for year in YEARS]
    return {
        (kind, year): [
            [row[name] for name in header] for row in (coded_row(draws, areas, kind, year) for _ in range(STOCK))
        ]
        for kind, year in kinds
    }
