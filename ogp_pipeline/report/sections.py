"""What stands on the page, in order: each section with its title, its template and what it reads from the release.

A new section is one row here and one template in `templates/sections`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ogp_pipeline.report import findings, origins
from ogp_pipeline.report.charts import figure_data, figure_spec
from ogp_pipeline.report.dictionary import dictionary_context
from ogp_pipeline.report.reading import ReleaseReader, Row
from ogp_pipeline.report.tables import Table, columns, table
from ogp_pipeline.report.views import Figure, View
from ogp_pipeline.report.words import CELL_NOTES, STAGES, alternative, caveats, sentence_of, title_of


@dataclass(frozen=True)
class Section:
    """A section of the page: its anchor, its heading, its template, and what the template is given."""

    html_id: str
    title: str
    template: str
    read: Callable[[ReleaseReader, Sequence[Figure]], Mapping[str, Any]]


def figure_sections(release: ReleaseReader, figures: Sequence[Figure]) -> dict[str, Any]:
    """Each figure with its choices and, for each of them, title, sentence, caveats and table."""
    stages_tables = _stages_words(release)
    return {
        "figures": [
            {
                "figure": figure,
                "stages": {stage: STAGES[stage] for stage in figure.stages},
                "views": [_view(figure, view, stages_tables) for view in figure.views],
            }
            for figure in figures
        ]
    }


def chart_data(figures: Sequence[Figure]) -> dict[str, Any]:
    """What the script of the page draws: the chart, and the data of every view that is drawn."""
    levels = tuple(cell["level"] for cell in figures[0].default.cells)
    return {
        "spec": figure_spec(levels),
        "figures": {
            figure.html_id: {view.key: figure_data(view) for view in figure.views if view.is_drawn}
            for figure in figures
        },
    }


def _view(figure: Figure, view: View, stages_words: str) -> dict[str, Any]:
    extra = [stages_words] if view.first["stage"] == "throughout" and stages_words else []
    missing = figure.summary["missing_input"] if figure.summary and view.is_default else None
    if missing:
        extra.append(f"What would fill the levels that are not drawn: {missing}.")
    return {
        "view": view,
        "title": title_of(figure, view),
        "sentence": sentence_of(figure, view),
        "caveats": [*caveats(view), *extra],
        "alternative": alternative(figure, view),
        "table": _cells_table(figure, view),
    }


def _cells_table(figure: Figure, view: View) -> Table:
    rows = [{**cell, "interval": _interval(cell)} for cell in view.cells]
    heads = {
        "level": ("level", "code"),
        "plans": ("plans", "count"),
        "commitments": ("assessed commitments", "count"),
        "hits": ("of them so", "count"),
        "pooled_share": ("share", "share"),
        "interval": ("95 % interval", "text"),
        "mean_plan_share": ("mean of plan shares", "share"),
        "standard_error": ("standard error", "share"),
        "commitments_progress": ("judged at mid-term", "count"),
        "commitments_end_of_term": ("at end of term", "count"),
        "share_assessed": ("share assessed", "share"),
        "first_year": ("first year", "year"),
        "last_year": ("last year", "year"),
    }
    return table(f"All numbers of: {title_of(figure, view)}", columns(heads), rows)


def _interval(cell: Row) -> str:
    if cell["ci_low"] is None:
        return CELL_NOTES[cell["interval_status"]]
    return f"{100 * cell['ci_low']:.1f} to {100 * cell['ci_high']:.1f} %"


def _stages_words(release: ReleaseReader) -> str:
    """How many plans at the bottom of throughout did consult while the plan was developed."""
    lowest, consulted = release.rows(
        "select coalesce(sum(plans), 0)::bigint as lowest, "
        "coalesce(sum(plans) filter (where development_level <> 'no_consultation'), 0)::bigint as consulted "
        "from metrics.influence_stages where throughout_level = 'no_consultation'"
    )[0].values()
    if not lowest:
        return ""
    return f"Of {lowest:,} plans with no consultation throughout, {consulted:,} did consult in development."


def _nothing(release: ReleaseReader, figures: Sequence[Figure]) -> dict[str, Any]:
    return {}


def _dictionary(release: ReleaseReader, figures: Sequence[Figure]) -> dict[str, Any]:
    return {"dictionary": dictionary_context(release.connection)}


SECTIONS = (
    Section("answer", "What the data say", "answer.html", findings.answers),
    Section("figures", "The figures", "figures.html", figure_sections),
    Section("associations", "How sure one can be", "associations.html", findings.association_tables),
    Section("sensitivity", "What the conclusion depends on", "sensitivity.html", findings.sensitivity_tables),
    Section("trends", "Trends", "trends.html", findings.trend_tables),
    Section("coverage", "How much is loaded", "coverage.html", origins.coverage_table),
    Section("engagement", "Cases of engagement", "engagement.html", origins.engagement_cases),
    Section("quality", "Data quality", "quality.html", origins.doubts),
    Section("conformance", "Agreement with OGP's own columns", "conformance.html", origins.conformance),
    Section("method", "Method", "method.html", _nothing),
    Section("sources", "Sources", "sources.html", origins.sources),
    Section("use", "How to query and cite", "use.html", _nothing),
    Section("dictionary", "Data dictionary", "dictionary.html", _dictionary),
)
