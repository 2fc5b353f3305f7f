"""Draws a figure as a Vega-Lite chart: one way for the page, which gives it its data when it is looked at, and for SVG.

Blue bars and orange circles on white are told apart by colour-blind readers, and by their shapes.
"""

from __future__ import annotations

import json
import textwrap
import zlib
from collections.abc import Mapping
from functools import cache
from typing import Any

from ogp_pipeline.report.views import Figure, View
from ogp_pipeline.report.words import CELL_NOTES, caveats, percent, plain, sentence_of, title_of

WIDTH, HEIGHT = 680, 300
BAR, BAR_EDGE, PLAN, INTERVAL, NOTE, GAP = "#a9c8e8", "#1f5a94", "#b34700", "#1a1a1a", "#4d5660", "#f0f1f3"
LINES_BELOW = (20, 38, 52, 67)  # pixels below the axis: share, plans, commitments, note
HALF_BAR = 0.34  # of the distance between two levels
VEGA_LITE = "6.4"


@cache
def figure_spec(levels: tuple[str, ...]) -> Mapping[str, Any]:
    """The chart without its data: `cells` and `plans` are datasets with the rows of `figure_data`.

    `levels` are the codes of the axis in their order. Bars with intervals, a circle for each plan, and below each
    level what is known of it in words, also where it is suppressed. It is built once, for it takes altair a while.
    """
    import altair as alt

    names = json.dumps([level.split("_") for level in levels])
    # the levels are places on a line, so that circles can stand beside each other within one
    axis = alt.Axis(
        title="level of public influence",
        titlePadding=LINES_BELOW[-1] + 30,
        values=list(range(len(levels))),
        labelExpr=f"{names}[datum.value]",
        labelPadding=4,
        labelOverlap=False,
        grid=False,
        ticks=False,
    )
    scale = alt.Scale(domain=[-0.5, len(levels) - 0.5], nice=False)
    x = alt.X("place:Q", scale=scale, axis=axis)
    left, right = alt.X("left:Q", scale=scale, axis=axis), alt.X2("right:Q")
    y = alt.Y(
        "share:Q",
        title="share of commitments",
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(format="%", tickCount=5),
    )
    cells = alt.Chart(alt.NamedData("cells"))
    tooltip = alt.Tooltip("tooltip:N")
    shared = cells.transform_filter("isValid(datum.share)")
    gaps = cells.transform_filter("datum.is_suppressed")
    intervals = cells.transform_filter("isValid(datum.low)")
    end = intervals.mark_tick(color=INTERVAL, width=14, thickness=2, orient="horizontal", opacity=1)
    layers = [
        shared.mark_rect(color=BAR, stroke=BAR_EDGE).encode(x=left, x2=right, y=y, y2="zero:Q", tooltip=tooltip),
        gaps.mark_rect(color=GAP, stroke="#8a929b", strokeDash=[3, 3]).encode(
            x=left, x2=right, y=alt.Y("stub:Q"), y2="zero:Q", tooltip=tooltip
        ),
        alt.Chart(alt.NamedData("plans"))
        .mark_circle(color=PLAN, opacity=0.6, stroke="white", strokeWidth=0.5)
        .encode(
            x=x,
            y=y,
            size=alt.Size("commitments:Q", legend=None, scale=alt.Scale(range=[12, 220], domainMin=0)),
            tooltip=tooltip,
        ),
        intervals.mark_rule(color=INTERVAL, strokeWidth=2).encode(x=x, y=alt.Y("low:Q"), y2="high:Q"),
        end.encode(x=x, y="low:Q"),
        end.encode(x=x, y="high:Q"),
    ]
    fields = zip(("value", "plans_words", "commitments_words", "note"), LINES_BELOW, strict=True)
    for field, offset in fields:
        text = cells.mark_text(
            baseline="top",
            lineBreak="|",
            color=NOTE if field == "note" else INTERVAL,
            fontSize={"value": 13, "note": 10}.get(field, 11),
            fontWeight="bold" if field == "value" else "normal",
        )
        # below the axis labels, which may take two lines
        layers.append(text.encode(x=x, y=alt.value(HEIGHT + 14 + offset), text=f"{field}:N"))
    chart = (
        alt.layer(*layers)
        .properties(width=WIDTH, height=HEIGHT)
        .configure_view(stroke=None)
        .configure_axis(labelFontSize=12, titleFontSize=12, gridColor="#e3e6e9", domainColor="#8a929b")
    )
    return {**chart.to_dict(), "padding": 6}


def figure_data(view: View) -> dict[str, list[dict[str, Any]]]:
    """The rows of the datasets `cells` and `plans` of a view; every text is text and nothing else."""
    return {"cells": [_cell(cell) for cell in view.cells], "plans": [_plan(plan) for plan in view.plans]}


def static_spec(figure: Figure, view: View, source: str, is_synthetic: bool) -> dict[str, Any]:
    """The chart of a view with its data, title and caveats, to stand alone as a picture."""
    heading = f"{'SYNTHETIC SAMPLE - ' if is_synthetic else ''}{title_of(figure, view)}"
    key = "Bars: pooled share; lines: approximate 95 % interval, clustered by plan; circles: plans, larger with more "
    drawn = [key + "commitments."] if view.is_drawn else []
    notes = [sentence_of(figure, view), *drawn, *caveats(view), f"Source: {source}"]
    if view.is_drawn:
        chart = {**figure_spec(tuple(cell["level"] for cell in view.cells)), "datasets": figure_data(view)}
    else:  # as on the page: its sentence in place of bars
        chart = {"data": {"values": [{}]}, "mark": {"type": "point", "opacity": 0}, "width": WIDTH, "height": 1}
        chart["config"] = {"view": {"stroke": None}}
    return {
        **chart,
        "padding": 16,
        "title": {
            "text": textwrap.wrap(heading, 82),
            "subtitle": [line for note in notes for line in textwrap.wrap(note, 104)],
            "anchor": "start",
            "fontSize": 14,
            "subtitleFontSize": 11,
            "offset": 14,
        },
    }


def _cell(cell: Mapping[str, Any]) -> dict[str, Any]:
    plans = f"{cell['plans']:,} plan{'s' * (cell['plans'] != 1)}"
    commitments = f"{cell['hits']:,} of {cell['commitments']:,}"
    note = CELL_NOTES[cell["interval_status"]]
    share = cell["pooled_share"]
    interval = f"95 % interval {percent(cell['ci_low'])} to {percent(cell['ci_high'])}"
    value = percent(share) if share is not None else ""
    lines = [plain(cell["level"]), value, interval if cell["ci_low"] is not None else note, plans, commitments]
    return {
        "place": cell["level_rank"],
        "left": cell["level_rank"] - HALF_BAR,
        "right": cell["level_rank"] + HALF_BAR,
        "zero": 0,
        "stub": 0.04,  # the height of the mark of a suppressed level: no bar
        "share": share,
        "low": cell["ci_low"],
        "high": cell["ci_high"],
        "is_suppressed": cell["interval_status"] == "suppressed",
        "value": value,
        "plans_words": plans if cell["plans"] else "",
        "commitments_words": commitments if cell["plans"] else "",
        "note": note.replace(": under ", ":|under ")
        .replace("none ", "none|")
        .replace(" plans", "|plans")
        .replace(": no ", ":|no "),
        "tooltip": "\n".join(line for line in lines if line),
    }


def _plan(plan: Mapping[str, Any]) -> dict[str, Any]:
    name = f"{plan['member_name']}, action plan {plan['plan_number']}"
    share = plan["hits"] / plan["commitments"]
    return {
        # beside the middle, at the same place in every drawing
        "place": plan["level_rank"] + (zlib.crc32(plan["plan_id"].encode()) % 2001 / 1000 - 1) * HALF_BAR * 0.8,
        "level": plain(plan["level"]),
        "share": share,
        "commitments": plan["commitments"],
        "hits": plan["hits"],
        "plan": name,
        "year": plan["submitted_year"],
        "tooltip": f"{name} ({plan['submitted_year'] or 'no year'})\n{plan['hits']:,} of {plan['commitments']:,} "
        f"commitments, {percent(share)}\n{plain(plan['level'])}",
    }
