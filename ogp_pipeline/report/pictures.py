"""Figures 4.3, 4.5 and 4.9 of a release as pictures that say what they show and how sure one can be."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ogp_pipeline.report.charts import VEGA_LITE, static_spec
from ogp_pipeline.report.reading import ReleaseReader, open_release
from ogp_pipeline.report.views import Figure, read_figures


def write_pictures(database: Path, folder: Path) -> list[Path]:
    """Write `figure_4_3`, `figure_4_5` and `figure_4_9` as SVG and PNG into `folder`; the paths written."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    with open_release(database) as release:
        for figure in read_figures(release):
            path = folder / f"{figure.html_id}.svg"
            svg = figure_svg(release, figure)
            path.write_text(svg, encoding="utf-8")
            path.with_suffix(".png").write_bytes(as_png(svg))
            paths += [path, path.with_suffix(".png")]
    return paths


def figure_svg(release: ReleaseReader, figure: Figure) -> str:
    """The default view of a figure as SVG, with its title, caveats and source."""
    return as_svg(static_spec(figure, figure.default, source_words(release), is_synthetic(release)))


def as_svg(spec: Mapping[str, Any]) -> str:
    """A chart as SVG. The first one takes longer, for what draws it is loaded."""
    import vl_convert

    return vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE)


def as_png(svg: str) -> bytes:
    """The picture at twice its size. The first one takes longer, for the fonts are loaded."""
    import vl_convert

    return vl_convert.svg_to_png(svg, scale=2)


def is_synthetic(release: ReleaseReader) -> bool:
    """Whether the release is made from the sample."""
    return bool(release.value("select bool_or(is_synthetic) from meta.sources"))


def source_words(release: ReleaseReader) -> str:
    """The releases of official files that the plans of the figures come from."""
    files = release.rows(
        "select distinct unnest([source_release, process_release]) as words "
        "from marts.action_plans where not is_partial order by words"
    )
    return "; ".join(row["words"] for row in files if row["words"])
