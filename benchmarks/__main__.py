"""Runs the benchmarks and prints one table: python -m benchmarks [--minutes N] [NAME ...] [-o docs/performance.md]."""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from benchmarks.document import document
from benchmarks.effort import REPEATED_FROM, Effort
from benchmarks.inputs import clear_workplace
from benchmarks.machine import machine
from benchmarks.measurement import Measurement, missing
from benchmarks.processes import tell
from benchmarks.table import as_text, table

# modules of this package with measure(effort: Effort) -> list[Measurement], in the order of the table
BENCHMARKS = ("refresh", "definitions", "side_by_side", "analysts", "growth")


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(BENCHMARKS))
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    default=Effort.minutes,
    show_default=True,
    help="How long all of it may take: growth leaves out what would take longer, and says so. "
    f"From {REPEATED_FROM} on everything is repeated.",
)
@click.option("--quick", is_flag=True, help="Smaller sizes and nothing repeated, for a look of a few minutes.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Also write the table with its machine and date as Markdown, for example docs/performance.md.",
)
def main(names: Sequence[str], minutes: float, quick: bool, output: Path | None) -> None:
    """Run the benchmarks named, or all of them.

    What was found is told as it is found, and all of it at the end. A limit that is not kept is marked and no failure,
    nor is what was left out for lack of time; a benchmark that cannot be measured ends with status 1, after the others.
    """
    at, on = datetime.now(UTC), machine()
    found = measured(names or BENCHMARKS, Effort(minutes, quick))
    for line in as_text(table(found)):
        click.echo(line)
    if output:
        asked = ["--quick"] if quick else [] if minutes == Effort.minutes else [f"--minutes {minutes:g}"]
        command = " ".join(["python -m benchmarks", *asked, *names, f"-o {output}"])
        output.write_text(document(found, on, at, command), encoding="utf-8")
    sys.exit(any(line.is_missing and not line.is_left_out for line in found))


def measured(names: Iterable[str], effort: Effort) -> list[Measurement]:
    """What the benchmarks found, one after the other; one that fails is a line that says so."""
    found: list[Measurement] = []
    try:
        for name in names:
            tell(name)
            found += (lines := _measured(name, effort))
            for line in as_text(table(lines)):
                tell(line)
    finally:
        clear_workplace()
    return found


def _measured(name: str, effort: Effort) -> list[Measurement]:
    try:
        return importlib.import_module(f"benchmarks.{name}").measure(effort)
    except Exception as error:  # whatever broke this one, the others are still to be measured
        tell(traceback.format_exc())
        return [missing(name.replace("_", " "), "failed", f"{type(error).__name__}: {error}")]


if __name__ == "__main__":
    main()
