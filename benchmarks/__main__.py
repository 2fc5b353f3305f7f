"""Runs the benchmarks and prints one table: python -m benchmarks [--quick] [NAME ...] [-o docs/performance.md]."""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from benchmarks.document import document
from benchmarks.inputs import clear_workplace
from benchmarks.machine import machine
from benchmarks.measurement import Measurement, missing
from benchmarks.processes import tell
from benchmarks.table import as_text, table

# modules of this package with measure(quick: bool) -> list[Measurement], in the order of the table
BENCHMARKS = ("refresh", "definitions", "side_by_side", "analysts", "growth")


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(BENCHMARKS))
@click.option("--quick", is_flag=True, help="Repeat less often, for a look of a few minutes.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Also write the table with its machine and date as Markdown, for example docs/performance.md.",
)
def main(names: Sequence[str], quick: bool, output: Path | None) -> None:
    """Run the benchmarks named, or all of them.

    A limit that is not kept is marked and no failure; a benchmark that cannot be measured ends with status 1, after the
    others.
    """
    at, on = datetime.now(UTC), machine()
    found = measured(names or BENCHMARKS, quick)
    for line in as_text(table(found)):
        click.echo(line)
    if output:
        command = " ".join(["python -m benchmarks", *(["--quick"] if quick else []), *names, f"-o {output}"])
        output.write_text(document(found, on, at, command), encoding="utf-8")
    sys.exit(any(line.is_missing for line in found))


def measured(names: Iterable[str], quick: bool) -> list[Measurement]:
    """What the benchmarks found, one after the other; one that fails is a line that says so."""
    found: list[Measurement] = []
    try:
        for name in names:
            tell(name)
            found += _measured(name, quick)
    finally:
        clear_workplace()
    return found


def _measured(name: str, quick: bool) -> list[Measurement]:
    try:
        return importlib.import_module(f"benchmarks.{name}").measure(quick)
    except Exception as error:  # whatever broke this one, the others are still to be measured
        tell(traceback.format_exc())
        return [missing(name.replace("_", " "), "failed", f"{type(error).__name__}: {error}")]


if __name__ == "__main__":
    main()
