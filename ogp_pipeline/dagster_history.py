"""What Dagster remembers of runs: those of processes that are dead are ended, and old ones are deleted."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ogp_pipeline.nightly_status import KILLED, Ended, tell_end
from ogp_pipeline.release.record import record_other_end
from ogp_pipeline.settings import Settings

if TYPE_CHECKING:
    import dagster as dg

COMMAND_LINE = {"ogp_pipeline/started_by": "command line"}  # the tag of runs that hold the lock from end to end
RUNS_AT_ONCE = 100  # so that the first time after years takes seconds, not hours
DEAD = "its process ended without a word: it was killed, or the machine stopped"


def end_runs_of_dead_processes(settings: Settings, instance: dg.DagsterInstance) -> None:
    """Let Dagster know of runs of the command line that were killed, or the nightly would wait for them for ever.

    A run of the command line holds the lock of the data folder as long as it lives; whoever calls this holds it now.
    """
    import dagster as dg

    in_progress = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
    for run in instance.get_runs(dg.RunsFilter(statuses=in_progress, tags=COMMAND_LINE)):
        instance.report_run_failed(run, DEAD)
        record_other_end(settings, KILLED, run.run_id, (DEAD,))
        tell_end(settings, Ended(run.run_id, KILLED, (DEAD,)))


def delete_old_runs(settings: Settings, instance: dg.DagsterInstance) -> int:
    """Delete the runs that ended and are older than `keep_runs_days`, with all that was logged; how many these were.

    The last run that succeeded stays, however old: by it Dagster judges how fresh the release is.
    """
    import dagster as dg
    from dagster._core.storage.dagster_run import FINISHED_STATUSES  # the public names do not have it

    before = datetime.now(UTC) - timedelta(days=settings.keep_runs_days)
    last_good = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS]), limit=1)
    kept = {run.run_id for run in last_good}
    old = dg.RunsFilter(statuses=list(FINISHED_STATUSES), created_before=before)
    runs = [run for run in instance.get_runs(old, limit=RUNS_AT_ONCE, ascending=True) if run.run_id not in kept]
    for run in runs:
        instance.delete_run(run.run_id)
        _delete_checks(instance, run.run_id)
        _delete_files(Path(instance.root_directory), run.run_id)
    return len(runs)


def _delete_checks(instance: dg.DagsterInstance, run_id: str) -> None:
    """Dagster keeps the results of a run's checks, half a megabyte, when the run itself is deleted."""
    from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable as checks  # it has no public name

    with instance.event_log_storage.index_connection() as connection:
        connection.execute(checks.delete().where(checks.c.run_id == run_id))


def _delete_files(home: Path, run_id: str) -> None:
    """Dagster deletes what it knows of a run and leaves its files: the log of its events and what it printed."""
    for path in (home / "history" / "runs").glob(f"{run_id}.db*"):
        path.unlink(missing_ok=True)
    shutil.rmtree(home / "storage" / run_id, ignore_errors=True)
