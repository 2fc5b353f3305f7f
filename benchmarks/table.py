"""The measurements as one table: aligned text for the terminal, and Markdown for the document."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.measurement import Measurement

HEADERS = ("group", "what", "value", "compared with", "ratio", "limit", "kept", "note")
RIGHT = {"value", "ratio", "limit"}  # columns of numbers
DECIMALS = {"s": 2, "ms": 1, "MiB": 0}
OTHER_DECIMALS = 1
NOT_MEASURED = "not measured"
LEFT_OUT = "left out"


@dataclass(frozen=True)
class Table:
    """Rows of cells as HEADERS names them, and the notes by the number that stands in the last cell."""

    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]


def table(measurements: Iterable[Measurement]) -> Table:
    """Every measurement as a row; lines with the same note share its number."""
    notes: dict[str, int] = {}
    rows = tuple(_row(found, notes) for found in measurements)
    return Table(rows, tuple(notes))


def _row(found: Measurement, notes: dict[str, int]) -> tuple[str, ...]:
    beside = found.compared_with or ""
    if found.compared is not None:
        beside += f": {amount(found.compared, found.unit)}"
    return (
        found.group,
        found.what,
        LEFT_OUT if found.is_left_out else amount(found.value, found.unit),
        beside,
        "" if found.ratio is None else f"{found.ratio:.2f}",
        "" if found.limit is None else _limit(found),
        {True: "yes", False: "NO", None: ""}[found.keeps_limit],
        str(notes.setdefault(found.note, len(notes) + 1)) if found.note else "",
    )


def amount(value: float, unit: str) -> str:
    """A value with its unit; one that is no number was not measured."""
    if math.isnan(value):
        return NOT_MEASURED
    return f"{value:,.{DECIMALS.get(unit, OTHER_DECIMALS)}f} {unit}"


def _limit(found: Measurement) -> str:
    """A limit of a ratio is a number alone, one of a value has its unit."""
    return f"{found.limit:g}" if found.compared else f"{found.limit:g} {found.unit}"


def as_text(shown: Table) -> Iterator[str]:
    """Lines for a terminal, columns aligned, the notes below."""
    lines = [HEADERS, *shown.rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADERS))]
    for line in lines:
        yield _aligned(line, widths)
    if shown.notes:
        yield ""
    yield from (f"{number:>2}  {note}" for number, note in enumerate(shown.notes, start=1))


def _aligned(line: Sequence[str], widths: Sequence[int]) -> str:
    padded = (
        cell.rjust(width) if name in RIGHT else cell.ljust(width)
        for name, cell, width in zip(HEADERS, line, widths, strict=True)
    )
    return "  ".join(padded).rstrip()


def as_markdown(shown: Table) -> Iterator[str]:
    """Lines of a document: the table, and its notes as a numbered list."""
    yield _piped(HEADERS)
    yield _piped("---:" if name in RIGHT else "---" for name in HEADERS)
    yield from (_piped(line) for line in shown.rows)
    if shown.notes:
        yield ""
    yield from (f"{number}. {_one_line(note)}" for number, note in enumerate(shown.notes, start=1))


def _piped(cells: Iterable[str]) -> str:
    return f"| {' | '.join(_one_line(cell) for cell in cells)} |"


def _one_line(text: str) -> str:
    """Text that neither ends the cell nor the line."""
    return " ".join(text.split()).replace("|", r"\|")
