"""Figures 4.3, 4.5 and 4.9 of a release as pictures that say what they show and how sure one can be."""

from __future__ import annotations

from pathlib import Path

from ogp_pipeline.report.charts import VEGA_LITE, static_spec
from ogp_pipeline.report.reading import ReleaseReader, open_release
from ogp_pipeline.report.views import Figure, read_figures


def write_pictures(database: Path, folder: Path) -> list[Path]:
    """Write `figure_4_3`, `figure_4_5` and `figure_4_9` as SVG and PNG into `folder`; the paths written."""
    import vl_convert

    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    with open_release(database) as release:
        for figure in read_figures(release):
            path = folder / f"{figure.html_id}.svg"
            path.write_text(figure_svg(release, figure), encoding="utf-8")
            picture = path.with_suffix(".png")
            picture.write_bytes(vl_convert.svg_to_png(path.read_text(encoding="utf-8"), scale=2))
            paths += [path, picture]
    return paths


def figure_svg(release: ReleaseReader, figure: Figure) -> str:
    """The default view of a figure as SVG, with its title, caveats and source."""
    import vl_convert

    spec = static_spec(figure, figure.default, source_words(release), is_synthetic(release))
    return vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE)


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
