"""What a release has to show at a glance: its pictures, its changes, how far its data reach, where it lies.

Read from the folder of the release, so that an unchanged night shows the same as the night that published it.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ogp_pipeline.release.facts import release_session

PLACES = ("report.html", "CHANGES.md", "ogp.xlsx", "parquet", "csv", "datapackage.json", "manifest.json")
MOST_CHARACTERS = 20_000  # of the list of changes; the file has it whole


@dataclass(frozen=True)
class Overview:
    """`pictures` and `changes` are Markdown; `data_through` has a row for each layout; `places` are files by name."""

    pictures: str
    changes: str
    data_through: Sequence[Mapping[str, Any]]
    places: Mapping[str, Path]
    addresses: Mapping[str, str]  # of the official files, by layout


def overview(database: Path, folder: Path) -> Overview:
    """The overview of a release: its DuckDB file, and the folder in which it is kept; what is not there is left out."""
    with release_session(database) as connection:
        data_through = connection.execute("from metrics.data_through order by layout")
        names = [column[0] for column in data_through.description]
        rows = [dict(zip(names, row, strict=True)) for row in data_through.fetchall()]
        addresses = connection.execute(
            "select distinct on (layout) layout, url from meta.sources "
            "where status = 'loaded' and starts_with(url, 'https://') order by layout, url"
        ).fetchall()
    return Overview(
        pictures="\n\n".join(_picture(path) for path in sorted((folder / "figures").glob("*.svg"))),
        changes=_changes(folder / "CHANGES.md"),
        data_through=rows,
        places={name: folder / name for name in PLACES if (folder / name).exists()},
        addresses=dict(addresses),
    )


def _picture(path: Path) -> str:
    name = path.stem.replace("figure_", "Figure ").replace("_", ".")
    return f"![{name}](data:image/svg+xml;base64,{base64.b64encode(path.read_bytes()).decode()})"


def _changes(path: Path) -> str:
    if not path.exists():
        return ""
    text = path.read_text(encoding="utf-8")
    if len(text) <= MOST_CHARACTERS:
        return text
    return text[:MOST_CHARACTERS].rsplit("\n", 1)[0] + f"\n\nand more: {path.name} of the release has it whole"
