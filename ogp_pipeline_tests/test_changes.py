"""What changed between two releases: each fact at its home, with its cause; nothing unseen, nothing twice."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner

from ogp_pipeline import reference_tables
from ogp_pipeline.cli import main
from ogp_pipeline.errors import InputError
from ogp_pipeline.models import Catalog, load_catalog
from ogp_pipeline.release.candidate import build_tables_of_release
from ogp_pipeline.release.change_causes import made_before, made_now
from ogp_pipeline.release.change_list import FORMATS, ChangeList, list_changes
from ogp_pipeline.release.change_words import change_words, key_words, summary_line
from ogp_pipeline.release.changes import CAUSES, ChangeCounts, compared, record_changes
from ogp_pipeline.release.current import attach, kept_releases
from ogp_pipeline.safe_text import markdown
from ogp_pipeline.settings import PACKAGE_DIR, project_file
from ogp_pipeline.store import connect
from ogp_pipeline_tests.test_cookbook import QUESTIONS
from ogp_pipeline_tests.world import COMMITMENT as ORDINARY
from ogp_pipeline_tests.world import MEMBERS, World, query

Found = list[dict[str, Any]]


def differences(world: World, earlier: Path) -> tuple[Path, Found]:
    """The file of what the world's tables would be released as, and its rows of both tables, compared with a release.

    As publishing does it, without the audit.
    """
    path = world.settings.data_dir / "candidate.duckdb"
    path.unlink(missing_ok=True)
    build_tables_of_release(path, world.store)
    states = {model.name: world.store.state(model.name) for model in world.catalog}
    with connect() as connection:
        attach(connection, earlier, "earlier")
        versions = made_before(connection, "earlier").versions
    record_changes(path, world.catalog, made_now(world.catalog, states, versions), earlier)
    return path, [*found_in(path, "changes"), *found_in(path, "consequences")]


def found_in(path: Path, table: str) -> Found:
    columns = ("table_name", "key", "change", "column", "old", "new", "cause")
    rows = query(path, f"select {', '.join(map(quoted, columns))} from meta.{table} order by change_id")
    return [{**dict(zip(columns, row, strict=True)), "in": table} for row in rows]


def quoted(name: str) -> str:
    return f'"{name}"'


# --- one night with every kind of edit of the source: the file is renamed and its rows are shuffled as well


@dataclass(frozen=True)
class Edit:
    """One edited cell of a source and the one change it is, or no change."""

    reason: str
    column: str
    value: str
    change: tuple[str, str, str | None, str | None] | None  # table, column, old, new


COMMITMENT = "marts.commitments"
STAGED = "staging.commitments"
COMMITMENT_EDITS = [
    Edit(
        "a coding the figures rest on",
        "Potential impact",
        "Minor",
        (COMMITMENT, "potential_impact", "moderate", "minor"),
    ),
    Edit(
        "a coding that three tables and two metrics repeat",
        "Completion (progress report)",
        "d. Complete",
        (COMMITMENT, "completion_progress", "substantial", "complete"),
    ),
    Edit(
        "an assessment that was not there",
        "Completion (end of term)",
        "d. Complete",
        (COMMITMENT, "completion_end_of_term", "no_data", "complete"),
    ),
    Edit("a value", "Value -Part", "1", (COMMITMENT, "value_participation", "no", "yes")),
    Edit("OGP's verdict of relevance", "_Relevant", "0", (COMMITMENT, "ogp_relevant", "yes", "no")),
    Edit("a coding of a text", "Specificity", "b. medium", (COMMITMENT, "specificity", "high", "medium")),
    Edit("a text", "Full Text", "Other.", (COMMITMENT, "full_text", ORDINARY["Full Text"], "Other.")),
    Edit(
        "a date is told as written, not as read",
        "Start Date",
        "2015-03-01",
        (COMMITMENT, "start_date_text", "Not Specified", "2015-03-01"),
    ),
    Edit(
        "a value that is given no more",
        "Lead Institution",
        "",
        (COMMITMENT, "lead_institution", "Ministry of Finance", None),
    ),
    Edit(
        "a year", "Report publication year (end of term)", "2017", (COMMITMENT, "end_of_term_report_year", None, "2017")
    ),
    Edit(
        "a year of submission that the rest of its plan outvotes",
        "Year of submission",
        "2013",
        ("marts.action_plans", "submitted_years_in_source", "1", "2"),
    ),
    Edit(
        "a star of OGP's, which no mart holds",
        "Starred (2015 only)",
        "1",
        (STAGED, "ogp_starred_2015", "no_data", "yes"),
    ),
    Edit("the twin of a label is no fact of its own", "_CompletionProgress", "3", None),
]
PLAN_EDITS = [
    Edit(
        "a level",
        "IAP2 level during development",
        "Consult",
        ("marts.influence", "official_level", "involve", "consult"),
    ),
    Edit(
        "a level that is that throughout",
        "IAP2 level during imp.",
        "Consult",
        ("marts.influence", "official_level", "inform", "consult"),
    ),
    Edit("a step", "Step 2: Advance notice", "Yes", ("marts.action_plans", "advance_notice", "not_reviewed", "yes")),
]
PLAN_OF_ADDED, PLAN_OF_REMOVED = "AP_ITA01", "AP_MEX01"


@pytest.fixture(scope="module")
def edited(published_once: World, tmp_path_factory) -> World:
    """The published world with each edit in a row of its own, published."""
    world = published_once.copy_to(tmp_path_factory.mktemp("edited"))
    rows = world.ten_plans()
    for row, edit in zip(rows, COMMITMENT_EDITS, strict=False):
        row[edit.column] = edit.value
    rows = [row for row in rows if row["Commitment Title"] != "Mexico 5"]
    rows.append({"Country": "Italy", "Comm No": "6", "Commitment Title": "New | <b>one</b>\x1b[31m"})
    (world.inputs / "commitments.csv").unlink()
    world.commitments(*reversed(rows), file="another name.csv")
    plans = [{"Country name": member} for member in MEMBERS]
    for plan, edit in zip(plans, PLAN_EDITS, strict=False):
        plan[edit.column] = edit.value
    world.plans(*plans, file="folder/plans.csv")
    (world.inputs / "process.csv").unlink()
    assert world.build().publish().status == "published"
    return world


def test_each_edited_cell_is_one_change_at_its_home(edited: World) -> None:
    changes = found_in(edited.settings.database, "changes")
    assert {row["cause"] for row in changes} == {"source"}
    cells = sorted(
        (row["table_name"], row["column"], row["old"], row["new"]) for row in changes if row["change"] == "changed"
    )
    expected = sorted((edit.change for edit in [*COMMITMENT_EDITS, *PLAN_EDITS] if edit.change), key=str)
    assert sorted(cells, key=str) == expected
    (potential,) = [row for row in changes if row["column"] == "potential_impact"]
    assert json.loads(potential["key"]) == {"commitment_id": "AP_ALB01-1"}


def test_an_edit_of_a_release_that_is_not_in_use_is_seen(tmp_path: Path, catalog: Catalog) -> None:
    """A plan's commitments come from the newest whole release; what the others say of them is compared too."""
    world = World(tmp_path, catalog)
    rows = world.ten_plans()
    world.manifest("- {file: commitments.csv, released: 2016-07-01}\n- {file: older.csv, released: 2015-07-01}\n")
    older = rows[:5]  # the whole plan of Albania
    world.commitments(*older, file="older.csv")
    assert world.build().publish().status == "published"
    world.commitments({**older[0], "Potential impact": "Transformative"}, *older[1:], file="older.csv")
    assert world.build().publish().status == "published"
    (change,) = found_in(world.settings.database, "changes")
    assert (change["table_name"], change["cause"]) == ("staging.superseded_commitments", "source")
    assert (change["column"], change["old"], change["new"]) == ("potential_impact", "moderate", "transformative")


def test_the_cookbook_tells_what_changed(edited: World) -> None:
    rows = query(edited.settings.database, QUESTIONS[25].sql)
    changes = found_in(edited.settings.database, "changes")
    assert [row[1:] for row in rows] == [
        tuple(change[name] for name in ("table_name", "key", "column", "old", "new", "cause")) for change in changes
    ]


def test_rows_that_came_and_went(edited: World) -> None:
    changes = found_in(edited.settings.database, "changes")
    rows = {
        (r["change"], r["table_name"], json.loads(r["key"])["commitment_id"]): r for r in changes if not r["column"]
    }
    added = ("added", COMMITMENT, "AP_ITA01-6")
    removed = ("removed", COMMITMENT, "AP_MEX01-5")
    assert rows.keys() == {added, removed}
    assert json.loads(rows[added]["new"])["potential_impact"] == "moderate"
    assert json.loads(rows[removed]["old"])["title"] == "Mexico 5"
    assert rows[added]["old"] is rows[removed]["new"] is None


def test_what_follows_from_an_edit_stands_apart(edited: World) -> None:
    consequences = found_in(edited.settings.database, "consequences")
    columns = {(row["table_name"], row["column"]) for row in consequences}
    assert {
        (COMMITMENT, "completion_latest"),
        (COMMITMENT, "start_date"),
        ("marts.commitments_flat", "potential_impact"),
        ("marts.influence", "level_rank"),
        ("metrics.vital_signs", "hits"),
    } <= columns
    throughout = [row for row in consequences if "throughout" in row["key"] and row["table_name"] == "marts.influence"]
    assert {row["column"] for row in throughout} >= {"official_level", "level", "level_rank"}


def explained(path: Path, earlier: Path, found: Found, catalog: Catalog) -> list[str]:
    """The compared tables that the changes do not turn from what they were into what they are."""
    ids = {row["old"]: row["new"] for row in found if row["change"] == "rekeyed"}
    faults = []
    with connect() as connection:
        attach(connection, path, "release")
        attach(connection, earlier, "earlier")
        for model in catalog.public:
            if model.schema not in ("reference", "marts", "metrics"):
                continue
            specs = model.contract.columns
            sides = []
            for side in ("release", "earlier"):
                cursor = connection.execute(f"select columns(*)::varchar from {side}.{model.name}")
                names = [column[0] for column in cursor.description]
                rows = [
                    {n: v for n, v in zip(names, row, strict=True) if not specs[n].provenance}
                    for row in cursor.fetchall()
                ]
                if side == "earlier" and "commitment_id" in model.contract.key:
                    rows = [
                        {**row, "commitment_id": ids.get(row["commitment_id"], row["commitment_id"])} for row in rows
                    ]
                key = model.contract.key or tuple(rows[0])
                sides.append({tuple(row[name] for name in key): row for row in rows})
            now, before = sides
            for change in (row for row in found if row["table_name"] == model.name):
                at = tuple(None if v is None else as_duckdb(v) for v in json.loads(change["key"]).values())
                if change["change"] == "changed":
                    assert before[at][change["column"]] == change["old"], "a change tells the value before"
                    before[at][change["column"]] = change["new"]
                elif change["change"] == "removed":
                    del before[at]
                elif change["change"] == "added":
                    before[at] = now[at]
            if now != before:
                faults.append(model.name)
    return faults


def as_duckdb(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_both_tables_together_are_every_difference(edited: World, published_once: World, catalog: Catalog) -> None:
    path = edited.settings.database
    found = [*found_in(path, "changes"), *found_in(path, "consequences")]
    assert explained(path, published_once.settings.database, found, catalog) == []
    places = [(row["table_name"], row["key"], row["column"], row["change"]) for row in found]
    assert len(places) == len(set(places)), "nothing is told twice"


def test_the_words_of_a_release(edited: World) -> None:
    release = edited.last_run()["release"]
    text = (edited.settings.releases_dir / release / "CHANGES.md").read_text(encoding="utf-8")
    assert "| source | 17 |" in text
    assert "Figure 4.3, consult: 0 of 0 (no share) -> 4 of 5 (no share)" in text, "Albania's level and one coding"
    assert "Figure 4.3, involve: 50 of 50 (100.0%) -> 45 of 45 (100.0%)" in text
    assert "| marts.commitments changed | AP\\_ALB01-1 | potential\\_impact | moderate | minor |" in text
    assert "New \\| \\<b\\>one\\</b\\>\\\\u001B" in text, "what stands in a file is no markup and no table"
    assert "<b>" not in text
    assert "\x1b" not in text


def test_counts_are_in_the_record_of_the_run(edited: World) -> None:
    run = edited.last_run()
    assert run["changes"] == {"source": 17, "mixed": 0, "reference": 0, "code": 0}
    (known,) = query(
        edited.settings.database, "select count(*), (select count(*) from meta.consequences) from meta.changes"
    )
    assert known == (17, run["consequences"])
    first, second = kept_releases(edited.settings)
    assert run["compared_with"] == first.release_id
    compared_with = query(edited.settings.database, "select release_id, compared_with from meta.releases order by 1")
    assert compared_with == [(first.release_id, None), (second.release_id, first.release_id)]


def test_the_first_release_says_so(published_once: World) -> None:
    run = published_once.last_run()
    assert (run["compared_with"], run["changes"]) == (None, {})
    assert found_in(published_once.settings.database, "changes") == []
    text = (published_once.settings.releases_dir / run["release"] / "CHANGES.md").read_text(encoding="utf-8")
    assert "is the first of its kind" in text


# --- causes: the program and the reference tables


@pytest.fixture(scope="module")
def recoded(published_once: World, tmp_path_factory) -> tuple[World, Path, Found]:
    """The program writes titles in capitals from now on, and in the same night one commitment is edited."""
    folder = tmp_path_factory.mktemp("recoded")
    shutil.copytree(project_file("sql"), folder / "sql")
    model = folder / "sql" / "marts" / "commitments.sql"
    text = model.read_text(encoding="utf-8")
    model.write_text(re.sub(r"^    title,$", "    upper(title) as title,", text, flags=re.M), encoding="utf-8")
    world = published_once.copy_to(folder / "world")
    world.catalog = load_catalog(folder / "sql")
    rows = world.ten_plans()
    rows[7]["Potential impact"] = "Minor"
    world.commitments(*rows)
    world.build()
    return world, *differences(world, published_once.settings.database)


def test_an_edit_is_not_drowned_by_a_change_of_the_program(recoded) -> None:
    _, path, _ = recoded
    changes = [row for row in found_in(path, "changes") if row["table_name"] == COMMITMENT]
    of_edited = [row for row in changes if "AP_ARM01-3" in row["key"]]
    assert {row["column"] for row in of_edited if row["cause"] == "mixed"} >= {"title", "potential_impact"}
    assert changes[: len(of_edited)] == of_edited, "the edited commitment is first"
    others = [(row["column"], row["cause"]) for row in changes if row not in of_edited]
    assert others == [("title", "code")] * 49
    untouched = [row for row in found_in(path, "changes") if row["table_name"] == "marts.outcomes"]
    assert {row["cause"] for row in untouched} <= {"source", "mixed"}, "only outcomes of the edited one can differ"


def test_nothing_is_unexplained_when_the_program_changed(recoded, published_once: World) -> None:
    world, path, found = recoded
    assert explained(path, published_once.settings.database, found, world.catalog) == []


def test_a_release_of_older_code_can_be_compared(recoded, published_once: World, tmp_path: Path) -> None:
    """It holds no changes, no hash of code for each table and not what it was compared with itself."""
    world, _, found = recoded
    older = tmp_path / "older.duckdb"
    shutil.copyfile(published_once.settings.database, older)
    older.chmod(0o644)
    with duckdb.connect(str(older)) as connection:
        connection.execute("drop table meta.changes")
        connection.execute("drop table meta.consequences")
        connection.execute("alter table meta.tables drop code_hash")
        connection.execute("alter table meta.releases drop compared_with")
        connection.execute("drop view main.eligibility")
        connection.execute("drop table marts.eligibility")
        connection.execute("alter table marts.commitments drop carried_forward")
    _, against_older = differences(world, older)
    cells = {(row["table_name"], row["key"], row["column"]) for row in against_older}
    assert cells == {(row["table_name"], row["key"], row["column"]) for row in found}
    assert {row["cause"] for row in against_older} == {"mixed", "code"}, "what changed of the code is not known"
    titles = [row["cause"] for row in against_older if (row["table_name"], row["column"]) == (COMMITMENT, "title")]
    assert sorted(titles) == ["code"] * 49 + ["mixed"]


def test_a_fact_of_reference(published_once: World, tmp_path: Path, monkeypatch) -> None:
    """A member changes its region: at home in reference, and in what is derived from it, with that cause."""
    shutil.copytree(PACKAGE_DIR / "reference", tmp_path / "package" / "reference")
    facts = tmp_path / "package" / "reference" / "members.csv"
    with facts.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        if row["member_id"] == "ARM":
            row["region"] = "Africa"
    with facts.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    monkeypatch.setattr(reference_tables, "PACKAGE_DIR", tmp_path / "package")
    world = published_once.copy_to(tmp_path / "world").build()
    path, found = differences(world, published_once.settings.database)
    assert {row["cause"] for row in found} == {"reference"}
    assert found_in(path, "consequences") == []
    counted = {(row["table_name"], row["column"]) for row in found}
    assert {
        ("reference.members", "region"),
        ("marts.members", "region"),
        ("marts.commitments_flat", "region"),
    } <= counted
    assert explained(path, published_once.settings.database, found, world.catalog) == []


# --- ids that change when a newer release takes a plan over


@dataclass(frozen=True)
class Takeover:
    """A commitment of the older release and what stands in the newer one; what becomes of its id."""

    reason: str
    former: tuple[str, str]  # number, title
    newer: tuple[str, str] | None
    match: str
    why_not: str | None = None


TAKEOVERS = [
    Takeover(
        "as it was",
        ("1", "Publish the budget of every ministry"),
        ("1", "Publish the budget of every ministry"),
        "number_and_title",
    ),
    Takeover(
        "case and spaces do not matter",
        ("2", "Open  Contracting Portal"),
        ("2", "Open contracting portal"),
        "number_and_title",
    ),
    Takeover(
        "numbered anew", ("3", "A register of beneficial owners"), ("7", "A register of beneficial owners"), "title"
    ),
    Takeover("the number in the title", ("13", "Commitment n°13: e-Acts"), ("13", "e-Acts"), "number_and_title"),
    Takeover(
        "a word was added",
        ("4", "Train civil servants in access to information"),
        ("4", "Train all civil servants in access to information"),
        "number_and_similar_title",
    ),
    Takeover(
        "a letter was mended and the number is another",
        ("5", "Citizen budgets for all municipalties of the country"),
        ("8", "Citizen budgets for all municipalities of the country"),
        "similar_title",
    ),
    Takeover("dropped", ("6", "Something quite different"), None, "none", "no_similar_title"),
    Takeover(
        "one of two alike", ("9", "Regional workshop no. 1"), ("10", "Regional workshop no. 2"), "none", "ambiguous"
    ),
    Takeover("the other", ("11", "Regional workshop no. 3"), ("12", "Regional workshop no. 4"), "none", "ambiguous"),
]
OLD_PLANS = {"Albania": "ALB", "Armenia": "ARM"}  # the file of the second one's old ids is gone later


@pytest.fixture(scope="module")
def taken_over(tmp_path_factory, catalog: Catalog) -> tuple[World, Path, Found, Path]:
    """Two plans whose commitments come from the master with OGP's ids now; of one the older file is still there."""
    world = World(tmp_path_factory.mktemp("taken_over"), catalog)

    def older(*members: str) -> None:
        rows = [
            {"Country": member, "Comm No": case.former[0], "Commitment Title": case.former[1]}
            for member in members
            for case in TAKEOVERS
        ]
        others = [{"Country": member, "Commitment Title": member} for member in MEMBERS[2:]]
        world.commitments(*rows, *others)

    older(*OLD_PLANS)
    world.plans(*({"Country name": member} for member in MEMBERS))
    assert world.build().publish().status == "published"
    before = world.settings.database
    older("Albania")
    newer = [
        {
            "Commitment Unique Identifier": f"{code[:2]}{case.newer[0]:>04}",
            "Country/Locality": member,
            "Code": code,
            "Action Plan Number": "1",
            "Action Plan ID": f"AP_{code}01",
            "Year Of Submission": "2014",
            "Commitment Number": case.newer[0],
            "Commitment Title": case.newer[1],
        }
        for member, code in OLD_PLANS.items()
        for case in TAKEOVERS
        if case.newer
    ]
    world.master(*newer)
    world.manifest("- file: commitments.csv\n  released: 2016-07-01\n- file: master.csv\n  released: 2024-07-03\n")
    world.build()
    return world, *differences(world, before), before


def test_a_commitment_keeps_its_history_when_its_id_changes(taken_over) -> None:
    world = taken_over[0]
    history = world.rows("select * from marts.commitment_id_history where plan_id = 'AP_ALB01'")
    by_number = {row["former_number"]: row for row in history}
    assert len(by_number) == len(TAKEOVERS)
    for case in TAKEOVERS:
        row = by_number[case.former[0]]
        matched = f"AL{case.newer[0]:>04}" if case.match != "none" else None
        assert (row["commitment_id"], row["match"], row["no_match_reason"]) == (matched, case.match, case.why_not), (
            case.reason
        )
        assert row["former_id"] == f"AP_ALB01-{case.former[0]}"


def test_ids_of_the_real_releases(tmp_path: Path, catalog: Catalog, real_data: Path) -> None:
    """The extract of the master as if it had taken over the plans that it shares with the release of 2016."""
    world = World(tmp_path, catalog)
    for name in ("explorer-2016", "master-2024"):
        shutil.copytree(real_data / name, world.inputs / name)
    shutil.copy(real_data / "sources.yml", world.inputs)
    world.build_for("staging.commitments")
    model = catalog["marts.commitment_id_history"]
    with world.store.session(["staging.commitments", "meta.sources"], model.macros) as connection:
        connection.execute(
            "create view marts.commitments as select * from staging.commitments where layout = 'master_commitments'"
        )
        connection.execute(
            "create view marts.action_plans as "
            "select plan_id, any_value(_source_file) as source_file from marts.commitments group by plan_id"
        )
        rows = connection.execute(
            f"select match, similarity, former_number, commitments.commitment_number from ({model.sql}) as history "
            "inner join marts.commitments as commitments using (plan_id, commitment_id)"
        ).fetchall()
        shared = connection.execute(
            "select count(*) from marts.commitments where plan_id in "
            "(select plan_id from staging.commitments where layout = 'explorer_commitments')"
        ).fetchone()[0]
    assert (len(rows), shared) == (83, 84)
    assert min(similarity for _, similarity, _, _ in rows) > 0.9, "nothing near the limits is taken"
    assert sum(former == present for _, _, former, present in rows) == 80, "three have another number in the master"


@pytest.mark.parametrize(("code", "reason"), [("ALB", "its file is still there"), ("ARM", "its file is gone")])
def test_a_new_id_is_one_change_and_no_coming_and_going(taken_over, code: str, reason: str) -> None:
    _, _, found, _ = taken_over
    rows = [row for row in found if row["table_name"] == COMMITMENT and row["in"] == "changes"]
    rekeyed = {row["old"]: row["new"] for row in rows if row["change"] == "rekeyed" and code in row["old"]}
    expected = {
        f"AP_{code}01-{case.former[0]}": f"{code[:2]}{case.newer[0]:>04}" for case in TAKEOVERS if case.match != "none"
    }
    assert rekeyed == expected, reason
    gone = {json.loads(r["key"])["commitment_id"] for r in rows if r["change"] == "removed" and code in r["key"]}
    assert gone == {f"AP_{code}01-{case.former[0]}" for case in TAKEOVERS if case.match == "none"}
    retitled = {r["old"]: r["new"] for r in rows if r["column"] == "title" and f'"{code[:2]}0' in r["key"]}
    taken = [(" ".join(case.former[1].split()), case.newer[1]) for case in TAKEOVERS if case.match != "none"]
    titles = {former: newer for former, newer in taken if former != newer}
    assert retitled == titles, "the cells that differ are told under the new id"


def test_a_takeover_is_explained_whole(taken_over) -> None:
    world, path, found, before = taken_over
    assert explained(path, before, found, world.catalog) == []
    assert {row["cause"] for row in found} == {"source"}


# --- the command


def test_since_a_kept_release_is_what_was_recorded(edited: World, catalog: Catalog) -> None:
    first, second = kept_releases(edited.settings)
    recorded = list_changes(edited.settings, catalog)
    assert list_changes(edited.settings, catalog, first.release_id) == recorded
    assert list_changes(edited.settings, catalog, second.release_id).changes == [], "nothing since itself"
    with compared(second.path, first.path, catalog) as (connection, counts):
        assert connection.execute("select count(*) from changes").fetchone()[0] == counts.total == 17


def run(world: World, *arguments: str) -> Any:
    return CliRunner().invoke(main, ["changes", "--data-dir", str(world.settings.data_dir), *arguments])


def test_the_command_in_every_format(edited: World) -> None:
    text = run(edited)
    assert text.exit_code == 0
    assert "marts.commitments AP_ALB01-1 potential_impact: moderate -> minor" in text.output
    assert text.output.startswith(f"Changes since {kept_releases(edited.settings)[0].release_id}: 17 source, 0 mixed")
    as_json = run(edited, "--format", "json")
    assert len(json.loads(as_json.output)["changes"]) == 17
    as_csv = run(edited, "--format", "csv")
    assert [row["change_id"] for row in csv.DictReader(as_csv.output.splitlines())] == [str(n) for n in range(1, 18)]
    for result in (text, as_json, as_csv):
        assert "\x1b" not in result.output, "a title must not command a terminal"


def test_an_unknown_release_is_one_clear_error(edited: World) -> None:
    result = run(edited, "--since", "2020-01-01")
    assert result.exit_code == 2
    for release in kept_releases(edited.settings):
        assert release.release_id in result.output
    assert "Traceback" not in result.output


def test_without_a_release_the_command_says_what_to_do(world: World) -> None:
    result = run(world)
    assert result.exit_code == 2
    assert "ogp-pipeline refresh" in result.output


def test_a_current_release_of_older_code_says_what_to_do(published: World, catalog: Catalog) -> None:
    published.settings.database.chmod(0o644)
    with duckdb.connect(str(published.settings.database)) as connection:
        connection.execute("drop table meta.changes")
    with pytest.raises(InputError, match="--since RELEASE"):
        list_changes(published.settings, catalog)


# --- words

ROW = {"table_name": "marts.x", "key": '{"a":"b","c":1}', "column": "y", "old": "1", "new": None}
WORDS = [
    ("a cell", {"change": "changed"}, "marts.x b, 1 y: 1 -> no value"),
    ("an empty text is not no value", {"change": "changed", "old": ""}, "marts.x b, 1 y: empty -> no value"),
    ("a row", {"change": "removed", "old": '{"a":1}'}, 'marts.x b, 1 removed: {"a":1}'),
    ("a commitment", {"change": "rekeyed", "old": "A-1", "new": "A1"}, "marts.x b, 1 has a new id: it was A-1"),
    (
        "control characters are spelled out",
        {"change": "changed", "new": "\x1b[2J\n"},
        "marts.x b, 1 y: 1 -> \\u001b[2J\\n",
    ),
    ("a long text is cut", {"change": "changed", "new": "x" * 900}, "marts.x b, 1 y: 1 -> " + "x" * 159 + "…"),
]


@pytest.mark.parametrize(("reason", "row", "words"), WORDS, ids=[case[0] for case in WORDS])
def test_a_change_in_words(reason: str, row: dict[str, Any], words: str) -> None:
    assert change_words({**ROW, **row}) == words


MARKUP = [
    ("a table", "a | b", "a \\| b"),
    ("HTML", "<script>", "\\<script\\>"),
    ("a link", "[x](http://y)", "\\[x\\](http\\://y)"),
    ("a bare address", "www.example.org", "www\\.example.org"),
    ("a line", "a\n# b", "a\\\\n\\# b"),
    ("a plain text stays", "Publish the budget (2016), no. 1", "Publish the budget (2016), no. 1"),
]


@pytest.mark.parametrize(("reason", "text", "escaped"), MARKUP, ids=[case[0] for case in MARKUP])
def test_text_of_files_is_no_markup(reason: str, text: str, escaped: str) -> None:
    assert markdown(text) == escaped


def test_summary_and_keys() -> None:
    assert "first release" in summary_line(ChangeCounts())
    counts = ChangeCounts("A", {"source": 1, "code": 1200}, 30)
    assert summary_line(counts) == (
        "Changes since A: 1 source, 0 mixed, 0 reference, 1,200 code; 30 that follow from the source"
    )
    assert key_words('{"plan_id":"AP_ALB01","stage":"throughout"}') == "AP_ALB01, throughout"


def test_many_changes_are_cut_in_text_alone() -> None:
    rows: Sequence[dict[str, Any]] = [
        {**ROW, "change_id": n, "change": "changed", "cause": CAUSES[0]} for n in range(1, 301)
    ]
    found = ChangeList("B", ChangeCounts("A", {"source": 300}), rows)
    assert "and 100 more" in FORMATS["text"](found)
    assert FORMATS["csv"](found).count("\n") == 301
