"""Figures 4.3, 4.5 and 4.9 of a release as pictures that say what they show and how sure one can be."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ogp_pipeline.release.current import attach
from ogp_pipeline.release.figures import CAVEATS, Figure, read_figures
from ogp_pipeline.store import connect

if TYPE_CHECKING:
    import altair as alt

WIDTH, HEIGHT = 640, 300
BAR, INTERVAL, NOTE = "#3b6ea5", "#1a1a1a", "#555555"  # blue on white: safe for colour-blind readers
FIGURE_LAYOUTS = ["explorer_commitments", "master_commitments", "process_database"]  # official coding alone
NOTES = {
    "empty": "no assessed\ncommitments",
    "suppressed": "suppressed:\nunder 3 plans",
    "too_few_plans": "no interval:\nunder 5 plans",
    "no_variation": "no interval:\nno variation",
    "shown": "",
}


def write_pictures(database: Path, folder: Path) -> list[Path]:
    """Write `figure_4_3`, `figure_4_5` and `figure_4_9` as SVG and PNG into `folder`; the paths written."""
    folder.mkdir(parents=True, exist_ok=True)
    synthetic, source = _origin(database)
    paths = []
    for figure in read_figures(database):
        chart = figure_chart(figure, source, synthetic)
        for suffix, options in ((".svg", {}), (".png", {"scale_factor": 2})):
            path = folder / f"figure_{figure.name.replace('.', '_')}{suffix}"
            chart.save(str(path), **options)
            paths.append(path)
    return paths


def figure_chart(figure: Figure, source: str, synthetic: bool) -> alt.LayerChart:
    """One figure: a bar for each level that may be shown, its interval, n under each level, caveats below."""
    import altair as alt

    levels = [_axis_label(cell) for cell in figure.cells]
    rows = [
        {
            "level": label,
            "share": cell["pooled_share"],
            "low": cell["ci_low"],
            "high": cell["ci_high"],
            "top": cell["ci_high"] or cell["pooled_share"] or 0,
            "value": "" if cell["pooled_share"] is None else f"{cell['pooled_share']:.0%}",
            "note": NOTES[cell["interval_status"]],
        }
        for label, cell in zip(levels, figure.cells, strict=True)
    ]
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X(
            "level:N",
            sort=levels,
            title="level of public influence",
            axis=alt.Axis(labelAngle=0, labelExpr="split(datum.label, '|')", labelLimit=130),
        )
    )
    share = alt.Y("share:Q", title="share of commitments", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1]))
    layers = [
        base.mark_bar(color=BAR, width=44).encode(y=share),
        base.mark_rule(color=INTERVAL, strokeWidth=1.5).encode(y=alt.Y("low:Q", title=""), y2="high:Q"),
        base.mark_tick(color=INTERVAL, width=12).encode(y="low:Q"),
        base.mark_tick(color=INTERVAL, width=12).encode(y="high:Q"),
        base.mark_text(dy=8, dx=26, align="left", fontSize=12, fontWeight="bold").encode(y="share:Q", text="value:N"),
        base.mark_text(dy=-22, color=NOTE, fontSize=10, lineBreak="\n").encode(y="top:Q", text="note:N"),
    ]
    title = figure.title
    if synthetic:
        title = f"SYNTHETIC SAMPLE - {title}"
    intervals = "Bars: pooled share; lines: approximate 95 % interval, clustered by plan."
    caveats = [
        line for text in (intervals, *CAVEATS, *figure.notes, f"Source: {source}") for line in textwrap.wrap(text, 110)
    ]
    return (
        alt.layer(*layers)
        .properties(
            width=WIDTH,
            height=HEIGHT,
            title=alt.TitleParams(
                textwrap.wrap(title, 82), subtitle=caveats, anchor="start", fontSize=14, subtitleFontSize=11, offset=14
            ),
            padding=16,
        )
        .configure_view(stroke=None)
    )


def _axis_label(cell: Mapping[str, Any]) -> str:
    plans = f"{cell['plans']} plan{'s' * (cell['plans'] != 1)}"
    return f"{cell['level'].replace('_', ' ')}|{plans}|{cell['hits']} of {cell['commitments']}"


def _origin(database: Path) -> tuple[bool, str]:
    """Whether the release is SYNTHETIC, and the releases its commitments and levels come from, each named once."""
    with connect() as connection:
        attach(connection, database, "release")
        files = connection.execute(
            "select distinct layout || ' ' || coalesce(released_date::varchar, 'undated') "
            "|| coalesce(', ' || publisher, '') "
            "from release.meta.sources where status = 'loaded' and list_contains(?, layout) order by 1",
            [FIGURE_LAYOUTS],
        ).fetchall()
        synthetic = connection.execute("select bool_or(is_synthetic) from release.meta.sources").fetchone()[0]
    return synthetic, "; ".join(name for (name,) in files)
