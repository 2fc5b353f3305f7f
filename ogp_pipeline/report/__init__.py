"""The report of a release: one HTML page that works offline, a page for each member, and the figures as pictures.

`reading` opens the release, `views` holds what a figure shows, `charts` draws it, `words` says it, `sections` lists
what stands on the page and `page` writes it; `members` writes the pages of members. Everything is read from the
finished DuckDB file and nothing is computed that is not in it, but sums over its cells.
"""

from __future__ import annotations

from pathlib import Path


def write_report(database: Path, folder: Path) -> list[Path]:
    """Write `report.html`, `figures/figure_4_3.svg`, `.png` and so on, and `members/<member_id>.html` into `folder`.

    `database` is the finished file of the release and is only read. The paths written, the report first.
    """
    from ogp_pipeline.report.members import write_member_pages
    from ogp_pipeline.report.page import write_page
    from ogp_pipeline.report.pictures import write_pictures

    pictures = write_pictures(database, folder / "figures")
    svgs = {path.stem: path.read_text(encoding="utf-8") for path in pictures if path.suffix == ".svg"}
    members = write_member_pages(database, folder)  # before the report, which links to them
    return [write_page(database, folder, svgs), *pictures, *members]


def prepare_report() -> None:
    """Do what every report needs and no release is needed for: import what draws and writes, bundle the scripts."""
    import altair  # noqa: F401

    from ogp_pipeline.report import members, page, pictures

    for template in ("report.html", members.TEMPLATE):
        page.environment().get_template(template)
    page.vega()
    pictures.as_png(pictures.as_svg({"mark": "text", "encoding": {"text": {"value": "Open government"}}}))
