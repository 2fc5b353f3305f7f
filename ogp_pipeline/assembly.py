"""Assembles the pipeline for Dagster: `definitions.py`, the command line and tests use the same."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from ogp_pipeline.assets import RunOptions, release_asset, table_assets
from ogp_pipeline.models import load_catalog
from ogp_pipeline.schedules import nightly, refresh_job
from ogp_pipeline.sensors import sensors
from ogp_pipeline.settings import Settings


def build_defs(settings: Settings, sql_dir: Path | None = None) -> dg.Definitions:
    """The pipeline over one data folder, of the project's `sql/` or another; ContractError lists its every fault."""
    catalog = load_catalog(sql_dir)
    return dg.Definitions(
        assets=[*table_assets(settings, catalog), release_asset(settings, catalog)],
        jobs=[refresh_job()],
        schedules=[nightly(settings)],
        sensors=sensors(settings),
        resources={"options": RunOptions()},
        executor=dg.in_process_executor,
    )
