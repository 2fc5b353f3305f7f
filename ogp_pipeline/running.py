"""Runs the job or the download for the command line: prints what happens and returns the exit status."""

from __future__ import annotations

import os
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import click

from ogp_pipeline.building import SECONDS
from ogp_pipeline.dagster_databases import keep_open, let_go
from ogp_pipeline.dagster_history import COMMAND_LINE, delete_old_runs, end_runs_of_dead_processes
from ogp_pipeline.errors import LockedError, MachineError
from ogp_pipeline.judging import get_ready
from ogp_pipeline.locking import only_writer
from ogp_pipeline.machine import told_as_machine_error
from ogp_pipeline.nightly_status import Ended, ended, tell_end
from ogp_pipeline.release.record import record_failure, record_other_end
from ogp_pipeline.safe_text import visible
from ogp_pipeline.settings import Settings, project_file
from ogp_pipeline.store import write_atomically

if TYPE_CHECKING:
    import dagster as dg

PUBLISHED, REFUSED, BAD_INPUT, BUG = 0, 1, 2, 3
EXIT_STATUS = {"refused": REFUSED, "bad_input": BAD_INPUT, "machine": BAD_INPUT}
LOCATION = "ogp_pipeline"


def dagster_home(settings: Settings) -> Path:
    """DAGSTER_HOME where it is set, else a folder of the data folder; with the project's `dagster.yaml` in it."""
    home = Path(os.environ.get("DAGSTER_HOME") or settings.data_dir / "dagster").absolute()
    home.mkdir(parents=True, exist_ok=True)
    # a home of ours follows the project's file; one that was set by hand is only given it where it has none
    if not os.environ.get("DAGSTER_HOME") or not (home / "dagster.yaml").exists():
        content = project_file("dagster.yaml").read_bytes()
        if not (home / "dagster.yaml").exists() or (home / "dagster.yaml").read_bytes() != content:
            write_atomically(home / "dagster.yaml", content)
    return home


def run_fetch(settings: Settings) -> int:
    """Download the official files, print one line for each, and return the exit status."""
    from ogp_pipeline.models import load_catalog
    from ogp_pipeline.sources.fetching import fetch
    from ogp_pipeline.sources.folders import COMMITMENT_LAYOUTS
    from ogp_pipeline.sources.layouts import layouts

    outcomes = fetch(settings, layouts(load_catalog()))
    for outcome in outcomes:
        click.echo(visible(outcome.sentence()), err=not outcome.is_good)
    if not any(each.download.sha256 for each in outcomes if each.official.layout in COMMITMENT_LAYOUTS):
        click.echo("There are no commitments to use: mend what the lines above name and fetch again.", err=True)
        return BAD_INPUT
    return PUBLISHED if all(outcome.is_good for outcome in outcomes) else REFUSED


def run_refresh(settings: Settings, accept: Mapping[str, str], replace_release: bool) -> int:
    """Run the job, print one line per asset and the summary, and return the exit status."""
    try:
        with told_as_machine_error(settings.data_dir):
            return _refresh(settings, accept, replace_release)
    except LockedError as error:
        # a cron job has nobody who looks: a run that hangs would keep every night from working, and nobody knew
        if not sys.stderr.isatty():
            run_id = str(uuid4())
            record_other_end(settings, "refused", run_id, error.problems)
            tell_end(settings, Ended(run_id, "refused", error.problems))
        raise
    except MachineError as error:  # outside of every step: the lock, Dagster's own files
        run_id = str(uuid4())
        recorded = record_failure(settings, LOCATION, error, run_id)
        tell_end(settings, Ended(run_id, recorded["status"], recorded["reasons"]))
        click.echo(f"{error}\n{_what_stays(settings, recorded['is_recorded'])}", err=True)
        return BAD_INPUT


def _refresh(settings: Settings, accept: Mapping[str, str], replace_release: bool) -> int:
    os.environ["DAGSTER_HOME"] = str(dagster_home(settings))
    from ogp_pipeline.ahead import ahead_of_run, stop_ahead
    from ogp_pipeline.models import load_catalog
    from ogp_pipeline.release.audit import check_names_exist

    catalog = load_catalog()
    check_names_exist(accept, catalog)
    run_id = str(uuid4())
    progress = Progress()
    with only_writer(settings.data_dir), ExitStack() as at_end:
        at_end.callback(stop_ahead)
        ahead_of_run(run_id, settings, catalog, replace_release)  # while Dagster is imported and begins the run
        get_ready()

        import dagster as dg

        from ogp_pipeline.assembly import build_defs
        from ogp_pipeline.schedules import JOB_NAME
        from ogp_pipeline.summary import input_summary, release_summary

        instance = at_end.enter_context(dg.DagsterInstance.get())
        end_runs_of_dead_processes(settings, instance)
        instance.add_event_listener(run_id, progress)
        # the files of a run are there from its first event on
        instance.add_event_listener(run_id, lambda _: keep_open(instance, run_id))
        result = (
            build_defs(settings)
            .resolve_job_def(JOB_NAME)
            .execute_in_process(
                instance=instance,
                run_id=run_id,
                raise_on_error=False,
                # with the first tag the run stands on the page of the job in the user interface
                tags={".dagster/repository": f"__repository__@{LOCATION}", **COMMAND_LINE},
                run_config={
                    "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
                    "resources": {"options": {"config": {"accept": dict(accept), "replace_release": replace_release}}},
                },
            )
        )
        let_go()
        if result.success:
            delete_old_runs(settings, instance)
    tell_end(settings, ended(settings, run_id, "it ended without a word"))
    failures = [event for event in result.all_events if event.is_step_failure]
    if "meta.sources" in progress.done:
        click.echo("\n" + input_summary(settings, catalog))
        click.echo("\n" + _check_summary(result.get_asset_check_evaluations()))
    if result.success:
        click.echo("\n" + release_summary(settings))
        return PUBLISHED
    for event in failures:
        click.echo("\n" + _explanation(event), err=True)
    click.echo(_what_stays(settings, is_recorded=True), err=True)
    return max((EXIT_STATUS.get(_status_of(event), BUG) for event in failures), default=BUG)


def _what_stays(settings: Settings, is_recorded: bool) -> str:
    kept = "The last release stays." if settings.database.exists() else "There is no release yet."
    return f"{kept} Reasons: {settings.last_run}" if is_recorded else f"{kept} {settings.last_run} cannot be written."


class Progress:
    """Prints one line per asset when its step ends: rows, checks, seconds to build it."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, int]] = defaultdict(dict)
        self.checks: dict[str, list[tuple[bool, Any]]] = defaultdict(list)
        self.seconds: dict[str, float] = {}
        self.started: dict[str, float] = {}
        self.done: set[str] = set()

    def __call__(self, entry: dg.EventLogEntry) -> None:
        event = entry.dagster_event
        if event is None or event.step_key is None:
            return
        step = event.step_key
        kind = event.event_type_value
        if kind == "STEP_START":
            self.started[step] = time.monotonic()
        elif kind == "ASSET_MATERIALIZATION":
            materialization = event.step_materialization_data.materialization
            rows = materialization.metadata.get("dagster/row_count")
            name = _name(materialization.asset_key)
            self.rows[step][name] = rows.value if rows else None
            if SECONDS in materialization.metadata:
                self.seconds[name] = materialization.metadata[SECONDS].value
        elif kind == "ASSET_CHECK_EVALUATION":
            evaluation = event.asset_check_evaluation_data
            self.checks[_name(evaluation.asset_key)].append((evaluation.passed, evaluation.severity.value))
        elif kind == "STEP_SUCCESS":
            for name, rows in self.rows[step].items():
                self.done.add(name)
                counted = "" if rows is None else f"{rows:,} rows"
                seconds = self.seconds.get(name, time.monotonic() - self.started[step])
                click.echo(f"  {name:<46} {counted:>14}  {self._checks(name)}{seconds:6.1f} s")
        elif kind == "STEP_FAILURE":
            click.echo(f"  {step:<46} failed")

    def _checks(self, name: str) -> str:
        failed = [severity for passed, severity in self.checks[name] if not passed]
        if not self.checks[name]:
            return f"{'':<24}"
        words = [f"{len(self.checks[name])} checks"]
        for severity, word in (("ERROR", "failed"), ("WARN", "warned")):
            if severity in failed:
                words.append(f"{failed.count(severity)} {word}")
        return f"{', '.join(words):<24}"


def _check_summary(evaluations: Sequence[dg.AssetCheckEvaluation]) -> str:
    """How many checks ran, failed and warned, and what those that did not pass say."""
    by_severity = {
        word: [e for e in evaluations if not e.passed and e.severity.value == severity]
        for severity, word in (("ERROR", "failed"), ("WARN", "warned"))
    }
    counts = ", ".join(f"{len(found)} {word}" for word, found in by_severity.items())
    lines = [f"Checks: {len(evaluations)} run, {counts}"]
    for word, found in by_severity.items():
        lines += [f"  {word}  {visible(evaluation.description or evaluation.check_name)}" for evaluation in found]
    return "\n".join(lines)


def _name(key: dg.AssetKey) -> str:
    return ".".join(key.path)


def _status_of(event: dg.DagsterEvent) -> str:
    failure = event.step_failure_data.user_failure_data
    return failure.metadata["status"].value if failure and "status" in failure.metadata else "error"


def _explanation(event: dg.DagsterEvent) -> str:
    """Why a step failed: what it said, or the traceback of a bug."""
    data = event.step_failure_data
    if data.user_failure_data is not None:
        return data.user_failure_data.description
    trace = "\n".join(visible(line) for line in data.error.to_string().splitlines())
    return f"{event.step_key} failed with a bug:\n{trace}"
