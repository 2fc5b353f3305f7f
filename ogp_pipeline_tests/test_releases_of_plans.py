"""Two releases of one plan, whole and partial, declared or detected; agreement with OGP's own derived columns."""

from __future__ import annotations

import csv
import shutil
from dataclasses import dataclass

import pytest

from ogp_pipeline.settings import PACKAGE_DIR
from ogp_pipeline_tests.world import MEMBERS, World

CODES = dict(zip(MEMBERS, ("ALB", "ARM", "CAN", "CHL", "HRV", "DNK", "GEO", "ISR", "ITA", "MEX"), strict=True))


def master_rows(plans: dict[str, int], number: int = 1) -> list[dict[str, str]]:
    """So many commitments of the plan `number` of each member."""
    return [
        {
            "Commitment Unique Identifier": f"{CODES[member][:2]}{number}{position:03}",
            "Country/Locality": member,
            "Code": CODES[member],
            "Action Plan Number": str(number),
            "Action Plan ID": f"AP_{CODES[member]}{number:02}",
            "Year Of Submission": "2014",
            "Action Plan End Year": "2016",
        }
        for member, count in plans.items()
        for position in range(1, count + 1)
    ]


@dataclass(frozen=True)
class Releases:
    """An older file with five commitments of each of ten plans, and a newer master; what becomes of Albania 1."""

    reason: str
    plans: dict[str, int]  # commitments of each plan in the newer file
    declared_partial: bool
    source: str  # layout that gives the commitments of Albania 1
    suspected: int  # plans a critical check names


RELEASES = [
    Releases("the newer whole release wins", dict.fromkeys(MEMBERS, 5), False, "master", 0),
    Releases("half of each plan is whole enough", dict.fromkeys(MEMBERS, 3), False, "master", 0),
    Releases("declared partial, however much it holds", dict.fromkeys(MEMBERS, 5), True, "explorer", 0),
    Releases("under half of one plan, not declared", {"Albania": 2, "Armenia": 5}, False, "explorer", 1),
    Releases(
        "an extract: under half of what it shares, though all of this plan",
        {"Albania": 5, **dict.fromkeys(MEMBERS[1:], 1)},
        False,
        "explorer",
        10,
    ),
]


@pytest.mark.parametrize("case", RELEASES, ids=lambda case: case.reason)
def test_which_release_gives_the_commitments(world, case):
    world.ten_plans()
    world.master(*master_rows(case.plans))
    partial = "\n  partial: true" if case.declared_partial else ""
    world.manifest(
        f"- file: commitments.csv\n  released: 2016-07-01\n- file: master.csv\n  released: 2024-07-03{partial}\n"
    )
    world.build()
    (plan,) = world.rows("select * from marts.action_plans where plan_id = 'AP_ALB01'")
    assert plan["source_release"].startswith(case.source)
    assert not plan["is_partial"]
    assert plan["end_year"] == 2016, "a release that is passed over still fills what the chosen one does not say"
    suspected = world.rows("select plan_id from marts.action_plans where has_suspected_partial_release")
    assert len(suspected) == case.suspected


def test_plans_that_only_an_extract_holds_are_partial_and_in_no_rate(world):
    """Also where nobody declared the extract: three plans it shares show what it is."""
    world.ten_plans()
    world.plans(*({"Country name": member, "Action Plan Number": n} for member in MEMBERS for n in "12"))
    world.master(*master_rows(dict.fromkeys(MEMBERS, 1)), *master_rows(dict.fromkeys(MEMBERS, 1), number=2))
    world.manifest("- file: master.csv\n  released: 2024-07-03\n")
    world.build()
    partial = world.rows("select plan_number, count(*) as plans from marts.action_plans where is_partial group by all")
    assert partial == [{"plan_number": 2, "plans": 10}]
    cells = world.rows(
        "select sum(commitments) as commitments from metrics.vital_signs "
        "where definition = 'complete' and stage = 'development'"
    )
    assert cells == [{"commitments": 50}]


def test_two_files_that_share_one_plan_are_no_pattern(world):
    """A file is an extract of what it shares with others, not of what it holds alone."""
    world.ten_plans()
    world.master(*master_rows({"Albania": 1}), *master_rows({"Armenia": 1}, number=2))
    world.manifest("- file: master.csv\n  released: 2024-07-03\n")
    world.build()
    plans = world.rows(
        "select plan_id, is_partial from marts.action_plans where has_suspected_partial_release or is_partial"
    )
    assert plans == [{"plan_id": "AP_ALB01", "is_partial": False}]


@pytest.fixture(scope="module")
def figures_of(tmp_path_factory, catalog, real_data):
    """The figures of the real files: with the extract as declared, without its declaration, and without it."""

    def build(keep_extract: bool, declared: bool) -> World:
        world = World(tmp_path_factory.mktemp("real"), catalog)
        for name in ("explorer-2016", "process-2016", *(["master-2024"] if keep_extract else [])):
            shutil.copytree(real_data / name, world.inputs / name)
        lines = (real_data / "sources.yml").read_text(encoding="utf-8").splitlines(keepends=True)
        world.manifest("".join(line for line in lines if declared or "partial: true" not in line))
        return world.build()

    return {
        "declared": build(keep_extract=True, declared=True),
        "undeclared": build(keep_extract=True, declared=False),
        "absent": build(keep_extract=False, declared=True),
    }


def test_the_extract_changes_no_figure(figures_of):
    figures = {
        name: world.rows("select * from metrics.vital_signs order by outcome, definition, stage, level")
        for name, world in figures_of.items()
    }
    assert figures["declared"] == figures["absent"]
    assert figures["undeclared"] == figures["absent"]
    stages = [world.rows("select * from metrics.influence_stages order by all") for world in figures_of.values()]
    assert stages[0] == stages[1] == stages[2]


def test_an_extract_that_is_not_declared_is_critical(figures_of):
    for name, expected in (("declared", 0), ("absent", 0)):
        found = figures_of[name].rows(
            "select count(*) as plans from marts.action_plans where has_suspected_partial_release"
        )
        assert found == [{"plans": expected}], name
    suspected = figures_of["undeclared"].rows(
        "select count(*) as plans from marts.action_plans where has_suspected_partial_release"
    )[0]["plans"]
    with_rows = figures_of["undeclared"].rows("select count(distinct plan_id) as plans from staging.master_commitments")
    assert [{"plans": suspected}] == with_rows


def test_every_plan_tells_its_release(figures_of):
    releases = figures_of["declared"].rows(
        "select source_release, count(*) as plans, bool_and(is_partial) as all_partial from marts.action_plans "
        "where commitments > 0 group by all order by all"
    )
    assert [(row["source_release"][:8], row["all_partial"]) for row in releases] == [
        ("explorer", False),
        ("master_c", True),
    ]


# --- agreement with OGP's own derived columns


@dataclass(frozen=True)
class Derived:
    """One row of the master with its derived columns, and the rules on which we disagree with it."""

    reason: str
    cells: dict[str, str]
    disagrees: tuple[str, ...] = ()


CODED = {"Potential Impact": "Transformative", "_Potential Impact": "3", "Completion (End Of Term)": "Complete"}
CODED |= {"_CompletionEndTerm": "5", "Raw Completion": "5", "Starred (Current Formula) End of Term": "1"}
UNASSESSED = {
    "Completion (End Of Term)": "NR",
    "_CompletionEndTerm": "NR",
    "Raw Completion": "ND",
    "Comp Assessed": "0",
}
DERIVED = [
    Derived("the ordinary row", {}),
    Derived("a star by the current formula", CODED),
    Derived(
        "a star that OGP did not give",
        CODED | {"Starred (Current Formula) End of Term": "0"},
        ("starred_current_end_of_term",),
    ),
    Derived(
        "moderate is no transformative",
        {"Starred (Current Formula) End of Term": "1"},
        ("starred_current_end_of_term",),
    ),
    Derived(
        "high completion is 0 where nothing was assessed",
        UNASSESSED | {"Starred (Current Formula) End of Term": "NR", "High Completion": "0", "Midterm Only": "1"},
    ),
    Derived("high completion against its label", {"High Completion": "0"}, ("high_completion",)),
    Derived("raw completion against its label", {"Raw Completion": "5"}, ("raw_completion",)),
    Derived(
        "high ambition of a row that is not relevant",
        {"_Relevant": "0", "High Ambition": "0"},
        ("relevant_from_values",),
    ),
    Derived("mid-term only where the end of term is coded", {"Midterm Only": "1"}, ("midterm_only",)),
    Derived("verifiable by specificity", {"Specificity": "Low", "_Specificity": "1", "Verifiable": "No"}),
    Derived(
        "verifiable against specificity",
        {"Specificity": "Low", "_Specificity": "1", "Verifiable": "Yes"},
        ("verifiable_from_specificity",),
    ),
    Derived("major results", {"Did It Open Government (Overall)": "Major", "_OpenGovernment": "3", "High DIOG": "1"}),
    Derived(
        "major results that OGP does not count",
        {"Did It Open Government (Overall)": "Major", "_OpenGovernment": "3"},
        ("high_early_results",),
    ),
    Derived(
        "a change that is no change",
        {"Completion (Progress Report)": "Substantial", "_CompletionProgress": "4", "Change In Completion": "Increase"}
        | {"_ChangeCompletion": "0"},
        ("change_in_completion",),
    ),
]


def test_disagreements_are_found_row_by_row(world):
    rows = [{"Commitment Unique Identifier": f"AL{100 + k}", **case.cells} for k, case in enumerate(DERIVED)]
    world.master(*rows)
    world.build()
    found = world.rows("select * from metrics.conformance_disagreements order by commitment_id, rule")
    for position, case in enumerate(DERIVED):
        rules = [row["rule"] for row in found if row["commitment_id"] == f"AL{100 + position}"]
        assert rules == [f"master_{rule}" for rule in case.disagrees], case.reason
    assert all(row["explanation"] and row["ours"] != row["theirs"] for row in found)
    counts = {row["rule"]: row for row in world.rows("select * from metrics.conformance")}
    for rule, row in counts.items():
        disagreeing = sum(rule == f"master_{name}" for case in DERIVED for name in case.disagrees)
        assert row["rows_agreeing"] == row["rows_compared"] - disagreeing, rule
        assert row["positives_agreeing"] <= row["positives_compared"] <= row["rows_compared"]
    assert counts["master_high_completion"]["rows_compared"] == len(DERIVED) - 1, "the unassessed row is not compared"


def test_the_real_rows_agree_or_are_explained(figures_of):
    world = figures_of["declared"]
    counts = {row["rule"]: row for row in world.rows("select * from metrics.conformance")}
    assert len([rule for rule in counts if rule.startswith("master_")]) == 14
    assert len([rule for rule in counts if rule.startswith("explorer_")]) == 6
    assert counts["master_high_ambition"]["rows_compared"] == 206
    assert all(row["rows_agreeing"] >= 0.95 * row["rows_compared"] for row in counts.values())
    found = world.rows("select * from metrics.conformance_disagreements")
    assert all(row["is_reviewed"] for row in found), "a reason is given for every one that can be seen here"
    disagreeing = sum(row["rows_compared"] - row["rows_agreeing"] for row in counts.values())
    assert len(found) == disagreeing


def test_high_ambition_is_recomputed_from_the_cells(figures_of, real_data):
    """The same comparison in plain Python, over the file itself."""
    with next(real_data.glob("master-2024/*.csv")).open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    due = [row for row in rows if row["High Ambition"] in ("0", "1")]
    agreeing = [
        row
        for row in due
        if (row["Potential Impact"] in ("Moderate", "Transformative") and row["_Relevant"] == "1")
        == (row["High Ambition"] == "1")
    ]
    (found,) = figures_of["declared"].rows("select * from metrics.conformance where rule = 'master_high_ambition'")
    assert (found["rows_compared"], found["rows_agreeing"]) == (len(due), len(agreeing))
    assert found["positives_compared"] == sum(row["High Ambition"] == "1" for row in due)


def test_explanations_are_in_use_or_general():
    """A line for one commitment must say which rule; an explanation is a sentence."""
    with (PACKAGE_DIR / "reference" / "conformance_explanations.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert all(line["rule"] and len(line["explanation"].split()) >= 8 for line in lines)
    assert len({tuple(line[name] for name in ("rule", "commitment_id", "ours", "theirs")) for line in lines}) == len(
        lines
    )


def test_a_correction_of_the_master_expires(tmp_path, catalog):
    """LT0033 is corrected while it says 1; once it says something else the correction is named as stale."""
    row = {
        "Commitment Unique Identifier": "LT0033",
        "Country/Locality": "Lithuania",
        "Code": "LTU",
        "Action Plan Number": "6",
        "Action Plan ID": "AP_LTU06",
    }
    stale = {}
    for verifiable in ("1", "No"):
        folder = tmp_path / verifiable
        folder.mkdir()
        world = World(folder, catalog)
        world.master({**row, "Verifiable": verifiable})
        world.build()
        (staged,) = world.rows("select verifiable from staging.master_commitments")
        rule = next(
            rule
            for rule in catalog["meta.problems"].contract.failing_rows
            if rule.name == "master_commitments_correction_is_stale"
        )
        stale[verifiable] = (staged["verifiable"], len(world.rows(rule.sql)))
    assert stale == {"1": ("yes", 0), "No": ("no", 1)}
