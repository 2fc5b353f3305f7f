"""The commands for analysts: `tables`, `describe`, `query` and `open` on the published release."""

from __future__ import annotations

import shutil
import signal
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ogp_pipeline.cli_options import data_dir_option, settings_of, settings_or_usage
from ogp_pipeline.errors import InputError, OgpError, OutputError

if TYPE_CHECKING:  # DuckDB takes longer to load than `--help` may last
    from ogp_pipeline.analysts import Answer, Column, Table

BAD_USE = 2
FORMATS = ("table", "csv", "json", "parquet")


@click.command()
@data_dir_option
@click.option("--all", "everything", is_flag=True, help="Also staging, quarantine and raw: the way from the files.")
def tables(data_dir: Path | None, everything: bool) -> None:
    """List the tables of the release: rows, what one row is, what they are for."""
    from ogp_pipeline.analysts import SYNTHETIC, WORKINGS, is_synthetic, open_release, public_tables

    with _told_in_words(), open_release(settings_of(data_dir)) as release:
        found = public_tables(release)
        shown = [table for table in found if everything or table.name.split(".")[0] not in WORKINGS]
        if is_synthetic(release):
            click.echo(SYNTHETIC + "\n")
        for table in shown:
            _echo_table(table)
        if len(shown) < len(found):
            click.echo(f"\n{len(found) - len(shown)} more in {', '.join(WORKINGS)}: ogp-pipeline tables --all")
        click.echo("Columns of one: ogp-pipeline describe TABLE")


@click.command()
@click.argument("table")
@data_dir_option
def describe(table: str, data_dir: Path | None) -> None:
    """Say what the columns of TABLE mean (`commitments` or `marts.commitments`): type, unit, codes."""
    from ogp_pipeline.analysts import SYNTHETIC, columns_of, find_table, is_synthetic, open_release, public_tables

    with _told_in_words(), open_release(settings_of(data_dir)) as release:
        found, others = find_table(public_tables(release), table)
        if is_synthetic(release):
            click.echo(SYNTHETIC + "\n")
        _echo_table(found)
        if found.source_rule:
            click.echo(_wrapped(f"Source: {found.source_rule}", "  "))
        if found.key_columns:
            click.echo(f"  Key: {found.key_columns}")
        if others:
            click.echo(f"  Also: {', '.join(other.name for other in others)}")
        for column in columns_of(release, found):
            _echo_column(column, known=found.source_rule)


@click.command()
@click.argument("sql")
@data_dir_option
@click.option("--format", "form", type=click.Choice(FORMATS), help="Default: by the ending of -o, else table.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="File to write; parquet needs it."
)
@click.option("--force", is_flag=True, help="Replace the file of -o if it is there already.")
@click.option(
    "--seconds", default=600.0, show_default=True, type=click.FloatRange(min=0.1), help="How long it may take."
)
def query(sql: str, data_dir: Path | None, form: str | None, output: Path | None, force: bool, seconds: float) -> None:
    """Answer SQL, or what standard input holds where SQL is `-`, from the release.

    The session is read only and reaches no file, server or extension. Of several statements the table shows each
    answer; csv, json and parquet take exactly one that gives rows, after any that give none.

    Exit status: 0 answered, 2 not.
    """
    from ogp_pipeline.analysts import SYNTHETIC, answers, is_synthetic, open_release
    from ogp_pipeline.query_limits import memory_held

    form = form or _form_of(output)
    settings = settings_or_usage(data_dir)
    if form == "parquet" and output is None:
        raise click.UsageError("parquet is no text: name a file with -o FILE.parquet")
    if output is not None and output.absolute().resolve().is_relative_to(settings.data_dir.resolve()):
        raise click.UsageError(f"{output} is inside the data folder, which releases are kept in: name another place")
    with _told_in_words(), memory_held(), open_release(settings) as release:
        if output is not None:
            _refuse_what_is_there(output, force)
        synthetic = is_synthetic(release)
        text = _standard_input() if sql == "-" else sql
        given = _stopped_by_ctrl_c(answers(release, text, seconds))
        if form == "table" and output is None:
            _show(given, synthetic)
            return
        if synthetic:
            click.echo(SYNTHETIC, err=True)
        _write(_only(given, form) if form != "table" else given, form, output)


@click.command("open")
@data_dir_option
def open_(data_dir: Path | None) -> None:
    """Print how to open the release, read only, in the DuckDB command line, Python, R and a BI tool."""
    from ogp_pipeline.analysts import SYNTHETIC, is_synthetic, open_release, ways_to_open

    settings = settings_or_usage(data_dir)
    with _told_in_words(), open_release(settings) as release:
        if is_synthetic(release):
            click.echo(SYNTHETIC + "\n")
        click.echo(ways_to_open(settings.database), nl=False)


@contextmanager
def _told_in_words() -> Iterator[None]:
    """An error a user can mend ends the command with its words and status 2."""
    try:
        yield
    except OgpError as error:
        click.echo(str(error), err=True)
        sys.exit(BAD_USE)
    except MemoryError:
        from ogp_pipeline.analysts import TOO_LARGE, QueryError

        click.echo(str(QueryError(TOO_LARGE)), err=True)
        sys.exit(BAD_USE)


def _refuse_what_is_there(output: Path, force: bool) -> None:
    """OutputError before anything is computed: a slip in a name must not cost a file."""
    if output.exists() and not output.is_file():
        raise OutputError(f"{output}: no ordinary file: name another one with -o")
    if (output.exists() or output.is_symlink()) and not force:
        raise OutputError(f"{output} is there already: name another file, or replace it with --force")


def _standard_input() -> str:
    """What it holds as UTF-8; other bytes become broken characters, which a query is refused for."""
    return sys.stdin.buffer.read().decode("utf-8-sig", "surrogateescape")


def _stopped_by_ctrl_c(given: Iterator[Answer]) -> Iterator[Answer]:
    """The answers; Ctrl-C ends the program at once while one is computed, when there is nothing to tidy up.

    DuckDB looks for it only now and then, and in some statements never.
    """
    while True:
        handler = signal.signal(signal.SIGINT, signal.SIG_DFL)
        try:
            answer = next(given, None)
        finally:
            signal.signal(signal.SIGINT, handler)
        if answer is None:
            return
        yield answer


def _form_of(output: Path | None) -> str:
    ending = output.suffix.lower().removeprefix(".") if output else ""
    if ending in FORMATS:
        return ending
    if ending not in ("", "txt", "md"):
        raise click.UsageError(f"{output}: no answer is written as .{ending}: use .csv, .json, .parquet or .txt")
    return "table"


def _show(given: Iterator[Answer], synthetic: bool) -> None:
    """Each answer as soon as it is there."""
    from ogp_pipeline.analysts import SYNTHETIC
    from ogp_pipeline.analysts_formats import as_table

    if synthetic:
        click.echo(SYNTHETIC)
    for place, answer in enumerate(given):
        click.echo(("\n" if place else "") + as_table(answer, for_terminal=sys.stdout.isatty()), nl=False)


def _only(given: Iterator[Answer], form: str) -> list[Answer]:
    """The one answer that a file of this form can hold."""
    found = list(given)
    if len(found) != 1:
        raise InputError(f"{form} holds the answer of one statement and {len(found)} give rows: ask one at a time")
    return found


def _write(given: Iterator[Answer] | list[Answer], form: str, output: Path | None) -> None:
    from ogp_pipeline.analysts_formats import as_csv, as_json, as_parquet, as_table
    from ogp_pipeline.store import write_atomically

    writers = {"table": lambda answer: as_table(answer, False), "csv": as_csv, "json": as_json, "parquet": as_parquet}
    found = list(given)
    parts = [writers[form](answer) for answer in found]
    content = b"\n".join(part if isinstance(part, bytes) else part.encode() for part in parts)
    if output is None:
        sys.stdout.buffer.write(_for_terminal(content) if sys.stdout.isatty() else content)
        return
    if not output.absolute().parent.is_dir():
        raise OutputError(f"{output}: there is no folder {output.absolute().parent}: make it, or name another file")
    try:
        write_atomically(output.absolute(), content)
    except OSError as error:
        raise OutputError(f"{output}: {error.strerror}: name another file with -o") from error
    rows = sum(len(answer.rows) for answer in found)
    click.echo(f"{output}: {rows:,} row{'s' * (rows != 1)}", err=True)


def _for_terminal(content: bytes) -> bytes:
    """What is exact in a file or a pipe is shown so that nothing in it commands a terminal; lines stay lines."""
    from ogp_pipeline.safe_text import visible

    return "\n".join(visible(line) for line in content.decode().split("\n")).encode()


def _echo_table(table: Table) -> None:
    click.echo(f"{table.name}  {table.rows:,} row{'s' * (table.rows != 1)}  {table.grain}")
    click.echo(_wrapped(table.description, "  "))
    if table.usage_warning:
        click.echo(_wrapped(f"Mind: {table.usage_warning}", "  "))


def _echo_column(column: Column, known: str | None) -> None:
    """One column; where its values come from only if it is not the rule of the table, which is `known`."""
    facts = [column.type]
    facts += [f"in {column.unit}"] if column.unit else []
    facts += ["key"] if column.is_key else []
    facts += ["never NULL"] if column.is_required and not column.is_key else []
    click.echo(f"\n{column.name}  {', '.join(facts)}")
    click.echo(_wrapped(column.description, "  "))
    if column.codes:
        click.echo(_wrapped(f"Codes: {' | '.join(code.strip() for code in column.codes.split('|'))}", "  "))
    if column.source_rule and column.source_rule != known:
        click.echo(_wrapped(f"Source: {column.source_rule}", "  "))


def _wrapped(text: str, indent: str) -> str:
    """Text broken to the width of the terminal."""
    width = max(40, min(shutil.get_terminal_size((100, 24)).columns, 120))
    return textwrap.fill(" ".join(text.split()), width, initial_indent=indent, subsequent_indent=indent + "  ")
