"""Two files make a table: an asset with a check, an entry of the dictionary, a table and view, and exports."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import dagster as dg
import pytest

from ogp_pipeline.assembly import build_defs
from ogp_pipeline.assets import RELEASE, asset_key
from ogp_pipeline.models import load_catalog
from ogp_pipeline.settings import project_file
from ogp_pipeline_tests.world import World, query

SQL = """-- One row per year of submission: how many plans.
select submitted_year, count(*) as plans
from marts.action_plans
where submitted_year is not null
group by submitted_year
order by submitted_year
"""
CONTRACT = """
description: Action plans by year of submission.
grain: One row per year.
key: [submitted_year]
source: Counts over marts.action_plans.
columns:
  submitted_year: {type: INTEGER, description: "Year of submission.", unit: year}
  plans: {type: BIGINT, required: true, description: "Plans.", unit: plans}
expectations:
  - {type: expect_column_values_to_be_between, column: plans, min_value: 1, severity: critical, why: "It has."}
"""
TABLE = "metrics.plans_by_year"


@pytest.fixture(scope="module")
def added(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, dg.Definitions, dg.ExecuteInProcessResult]:
    """The job over a `sql/` folder with one more metric, no Python changed."""
    folder = tmp_path_factory.mktemp("added")
    shutil.copytree(project_file("sql"), folder / "sql")
    (folder / "sql" / "metrics" / "plans_by_year.sql").write_text(SQL, encoding="utf-8")
    (folder / "sql" / "metrics" / "plans_by_year.yml").write_text(CONTRACT, encoding="utf-8")
    world = World(folder, load_catalog(folder / "sql"))
    world.ten_plans()
    definitions = build_defs(world.settings, folder / "sql")
    with dg.DagsterInstance.ephemeral() as instance:
        result = definitions.resolve_job_def("refresh").execute_in_process(
            instance=instance,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
    return world, definitions, result


def test_it_is_an_asset_before_the_release(added) -> None:
    _, definitions, _ = added
    specs = {spec.key: spec for spec in definitions.resolve_all_asset_specs()}
    assert {dep.asset_key for dep in specs[asset_key(TABLE)].deps} == {asset_key("marts.action_plans")}
    assert specs[asset_key(TABLE)].group_name == "metrics"
    assert asset_key(TABLE) in {dep.asset_key for dep in specs[RELEASE].deps}


def test_it_is_checked(added) -> None:
    world, _, result = added
    checks = {
        evaluation.check_name: evaluation.passed
        for evaluation in result.get_asset_check_evaluations()
        if evaluation.asset_key == asset_key(TABLE)
    }
    assert checks == {"contract": True, "values_to_be_between_plans": True}
    verdicts = query(
        world.settings.database,
        f"select \"check\", status from meta.checks where table_name = '{TABLE}' order by 1",
    )
    assert ("values_to_be_between_plans", "passed") in verdicts


def test_it_is_in_the_dictionary(added) -> None:
    world, _, _ = added
    assert query(
        world.settings.database,
        "select column_name, unit, source_rule from meta.columns where table_name = 'plans_by_year' order by position",
    ) == [
        ("submitted_year", "year", "Counts over marts.action_plans."),
        ("plans", "plans", "Counts over marts.action_plans."),
    ]
    (report,) = world.settings.releases_dir.glob("*/report.html")
    assert "<code>metrics.plans_by_year</code>" in report.read_text(encoding="utf-8")


def test_it_is_a_table_a_view_and_an_export(added) -> None:
    world, _, _ = added
    assert query(world.settings.database, "select * from plans_by_year") == [(2014, 10)]
    (release,) = world.settings.releases_dir.glob("2*")
    with (release / "csv" / f"{TABLE}.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [["submitted_year", "plans"], ["2014", "10"]]
    assert query(world.settings.database, f"from '{release / 'parquet' / TABLE}.parquet'") == [(2014, 10)]
    assert f"csv/{TABLE}.csv" in (release / "datapackage.json").read_text(encoding="utf-8")


def test_what_must_not_change_did_not(added) -> None:
    """Every other table is what it is without the metric."""
    world, _, _ = added
    extended, own = world.catalog, load_catalog()
    assert {m.name: m.code_hash for m in extended if m.name != TABLE} == {m.name: m.code_hash for m in own}
    assert not Path(project_file("sql") / "metrics" / "plans_by_year.sql").exists()
