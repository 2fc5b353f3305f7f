"""The gate: what is published, what is refused and why, and that the last good release always stays."""

from __future__ import annotations

import fcntl
import json
import stat
from dataclasses import replace

import duckdb
import pytest

from ogp_pipeline.errors import InputError, PublishRefusedError
from ogp_pipeline.release.publish import CandidateRefusedError
from ogp_pipeline_tests.world import MEMBERS, World, query


def test_what_an_analyst_opens(published: World) -> None:
    database = published.settings.database
    assert stat.S_IMODE(database.stat().st_mode) == 0o444
    # 64 is the storage version number of DuckDB 1.0 to 1.1, 65 of 1.2: what 1.x clients read
    assert int.from_bytes(database.read_bytes()[12:20], "little") == 65
    views = {name for (name,) in query(database, "select view_name from duckdb_views() where schema_name = 'main'")}
    assert {"commitments", "influence", "vital_signs", "commitments_flat", "action_plans"} <= views
    schemas = {name for (name,) in query(database, "select distinct schema_name from duckdb_tables()")}
    assert schemas == {"raw", "staging", "quarantine", "reference", "marts", "metrics", "meta"}
    uncommented = (
        "select table_name from duckdb_tables() where comment is null union all "
        "select table_name || '.' || column_name from duckdb_columns() where comment is null and not internal "
        "union all select view_name from duckdb_views() where comment is null and not internal"
    )
    assert query(database, uncommented) == []
    assert query(database, "select count(*) from main.commitments_flat") == [(50,)]


def test_meta_tells_what_the_release_is(published: World) -> None:
    database = published.settings.database
    (release,) = query(database, "select is_synthetic, rows_read, rows_quarantined, accepted from meta.releases")
    assert release == (False, 60, 0, "[]")
    assert query(database, "select count(*) from meta.checks where status = 'failed' and severity = 'critical'") == [
        (0,)
    ]
    described = query(
        database,
        "select count(*) from meta.tables as t anti join duckdb_tables() as d "
        "on d.schema_name = t.table_schema and d.table_name = t.table_name",
    )
    assert described == [(0,)]
    wrong_counts = [
        name
        for schema, name, rows in query(database, "select table_schema, table_name, rows from meta.tables")
        if query(database, f"select count(*) from {schema}.{name}") != [(rows,)]
    ]
    assert wrong_counts == []
    undescribed = query(
        database,
        "select c.table_name, c.column_name from duckdb_columns() as c anti join meta.columns as m "
        "on (m.table_schema, m.table_name, m.column_name) = "
        "(c.schema_name, c.table_name, c.column_name) where not c.internal and c.schema_name <> 'main'",
    )
    assert undescribed == []


def test_a_figure_can_be_walked_back_to_the_line_of_the_official_file(published: World) -> None:
    walked = query(
        published.settings.database,
        'select raw._source_row, raw."Commitment Title" from marts.outcomes '
        "join staging.explorer_commitments as staged using (commitment_id) "
        "join raw.explorer_commitments as raw on (raw._source_file, raw._source_row) = "
        "(staged._source_file, staged._source_row) where commitment_id = 'AP_ARM01-2' and definition = 'complete'",
    )
    assert walked == [(8, "Armenia 2")]


def test_unchanged_content_leaves_the_file_and_its_time_alone(published: World) -> None:
    before = published.settings.database.stat()
    outcome = published.build().publish()
    after = published.settings.database.stat()
    assert outcome.status == "unchanged"
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)
    assert published.last_run()["status"] == "unchanged"


def test_publish_alone_is_refused_when_a_critical_check_fails(published: World) -> None:
    before = published.settings.database.read_bytes()
    published.ten_plans()
    # the year of the process row says that it describes another plan
    published.plans(*({"Country name": m, "Year AP Submitted": "2011" if m == "Chile" else "2014"} for m in MEMBERS))
    published.build()
    with pytest.raises(CandidateRefusedError, match=r"marts\.influence\.process_row_of_another_plan"):
        published.publish()
    assert published.settings.database.read_bytes() == before


def test_all_failures_are_told_at_once(published: World) -> None:
    published.ten_plans(**{"Potential impact": "Huge"})
    published.plans(*({"Country name": m, "Year AP Submitted": "2011" if m == "Chile" else "2014"} for m in MEMBERS))
    published.build()
    with pytest.raises(CandidateRefusedError) as refused:
        published.publish()
    names = {verdict.name for verdict in refused.value.verdicts if verdict.refuses}
    assert names >= {
        "marts.influence.process_row_of_another_plan",
        "meta.problems.explorer_commitments_problem_share",
        "release.label_vanished",
    }
    assert all(name in str(refused.value) for name in names)


@pytest.mark.parametrize(
    ("change", "check"),
    [
        pytest.param(
            lambda rows: [{**r, "Country": "Atlantis"} if i % 10 < 3 else r for i, r in enumerate(rows)],
            "quarantine.explorer_commitments.quarantined_share",
            id="30 % unknown members: another file, not dirt",
        ),
        pytest.param(
            lambda rows: [{**r, "Completion (progress report)": "Fully done"} for r in rows],
            "meta.problems.explorer_commitments_problem_share",
            id="a label renamed throughout empties a column",
        ),
        pytest.param(
            lambda rows: [{**r, "End Date": "whenever"} for r in rows],
            "meta.problems.explorer_commitments_date_problem_share",
            id="a date format that cannot be read",
        ),
    ],
)
def test_loss_in_bulk_is_refused_and_published_only_when_accepted(world: World, change, check: str) -> None:
    rows = world.ten_plans()
    world.commitments(*change(rows))
    world.build()
    with pytest.raises(CandidateRefusedError) as refused:
        world.publish()
    assert [v.name for v in refused.value.verdicts if v.refuses] == [check]
    assert not world.settings.database.exists()
    outcome = world.publish(accepted={check: "reviewed by hand"})
    assert outcome.status == "published"
    stored = query(world.settings.database, "select accepted from meta.releases")[0][0]
    assert json.loads(stored) == [{"check": check, "reason": "reviewed by hand"}]
    assert query(world.settings.database, f"select status from meta.checks where check_name = '{check}'") == [
        ("accepted",)
    ]


def test_an_acceptance_holds_for_the_same_inputs_and_expires_with_them(world: World) -> None:
    rows = world.ten_plans()
    spoilt = [{**row, "Country": "Atlantis"} if i % 10 < 3 else row for i, row in enumerate(rows)]
    check = "quarantine.explorer_commitments.quarantined_share"
    world.commitments(*spoilt)
    world.build().publish(accepted={check: "reviewed by hand"})
    # a candidate of the same inputs is built again, for the code changed
    stale = replace(world.catalog["metrics.influence_stages"], code_hash="changed")
    world.catalog = replace(world.catalog, models={**world.catalog.models, stale.name: stale})
    assert world.build().publish().status == "published"
    world.commitments(*[{**row, "Theme": "new"} for row in spoilt])
    world.build()
    with pytest.raises(CandidateRefusedError):
        world.publish()


def test_accepting_an_unknown_check_is_an_input_error(published: World) -> None:
    published.ten_plans(**{"Theme": "new"})
    published.build()
    with pytest.raises(InputError, match="no check has this name"):
        published.publish(accepted={"marts.influence.no_such_check": "typing error"})


def test_one_unknown_member_quarantines_one_row_and_publishes(world: World) -> None:
    rows = world.ten_plans()
    rows[7] = {**rows[7], "Country": "Atlantis"}
    world.commitments(*rows)
    assert world.build().publish().status == "published"
    refused = query(world.settings.database, 'select "Country", problems from quarantine.explorer_commitments')
    assert refused == [("Atlantis", ["member_unknown: Country = Atlantis"])]
    warned = query(
        world.settings.database,
        "select status from meta.checks where \"check\" = 'rows_quarantined' "
        "and table_name = 'quarantine.explorer_commitments'",
    )
    assert warned == [("failed",)]


def test_a_mixture_of_old_and_new_tables_is_refused_by_name(published: World) -> None:
    before = published.settings.database.read_bytes()
    published.ten_plans(**{"Potential impact": "Transformative"})
    published.build("explorer_commitments")
    with pytest.raises(PublishRefusedError) as refused:
        published.publish()
    assert "staging.commitments was built from an older" in str(refused.value)
    assert "materialise staging.commitments" in str(refused.value)
    assert published.settings.database.read_bytes() == before


def test_a_raw_table_of_other_files_than_are_listed_is_refused(published: World) -> None:
    published.ten_plans(**{"Potential impact": "Transformative"})
    published.build(*(step for step, _ in published.catalog.steps() if step != "meta__sources"))
    with pytest.raises(PublishRefusedError, match=r"raw\.explorer_commitments was read from other files"):
        published.publish()


@pytest.mark.parametrize("damage", ["missing", "truncated"])
def test_a_missing_or_damaged_working_table_is_named(published: World, damage: str) -> None:
    before = published.settings.database.read_bytes()
    path = published.store.path("marts.outcomes")
    path.unlink() if damage == "missing" else path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(
        PublishRefusedError, match=r"marts\.outcomes is missing or damaged: materialise marts\.outcomes"
    ):
        published.publish()
    assert published.settings.database.read_bytes() == before


@pytest.mark.parametrize(
    ("column", "label", "rows"),
    [
        pytest.param("Did it open government (end of term only)", "c. Slight", 3, id="a column coded for a few rows"),
        pytest.param("Completion (end of term)", "d. Done", 2, id="two of five given cells"),
    ],
)
def test_a_label_renamed_in_a_thinly_coded_column_is_refused(world: World, column: str, label: str, rows: int) -> None:
    written = world.ten_plans()
    known = {"Completion (end of term)": "c. Substantial"}.get(column, "b. None")
    world.commitments(
        *({**row, column: label if i < rows else known if i < 5 else "ND"} for i, row in enumerate(written))
    )
    world.build()
    with pytest.raises(CandidateRefusedError, match="explorer_commitments_problem_share"):
        world.publish()


def test_one_unreadable_value_is_dirt(world: World) -> None:
    rows = world.ten_plans()
    rows[3] = {**rows[3], "Potential impact": "Huge"}
    world.commitments(*rows)
    assert world.build().publish().status == "published"


def test_a_file_with_its_header_alone_is_refused(world: World) -> None:
    world.ten_plans()
    world.plans()
    world.build()
    with pytest.raises(CandidateRefusedError, match=r"meta\.sources\.loaded_file_has_rows"):
        world.publish()


def test_a_renamed_column_that_is_not_required_is_told(world: World) -> None:
    world.ten_plans()
    path = world.inputs / "commitments.csv"
    path.write_text(path.read_text().replace(",Open Data,", ",Open data and such,", 1))
    world.build().publish()
    warned = query(world.settings.database, "select \"check\", sample from meta.checks where status = 'failed'")
    told = dict(warned)
    assert "Open data and such" in told["extra_columns"]
    assert "Open Data" in told["absent_columns"]


@pytest.mark.parametrize(
    ("check", "spoil"),
    [
        pytest.param("release.table_shrank", lambda world: world.ten_plans(count=2), id="three plans in five lost"),
        pytest.param(
            "release.label_vanished",
            lambda world: world.ten_plans(**{"Potential impact": "Minor"}),
            id="no commitment is moderate any more",
        ),
        pytest.param("release.source_missing", lambda world: (world.inputs / "process.csv").unlink(), id="file gone"),
    ],
)
def test_what_the_release_before_had_must_not_vanish(published: World, check: str, spoil) -> None:
    spoil(published)
    published.build()
    with pytest.raises(CandidateRefusedError) as refused:
        published.publish()
    assert check in {verdict.name for verdict in refused.value.verdicts if verdict.refuses}


def test_sample_and_real_data_never_replace_each_other_silently(published: World) -> None:
    before = published.settings.database.read_bytes()
    real = published.settings
    published.settings = replace(real, sources=("sample",))
    with pytest.raises(PublishRefusedError, match="SYNTHETIC"):
        published.build()
    assert published.store.faults() == [], "refused before any working table was replaced"
    assert published.settings.database.read_bytes() == before
    assert published.build(replace_release=True).publish(replace_release=True).is_synthetic
    comment = query(real.database, "select comment from duckdb_tables() where table_name = 'vital_signs'")[0][0]
    assert comment.startswith("SYNTHETIC")
    assert published.build().publish().status == "unchanged", "a sample over a sample"
    published.settings = real
    with pytest.raises(PublishRefusedError, match="--replace-release"):
        published.build()


def test_the_last_releases_are_kept(published: World) -> None:
    published.settings = replace(published.settings, keep_releases=2)
    for theme in ("one", "two"):
        published.ten_plans(Theme=theme)
        published.build().publish()
    kept = sorted(path.name for path in published.settings.releases_dir.iterdir())
    history = [row[0] for row in query(published.settings.database, "select release_id from meta.releases order by 1")]
    assert len(history) == 3
    assert kept == history[1:]


def test_two_runs_at_once(published: World) -> None:
    with (published.settings.data_dir / ".lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        for work in (published.publish, published.build):
            with pytest.raises(PublishRefusedError, match="another run is working"):
                work()
    assert published.build().publish().status == "unchanged"


def test_a_reader_that_holds_the_old_file_is_not_disturbed(published: World) -> None:
    with duckdb.connect(str(published.settings.database), read_only=True) as reader:
        before = reader.execute("select count(*) from commitments where theme = 'new'").fetchone()
        published.ten_plans(Theme="new")
        published.build().publish()
        assert reader.execute("select count(*) from commitments where theme = 'new'").fetchone() == before == (0,)
    assert query(published.settings.database, "select count(*) from marts.commitments where theme = 'new'") == [(50,)]


def test_leftovers_of_a_killed_publisher_are_removed(published: World) -> None:
    leftover = published.settings.releases_dir / ".candidate-1"
    leftover.mkdir()
    (leftover / "ogp.duckdb").write_bytes(b"half")
    published.ten_plans(Theme="new")
    published.build().publish()
    assert not leftover.exists()
