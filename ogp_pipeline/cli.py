"""The command line: `ogp-pipeline refresh` runs the job of the user interface and says what came out."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import click

from ogp_pipeline.errors import InputError, OgpError, OutputError
from ogp_pipeline.locking import only_writer
from ogp_pipeline.settings import DownloadRules, Settings, project_file, split_sources

if TYPE_CHECKING:
    import dagster as dg

PUBLISHED, REFUSED, BAD_INPUT, BUG = 0, 1, 2, 3
EXIT_STATUS = {"refused": REFUSED, "bad_input": BAD_INPUT}
LOCATION = "ogp_pipeline"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ogp-pipeline")
def main() -> None:
    """The reproducible engine behind the OGP Vital Signs."""


data_dir_option = click.option(
    "--data-dir", type=click.Path(path_type=Path, file_okay=False), help="Data folder; default OGP_DATA_DIR or ./data."
)


@main.command()
@data_dir_option
@click.option(
    "--sources",
    help="`sample`, or a comma-separated list of `official` and folders; default: what the data folder remembers.",
)
@click.option("--offline", is_flag=True, help="Use the official files that were downloaded before; ask no server.")
@click.option(
    "--accept", multiple=True, metavar="CHECK", help="Let this failed critical check through (with --reason)."
)
@click.option("--reason", multiple=True, metavar="TEXT", help="Why; one for each --accept. Kept in meta.releases.")
@click.option("--replace-release", is_flag=True, help="Let a sample replace a real release, or the reverse.")
def refresh(
    data_dir: Path | None,
    sources: str | None,
    offline: bool,
    accept: tuple[str, ...],
    reason: tuple[str, ...],
    replace_release: bool,
) -> None:
    """Read the sources, rebuild and check every table, and publish data/ogp.duckdb.

    Exit status: 0 published or unchanged, 1 refused by the gate, 2 bad input or usage, 3 a bug.
    """
    try:
        settings = _settings(data_dir, sources)
        settings = replace(settings, downloads=DownloadRules(offline=offline, show_progress=True))
        if len(accept) != len(reason) or not all(text.strip() for text in reason):
            raise InputError("give one --reason TEXT for each --accept CHECK")
        sys.exit(_refresh(settings, dict(zip(accept, reason, strict=True)), replace_release))
    except InputError as error:
        click.echo(str(error), err=True)
        sys.exit(BAD_INPUT)
    except OgpError as error:
        click.echo(str(error), err=True)
        sys.exit(REFUSED)


@main.command()
@data_dir_option
def fetch(data_dir: Path | None) -> None:
    """Download the official files; what is kept stays in use where a download fails.

    Exit status: 0 every file is new or unchanged, 1 some failed, 2 no commitments can be used, 3 a bug.
    """
    try:
        settings = replace(_settings(data_dir, None), downloads=DownloadRules(show_progress=True))
        sys.exit(_fetch(settings))
    except InputError as error:
        click.echo(str(error), err=True)
        sys.exit(BAD_INPUT)
    except OgpError as error:
        click.echo(str(error), err=True)
        sys.exit(REFUSED)


@main.command()
@data_dir_option
@click.option("--port", default=3000, show_default=True, help="Port on 127.0.0.1.")
def ui(data_dir: Path | None, port: int) -> None:
    """Open Dagster's user interface with the nightly schedule running."""
    settings = _settings(data_dir, None)
    os.environ["DAGSTER_HOME"] = str(dagster_home(settings))
    os.environ["OGP_DATA_DIR"] = str(settings.data_dir)
    program = str(Path(sys.executable).with_name("dagster"))
    workspace = str(project_file("workspace.yaml"))
    os.execv(program, [program, "dev", "-w", workspace, "-h", "127.0.0.1", "-p", str(port)])


@main.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--seed", default=2016, show_default=True)
@click.option("--members", default=36, show_default=True)
@click.option("--commitments", default=900, show_default=True)
def sample(folder: Path, seed: int, members: int, commitments: int) -> None:
    """Write the SYNTHETIC sample, files of a fictional partnership in the official layouts, into FOLDER."""
    from ogp_pipeline.sample import write_sample

    try:
        write_sample(folder, seed=seed, members=members, commitments=commitments)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    click.echo(f"SYNTHETIC sample written to {folder}")


@main.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path, exists=True))
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "csv", "json"]),
    default="text",
    show_default=True,
    help="Text to read, or one line (csv) or object (json) for each finding.",
)
def validate(files: tuple[Path, ...], form: str) -> None:
    """Say what the pipeline would do with files or folders, before they are sent or loaded.

    Files given together are looked at together: a member list among them serves the others. Nothing is stored.

    Exit status: 0 nothing would be refused, 1 a file or a row would be, 2 usage, for example no such file.
    """
    from ogp_pipeline.validation import validate_files
    from ogp_pipeline.validation_formats import FORMATS

    report = validate_files(files)
    if not report.files:
        raise click.UsageError("there is no file in what was named: name a file, or a folder that holds some")
    click.echo(FORMATS[form](report), nl=False)
    sys.exit(REFUSED if report.is_anything_refused else 0)


@main.command()
@click.argument("name")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="File to write: .xlsx, or .csv (one file per sheet, named after it, where the form has several).",
)
@click.option("--force", is_flag=True, help="Replace files that are there already.")
def template(name: str, output: Path, force: bool) -> None:
    """Write the empty form NAME that a monitoring body, a government or an analyst fills in.

    NAME is local-monitoring, irm-report, self-assessment, eligibility or engagement.
    """
    from ogp_pipeline.models import load_catalog
    from ogp_pipeline.templates import templates, write_template

    known = templates(load_catalog())
    if name not in known:
        raise click.UsageError(f"there is no template {name}: give one of {', '.join(known)}")
    try:
        written = write_template(known[name], output, replace=force)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    except OutputError as error:
        click.echo(str(error), err=True)
        sys.exit(BAD_INPUT)
    for path, sheets in written:
        click.echo(f"{path}: {', '.join(sheet.title for sheet in sheets)}")
    click.echo(f"Fill in and check: ogp-pipeline validate {' '.join(str(path) for path, _ in written)}")
    if output.suffix.lower() == ".csv":
        click.echo(f"What the columns mean: ogp-pipeline template {name} -o FILE.xlsx, sheet Instructions")


@main.command()
@data_dir_option
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder for the files.")
def figures(data_dir: Path | None, output: Path) -> None:
    """Draw figures 4.3, 4.5 and 4.9 of the current release as SVG and PNG."""
    settings = _settings(data_dir, None)
    if not settings.database.exists():
        raise click.UsageError(f"there is no release in {settings.data_dir}: run `ogp-pipeline refresh` first")
    from ogp_pipeline.release.pictures import write_pictures

    for path in write_pictures(settings.database, output):
        click.echo(path)


def _settings(data_dir: Path | None, sources: str | None) -> Settings:
    settings = Settings.from_environment()
    if data_dir is not None:
        settings = replace(settings, data_dir=data_dir.expanduser().absolute())
    if sources is not None:
        settings = replace(settings, sources=split_sources(sources))
    return settings


def dagster_home(settings: Settings) -> Path:
    """DAGSTER_HOME where it is set, else a folder of the data folder; with the project's `dagster.yaml` in it."""
    home = Path(os.environ.get("DAGSTER_HOME") or settings.data_dir / "dagster").absolute()
    home.mkdir(parents=True, exist_ok=True)
    # a home of ours follows the project's file; one that was set by hand is only given it where it has none
    if not os.environ.get("DAGSTER_HOME") or not (home / "dagster.yaml").exists():
        shutil.copyfile(project_file("dagster.yaml"), home / "dagster.yaml")
    return home


def _fetch(settings: Settings) -> int:
    """Download the official files, print one line for each, and return the exit status."""
    from ogp_pipeline.models import load_catalog
    from ogp_pipeline.sources.fetching import fetch
    from ogp_pipeline.sources.folders import COMMITMENT_LAYOUTS
    from ogp_pipeline.sources.layouts import layouts

    outcomes = fetch(settings, layouts(load_catalog()))
    for outcome in outcomes:
        click.echo(outcome.sentence(), err=not outcome.is_good)
    if not any(each.download.sha256 for each in outcomes if each.official.layout in COMMITMENT_LAYOUTS):
        click.echo("There are no commitments to use: mend what the lines above name and fetch again.", err=True)
        return BAD_INPUT
    return PUBLISHED if all(outcome.is_good for outcome in outcomes) else REFUSED


def _refresh(settings: Settings, accept: Mapping[str, str], replace_release: bool) -> int:
    """Run the job, print one line per asset and the summary, and return the exit status."""
    os.environ["DAGSTER_HOME"] = str(dagster_home(settings))
    import dagster as dg

    from ogp_pipeline.definitions import build_defs
    from ogp_pipeline.models import load_catalog
    from ogp_pipeline.release.audit import check_names_exist
    from ogp_pipeline.schedules import JOB_NAME
    from ogp_pipeline.summary import input_summary, release_summary

    catalog = load_catalog()
    check_names_exist(accept, catalog)
    run_id = str(uuid4())
    progress = Progress()
    with only_writer(settings.data_dir), dg.DagsterInstance.get() as instance:
        instance.add_event_listener(run_id, progress)
        result = (
            build_defs(settings)
            .resolve_job_def(JOB_NAME)
            .execute_in_process(
                instance=instance,
                run_id=run_id,
                raise_on_error=False,
                # with this tag the run stands on the page of the job in the user interface
                tags={".dagster/repository": f"__repository__@{LOCATION}"},
                run_config={
                    "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
                    "resources": {"options": {"config": {"accept": dict(accept), "replace_release": replace_release}}},
                },
            )
        )
    failures = [event for event in result.all_events if event.is_step_failure]
    if "meta.sources" in progress.done:
        click.echo("\n" + input_summary(settings, catalog))
        click.echo("\n" + _check_summary(result.get_asset_check_evaluations()))
    if result.success:
        click.echo("\n" + release_summary(settings))
        return PUBLISHED
    for event in failures:
        click.echo("\n" + _explanation(event), err=True)
    kept = "The last release stays." if settings.database.exists() else "There is no release yet."
    click.echo(f"{kept} Reasons: {settings.last_run}", err=True)
    return max((EXIT_STATUS.get(_status_of(event), BUG) for event in failures), default=BUG)


class Progress:
    """Prints one line per asset when its step ends: rows, checks, seconds."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, int]] = defaultdict(dict)
        self.checks: dict[str, list[tuple[bool, Any]]] = defaultdict(list)
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
            self.rows[step][_name(materialization.asset_key)] = rows.value if rows else None
        elif kind == "ASSET_CHECK_EVALUATION":
            evaluation = event.asset_check_evaluation_data
            self.checks[_name(evaluation.asset_key)].append((evaluation.passed, evaluation.severity.value))
        elif kind == "STEP_SUCCESS":
            seconds = time.monotonic() - self.started[step]
            for name, rows in self.rows[step].items():
                self.done.add(name)
                counted = "" if rows is None else f"{rows:,} rows"
                click.echo(f"  {name:<46} {counted:>14}  {self._checks(name)}{seconds:6.1f} s")
                seconds = 0.0
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
        lines += [f"  {word}  {evaluation.description}" for evaluation in found]
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
    return f"{event.step_key} failed with a bug:\n{data.error.to_string()}"
