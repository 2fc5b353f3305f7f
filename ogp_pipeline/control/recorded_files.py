"""The files of a release as it read them: their bytes from the snapshots, all else as its `meta.sources` records it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from ogp_pipeline.errors import InputError
from ogp_pipeline.settings import Settings
from ogp_pipeline.sources.folders import name_prefixes
from ogp_pipeline.sources.layouts import Layout
from ogp_pipeline.sources.readers import SPREADSHEETS
from ogp_pipeline.sources.snapshots import is_whole
from ogp_pipeline.sources.source_files import UNREADABLE, ManifestEntry, SourceFile, scan_file
from ogp_pipeline.store import connect, literal

# what the bytes of a file do not tell: when it came, and from where
OF_THE_RUN = (
    *("note", "is_stale_download", "rhythm_days", "fetched_at", "checked_at", "content_changed_at", "unchanged_since"),
    *("released_date", "is_partial", "is_synthetic", "publisher", "url", "licence"),
)


def recorded_rows(file: Path) -> list[dict[str, Any]]:
    """The rows of a table of a release, from its Parquet file, by its first column."""
    with connect() as connection:
        rows = connection.execute(f"from read_parquet({literal(file.as_posix())}) order by 1")
        names = [column[0] for column in rows.description]
        return [dict(zip(names, row, strict=True)) for row in rows.fetchall()]


def files_as_recorded(
    settings: Settings, rows: Sequence[Mapping[str, Any]], sources: Sequence[str], known: Sequence[Layout]
) -> tuple[SourceFile, ...]:
    """Every file of a release in the order of its run; what it loaded is read again, from its snapshot.

    InputError names every snapshot that is missing or damaged, and every file that cannot be read any more.
    """
    by_content: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        if row["status"] == "loaded":
            by_content.setdefault(row["sha256"], []).append(row)
    errors: list[str] = []
    found = [_not_read(row) for row in rows if row["status"] != "loaded"]
    for sha256, sheets in by_content.items():
        snapshot = _snapshot(settings, sha256, sheets[0]["source_file"])
        if snapshot is None:
            names = ", ".join(row["source_file"] for row in sheets)
            errors.append(
                f"{names}: its bytes are not kept any more under {settings.snapshots_dir}/{sha256}.*: put the file "
                "with this sha256 back, or name another release"
            )
            continue
        found += _read_again(snapshot, sheets, known, errors)
    if errors:
        raise InputError(errors)
    prefixes = tuple(name_prefixes(sources).values())
    return tuple(sorted(found, key=lambda file: _place(file, prefixes)))


def _not_read(row: Mapping[str, Any]) -> SourceFile:
    name = row["source_file"]
    entry = ManifestEntry(file=name)
    return SourceFile(name, Path(name), row["status"], row["reason"] or "", entry, recorded=row)


def _snapshot(settings: Settings, sha256: str, name: str) -> Path | None:
    """The file that holds these bytes, by preference with the ending of the name; None where none does."""
    paths = [path for path in sorted(settings.snapshots_dir.glob(f"{sha256}.*")) if path.suffix != ".json"]
    paths.sort(key=lambda path: not name.casefold().partition("#")[0].endswith(path.suffix))
    return next((path for path in paths if is_whole(path, sha256)), None)


def _read_again(
    snapshot: Path, rows: Sequence[Mapping[str, Any]], known: Sequence[Layout], errors: list[str]
) -> list[SourceFile]:
    """The sheets of a workbook that were loaded, or the one table of another file."""
    first = rows[0]
    name = _workbook(first["source_file"]) if snapshot.suffix in SPREADSHEETS else first["source_file"]
    entry = ManifestEntry(
        file=name,
        released=first["released_date"],
        partial=first["is_partial"],
        synthetic=first["is_synthetic"],
        **{column: first[column] for column in ("publisher", "url", "licence")},
    )
    by_name = {row["source_file"]: row for row in rows}
    found = []
    for file in scan_file(SourceFile(name, snapshot, "refused", "", entry), known):  # in the order of the workbook
        row = by_name.pop(file.name, None)
        if file.status == UNREADABLE:
            errors.append(
                f"{file.name}: this program cannot read it, the one that made the release could: {file.reason}"
            )
        elif row is not None:
            found.append(replace(file, recorded={column: row[column] for column in OF_THE_RUN if column in row}))
    if not errors:
        errors += [f"{missing}: it is not in {snapshot}: name another release" for missing in by_name]
    return found


def _workbook(name: str) -> str:
    """`folder/book.xlsx#Sheet` -> `folder/book.xlsx`, also where other parts of the name hold a `#`."""
    places = [place for place, character in enumerate(name) if character == "#"]
    return next((name[:place] for place in places if name[:place].lower().endswith(SPREADSHEETS)), name)


def _place(file: SourceFile, prefixes: Sequence[str]) -> tuple[int, tuple[str, ...]]:
    """Files come source by source, within one by their paths: the order decides where extra columns stand."""
    own = [place for place, prefix in enumerate(prefixes) if file.name.startswith(prefix)]
    return own[0] if own else len(prefixes), PurePosixPath(_workbook(file.name)).parts
