"""Figures 4.3, 4.5 and 4.9 as a release holds them: cells, sentences, text bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from ogp_pipeline.release.current import attach
from ogp_pipeline.store import connect

BAR_WIDTH = 30
WORDS = {
    "4.3": "moderate or transformative potential impact",
    "4.5": "complete at the latest assessment",
    "4.9": "major or outstanding changes in government practice",
}
CAVEATS = (
    "A level is associated with an outcome; nothing here shows a cause.",
    "The same reviewers code influence and outcomes.",
    "Unclear, withdrawn and unassessed commitments are outside the denominator.",
    "Few plans stand behind each level; under 3 the share is suppressed, under 5 no interval is given.",
)


def figure_cells(database: Path) -> dict[str, list[dict[str, Any]]]:
    """The default cells of each figure in a release, in the order of the levels."""
    with connect() as connection:
        attach(connection, database, "release")
        cursor = connection.execute(
            "select * from release.metrics.vital_signs where is_default order by figure, level_rank"
        )
        names = [column[0] for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return {figure: list(cells) for figure, cells in groupby(rows, key=lambda row: row["figure"])}


def figure_title(cells: Sequence[Mapping[str, Any]]) -> str:
    """What the data of a figure are, in words: definition, stage, share of it mid-term, years of the plans."""
    first = cells[0]
    stage = "throughout (lowest of the two stages)" if first["stage"] == "throughout" else f"during {first['stage']}"
    years = [year for cell in cells for year in (cell["first_year"], cell["last_year"]) if year]
    title = f"Figure {first['figure']}: {WORDS[first['figure']]}, by level of public influence {stage}"
    if not years:
        return f"{title}; no assessed commitments"
    total = sum(cell["commitments"] for cell in cells)
    if first["commitments_progress"] is not None:
        title += f"; {sum(cell['commitments_progress'] for cell in cells) / total:.0%} of it mid-term"
    span = f"{min(years)}-{max(years)}" if min(years) != max(years) else str(min(years))
    return f"{title}; plans of {span}"


def share_assessed_words(cells: Sequence[Mapping[str, Any]]) -> str:
    """Which share of the commitments of the plans in a figure was assessed on its outcome, in words."""
    total = sum(cell["commitments_at_level"] for cell in cells)
    if not total:
        return "No plan has an assessed level of public influence at this stage."
    return (
        f"Assessed on this outcome: {sum(cell['commitments'] for cell in cells) / total:.0%} of {total:,} commitments."
    )


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
    for cells in figure_cells(database).values():
        lines.append(figure_title(cells))
        for cell in cells:
            share = cell["pooled_share"]
            bar = "" if share is None else "█" * round(share * BAR_WIDTH)
            counts = (
                f"{cell['plans']} plan{'s' * (cell['plans'] != 1)}, {cell['hits']}/{cell['commitments']} commitments"
            )
            lines.append(f"  {cell['level']:<16} {bar:<{BAR_WIDTH}} {cell_words(cell)}; {counts}")
        lines.append(f"  {share_assessed_words(cells)}")
        lines.append("")
    return "\n".join([*lines, *(f"  {caveat}" for caveat in CAVEATS)])


def figure_tables(database: Path) -> str:
    """The three figures as Markdown tables."""
    blocks = []
    for cells in figure_cells(database).values():
        rows = [f"| {c['level']} | {cell_words(c)} | {c['plans']} | {c['hits']} / {c['commitments']} |" for c in cells]
        head = "| level | share | plans | hits / commitments |\n|---|---|---|---|"
        blocks.append("\n".join([f"**{figure_title(cells)}**", "", head, *rows]))
    return "\n\n".join(blocks)
