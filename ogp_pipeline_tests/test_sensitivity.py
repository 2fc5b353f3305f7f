"""How far a figure depends on choices, and what each figure says of itself: by hand, and recomputed from real files."""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from ogp_pipeline.errors import InputError
from ogp_pipeline.models import Catalog
from ogp_pipeline.release.figures import read_figures
from ogp_pipeline.settings import PACKAGE_DIR
from ogp_pipeline.store import connect
from ogp_pipeline_tests.test_vital_signs import (
    DEFAULTS,
    DEVELOPMENT,
    END,
    FIGURES,
    IMPACT,
    IMPLEMENTATION,
    LEVELS,
    PROGRESS,
    Recomputed,
    Row,
    folded,
    judgements,
    real_files,
    real_recomputed,
    records,
)
from ogp_pipeline_tests.world import World

TABLES = (
    "metrics.data_through",
    "metrics.figures",
    "metrics.vital_signs_sensitivity",
    "metrics.vital_signs_with_analysts",
)
CHOICES = (
    "pooled",
    "plan_mean",
    "clusters_once",
    "end_of_term_only",
    "progress_only",
    "with_analysts",
    "stage_development",
    "stage_implementation",
    "throughout_lowest",
    "throughout_highest",
    "throughout_equal",
    "excluded_as_failure",
    "excluded_as_success",
)
PER_CHOICE = (
    "choice_status",
    "plans_below_involve",
    "plans_involve_or_above",
    "share_below_involve",
    "share_involve_or_above",
    "difference",
    "direction",
    "agrees_with_default",
)


def by_choice(world: World, figure: str) -> dict[str, dict[str, Any]]:
    """choice -> what the table repeats at each of its six levels; it must repeat one thing."""
    found: dict[str, dict[str, Any]] = {}
    for row in world.rows(f"select * from metrics.vital_signs_sensitivity where figure = '{figure}'"):
        told = {name: row[name] for name in PER_CHOICE}
        assert found.setdefault(row["choice"], told) == told
    return found


def levels(world: World, figure: str, choice: str) -> dict[str, tuple[int, int, float, float | None]]:
    """level -> plans, commitments, hits, share, of the levels that have plans."""
    rows = world.rows(f"from metrics.vital_signs_sensitivity where figure = '{figure}' and choice = '{choice}'")
    assert {row["level"] for row in rows} == set(LEVELS) and len(rows) == 6
    return {row["level"]: (row["plans"], row["commitments"], row["hits"], row["share"]) for row in rows if row["plans"]}


def figures(world: World) -> dict[str, dict[str, Any]]:
    return {row["figure"]: row for row in world.rows("from metrics.figures")}


# --- one world in which every choice has another answer

DONE, NOT = ("Complete", "ND"), ("Limited", "ND")  # judged at mid-term alone
DONE_AT_END = ("Limited", "Complete")
UNCLEAR, UNCODED = ("Unclear", "ND"), ("NR", "ND")

# Each plan: level in development and implementation, then (impact, completion, cluster) of each commitment.
# Figure 4.5 (throughout, the lower of the two) has below Involve B1 1/4, B2 0/2, B3 2/3, B4 0/1, together 3/10;
# at Involve or above A1 1/2, A2 2/2, A3 1/3, together 4/7.
MODERATE, MINOR = "Moderate", "Minor"
PLANS: dict[str, tuple[str, str, list[tuple[str, tuple[str, str], str]]]] = {
    "B1": ("Consult", "Consult", [(MINOR, DONE, "Y"), (MINOR, NOT, "Y"), (MINOR, NOT, "NR"), (MINOR, NOT, "NR")]),
    "B2": ("Inform", "Involve", [(MODERATE, NOT, "NR"), (MODERATE, NOT, "NR")]),
    "B3": ("Consult", "Consult", [(MINOR, DONE, "X"), (MINOR, DONE, "X"), (MINOR, NOT, "NR")]),
    "B4": ("Consult", "Consult", [(MODERATE, NOT, "NR"), ("NR", UNCODED, "NR")]),
    "A1": ("Involve", "Involve", [(MODERATE, DONE, "NR"), (MINOR, NOT, "NR")]),
    "A2": ("Involve", "Involve", [(MODERATE, DONE_AT_END, "NR"), (MINOR, DONE, "NR")]),
    "A3": (
        "Collaborate",
        "Involve",
        [(MODERATE, DONE, "NR"), (MINOR, UNCLEAR, "NR"), (MINOR, NOT, "NR"), (MINOR, NOT, "X")],
    ),
}
OUTSIDE = ("Scotland", ("Empower", "Empower"))  # a local: no figure speaks of it


def write(world: World, plans: Mapping[str, Any]) -> World:
    """The plans as Albania's first, second, ... of 2014."""
    numbers = {name: {"Action Plan Number": str(number)} for number, name in enumerate(plans, start=1)}
    world.commitments(
        *(
            numbers[name] | {"Comm No": str(n), IMPACT: impact, PROGRESS: progress, END: end, "Cluster": cluster}
            for name, (_, _, commitments) in plans.items()
            for n, (impact, (progress, end), cluster) in enumerate(commitments, start=1)
        ),
        {"Country": OUTSIDE[0], PROGRESS: "Complete"},
    )
    world.plans(
        *(numbers[name] | {DEVELOPMENT: dev, IMPLEMENTATION: imp} for name, (dev, imp, _) in plans.items()),
        {"Country name": OUTSIDE[0], DEVELOPMENT: OUTSIDE[1][0], IMPLEMENTATION: OUTSIDE[1][1]},
    )
    return world


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory: pytest.TempPathFactory, catalog: Catalog) -> World:
    """PLANS, and an analyst who reads that B4's uncoded commitment was complete at mid-term."""
    world = write(World(tmp_path_factory.mktemp("by_hand"), catalog), PLANS)
    world.form(
        "irm_report_commitments",
        {
            "Member": "Albania",
            "Action plan number": "4",
            "Commitment ID": "2",
            "IRM product": "Progress report",
            "Report status": "Final",
            "Report date": "2016",
            "Coded by": "Ada",
            "Coded on": "2024-05-17",
            "Report URL": "https://www.example.org/irm/report.pdf",
            "Page": "12",
            "Quote": "The words of the report.",
            "Completion": "Complete",
        },
    )
    return world.build_for(*TABLES)


# choice -> status, plans and share below Involve, plans and share at Involve or above; figure 4.5
COMPLETION = {
    "pooled": ("default", 4, Fraction(3, 10), 3, Fraction(4, 7)),
    # (1/4 + 0/2 + 2/3 + 0/1) / 4 and (1/2 + 2/2 + 1/3) / 3
    "plan_mean": ("computed", 4, Fraction(11, 48), 3, Fraction(11, 18)),
    # B1: the cluster Y is half a hit, then two failures; B3: X is one hit, then a failure: (0.5 + 0 + 1 + 0) of
    # 3 + 2 + 2 + 1. A3's X is another plan's and holds one commitment: nothing changes above
    "clusters_once": ("computed", 4, Fraction(3, 16), 3, Fraction(4, 7)),
    # one commitment of A2 alone was judged at the end
    "end_of_term_only": ("not_computable", 0, None, 1, None),
    # A2 as mid-term saw it: 1/2
    "progress_only": ("computed", 4, Fraction(3, 10), 3, Fraction(3, 7)),
    # the analyst's commitment is B4's second
    "with_analysts": ("computed", 4, Fraction(4, 11), 3, Fraction(4, 7)),
    # the sides stay, A3 alone is at collaborate
    "stage_development": ("computed", 4, Fraction(3, 10), 3, Fraction(4, 7)),
    # B2 goes above: 3/8 and 4/9
    "stage_implementation": ("computed", 3, Fraction(3, 8), 4, Fraction(4, 9)),
    "throughout_lowest": ("same_as_default", 4, Fraction(3, 10), 3, Fraction(4, 7)),
    "throughout_highest": ("computed", 3, Fraction(3, 8), 4, Fraction(4, 9)),
    # B2 and A3 differ between the stages: two plans are left above
    "throughout_equal": ("not_computable", 3, Fraction(3, 8), 2, None),
    # B4's uncoded and A3's unclear commitment
    "excluded_as_failure": ("computed", 4, Fraction(3, 11), 3, Fraction(4, 8)),
    "excluded_as_success": ("computed", 4, Fraction(4, 11), 3, Fraction(5, 8)),
}


@pytest.mark.parametrize("choice", CHOICES)
def test_each_choice_by_hand(by_hand, choice):
    status, plans_below, below, plans_above, above = COMPLETION[choice]
    found = by_choice(by_hand, "4.5")[choice]
    assert found["choice_status"] == status
    assert (found["plans_below_involve"], found["plans_involve_or_above"]) == (plans_below, plans_above)
    for name, expected in (("share_below_involve", below), ("share_involve_or_above", above)):
        assert found[name] == (None if expected is None else pytest.approx(float(expected), abs=1e-12))
    comparable = below is not None and above is not None
    assert found["difference"] == (pytest.approx(float(above - below), abs=1e-12) if comparable else None)
    assert found["direction"] == ("higher" if comparable else "not_computable")
    assert found["agrees_with_default"] == (True if comparable else None)


LEVELS_BY_HAND = {
    "pooled": {"inform": (1, 2, 0, None), "consult": (3, 8, 3, 3 / 8), "involve": (3, 7, 4, 4 / 7)},
    "plan_mean": {"inform": (1, 2, 0, None), "consult": (3, 8, 3, 11 / 36), "involve": (3, 7, 4, 11 / 18)},
    "clusters_once": {"inform": (1, 2, 0, None), "consult": (3, 6, 1.5, 1 / 4), "involve": (3, 7, 4, 4 / 7)},
    "end_of_term_only": {"involve": (1, 1, 1, None)},
    "stage_development": {
        "inform": (1, 2, 0, None),
        "consult": (3, 8, 3, 3 / 8),
        "involve": (2, 4, 3, None),
        "collaborate": (1, 3, 1, None),
    },
    "throughout_highest": {
        "consult": (3, 8, 3, 3 / 8),
        "involve": (3, 6, 3, 3 / 6),
        "collaborate": (1, 3, 1, None),
    },
    "throughout_equal": {"consult": (3, 8, 3, 3 / 8), "involve": (2, 4, 3, None)},
    "excluded_as_success": {"inform": (1, 2, 0, None), "consult": (3, 9, 4, 4 / 9), "involve": (3, 8, 5, 5 / 8)},
}


@pytest.mark.parametrize("choice", LEVELS_BY_HAND)
def test_levels_of_a_choice_by_hand(by_hand, choice):
    """Under 3 plans a level keeps its counts and tells no share; the local is in none."""
    found, expected = levels(by_hand, "4.5", choice), LEVELS_BY_HAND[choice]
    assert set(found) == set(expected)
    for level, (*counts, share) in expected.items():
        assert found[level][:3] == pytest.approx(tuple(counts), abs=1e-12)
        assert found[level][3] == (None if share is None else pytest.approx(share, abs=1e-12))


def test_a_conclusion_that_every_choice_shares_is_stable(by_hand):
    row = figures(by_hand)["4.5"]
    assert (row["conclusion_stable"], row["choices_compared"], row["choices_agreeing"]) == (True, 9, 9)
    assert "The direction is the same under all 9 choices compared." in row["sentence"]


def test_a_conclusion_that_one_choice_turns_is_not_stable(by_hand):
    """Ambition: pooled 3/10 below and 3/8 above; by plan (0 + 1 + 0 + 1) / 4 below and (1/2 + 1/2 + 1/4) / 3 above."""
    found = by_choice(by_hand, "4.3")
    assert (found["pooled"]["direction"], found["plan_mean"]["direction"]) == ("higher", "lower")
    assert found["plan_mean"]["difference"] == pytest.approx(5 / 12 - 1 / 2, abs=1e-12)
    assert found["plan_mean"]["agrees_with_default"] is False
    for choice in ("end_of_term_only", "progress_only"):  # ambition is coded once
        assert found[choice]["choice_status"] == "not_applicable"
        assert levels(by_hand, "4.3", choice) == {}
    assert found["stage_development"]["choice_status"] == "same_as_default"
    # no analyst read a potential impact: the choice tests nothing and counts neither for nor against
    assert found["with_analysts"]["choice_status"] == "same_as_default"
    row = figures(by_hand)["4.3"]
    assert row["conclusion_stable"] is False
    assert row["choices_agreeing"] < row["choices_compared"]


def test_a_conclusion_that_cannot_be_computed_is_unknown(by_hand):
    """Early results: nothing is coded. Under the bounds there are numbers, and no default to compare them with."""
    found = by_choice(by_hand, "4.9")
    assert found["pooled"]["direction"] == "not_computable"
    assert (found["excluded_as_failure"]["direction"], found["excluded_as_success"]["direction"]) == ("equal", "equal")
    assert {row["agrees_with_default"] for row in found.values()} == {None}
    row = figures(by_hand)["4.9"]
    assert (row["conclusion_stable"], row["choices_compared"], row["choices_agreeing"]) == (None, 0, 0)


def test_the_figures_tell_what_they_are(by_hand):
    found = figures(by_hand)
    assert {figure: row["status"] for figure, row in found.items()} == {
        "4.3": "not_showable",
        "4.5": "partly_suppressed",
        "4.9": "not_showable",
    }
    completion = found["4.5"]
    assert (completion["levels_drawable"], completion["levels_suppressed"]) == (2, 1)
    assert (completion["reason"], completion["plans"], completion["commitments"]) == ("under 3 plans: inform", 7, 17)
    assert completion["share_progress"] == pytest.approx(16 / 17, abs=1e-12)
    assert completion["share_assessed"] == pytest.approx(17 / 19, abs=1e-12)
    assert completion["title"] == (
        "Figure 4.5: complete at the latest assessment, by level of public influence throughout (lowest of the two "
        "stages); 94 % of it mid-term; plans of 2014"
    )
    assert completion["subtitle"] == "Assessed on this outcome: 89 % of 19 commitments in 7 plans with a level."
    assert completion["sentence"].startswith(
        "Of commitments in plans at Involve or above 57 % were complete at the latest assessment (3 plans), of those "
        "below 30 % (4 plans): in these plans the share at Involve or above is higher. "
    )
    # inform holds one plan, the other three levels none: more plans would fill them, more codings would not
    assert completion["missing_input"].endswith("(no consultation, inform, collaborate, empower)")
    assert "IRM codings" not in completion["missing_input"]


def test_a_figure_names_the_codings_it_lacks(by_hand):
    """Consult and involve have 3 plans each throughout, none with early results: codings would fill these two."""
    row = figures(by_hand)["4.9"]
    assert row["missing_input"].startswith("end-of-term codings of 'did it open government' for plans with a level")
    assert "(consult, involve);" in row["missing_input"]
    assert "0 of 19 commitments in 0 of 7 plans with a level" in row["reason"]
    assert row["title"].endswith("; no assessed commitments")
    assert row["sentence"] == f"Figure 4.9 cannot be shown: {row['reason']}."


def test_what_is_written_of_a_figure_is_that_of_the_table(by_hand, tmp_path):
    """Pictures, text bars and Dagster read the words; a release without them is named, not a traceback."""
    database = tmp_path / "ogp.duckdb"
    reads = ["metrics.figures", "metrics.vital_signs"]
    with by_hand.store.session(reads, by_hand.catalog.macros) as connection:
        connection.execute(f"attach '{database}' as release")
        connection.execute("create schema release.metrics")
        connection.execute("create table release.metrics.vital_signs as from metrics.vital_signs")
        connection.execute("detach release")
    with pytest.raises(InputError, match=r"no metrics\.figures.*run `ogp-pipeline refresh`"):
        read_figures(database)
    with by_hand.store.session(reads, by_hand.catalog.macros) as connection:
        connection.execute(f"attach '{database}' as release")
        connection.execute("create table release.metrics.figures as from metrics.figures")
        connection.execute("detach release")
    found = {figure.name: figure for figure in read_figures(database)}
    for name, row in figures(by_hand).items():
        assert found[name].title == row["title"]
        assert found[name].notes[:2] == (row["subtitle"], row["sentence"])
        assert [cell["level"] for cell in found[name].cells] == list(LEVELS)


# --- no difference, few plans, nothing at all


@pytest.fixture(scope="module")
def equal(tmp_path_factory, catalog) -> World:
    """Three plans a side. Ambition pooled 4/8 on both; of the third plan above no completion is coded."""
    yes, no = (MODERATE, DONE, "NR"), (MINOR, NOT, "NR")
    below = ([yes], [no], [yes] * 3 + [no] * 3)
    above = ([yes] * 2, [yes, no], [(MODERATE, UNCODED, "NR"), *[(MINOR, UNCODED, "NR")] * 3])
    plans = {f"B{n}": ("Consult", "Consult", rows) for n, rows in enumerate(below)}
    plans |= {f"A{n}": ("Involve", "Involve", rows) for n, rows in enumerate(above)}
    return write(World(tmp_path_factory.mktemp("equal"), catalog), plans).build_for(*TABLES)


def test_no_difference_is_a_direction_and_can_be_unstable(equal):
    """By plan (1 + 0 + 3/6) / 3 below, (2/2 + 1/2 + 1/4) / 3 above: one choice finds a difference."""
    found, row = by_choice(equal, "4.3"), figures(equal)["4.3"]
    assert (found["pooled"]["direction"], found["plan_mean"]["direction"]) == ("equal", "higher")
    assert found["pooled"]["share_below_involve"] == found["pooled"]["share_involve_or_above"] == 0.5
    assert found["plan_mean"]["difference"] == pytest.approx(7 / 12 - 1 / 2, abs=1e-12)
    # both stages are coded the same and no cluster is there: nothing else changes a number
    assert {choice for choice, told in found.items() if told["choice_status"] == "computed"} == {"plan_mean"}
    assert (row["conclusion_stable"], row["choices_compared"], row["choices_agreeing"]) == (False, 1, 0)
    assert (row["status"], row["reason"], row["missing_input"]) == ("shown", None, None)
    assert "no difference is seen. The direction depends on choices" in row["sentence"]
    assert "and not under: The mean of the plans' own shares." in row["sentence"]


def test_two_plans_on_a_side_tell_no_share(equal):
    """Under a bound the third plan comes in: there is a number, and no default to compare it with."""
    found, row = by_choice(equal, "4.5"), figures(equal)["4.5"]
    pooled, bound = found["pooled"], found["excluded_as_failure"]
    assert (pooled["plans_below_involve"], pooled["share_below_involve"]) == (3, 0.5)
    assert (pooled["plans_involve_or_above"], pooled["share_involve_or_above"]) == (2, None)
    assert (pooled["direction"], pooled["difference"]) == ("not_computable", None)
    assert (bound["choice_status"], bound["direction"], bound["agrees_with_default"]) == ("computed", "lower", None)
    assert (row["status"], row["conclusion_stable"], row["choices_compared"]) == ("not_showable", None, 0)
    assert "only one level has so many" in row["reason"]
    assert row["missing_input"].startswith("IRM codings of completion for plans with a level")


def test_nothing_to_show(tmp_path, catalog):
    """Commitments and not one level: the whole grid stands, empty, and every figure says why."""
    world = World(tmp_path, catalog)
    world.commitments({})
    world.plans({"Country name": "Armenia", DEVELOPMENT: "NR", IMPLEMENTATION: "NR"})
    world.build_for(*TABLES)
    rows = world.rows("from metrics.vital_signs_sensitivity")
    assert len(rows) == 3 * len(CHOICES) * len(LEVELS)
    assert {(row["plans"], row["commitments"], row["hits"], row["share"]) for row in rows} == {(0, 0, 0, None)}
    assert {row["is_suppressed"] for row in rows} == {True}
    for row in figures(world).values():
        assert row["status"] == "not_showable"
        assert "no plan has an assessed level of public influence" in row["reason"]
        assert "process data" in row["missing_input"] and "codings" not in row["missing_input"]
        assert row["title"].endswith("; no assessed commitments")


@pytest.mark.parametrize(
    ("select", "expected", "reason"),
    [
        ("percent(0)", "0 %", "nothing"),
        ("percent(0.004)", "under 1 %", "something is not nothing"),
        ("percent(0.005)", "1 %", "rounded"),
        ("percent(0.934)", "93 %", "rounded"),
        ("percent(0.994)", "99 %", "rounded"),
        ("percent(0.9999)", "over 99 %", "not all of it"),
        ("percent(1)", "100 %", "all"),
        ("counted(1, 'plan')", "1 plan", "one"),
        ("counted(0, 'plan')", "0 plans", "none"),
        ("counted(1234, 'plan')", "1,234 plans", "thousands"),
        ("year_span(2014, 2014)", "2014", "one year"),
        ("year_span(2012, 2014)", "2012-2014", "several"),
    ],
)
def test_numbers_in_words(catalog, select, expected, reason):
    with connect() as connection:
        connection.execute(catalog.macros)
        assert connection.execute(f"select {select}").fetchone()[0] == expected, reason


def test_the_choices_of_the_reference_are_those_tested():
    with (PACKAGE_DIR / "reference" / "sensitivity_choices.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(row["choice"] for row in rows) == CHOICES
    assert all(row["words"] and row["why"] for row in rows)


# --- the real files, in plain Python


@pytest.fixture(scope="module")
def real(real_world: World) -> World:
    """The real files, read as a run reads them, with every table built."""
    return real_world


@pytest.fixture(scope="module")
def recomputed(real_data) -> Recomputed:
    return real_recomputed(real_data)


def reading(levels_of_plan: Mapping[str, str], choice: str, stage: str) -> str | None:
    """The level a choice gives a plan; None where it has none."""
    both = [levels_of_plan[name] for name in ("development", "implementation")]
    ranks = [LEVELS.index(level) for level in both if level in LEVELS]
    if choice in ("throughout_highest", "throughout_equal"):
        if len(ranks) < 2 or (choice == "throughout_equal" and len(set(ranks)) > 1):
            return None
        return LEVELS[max(ranks)]
    stages = {
        "stage_development": "development",
        "stage_implementation": "implementation",
        "throughout_lowest": "throughout",
    }
    level = levels_of_plan[stages.get(choice, stage)]
    return level if level in LEVELS else None


def is_hit(row: Row, choice: str, definition: str) -> bool | None:
    """Whether a commitment is a hit under a choice; None where it is outside the denominator."""
    if choice in ("end_of_term_only", "progress_only"):
        label = folded(row[END if choice == "end_of_term_only" else PROGRESS])
        if definition != "complete" or label not in ("not started", "limited", "substantial", "complete"):
            return None
        return label == "complete"
    found = judgements(row).get(definition)
    if found is None:
        return {"excluded_as_failure": False, "excluded_as_success": True}.get(choice)
    return found[0]


def shares(plans: Sequence[list[tuple[str | None, bool]]], choice: str) -> tuple[int, int, Fraction, Fraction | None]:
    """Plans, commitments, hits and share of (cluster, hit) lists, one for each plan."""
    weighed = []
    for rows in plans:
        units: dict[Any, list[bool]] = defaultdict(list)
        for number, (cluster, hit) in enumerate(rows):
            units[cluster if choice == "clusters_once" and cluster else number].append(hit)
        weighed.append((sum(Fraction(sum(hits), len(hits)) for hits in units.values()), len(units)))
    hits, commitments = sum((hits for hits, _ in weighed), Fraction(0)), sum(size for _, size in weighed)
    if len(plans) < 3:
        return len(plans), commitments, hits, None
    mean = sum(Fraction(hits) / size for hits, size in weighed) / len(plans)
    return len(plans), commitments, hits, mean if choice == "plan_mean" else hits / commitments


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize(("outcome", "definition", "stage"), sorted(DEFAULTS))
def test_every_choice_is_recomputed_from_the_real_files(real, recomputed, outcome, definition, stage, choice):
    """No report is coded by analysts in these files: with them the figures are as they are."""
    at_level: dict[str, list[list[tuple[str | None, bool]]]] = defaultdict(list)
    for key, by_stage in recomputed.levels.items():
        rows = [
            (None if row["Cluster"] in ("NA", "ND", "NR", "None", "0", "") else row["Cluster"].strip(), hit)
            for row in recomputed.commitments.get(key, [])
            if (hit := is_hit(row, choice, definition)) is not None
        ]
        level = reading(by_stage, choice, stage)
        if rows and level:
            at_level[level].append(rows)
    found = levels(real, FIGURES[outcome], choice)
    expected = {level: shares(plans, choice) for level, plans in at_level.items()}
    assert set(found) == set(expected)
    for level, (plans, commitments, hits, share) in expected.items():
        assert found[level][:2] == (plans, commitments)
        assert math.isclose(found[level][2], hits, abs_tol=1e-9)
        assert found[level][3] == (None if share is None else pytest.approx(float(share), abs=1e-12))
    told = by_choice(real, FIGURES[outcome])[choice]
    for name, sides in (("below_involve", LEVELS[:3]), ("involve_or_above", LEVELS[3:])):
        plans, *_, share = shares([plan for level in sides for plan in at_level[level]], choice)
        assert told[f"plans_{name}"] == plans
        assert told[f"share_{name}"] == (None if share is None else pytest.approx(float(share), abs=1e-12))


def test_pooled_is_what_the_figures_show(real):
    pooled = real.rows(
        "select figure, level, plans, commitments, hits, share from metrics.vital_signs_sensitivity "
        "where choice = 'pooled' order by all"
    )
    shown = real.rows(
        "select figure, level, plans, commitments, hits, pooled_share as share from metrics.vital_signs "
        "where is_default order by all"
    )
    assert pooled == shown and len(shown) == 18 and sum(row["plans"] for row in shown) > 60


def test_with_analysts_is_the_variant(real, by_hand):
    """The choice and metrics.vital_signs_with_analysts are one computation told twice."""
    for world in (real, by_hand):
        ours = world.rows(
            "select figure, level, plans, commitments, hits, share from metrics.vital_signs_sensitivity "
            "where choice = 'with_analysts' order by all"
        )
        theirs = world.rows(
            "select figure, level, plans, commitments, hits, pooled_share as share "
            "from metrics.vital_signs_with_analysts where is_default order by all"
        )
        assert ours == theirs


def test_what_the_real_figures_say(real):
    found = figures(real)
    assert {figure: row["status"] for figure, row in found.items()} == {
        "4.3": "partly_suppressed",
        "4.5": "shown",
        "4.9": "not_showable",
    }
    assert "99 % of it mid-term; plans of 2013-2014" in found["4.5"]["title"]
    assert found["4.5"]["share_progress"] > 0.9
    assert "end-of-term codings of 'did it open government'" in found["4.9"]["missing_input"]


def test_how_far_the_real_data_reach(real, real_data):
    """From the files' own columns and sources.yml, which names the day each was released."""
    explorer = real.rows("select * from metrics.data_through where layout = 'explorer_commitments'")[0]
    file, process, _ = real_files(real_data)
    years = [int(row["Year of submission"]) for row in records(file)]
    reports = [
        int(row[f"Report publication year ({name})"])
        for row in records(file)
        for name in ("progress report", "end of term")
        if row[f"Report publication year ({name})"].isdigit()
    ]
    assert (explorer["latest_submitted_year"], explorer["latest_report_year"]) == (max(years), max(reports))
    assert explorer["content_changed_date"] == explorer["released_date"] == date(2016, 7, 1)
    plans = real.rows("select * from metrics.data_through where layout = 'process_database'")[0]
    assert plans["latest_submitted_year"] == max(int(row["Year AP Submitted"]) for row in records(process))
    assert plans["latest_report_year"] is None


def test_data_of_unknown_date_reach_as_far_as_they_say(by_hand):
    """A folder without sources.yml tells no date: it is not made up from the run."""
    found = {row["layout"]: row for row in by_hand.rows("from metrics.data_through")}
    assert set(found) == {"explorer_commitments", "process_database", "irm_report_commitments"}
    explorer = found["explorer_commitments"]
    assert (explorer["latest_submitted_year"], explorer["latest_report_year"]) == (2014, 2016)
    assert (explorer["released_date"], explorer["content_changed_date"]) == (None, None)


def test_an_edited_file_tells_the_day_its_other_content_was_read(world: World) -> None:
    """Until then the day of its release is all that is known; a run that finds the same again moves nothing."""
    rows = world.ten_plans()
    world.manifest("- {file: commitments.csv, released: 2016-07-01}\n")
    asked = "select content_changed_date from metrics.data_through where layout = 'explorer_commitments'"
    released = [{"content_changed_date": date(2016, 7, 1)}]
    assert world.build_for("metrics.data_through").rows(asked) == released
    assert world.build_for("metrics.data_through").rows(asked) == released
    world.commitments(*rows[1:])
    edited = world.build_for("metrics.data_through").rows(asked)
    assert edited[0]["content_changed_date"] > date(2016, 7, 1)
    assert world.build_for("metrics.data_through").rows(asked) == edited
