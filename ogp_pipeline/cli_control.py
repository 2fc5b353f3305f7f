"""The commands that keep releases in control: `releases`, `rollback`, `hold`, `unhold`, `rebuild` and `doctor`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ogp_pipeline.cli_options import data_dir_option, settings_of
from ogp_pipeline.errors import InputError, MachineError, OgpError, OutputError

if TYPE_CHECKING:  # DuckDB takes longer to load than `--help` may last
    from ogp_pipeline.control.rollback import RolledBack
    from ogp_pipeline.settings import Settings

REFUSED, BAD_USE = 1, 2
format_option = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="To read, or JSON."
)


@click.command()
@data_dir_option
@format_option
def releases(data_dir: Path | None, form: str) -> None:
    """List the kept releases: when, how much, of what, what changed, and which one is current.

    \b
    ogp-pipeline releases
    ogp-pipeline releases --format json

    `damaged` marks one that cannot be gone back to, `incomplete` one that lacks files beside its DuckDB file,
    `rolled back` one that somebody went back from. Exit status: 0.
    """
    from ogp_pipeline.control.kept import kept
    from ogp_pipeline.control.kept_formats import FORMATS

    with _told_in_words():
        settings = settings_of(data_dir)
        click.echo(FORMATS[form](settings, kept(settings)), nl=False)


@click.command()
@click.argument("release")
@data_dir_option
@click.option("--no-hold", is_flag=True, help="Set no hold: the next refresh may publish the same data again.")
@click.option("--reason", metavar="TEXT", help="Why; kept in data/journal.jsonl and shown with the hold.")
@click.option("--replace-release", is_flag=True, help="Let a sample replace a real release, or the reverse.")
def rollback(release: str, data_dir: Path | None, no_hold: bool, reason: str | None, replace_release: bool) -> None:
    """Make the kept release RELEASE the current one; `previous` is the one before the current.

    \b
    ogp-pipeline rollback previous --reason "the July file lost its locals"
    ogp-pipeline rollback 2026-11-24T033012.123456Z

    data/ogp.duckdb is replaced whole by a copy of that release, which is verified first; readers are not disturbed,
    and it works also where data/ogp.duckdb is damaged or missing. Where newer releases are gone back from, a hold is
    set, for the next refresh of the same data would publish them again: `ogp-pipeline unhold` when that is mended.

    Exit status: 0 it is current now, 1 refused (damaged, or another run is working), 2 no such release.
    """
    with _told_in_words():
        from ogp_pipeline.control.rollback import roll_back

        settings = settings_of(data_dir)
        done = roll_back(settings, release, not no_hold, replace_release, reason)
        click.echo("\n".join(_rollback_lines(settings, done)))


@click.command()
@data_dir_option
@click.option("--reason", metavar="TEXT", help="Why; shown wherever the hold is told of.")
def hold(data_dir: Path | None, reason: str | None) -> None:
    """Publish nothing until `unhold`: refreshes and the nightly build and check, and leave data/ogp.duckdb.

    \b
    ogp-pipeline hold --reason "the report is being printed from this release"

    A refresh that is already writing its release (its last seconds) is not stopped. Exit status: 0, 2 usage.
    """
    with _told_in_words():
        from ogp_pipeline.control.hold import set_hold
        from ogp_pipeline.release.current import current_release, why_none

        settings = settings_of(data_dir)
        current = current_release(settings)
        found, is_new = set_hold(settings, reason, current.release_id if current else None)
        click.echo(found.sentence() + ("." if is_new else " (it stood before)."))
        click.echo(f"{settings.database} stays {current.release_id}" if current else why_none(settings))


@click.command()
@data_dir_option
def unhold(data_dir: Path | None) -> None:
    """Let refreshes publish again, and say what would be published next. Exit status: 0, also without a hold."""
    with _told_in_words():
        from ogp_pipeline.control.hold import lift_hold, waiting_lines
        from ogp_pipeline.release.record import last_run
        from ogp_pipeline.safe_text import visible

        settings = settings_of(data_dir)
        before = lift_hold(settings)
        if before is None:
            click.echo("There was no hold.")
        else:
            since = f" of {before.since}" if before.since else ""
            click.echo(f"The hold{since} is lifted ({visible(before.reason)}).")
        next_lines = waiting_lines(settings)
        click.echo("\n".join(next_lines) or "No refresh under the hold built anything else than what is current.")
        run = last_run(settings)
        if run.get("status") in ("refused", "bad_input", "machine", "error"):
            click.echo(f"The last run failed, so the next may too: see {settings.last_run}")
        elif next_lines:
            click.echo("`ogp-pipeline refresh`, or the next night, publishes what the sources hold then.")


@click.command()
@click.argument("release")
@data_dir_option
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    help="A new data folder that gets the tables and a release of them; default: compare, and keep nothing.",
)
@format_option
def rebuild(release: str, data_dir: Path | None, into: Path | None, form: str) -> None:
    """Build the kept release RELEASE again from the snapshots of its files, and compare every table.

    \b
    ogp-pipeline rebuild 2026-11-24T033012.123456Z
    ogp-pipeline rebuild previous --into /tmp/rebuilt

    The data folder is only read. With --into the tables stay there, with a release of them to open.
    Exit status: 0 identical, 1 something differs, 2 it cannot be built (no such release, a snapshot is gone).
    """
    from ogp_pipeline.control.rebuild import FORMATS, rebuild_release
    from ogp_pipeline.models import load_catalog

    with _told_in_words():
        found = rebuild_release(settings_of(data_dir), load_catalog(), release, into)
        click.echo(FORMATS[form](found), nl=False)
        sys.exit(0 if found.is_identical else REFUSED)


@click.command()
@data_dir_option
@format_option
def doctor(data_dir: Path | None, form: str) -> None:
    """Say whether the nightly can run and the releases are whole: each line ok, warn or fail, and what to do.

    \b
    ogp-pipeline doctor
    ogp-pipeline doctor --format json

    Nothing is changed. Exit status: 0 nothing fails, 1 something does.
    """
    from ogp_pipeline.control.doctor import FORMATS, examine

    lines = examine(lambda: settings_of(data_dir))
    click.echo(FORMATS[form](lines), nl=False)
    sys.exit(REFUSED if any(line.state == "fail" for line in lines) else 0)


def _rollback_lines(settings: Settings, done: RolledBack) -> list[str]:
    """What a rollback did, in words."""
    if done.is_changed:
        before = f"; it was {done.before}" if done.before else "; before it could not be read"
        lines = [f"{settings.database} is the release {done.release_id} now{before}."]
    else:
        lines = [f"{settings.database} is the release {done.release_id} already; the file was left as it is."]
    if done.undone:
        lines.append(f"Rolled back: {', '.join(done.undone)} (still kept).")
    if done.sources:
        lines.append(f"Refreshes read the sources of that release from now on: {', '.join(done.sources)}.")
    if done.hold:
        lines.append(done.hold.sentence() + ("." if done.is_new_hold else " (it stood before)."))
    elif done.undone:
        lines.append("No hold was set: the next refresh of the same data publishes them again.")
    if done.flaw:
        lines.append(f"Beside its DuckDB file the release is not whole: {done.flaw}.")
    return lines


@contextmanager
def _told_in_words() -> Iterator[None]:
    """An error a user can mend ends the command with its words and status."""
    try:
        yield
    except (InputError, OutputError, MachineError) as error:
        click.echo(str(error), err=True)
        sys.exit(BAD_USE)
    except OgpError as error:
        click.echo(str(error), err=True)
        sys.exit(REFUSED)
    except OSError as error:
        place = error.filename or "a file"
        click.echo(f"{place}: {error.strerror}: see `ogp-pipeline doctor`; nothing was half done", err=True)
        sys.exit(REFUSED)
