"""The report of a release: one HTML page that works offline, and the three figures as pictures.

`reading` opens the release, `views` holds what a figure shows, `charts` draws it, `words` says it, `sections` lists
what stands on the page and `page` writes it. Everything is read from the finished DuckDB file and nothing is computed
that is not in it, but sums over its cells.
"""

from __future__ import annotations

from pathlib import Path


def write_report(database: Path, folder: Path) -> list[Path]:
    """Write `report.html` and `figures/figure_4_3.svg`, `.png` and so on of a release into `folder`; the paths.

    `database` is the finished file of the release and is only read. Links to pages that lie in `folder/members`
    already stand on the page.
    """
    from ogp_pipeline.report.page import write_page
    from ogp_pipeline.report.pictures import write_pictures

    pictures = write_pictures(database, folder / "figures")
    svgs = {path.stem: path.read_text(encoding="utf-8") for path in pictures if path.suffix == ".svg"}
    return [write_page(database, folder, svgs), *pictures]
