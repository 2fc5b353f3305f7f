"""Writes docs/performance.md: what was measured, on what and when, and how to read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from benchmarks.measurement import Measurement
from benchmarks.table import as_markdown, table

READING = """\
A line is a value and, where it has one, what it is compared with: both were measured in the same run, in fresh
processes, and in turn where they were repeated. The ratio is the first over the second: under 1 is faster or less.
A limit is a bound on the ratio, or on the value where nothing stands beside it. A limit that is not kept is marked
**NO** and stays in the table; it is a figure, not a test, and does not change the exit status. What could not be
measured has a line that says why, and ends the command with status 1. What was left out for lack of time has a line
too, and `--minutes` gives more.

- **refresh**: `ogp-pipeline refresh` into an empty data folder. The floor is a Dagster job of the same assets and
  checks that computes nothing, on the same kind of disk storage, with the import of Great Expectations: a pipeline
  that shows as much in Dagster cannot be faster. In its own steps the pipeline groups many assets into one step, so
  its own floor is lower. The refresh does beside Dagster what the floor does not do at all: it builds the tables in a
  second thread ahead of their steps, and Great Expectations judges them in a process of its own. It also keeps the
  files of Dagster's history open, where Dagster opens and closes them for each event.
- **definitions**: what Dagster waits for before it shows or runs anything.
- **side by side**: the same two files by dbt and by a script. The dbt project is generated from the pipeline's own
  SQL and contracts (`benchmarks/dbt_models.py`); before a second is told, every table of it is compared row by row
  with the pipeline's. dbt starts from the raw tables that the refresh read and does less; the notes say what it does
  not do. The script (`benchmarks/pandas_script.py`) gives the cells of two figures and nothing else, and its cells
  are compared with the release.
- **analysts**: a question to the published file and to the CSV files of the same release, both read from the disk and
  not from memory; a benchmark of which the two answers differ fails.
- **growth**: the same pipeline on made-up releases of growing size.

Seconds of the clock depend on what else the machine does; processor time depends on it less. Ratios of one run may be
compared with those of another machine, seconds may not.
"""


def document(measurements: Sequence[Measurement], on: Mapping[str, str], at: datetime, command: str) -> str:
    """The whole document. `on` is what `machine()` told at the start, `command` what gives the table again."""
    return "\n".join([*_head(on, at, command), *_verdict(measurements), "", *as_markdown(table(measurements)), *_end()])


def _head(on: Mapping[str, str], at: datetime, command: str) -> Iterator[str]:
    yield "# Performance"
    yield ""
    yield f"Written by `{command}` on {at:%d %B %Y}. `make bench` prints the table anew."
    yield ""
    yield "| measured on | |"
    yield "| --- | --- |"
    yield from (f"| {name} | {words} |" for name, words in on.items())
    yield ""


def _verdict(measurements: Sequence[Measurement]) -> Iterator[str]:
    limited = [found for found in measurements if found.keeps_limit is not None]
    kept = sum(found.keeps_limit for found in limited)
    yield f"Of {len(limited)} limits {kept} are kept."
    left_out = sum(found.is_left_out for found in measurements)
    missing = sum(found.is_missing for found in measurements) - left_out
    if missing:
        yield f"{missing} lines could not be measured."
    if left_out:
        yield f"{left_out} lines were left out for lack of time."


def _end() -> Iterator[str]:
    yield ""
    yield "## How to read it"
    yield ""
    yield READING
