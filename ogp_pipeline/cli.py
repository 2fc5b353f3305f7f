"""The command line: `ogp-pipeline refresh` runs the job of the user interface and says what came out."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import click

from ogp_pipeline.cli_analysts import describe, open_, query, tables
from ogp_pipeline.cli_control import doctor, hold, rebuild, releases, rollback, unhold
from ogp_pipeline.cli_options import data_dir_option, settings_of, settings_or_usage
from ogp_pipeline.errors import InputError, MachineError, OgpError, OutputError
from ogp_pipeline.running import BAD_INPUT, REFUSED, dagster_home, run_fetch, run_refresh
from ogp_pipeline.settings import DownloadRules, project_file


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ogp-pipeline")
def main() -> None:
    """The reproducible engine behind the OGP Vital Signs."""


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
        settings = settings_of(data_dir, sources)
        settings = replace(settings, downloads=DownloadRules(offline=offline, show_progress=True))
        if len(accept) != len(reason) or not all(text.strip() for text in reason):
            raise InputError("give one --reason TEXT for each --accept CHECK")
        sys.exit(run_refresh(settings, dict(zip(accept, reason, strict=True)), replace_release))
    except (InputError, MachineError) as error:
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
        settings = replace(settings_of(data_dir), downloads=DownloadRules(show_progress=True))
        sys.exit(run_fetch(settings))
    except (InputError, MachineError) as error:
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
    settings = settings_or_usage(data_dir)
    os.environ["DAGSTER_HOME"] = str(dagster_home(settings))
    os.environ["OGP_DATA_DIR"] = str(settings.data_dir)
    program = str(Path(sys.executable).with_name("dagster"))
    workspace = str(project_file("workspace.yaml"))
    os.execv(program, [program, "dev", "-w", workspace, "-h", "127.0.0.1", "-p", str(port)])


@main.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--seed", default=2016, show_default=True)
@click.option("--members", default=36, show_default=True)
@click.option("--commitments", default=900, show_default=True, help="To 2015; later plans stay few.")
@click.option(
    "--size",
    type=int,
    help="Grow the sample to this many commitments, 2,000 to 1,000,000, by further members' plans after 2016.",
)
def sample(folder: Path, seed: int, members: int, commitments: int, size: int | None) -> None:
    """Write the SYNTHETIC sample, files of a fictional partnership in the official layouts, into FOLDER."""
    from ogp_pipeline.sample import USUAL_COMMITMENTS, USUAL_MEMBERS, write_grown_sample, write_sample

    try:
        if size is None:
            write_sample(folder, seed=seed, members=members, commitments=commitments)
        elif (members, commitments) != (USUAL_MEMBERS, USUAL_COMMITMENTS):
            raise click.UsageError("--size grows the usual sample: leave --members and --commitments out")
        else:
            write_grown_sample(folder, size, seed=seed)
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
    from ogp_pipeline.release.current import current_release, why_none

    settings = settings_or_usage(data_dir)
    if not current_release(settings):
        raise click.UsageError(why_none(settings))
    from ogp_pipeline.report.pictures import write_pictures

    for path in write_pictures(settings.database, output):
        click.echo(path)


@main.command()
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="File to write; default: print it."
)
def dictionary(output: Path | None) -> None:
    """Write the data dictionary, every public table and column, as Markdown."""
    from ogp_pipeline.dictionary import markdown
    from ogp_pipeline.models import load_catalog
    from ogp_pipeline.store import write_atomically

    text = markdown(load_catalog())
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        write_atomically(output, text.encode())
    except OSError as error:
        click.echo(f"{output} cannot be written: {error.strerror}: name a file in a folder of yours", err=True)
        sys.exit(BAD_INPUT)
    click.echo(output)


@main.command()
@data_dir_option
@click.option("--since", metavar="RELEASE", help="Compare with this kept release instead of the one before.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "csv"]),
    default="text",
    show_default=True,
    help="Text to read, or every change as json or csv.",
)
def changes(data_dir: Path | None, since: str | None, form: str) -> None:
    """Say what the current release has otherwise than the one before it, and why.

    Exit status: 0, also where nothing changed; 2 usage, for example a release that is not kept.
    """
    from ogp_pipeline.models import load_catalog
    from ogp_pipeline.release.change_list import FORMATS, list_changes

    try:
        found = list_changes(settings_of(data_dir), load_catalog(), since)
    except InputError as error:
        click.echo(str(error), err=True)
        sys.exit(BAD_INPUT)
    click.echo(FORMATS[form](found), nl=False)


for _command in (tables, describe, query, open_, releases, rollback, hold, unhold, rebuild, doctor):
    main.add_command(_command)
