"""The metrics people ask for: a partnership counted by hand, rules that hold in all, and the real files recounted."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pytest

from ogp_pipeline.judging import evaluate
from ogp_pipeline.models import Catalog
from ogp_pipeline.quality import Verdict
from ogp_pipeline_tests.world import World

OUTCOMES = (
    "outcomes_by_year",
    "outcomes_by_region",
    "outcomes_by_policy_area",
    "outcomes_by_ogp_value",
    "outcomes_by_member",
)
TABLES = (
    *OUTCOMES,
    "member_comparison",
    "influence_by_year",
    "minimum_by_stage",
    "stars",
    "completion_change",
    "not_yet_assessed",
    "missed_stars",
    "local_report_lateness",
    "peer_finder",
)
IMPACT, SPECIFICITY = "Potential impact", "Specificity"
PROGRESS, END = "Completion (progress report)", "Completion (end of term)"
ACCESS, YEAR, AID = "Value -Info", "Year of submission", "Aid"
DEVELOPMENT, IMPLEMENTATION = "IAP2 level during development", "IAP2 level during imp."
NOT_RELEVANT = {ACCESS: "0", "_Relevant": "0"}
STAR = {IMPACT: "Transformative", PROGRESS: "d. Complete"}

# As World.commitments: an ordinary commitment is of 2014, specific, relevant by access alone, of moderate potential
# impact, substantial at mid-term, and not coded at the end of the term.
COMMITMENTS: tuple[dict[str, str], ...] = (
    {"Country": "Albania", "Comm No": "1", AID: "1", "Anti-corruption": "1"},
    {"Country": "Albania", "Comm No": "2", AID: "1"} | STAR,
    {"Country": "Albania", "Comm No": "3", IMPACT: "None", PROGRESS: "b. Limited", SPECIFICITY: "a. low"}
    | NOT_RELEVANT,
    {"Country": "Croatia", "Comm No": "1", END: "b. Limited"} | STAR,
    {"Country": "Croatia", "Comm No": "2", IMPACT: "Minor", PROGRESS: "a. Not started", END: "d. Complete", AID: "1"},
    {"Country": "Denmark", "Comm No": "1", IMPACT: "Transformative", SPECIFICITY: "a. low", AID: "1"},
    {"Country": "Denmark", "Comm No": "2", IMPACT: "Transformative", PROGRESS: "NR", END: "NR"},
    {"Country": "Italy", "Comm No": "1", PROGRESS: "Withdrawn", YEAR: "2015"},
    {"Country": "Canada", "Comm No": "1", PROGRESS: "d. Complete", AID: "ND"},
    {"Country": "Canada", "Comm No": "2", IMPACT: "Unclear", ACCESS: "NR", "_Relevant": "NR"},
    {"Country": "Chile", "Comm No": "1", YEAR: "2013"} | STAR | NOT_RELEVANT,
)
# Albania 1 at involve and inform, Croatia 1 at consult and none, Denmark 1 above both, Italy 1 not reviewed; Chile 1 is
# not in the file; of 2018, Albania 2 is coded, and what analysts read of Denmark 2 and Italy 2 is in ANALYSTS.
PROCESS: tuple[dict[str, str], ...] = (
    {"Country name": "Albania"},
    {"Country name": "Croatia", DEVELOPMENT: "Consult", IMPLEMENTATION: "NA"},
    {"Country name": "Denmark", DEVELOPMENT: "Collaborate", IMPLEMENTATION: "Involve"},
    {"Country name": "Italy", "Year AP Submitted": "2015", DEVELOPMENT: "NR", IMPLEMENTATION: "NR"},
    {"Country name": "Canada", DEVELOPMENT: "Consult"},
    *(
        {
            "Country name": country,
            "Action Plan Number": "2",
            "Year AP Submitted": "2018",
            DEVELOPMENT: level,
            IMPLEMENTATION: "NR",
        }
        for country, level in (("Albania", "Collaborate"), ("Croatia", "NR"), ("Denmark", "NR"), ("Italy", "NR"))
    ),
)
ANALYSTS = tuple(
    {
        "Member": member,
        "Action plan number": "2",
        "IRM product": "Design report",
        "Report status": "Final",
        "Level of public influence during development": level,
        "Coded by": "Ada",
    }
    for member, level in (("DNK", "Involve"), ("ITA", "Consult"))
)
COMPLETE = {"Completion (End Of Term)": "Complete", "_CompletionEndTerm": "5", AID: "1"}
SCOTLAND = {"Country/Locality": "Scotland", "Code": "GBSC"}
LOCALS: tuple[dict[str, str], ...] = (
    # a plan the IRM coded, and one that a monitoring body assesses whatever stands in the file
    {"Commitment Unique Identifier": "SCO0001", "Action Plan ID": "AP_GBSC01", "Action Plan Number": "1"}
    | {"National Or Local": "Legacy Local", **SCOTLAND, **COMPLETE},
    {"Commitment Unique Identifier": "SCO0002", "Action Plan ID": "AP_GBSC02", "Action Plan Number": "2"}
    | {"National Or Local": "Local", "Year Of Submission": "2022", **SCOTLAND, **COMPLETE},
)
PARTIAL = {
    "Commitment Unique Identifier": "MX0001",
    "Country/Locality": "Mexico",
    "Code": "MEX",
    "Region": "Americas",
    "Action Plan ID": "AP_MEX05",
} | COMPLETE
INCEPTIONS = tuple(  # due on 1 May: two weeks early, and ten and thirty-one days late
    {
        "Member": member,
        "Plan number": "2",
        "Plan submission date": "2022-03-01",
        "Evaluator": "Observatory",
        "Report date": reported,
        "Co-creation requirement": "A forum exists",
        "Requirement met?": "Yes",
    }
    for member, reported in (("GBSC", "2022-04-17"), ("MXJL", "2022-05-11"), ("ARBA", "2022-06-01"))
)
END_OF_COMMITMENT = {
    "Member": "GBSC",
    "Plan number": "2",
    "Commitment": "SCO0002",
    "Evaluator": "Observatory",
    "Report date": "2024-01-20",
    "Completion at the end of the commitment": "Limited",
}


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory, catalog: Catalog) -> World:
    """The partnership above, with every metric built."""
    world = World(tmp_path_factory.mktemp("asked"), catalog)
    world.commitments(*COMMITMENTS)
    world.plans(*PROCESS)
    world.master(*LOCALS)
    world.master(PARTIAL, file="extract.csv")
    world.manifest("- {file: extract.csv, released: 2024-07-01, partial: true}\n")
    world.form("irm_report_plans", *ANALYSTS)
    world.form("local_inception", *INCEPTIONS)
    world.form("local_end_of_commitment", END_OF_COMMITMENT)
    return world.build_for(*(f"metrics.{table}" for table in TABLES))


class Case(NamedTuple):
    """The one row of a table that a filter finds, as far as it is named; None where there must be none."""

    table: str
    where: str
    expected: dict[str, Any] | None
    why: str


NATIONAL = "definition = 'complete' and member_type = 'national' and "
NOTHING = {"plans": 0, "commitments": 0, "hits": 0, "share": None, "is_suppressed": True}
YEAR_OF = "coding = 'official' and submitted_year = "
CASES = [
    # --- outcomes: complete are Albania 2, Croatia 2 (at the end), Canada 1 and Chile 1
    Case("outcomes_by_year", NATIONAL + "submitted_year = 2014",
         {"plans": 4, "commitments": 8, "hits": 3, "share": 3 / 8, "is_suppressed": False, "commitments_in_group": 9,
          "share_assessed": 8 / 9, "commitments_end_of_term": 2, "commitments_progress": 6},
         "Denmark 2 is not reviewed; the end of the term of Croatia's two counts before mid-term"),
    Case("outcomes_by_year", NATIONAL + "submitted_year = 2013",
         {"plans": 1, "commitments": 1, "hits": 1, "share": None, "is_suppressed": True}, "one plan is suppressed"),
    Case("outcomes_by_year", NATIONAL + "submitted_year = 2015", NOTHING | {"commitments_in_group": 1},
         "a withdrawn commitment is in no denominator, and the year still has its row"),
    Case("outcomes_by_year", NATIONAL + "submitted_year = 2018", None, "Mexico's plan is loaded in part"),
    Case("outcomes_by_year", "definition = 'complete' and member_type = 'local'",
         {"submitted_year": 2018, "plans": 1, "commitments": 1, "hits": 1, "share": None},
         "the plan the IRM coded; that of 2022 is a monitoring body's"),
    Case("outcomes_by_year", "definition = 'transformative' and submitted_year = 2014 and member_type = 'national'",
         {"commitments": 8, "hits": 4, "commitments_end_of_term": None, "commitments_progress": None},
         "Canada 2 is unclear; ambition has no mid-term"),
    Case("outcomes_by_year", "definition = 'significant' and submitted_year = 2014", NOTHING | {"share_assessed": 0},
         "a scale that nobody used has its row"),
    Case("outcomes_by_region", NATIONAL + "region = 'Europe'",
         {"plans": 3, "commitments": 6, "hits": 2, "share": 2 / 6, "first_year": 2014, "last_year": 2014},
         "Italy's one of 2015 is withdrawn, so the years are those of the assessed"),
    Case("outcomes_by_region", NATIONAL + "region = 'Americas'",
         {"plans": 2, "commitments": 3, "hits": 2, "share": None, "first_year": 2013}, "Canada and Chile, not Mexico"),
    Case("outcomes_by_region", "definition = 'complete' and region = 'Europe' and member_type = 'local'",
         {"plans": 1, "commitments": 1}, "Scotland is in no row of Europe's countries"),
    Case("outcomes_by_ogp_value", NATIONAL + "ogp_value = 'access' and answer = 'yes'",
         {"plans": 4, "commitments": 6, "hits": 3, "share": 1 / 2},
         "Canada 2 is not reviewed on it, Albania 3 and Chile 1 are without"),
    Case("outcomes_by_ogp_value", NATIONAL + "ogp_value = 'access' and answer = 'no'",
         {"plans": 2, "commitments": 2, "hits": 1, "share": None}, "Albania 3 and Chile 1"),
    Case("outcomes_by_policy_area", NATIONAL + "policy_area = 'aid'",
         {"plans": 3, "commitments": 4, "hits": 2, "share": 1 / 2, "commitments_in_group": 4,
          "commitments_tag_known": 10, "share_tagged": 4 / 10},
         "Canada 1 has no tag back-coded: it is neither in the area nor out of it"),
    Case("outcomes_by_policy_area", NATIONAL + "policy_area = 'anti_corruption'",
         {"commitments": 1, "commitments_tag_known": 11, "share_tagged": 1 / 11}, "Albania 1 is in two areas"),
    Case("outcomes_by_member", "definition = 'complete' and member_id = 'ALB'",
         {"plans": 1, "commitments": 3, "hits": 1, "share": 1 / 3, "is_suppressed": False,
          "has_few_commitments": True}, "of a single member a share stands, and is marked"),
    Case("outcomes_by_member", "definition = 'complete' and member_id = 'ITA'", NOTHING, "nothing assessed"),
    Case("outcomes_by_member", "member_id = 'MEX'", None, "no whole plan"),
    Case("member_comparison", "definition = 'complete' and member_id = 'ALB'",
         {"share": 1 / 3, "region_members": 2, "region_plans": 2, "region_commitments": 3, "region_hits": 1,
          "region_share": None, "difference_from_region": None, "world_members": 4, "world_commitments": 6,
          "world_hits": 3, "world_share": 1 / 2, "difference_from_world": 1 / 3 - 1 / 2},
         "without Albania two plans of Europe are left, and four of the world"),
    Case("member_comparison", "definition = 'complete' and member_id = 'ITA'",
         {"share": None, "region_share": 2 / 6, "difference_from_region": None, "world_share": 4 / 9},
         "a member without a share has no difference"),
    Case("member_comparison", "definition = 'complete' and member_id = 'GBSC'",
         {"share": 1, "region_members": 0, "world_members": 0, "world_share": None},
         "a local member is not compared with countries"),
    # --- influence
    Case("influence_by_year", YEAR_OF + "2014 and stage = 'development' and level = 'consult'",
         {"plans": 2, "plans_in_year": 4, "plans_assessed": 4, "share_of_assessed": 1 / 2,
          "plans_involve_or_above": 2, "share_involve_or_above": 1 / 2}, "Croatia and Canada of four"),
    Case("influence_by_year", YEAR_OF + "2014 and stage = 'implementation' and level = 'no_consultation'",
         {"plans": 1, "share_of_assessed": 1 / 4}, "NA is no consultation from 2013 on"),
    Case("influence_by_year", YEAR_OF + "2014 and stage = 'throughout' and level = 'empower'",
         {"plans": 0, "plans_assessed": 4, "share_of_assessed": 0}, "an empty level has its row"),
    Case("influence_by_year", YEAR_OF + "2013 and stage = 'development' and level = 'no_data'",
         {"plans": 1, "plans_assessed": 0, "plans_involve_or_above": 0, "share_of_assessed": None,
          "share_involve_or_above": None, "is_suppressed": True}, "Chile has no row in the process database"),
    Case("influence_by_year", YEAR_OF + "2018 and stage = 'development' and level = 'not_reviewed'",
         {"plans": 3, "plans_assessed": 1, "share_of_assessed": None}, "analysts are not heard here"),
    Case("influence_by_year",
         "coding = 'official_and_analyst' and submitted_year = 2018 and stage = 'development' and level = 'involve'",
         {"plans": 1, "plans_assessed": 3, "share_of_assessed": 1 / 3, "plans_involve_or_above": 2}, "Denmark"),
    Case("minimum_by_stage", YEAR_OF + "2014 and stage = 'development'",
         {"minimum_applies": False, "plans_assessed": 4, "plans_would_meet_2017_minimum": 2,
          "share_would_meet_2017_minimum": 1 / 2, "plans_meeting_minimum": None, "share_meeting_minimum": None},
         "before 2017 there was no minimum to meet"),
    Case("minimum_by_stage", YEAR_OF + "2014 and stage = 'throughout'",
         {"plans_assessed": 4, "plans_would_meet_2017_minimum": 2}, "Albania and Denmark meet both"),
    Case("minimum_by_stage", YEAR_OF + "2018 and stage = 'development'",
         {"minimum_applies": True, "plans_in_year": 4, "plans_assessed": 1, "plans_meeting_minimum": 1,
          "share_meeting_minimum": None, "is_suppressed": True}, "official coding knows one plan of 2018"),
    Case("minimum_by_stage", "coding = 'official_and_analyst' and submitted_year = 2018 and stage = 'development'",
         {"plans_assessed": 3, "plans_meeting_minimum": 2, "share_meeting_minimum": 2 / 3, "is_suppressed": False},
         "with analysts: Albania and Denmark, not Italy"),
    # --- stars
    Case("stars", "formula = 'pre_2014' and submitted_year = 2014",
         {"plans": 4, "commitments": 9, "commitments_computable": 7, "starred": 5, "share": 5 / 7},
         "Denmark 2 lacks completion, Canada 2 relevance"),
    Case("stars", "formula = '2015' and submitted_year = 2014", {"starred": 4}, "Denmark 1 is not specific"),
    Case("stars", "formula = 'current_progress' and submitted_year = 2014",
         {"starred": 2, "commitments_computable": 7, "share": 2 / 7}, "Albania 2 and Croatia 1 are transformative"),
    Case("stars", "formula = 'current_end_of_term' and submitted_year = 2014",
         {"plans": 1, "commitments_computable": 2, "starred": 0, "share": None, "is_suppressed": True},
         "only Croatia is coded at the end"),
    Case("missed_stars", "commitment_id = 'AP_ALB01-1'",
         {"missed_by": "transformative", "formula": "current_progress", "criteria_met": 3, "is_transformative": False},
         "moderate is not enough"),
    Case("missed_stars", "commitment_id = 'AP_ALB01-2'", None, "a star"),
    Case("missed_stars", "commitment_id = 'AP_ALB01-3'", {"missed_by": "relevance", "criteria_met": 0},
         "of four that fail the first"),
    Case("missed_stars", "commitment_id = 'AP_HRV01-1'",
         {"missed_by": "completion", "formula": "current_end_of_term", "was_starred_at_mid_term": True,
          "criteria_met": 3}, "a star lost at the end of the term"),
    Case("missed_stars", "commitment_id = 'AP_DNK01-1'",
         {"missed_by": "specificity", "criteria_met": 3, "was_starred_at_mid_term": None}, "the last criterion"),
    Case("missed_stars", "commitment_id = 'AP_DNK01-2'",
         {"missed_by": "not_computable", "first_uncoded_criterion": "completion", "formula": None}, "not reviewed"),
    Case("missed_stars", "commitment_id = 'AP_CAN01-2'",
         {"missed_by": "not_computable", "first_uncoded_criterion": "relevance", "is_transformative": False},
         "without relevance the formula gives no verdict, whatever else fails"),
    Case("missed_stars", "commitment_id = 'AP_CHL01-1'", {"missed_by": "relevance", "criteria_met": 3}, "all but one"),
    # --- from mid-term to the end
    Case("completion_change", "completion_progress = 'complete' and completion_end_of_term = 'limited' "
         "and member_type = 'national'",
         {"change": "worsened", "commitments": 1, "commitments_at_mid_term": 1, "share_of_mid_term": None,
          "is_suppressed": True}, "Croatia 1, one plan"),
    Case("completion_change", "completion_progress = 'not_started' and completion_end_of_term = 'complete' "
         "and member_type = 'national'", {"change": "improved", "commitments": 1}, "Croatia 2"),
    Case("completion_change", "completion_progress = 'limited' and completion_end_of_term = 'withdrawn' "
         "and member_type = 'national'", {"change": "not_comparable", "commitments": 0, "first_year": None},
         "withdrawn is no step"),
    # --- what is not assessed, counted to 2022, the latest year the files speak of
    Case("not_yet_assessed", "plan_id = 'AP_ITA01' and subject = 'completion'",
         {"reason": "withdrawn", "commitments": 1, "share_of_plan": 1, "data_through_year": 2022,
          "years_since_submission": 7}, "coded, and outside the outcome"),
    Case("not_yet_assessed", "plan_id = 'AP_DNK01' and subject = 'completion'",
         {"reason": "not_reviewed", "commitments": 1, "commitments_in_plan": 2, "share_of_plan": 1 / 2},
         "the report is not out"),
    Case("not_yet_assessed", "plan_id = 'AP_CAN01' and subject = 'ambition'", {"reason": "unclear", "commitments": 1},
         "unclear, though the newer scale says no data"),
    Case("not_yet_assessed", "plan_id = 'AP_ALB01' and subject = 'ambition'", None, "all assessed"),
    Case("not_yet_assessed", "plan_id = 'AP_ALB01' and subject = 'early_results'",
         {"reason": "no_data", "commitments": 3, "share_of_plan": 1}, "never coded"),
    Case("not_yet_assessed", "plan_id = 'AP_ITA01' and subject = 'influence_development'",
         {"reason": "not_reviewed", "commitments": None, "has_analyst_coding": False}, "the level of the plan"),
    Case("not_yet_assessed", "plan_id = 'AP_DNK02' and subject = 'influence_development'",
         {"reason": "not_reviewed", "has_analyst_coding": True, "commitments_in_plan": 0},
         "official data lack it, analysts read it"),
    Case("not_yet_assessed", "plan_id = 'AP_CHL01' and subject = 'influence_implementation'", {"reason": "no_data"},
         "not in the process database"),
    Case("not_yet_assessed", "plan_id = 'AP_HRV01' and subject = 'influence_implementation'", None,
         "no consultation is a level"),
    Case("not_yet_assessed", "plan_id = 'AP_MEX05'", None, "loaded in part: what is missing is not known"),
    Case("not_yet_assessed", "member_type = 'local' and starts_with(subject, 'influence')", None,
         "no official file codes influence in local plans"),
    Case("not_yet_assessed", "plan_id = 'AP_GBSC02'", None, "a monitoring body assesses it, not the IRM"),
    # --- monitoring bodies
    Case("local_report_lateness", "scope = 'overall' and kind = 'inception'",
         {"plans": 3, "reports": 3, "reports_late": 2, "reports_on_time": 1, "late_share": 2 / 3,
          "median_days_late": 10, "least_days_late": -14, "most_days_late": 31}, "three members, two of them late"),
    Case("local_report_lateness", "scope_id = 'MXJL' and kind = 'inception'",
         {"member_id": "MXJL", "reports": 1, "reports_late": 1, "late_share": None, "is_suppressed": True},
         "one plan has counts and days, no share"),
    Case("local_report_lateness", "scope = 'overall' and kind = 'end_of_commitment'",
         {"reports": 1, "reports_late": 0, "reports_on_time": 0, "reports_lateness_unknown": 1, "late_share": None,
          "median_days_late": None}, "without full implementation there is no deadline"),
    # --- peers in aid: Albania has a star that is complete, Croatia and Mexico one complete each
    Case("peer_finder", "member_id = 'DNK' and peer_rank = 1",
         {"policy_area": "aid", "peer_id": "ALB", "commitments_starred": 1, "commitments_complete": 1,
          "commitments_starred_and_complete": 1, "peer_commitments": 2, "own_commitments": 1, "peers_found": 3,
          "is_same_region": True, "example_commitment_ids": "AP_ALB01-2"}, "a star goes before"),
    Case("peer_finder", "member_id = 'DNK' and peer_rank = 2", {"peer_id": "HRV", "is_same_region": True},
         "of two equals the one of the region"),
    Case("peer_finder", "member_id = 'DNK' and peer_rank = 3",
         {"peer_id": "MEX", "is_same_region": False, "latest_year": 2018},
         "a commitment of a plan loaded in part can be learned from"),
    Case("peer_finder", "member_id = 'ALB' and peer_rank = 1", {"peer_id": "HRV", "peers_found": 2},
         "never the member itself"),
    Case("peer_finder", "policy_area = 'anti_corruption'", None, "nobody else has a commitment there"),
    Case("peer_finder", "'GBSC' in (member_id, peer_id)", None, "countries alone"),
    Case("peer_finder", "peer_id = 'DNK'", None, "Denmark's is neither starred nor complete"),
    Case("peer_finder", "'CAN' in (member_id, peer_id)", None, "Canada's tag was not back-coded"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.table}: {case.why}")
def test_counted_by_hand(asked: World, case: Case) -> None:
    rows = asked.rows(f"select * from metrics.{case.table} where {case.where}")
    if case.expected is None:
        assert rows == []
        return
    [row] = rows
    assert {name: row[name] for name in case.expected} == pytest.approx(case.expected)


def test_shares_of_change_from_mid_term(world: World) -> None:
    """Four plans: of the commitments limited at mid-term half are complete at the end and half withdrawn."""
    countries = ("Albania", "Croatia", "Denmark", "Italy")
    ends = ("d. Complete", "Withdrawn")
    world.commitments(
        *(
            {"Country": country, "Comm No": str(number), PROGRESS: "b. Limited", END: end}
            for country in countries
            for number, end in enumerate(ends, start=1)
        )
    )
    world.build_for("metrics.completion_change")
    rows = world.rows(
        "select completion_end_of_term, change, plans, commitments, share_of_mid_term, first_year "
        "from metrics.completion_change where commitments > 0 order by 1"
    )
    alike = {"plans": 4, "commitments": 4, "share_of_mid_term": 0.5, "first_year": 2014}
    assert rows == [
        {"completion_end_of_term": "complete", "change": "improved"} | alike,
        {"completion_end_of_term": "withdrawn", "change": "not_comparable"} | alike,
    ]
    assert len(world.rows("select * from metrics.completion_change")) == 7 * 7  # the full grid


def verdicts(world: World, table: str) -> list[Verdict]:
    model = world.catalog[table]
    with world.store.session({table, *model.checks_read}, model.macros) as connection:
        return evaluate(connection, model, world.catalog)


# --- rules that hold in every metric, on the partnership above and on the real files


@pytest.fixture(scope="module")
def real(real_world: World) -> World:
    """The real files, read as a run reads them, with every table built."""
    return real_world


@pytest.fixture(params=["asked", "real"])
def any_world(request: pytest.FixtureRequest) -> World:
    return request.getfixturevalue(request.param)


def test_every_promise_holds(any_world: World) -> None:
    failed = [
        verdict.sentence()
        for table in TABLES
        for verdict in verdicts(any_world, f"metrics.{table}")
        if not verdict.passed and verdict.severity == "critical"
    ]
    assert failed == []


SUPPRESSED = {  # table -> the shares that few plans hide, and the count of plans that decides
    **dict.fromkeys(OUTCOMES[:4], (("share",), "plans")),
    "member_comparison": (("world_share",), "world_plans"),
    "influence_by_year": (("share_involve_or_above",), "plans_assessed"),
    "minimum_by_stage": (("share_would_meet_2017_minimum",), "plans_assessed"),
    "stars": (("share",), "plans"),
    "completion_change": (("share_of_mid_term",), "plans_at_mid_term"),
}


@pytest.mark.parametrize("table", SUPPRESSED)
def test_a_share_is_shown_from_three_plans_on_and_never_before(any_world: World, table: str) -> None:
    shares, plans = SUPPRESSED[table]
    for share in shares:
        rows = any_world.rows(f"select * from metrics.{table} where ({plans} < 3) <> ({share} is null)")
        assert rows == []


@pytest.mark.parametrize("table", TABLES)
def test_every_share_lies_between_none_and_all(any_world: World, catalog: Catalog, table: str) -> None:
    columns = catalog[f"metrics.{table}"].contract.columns
    shares = [name for name in columns if name.endswith("share") or name.startswith("share")]
    for share in shares:
        assert any_world.rows(f"select * from metrics.{table} where {share} not between 0 and 1") == []


@pytest.mark.parametrize("member_type", ["national", "local"])
def test_groups_that_part_the_plans_add_up_to_the_same(any_world: World, member_type: str) -> None:
    """Years, regions and members each hold every plan once; areas and values do not."""
    totals = [
        any_world.rows(
            "select outcome, definition, sum(plans) as plans, sum(commitments) as commitments, sum(hits) as hits, "
            f"sum(commitments_in_group) as all_commitments from metrics.{table} "
            f"where member_type = '{member_type}' group by all order by definition"
        )
        for table in ("outcomes_by_year", "outcomes_by_region", "outcomes_by_member")
    ]
    assert totals[0] == totals[1] == totals[2]
    assert len(totals[0]) in (0, 8)


def test_national_and_local_members_stand_in_rows_of_their_own(catalog: Catalog) -> None:
    """Every metric of outcomes says whose it is; those without say that they are national or local alone."""
    lacking = {table for table in TABLES if "member_type" not in catalog[f"metrics.{table}"].contract.columns}
    assert lacking == {"influence_by_year", "minimum_by_stage", "local_report_lateness", "peer_finder"}
    for table in lacking:
        described = catalog[f"metrics.{table}"].contract.description.lower()
        assert "national" in described or "local" in described


# --- the real files, recounted by pandas: outcomes from the cells of the file, the rest from the marts


def folded(labels: pd.Series) -> pd.Series:
    return labels.str.strip().str.lower().str.replace(r"^[a-e]\. *", "", regex=True)


@pytest.fixture(scope="module")
def cells(real_data: Path) -> pd.DataFrame:
    """The rows of the commitment release of 2016, with the year that most commitments of their plan name."""
    (path,) = (real_data / "explorer-2016").glob("*.csv")
    frame = pd.read_csv(path, header=1, dtype=str, keep_default_na=False)
    frame = frame[frame["Action Plan Number"].str.fullmatch(r"\d+")]
    frame["plan"] = frame["Country"].str.strip() + frame["Action Plan Number"]
    frame["year"] = frame.groupby("plan")[YEAR].transform(lambda years: years.mode().min()).astype(int)
    end, progress = folded(frame[END]), folded(frame[PROGRESS])
    frame["completion"] = progress.where(end.isin(["nr", "nd", "na"]), end)
    frame["impact"] = folded(frame[IMPACT]).replace("worsens", "none")
    return frame


@pytest.mark.parametrize(
    ("definition", "column", "assessed", "hits"),
    [
        ("complete", "completion", ["not started", "limited", "substantial", "complete"], ["complete"]),
        (
            "substantial_or_complete",
            "completion",
            ["not started", "limited", "substantial", "complete"],
            ["substantial", "complete"],
        ),
        (
            "moderate_or_transformative",
            "impact",
            ["none", "minor", "moderate", "transformative"],
            ["moderate", "transformative"],
        ),
    ],
)
def test_outcomes_by_year_recounted(
    real: World, cells: pd.DataFrame, definition: str, column: str, assessed: list[str], hits: list[str]
) -> None:
    judged = cells[cells[column].isin(assessed)]
    expected = {
        year: (rows["plan"].nunique(), len(rows), int(rows[column].isin(hits).sum()))
        for year, rows in judged.groupby("year")
    }
    found = real.rows(
        "select * from metrics.outcomes_by_year "
        f"where member_type = 'national' and definition = '{definition}' and commitments > 0"
    )
    assert {row["submitted_year"]: (row["plans"], row["commitments"], row["hits"]) for row in found} == expected
    assert len(expected) >= 3


def test_policy_areas_recounted(real: World, cells: pd.DataFrame) -> None:
    """Two areas by the headers of the file: how many commitments, and how many of the assessed are complete."""
    for header, area in (("Open Data", "open_data"), (AID, "aid")):
        tagged = cells[cells[header] == "1"]
        judged = tagged[tagged["completion"].isin(["not started", "limited", "substantial", "complete"])]
        [row] = real.rows(
            "select * from metrics.outcomes_by_policy_area where member_type = 'national' "
            f"and policy_area = '{area}' and definition = 'complete'"
        )
        assert (row["commitments_in_group"], row["commitments"]) == (len(tagged), len(judged))
        assert row["hits"] == (judged["completion"] == "complete").sum()


def test_stars_and_why_they_were_missed_make_all_commitments(real: World) -> None:
    [counted] = real.rows(
        "select count(*) as commitments, count(*) filter (where case completion_basis "
        "when 'end_of_term' then is_starred_current_end_of_term else is_starred_current_progress end) as stars "
        "from marts.commitments"
    )
    reasons = real.rows("select missed_by, count(*) as n from metrics.missed_stars group by all")
    assert sum(row["n"] for row in reasons) + counted["stars"] == counted["commitments"]
    assert {row["missed_by"] for row in reasons} >= {"transformative", "relevance", "completion", "not_computable"}


def test_levels_by_year_are_those_of_the_cross_table(real: World) -> None:
    """metrics.influence_stages counts the same plans, without their years."""
    by_year = real.rows(
        "select level, sum(plans)::integer as plans from metrics.influence_by_year "
        "where coding = 'official' and stage = 'development' group by level having sum(plans) > 0 order by level"
    )
    crossed = real.rows(
        "select development_level as level, sum(plans)::integer as plans from metrics.influence_stages "
        "group by all having sum(plans) > 0 order by level"
    )
    assert by_year == crossed


def test_peers_recounted(real: World) -> None:
    """The members with a complete or starred commitment in open data, without the one that looks."""
    tagged = pd.DataFrame(
        real.rows(
            "select member_id, completion_basis, completion_latest, is_starred_current_progress as at_mid_term, "
            "is_starred_current_end_of_term as at_end from marts.commitments "
            "inner join marts.commitment_policy_areas using (commitment_id) "
            "inner join marts.members using (member_id) "
            "where policy_area = 'open_data' and member_type = 'national'"
        )
    )
    starred = tagged["at_end"].where(tagged["completion_basis"] == "end_of_term", tagged["at_mid_term"])
    good = set(tagged[(starred == True) | (tagged["completion_latest"] == "complete")]["member_id"])  # noqa: E712
    rows = real.rows("select distinct member_id, peers_found from metrics.peer_finder where policy_area = 'open_data'")
    assert {(row["member_id"], row["peers_found"]) for row in rows} == {
        (member, len(good - {member})) for member in tagged["member_id"]
    }
    assert len(good) > 10
