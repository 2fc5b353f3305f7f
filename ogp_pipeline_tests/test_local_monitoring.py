"""The reports of local monitoring bodies: how each cell is read, deadlines, results, and metrics of their own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

import pytest

from ogp_pipeline.models import Catalog, load_catalog
from ogp_pipeline.sources.layouts import find_header, layouts
from ogp_pipeline_tests.world import World

CATALOG = load_catalog()
REQUIREMENTS = "local_inception"
DESIGNS = "local_inception_commitments"
ENDS = "local_end_of_commitment"
LEARNING = "local_learning"
ACCESS = "Access to information - did it open government?"
PARTICIPATION = "Civic participation - did it open government?"
ACCOUNTABILITY = "Public accountability - did it open government?"
COMPLETION = "Completion at the end of the commitment"
IMPLEMENTED = "Date of full implementation"
SUBMITTED = "Plan submission date"
LENS = "Open government lens?"


def examples(layout: str, **changes: str) -> dict[str, str]:
    """A row of a form with the examples of its contract, but for the changes."""
    columns = CATALOG[f"raw.{layout}"].contract.columns
    return {**{name: column.example for name, column in columns.items() if column.example}, **changes}


class Case(NamedTuple):
    """Rows of one file about one plan, what its first row becomes (None: refused) and what is said about it."""

    layout: str
    rows: tuple[Mapping[str, str], ...]
    first: Mapping[str, Any] | None
    problems: list[tuple[str, str, str]]  # column, rule, severity
    why: str


CASES = [
    # --- identity: the only reason to refuse a row
    Case(
        LEARNING,
        ({},),
        {"member_id": "GBSC", "overall_lesson": "Fewer commitments, each with a budget."},
        [],
        "as it should be",
    ),
    Case(LEARNING, ({"Member": "Scotland, United Kingdom"},), {"member_id": "GBSC"}, [], "the name shown"),
    Case(
        LEARNING,
        ({"Member": "gbsc"},),
        {"member_id": "GBSC"},
        [("Member", "member_alias", "repair")],
        "a code in small letters",
    ),
    Case(LEARNING, ({"Member": "Atlantis"},), None, [("Member", "member_unknown", "quarantine")], "nobody's name"),
    Case(LEARNING, ({"Member": ""},), None, [("Member", "member_missing", "quarantine")], "no member"),
    Case(
        LEARNING,
        ({"Plan number": "second"},),
        None,
        [("Plan number", "plan_number_unreadable", "quarantine")],
        "a word for a plan",
    ),
    Case(
        LEARNING,
        ({}, {}),
        {"member_id": "GBSC"},
        [("Plan number", "duplicate_row", "quarantine")],
        "the same row twice: one is kept",
    ),
    Case(
        LEARNING,
        ({}, {"Overall lesson for the next plan": "More commitments."}),
        None,
        [("Plan number", "plan_repeated", "quarantine")] * 2,
        "two lessons for one plan: neither is chosen",
    ),
    Case(
        REQUIREMENTS,
        ({"Co-creation requirement": "a forum  EXISTS"},),
        {"requirement": "forum_exists"},
        [("Co-creation requirement", "label_variant", "repair")],
        "typed by hand in another case",
    ),
    Case(
        REQUIREMENTS,
        ({"Co-creation requirement": "There was cake"},),
        None,
        [("Co-creation requirement", "requirement_unknown", "quarantine")],
        "no requirement of OGP: the key of the row cannot be read",
    ),
    Case(
        REQUIREMENTS,
        ({"Co-creation requirement": ""},),
        None,
        [("Co-creation requirement", "requirement_missing", "quarantine")],
        "an answer to nothing",
    ),
    Case(
        REQUIREMENTS,
        ({}, {"Requirement met?": "No"}),
        None,
        [("Co-creation requirement", "requirement_repeated", "quarantine")] * 2,
        "yes and no to one requirement",
    ),
    # --- how a commitment is named
    Case(
        ENDS,
        ({"Commitment": "SCO0007"},),
        {"commitment_id": "SCO0007", "commitment_id_basis": "ogp_id", "commitment_number": None},
        [],
        "OGP's id",
    ),
    Case(
        ENDS,
        ({"Commitment": "sco0008"},),
        {"commitment_id": "SCO0008"},
        [("Commitment", "number_variant", "repair")],
        "in small letters",
    ),
    Case(
        ENDS,
        ({"Commitment": "3"},),
        {"commitment_id": "{plan}-3", "commitment_id_basis": "number_in_plan", "commitment_number": "3"},
        [],
        "its number",
    ),
    Case(
        ENDS,
        ({"Commitment": "{plan}-3"},),
        {"commitment_id": "{plan}-3", "commitment_number": "3"},
        [],
        "the id made of plan and number",
    ),
    Case(
        ENDS,
        ({"Commitment": "2.2999999999999998"},),
        {"commitment_id": "{plan}-2.3"},
        [("Commitment", "number_variant", "repair")],
        "a float artefact",
    ),
    Case(
        ENDS,
        ({"Commitment": "3.0"},),
        {"commitment_id": "{plan}-3"},
        [("Commitment", "number_variant", "repair")],
        "a whole number with decimals",
    ),
    Case(
        ENDS,
        ({"Commitment": "AP_MXJL01-3"},),
        None,
        [("Commitment", "commitment_unreadable", "quarantine")],
        "the id of another plan",
    ),
    Case(ENDS, ({"Commitment": "the first"},), None, [("Commitment", "commitment_unreadable", "quarantine")], "a word"),
    Case(
        ENDS,
        ({"Commitment": "0"},),
        None,
        [("Commitment", "commitment_unreadable", "quarantine")],
        "numbers begin at 1",
    ),
    Case(ENDS, ({"Commitment": " "},), None, [("Commitment", "commitment_missing", "quarantine")], "nothing"),
    Case(
        ENDS,
        ({"Commitment": "3", "Member": "Atlantis"},),
        None,
        [("Member", "member_unknown", "quarantine")],
        "one reason is enough",
    ),
    Case(
        ENDS,
        ({"Commitment": "4"}, {"Commitment": "4", COMPLETION: "Limited"}),
        None,
        [("Commitment", "commitment_repeated", "quarantine")] * 2,
        "two reports on one commitment",
    ),
    # --- answers: any other value that cannot be read is NULL and said
    Case(
        REQUIREMENTS,
        ({"Requirement met?": "Partly"},),
        {"answer": None},
        [("Requirement met?", "label_unknown", "unreadable")],
        "neither yes nor no",
    ),
    Case(
        REQUIREMENTS,
        ({"Requirement met?": ""},),
        {"answer": None},
        [("Requirement met?", "answer_missing", "doubt")],
        "not answered",
    ),
    Case(
        REQUIREMENTS,
        ({"Requirement met?": "yes "},),
        {"answer": "yes"},
        [("Requirement met?", "label_variant", "repair")],
        "in another case",
    ),
    Case(
        REQUIREMENTS,
        ({"Evaluator": ""},),
        {"evaluator": None},
        [("Evaluator", "answer_missing", "doubt")],
        "a report without its author",
    ),
    Case(
        REQUIREMENTS,
        ({"Evidence for the answer": "one<br/>two"},),
        {"evidence": "one\ntwo"},
        [("Evidence for the answer", "html_break", "repair")],
        "pasted from a page",
    ),
    Case(
        REQUIREMENTS,
        (
            {"Evaluator": "", "Report date": "", SUBMITTED: ""},
            {"Co-creation requirement": "The forum is multi-stakeholder"},
        ),
        {
            "evaluator": "Open Government Observatory",
            "report_date": date(2024, 4, 15),
            "plan_submitted_date": date(2024, 3, 1),
        },
        [],
        "what holds for the report may stand in one of its rows",
    ),
    Case(
        REQUIREMENTS,
        ({}, {"Co-creation requirement": "The forum is multi-stakeholder", "Report date": "2024-05-20"}),
        {"report_date": None, "plan_submitted_date": date(2024, 3, 1)},
        [("Report date", "disagrees_in_report", "unreadable")] * 2,
        "two dates of one report: neither is used",
    ),
    Case(
        REQUIREMENTS,
        ({}, {"Co-creation requirement": "The forum is multi-stakeholder", "Evaluator": "Somebody else"}),
        {"evaluator": "Open Government Observatory"},
        [("Evaluator", "disagrees_in_report", "doubt")] * 2,
        "two authors: both are kept",
    ),
    Case(
        REQUIREMENTS,
        ({"Member": "Albania"},),
        {"member_id": "ALB"},
        [("Member", "not_a_local_member", "doubt")],
        "the IRM assesses national plans",
    ),
    Case(
        DESIGNS,
        ({LENS: "No"},),
        {"open_government_lens": "no"},
        [(LENS, "lens_disagrees", "doubt")],
        "no lens, yet a value",
    ),
    Case(
        DESIGNS,
        ({LENS: "Yes", "Lens - access to information": "No"},),
        {"open_government_lens": "yes"},
        [(LENS, "lens_disagrees", "doubt")],
        "a lens, yet no value",
    ),
    Case(
        DESIGNS,
        ({LENS: ""},),
        {"open_government_lens": None},
        [(LENS, "answer_missing", "doubt")],
        "no answer as a whole",
    ),
    Case(
        DESIGNS,
        ({"Potential for results at inception": "Transformative"},),
        {"potential_for_results": None},
        [("Potential for results at inception", "label_unknown", "unreadable")],
        "a label of the older scale",
    ),
    Case(
        ENDS,
        ({ACCESS: "d. Major"},),
        {"diog_access": "major"},
        [(ACCESS, "label_variant", "repair")],
        "with the prefix of 2016",
    ),
    Case(
        ENDS,
        ({ACCESS: "Huge"},),
        {"diog_access": None, "has_unreadable_degree": True},
        [(ACCESS, "label_unknown", "unreadable")],
        "no degree of the scale",
    ),
    Case(
        ENDS,
        ({ACCESS: ""},),
        {"diog_access": None, "has_unreadable_degree": False},
        [(ACCESS, "answer_missing", "doubt")],
        "a value not answered",
    ),
    Case(
        ENDS, ({COMPLETION: "Limited", IMPLEMENTED: ""},), {"implemented_date": None}, [], "not complete: no such day"
    ),
    Case(
        ENDS,
        ({IMPLEMENTED: ""},),
        {"implemented_date": None},
        [(IMPLEMENTED, "answer_missing", "doubt")],
        "complete on no day",
    ),
    Case(
        ENDS,
        ({COMPLETION: "Limited"},),
        {"implemented_date": date(2025, 6, 1)},
        [(IMPLEMENTED, "implemented_but_not_complete", "doubt")],
        "fully implemented, yet limited",
    ),
    # --- dates: only a certain day, for a deadline hangs on it
    Case(LEARNING, ({"Report date": "1 February 2026"},), {"report_date": date(2026, 2, 1)}, [], "a month by its name"),
    Case(
        LEARNING,
        ({"Report date": "46054"},),
        {"report_date": date(2026, 2, 1)},
        [("Report date", "excel_serial", "repair")],
        "an Excel serial",
    ),
    Case(LEARNING, ({"Report date": "25/02/2026"},), {"report_date": date(2026, 2, 25)}, [], "one reading only"),
    Case(
        LEARNING,
        ({"Report date": "06/01/2026"},),
        {"report_date": None},
        [("Report date", "date_ambiguous", "unreadable")],
        "two readings, one of them a first of a month",
    ),
    Case(
        ENDS,
        ({"Report date": "06/07/2025", IMPLEMENTED: "25/06/2025"},),
        {"report_date": date(2025, 7, 6)},
        [],
        "the file proves the order",
    ),
    Case(
        LEARNING,
        ({"Report date": "July 2026"},),
        {"report_date": None},
        [("Report date", "date_not_to_the_day", "unreadable")],
        "a month is no day",
    ),
    Case(
        LEARNING,
        ({"Report date": "2026"},),
        {"report_date": None},
        [("Report date", "date_not_to_the_day", "unreadable")],
        "a year is no day",
    ),
    Case(
        LEARNING,
        ({"Report date": "31/02/2026"},),
        {"report_date": None},
        [("Report date", "date_impossible", "unreadable")],
        "no such day",
    ),
    Case(
        LEARNING,
        ({"Report date": "soon"},),
        {"report_date": None},
        [("Report date", "date_unreadable", "unreadable")],
        "no date",
    ),
    Case(
        LEARNING,
        ({"Report date": ""},),
        {"report_date": None},
        [("Report date", "answer_missing", "doubt")],
        "not dated",
    ),
    Case(
        REQUIREMENTS,
        ({"Report date": "2024-02-01"},),
        {"report_date": date(2024, 2, 1)},
        [("Report date", "report_before_plan", "doubt")],
        "before the plan",
    ),
    Case(
        ENDS,
        ({"Report date": "2025-05-01"},),
        {"report_date": date(2025, 5, 1)},
        [("Report date", "report_before_implementation", "doubt")],
        "before the end",
    ),
]


def of_plan(value: Any, plan_number: int) -> Any:
    return value.replace("{plan}", f"AP_GBSC{plan_number:02}") if isinstance(value, str) else value


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A world with one file per case, each about a plan of its own; read as far as meta.problems."""
    world = World(tmp_path_factory.mktemp("read"), CATALOG)
    world.commitments({})
    for number, case in enumerate(CASES, start=1):
        rows = [{**examples(case.layout), "Plan number": str(number), **row} for row in case.rows]
        rows = [{name: of_plan(cell, number) for name, cell in row.items()} for row in rows]
        world.form(case.layout, *rows, file=f"case-{number:02}.csv")
    steps = [name for name, _ in CATALOG.steps()]
    return world.build(*steps[: steps.index("meta__problems") + 1])


@pytest.mark.parametrize(("number", "case"), list(enumerate(CASES, start=1)), ids=[case.why for case in CASES])
def test_how_a_form_is_read(read, number, case):
    file = f"case-{number:02}.csv"
    staged = read.rows(f"select * from staging.{case.layout} where _source_file = '{file}' order by _source_row")
    if case.first is None:
        assert staged == []
    else:
        assert {name: staged[0][name] for name in case.first} == {
            name: of_plan(value, number) for name, value in case.first.items()
        }
    said = read.rows(
        f"""select "column", rule, severity from meta.problems
            where source_file = '{file}' order by source_row, "column" """
    )
    assert sorted(tuple(problem.values()) for problem in said) == sorted(case.problems)


@pytest.mark.parametrize("layout", [REQUIREMENTS, DESIGNS, ENDS, LEARNING])
def test_a_form_without_its_optional_columns_is_recognised(layout):
    required = [name for name, column in CATALOG[f"raw.{layout}"].contract.columns.items() if column.required]
    header = [name for name in required if not name.startswith("_source")]
    assert find_header([header], layouts(CATALOG)).layout.name == layout


# --- deadlines


class Deadline(NamedTuple):
    counted_from: str
    reported: str
    due: date | None
    days_late: int | None
    is_late: bool | None
    why: str


INCEPTIONS = [
    Deadline("2024-03-01", "2024-05-01", date(2024, 5, 1), 0, False, "on the last day"),
    Deadline("2024-03-01", "2024-05-02", date(2024, 5, 1), 1, True, "a day after it"),
    Deadline("2024-03-01", "2024-03-20", date(2024, 5, 1), -42, False, "early"),
    Deadline("2023-12-31", "2024-02-29", date(2024, 2, 29), 0, False, "a month without a 31st, in a leap year"),
    Deadline("2022-12-31", "2023-03-01", date(2023, 2, 28), 1, True, "a month without a 31st"),
    Deadline("2024-11-15", "2025-01-15", date(2025, 1, 15), 0, False, "over the end of the year"),
    Deadline("", "2024-05-02", None, None, None, "the plan was submitted nobody knows when"),
    Deadline("March 2024", "2024-07-02", None, None, None, "a month is no day: late or not by how it is read"),
    Deadline("2024-03-01", "", date(2024, 5, 1), None, None, "the report is not dated"),
    Deadline("2024-03-01", "06/05/2024", date(2024, 5, 1), None, None, "6 May or 5 June"),
]
ENDINGS = [
    Deadline("2025-01-31", "2025-02-28", date(2025, 2, 28), 0, False, "on the last day of a short month"),
    Deadline("2025-01-31", "2025-03-01", date(2025, 2, 28), 1, True, "a day after it"),
    Deadline("", "2025-03-01", None, None, None, "not implemented: no deadline"),
]


def plan_of(number: int) -> str:
    return f"AP_GBSC{number:02}"


@pytest.fixture(scope="module")
def dated(tmp_path_factory: pytest.TempPathFactory) -> World:
    """One inception report per plan and one end-of-commitment report per commitment of plan 90."""
    world = World(tmp_path_factory.mktemp("dated"), CATALOG)
    world.commitments({})
    for number, row in enumerate(INCEPTIONS, start=1):
        cells = {"Plan number": str(number), SUBMITTED: row.counted_from, "Report date": row.reported}
        world.form(REQUIREMENTS, {**examples(REQUIREMENTS), **cells}, file=f"inception-{number}.csv")
    endings = [
        {"Plan number": "90", "Commitment": str(number), IMPLEMENTED: row.counted_from, "Report date": row.reported}
        for number, row in enumerate(ENDINGS, start=1)
    ]
    world.form(ENDS, *({**examples(ENDS), **cells} for cells in endings))
    return world.build()


@pytest.mark.parametrize(
    ("report_id", "row"),
    [
        *(pytest.param(f"{plan_of(k)}-inception", row, id=row.why) for k, row in enumerate(INCEPTIONS, start=1)),
        *(
            pytest.param(f"{plan_of(90)}-{k}-end_of_commitment", row, id=row.why)
            for k, row in enumerate(ENDINGS, start=1)
        ),
    ],
)
def test_whether_a_report_is_late(dated, report_id, row):
    found = dated.rows(f"select due_date, days_late, is_late from marts.local_reports where report_id = '{report_id}'")
    assert found == [{"due_date": row.due, "days_late": row.days_late, "is_late": row.is_late}]


def test_lateness_is_counted_once(dated):
    late = sum(row.is_late is True for row in INCEPTIONS + ENDINGS)
    in_time = sum(row.is_late is False for row in INCEPTIONS + ENDINGS)
    unknown = sum(row.is_late is None for row in INCEPTIONS + ENDINGS)
    found = dated.rows(
        "select reports, reports_late, reports_on_time, reports_lateness_unknown from metrics.local_monitoring "
        "where scope = 'overall'"
    )
    assert list(found[0].values()) == [late + in_time + unknown, late, in_time, unknown]


# --- results


class Degrees(NamedTuple):
    access: str
    participation: str
    accountability: str
    overall: str | None
    why: str


DEGREES = [
    Degrees("Major", "Marginal", "Not applicable", "major", "the highest of those that apply"),
    Degrees("Not applicable", "Outstanding", "Major", "outstanding", "in whatever column it stands"),
    Degrees("Worsens", "Did not change", "Not applicable", "did_not_change", "did not change is above worsens"),
    Degrees("Worsens", "Not applicable", "Not applicable", "worsens", "the only one that applies"),
    Degrees("Not applicable", "Not applicable", "Not applicable", None, "nothing applies: not assessed"),
    Degrees("", "Marginal", "", "marginal", "what was not answered counts for nothing"),
    Degrees("Marginal", "Huge", "Did not change", None, "a degree that cannot be read may have been the highest"),
]


@pytest.fixture(scope="module")
def monitored(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Two local members and a national one, the newer of two files, and commitments that a release holds."""
    world = World(tmp_path_factory.mktemp("monitored"), CATALOG)
    scotland = {"Country": "Scotland, United Kingdom", "Action Plan Number": "1"}
    world.commitments({}, {**scotland, "Comm No": "1"}, {**scotland, "Comm No": "2"})
    world.plans({})
    ends = [
        {"Plan number": "1", "Commitment": str(k), ACCESS: row[0], PARTICIPATION: row[1], ACCOUNTABILITY: row[2]}
        for k, row in enumerate(DEGREES, start=1)
    ]
    ends[1][COMPLETION] = "Limited"
    ends[2][COMPLETION] = "Withdrawn"
    ends[1][IMPLEMENTED] = ends[2][IMPLEMENTED] = ""
    world.form(ENDS, *({**examples(ENDS), **row} for row in ends), file="ends.csv")
    older = {"Plan number": "1", "Commitment": "1", COMPLETION: "Not started", ACCESS: "Did not change"}
    world.form(ENDS, {**examples(ENDS), **older}, file="ends-older.csv")
    world.form(
        DESIGNS,
        {
            **examples(DESIGNS),
            "Plan number": "1",
            "Commitment": "1",
            "Potential for results at inception": "Substantial",
        },
        {**examples(DESIGNS), "Plan number": "1", "Commitment": "9", "Is the commitment verifiable?": "No", LENS: ""},
        {**examples(DESIGNS), "Plan number": "2", "Commitment": "SCO0001"},
        file="designs.csv",
    )
    asked = ("A forum exists", "The forum is multi-stakeholder", "Information was shared before the meetings")
    answers = [
        {"Plan number": "1", "Co-creation requirement": requirement, "Requirement met?": answer}
        for requirement, answer in zip(asked, ("Yes", "No", ""), strict=True)
    ]
    jalisco = {"Member": "MXJL", "Plan number": "1", "Report date": "2024-09-01"}
    world.form(
        REQUIREMENTS,
        *({**examples(REQUIREMENTS), **row} for row in answers),
        {**examples(REQUIREMENTS), **jalisco},
        {**examples(REQUIREMENTS), "Member": "Albania", "Plan number": "1"},
        file="requirements.csv",
    )
    world.form(LEARNING, {**examples(LEARNING), "Plan number": "1"}, file="learning.csv")
    world.manifest("- {file: ends-older.csv, released: 2023-01-01}\n- {file: ends.csv, released: 2025-07-01}\n")
    return world.build()


@pytest.mark.parametrize(("number", "row"), list(enumerate(DEGREES, start=1)), ids=[row.why for row in DEGREES])
def test_one_degree_of_several(monitored, number, row):
    found = monitored.rows(
        f"""select early_results_scale, early_results from marts.results
            where commitment_id = 'AP_GBSC01-{number}' and assessment = 'end_of_commitment'"""
    )
    assert found == [{"early_results_scale": "diog" if row.overall else None, "early_results": row.overall}]


def test_results_of_a_monitoring_body(monitored):
    found = monitored.rows(
        """select commitment_id, assessment, completion, assessed_date, is_latest, is_commitment_loaded
           from marts.results where assessor_type = 'monitoring_body'
             and commitment_id in ('AP_GBSC01-1', 'AP_GBSC01-9', 'SCO0001') order by all"""
    )
    assert [tuple(row.values()) for row in found] == [
        ("AP_GBSC01-1", "end_of_commitment", "complete", date(2025, 6, 20), True, True),
        ("AP_GBSC01-1", "inception", None, date(2024, 4, 15), False, True),
        ("AP_GBSC01-9", "inception", None, date(2024, 4, 15), True, False),
        ("SCO0001", "inception", None, None, True, False),  # the report of plan 2 came without its first part
    ]


def test_results_of_the_irm_stay_beside_them(monitored):
    found = monitored.rows(
        "select assessor_type, completion, is_latest from marts.results where commitment_id = 'AP_GBSC01-1' "
        "and completion is not null order by all"
    )
    assert [tuple(row.values()) for row in found] == [
        ("irm", "substantial", True),
        ("monitoring_body", "complete", True),
    ]


def test_degrees_by_value(monitored):
    found = monitored.rows(
        "select ogp_value, degree, is_applicable from marts.local_open_government "
        "where commitment_id = 'AP_GBSC01-1' order by all"
    )
    assert [tuple(row.values()) for row in found] == [
        ("access", "major", True),
        ("accountability", "not_applicable", False),
        ("participation", "marginal", True),
    ]
    unread = "select ogp_value from marts.local_open_government where commitment_id = 'AP_GBSC01-7' order by all"
    assert [row["ogp_value"] for row in monitored.rows(unread)] == ["access", "accountability"]


def test_co_creation_requirements(monitored):
    found = monitored.rows(
        "select plan_id, requirement, answer, is_met, explanation, evidence, evaluator "
        "from marts.co_creation_requirements where member_id = 'GBSC' order by all"
    )
    said = ("The forum meets every month.", "https://example.org/minutes", "Open Government Observatory")
    assert [tuple(row.values()) for row in found] == [
        ("AP_GBSC01", "forum_exists", "yes", True, *said),
        ("AP_GBSC01", "forum_is_multi_stakeholder", "no", False, *said),
        ("AP_GBSC01", "information_shared_before_meetings", None, None, *said),
    ]


def test_designs_of_commitments(monitored):
    found = monitored.rows(
        "select commitment_id, commitment_id_basis, is_verifiable, has_open_government_lens, potential_for_results "
        "from marts.local_commitments where is_reviewed_at_inception order by all"
    )
    assert [tuple(row.values()) for row in found] == [
        ("AP_GBSC01-1", "number_in_plan", True, True, "substantial"),
        ("AP_GBSC01-9", "number_in_plan", False, True, "modest"),  # not answered as a whole, access is
        ("SCO0001", "ogp_id", True, True, "modest"),
    ]


def test_a_final_learning_exercise_has_no_deadline(monitored):
    (found,) = monitored.rows("select * from marts.local_reports where kind = 'final_learning'")
    assert (found["due_date"], found["is_late"]) == (None, None)
    assert found["overall_lesson"] == "Fewer commitments, each with a budget."


def test_metrics_counted_by_hand(monitored):
    """Plan 1 of Scotland: seven ends of commitments, of which one is limited, one withdrawn, five complete."""
    found = {
        row["scope_id"]: row
        for row in monitored.rows("select * from metrics.local_monitoring where scope in ('plan', 'overall')")
    }
    expected = {
        "plans": 1,
        "requirements_answered": 2,
        "requirements_met": 1,
        "requirements_met_share": 0.5,
        "commitments_reviewed": 2,
        "commitments_verifiable": 1,
        "commitments_with_lens": 2,
        "commitments_substantial_potential": 1,
        "commitments_completion_assessed": 6,
        "commitments_complete": 5,
        "complete_share": 5 / 6,
        "commitments_results_assessed": 5,
        "commitments_major_or_outstanding": 2,
        "major_or_outstanding_share": 0.4,
        "reports": 9,  # 1 inception, 7 ends, 1 learning
        "reports_on_time": 6,  # the inception and the ends of the five complete ones
        "reports_late": 0,
        "reports_lateness_unknown": 2,
    }
    assert {name: found["AP_GBSC01"][name] for name in expected} == pytest.approx(expected)
    assert found["AP_MXJL01"]["reports_late"] == 1
    assert found["AP_MXJL01"]["complete_share"] is None, "nothing assessed is no share of 0"
    assert set(found) == {"AP_GBSC01", "AP_GBSC02", "AP_MXJL01", "overall"}, "no national member"
    for name in ("plans", "reports", "commitments_complete", "requirements_met", "reports_late"):
        parts = sum(row[name] for scope, row in found.items() if scope != "overall")
        assert found["overall"][name] == parts, name


def test_the_figures_do_not_know_of_them(monitored, tmp_path):
    alone = World(tmp_path, CATALOG)
    for name in ("commitments.csv", "process.csv"):
        (alone.inputs / name).write_bytes((monitored.inputs / name).read_bytes())
    alone.build()
    figures = "select * from metrics.vital_signs order by all"
    assert alone.rows(figures) == monitored.rows(figures)


def test_what_is_doubtful_is_published_and_warned_of(monitored, tmp_path):
    outcome = monitored.copy_to(tmp_path).build().publish()
    assert outcome.status == "published"
    failed = {verdict.name: verdict.failing_rows for verdict in outcome.verdicts if not verdict.passed}
    local = {name: rows for name, rows in failed.items() if name.startswith(("marts.local", "metrics.local"))}
    assert local == {
        "marts.local_reports.reports_late": 1,  # Jalisco
        "marts.local_reports.lateness_unknown": 1,  # plan 2, of which only the second part came
        "marts.local_reports.evaluator_missing": 1,  # the same
        "marts.local_reports.not_a_local_member": 1,  # Albania
        "marts.local_reports.reported_twice": 1,  # commitment 1 in two files
    }


def test_one_commitment_under_two_names(world: World, catalog: Catalog):
    """By its number in one form and by its id in another: one commitment, and of the two reports the newer."""
    world.commitments({"Country": "Scotland, United Kingdom", "Comm No": "2"})
    by_number = {**examples(ENDS), "Plan number": "1", "Commitment": "2", COMPLETION: "Limited", IMPLEMENTED: ""}
    by_id = {**examples(ENDS), "Plan number": "1", "Commitment": "AP_GBSC01-2"}
    other_plan = {**examples(DESIGNS), "Plan number": "2", "Commitment": "2"}
    world.form(ENDS, by_number, file="a.csv")
    world.form(ENDS, by_id, file="b.csv")
    world.form(DESIGNS, other_plan)
    world.manifest("- {file: b.csv, released: 2025-07-01}\n")
    world.build()
    found = world.rows(
        "select commitment_id, completion from marts.results where assessment = 'end_of_commitment' order by all"
    )
    assert [tuple(row.values()) for row in found] == [("AP_GBSC01-2", "complete")]
    plans = world.rows("select commitment_id, plan_id from marts.local_commitments order by all")
    assert [tuple(row.values()) for row in plans] == [("AP_GBSC01-2", "AP_GBSC01"), ("AP_GBSC02-2", "AP_GBSC02")]


def test_a_form_that_names_another_plan_is_warned_of(world: World):
    """The commitment is in plan 1; one form says so, another says plan 2: its own plan stands, and it is said."""
    named = [{**examples(ENDS), "Plan number": "1"}, {**examples(DESIGNS), "Plan number": "2"}]
    world.commitments({})
    world.form(ENDS, {**named[0], "Commitment": "SCO0001"})
    world.form(DESIGNS, {**named[1], "Commitment": "SCO0001"})
    outcome = world.build().publish()
    found = world.rows("select commitment_id, plan_id, named_plans from marts.local_commitments")
    assert [tuple(row.values()) for row in found] == [("SCO0001", "AP_GBSC01", ["AP_GBSC01", "AP_GBSC02"])]
    warned = {verdict.check for verdict in outcome.verdicts if not verdict.passed}
    assert outcome.status == "published" and "form_names_another_plan" in warned
