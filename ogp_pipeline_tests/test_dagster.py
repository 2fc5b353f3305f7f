"""What a data engineer sees and runs in Dagster: definitions, the job, single assets, the gate."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import dagster as dg
import pytest

from ogp_pipeline import ahead
from ogp_pipeline.assembly import build_defs
from ogp_pipeline.assets import PREVIEW_ROWS, RELEASE, asset_key
from ogp_pipeline.errors import InputError
from ogp_pipeline.models import Catalog
from ogp_pipeline.settings import Settings
from ogp_pipeline_tests.world import MEMBERS, World, query


@pytest.fixture(scope="module")
def specs(tmp_path_factory: pytest.TempPathFactory) -> dict[dg.AssetKey, dg.AssetSpec]:
    """The asset specs of the definitions over a folder that does not exist."""
    definitions = build_defs(Settings(tmp_path_factory.mktemp("d") / "absent"))
    return {spec.key: spec for spec in definitions.resolve_all_asset_specs()}


def materialise(world: World, *keys: dg.AssetKey) -> dg.ExecuteInProcessResult:
    """Materialise assets (all of them where none is named) as the user interface does, errors not raised."""
    job = build_defs(world.settings).resolve_job_def("refresh" if not keys else "__ASSET_JOB")
    with dg.DagsterInstance.ephemeral() as instance:
        return job.execute_in_process(
            instance=instance,
            raise_on_error=False,
            asset_selection=list(keys) or None,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )


def test_loading_the_definitions_imports_nothing_heavy_and_makes_no_folder(tmp_path: Path) -> None:
    code = (
        "import sys, ogp_pipeline.definitions\n"
        "heavy = {'vl_convert', 'great_expectations', 'pandas', 'statsmodels', 'scipy', 'openpyxl', 'altair'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    data = tmp_path / "data"
    environment = {**os.environ, "OGP_DATA_DIR": str(data)}
    printed = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == "[]"
    assert not data.exists()


def test_every_public_table_is_an_asset_and_the_release_comes_last(specs, catalog: Catalog) -> None:
    assert set(specs) == {asset_key(model.name) for model in catalog.public} | {RELEASE}
    assert {dep.asset_key for dep in specs[RELEASE].deps} == set(specs) - {RELEASE}


def test_every_asset_tells_people_what_it_is(specs) -> None:
    for key, spec in specs.items():
        assert spec.group_name in {"reference", "ingest", "marts", "metrics", "release"}, key
        assert spec.owners == ["team:vital-signs"], key
        assert spec.kinds, key
        assert len(spec.description) > 40, key
        if key == RELEASE:
            continue
        assert spec.metadata["dagster/column_schema"].columns, key
        links = spec.metadata["dagster/code_references"].code_references
        assert all(Path(link.file_path).is_file() for link in links), key
        expected = {"sql", "duckdb"} if any(link.file_path.endswith(".sql") for link in links) else {"python", "duckdb"}
        assert spec.kinds == expected, key


def test_dependencies_follow_the_sql(specs) -> None:
    upstream = {dep.asset_key.to_user_string() for dep in specs[dg.AssetKey(["metrics", "vital_signs"])].deps}
    # what its rows come from, and what its checks compare it with; plans and members come through marts/influence,
    # whose step makes the levels of the plans the figures speak of
    assert upstream == {
        "staging/process_database",
        "marts/commitments",
        "marts/influence",
        "marts/outcomes",
        "reference/labels",
        "reference/outcome_definitions",
        "reference/student_t",
    }


def test_the_nightly_schedule_runs_by_default_in_an_explicit_timezone(tmp_path: Path) -> None:
    settings = Settings(tmp_path, nightly_cron="15 2 * * *", nightly_timezone="Europe/Berlin")
    schedule = build_defs(settings).resolve_schedule_def("nightly")
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("15 2 * * *", "Europe/Berlin")
    assert schedule.job_name == "refresh"


def test_the_job_runs_in_one_process(tmp_path: Path) -> None:
    assert build_defs(Settings(tmp_path)).resolve_job_def("refresh").executor_def is dg.in_process_executor


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, catalog: Catalog) -> dg.ExecuteInProcessResult:
    """The job over ten plans and a row of a country that is not known."""
    world = World(tmp_path_factory.mktemp("ran"), catalog)
    rows = world.ten_plans()
    world.commitments(*rows, {"Country": "Atlantis", "Comm No": "1"})
    return materialise(world)


def test_the_job_publishes_and_shows_checks_with_their_failing_rows(ran: dg.ExecuteInProcessResult) -> None:
    result = ran
    assert result.success
    checks = {(c.asset_key.to_user_string(), c.check_name): c for c in result.get_asset_check_evaluations()}
    assert len(checks) <= 120
    refused = checks["quarantine/explorer_commitments", "contract"]
    assert (refused.passed, refused.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert refused.metadata["failing rows"].value == 1
    label = "quarantine.explorer_commitments.rows_quarantined (failed, warning)"
    (record,) = refused.metadata[label].records
    assert record.data["_source_file"] == "commitments.csv"
    assert record.data["_source_row"] == "52"
    counts = {
        m.asset_key: m.metadata["dagster/row_count"].value for m in _materialisations(result) if m.asset_key != RELEASE
    }
    assert counts[asset_key("marts.commitments")] == 50
    assert counts[asset_key("quarantine.explorer_commitments")] == 1


def test_a_materialisation_says_what_came_out(ran: dg.ExecuteInProcessResult) -> None:
    facts = {m.asset_key: m.metadata for m in _materialisations(ran)}
    metric = facts[asset_key("metrics.vital_signs")]
    assert len(metric["preview"].records) == PREVIEW_ROWS
    assert metric["preview"].records[0].data["outcome"] == "ambition"
    assert metric["columns"].value == len(metric["preview"].records[0].data)
    raw = facts[asset_key("raw.explorer_commitments")]
    assert "preview" not in raw  # texts of the files stay in the tables
    described = {column.name: column.description for column in raw["dagster/column_schema"].schema.columns}
    assert {"Country", "_source_row", "Theme"} <= set(described)
    assert len(described) == raw["columns"].value


def test_the_release_shows_figures_changes_and_how_far_the_data_reach(ran: dg.ExecuteInProcessResult) -> None:
    (facts,) = (m.metadata for m in _materialisations(ran) if m.asset_key == RELEASE)
    pictures = facts["pictures"].value
    for number in ("4.3", "4.5", "4.9"):
        assert f"![Figure {number}](data:image/svg+xml;base64," in pictures
    assert "first of its kind" in facts["changes"].value
    layouts = [record.data["layout"] for record in facts["data_through"].records]
    assert layouts == ["explorer_commitments", "process_database"]
    assert Path(facts["open report.html"].value).is_file()


def _materialisations(result: dg.ExecuteInProcessResult) -> list[dg.AssetMaterialization]:
    return [e.step_materialization_data.materialization for e in result.all_events if e.is_step_materialization]


def test_any_single_asset_can_be_materialised_on_what_the_working_tables_hold(published: World) -> None:
    world = published
    for key in map(asset_key, ("reference.labels", "staging.process_database", "marts.outcomes", "meta.sources")):
        assert materialise(world, key).success, key
    assert world.publish().status == "unchanged"


def test_checks_can_be_run_without_building_their_table(published: World) -> None:
    path = published.store.path("marts.influence")
    before = path.stat().st_mtime_ns
    key = dg.AssetCheckKey(asset_key("marts.influence"), "contract")
    definitions = build_defs(published.settings)
    job = dg.define_asset_job("checks_only", selection=dg.AssetSelection.checks(key))
    with_job = dg.Definitions.merge(definitions, dg.Definitions(jobs=[job]))
    result = with_job.resolve_job_def("checks_only").execute_in_process(raise_on_error=False)
    (evaluation,) = result.get_asset_check_evaluations()
    assert (evaluation.asset_check_key, evaluation.passed) == (key, True)
    assert path.stat().st_mtime_ns == before


def test_a_single_asset_without_its_inputs_says_what_to_materialise(world: World) -> None:
    result = materialise(world, asset_key("marts.outcomes"))
    assert not result.success
    assert "marts.commitments has not been built yet: materialise marts.commitments" in _failure(result)


def _failure(result: dg.ExecuteInProcessResult) -> str:
    (event,) = [event for event in result.all_events if event.is_step_failure]
    return event.step_failure_data.user_failure_data.description


def test_where_a_step_of_the_job_fails_it_is_told_once_and_nothing_goes_on_ahead(
    published: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = published
    before = world.settings.database.read_bytes()
    tables_built = ahead.tables_built

    def failing(settings, catalog, models, *options):
        if any(model.name == "marts.outcomes" for model in models):
            raise InputError(["the file is not what it was"])
        return tables_built(settings, catalog, models, *options)

    monkeypatch.setattr(ahead, "tables_built", failing)
    result = materialise(world)
    assert "the file is not what it was" in _failure(result)
    ended = {event.step_key for event in result.all_events if event.is_step_success}
    assert "marts__influence" in ended  # it follows from other tables
    assert not ended & {"metrics__vital_signs", "release__ogp_duckdb"}
    assert "building ahead" not in {thread.name for thread in threading.enumerate()}
    with (world.settings.data_dir / ".lock").open("r+") as file:  # the folder is free again
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert world.settings.database.read_bytes() == before


def test_materialising_publish_alone_after_a_failed_check_is_refused(published: World) -> None:
    world = published
    before = world.settings.database.read_bytes()
    world.plans(*({"Country name": m, "Year AP Submitted": "2011" if m == "Chile" else "2014"} for m in MEMBERS))
    result = materialise(world)
    checks = {c.check_name: c for c in result.get_asset_check_evaluations() if not c.passed}
    assert checks["process_row_of_another_plan"].severity == dg.AssetCheckSeverity.ERROR
    alone = materialise(world, RELEASE)
    assert not alone.success
    assert "marts.influence.process_row_of_another_plan" in _failure(alone)
    assert world.settings.database.read_bytes() == before
    run = world.last_run()
    assert (run["status"], run["release_kept"]) == ("refused", True)
    assert any("process_row_of_another_plan" in reason for reason in run["reasons"])


def test_rematerialising_raw_only_and_then_publish_is_refused_naming_what_is_stale(published: World) -> None:
    world = published
    before = world.settings.database.read_bytes()
    world.ten_plans(**{"Potential impact": "Transformative"})
    assert materialise(world, asset_key("raw.explorer_commitments")).success
    alone = materialise(world, RELEASE)
    assert "was built from an older raw.explorer_commitments: materialise staging.explorer_commitments" in _failure(
        alone
    )
    assert world.settings.database.read_bytes() == before
    assert materialise(world, asset_key("staging.explorer_commitments")).success
    alone = materialise(world, RELEASE)
    assert "materialise staging.commitments" in _failure(alone)
    assert world.settings.database.read_bytes() == before


def test_a_real_release_stays_real_when_the_job_runs_with_no_environment_set(published: World, tmp_path: Path) -> None:
    world = published
    assert materialise(world).success  # the folder remembers its sources
    code = (
        "from ogp_pipeline.definitions import defs\n"
        "result = defs.resolve_job_def('refresh').execute_in_process(raise_on_error=False)\n"
        "print(result.success)"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OGP_", "DAGSTER_"))}
    # the default data folder is ./data
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip().endswith("True")
    assert query(world.settings.database, "select bool_or(is_synthetic) from meta.sources") == [(False,)]
    assert json.loads(world.settings.last_run.read_text())["status"] == "unchanged"
