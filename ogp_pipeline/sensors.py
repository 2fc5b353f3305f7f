"""Tells the end of the runs that Dagster's daemon starts, also of those that were killed and could not say a word.

Runs of the command line tell theirs themselves.
"""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg

from ogp_pipeline.dagster_history import COMMAND_LINE, delete_old_runs
from ogp_pipeline.nightly_status import ended, tell_end
from ogp_pipeline.release.record import recorded
from ogp_pipeline.schedules import JOB_NAME
from ogp_pipeline.settings import Settings

EVERY_SECONDS = 30


def sensors(settings: Settings) -> list[dg.SensorDefinition]:
    """One for runs that failed and one for runs that did not; both run without anyone switching them on."""
    common = {"minimum_interval_seconds": EVERY_SECONDS, "default_status": dg.DefaultSensorStatus.RUNNING}

    @dg.run_failure_sensor(
        name="tell_failure", description="Writes status.json and posts to OGP_WEBHOOK_URL.", **common
    )
    def tell_failure(context: dg.RunFailureSensorContext) -> dg.SkipReason:
        return _tell(settings, context, context.failure_event.message or "it ended without a word")

    @dg.run_status_sensor(
        name="tell_success",
        run_status=dg.DagsterRunStatus.SUCCESS,
        description="Writes status.json, posts a recovery to OGP_WEBHOOK_URL, and deletes old runs of Dagster.",
        **common,
    )
    def tell_success(context: dg.RunStatusSensorContext) -> dg.SkipReason:
        told = _tell(settings, context, None)
        delete_old_runs(settings, context.instance)
        return told

    return [tell_failure, tell_success]


def _tell(settings: Settings, context: dg.RunStatusSensorContext, said: str | None) -> dg.SkipReason:
    run = context.dagster_run
    # "Materialize all" is another job: where it came to the release, the nightly is as well as after its own
    if run.job_name != JOB_NAME and (said is not None or not recorded(settings, run.run_id)):
        return dg.SkipReason("a single asset: who started it sees how it ended")
    if is_of_the_command_line(run.tags):
        return dg.SkipReason("the command line tells the end of its runs itself")
    status = tell_end(settings, ended(settings, run.run_id, said))
    return dg.SkipReason(f"{status.state}; webhook: {status.webhook or 'nothing was to be announced'}")


def is_of_the_command_line(tags: Mapping[str, str]) -> bool:
    """Whether the command line started a run."""
    return COMMAND_LINE.items() <= tags.items()
