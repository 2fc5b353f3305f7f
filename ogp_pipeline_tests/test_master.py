"""The commitments master: identity of its rows, labels of every era, twins, policy areas, new members."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from typing import Any

import pytest

from ogp_pipeline_tests.world import World

ID, CODE, PLAN, NUMBER = "Commitment Unique Identifier", "Code", "Action Plan ID", "Action Plan Number"
NAME, DIOG = "Country/Locality", "Did It Open Government (Overall)"
PROGRESS, END = "Completion (Progress Report)", "Completion (End Of Term)"


STEPS = (
    "reference",
    "meta__sources",
    "member_list",
    "staging__commitment_prefixes",
    "staging__member_names",
    "master_commitments",
)


@dataclass(frozen=True)
class Case:
    """One row of the master: what it says, what is read, and the problems it leaves (column, rule, severity)."""

    reason: str
    cells: dict[str, str]
    reads: dict[str, Any] = field(default_factory=dict)
    problems: tuple[tuple[str, str, str], ...] = ()
    refused: bool = False


def refused(reason: str, cells: dict[str, str], *problems: tuple[str, str]) -> Case:
    return Case(reason, cells, {}, tuple((column, rule, "quarantine") for column, rule in problems), refused=True)


SAME_PLAN = {"plan_id": "AP_ALB05", "member_id": "ALB"}
CASES = [
    Case(
        "an ordinary row is beyond doubt", {}, {**SAME_PLAN, "plan_number": 5, "end_year": 2020, "duration_years": 2.0}
    ),
    Case("a lower-case id", {ID: "al7001"}, {"commitment_id": "AL7001"}, ((ID, "id_variant", "repair"),)),
    Case(
        "the id of another member's commitment",
        {ID: "SCO0001"},
        {"commitment_id": "SCO0001"},
        ((ID, "commitment_of_another_member", "doubt"),),
    ),
    Case("another name of the member", {NAME: "Republic of Albania"}, SAME_PLAN, ((NAME, "member_alias", "repair"),)),
    Case(
        "a name nobody knows: the code and the plan name the member",
        {NAME: "Shqiperia e Re"},
        SAME_PLAN,
        ((NAME, "member_name_unknown", "doubt"),),
    ),
    Case(
        "the name of another member against code and plan",
        {NAME: "Armenia"},
        SAME_PLAN,
        ((NAME, "member_contradicts", "doubt"),),
    ),
    Case("no code: the plan names the member", {CODE: ""}, SAME_PLAN, ((CODE, "member_code_unreadable", "doubt"),)),
    Case("no plan id: code and number give it", {PLAN: ""}, SAME_PLAN, ((PLAN, "plan_id_unreadable", "repair"),)),
    Case(
        "a plan id of another form",
        {PLAN: "Albania 5"},
        SAME_PLAN,
        ((PLAN, "plan_id_unreadable", "repair"),),
    ),
    Case(
        "no number: the plan id holds it",
        {NUMBER: "fifth"},
        {**SAME_PLAN, "plan_number": 5},
        ((NUMBER, "plan_number_unreadable", "doubt"),),
    ),
    Case("a number of a spreadsheet", {NUMBER: "5.0"}, SAME_PLAN),
    refused("no id at all", {ID: " "}, (ID, "commitment_id_missing")),
    refused("an id of another form", {ID: "AL-1"}, (ID, "commitment_id_unreadable")),
    refused("no plan at all", {PLAN: "", NUMBER: "x"}, (NUMBER, "plan_number_unreadable")),
    refused("the plan id contradicts the number", {NUMBER: "4"}, (PLAN, "plan_contradicts")),
    refused("the plan id contradicts the code", {CODE: "ARM"}, (PLAN, "plan_contradicts")),
    refused(
        "only the name is left and it is unknown",
        {NAME: "Shqiperia e Re", CODE: "", PLAN: ""},
        (NAME, "member_unknown"),
    ),
    refused(
        "the name against the code alone: nothing decides",
        {NAME: "Armenia", PLAN: ""},
        (NAME, "member_contradicts"),
    ),
    Case(
        "2.3 as a spreadsheet wrote it",
        {"Commitment Number": "2.2999999999999998"},
        {"commitment_number": "2.3"},
        (("Commitment Number", "float_artefact", "repair"),),
    ),
    Case(
        "no number of its own: the id identifies",
        {"Commitment Number": ""},
        {"commitment_number": None},
        (("Commitment Number", "blank", "unreadable"),),
    ),
    Case("a legacy local", {"National Or Local": "Legacy Local"}, {"plan_kind": "legacy_local"}),
    Case(
        "a kind of plan nobody knows",
        {"National Or Local": "Regional"},
        {"plan_kind": None},
        (("National Or Local", "label_unknown", "unreadable"),),
    ),
    Case(
        "Yes and No are the labels of this column, 1 is not",
        {"Verifiable": "1"},
        {"verifiable": None},
        (("Verifiable", "label_unknown", "unreadable"),),
    ),
    Case(
        "the two scales of ambition stand apart",
        {
            "Potential Impact": "ND",
            "_Potential Impact": "ND",
            "Potential for Results": "Substantial",
            "_Potential for Results": "2",
        },
        {"potential_impact": "no_data", "potential_for_results": "substantial"},
    ),
    Case(
        "early results of plans from 2021",
        {DIOG: "ND", "_OpenGovernment": "ND", "Early Results": "Significant", "_Early Results": "2"},
        {"diog_overall": "no_data", "early_results": "significant"},
    ),
    Case(
        "no early results yet is assessed; its twin counts it as no change",
        {DIOG: "No early results to report yet", "_OpenGovernment": "1"},
        {"diog_overall": "no_early_results_yet"},
    ),
    Case(
        "a label and its twin disagree: the label is used",
        {PROGRESS: "Complete", "_CompletionProgress": "3"},
        {"completion_progress": "complete"},
        (("_CompletionProgress", "twin_disagrees", "doubt"),),
    ),
    Case(
        "the twins of the values are shifted by one",
        {"Did It Open Government (Civic Participation)": "Major", "_DIOGCP": "4"},
        {"diog_participation": "major"},
    ),
    Case(
        "the twin of the overall judgement is not shifted",
        {"Did It Open Government: Public Accountability": "Major", "_DIOGPA": "3"},
        {"diog_accountability": "major"},
        (("_DIOGPA", "twin_disagrees", "doubt"),),
    ),
    Case(
        "the twin of a change counts steps",
        {PROGRESS: "Limited", "_CompletionProgress": "3", END: "Complete", "_CompletionEndTerm": "5"}
        | {"Change In Completion": "Increase", "_ChangeCompletion": "2"},
        {"ogp_change_in_completion": "increase"},
    ),
    Case(
        "a change with the twin of none",
        {PROGRESS: "Limited", "_CompletionProgress": "3", "Change In Completion": "Increase", "_ChangeCompletion": "0"},
        {"ogp_change_in_completion": "increase"},
        (("_ChangeCompletion", "twin_disagrees", "doubt"),),
    ),
    Case(
        "a cluster by the ids of its commitments, in one order",
        {ID: "AL7042", "Cluster (AP Review)": "1", "Cluster Commitment ID(s)": "AL7043, AL7042"},
        {"cluster": "AL7042, AL7043", "cluster_status": "in_cluster"},
    ),
    Case(
        "a cluster that does not name the commitment itself",
        {"Cluster (AP Review)": "1", "Cluster Commitment ID(s)": "AL8001, AL8002"},
        {"cluster_status": "in_cluster"},
        (("Cluster Commitment ID(s)", "cluster_without_itself", "doubt"),),
    ),
    Case(
        "a cluster by words that are no ids",
        {"Cluster (AP Review)": "0", "Cluster Commitment ID(s)": "see annex"},
        {"cluster": None, "cluster_status": "not_in_cluster"},
        (("Cluster Commitment ID(s)", "cluster_ids_unreadable", "unreadable"),),
    ),
    Case(
        "not in a cluster",
        {"Cluster (AP Review)": "0", "Cluster Commitment ID(s)": "NA"},
        {"cluster": None, "cluster_status": "not_in_cluster"},
    ),
    Case(
        "a plan of four years that says two",
        {"Year Of Submission": "2023", "Action Plan End Year": "2027"},
        {"duration_years": 2.0},
        (("Action Plan Duration (Years)", "duration_disagrees", "doubt"),),
    ),
    Case(
        "a length in words",
        {"Action Plan Duration (Years)": "two"},
        {"duration_years": None},
        (("Action Plan Duration (Years)", "number_unreadable", "unreadable"),),
    ),
    Case(
        "a year typed into a cell of dates",
        {"End Date": "7/19/1905"},
        {"end_date_precision": "year", "end_date_text": "7/19/1905"},
        (("End Date", "year_as_date", "repair"),),
    ),
    Case("ongoing in other words", {"Start Date": "Underway"}, {"start_date": None}),
]


@pytest.fixture(scope="module")
def read(tmp_path_factory, catalog) -> World:
    """All cases in one file, each with an id of its own; rows of no case keep bulk limits out of the way."""
    world = World(tmp_path_factory.mktemp("master"), catalog)
    rows = [
        {ID: f"AL{1000 + position}", "Commitment Title": case.reason, **case.cells}
        for position, case in enumerate(CASES)
    ]
    world.master(*rows)
    return world.build(*STEPS)


def positions() -> list[Any]:
    return [pytest.param(position, case, id=case.reason) for position, case in enumerate(CASES)]


@pytest.mark.parametrize(("position", "case"), positions())
def test_rows_of_the_master(read, position, case):
    (row,) = read.rows(
        f"select * from staging._master_commitments_parsed where title = '{case.reason.replace(chr(39), chr(39) * 2)}'"
    )
    assert row["is_quarantined"] is case.refused
    assert {name: row[name] for name in case.reads} == case.reads
    found = {(p["column"], p["rule"], p["severity"]) for p in row["problems"]}
    assert found == set(case.problems)


def test_nothing_disappears(read):
    counts = {
        schema: read.rows(f"select count(*) as rows from {schema}.master_commitments")[0]["rows"]
        for schema in ("raw", "staging", "quarantine")
    }
    assert counts["raw"] == len(CASES) == counts["staging"] + counts["quarantine"]
    assert counts["quarantine"] == sum(case.refused for case in CASES)


def test_a_repeated_id_refuses_all_its_rows_and_an_exact_copy_but_one(world):
    world.master(
        {ID: "AL0001"}, {ID: "AL0001", "Commitment Title": "Another"}, {ID: "AL0002"}, {ID: "AL0002"}, {ID: "AL0003"}
    )
    world.build(*STEPS)
    staged = world.rows("select commitment_id from staging.master_commitments")
    assert [row["commitment_id"] for row in staged] == ["AL0002", "AL0003"]
    reasons = world.rows("select problems from quarantine.master_commitments order by _source_row")
    assert [row["problems"][0].split(":")[0] for row in reasons] == [
        "commitment_id_repeated",
        "commitment_id_repeated",
        "duplicate_row",
    ]


def test_a_member_that_only_the_master_knows_is_a_member(world):
    """Its code is OGP's own; a plan without its member would be lost from every table."""
    world.master(
        {},
        {NAME: "Borduria", CODE: "BDU", PLAN: "AP_BDU01", NUMBER: "1", ID: "BD0001", "Region": "Europe"},
        {
            NAME: "Klow, Syldavia",
            CODE: "SYKL",
            PLAN: "AP_SYKL01",
            NUMBER: "1",
            ID: "KLO0001",
            "National Or Local": "Local",
        },
    )
    world.master({NAME: "", CODE: "NNM", PLAN: "AP_NNM01", NUMBER: "1", ID: "NN0001"}, file="nameless.csv")
    world.build()
    assert world.rows("select member_name from marts.members where member_id = 'NNM'") == [{"member_name": "NNM"}]
    found = world.rows(
        "select member_id, member_name, member_type from marts.members where member_id in ('BDU', 'SYKL')"
    )
    assert [tuple(row.values()) for row in found] == [
        ("BDU", "Borduria", "national"),
        ("SYKL", "Klow, Syldavia", "local"),
    ]
    assert len(world.rows("select plan_id from marts.action_plans")) == 4


def test_policy_areas_of_both_generations_share_one_vocabulary(world):
    world.commitments({"Anti-corruption": "1", "Access to Information": "1"})
    world.master({"Anti-Corruption and Integrity": "1", "Access to information": "1", "Beneficial Ownership": "1"})
    world.build()
    tags = world.rows(
        "select commitment_id, policy_area, parent_policy_area from marts.commitment_policy_areas "
        "order by commitment_id, policy_area"
    )
    both = [("access_to_information", None), ("anti_corruption", None)]
    assert [tuple(row.values())[1:] for row in tags if row["commitment_id"] == "AP_ALB01-1"] == both
    newer = [tuple(row.values())[1:] for row in tags if row["commitment_id"] == "AL0001"]
    assert newer == [*both, ("beneficial_ownership", "anti_corruption")]
    staged = world.rows("select _source_file, commitment_id, policy_area from staging.master_commitments_policy_areas")
    keys = [tuple(row.values()) for row in staged]
    assert keys == sorted(keys), "in the order of the key, though they are sorted by numbers"


def test_every_policy_column_of_the_real_master_has_an_area(real_data, catalog):
    path = next(real_data.glob("master-2024/*.csv"))
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = next(csv.reader(file))
    first, last = header.index("Anti-Corruption and Integrity"), header.index("Money in Politics")
    with (catalog["raw.master_commitments"].path.parents[2] / "ogp_pipeline/reference/policy_areas.csv").open() as file:
        areas = list(csv.DictReader(file))
    assert {row["header_2024"] for row in areas} - {""} == set(header[first : last + 1])
    codes = {row["policy_area"] for row in areas}
    assert {row["parent"] for row in areas} - {""} <= codes
