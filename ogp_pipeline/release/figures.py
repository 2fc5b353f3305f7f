"""Figures 4.3, 4.5 and 4.9 as a release holds them: cells, sentences, text bars."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from ogp_pipeline.errors import InputError
from ogp_pipeline.release.current import attach
from ogp_pipeline.store import connect

BAR_WIDTH = 30
NOTE_WIDTH = 110
CAVEATS = (
    "A level is associated with an outcome; nothing here shows a cause.",
    "The same reviewers code influence and outcomes.",
    "Unclear, withdrawn and unassessed commitments are outside the denominator.",
    "Few plans stand behind each level; under 3 the share is suppressed, under 5 no interval is given.",
)


@dataclass(frozen=True)
class Figure:
    """One figure: its words, a row of metrics.figures, and its default cells in the order of the levels."""

    words: Mapping[str, Any]
    cells: Sequence[Mapping[str, Any]]

    @property
    def name(self) -> str:
        """`4.3`."""
        return self.words["figure"]

    @property
    def title(self) -> str:
        """What the data of the figure are."""
        return self.words["title"]

    @property
    def notes(self) -> tuple[str, ...]:
        """What is assessed, what the figure says, and what would fill it."""
        missing = self.words["missing_input"]
        lines = (self.words["subtitle"], self.words["sentence"], missing and f"Missing: {missing}.")
        return tuple(line for line in lines if line)


def read_figures(database: Path) -> list[Figure]:
    """The figures of a release, by number. InputError where an older version of the project made the release."""
    with connect() as connection:
        attach(connection, database, "release")
        try:
            words = _rows(connection, "select * from release.metrics.figures order by figure")
        except duckdb.CatalogException as error:
            raise InputError(
                f"{database}: it has no metrics.figures, for an older version made it: run `ogp-pipeline refresh`"
            ) from error
        cells = _rows(connection, "select * from release.metrics.vital_signs where is_default order by level_rank")
    return [Figure(row, [cell for cell in cells if cell["figure"] == row["figure"]]) for row in words]


def _rows(connection: duckdb.DuckDBPyConnection, select: str) -> list[dict[str, Any]]:
    cursor = connection.execute(select)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def cell_words(cell: Mapping[str, Any]) -> str:
    """One cell in words: share and interval, or why there is none."""
    if cell["plans"] == 0:
        return "no assessed commitments"
    if cell["is_suppressed"]:
        return "suppressed: fewer than 3 plans"
    share = f"{cell['pooled_share']:.1%}"
    if cell["interval_status"] == "shown":
        return f"{share} [{cell['ci_low']:.1%}, {cell['ci_high']:.1%}]"
    return (
        share
        + {
            "too_few_plans": " (no interval: fewer than 5 plans)",
            "no_variation": " (no interval: no variation)",
        }[cell["interval_status"]]
    )


def text_bars(database: Path) -> str:
    """The three figures as small text bars with n and what is suppressed."""
    lines = []
    for figure in read_figures(database):
        lines.append(figure.title)
        for cell in figure.cells:
            share = cell["pooled_share"]
            bar = "" if share is None else "█" * round(share * BAR_WIDTH)
            counts = (
                f"{cell['plans']} plan{'s' * (cell['plans'] != 1)}, {cell['hits']}/{cell['commitments']} commitments"
            )
            lines.append(f"  {cell['level']:<16} {bar:<{BAR_WIDTH}} {cell_words(cell)}; {counts}")
        lines += [f"  {line}" for note in figure.notes for line in textwrap.wrap(note, NOTE_WIDTH)]
        lines.append("")
    return "\n".join([*lines, *(f"  {caveat}" for caveat in CAVEATS)])


def figure_tables(database: Path) -> str:
    """The three figures as Markdown tables."""
    blocks = []
    for figure in read_figures(database):
        rows = [
            f"| {c['level']} | {cell_words(c)} | {c['plans']} | {c['hits']} / {c['commitments']} |"
            for c in figure.cells
        ]
        head = "| level | share | plans | hits / commitments |\n|---|---|---|---|"
        blocks.append("\n".join([f"**{figure.title}**", "", head, *rows, "", *figure.notes]))
    return "\n\n".join(blocks)
