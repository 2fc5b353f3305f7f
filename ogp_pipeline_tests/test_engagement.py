"""Engagement cases: how counts are read, the Korean case, and the coding of the commitment shown beside them."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from ogp_pipeline_tests.test_self_assessments import failing
from ogp_pipeline_tests.world import World

TABLES = ("metrics.engagement", "meta.problems")
KOREAN = "KOR: gwanghwamoon 1st street: 2017-05-25"
NO_EVIDENCE = "One case of engagement; it is no evidence for figures 4.3, 4.5 and 4.9."
CASE = {
    "Initiative": "Ask us",
    "Member": "Albania",
    "Commitment ID": "AL0097",
    "First day of the call": "2019-01-01",
    "Last day of the call": "2019-01-10",
    "Proposals received": "1000",
    "Proposals taken up": "250",
}
RECEIVED, TAKEN_UP, DAYS = "Proposals received", "Proposals taken up", "Days"


class Row(NamedTuple):
    cells: dict[str, str]
    problem: tuple[str, str] | None
    expected: dict[str, Any] | None  # of metrics.engagement; None where the row is refused
    why: str


EXACT = {"days": 10, "proposals_per_day": 100, "uptake_share": 0.25, "uptake_share_is": "exact"}
ROWS = [
    Row({}, None, EXACT, "days from the first to the last, both counted"),
    Row({RECEIVED: "1,000"}, None, EXACT, "commas"),
    Row({RECEIVED: "1 000"}, None, EXACT, "a space"),
    Row({RECEIVED: "1\u00a0000"}, None, EXACT, "a no-break space"),
    Row({RECEIVED: "1.000"}, None, EXACT, "a point as in German"),
    Row({RECEIVED: "1000.0"}, None, EXACT, "as a spreadsheet writes it"),
    Row({TAKEN_UP: "more than 250"}, None, EXACT | {"uptake_share_is": "lower_bound"}, "taken up is a minimum"),
    Row({TAKEN_UP: "Over 250"}, None, EXACT | {"uptake_share_is": "lower_bound"}, "the same in other words"),
    Row({TAKEN_UP: "250+"}, None, EXACT | {"uptake_share_is": "lower_bound"}, "the same as a sign"),
    Row({TAKEN_UP: "> 250"}, None, EXACT | {"uptake_share_is": "lower_bound"}, "the same as a sign before it"),
    Row({RECEIVED: "at least 1000"}, None,
        EXACT | {"uptake_share_is": "upper_bound", "proposals_per_day_is_minimum": True}, "received is a minimum"),
    Row({RECEIVED: "at least 1000", TAKEN_UP: "over 250"}, None, EXACT | {"uptake_share_is": "unknown"}, "both are"),
    Row({RECEIVED: "about 1000"}, ("count_unreadable", "unreadable"),
        {"proposals_received": None, "proposals_per_day": None, "uptake_share": None, "uptake_share_is": None},
        "about is no minimum"),
    Row({RECEIVED: "10,00"}, ("count_unreadable", "unreadable"), {"proposals_received": None}, "a comma out of place"),
    Row({RECEIVED: "many"}, ("count_unreadable", "unreadable"), {"proposals_received": None}, "no number"),
    Row({RECEIVED: "-5"}, ("count_unreadable", "unreadable"), {"proposals_received": None}, "below nothing"),
    Row({RECEIVED: "9" * 30}, ("count_unreadable", "unreadable"), {"proposals_received": None}, "no count of people"),
    Row({TAKEN_UP: ""}, ("count_missing", "unreadable"), {"uptake_share": None, "proposals_per_day": 100}, "not told"),
    Row({RECEIVED: "0", TAKEN_UP: "0"}, None, {"uptake_share": None, "proposals_per_day": 0}, "nothing came in"),
    Row({TAKEN_UP: "1001"}, ("more_taken_up_than_received", "doubt"), {"uptake_share": None}, "more than came in"),
    Row({DAYS: "10"}, None, EXACT, "days that agree"),
    Row({DAYS: "20"}, ("days_disagree", "doubt"), {"days": 20, "proposals_per_day": 50}, "the days told are used"),
    Row({DAYS: "20", "Last day of the call": ""}, None, {"days": 20}, "days alone"),
    Row({DAYS: "0"}, ("days_unreadable", "unreadable"), EXACT, "no days; the two dates are used"),
    Row({"Last day of the call": "2018-12-31"}, ("period_reversed", "doubt"),
        {"days": None, "proposals_per_day": None, "uptake_share": 0.25}, "it ends before it begins"),
    Row({"First day of the call": "2019", "Last day of the call": ""}, None, {"days": None}, "a year is no day"),
    Row({"Last day of the call": "soon"}, ("date_unreadable", "unreadable"), {"days": None}, "no date"),
    Row({"Plan number": "x"}, ("plan_number_unreadable", "unreadable"), {"plan_id": None}, "no plan is no loss"),
    Row({"Plan number": "5"}, None, {"plan_id": "AP_ALB05"}, "the plan that is named"),
    Row({"Commitment ID": ""}, ("commitment_missing", "unreadable"), {"commitment_id": None}, "no commitment"),
    Row({"Commitment ID": "first"}, ("commitment_id_unreadable", "unreadable"), {"commitment_id": None}, "no id"),
    Row({"Member": "Atlantis"}, ("member_unknown", "quarantine"), None, "no member"),
    Row({"Initiative": " "}, ("initiative_missing", "quarantine"), None, "no name"),
]  # fmt: skip


@pytest.fixture(scope="module")
def told(tmp_path_factory, catalog) -> World:
    """The rows above, each an initiative of its own."""
    world = World(tmp_path_factory.mktemp("told"), catalog)
    world.commitments({})
    world.form("engagement", *[CASE | {"Initiative": f"Ask {n}"} | row.cells for n, row in enumerate(ROWS)])
    return world.build_for(*TABLES)


@pytest.mark.parametrize(("number", "row"), enumerate(ROWS), ids=lambda value: getattr(value, "why", None))
def test_rows_of_the_form(told, number, row):
    found = told.rows(
        f"select rule, severity from meta.problems where source = 'engagement' and source_row = {number + 2}"
    )
    assert [tuple(problem.values()) for problem in found] == ([row.problem] if row.problem else [])
    cases = told.rows(f"select * from metrics.engagement where initiative = 'Ask {number}'")
    assert [{name: case[name] for name in row.expected or {}} for case in cases] == (
        [row.expected] if row.expected else []
    )


def test_a_plan_that_a_case_names_is_a_plan(told):
    assert told.rows("select commitments from marts.action_plans where plan_id = 'AP_ALB05'") == [{"commitments": 0}]


def test_the_korean_case(told):
    [case] = told.rows(f"select * from metrics.engagement where case_id = '{KOREAN}'")
    assert (case["commitment_id"], case["plan_id"], case["days"]) == ("KR0041", "AP_KOR04", 49)
    assert case["proposals_per_day"] == 180_705 / 49
    assert (case["uptake_share"], case["uptake_share_is"]) == (1_700 / 180_705, "lower_bound")
    assert (case["is_commitment_loaded"], case["completion_latest"]) == (False, None)
    assert "in no loaded release" in case["note"] and case["note"].endswith(NO_EVIDENCE)


def test_the_coding_is_shown_with_its_caveat(world):
    world.commitments(
        {
            "Potential impact": "Minor",
            "Completion (end of term)": "d. Complete",
            "Did it open government (end of term only)": "c. Marginal",
            "Start Date": "2020-01-01",
        },
        {"Potential impact": "NR", "Completion (progress report)": "NR"},
    )
    world.plans({"IAP2 level during development": "Collaborate", "IAP2 level during imp.": "NR"})
    world.form(
        "engagement",
        *[
            CASE | {"Initiative": "Coded", "Commitment ID": "AP_ALB01-1"},
            CASE | {"Initiative": "Not coded", "Commitment ID": "AP_ALB01-2"},
            CASE | {"Initiative": "Another plan", "Commitment ID": "AP_ALB01-1", "Plan number": "2"},
        ],
    )
    world.build_for(*TABLES)
    cases = {case["initiative"]: case for case in world.rows("select * from metrics.engagement")}
    coded = cases["Coded"]
    assert (coded["plan_id"], coded["potential_impact"], coded["diog_overall"]) == ("AP_ALB01", "minor", "marginal")
    assert (coded["influence_development"], coded["influence_throughout"]) == ("collaborate", "no_data")
    assert coded["note"] == (
        "IRM coding of the commitment: potential impact minor, completion complete (end of term), "
        "did it open government: marginal. Public influence in its plan: collaborate in development. "
        f"The proposals came in before the commitment began. {NO_EVIDENCE}"
    )
    assert "has not coded the commitment" in cases["Not coded"]["note"]
    [other] = failing(world, "marts.engagement_cases", "plan_of_the_commitment")
    assert (other["plan_id"], other["plan_of_commitment"]) == ("AP_ALB02", "AP_ALB01")


def test_a_form_replaces_a_reference_case_and_the_newest_form_wins(world):
    world.commitments({})
    row = CASE | {
        "Initiative": "GWANGHWAMOON 1st  Street",
        "Member": "South Korea",
        "First day of the call": "2017-05-25",
        "Commitment ID": "KR0041",
    }
    world.form("engagement", *[row | {TAKEN_UP: "1"}], file="a.csv")
    world.form("engagement", *[row | {TAKEN_UP: "2"}], file="b.csv")
    world.manifest("- {file: a.csv, released: 2022-01-01}\n- {file: b.csv, released: 2021-01-01}\n")
    world.build_for(*TABLES)
    [case] = world.rows("select case_id, proposals_taken_up, source_file from marts.engagement_cases")
    assert case == {"case_id": KOREAN, "proposals_taken_up": 1, "source_file": "a.csv"}
    [superseded] = failing(world, "marts.engagement_cases", "cases_superseded")
    assert superseded["_source_file"] == "b.csv"


def test_an_initiative_told_twice_in_a_file(world):
    world.commitments({})
    world.form("engagement", *[CASE, CASE, CASE | {"Initiative": "Two"}, CASE | {"Initiative": "two", RECEIVED: "9"}])
    world.build_for(*TABLES)
    refused = world.rows("select _source_row, problems from quarantine.engagement order by 1")
    assert [(row["_source_row"], row["problems"][0].split(":")[0]) for row in refused] == [
        (3, "duplicate_row"),
        (4, "initiative_repeated"),
        (5, "initiative_repeated"),
    ]


def test_no_real_case_stands_in_a_sample(world):
    world.commitments({"Country": "Tarvenia"})
    world.form("member_list", *[{"Member ID": "ZZA", "Member name": "Tarvenia", "Member type": "national"}])
    world.form("engagement", *[CASE | {"Member": "Tarvenia", "Commitment ID": "AP_ZZA01-1"}])
    files = ("commitments.csv", "member_list.csv", "engagement.csv")
    world.manifest("".join(f"- {{file: {file}, synthetic: true}}\n" for file in files))
    world.build_for(*TABLES)
    assert [case["member_id"] for case in world.rows("select member_id from metrics.engagement")] == ["ZZA"]
