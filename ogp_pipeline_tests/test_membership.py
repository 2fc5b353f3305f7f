"""Members as facts, a list that extends them, core eligibility, and what is loaded beside published counts."""

from __future__ import annotations

import csv
from typing import Any, NamedTuple

import pytest

from ogp_pipeline.settings import PACKAGE_DIR
from ogp_pipeline_tests.test_self_assessments import failing
from ogp_pipeline_tests.world import World

TABLES = ("marts.members", "marts.eligibility", "metrics.coverage", "staging.commitment_prefixes", "meta.problems")


def reference(name: str) -> list[dict[str, str]]:
    """The rows of a reference table as its file has them."""
    with (PACKAGE_DIR / "reference" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def member(world: World, member_id: str) -> dict[str, Any]:
    """The row of a member."""
    [row] = world.rows(f"select * from marts.members where member_id = '{member_id}'")
    return row


# --- facts


@pytest.fixture(scope="module")
def plain(tmp_path_factory, catalog) -> World:
    """One commitment of Albania and no list of members."""
    world = World(tmp_path_factory.mktemp("plain"), catalog)
    world.commitments({})
    return world.build_for(*TABLES)


@pytest.mark.parametrize(
    ("member_id", "expected", "why"),
    [
        ("MAR", {"iso_alpha2": "MA", "commitment_prefix": "MO", "joined_year": 2018}, "its ids begin with MO"),
        ("GBSC", {"iso_alpha2": None, "commitment_prefix": "SCO", "member_type": "local"}, "a local's ids"),
        ("ARM", {"region": "Asia-Pacific", "iso_alpha2": "AM"}, "the region in one spelling"),
        ("AZE", {"status": "suspended", "status_since": "2023-08-17"}, "the latest of two changes"),
        ("HUN", {"status": "withdrawn", "status_since": "2016-12"}, "a date known to the month"),
        ("ALB", {"status": None, "status_since": None, "is_founder": False}, "no change on record says nothing"),
        ("BRA", {"is_founder": True, "joined_year": 2011}, "a founder"),
    ],
)
def test_facts_of_members(plain, member_id, expected, why):
    row = member(plain, member_id)
    assert {name: row[name] for name in expected} == expected, why


def test_reference_facts_keep_together():
    members = reference("members")
    assert sum(row["is_founder"] == "true" for row in members) == 8
    assert [row["member_id"] for row in members if row["member_type"] == "national" and not row["iso_alpha2"]] == [
        "XKX"
    ]
    assert {row["region"] for row in members} <= {row["region"] for row in reference("regions")}
    for row in reference("member_status_history") + members:
        assert row["source_note"], row
    codes = [row["commitment_prefix"] or row["iso_alpha2"] for row in members]
    codes = [code for code in codes if code]
    assert len(codes) == len(set(codes))


def test_the_prefixes_and_regions_are_those_of_the_real_master(plain, real_data):
    """Every id of the real extract begins as its member's prefix says, and every region is known."""
    prefixes = {row["prefix"]: row["member_id"] for row in plain.rows("select * from staging.commitment_prefixes")}
    regions = {row["spelling"]: row["region"] for row in reference("regions")}
    facts = {row["member_id"]: row["region"] for row in reference("members")}
    path = real_data / "master-2024" / "ogp_commitments_master_extract.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 309
    for row in rows:
        letters = row["Commitment Unique Identifier"].rstrip("0123456789")
        assert prefixes[letters] == row["Code"], row["Commitment Unique Identifier"]
        assert regions[row["Region"]] == facts[row["Code"]], row["Code"]


# --- a list of members


class Listed(NamedTuple):
    cells: dict[str, str]
    problem: tuple[str, str] | None
    expected: dict[str, Any]  # of marts.members
    why: str


LISTED = [
    Listed({"Member ID": "ALB", "Member name": "Albania", "Joined year": "2012"}, None,
           {"joined_year": 2012, "region": "Europe", "iso_alpha2": "AL"}, "replaces a fact and keeps the others"),
    Listed({"Member ID": "AZE", "Member name": "Azerbaijan", "Status": "active", "Status since": "2030"}, None,
           {"status": "active", "status_since": "2030"}, "a newer status"),
    Listed({"Member ID": "HUN", "Member name": "Hungary", "Status": "Under review"}, ("label_variant", "repair"),
           {"status": "under_review", "status_since": None}, "a status without a date does not take the old one's"),
    Listed({"Member ID": "TUN", "Member name": "Tunisia", "Status": "gone"}, ("label_unknown", "unreadable"),
           {"status": None}, "no known status"),
    Listed({"Member ID": "TZA", "Member name": "Tanzania", "Status since": "recent"}, ("date_unreadable", "unreadable"),
           {"status": "withdrawn", "status_since": "2017-06-29"}, "no date, so the fact stands"),
    Listed({"Member ID": "GHA", "Member name": "Ghana", "Joined year": "long ago"}, ("year_unreadable", "unreadable"),
           {"joined_year": 2011}, "no year, so the fact stands"),
    Listed({"Member ID": "KEN", "Member name": "Kenya", "ISO alpha-2": "KEN"}, ("code_unreadable", "unreadable"),
           {"iso_alpha2": "KE"}, "three letters"),
    Listed({"Member ID": "NZL", "Member name": "New Zealand", "Region": "Asia and the Pacific"},
           ("region_variant", "repair"), {"region": "Asia-Pacific"}, "the region as the master spells it"),
    Listed({"Member ID": "MNG", "Member name": "Mongolia", "Region": "Steppe"}, ("region_unknown", "doubt"),
           {"region": "Steppe"}, "a region OGP does not have"),
    Listed({"Member ID": "FJSV", "Member name": "Suva, Fiji", "Member type": "local", "Commitment prefix": "SUV"}, None,
           {"member_type": "local", "commitment_prefix": "SUV", "is_founder": False}, "a new member"),
]  # fmt: skip


@pytest.fixture(scope="module")
def listed(tmp_path_factory, catalog) -> World:
    """A list with the members above."""
    world = World(tmp_path_factory.mktemp("listed"), catalog)
    world.commitments({})
    world.form("member_list", *[{"Member type": "national"} | case.cells for case in LISTED])
    return world.build_for(*TABLES)


@pytest.mark.parametrize(("line", "case"), enumerate(LISTED, start=2), ids=lambda value: getattr(value, "why", None))
def test_a_list_extends_and_replaces_facts(listed, line, case):
    row = member(listed, case.cells["Member ID"])
    assert {name: row[name] for name in case.expected} == case.expected
    found = listed.rows(
        f"select rule, severity from meta.problems where source = 'member_list' and source_row = {line}"
    )
    assert [tuple(problem.values()) for problem in found] == ([case.problem] if case.problem else [])


def test_a_prefix_that_two_members_claim_identifies_neither(world):
    world.commitments({})
    world.form(
        "member_list",
        *[{"Member ID": "FJSV", "Member name": "Suva", "Member type": "local", "Commitment prefix": "US"}],
    )
    world.build_for("staging.commitment_prefixes")
    assert failing(world, "staging.commitment_prefixes", "one_member_per_prefix") == [
        {"prefix": "US", "claimed_by": "FJSV, USA"}
    ]


# --- eligibility


SCORES = {
    "Member": "Albania",
    "Fiscal transparency score": "4",
    "Access to information score": "4",
    "Asset disclosure score": "4",
    "Citizen engagement score": "0",
    "Values check passed": "Yes",
}
FISCAL, CITIZEN = "Fiscal transparency score", "Citizen engagement score"


class Scored(NamedTuple):
    cells: dict[str, str]
    problem: tuple[str, str] | None
    # points, points possible, passes core, passes values check, is eligible; None where the row is refused
    expected: tuple[int | None, int | None, bool | None, bool | None, bool | None] | None
    why: str


SCORED = [
    Scored({}, None, (12, 16, True, True, True), "12 of 16 is 75 %"),
    Scored({FISCAL: "3"}, None, (11, 16, False, True, False), "11 of 16"),
    Scored({CITIZEN: "4"}, None, (16, 16, True, True, True), "all points"),
    Scored({CITIZEN: "Not applicable", FISCAL: "1"}, None, (9, 12, True, True, True), "9 of 12 is 75 %"),
    Scored({CITIZEN: "Not applicable", FISCAL: "0"}, None, (8, 12, False, True, False), "8 of 12"),
    Scored({CITIZEN: "Not applicable", FISCAL: "not applicable"}, ("too_many_not_applicable", "doubt"),
           (None, None, None, True, None), "two do not apply"),
    Scored({FISCAL: "5"}, ("score_unreadable", "unreadable"), (None, 16, None, True, None), "5 points"),
    Scored({FISCAL: "-1"}, ("score_unreadable", "unreadable"), (None, 16, None, True, None), "points below 0"),
    Scored({FISCAL: "3.5"}, ("score_unreadable", "unreadable"), (None, 16, None, True, None), "half a point"),
    Scored({FISCAL: "high"}, ("score_unreadable", "unreadable"), (None, 16, None, True, None), "words"),
    Scored({FISCAL: ""}, ("score_missing", "unreadable"), (None, 16, None, True, None), "an empty cell is not 0"),
    Scored({FISCAL: "4.0"}, ("number_variant", "repair"), (12, 16, True, True, True), "as a spreadsheet writes it"),
    Scored({"Values check passed": "No"}, None, (12, 16, True, False, False), "failed the values check"),
    Scored({"Values check passed": ""}, None, (12, 16, True, None, None), "the values check is not known"),
    Scored({"Values check passed": "", FISCAL: "0"}, None, (8, 16, False, None, False), "fails either way"),
    Scored({"Values check passed": "maybe"}, ("label_unknown", "unreadable"), (12, 16, True, None, None), "neither"),
    Scored({"Member": "Atlantis"}, ("member_unknown", "quarantine"), None, "no member"),
    Scored({"Year": "now"}, ("year_unreadable", "quarantine"), None, "no year"),
]  # fmt: skip


@pytest.fixture(scope="module")
def scored(tmp_path_factory, catalog) -> World:
    """The rows above, each of a year of its own, and one year given twice."""
    world = World(tmp_path_factory.mktemp("scored"), catalog)
    world.commitments({})
    rows = [SCORES | {"Year": str(2006 + number)} | case.cells for number, case in enumerate(SCORED)]
    rows += [SCORES | {"Year": "2040"}, SCORES | {"Year": "2040", FISCAL: "1"}]
    world.form("eligibility", *rows, file="scores.csv")
    world.form("eligibility", *[SCORES | {"Year": "2006", FISCAL: "0"}], file="older.csv")
    world.manifest("- {file: scores.csv, released: 2024-01-01}\n- {file: older.csv, released: 2023-01-01}\n")
    return world.build_for(*TABLES)


@pytest.mark.parametrize(("number", "case"), enumerate(SCORED), ids=lambda value: getattr(value, "why", None))
def test_core_eligibility(scored, number, case):
    where = f"source_file = 'scores.csv' and source_row = {number + 2}"
    found = {tuple(row.values()) for row in scored.rows(f"select rule, severity from meta.problems where {where}")}
    assert found - {("label_variant", "repair")} == ({case.problem} if case.problem else set())
    rows = scored.rows(f"select * from marts.eligibility where {where}")
    names = ("points", "points_possible", "passes_core", "passes_values_check", "is_eligible")
    assert [tuple(row[name] for name in names) for row in rows] == ([case.expected] if case.expected else [])
    for row in rows:
        share = None if row["points"] is None else row["points"] / row["points_possible"]
        assert row["points_share"] == share


def test_scores_given_twice(scored):
    twice = scored.rows("select _source_row from quarantine.eligibility where \"Year\" = '2040' order by 1")
    assert [row["_source_row"] for row in twice] == [len(SCORED) + 2, len(SCORED) + 3]
    [superseded] = failing(scored, "marts.eligibility", "scores_superseded")
    assert (superseded["_source_file"], superseded["year"]) == ("older.csv", 2006)


# --- coverage


def test_what_is_loaded_beside_the_published_counts(world):
    world.commitments(
        *({"Country": country} for country in ("Albania", "Albania", "Brazil")),
        {"Country": "Scotland", "Action Plan Number": "1"},
    )
    world.commitments({"Country": "Chile"}, file="extract.csv")
    world.manifest("- {file: extract.csv, partial: true}\n")
    world.build_for(*TABLES)
    rows = world.rows("select * from metrics.coverage")
    loaded = {row["measure"]: row["loaded"] for row in rows}
    assert loaded == {
        "national_members": 3,
        "local_members": 1,
        "founders": 1,
        "plans": 4,
        "national_plans": 3,
        "local_plans": 1,
        "plans_named_by_forms_alone": 0,
        "commitments": 5,
        "commitments_whole_plans": 4,
        "commitments_partial_plans": 1,
    }
    told = {(row["measure"], row["counted_on"]): row for row in rows}
    assert len(told) == len(rows)
    for row in reference("published_counts"):
        count = told[row["measure"], row["counted_on"]]
        assert count["published"] == int(row["count"]) and count["source_note"] == row["source_note"]
        assert count["share"] == count["loaded"] / count["published"]
        assert (count["is_synthetic"], count["loaded_is"]) == (False, "real")
    assert (
        told["commitments", "2021"]["is_lower_bound"] and told["commitments_whole_plans", "2021"]["published"] == 4500
    )
    assert (told["plans", ""]["published"], told["plans", ""]["share"]) == (None, None)


def test_the_coverage_of_a_sample_says_synthetic(world):
    world.commitments({"Country": "Tarvenia"})
    world.form(
        "member_list",
        *[{"Member ID": "ZZA", "Member name": "Tarvenia", "Member type": "national", "Region": "Europe"}],
    )
    world.manifest("- {file: commitments.csv, synthetic: true}\n- {file: member_list.csv, synthetic: true}\n")
    world.build_for(*TABLES)
    rows = world.rows("select measure, loaded, share, is_synthetic, loaded_is from metrics.coverage")
    assert {(row["share"], row["is_synthetic"], row["loaded_is"]) for row in rows} == {(None, True, "SYNTHETIC")}
    assert {row["loaded"] for row in rows if row["measure"] == "national_members"} == {1}
    assert [row["member_id"] for row in world.rows("select member_id from marts.members")] == ["ZZA"]
