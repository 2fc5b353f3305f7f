"""The figures: every cell recomputed in plain Python, worked by hand, and compared with the real files."""

from __future__ import annotations

import csv
import json
import math
import re
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pytest
from scipy import stats

from ogp_pipeline.models import Model
from ogp_pipeline.sample import EXPLORER_FILE, MASTER_FILE, MEMBERS_FILE, PROCESS_FILE, write_sample
from ogp_pipeline.settings import PACKAGE_DIR
from ogp_pipeline_tests.world import World

Row = dict[str, str]
Cell = tuple[str, str, str, str]  # outcome, definition, stage, level

IMPACT, PROGRESS, END = "Potential impact", "Completion (progress report)", "Completion (end of term)"
RESULTS = "Did it open government (end of term only)"
DEVELOPMENT, IMPLEMENTATION = "IAP2 level during development", "IAP2 level during imp."
VALUES = ("Value -Info", "Value -Part", "Value -Acc")
LEVELS = ("no_consultation", "inform", "consult", "involve", "collaborate", "empower")
STAGES = ("development", "implementation", "throughout")
DEFINITIONS = {
    "moderate_or_transformative": "ambition",
    "ambitious_and_relevant": "ambition",
    "transformative": "ambition",
    "substantial_potential": "ambition",
    "complete": "completion",
    "substantial_or_complete": "completion",
    "major_or_outstanding": "early_results",
    "significant": "early_results",
}
FIGURES = {"ambition": "4.3", "completion": "4.5", "early_results": "4.9"}
DEFAULTS = {  # what each figure shows
    ("ambition", "moderate_or_transformative", "development"),
    ("completion", "complete", "throughout"),
    ("early_results", "major_or_outstanding", "throughout"),
}
COUNTS = (
    "plans",
    "commitments",
    "hits",
    "commitments_end_of_term",
    "commitments_progress",
    "first_year",
    "last_year",
    "plans_at_level",
    "commitments_at_level",
)
SHARES = ("pooled_share", "mean_plan_share", "standard_error", "ci_low", "ci_high", "share_assessed")


# --- the recomputation: no SQL, no pandas, from the cells of the files (DOMAIN.md sections 2, 3 and 5)


def lines(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


HEADER_STARTS = (["Country"], ["Country name"], ["Commitment Unique Identifier"])


def header_at(rows: list[list[str]]) -> int:
    """The position of the last header row: the process file repeats it."""
    return max(position for position, row in enumerate(rows) if row[:1] in HEADER_STARTS)


def records(path: Path) -> list[Row]:
    """The rows below the header by column, without blank ones."""
    rows = lines(path)
    start = header_at(rows)
    return [dict(zip(rows[start], row, strict=True)) for row in rows[start + 1 :] if any(row)]


def folded(label: str) -> str:
    return re.sub(r"^[a-e]\. *", "", label.strip().lower())


def member_names(*tables: tuple[Path, str, str]) -> dict[str, str]:
    """Spelling -> member id, from tables of (file, column of the id, column of names separated by bars)."""
    return {
        folded(name): row[id_column]
        for path, id_column, name_column in tables
        for row in csv.DictReader(path.open(encoding="utf-8", newline=""))
        for name in row[name_column].split("|")
        if name
    }


def plan_key(country: str, number: str, members: Mapping[str, str]) -> tuple[str, int] | None:
    member = members.get(folded(country))
    return (member, int(number)) if member and number.isdigit() else None


def levels_of(row: Row) -> dict[str, str]:
    """The level of each stage: six levels, not_reviewed or no_data; NA is read by stage and year."""
    missing = {"nr": "not_reviewed", "nd": "no_data"}
    written = {"development": folded(row[DEVELOPMENT]), "implementation": folded(row[IMPLEMENTATION])}
    levels = {stage: missing.get(label, label) for stage, label in written.items()}
    if written["development"] == "na":
        levels["development"] = "no_consultation"
    if written["implementation"] == "na":
        levels["implementation"] = "no_consultation" if int(row["Year AP Submitted"]) >= 2013 else "no_data"
    both = [LEVELS.index(level) for level in levels.values() if level in LEVELS]
    levels["throughout"] = LEVELS[min(both)] if len(both) == 2 else "no_data"
    return levels


def is_relevant(row: Row) -> bool:
    """As far as a hit needs it: what is not known counts as not relevant."""
    written = [row[name] for name in VALUES]
    return "1" in written or (written == ["ND"] * 3 and row["_Relevant"] == "1")


def judgements(row: Row) -> dict[str, tuple[bool, str | None]]:
    """Definition -> (hit, assessment it is from) for each definition a commitment was assessed on."""
    found: dict[str, tuple[bool, str | None]] = {}
    impact, results = folded(row[IMPACT]), folded(row[RESULTS])
    if impact in ("none", "worsens", "minor", "moderate", "transformative"):
        is_ambitious = impact in ("moderate", "transformative")
        found["moderate_or_transformative"] = (is_ambitious, None)
        found["ambitious_and_relevant"] = (is_ambitious and is_relevant(row), None)
        found["transformative"] = (impact == "transformative", None)
    has_end = folded(row[END]) not in ("nr", "nd", "na")
    latest = folded(row[END] if has_end else row[PROGRESS])
    if latest in ("not started", "limited", "substantial", "complete"):
        basis = "end_of_term" if has_end else "progress"
        found["complete"] = (latest == "complete", basis)
        found["substantial_or_complete"] = (latest in ("substantial", "complete"), basis)
    no_hits = ("worsens", "none", "did not change", "marginal", "no early results to report yet")
    if results in (*no_hits, "major", "outstanding"):
        found["major_or_outstanding"] = (results not in no_hits, "end_of_term")
    return found


class Recomputed:
    """Plans by key with their commitments, years and levels, and what follows for the figures."""

    def __init__(
        self, commitments: list[Row], process: list[Row], members: Mapping[str, str], nationals: set[str]
    ) -> None:
        self.commitments: dict[tuple[str, int], list[Row]] = defaultdict(list)
        for cells in dict.fromkeys(tuple(row.items()) for row in commitments):  # identical rows count once
            row = dict(cells)
            key = plan_key(row["Country"], row["Action Plan Number"], members)
            if key and key[0] in nationals:
                self.commitments[key].append(row)
        self.process = {}
        for row in process:
            key = plan_key(row["Country name"], row["Action Plan Number"], members)
            if key and key[0] in nationals:
                assert key not in self.process
                self.process[key] = row
        self.plans = {*self.commitments, *self.process}
        self.levels = {key: levels_of(row) for key, row in self.process.items()}

    def year(self, key: tuple[str, int]) -> int:
        """The most frequent year of the commitments, of a tie the earlier, else that of the process file."""
        years = Counter(int(row["Year of submission"]) for row in self.commitments.get(key, []))
        if not years:
            return int(self.process[key]["Year AP Submitted"])
        return min(years, key=lambda year: (-years[year], year))

    def stages(self) -> dict[tuple[str, str], tuple[int, int]]:
        """(level in development, level in implementation) -> plans, commitments."""
        found: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
        for key in self.plans:
            levels = self.levels.get(key, dict.fromkeys(STAGES, "no_data"))
            pair = found[levels["development"], levels["implementation"]]
            pair[0] += 1
            pair[1] += len(self.commitments.get(key, []))
        return {pair: tuple(counts) for pair, counts in found.items()}

    def cell(self, definition: str, stage: str, level: str) -> dict[str, Any]:
        at_level = [key for key in self.levels if self.levels[key][stage] == level]
        judged = {
            key: found
            for key in at_level
            if (
                found := [
                    by[definition] for row in self.commitments.get(key, []) if definition in (by := judgements(row))
                ]
            )
        }
        sizes = {key: (sum(hit for hit, _ in found), len(found)) for key, found in judged.items()}
        years = [self.year(key) for key in judged]
        at_stake = sum(len(self.commitments.get(key, [])) for key in at_level)
        cell = figures(list(sizes.values()))
        bases = Counter(basis for found in judged.values() for _, basis in found)
        is_ambition = DEFINITIONS[definition] == "ambition"
        return cell | {
            "commitments_end_of_term": None if is_ambition else bases["end_of_term"],
            "commitments_progress": None if is_ambition else bases["progress"],
            "share_assessed": cell["commitments"] / at_stake if at_stake else None,
            "first_year": min(years, default=None),
            "last_year": max(years, default=None),
            "plans_at_level": len(at_level),
            "commitments_at_level": at_stake,
        }


def figures(plans: list[tuple[int, int]]) -> dict[str, Any]:
    """Counts, shares, standard error and interval of a cell from the (hits, commitments) of its plans."""
    m, n, k = len(plans), sum(size for _, size in plans), sum(hits for hits, _ in plans)
    cell: dict[str, Any] = dict.fromkeys(("pooled_share", "mean_plan_share", "standard_error", "ci_low", "ci_high"))
    cell |= {"plans": m, "commitments": n, "hits": k, "is_suppressed": m < 3}
    cell["interval_status"] = "empty" if m == 0 else "suppressed"
    if m >= 3:
        share = k / n
        error = math.sqrt(m / (m - 1) * math.fsum((hits - share * size) ** 2 for hits, size in plans)) / n
        has_no_variation = all(hits * n == k * size for hits, size in plans)
        error = 0.0 if has_no_variation else error
        cell |= {"pooled_share": share, "standard_error": error}
        cell["mean_plan_share"] = math.fsum(hits / size for hits, size in plans) / m
        cell["interval_status"] = "too_few_plans" if m < 5 else "no_variation" if has_no_variation else "shown"
        if cell["interval_status"] == "shown":
            reach = float(stats.t.ppf(0.975, m - 1)) * error
            cell |= {"ci_low": max(0.0, share - reach), "ci_high": min(1.0, share + reach)}
    return cell


def vital_signs(world: World) -> dict[Cell, dict[str, Any]]:
    rows = world.rows("select * from metrics.vital_signs")
    return {(row["outcome"], row["definition"], row["stage"], row["level"]): row for row in rows}


def differences(found: Mapping[str, Any], expected: Mapping[str, Any]) -> list[str]:
    """What differs in one cell: counts and kinds exactly, shares by more than 1e-9."""
    lines = []
    for name, value in expected.items():
        if name in SHARES and None not in (value, found[name]):
            agrees = math.isclose(found[name], value, rel_tol=0, abs_tol=1e-9)
        else:
            agrees = found[name] == value
        if not agrees:
            lines.append(f"{name}: found {found[name]}, expected {value}")
    return lines


def check_every_cell(world: World, recomputed: Recomputed) -> None:
    found = vital_signs(world)
    faults = [
        (definition, stage, level, fault)
        for definition, outcome in DEFINITIONS.items()
        for stage in STAGES
        for level in LEVELS
        for fault in differences(found[outcome, definition, stage, level], recomputed.cell(definition, stage, level))
    ]
    assert not faults
    assert len(found) == len(DEFINITIONS) * len(STAGES) * len(LEVELS) == 144


def check_every_pair(world: World, recomputed: Recomputed, later: Sequence[int] = ()) -> None:
    """`later` holds the commitments of each whole national plan that stands in the master alone: it has no level."""
    rows = world.rows("select * from metrics.influence_stages")
    found = {
        (row["development_level"], row["implementation_level"]): (row["plans"], row["commitments"]) for row in rows
    }
    expected = recomputed.stages()
    if later:
        plans, commitments = expected.get(("no_data", "no_data"), (0, 0))
        expected["no_data", "no_data"] = (plans + len(later), commitments + sum(later))
    assert {pair: counts for pair, counts in found.items() if counts != (0, 0)} == expected
    kinds = {*LEVELS, "not_reviewed", "no_data"}
    assert set(found) == {(one, other) for one in kinds for other in kinds}
    for row in rows:
        both = [row["development_level"], row["implementation_level"]]
        ranks = [LEVELS.index(level) for level in both if level in LEVELS]
        assert row["throughout_level"] == (LEVELS[min(ranks)] if len(ranks) == 2 else "no_data")


# --- generated samples


@pytest.fixture(scope="module")
def sample(tmp_path_factory, catalog) -> Callable[..., World]:
    """(seed, planted effect) -> a world of that sample; built once each."""
    built: dict[tuple[int, float], World] = {}

    def build(seed: int, effect: float = 0.0) -> World:
        if (seed, effect) not in built:
            world = World(tmp_path_factory.mktemp("sample"), catalog)
            write_sample(world.inputs, seed=seed, planted_effect=effect)
            built[seed, effect] = world.build()
        return built[seed, effect]

    return build


def recomputed_sample(folder: Path) -> Recomputed:
    members = folder / MEMBERS_FILE
    names = member_names((members, "Member ID", "Member name"), (members, "Member ID", "Aliases"))
    commitments, process = records(folder / EXPLORER_FILE), records(folder / PROCESS_FILE)
    return Recomputed(commitments, process, names, set(names.values()))


def later_plans(folder: Path) -> list[int]:
    """The commitments of each national plan of the sample's master; one whose id cannot be read is refused."""
    with (folder / MASTER_FILE).open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["National Or Local"] == "National"]
    readable = [row for row in rows if re.fullmatch(r"[A-Z]{2,4}\d{4}", row["Commitment Unique Identifier"])]
    return list(Counter(row["Action Plan ID"] for row in readable).values())


SAMPLES = [(1, 0.0), (2, 0.0), (3, 0.0), (1, 0.15)]


@pytest.mark.parametrize(("seed", "effect"), SAMPLES)
def test_every_cell_of_a_sample_is_recomputed(sample, seed, effect):
    world = sample(seed, effect)
    recomputed = recomputed_sample(world.inputs)
    check_every_cell(world, recomputed)
    check_every_pair(world, recomputed, later_plans(world.inputs))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_samples_exercise_the_rules(sample, seed):
    """Otherwise the recomputation would agree about nothing: most kinds of cell occur."""
    cells = vital_signs(sample(seed)).values()
    kinds = Counter(row["interval_status"] for row in cells)
    assert kinds["shown"] >= 40 and kinds["empty"] >= 36 and kinds["suppressed"] + kinds["too_few_plans"] >= 5
    assert sum(row["commitments_progress"] or 0 for row in cells) > 0
    assert sum(row["commitments_end_of_term"] or 0 for row in cells) > 0


@pytest.fixture(scope="module", params=["sample", "by hand"])
def any_world(request, sample, by_hand) -> World:
    return sample(1) if request.param == "sample" else by_hand


def test_figures_and_defaults(any_world):
    for (outcome, definition, stage, level), row in vital_signs(any_world).items():
        assert row["figure"] == FIGURES[outcome]
        assert row["is_default"] == ((outcome, definition, stage) in DEFAULTS)
        assert row["level_rank"] == LEVELS.index(level)


def test_status_suppression_and_clipping(any_world):
    """Under 3 plans no share; under 5, or without variation, no interval."""
    for row in vital_signs(any_world).values():
        plans, error = row["plans"], row["standard_error"]
        assert row["is_suppressed"] == (plans < 3)
        for name in ("pooled_share", "mean_plan_share", "standard_error"):
            assert (row[name] is None) == (plans < 3)
        expected = "empty" if plans == 0 else "suppressed" if plans < 3 else "too_few_plans" if plans < 5 else None
        assert row["interval_status"] == (expected or ("no_variation" if error == 0 else "shown"))
        for name in ("ci_low", "ci_high"):
            assert (row[name] is None) == (row["interval_status"] != "shown")
        if row["interval_status"] == "shown":
            assert 0 <= row["ci_low"] <= row["pooled_share"] <= row["ci_high"] <= 1


def slope(world: World, outcome: str, definition: str, stage: str) -> float:
    """What one level of public influence adds to the pooled share, weighted by commitments."""
    points = [
        (row["level_rank"], row["pooled_share"], row["commitments"])
        for key, row in vital_signs(world).items()
        if key[:3] == (outcome, definition, stage) and row["pooled_share"] is not None
    ]
    weight = sum(n for *_, n in points)
    middle_x = sum(x * n for x, _, n in points) / weight
    middle_y = sum(y * n for _, y, n in points) / weight
    spread = sum(n * (x - middle_x) ** 2 for x, _, n in points)
    return sum(n * (x - middle_x) * (y - middle_y) for x, y, n in points) / spread


@pytest.mark.parametrize("figure", sorted(DEFAULTS))
def test_a_planted_association_is_found_and_none_is_invented(sample, figure):
    """0.15 per level was planted for seed 1; without it the slope is noise of the plans, either way."""
    assert slope(sample(1, 0.15), *figure) > 0.09
    unplanted = [slope(sample(seed), *figure) for seed in (1, 2, 3)]
    assert max(map(abs, unplanted)) < 0.06, unplanted


# --- quantiles


def test_student_t_equals_scipy(sample):
    rows = sample(1).rows("select * from reference.student_t")
    assert [row["degrees_of_freedom"] for row in rows] == list(range(1, len(rows) + 1)) and len(rows) >= 300
    for row in rows:
        assert row["quantile_975"] == pytest.approx(float(stats.t.ppf(0.975, row["degrees_of_freedom"])), abs=1e-12)


# --- worked by hand

# Level in development -> (moderate, commitments) of each plan. Every plan is of another year.
BY_HAND = {
    # one plan: counts alone
    "Empower": [(1, 3)],
    # two plans 1/2 and 3/4: n = 6, k = 4, p = 2/3; k_i - p n_i = -1/3 and 1/3; sum of squares 2/9;
    # se = sqrt(2/1 * 2/9) / 6 = (2/3) / 6 = 1/9. Under 3 plans: nothing of it may be told.
    "Collaborate": [(1, 2), (3, 4)],
    # three plans 1/2, 3/4, 2/4: n = 10, k = 6, p = 0.6; k_i - p n_i = -0.2, 0.6, -0.4; squares 0.56;
    # se = sqrt(3/2 * 0.56) / 10 = sqrt(0.84) / 10; mean of shares (0.5 + 0.75 + 0.5) / 3 = 7/12
    "Involve": [(1, 2), (3, 4), (2, 4)],
    # five plans 0/2, 1/2, 1/2, 2/2, 2/2: n = 10, k = 6, p = 0.6; k_i - p n_i = -1.2, -0.2, -0.2, 0.8, 0.8;
    # squares 1.44 + 0.04 + 0.04 + 0.64 + 0.64 = 2.8; se = sqrt(5/4 * 2.8) / 10 = sqrt(3.5) / 10 = 0.1871;
    # t(4) = 2.7764 -> 0.6 +- 0.5194: from 0.0806 to 1.1194, clipped to 1
    "Consult": [(0, 2), (1, 2), (1, 2), (2, 2), (2, 2)],
    # five plans, half of each: no variation, so no interval
    "Inform": [(1, 2), (2, 4), (1, 2), (1, 2), (2, 4)],
}
BY_HAND_CELLS = {
    "empower": {"plans": 1, "commitments": 3, "hits": 1, "interval_status": "suppressed", "pooled_share": None}
    | {"mean_plan_share": None, "standard_error": None, "ci_low": None, "ci_high": None, "is_suppressed": True},
    "collaborate": {"plans": 2, "commitments": 6, "hits": 4, "interval_status": "suppressed", "pooled_share": None}
    | {"mean_plan_share": None, "standard_error": None, "ci_low": None, "ci_high": None, "is_suppressed": True},
    "involve": {"plans": 3, "commitments": 10, "hits": 6, "interval_status": "too_few_plans", "pooled_share": 0.6}
    | {"mean_plan_share": 7 / 12, "standard_error": math.sqrt(0.84) / 10, "ci_low": None, "ci_high": None},
    "consult": {"plans": 5, "commitments": 10, "hits": 6, "interval_status": "shown", "pooled_share": 0.6}
    | {"mean_plan_share": 0.6, "standard_error": math.sqrt(3.5) / 10, "ci_high": 1.0}
    | {"ci_low": 0.6 - 2.776445105197793 * math.sqrt(3.5) / 10},
    "inform": {"plans": 5, "commitments": 14, "hits": 7, "interval_status": "no_variation", "pooled_share": 0.5}
    | {"mean_plan_share": 0.5, "standard_error": 0.0, "ci_low": None, "ci_high": None, "is_suppressed": False},
    "no_consultation": {"plans": 0, "commitments": 0, "hits": 0, "interval_status": "empty", "pooled_share": None}
    | {"first_year": None, "last_year": None, "share_assessed": None, "is_suppressed": True, "plans_at_level": 0},
}


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory, catalog) -> World:
    """The plans of BY_HAND (Albania), and what must stay outside: a local, unassessed rows, empty plans."""
    world = World(tmp_path_factory.mktemp("by_hand"), catalog)
    commitments: list[Row] = []
    plans: list[Row] = []
    number = 0
    for level, shares in BY_HAND.items():
        for hits, size in shares:
            number += 1
            plan, year = {"Action Plan Number": str(number)}, str(2012 + number)
            plans.append(plan | {DEVELOPMENT: level, IMPLEMENTATION: "NR", "Year AP Submitted": year})
            commitments += [
                plan | {"Comm No": str(n), IMPACT: "Moderate" if n < hits else "Minor", "Year of submission": year}
                for n in range(size)
            ]
    unassessed = {"Action Plan Number": "1", IMPACT: "Unclear", "Year of submission": "2013"}
    commitments += [unassessed | {"Comm No": f"u{n}"} for n in range(2)]
    only_unassessed = {"Country": "Armenia", IMPACT: "NR", "Year of submission": "2011"}
    local = {"Country": "Scotland", "Year of submission": "2010"}
    commitments += [only_unassessed, local]
    plans += [
        {"Country name": "Armenia", DEVELOPMENT: "Empower", IMPLEMENTATION: "NR", "Year AP Submitted": "2011"},
        {"Country name": "Scotland", DEVELOPMENT: "Empower", IMPLEMENTATION: "NR", "Year AP Submitted": "2010"},
        {"Country name": "Brazil", DEVELOPMENT: "Empower", IMPLEMENTATION: "NR", "Year AP Submitted": "2012"},
    ]
    world.commitments(*commitments)
    world.plans(*plans)
    return world.build()


@pytest.mark.parametrize("level", LEVELS)
def test_cells_worked_by_hand(by_hand, level):
    cell = vital_signs(by_hand)["ambition", "moderate_or_transformative", "development", level]
    assert not differences(cell, BY_HAND_CELLS[level])


def test_outside_the_denominator(by_hand):
    """Unassessed commitments and plans lower the share assessed; a local plan is not there at all."""
    cell = vital_signs(by_hand)["ambition", "moderate_or_transformative", "development", "empower"]
    # Albania 1 (3 assessed, 2 unclear), Armenia (1 not reviewed), Brazil (no commitments); not Scotland
    assert (cell["plans"], cell["plans_at_level"], cell["commitments_at_level"]) == (1, 3, 6)
    assert cell["share_assessed"] == pytest.approx(3 / 6, abs=1e-12)
    assert (cell["first_year"], cell["last_year"]) == (2013, 2013)  # the years of the plans that are in the cell


def test_years_of_a_cell_are_those_of_its_plans(by_hand):
    """Plans 1, 2 to 3, 4 to 6, 7 to 11 and 12 to 16, one year each from 2013."""
    cells = vital_signs(by_hand)
    years = {
        level: tuple(
            cells["ambition", "moderate_or_transformative", "development", level][name]
            for name in ("first_year", "last_year")
        )
        for level in LEVELS[1:]
    }
    assert years == {
        "empower": (2013, 2013),
        "collaborate": (2014, 2015),
        "involve": (2016, 2018),
        "consult": (2019, 2023),
        "inform": (2024, 2028),
    }


# --- the real files


@pytest.fixture(scope="module")
def real(real_world: World) -> World:
    """The real files, read as a run reads them, with every table built."""
    return real_world


def test_every_row_of_the_real_files_is_accounted_for(real):
    for source, rows in (("explorer_commitments", 1336), ("process_database", 79)):
        counts = [
            real.rows(f"select count(*) as rows from {schema}.{source}")[0]["rows"]
            for schema in ("raw", "staging", "quarantine")
        ]
        assert counts[0] == rows == counts[1] + counts[2]


def test_real_cells_equal_those_computed_elsewhere(real, real_data):
    """Every cell of the reference, to the last hit; every cell it does not name is empty."""
    path = real_data.parent / "reference" / "vital_signs_expected.json"
    if not path.exists():
        pytest.skip("../shared/reference is not here")
    expected = {
        (cell["outcome"], cell["definition"], cell["stage"], cell["level"]): cell
        for cell in json.loads(path.read_text(encoding="utf-8"))
    }
    found = vital_signs(real)
    told = ("pooled_share", "mean_plan_share", "standard_error")
    faults = {}
    for key, row in found.items():
        cell = expected.pop(key, {"plans": 0, "commitments": 0, "hits": 0})
        counted = {name: cell[name] for name in ("plans", "commitments", "hits")}
        shown = {name: cell[name] if cell["plans"] >= 3 else None for name in told}
        if lines := differences(row, counted | shown):
            faults[key] = lines
    assert not faults
    assert not expected  # every cell of the reference was found


def real_recomputed(real_data: Path) -> Recomputed:
    """The figures of the real files, computed from their own columns."""
    reference = PACKAGE_DIR / "reference"
    names = member_names(
        (reference / "members.csv", "member_id", "member_name"),
        (reference / "member_aliases.csv", "member_id", "alias"),
    )
    with (reference / "members.csv").open(encoding="utf-8", newline="") as file:
        nationals = {row["member_id"] for row in csv.DictReader(file) if row["member_type"] == "national"}
    explorer, process, _ = real_files(real_data)
    plans = records(process)
    for row in plans:  # the process file numbers Lithuania's second plan 1 (DOMAIN.md section 1)
        if (row["Country name"], row["Year AP Submitted"]) == ("Lithuania", "2014"):
            row["Action Plan Number"] = "2"
    return Recomputed(records(explorer), plans, names, nationals)


def test_real_cells_are_recomputed(real, real_data):
    recomputed = real_recomputed(real_data)
    check_every_cell(real, recomputed)
    check_every_pair(real, recomputed)


def real_files(folder: Path) -> tuple[Path, Path, Path]:
    """The commitments of 2016, the process file and the extract of the master."""
    return tuple(next(folder.glob(f"{name}/*.csv")) for name in ("explorer-2016", "process-2016", "master-2024"))


# --- rows in another order


def rewrite(source: Path, target: Path, change: Callable[[list[list[str]]], list[list[str]]]) -> None:
    """Copy a CSV file with its data rows changed; what stands above them stays."""
    rows = lines(source)
    start = header_at(rows) + 1
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows[:start] + change(rows[start:]))


def shuffled(rows: list[list[str]]) -> list[list[str]]:
    return Random(2016).sample(rows, len(rows))


def contents(world: World, *schemas: str) -> dict[str, list[dict[str, Any]]]:
    """Every public table of the schemas, without the columns that say where a row stood."""
    return {
        model.name: sorted(world.rows(f"select {', '.join(unplaced(model))} from {model.name}"), key=repr)
        for model in world.catalog.public
        if model.schema in schemas
    }


def unplaced(model: Model) -> list[str]:
    return [name for name in model.contract.columns if not name.startswith("_source_")]


def check_same(one: World, other: World) -> None:
    ours, theirs = contents(one, "staging", "marts", "metrics"), contents(other, "staging", "marts", "metrics")
    assert {"staging.explorer_commitments", "marts.commitments", "metrics.vital_signs"} <= set(ours)
    assert all(ours[name] for name in ("staging.process_database", "marts.commitment_policy_areas", "marts.results"))
    for name, rows in ours.items():
        assert len(rows) == len(theirs[name]) and rows == theirs[name], name


def test_a_sample_with_its_rows_shuffled_is_the_same(sample, tmp_path, catalog):
    original, world = sample(1), World(tmp_path, catalog)
    shutil.copytree(original.inputs, world.inputs, dirs_exist_ok=True)
    for file in (EXPLORER_FILE, PROCESS_FILE):
        rewrite(original.inputs / file, world.inputs / file, shuffled)
        assert (original.inputs / file).read_bytes() != (world.inputs / file).read_bytes()
    check_same(original, world.build())


@pytest.fixture(scope="module")
def real_copy(tmp_path_factory, catalog, real_data) -> Callable[[], World]:
    """A new world with a copy of the real files and their manifest."""

    def copy() -> World:
        world = World(tmp_path_factory.mktemp("copy"), catalog)
        shutil.copyfile(real_data / "sources.yml", world.inputs / "sources.yml")
        for path in real_files(real_data):
            target = world.inputs / path.relative_to(real_data)
            target.parent.mkdir()
            shutil.copyfile(path, target)
        pages = "self-assessment-us-nap5"
        shutil.copytree(real_data / pages, world.inputs / pages, copy_function=shutil.copyfile)
        return world

    return copy


def test_the_real_files_with_their_rows_shuffled_are_the_same(real, real_copy, real_data):
    world = real_copy()
    for path in real_files(real_data):
        rewrite(path, world.inputs / path.relative_to(real_data), shuffled)
    check_same(real, world.build())


# --- one date that cannot be read

UNREADABLE_DATE = "31/31/2014"


def date_order(text: str) -> str | None:
    """What a date proves of the order in which its plan writes dates."""
    match = re.fullmatch(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})", text.strip())
    if not match:
        return None
    first, second, year = map(int, match.groups())
    readings = {"day_first": (second, first), "month_first": (first, second)}
    possible = [order for order, (month, day) in readings.items() if is_day(year, month, day)]
    return possible[0] if len(possible) == 1 else None


def is_day(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def spoilable_lines(world: World) -> list[int]:
    """Of every fifth row, those with a readable, unambiguous end date on which no other date depends.

    A date whose plan would lose its proof of the order of dates is left alone: it changes other dates too.
    """
    rows = world.rows("select * from staging.explorer_commitments order by _source_row")
    doubted = {
        row["source_row"] for row in world.rows("select source_row from meta.problems where \"column\" = 'End Date'")
    }
    proofs: Counter = Counter()
    for row in rows:
        proofs.update((row["plan_id"], date_order(row[name] or "")) for name in ("start_date_text", "end_date_text"))
    chosen = []
    for row in rows[::5]:
        order = date_order(row["end_date_text"] or "")
        is_last_proof = order is not None and proofs[row["plan_id"], order] == 1
        is_plain = row["end_date"] and not row["end_date_is_ambiguous"] and row["_source_row"] not in doubted
        if is_plain and not is_last_proof:
            proofs[row["plan_id"], order] -= 1
            chosen.append(row["_source_row"])
    return chosen


def spoiled(world: World, source: Path, target: Path, positions: list[int]) -> World:
    """The world rebuilt with the end dates of some data rows (counted from 0) made unreadable."""
    rows = lines(source)
    column = rows[header_at(rows)].index("End Date")

    def change(data: list[list[str]]) -> list[list[str]]:
        for position in positions:
            data[position][column] = UNREADABLE_DATE
        return data

    rewrite(source, target, change)
    return world.build()


def problems(world: World) -> Counter:
    return Counter(tuple(row.values()) for row in world.rows("select * from meta.problems"))


def check_spoiled(world: World, original: World, count: int) -> None:
    """One problem more for each date, none less, and not one cell of the figures changed."""
    before, after = problems(original), problems(world)
    added = after - before
    assert not before - after
    told = ("End Date", "date_impossible", "unreadable", UNREADABLE_DATE, None)
    assert len(added) == sum(added.values()) == count
    assert {(source, *rest) for source, _, _, *rest in added} == {("explorer_commitments", *told)}
    found, expected = contents(world, "metrics"), contents(original, "metrics")
    # the file does have other bytes than before, and the day they were read is told
    days = [of.pop("metrics.data_through") for of in (found, expected)]
    assert [row | {"content_changed_date": None} for row in days[0]] == [
        row | {"content_changed_date": None} for row in days[1]
    ]
    assert found == expected


def test_unreadable_dates_of_the_real_files_change_no_figure(real, real_copy, real_data):
    """All of them at once, then three of them alone."""
    (source, *_), world = real_files(real_data), real_copy()
    chosen = positions_of(spoilable_lines(real), source)
    assert len(chosen) >= 30
    for positions in (chosen, chosen[:1], chosen[len(chosen) // 2 :][:1], chosen[-1:]):
        spoiled(world, source, world.inputs / source.relative_to(real_data), positions)
        check_spoiled(world, real, len(positions))


def positions_of(file_lines: list[int], path: Path) -> list[int]:
    """The data rows (counted from 0) that begin on lines of a file; a record can span several lines."""
    begins, position = {}, 0
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader, line = csv.reader(file), 1
        for position, _ in enumerate(reader):
            begins[line] = position
            line = reader.line_num + 1
    start = header_at(lines(path)) + 1
    return [begins[line] - start for line in file_lines]
