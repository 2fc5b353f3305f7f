"""The job that refreshes everything, the nightly schedule that runs it, and who hears of how its runs end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg

from ogp_pipeline.settings import Settings

# The nightly comes every 24 hours: two hours more are a long night, half a day more a missed one.
LATE = timedelta(hours=26)
MISSED = timedelta(hours=36)
STARTED_BY = "ogp_pipeline/started_by"  # the tag of runs whose starter announces how they end
SECONDS_BETWEEN_LOOKS = 60

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


def freshness() -> dg.FreshnessPolicy:
    """Of the release: an unchanged night materialises it too, so that it is late only when nobody looked."""
    return dg.FreshnessPolicy.time_window(warn_window=LATE, fail_window=MISSED)


def run_sensors(settings: Settings) -> list[dg.SensorDefinition]:
    """Announce how every run of the job ended, also of one that was killed: `ogp_pipeline.operation.standing`.

    Runs of the command line announce themselves, so that cron needs no daemon.
    """
    job = refresh_job()

    @dg.run_failure_sensor(
        monitored_jobs=[job],
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=SECONDS_BETWEEN_LOOKS,
        description="A failed run: data/status.json, and the webhook where one is set.",
    )
    def announce_failure(context: dg.RunFailureSensorContext) -> None:
        _announce(settings, context, succeeded=False)

    @dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.SUCCESS,
        monitored_jobs=[job],
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=SECONDS_BETWEEN_LOOKS,
        description="A good run: data/status.json, and the webhook after a failure.",
    )
    def announce_recovery(context: dg.RunStatusSensorContext) -> None:
        _announce(settings, context, succeeded=True)

    return [announce_failure, announce_recovery]


def _announce(settings: Settings, context: dg.RunStatusSensorContext, succeeded: bool) -> None:
    from ogp_pipeline.operation.standing import KILLED, after_run

    if STARTED_BY in context.dagster_run.tags:
        return
    stats = context.instance.get_run_stats(context.dagster_run.run_id)
    started = datetime.fromtimestamp(stats.start_time or stats.launch_time or 0, UTC)
    now = after_run(settings, succeeded, started, context.dagster_event.message or KILLED)
    context.log.info(f"{now.state} since {now.since}; announced: {now.announced}")
