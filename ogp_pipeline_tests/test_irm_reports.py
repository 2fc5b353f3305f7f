"""What analysts code from IRM reports: which coding speaks, what it gives to influence and results, and the variant."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from ogp_pipeline.judging import evaluate
from ogp_pipeline.quality import Verdict
from ogp_pipeline.settings import PACKAGE_DIR, project_file
from ogp_pipeline_tests.world import MEMBERS, World

DEVELOPMENT = "Level of public influence during development"
IMPLEMENTATION = "Level of public influence during implementation"
MINIMUM_DEVELOPMENT = "Minimum requirements met during development"
MINIMUM_IMPLEMENTATION = "Minimum requirements met during implementation"
OFFICIAL = {"development": "IAP2 level during development", "implementation": "IAP2 level during imp."}
DESIGN, REVIEW, PROGRESS = "Design report", "Action plan review", "Progress report"
TRANSITIONAL, IMPLEMENTED = "Transitional results report", "Implementation report"
END, RESULTS = "End-of-term report", "Results report"
DRAFT = "For Public Comment"
CODING = {
    "IRM product": DESIGN,
    "Report status": "Final",
    "Report date": "2019",
    "Coded by": "Ada",
    "Coded on": "2024-05-17",
    "Report URL": "https://www.example.org/irm/report.pdf",
    "Page": "12",
    "Quote": "The words of the report.",
}
PLAN_MEMBER, COMMITMENT_MEMBER = "Ghana", "Canada"
Row = dict[str, str]


def coded(product: str, coder: str = "Ada", status: str = "Final", **cells: str) -> Row:
    """One row of a form; `cells` by the short names of SHORT."""
    return CODING | {"IRM product": product, "Coded by": coder, "Report status": status} | named(cells)


SHORT = {
    "dev": DEVELOPMENT,
    "imp": IMPLEMENTATION,
    "min_dev": MINIMUM_DEVELOPMENT,
    "min_imp": MINIMUM_IMPLEMENTATION,
    "promising": "Promising commitment",
    "verifiable": "Verifiable",
    "impact": "Potential impact",
    "potential": "Potential for results",
    "completion": "Completion",
    "results": "Early results",
    "of": "Commitment ID",
}


def named(cells: Row) -> Row:
    return {SHORT[name]: value for name, value in cells.items()}


def verdicts(world: World, table: str) -> dict[str, Verdict]:
    model = world.catalog[table]
    with world.store.session({table, *model.checks_read}, model.macros) as connection:
        return {verdict.check: verdict for verdict in evaluate(connection, model, world.catalog)}


def numbered(cases: Sequence[Any]) -> list[Any]:
    return [pytest.param(number, case, id=case.reason) for number, case in enumerate(cases, start=1)]


# --- the template's page


def test_the_page_of_the_template_names_every_column_label_and_product(catalog):
    page = (project_file("sql").parent / "docs" / "irm_report_template.md").read_text(encoding="utf-8")
    words = " ".join(page.split())
    labels = {"irm_product"}
    for layout in ("irm_report_plans", "irm_report_commitments"):
        columns = catalog[f"raw.{layout}"].contract.columns
        headers = [name for name in columns if not name.startswith("_source")]
        assert [name for name in headers if name not in words] == []
        labels |= {column.choices for column in columns.values() if column.choices}
    with (PACKAGE_DIR / "reference" / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["list"] in labels]
    assert len(rows) > 30
    assert [row["label"] for row in rows if row["label"] not in words] == []


# --- plan coding


@dataclass(frozen=True)
class PlanCase:
    """One plan: what analysts and the process database say, and what follows.

    `codings` are (product, variable) -> (status, agreed value); `levels` the level and its source in development,
    implementation and throughout.
    """

    reason: str
    rows: tuple[Row, ...]
    codings: dict[tuple[str, str], tuple[str, str | None]]
    levels: tuple[tuple[str, str], tuple[str, str], tuple[str, str]]
    official: Row = field(default_factory=dict)


OFF, BY = "official", "analyst"
NONE = ("no_data", OFF)
UNCLEAR = ("no_data", BY)  # analysts coded a stage, and no level follows
DEV, IMP = "development_level", "implementation_level"

PLAN_CASES = (
    PlanCase(
        "one coder",
        (coded(DESIGN, dev="Involve"),),
        {("design_report", DEV): ("single", "involve")},
        (("involve", BY), NONE, UNCLEAR),
    ),
    PlanCase(
        "two coders agree",
        (coded(REVIEW, dev="Consult"), coded(REVIEW, "Bo", dev="Consult")),
        {("action_plan_review", DEV): ("agreed", "consult")},
        (("consult", BY), NONE, UNCLEAR),
    ),
    PlanCase(
        "two coders disagree",
        (coded(DESIGN, dev="Consult"), coded(DESIGN, "Bo", dev="Involve")),
        {("design_report", DEV): ("disagreement", None)},
        (UNCLEAR, NONE, UNCLEAR),
    ),
    PlanCase(
        "three coders, two against one: no vote is taken",
        tuple(
            coded(DESIGN, coder, dev=level) for coder, level in (("Ada", "Inform"), ("Bo", "Inform"), ("Cy", "Consult"))
        ),
        {("design_report", DEV): ("disagreement", None)},
        (UNCLEAR, NONE, UNCLEAR),
    ),
    PlanCase(
        "one of two coded nothing: nothing is contradicted",
        (coded(PROGRESS, dev="Inform", imp="Inform"), coded(PROGRESS, "Bo", dev="Inform")),
        {("progress_report", DEV): ("agreed", "inform"), ("progress_report", IMP): ("single", "inform")},
        (("inform", BY), ("inform", BY), ("inform", BY)),
    ),
    PlanCase(
        "throughout is the lower of two stages of two products",
        (coded(DESIGN, dev="Collaborate"), coded(IMPLEMENTED, imp="Consult")),
        {("design_report", DEV): ("single", "collaborate"), ("implementation_report", IMP): ("single", "consult")},
        (("collaborate", BY), ("consult", BY), ("consult", BY)),
    ),
    PlanCase(
        "no consultation is a level",
        (coded(PROGRESS, dev="No consultation", imp="Empower"),),
        {("progress_report", DEV): ("single", "no_consultation"), ("progress_report", IMP): ("single", "empower")},
        (("no_consultation", BY), ("empower", BY), ("no_consultation", BY)),
    ),
    PlanCase(
        "a draft beside the final report is not used, not even by another coder",
        (
            coded(DESIGN, dev="Involve"),
            coded(DESIGN, status=DRAFT, dev="Empower"),
            coded(DESIGN, "Bo", DRAFT, dev="Inform"),
        ),
        {("design_report", DEV): ("single", "involve")},
        (("involve", BY), NONE, UNCLEAR),
    ),
    PlanCase(
        "a draft alone is listed and not used",
        (coded(DESIGN, status=DRAFT, dev="Involve"),),
        {("design_report", DEV): ("draft_only", None)},
        (NONE, NONE, NONE),
    ),
    PlanCase(
        "a report whose status cannot be read is treated as a draft",
        (coded(DESIGN, status="nearly final", dev="Involve"),),
        {("design_report", DEV): ("draft_only", None)},
        (NONE, NONE, NONE),
    ),
    PlanCase(
        "the draft of a later product does not push aside a final report",
        (coded(IMPLEMENTED, imp="Inform"), coded(END, status=DRAFT, imp="Consult")),
        {("implementation_report", IMP): ("single", "inform"), ("end_of_term_report", IMP): ("draft_only", None)},
        (NONE, ("inform", BY), UNCLEAR),
    ),
    PlanCase(
        "the later product speaks",
        (coded(PROGRESS, imp="Inform"), coded(END, "Bo", imp="Involve")),
        {("progress_report", IMP): ("superseded", None), ("end_of_term_report", IMP): ("single", "involve")},
        (NONE, ("involve", BY), UNCLEAR),
    ),
    PlanCase(
        "also where its coders disagree: the earlier one must not settle it",
        (coded(PROGRESS, imp="Inform"), coded(END, imp="Involve"), coded(END, "Bo", imp="Consult")),
        {("progress_report", IMP): ("superseded", None), ("end_of_term_report", IMP): ("disagreement", None)},
        (NONE, UNCLEAR, UNCLEAR),
    ),
    PlanCase(
        "each stage has a later product of its own",
        (coded(PROGRESS, dev="Consult", imp="Inform"), coded(END, imp="Consult")),
        {
            ("progress_report", DEV): ("single", "consult"),
            ("progress_report", IMP): ("superseded", None),
            ("end_of_term_report", IMP): ("single", "consult"),
        },
        (("consult", BY), ("consult", BY), ("consult", BY)),
    ),
    PlanCase(
        "a product that does not code the stage is not used",
        (coded(DESIGN, imp="Involve"), coded(RESULTS, dev="Involve")),
        {("design_report", IMP): ("outside_product", None), ("results_report", DEV): ("outside_product", None)},
        (NONE, NONE, NONE),
    ),
    PlanCase(
        "and does not push aside one that does",
        (coded(DESIGN, dev="Inform"), coded(RESULTS, dev="Involve")),
        {("design_report", DEV): ("single", "inform"), ("results_report", DEV): ("outside_product", None)},
        (("inform", BY), NONE, UNCLEAR),
    ),
    PlanCase(
        "official coding wins",
        (coded(PROGRESS, dev="Empower", imp="Empower"),),
        {("progress_report", DEV): ("single", "empower"), ("progress_report", IMP): ("single", "empower")},
        (("consult", OFF), ("inform", OFF), ("inform", OFF)),
        official={"development": "Consult", "implementation": "Inform"},
    ),
    PlanCase(
        "and coders who disagree do not touch it",
        (coded(PROGRESS, dev="Empower"), coded(PROGRESS, "Bo", dev="Inform")),
        {("progress_report", DEV): ("disagreement", None)},
        (("consult", OFF), ("inform", OFF), ("inform", OFF)),
        official={"development": "Consult", "implementation": "Inform"},
    ),
    PlanCase(
        "an official stage beside one of an analyst: throughout is the analyst's too",
        (coded(IMPLEMENTED, imp="Inform"),),
        {("implementation_report", IMP): ("single", "inform")},
        (("consult", OFF), ("inform", BY), ("inform", BY)),
        official={"development": "Consult", "implementation": "NR"},
    ),
    PlanCase(
        "official not reviewed stays, where analysts say nothing",
        (coded(DESIGN, min_dev="Yes"),),
        {("design_report", "minimum_development"): ("single", "yes")},
        (("not_reviewed", OFF), ("no_data", OFF), ("no_data", OFF)),
        official={"development": "NR", "implementation": "ND"},
    ),
    PlanCase(
        "a label that is no level is not coded",
        (coded(DESIGN, dev="Engage"),),
        {},
        (NONE, NONE, NONE),
    ),
    PlanCase(
        "not applicable and the like are not coded; case and spaces do not matter",
        (coded(PROGRESS, dev=" involve", imp="Not applicable"),),
        {("progress_report", DEV): ("single", "involve")},
        (("involve", BY), NONE, UNCLEAR),
    ),
    PlanCase(
        "missing provenance keeps the value",
        (coded(DESIGN, dev="Consult") | {"Report URL": "", "Page": " ", "Quote": "", "Coded on": ""},),
        {("design_report", DEV): ("single", "consult")},
        (("consult", BY), NONE, UNCLEAR),
    ),
    PlanCase(
        "the same person, written in two ways, is one coder",
        (coded(DESIGN, "Ada Lovelace", dev="Consult"), coded(DESIGN, "ada  lovelace", DRAFT, dev="Inform")),
        {("design_report", DEV): ("single", "consult")},
        (("consult", BY), NONE, UNCLEAR),
    ),
    PlanCase(
        "the same person twice in one file: both rows are refused",
        (coded(DESIGN, "Ada", dev="Consult"), coded(DESIGN, "ADA ", dev="Inform"), coded(DESIGN, "Bo", dev="Inform")),
        {("design_report", DEV): ("single", "inform")},
        (("inform", BY), NONE, UNCLEAR),
    ),
    PlanCase(
        "identical rows count once",
        (coded(DESIGN, dev="Consult"), coded(DESIGN, dev="Consult")),
        {("design_report", DEV): ("single", "consult")},
        (("consult", BY), NONE, UNCLEAR),
    ),
)


def of_plan(row: Row, member: str, number: int) -> Row:
    return {"Member": member, "Action plan number": str(number)} | row


@pytest.fixture(scope="module")
def world(tmp_path_factory, catalog) -> World:
    """Every case of plan and commitment coding, one plan each."""
    world = World(tmp_path_factory.mktemp("irm"), catalog)
    world.form(
        "irm_report_plans",
        *[of_plan(row, PLAN_MEMBER, n) for n, case in enumerate(PLAN_CASES, start=1) for row in case.rows],
    )
    world.plans(
        *(
            {"Country name": PLAN_MEMBER, "Action Plan Number": str(n), "Year AP Submitted": "2014"}
            | {OFFICIAL[stage]: level for stage, level in case.official.items()}
            for n, case in enumerate(PLAN_CASES, start=1)
            if case.official
        )
    )
    world.commitments(
        *(
            {"Country": COMMITMENT_MEMBER, "Action Plan Number": str(n), "Comm No": number, "Full Text": text}
            | case.official
            for n, case in enumerate(COMMITMENT_CASES, start=1)
            for number, text in case.loaded
        )
    )
    world.form(
        "irm_report_commitments",
        *[
            of_plan({"Commitment ID": "1"} | row, COMMITMENT_MEMBER, n)
            for n, case in enumerate(COMMITMENT_CASES, start=1)
            for row in case.rows
        ],
    )
    return world.build()


@pytest.fixture(scope="module")
def codings(world) -> list[dict[str, Any]]:
    return world.rows("select * from marts.irm_codings")


@pytest.fixture(scope="module")
def influence(world) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["plan_id"], row["stage"]): row for row in world.rows("select * from marts.influence")}


@pytest.mark.parametrize(("number", "case"), numbered(PLAN_CASES))
def test_which_coding_of_a_plan_speaks(codings, influence, number, case):
    plan = f"AP_GHA{number:02}"
    found = {
        (row["product"], row["variable"]): (row["status"], row["agreed_value"])
        for row in codings
        if row["plan_id"] == plan
    }
    assert found == case.codings
    rows = [influence[plan, stage] for stage in ("development", "implementation", "throughout")]
    assert tuple((row["level"], row["influence_source"]) for row in rows) == case.levels
    assert [row["is_assessed"] for row in rows] == [
        level not in ("no_data", "not_reviewed") for level, _ in case.levels
    ]


def plan_of(reason: str) -> str:
    (number,) = (n for n, case in enumerate(PLAN_CASES, start=1) if case.reason == reason)
    return f"AP_GHA{number:02}"


def test_every_plan_that_a_form_names_has_three_rows(world, influence):
    plans = {row["plan_id"] for row in world.rows("select plan_id from marts.action_plans")}
    assert {f"AP_GHA{n:02}" for n, _ in enumerate(PLAN_CASES, start=1)} <= plans
    assert sorted(influence) == sorted((p, s) for p in plans for s in ("development", "implementation", "throughout"))


def test_coders_and_their_values_are_listed(codings):
    (row,) = (row for row in codings if row["plan_id"] == plan_of("three coders, two against one: no vote is taken"))
    assert (row["coders"], row["coded_values"]) == (["Ada", "Bo", "Cy"], ["inform", "inform", "consult"])
    assert (row["report_url"], row["page"], row["quote"]) == tuple(
        CODING[name] for name in ("Report URL", "Page", "Quote")
    )
    (row,) = (row for row in codings if row["plan_id"].endswith(plan_of(PLAN_CASES[7].reason)))
    assert row["draft_codings"] == 2 and row["coders"] == ["Ada"]


def test_official_only_columns_hold_official_levels(influence, world):
    plan = plan_of("an official stage beside one of an analyst: throughout is the analyst's too")
    found = [influence[plan, stage]["official_level"] for stage in ("development", "implementation", "throughout")]
    assert found == ["consult", "not_reviewed", "no_data"]
    pairs = world.rows("select * from metrics.influence_stages where plans > 0")
    # the plans of the commitments have no process row and no coded level; those that a form alone names are not here
    assert {(row["development_level"], row["implementation_level"]): row["plans"] for row in pairs} == {
        ("consult", "inform"): 2,
        ("consult", "not_reviewed"): 1,
        ("not_reviewed", "no_data"): 1,
        ("no_data", "no_data"): len(COMMITMENT_CASES),
    }


@pytest.mark.parametrize(
    ("rule", "reasons"),
    [
        ("coders_disagree", {case.reason for case in PLAN_CASES if "disagreement" in str(case.codings)}),
        ("coding_without_provenance", {"missing provenance keeps the value"}),
    ],
)
def test_what_is_doubtful_is_a_warning(world, rule, reasons):
    verdict = verdicts(world, "marts.irm_codings")[rule]
    assert verdict.severity == "warning" and not verdict.passed
    found = {row["plan_id"] for row in verdict.sample if row["plan_id"].startswith("AP_GHA")}
    assert found == {plan_of(reason) for reason in reasons}


def test_an_analyst_who_contradicts_official_coding_is_a_warning(world):
    verdict = verdicts(world, "marts.influence")["analysts_read_another_level"]
    assert verdict.severity == "warning"
    assert {row["plan_id"] for row in verdict.sample} == {plan_of("official coding wins")}


# --- commitment coding


@dataclass(frozen=True)
class CommitmentCase:
    """One plan with its loaded commitments: what official data and analysts say of commitment 1, and what follows.

    `results` are (assessment, completion, scale, early results, source) of the IRM; `outcomes` the definitions on
    which the variant, and not the default, assesses it, with whether it is a hit.
    """

    reason: str
    rows: tuple[Row, ...]
    codings: dict[tuple[str, str], tuple[str, str | None]]
    results: tuple[tuple, ...] = ()
    outcomes: dict[str, bool] = field(default_factory=dict)
    official: Row = field(default_factory=lambda: UNASSESSED)
    loaded: tuple[tuple[str, str], ...] = (("1", "One"),)
    commitment: str = "1"


UNASSESSED = {
    "Potential impact": "ND",
    "_Pot Impact Coded": "ND",
    "Completion (progress report)": "ND",
    "_CompletionProgress": "ND",
}
MID_TERM = UNASSESSED | {"Completion (progress report)": "b. Limited", "_CompletionProgress": "3"}
AT_END = UNASSESSED | {"Completion (end of term)": "Withdrawn", "_CompletionEndTerm": "0"}
COMPLETE = {"complete": True, "substantial_or_complete": True}
SUBSTANTIAL = {"complete": False, "substantial_or_complete": True}
AT_MID, EOT = "completion_progress", "completion_end_of_term"

COMMITMENT_CASES = (
    CommitmentCase(
        "completion at the end",
        (coded(END, completion="Complete"),),
        {("end_of_term_report", EOT): ("single", "complete")},
        (("end_of_term", "complete", None, None, BY),),
        COMPLETE,
    ),
    CommitmentCase(
        "completion in a progress report is that at mid-term",
        (coded(PROGRESS, completion="Substantial"),),
        {("progress_report", AT_MID): ("single", "substantial")},
        (("progress", "substantial", None, None, BY),),
        SUBSTANTIAL,
    ),
    CommitmentCase(
        "mid-term and end are two assessments, and the latest is the outcome",
        (coded(PROGRESS, completion="Limited"), coded(END, completion="Complete")),
        {("progress_report", AT_MID): ("single", "limited"), ("end_of_term_report", EOT): ("single", "complete")},
        (("end_of_term", "complete", None, None, BY), ("progress", "limited", None, None, BY)),
        COMPLETE,
    ),
    CommitmentCase(
        "mid-term does not stand in for an end on which coders disagree",
        (
            coded(PROGRESS, completion="Limited"),
            coded(END, completion="Complete"),
            coded(END, "Bo", completion="Limited"),
        ),
        {("progress_report", AT_MID): ("single", "limited"), ("end_of_term_report", EOT): ("disagreement", None)},
        (("progress", "limited", None, None, BY),),
    ),
    CommitmentCase(
        "two coders agree",
        (coded(RESULTS, completion="Complete"), coded(RESULTS, "Bo", completion="Complete")),
        {("results_report", EOT): ("agreed", "complete")},
        (("end_of_term", "complete", None, None, BY),),
        COMPLETE,
    ),
    CommitmentCase(
        "two coders disagree: no result, no outcome",
        (coded(RESULTS, completion="Complete"), coded(RESULTS, "Bo", completion="Limited")),
        {("results_report", EOT): ("disagreement", None)},
    ),
    CommitmentCase(
        "a draft alone",
        (coded(RESULTS, status=DRAFT, completion="Complete"),),
        {("results_report", EOT): ("draft_only", None)},
    ),
    CommitmentCase(
        "official mid-term wins at mid-term, and is the outcome",
        (coded(PROGRESS, completion="Complete"), coded(END, completion="Complete")),
        {("progress_report", AT_MID): ("single", "complete"), ("end_of_term_report", EOT): ("single", "complete")},
        (("end_of_term", "complete", None, None, BY), ("progress", "limited", None, None, OFF)),
        official=MID_TERM,
    ),
    CommitmentCase(
        "officially withdrawn is coded, though outside the denominator",
        (coded(END, completion="Complete", results="Major"),),
        {
            ("end_of_term_report", EOT): ("single", "complete"),
            ("end_of_term_report", "diog_overall"): ("single", "major"),
        },
        (("end_of_term", "withdrawn", None, None, OFF),),
        {"major_or_outstanding": True},
        official=AT_END,
    ),
    CommitmentCase(
        "early results of the years to 2020 are on one scale",
        (coded(TRANSITIONAL, results="Marginal", completion="Unclear"),),
        {
            ("transitional_results_report", "diog_overall"): ("single", "marginal"),
            ("transitional_results_report", EOT): ("single", "unclear"),
        },
        (("end_of_term", "unclear", "diog", "marginal", BY),),
        {"major_or_outstanding": False},
    ),
    CommitmentCase(
        "those from 2021 on another",
        (coded(RESULTS, results="Significant"),),
        {("results_report", "early_results"): ("single", "significant")},
        (("end_of_term", None, "early_results", "significant", BY),),
        {"significant": True},
    ),
    CommitmentCase(
        "a label of the other scale is not used",
        (coded(RESULTS, results="Outstanding"), coded(END, results="Significant")),
        {
            ("results_report", "diog_overall"): ("outside_product", None),
            ("end_of_term_report", "early_results"): ("outside_product", None),
        },
    ),
    CommitmentCase(
        "two coders on two scales do not count as two values of one variable",
        (coded(END, results="Major"), coded(END, "Bo", results="Moderate")),
        {
            ("end_of_term_report", "diog_overall"): ("single", "major"),
            ("end_of_term_report", "early_results"): ("outside_product", None),
        },
        (("end_of_term", None, "diog", "major", BY),),
        {"major_or_outstanding": True},
    ),
    CommitmentCase(
        "potential impact; relevance is official",
        (coded(DESIGN, impact="Transformative", verifiable="Yes"),),
        {
            ("design_report", "potential_impact"): ("single", "transformative"),
            ("design_report", "verifiable"): ("single", "yes"),
        },
        outcomes={"moderate_or_transformative": True, "ambitious_and_relevant": True, "transformative": True},
    ),
    CommitmentCase(
        "potential for results is never pooled with it",
        (coded(REVIEW, potential="Modest", promising="Yes", verifiable="No"),),
        {
            ("action_plan_review", "potential_for_results"): ("single", "modest"),
            ("action_plan_review", "promising"): ("single", "yes"),
            ("action_plan_review", "verifiable"): ("single", "no"),
        },
        outcomes={"substantial_potential": False},
    ),
    CommitmentCase(
        "one scale official: the outcome is assessed, the other scale adds nothing",
        (coded(REVIEW, potential="Substantial"),),
        {("action_plan_review", "potential_for_results"): ("single", "substantial")},
        official=UNASSESSED | {"Potential impact": "Minor", "_Pot Impact Coded": "1"},
    ),
    CommitmentCase(
        "each scale from its own product only",
        (coded(REVIEW, impact="Moderate"), coded(DESIGN, potential="Modest", promising="No", completion="Complete")),
        {
            ("action_plan_review", "potential_impact"): ("outside_product", None),
            ("design_report", "potential_for_results"): ("outside_product", None),
            ("design_report", "promising"): ("outside_product", None),
            ("design_report", EOT): ("outside_product", None),
        },
    ),
    CommitmentCase(
        "by number and by id: the same commitment",
        (coded(END, completion="Complete"), coded(END, "Bo", completion="Complete", of="AP_CAN18-1")),
        {("end_of_term_report", EOT): ("agreed", "complete")},
        (("end_of_term", "complete", None, None, BY),),
        COMPLETE,
    ),
    CommitmentCase(
        "one coder by number and by id, and differently, agrees with nobody",
        (coded(END, completion="Complete"), coded(END, completion="Limited", of="AP_CAN19-1")),
        {("end_of_term_report", EOT): ("disagreement", None)},
    ),
    CommitmentCase(
        "what a spreadsheet made of 2.3",
        (coded(END, completion="Complete", of="2.2999999999999998"),),
        {("end_of_term_report", EOT): ("single", "complete")},
        (("end_of_term", "complete", None, None, BY),),
        COMPLETE,
        loaded=(("2.3", "One"),),
        commitment="2.3",
    ),
    CommitmentCase(
        "a number that two commitments carry names neither",
        (coded(END, completion="Complete"),),
        {("end_of_term_report", EOT): ("single", "complete")},
        (("end_of_term", "complete", None, None, BY),),
        loaded=(("1", "One"), ("1", "Another")),
    ),
    CommitmentCase(
        "a commitment that no release holds",
        (coded(END, completion="Complete", of="7"),),
        {("end_of_term_report", EOT): ("single", "complete")},
        (("end_of_term", "complete", None, None, BY),),
        commitment="7",
    ),
)


@pytest.mark.parametrize(("number", "case"), numbered(COMMITMENT_CASES))
def test_which_coding_of_a_commitment_speaks(world, codings, number, case):
    plan = f"AP_CAN{number:02}"
    commitment = f"{plan}-{case.commitment}"
    mine = [row for row in codings if row["plan_id"] == plan]
    assert {(row["product"], row["variable"]): (row["status"], row["agreed_value"]) for row in mine} == case.codings
    assert {row["commitment_id"] for row in mine} == {commitment}
    results = world.rows(f"select * from marts.results where commitment_id = '{commitment}' order by assessment")
    columns = ("assessment", "completion", "early_results_scale", "early_results", "coding_source")
    assert tuple(tuple(row[name] for name in columns) for row in results) == case.results
    outcomes = world.rows(
        f"select * from marts._outcomes where coding_source = 'analyst' and commitment_id = '{commitment}'"
    )
    assert {row["definition"]: row["is_hit"] for row in outcomes} == case.outcomes


def test_codings_never_reach_the_default_outcomes(world):
    rows = world.rows("select distinct code from marts.outcomes")
    assert {row["code"] for row in rows} == {"limited", "minor"}  # the two official cells of the cases


def test_the_latest_result_of_a_commitment(world):
    rows = world.rows("select assessment, is_latest from marts.results where commitment_id = 'AP_CAN08-1'")
    assert {row["assessment"]: row["is_latest"] for row in rows} == {"end_of_term": True, "progress": False}


def test_a_commitment_that_is_not_loaded_is_a_warning(world):
    verdict = verdicts(world, "marts.irm_codings")["coded_commitment_not_loaded"]
    assert verdict.severity == "warning"
    reasons = ("a number that two commitments carry names neither", "a commitment that no release holds")
    numbers = [n for n, case in enumerate(COMMITMENT_CASES, start=1) if case.reason in reasons]
    assert {row["plan_id"] for row in verdict.sample} == {f"AP_CAN{n:02}" for n in numbers}


@pytest.mark.parametrize(
    "table",
    [
        "staging.irm_report_plans",
        "staging.irm_report_commitments",
        "quarantine.irm_report_plans",
        "marts.irm_codings",
        "marts.influence",
        "marts.results",
        "marts.outcomes",
        "metrics.coder_agreement",
        "metrics.vital_signs_with_analysts",
        "reference.irm_products",
    ],
)
def test_tables_keep_their_critical_promises(world, table):
    found = [v for v in verdicts(world, table).values() if not v.passed and v.severity == "critical"]
    assert not [verdict.sentence() for verdict in found]


# --- rows: what is refused, what is doubtful


@dataclass(frozen=True)
class RowCase:
    """One row of one of the sheets: is it refused, and the problems (column, rule, severity) that tell of it."""

    reason: str
    cells: Row
    problems: set[tuple[str | None, str, str]]
    is_refused: bool = False
    layout: str = "irm_report_plans"


ROW_CASES = (
    RowCase("a row as the template asks for it", {}, set()),
    RowCase("no coder", {"Coded by": " "}, {("Coded by", "coder_missing", "quarantine")}, True),
    RowCase("an unknown member", {"Member": "Atlantis"}, {("Member", "member_unknown", "quarantine")}, True),
    RowCase("no member", {"Member": ""}, {("Member", "member_missing", "quarantine")}, True),
    RowCase("a member by its code, as the form asks", {"Member": "GHA"}, set()),
    RowCase(
        "no number of a plan",
        {"Action plan number": "fifth"},
        {("Action plan number", "plan_number_unreadable", "quarantine")},
        True,
    ),
    RowCase("no product", {"IRM product": ""}, {("IRM product", "product_unreadable", "quarantine")}, True),
    RowCase(
        "a product nobody knows", {"IRM product": "Review"}, {("IRM product", "product_unreadable", "quarantine")}, True
    ),
    RowCase("a product in capitals", {"IRM product": "DESIGN REPORT"}, {("IRM product", "label_variant", "repair")}),
    RowCase("no status", {"Report status": ""}, {("Report status", "blank", "unreadable")}),
    RowCase("an unknown status", {"Report status": "done"}, {("Report status", "label_unknown", "unreadable")}),
    RowCase(
        "an unknown level, and nothing else is coded",
        {DEVELOPMENT: "Engage"},
        {(DEVELOPMENT, "label_unknown", "unreadable"), (None, "nothing_coded", "doubt")},
    ),
    RowCase("not coded, in words", {MINIMUM_DEVELOPMENT: "n/a"}, {(MINIMUM_DEVELOPMENT, "not_coded", "repair")}),
    RowCase(
        "a stage that the product does not code",
        {IMPLEMENTATION: "Inform", MINIMUM_IMPLEMENTATION: "No"},
        {
            (IMPLEMENTATION, "product_does_not_code", "doubt"),
            (MINIMUM_IMPLEMENTATION, "product_does_not_code", "doubt"),
        },
    ),
    RowCase("nothing coded", {DEVELOPMENT: ""}, {(None, "nothing_coded", "doubt")}),
    *(
        RowCase(f"no {name}", {name: ""}, {(name, "provenance_missing", "doubt")})
        for name in ("Coded on", "Report URL", "Page", "Quote")
    ),
    RowCase("a day nobody knows", {"Coded on": "TBD"}, {("Coded on", "provenance_missing", "doubt")}),
    RowCase("no day", {"Coded on": "soon"}, {("Coded on", "date_unreadable", "unreadable")}),
    RowCase("the fifth or the fourth", {"Coded on": "05/04/2024"}, {("Coded on", "date_ambiguous", "unreadable")}),
    RowCase("an Excel serial", {"Coded on": "45429"}, {("Coded on", "excel_serial", "repair")}),
    RowCase("no date of the report", {"Report date": ""}, set()),
    RowCase("one that is none", {"Report date": "spring"}, {("Report date", "date_unreadable", "unreadable")}),
    RowCase("an address that is none", {"Report URL": "see website"}, {("Report URL", "url_form", "doubt")}),
    RowCase("a line break of a web page", {"Quote": "One<br/>two"}, {("Quote", "html_break", "repair")}),
    RowCase(
        "no commitment",
        {"Commitment ID": ""},
        {("Commitment ID", "commitment_missing", "quarantine")},
        True,
        "irm_report_commitments",
    ),
    RowCase(
        "a commitment that became a date",
        {"Commitment ID": "01/02/2012"},
        {("Commitment ID", "looks_like_a_date", "doubt")},
        layout="irm_report_commitments",
    ),
    RowCase(
        "early results on the scale of another product",
        {"Early results": "Moderate"},
        {("Early results", "product_does_not_code", "doubt")},
        layout="irm_report_commitments",
    ),
    RowCase(
        "an unknown completion beside a known result",
        {"Completion": "90 %"},
        {("Completion", "label_unknown", "unreadable")},
        layout="irm_report_commitments",
    ),
)
ORDINARY = {
    "irm_report_plans": coded(DESIGN, dev="Involve"),
    "irm_report_commitments": coded(END, of="1", results="Major"),
}


@pytest.fixture(scope="module")
def rows_read(tmp_path_factory, catalog) -> World:
    """Every case in a file of its own, so that its rows are its own."""
    world = World(tmp_path_factory.mktemp("irm_rows"), catalog)
    for number, case in enumerate(ROW_CASES, start=1):
        row = of_plan(ORDINARY[case.layout], PLAN_MEMBER, number) | case.cells
        world.form(case.layout, *[row], file=f"{number:02}.csv")
    world.commitments({})
    return world.build()


@pytest.mark.parametrize(("number", "case"), numbered(ROW_CASES))
def test_what_is_refused_and_what_is_doubtful(rows_read, number, case):
    file = f"{number:02}.csv"
    problems = rows_read.rows(f"select * from meta.problems where source_file = '{file}'")
    assert {(row["column"], row["rule"], row["severity"]) for row in problems} == case.problems
    (count,) = rows_read.rows(
        f"select (select count(*) from staging.{case.layout} where _source_file = '{file}') as staged, "
        f"(select count(*) from quarantine.{case.layout} where _source_file = '{file}') as refused"
    )
    assert (count["staged"], count["refused"]) == (not case.is_refused, case.is_refused)


# --- several files


def test_the_newest_file_gives_a_coders_row(tmp_path, catalog):
    world = World(tmp_path, catalog)
    for file, level, coder in (
        ("old.csv", "Inform", "Ada"),
        ("new.csv", "Consult", "ada"),
        ("undated.csv", "Empower", "Ada"),
        ("other.csv", "Consult", "Bo"),
    ):
        world.form("irm_report_plans", *[of_plan(coded(DESIGN, coder, dev=level), PLAN_MEMBER, 1)], file=file)
    world.manifest("- {file: old.csv, released: 2023-01-01}\n- {file: new.csv, released: 2024-01-01}\n")
    world.commitments({})
    world.build()
    (row,) = world.rows("select * from marts.irm_codings")
    assert (row["status"], row["agreed_value"], row["coders"]) == ("agreed", "consult", ["ada", "Bo"])
    verdict = verdicts(world, "marts.irm_codings")["coding_of_an_older_file"]
    assert verdict.severity == "warning"
    assert sorted(row["_source_file"] for row in verdict.sample) == ["old.csv", "undated.csv"]


# --- minimum requirements


MINIMUM_CASES = (  # official levels, what the report says of both stages, what is reported throughout, who is warned
    ("both stages, as computed", ("Involve", "Inform"), ("Yes", "Yes"), True, set()),
    ("development contradicts", ("Consult", "Inform"), ("Yes", "Yes"), True, {"development", "throughout"}),
    ("not met where the level says met", ("Involve", "Inform"), ("Yes", "No"), False, {"implementation", "throughout"}),
    ("one stage not met is enough", ("Consult", "Inform"), ("No", ""), False, set()),
    ("one stage met is not", ("Involve", "Inform"), ("Yes", ""), None, set()),
)


@pytest.fixture(scope="module")
def minimum(tmp_path_factory, catalog) -> World:
    world = World(tmp_path_factory.mktemp("irm_minimum"), catalog)
    levels = [dict(zip(OFFICIAL.values(), case[1], strict=True)) for case in MINIMUM_CASES]
    world.plans(
        *(
            {"Action Plan Number": str(n), "Year AP Submitted": "2018"} | level
            for n, level in enumerate(levels, start=1)
        ),
        {"Action Plan Number": "90", "Year AP Submitted": "2014"} | levels[1],
    )
    answers = [(n, case[2]) for n, case in enumerate(MINIMUM_CASES, start=1)] + [(90, MINIMUM_CASES[1][2])]
    world.form(
        "irm_report_plans",
        *[of_plan(coded(PROGRESS, min_dev=met[0], min_imp=met[1]), "Albania", n) for n, met in answers],
    )
    world.commitments({"Country": "Armenia"})
    return world.build()


@pytest.mark.parametrize(
    ("number", "case"), [pytest.param(n, c, id=c[0]) for n, c in enumerate(MINIMUM_CASES, start=1)]
)
def test_reported_minimum_beside_the_computed_one(minimum, number, case):
    _, _, answers, throughout, warned = case
    rows = minimum.rows(f"select * from marts.influence where plan_id = 'AP_ALB{number:02}'")
    found = {row["stage"]: row["reported_minimum_met"] for row in rows}
    read = {"Yes": True, "No": False, "": None}
    assert found == {
        "development": read[answers[0]],
        "implementation": read[answers[1]],
        "throughout": throughout,
    }
    sample = verdicts(minimum, "marts.influence")["reported_minimum_disagrees"].sample
    assert {row["stage"] for row in sample if row["plan_id"] == f"AP_ALB{number:02}"} == warned
    assert "AP_ALB90" not in {row["plan_id"] for row in sample}, "the minimum is of plans from 2017 to 2021"


# --- how far coders agree


AGREEMENT_CASES = {
    # two coders, four plans: agreement 3 of 4, by chance (3*2 + 1*2) of 16, kappa (12 - 8) / (16 - 8)
    "development_level": (
        [("Ada", "Inform Inform Inform Consult"), ("Bo", "Inform Inform Consult Consult")],
        4,
        3,
        0.5,
        "shown",
    ),
    # both used one value only
    "implementation_level": ([("Ada", "Inform Inform - -"), ("Bo", "Inform Inform - -")], 2, 2, None, "no_variation"),
    # three coders of one plan are three pairs
    "minimum_development": (
        [("Ada", "Yes - - -"), ("Bo", "Yes - - -"), ("Cy", "No - - -")],
        3,
        1,
        None,
        "more_than_two_coders",
    ),
    # each coded another plan
    "minimum_implementation": ([("Ada", "Yes - - -"), ("Bo", "- Yes - -")], 0, 0, None, "no_pairs"),
}


def test_agreement_of_coders(tmp_path, catalog):
    world = World(tmp_path, catalog)
    short = dict(zip(AGREEMENT_CASES, ("dev", "imp", "min_dev", "min_imp"), strict=True))
    cells: dict[tuple[str, int], Row] = {}
    for variable, (coders, *_) in AGREEMENT_CASES.items():
        for coder, values in coders:
            for plan, value in enumerate(values.split(), start=1):
                cells.setdefault((coder, plan), {})[short[variable]] = value
    rows = [of_plan(coded(PROGRESS, coder, **row), PLAN_MEMBER, plan) for (coder, plan), row in cells.items()]
    rows += [
        of_plan(coded(DESIGN, coder, DRAFT, dev=dev), PLAN_MEMBER, 9)
        for coder, dev in (("Ada", "Inform"), ("Bo", "Empower"))
    ]
    world.form("irm_report_plans", *rows)
    world.commitments({})
    world.build()
    found = {row["variable"]: row for row in world.rows("select * from metrics.coder_agreement")}
    assert len(found) == 12
    for variable, (_, pairs, agreeing, kappa, status) in AGREEMENT_CASES.items():
        row = found[variable]
        assert (row["pairs"], row["agreeing_pairs"], row["cohens_kappa"], row["kappa_status"]) == (
            pairs,
            agreeing,
            kappa,
            status,
        )
        assert row["agreement_rate"] == (agreeing / pairs if pairs else None)
    assert found["diog_overall"]["kappa_status"] == "no_pairs"


# --- the figures


OFFICIALLY_CODED, ANALYST_CODED = MEMBERS[:5], MEMBERS[5:]
NO_COMPLETION = {"Completion (progress report)": "ND", "_CompletionProgress": "ND"}
DONE = {"Completion (end of term)": "d. Complete", "_CompletionEndTerm": "5"}


def ten_plans(world: World, process: Sequence[str], completed: Row) -> World:
    """Ten plans of four commitments, a process row for some; the first commitment of each is as `completed` says."""
    world.commitments(
        *(
            {"Country": member, "Comm No": str(n), "Commitment Title": f"{member} {n}"}
            | ((NO_COMPLETION | completed) if n == 1 else {})
            for member in MEMBERS
            for n in range(1, 5)
        )
    )
    world.plans(*({"Country name": member} for member in process))
    return world


@pytest.fixture(scope="module")
def figures(tmp_path_factory, catalog) -> dict[str, World]:
    """The same ten plans: without forms; with forms; and as if all that is in the forms were official."""
    bare = ten_plans(World(tmp_path_factory.mktemp("bare"), catalog), OFFICIALLY_CODED, {})
    coded_too = ten_plans(World(tmp_path_factory.mktemp("coded"), catalog), OFFICIALLY_CODED, {})
    plans = [
        of_plan(coded(PROGRESS, coder, dev="Involve", imp="Inform"), member, 1)
        for member in ANALYST_CODED
        for coder in ("Ada", "Bo")
    ]
    # what must not count: drafts, coders who disagree, and analysts beside official coding
    plans += [of_plan(coded(PROGRESS, "Cy", dev="Empower", imp="Empower"), member, 1) for member in OFFICIALLY_CODED]
    plans += [
        of_plan(coded(PROGRESS, "Cy", DRAFT, dev="Empower", imp="Empower"), member, 1) for member in ANALYST_CODED
    ]
    coded_too.form("irm_report_plans", *plans)
    coded_too.form(
        "irm_report_commitments",
        *[of_plan(coded(END, of="1", completion="Complete"), member, 1) for member in MEMBERS]
        + [of_plan(coded(END, of="2", completion="Complete"), member, 1) for member in MEMBERS],  # official at mid-term
    )
    as_official = ten_plans(World(tmp_path_factory.mktemp("official"), catalog), MEMBERS, DONE)
    return {"bare": bare.build(), "coded": coded_too.build(), "official": as_official.build()}


def cells(world: World, table: str) -> list[dict[str, Any]]:
    added = {"plans_analyst_coded", "commitments_analyst_coded"}
    rows = world.rows(f"select * from {table} order by outcome, definition, stage, level")
    return [{name: value for name, value in row.items() if name not in added} for row in rows]


def test_codings_leave_the_default_figures_alone(figures):
    assert cells(figures["coded"], "metrics.vital_signs") == cells(figures["bare"], "metrics.vital_signs")
    stages = "select * from metrics.influence_stages order by all"
    assert figures["coded"].rows(stages) == figures["bare"].rows(stages)
    flat = "select * from marts.commitments_flat order by commitment_id"
    assert figures["coded"].rows(flat) == figures["bare"].rows(flat)


def test_the_variant_is_what_the_figures_were_if_the_codings_were_official(figures):
    variant = cells(figures["coded"], "metrics.vital_signs_with_analysts")
    assert variant == cells(figures["official"], "metrics.vital_signs")
    assert len(variant) == 144
    assert variant != cells(figures["coded"], "metrics.vital_signs")


def test_without_codings_the_variant_is_the_default(figures):
    assert cells(figures["bare"], "metrics.vital_signs_with_analysts") == cells(figures["bare"], "metrics.vital_signs")


def test_the_variant_says_how_much_of_it_analysts_coded(figures):
    rows = figures["coded"].rows("select * from metrics.vital_signs_with_analysts where plans > 0")
    by_cell = {(row["definition"], row["stage"], row["level"]): row for row in rows}
    complete = by_cell["complete", "throughout", "inform"]
    counts = ("plans", "plans_analyst_coded", "commitments", "commitments_analyst_coded", "hits")
    assert [complete[name] for name in counts] == [10, 5, 40, 10, 10]
    ambition = by_cell["moderate_or_transformative", "development", "involve"]
    assert [ambition[name] for name in counts] == [10, 5, 40, 0, 40]
    (default,) = figures["coded"].rows(
        "select * from metrics.vital_signs where definition = 'complete' and stage = 'throughout' and level = 'inform'"
    )
    assert [default[name] for name in ("plans", "commitments", "hits")] == [5, 15, 0]


def test_a_world_with_codings_is_published(figures):
    outcome = figures["coded"].publish()
    assert outcome.status == "published"
    failed = {v.check for v in outcome.verdicts if not v.passed and v.table.startswith(("marts.", "metrics."))}
    assert "analysts_read_another_level" in failed


def test_forms_alone_make_plans(tmp_path, catalog):
    """Plans nobody else names are plans, with their level, and in no figure: they have no commitments."""
    world = World(tmp_path, catalog)
    world.form("irm_report_plans", *[of_plan(coded(REVIEW, dev="Involve"), PLAN_MEMBER, 5)])
    world.form("irm_report_commitments", *[of_plan(coded(REVIEW, of="GH0012", potential="Modest"), PLAN_MEMBER, 6)])
    world.commitments({})
    world.build()
    rows = world.rows("select plan_id, commitments, source_file from marts.action_plans where member_id = 'GHA'")
    assert [(row["plan_id"], row["commitments"], row["source_file"]) for row in rows] == [
        ("AP_GHA05", 0, None),
        ("AP_GHA06", 0, None),
    ]
    (row,) = world.rows("select commitment_id, is_commitment_loaded from marts.irm_codings where plan_id = 'AP_GHA06'")
    assert row == {"commitment_id": "GH0012", "is_commitment_loaded": False}
    rows = world.rows("select * from metrics.vital_signs_with_analysts where commitments > 0")
    assert rows == []
