"""The job that refreshes everything, and the nightly schedule that runs it."""

from __future__ import annotations

import dagster as dg

from ogp_pipeline.settings import Settings

JOB_NAME = "refresh"


def refresh_job() -> dg.UnresolvedAssetJobDefinition:
    """Every asset, in one process: a process per step costs more than the work (DESIGN.md, decision 6)."""
    return dg.define_asset_job(
        JOB_NAME,
        selection=dg.AssetSelection.all(),
        executor_def=dg.in_process_executor,
        description="Read the sources, rebuild every table, check it, and publish data/ogp.duckdb.",
    )


def nightly(settings: Settings) -> dg.ScheduleDefinition:
    """Every night, running without anyone switching it on."""
    return dg.ScheduleDefinition(
        name="nightly",
        job_name=JOB_NAME,
        cron_schedule=settings.nightly_cron,
        execution_timezone=settings.nightly_timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Refreshes from the sources the data folder remembers.",
    )
