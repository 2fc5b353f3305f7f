"""The command line as people use it: what it prints, its exit status, and the run it leaves in Dagster."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import time
import zipfile
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from ogp_pipeline_tests.commands import run
from ogp_pipeline_tests.world import MEMBERS, World, query


def test_the_sample_is_the_default_and_says_so(sampled) -> None:
    data_dir, done = sampled
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("SYNTHETIC") >= 2
    assert query(data_dir / "ogp.duckdb", "select is_synthetic, sources from meta.releases") == [(True, "sample")]
    real_members = query(data_dir / "ogp.duckdb", "select count(*) from marts.members where member_id = 'ALB'")
    assert real_members == [(0,)]


def test_the_sample_fills_every_table_of_the_release(sampled) -> None:
    """What nobody refused is the only thing that may be missing; nothing was accepted to get there."""
    data_dir, _ = sampled
    database = data_dir / "ogp.duckdb"
    tables = query(
        database,
        "select schema_name || '.' || table_name from duckdb_tables() where database_name = 'release' "
        "and schema_name in ('raw', 'staging', 'quarantine', 'marts', 'metrics', 'meta')",
    )
    counts = {name: query(database, f"select count(*) from {name}")[0][0] for (name,) in tables}
    assert len(counts) > 75
    empty = {name for name, count in counts.items() if not count and not name.startswith("quarantine.")}
    assert empty == {"meta.changes", "meta.consequences"}, "a first release has none before it"
    assert sum(count > 0 for name, count in counts.items() if name.startswith("quarantine.")) == 7
    failed = "select \"check\" from meta.checks where severity = 'critical' and status <> 'passed'"
    assert query(database, failed) == []


def test_one_line_per_asset_and_none_of_the_event_log(sampled, catalog) -> None:
    _, done = sampled
    lines = done.stdout.splitlines()
    for name in [model.name for model in catalog.public] + ["release.ogp_duckdb"]:
        assert sum(line.split()[:1] == [name] for line in lines) == 1, name
    assert "dagster" not in done.stdout.lower().replace("/dagster", "")
    assert done.stderr == ""


def test_the_summary_tells_rows_doubts_checks_figures_and_paths(sampled) -> None:
    data_dir, done = sampled
    rows, refused = query(
        data_dir / "ogp.duckdb",
        "select (select count(*) from raw.explorer_commitments), count(*) from quarantine.explorer_commitments",
    )[0]
    assert f"{rows:,} rows, {refused:,} quarantined" in done.stdout
    for word in (
        "member_unknown",
        "label_unknown",
        "member_alias",
        "Checks: ",
        " 0 failed",
        "Figure 4.3",
        "Figure 4.5",
    ):
        assert word in done.stdout, word
    assert "suppressed: fewer than 3 plans" in done.stdout
    assert str(data_dir / "ogp.duckdb") in done.stdout
    cells = query(data_dir / "ogp.duckdb", "select plans, hits, commitments from metrics.vital_signs where is_default")
    for plans, hits, commitments in cells:
        assert f"{plans} plan{'s' * (plans != 1)}, {hits}/{commitments} commitments" in done.stdout


def test_the_run_shows_on_the_page_of_the_job(sampled) -> None:
    data_dir, _ = sampled
    with dg.DagsterInstance.from_config(str(data_dir / "dagster")) as instance:
        (found,) = instance.get_runs(dg.RunsFilter(job_name="refresh"))
        assert found.status == dg.DagsterRunStatus.SUCCESS
        assert found.tags[".dagster/repository"] == "__repository__@ogp_pipeline"
        assert not instance.telemetry_enabled


def test_the_second_run_is_unchanged(sampled) -> None:
    data_dir, _ = sampled
    before = (data_dir / "ogp.duckdb").stat().st_mtime_ns
    done = run(data_dir)
    assert done.returncode == 0
    assert "Unchanged: " in done.stdout
    assert (data_dir / "ogp.duckdb").stat().st_mtime_ns == before


def test_the_queries_of_the_readme_run(sampled) -> None:
    data_dir, _ = sampled
    readme = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")
    block = readme.split("```sql\n")[1].split("```")[0]
    statements = duckdb.extract_statements(block)
    assert len(statements) >= 5
    with duckdb.connect(str(data_dir / "ogp.duckdb"), read_only=True) as analyst:
        for statement in statements:
            assert analyst.execute(statement).fetchall(), statement.query


def test_refused_by_the_gate_then_accepted(world: World) -> None:
    world.ten_plans()
    world.plans(*({"Country name": m, "Year AP Submitted": "2011" if m == "Chile" else "2014"} for m in MEMBERS))
    sources = str(world.inputs)
    done = run(world.settings.data_dir, "--sources", sources)
    assert done.returncode == 1
    assert "marts.influence.process_row_of_another_plan (1 row)" in done.stderr
    assert "There is no release yet." in done.stderr
    assert not world.settings.database.exists()
    check = "marts.influence.process_row_of_another_plan"
    accepted = run(world.settings.data_dir, "--sources", sources, "--accept", check, "--reason", "checked by hand")
    assert accepted.returncode == 0, accepted.stderr
    assert json.loads(query(world.settings.database, "select accepted from meta.releases")[0][0]) == [
        {"check": check, "reason": "checked by hand"}
    ]


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        pytest.param(["--sources", "no/such/folder"], {}, "there is no such folder", id="a folder that is not there"),
        pytest.param(["--sources", "sample,elsewhere"], {}, "cannot be mixed", id="sample and real files together"),
        pytest.param(["--accept", "x.y.z"], {}, "one --reason TEXT for each --accept", id="no reason given"),
        pytest.param(["--no-such-option"], {}, "No such option", id="usage"),
        pytest.param(
            [], {"OGP_KEEP_RELEASES": "many"}, "OGP_KEEP_RELEASES is 'many'", id="a setting that is no number"
        ),
    ],
)
def test_bad_input_or_usage_is_status_2(tmp_path: Path, arguments, environment, message: str) -> None:
    done = run(tmp_path / "data", *arguments, **environment)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


def test_windows_1252_is_detected_and_said(published: World) -> None:
    path = published.inputs / "commitments.csv"
    path.write_bytes(path.read_text().replace("Armenia 2", "Arménia 2").encode("windows-1252"))
    done = run(published.settings.data_dir, "--sources", str(published.inputs))
    assert done.returncode == 0, done.stderr
    assert "read     commitments.csv (windows-1252)" in done.stdout
    assert "encoding                     the row or file (for example commitments.csv)" in done.stdout
    assert query(published.settings.database, "select count(*) from commitments where title = 'Arménia 2'") == [(1,)]


def test_sources_that_cannot_be_read_are_not_remembered(published: World) -> None:
    data_dir = published.settings.data_dir
    assert run(data_dir, "--sources", str(published.inputs)).returncode == 0
    assert run(data_dir, "--sources", "no/such/folder").returncode == 2
    done = run(data_dir)
    assert done.returncode == 0
    assert "Unchanged" in done.stdout


def test_every_error_of_the_input_is_told_at_once(world: World) -> None:
    header_lost = world.commitments({}, file="no_country.csv")
    header_lost.write_text(header_lost.read_text().replace("Country,", "Land,", 1))
    cut_off = world.commitments({}, file="cut_off.csv")
    cut_off.write_text(cut_off.read_text() + '"an open quote')
    (world.inputs / "broken.xlsx").write_bytes(b"PK not a workbook")
    done = run(world.settings.data_dir, "--sources", str(world.inputs))
    assert done.returncode == 2
    for words in ("no_country.csv: header in row 1", "lacks the required column Country", "cut_off.csv", "broken.xlsx"):
        assert words in done.stderr, words
    assert world.last_run()["status"] == "bad_input"
    assert len(world.last_run()["reasons"]) >= 3


def test_an_analyst_queries_in_another_process_through_refreshes(published: World) -> None:
    world = published
    loop = textwrap.dedent("""
        import sys, duckdb
        from pathlib import Path
        stop, counts, queries = Path(sys.argv[2]), set(), 0
        while not stop.exists():
            with duckdb.connect(sys.argv[1], read_only=True) as connection:
                (marts,), (flat,) = connection.execute(
                    "select count(*) filter (where theme = 'new') from commitments union all "
                    "select count(*) from commitments_flat").fetchall()
                assert flat == 50, flat
                assert marts in (0, 50), marts
                counts.add(marts)
                queries += 1
        print(queries, sorted(counts))
    """)
    stop = world.inputs.parent / "stop"
    command = [sys.executable, "-c", loop, str(world.settings.database), str(stop)]
    analyst = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    world.ten_plans(Theme="new")
    world.build().publish()
    end = time.monotonic() + 5  # the analyst goes on a little on the new file
    while time.monotonic() < end and analyst.poll() is None:
        query(world.settings.database, "select 1")
    stop.touch()
    printed, errors = analyst.communicate(timeout=60)
    assert errors == ""
    queries, counts = printed.split(maxsplit=1)
    assert int(queries) > 10
    assert counts.strip() == "[0, 50]"


def test_an_installed_wheel_finds_its_sql(tmp_path: Path) -> None:
    project = Path(__file__).resolve().parents[1]
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path), str(project)], check=True
    )
    (wheel,) = tmp_path.glob("*.whl")
    installed = tmp_path / "installed"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
    code = (
        f"import sys; sys.path.insert(0, {str(installed)!r})\n"
        "from ogp_pipeline.models import load_catalog\n"
        "from ogp_pipeline.settings import PACKAGE_DIR, project_file\n"
        "catalog = load_catalog()\n"
        f"assert str(PACKAGE_DIR).startswith({str(installed)!r}), PACKAGE_DIR\n"
        f"assert all(str(model.path).startswith({str(installed)!r}) for model in catalog)\n"
        "assert project_file('dagster.yaml').is_file() and project_file('workspace.yaml').is_file()\n"
        "from ogp_pipeline.report.page import environment\n"
        "assert environment().get_template('report.html')\n"
        "print(len(catalog.models))"
    )
    printed = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert int(printed.stdout) > 30
