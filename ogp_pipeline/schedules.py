"""The job that refreshes everything, and the nightly schedule that runs it."""

from __future__ import annotations

from contextlib import suppress

import dagster as dg
from dagster._utils.schedules import is_valid_cron_string  # what Dagster itself asks; it has no public name

from ogp_pipeline.dagster_history import end_runs_of_dead_processes
from ogp_pipeline.errors import InputError, OgpError
from ogp_pipeline.locking import only_writer
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


def check_cron(settings: Settings) -> None:
    """InputError where Dagster does not understand the hour of the nightly."""
    if not is_valid_cron_string(settings.nightly_cron):
        raise InputError(
            f"OGP_NIGHTLY_CRON is {settings.nightly_cron!r}, which is no time of cron: give, for example, '30 3 * * *'"
        )


def nightly(settings: Settings) -> dg.ScheduleDefinition:
    """Every night, running without anyone switching it on.

    Of nights that were missed while no daemon ran the last one is made up for; a run that still goes on is waited
    for in the queue (`dagster.yaml`: one run at a time), and one of a process that is dead is ended first.
    """

    check_cron(settings)

    def tick(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        with suppress(OgpError), only_writer(settings.data_dir):  # where a run works its process lives
            end_runs_of_dead_processes(settings, context.instance)
        return dg.RunRequest()

    return dg.ScheduleDefinition(
        name="nightly",
        execution_fn=tick,
        job_name=JOB_NAME,
        cron_schedule=settings.nightly_cron,
        execution_timezone=settings.nightly_timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Refreshes from the sources the data folder remembers.",
    )
