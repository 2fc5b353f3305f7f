"""Fetches the official files: a download replaces the last good one only when it is what was promised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from ogp_pipeline.locking import only_writer
from ogp_pipeline.settings import Settings
from ogp_pipeline.sources.downloads import DownloadError, Received, date_of_header, download
from ogp_pipeline.sources.layouts import Layout
from ogp_pipeline.sources.official import (
    Download,
    OfficialFile,
    kept_file,
    last_download,
    official_files,
    record_download,
)
from ogp_pipeline.sources.snapshots import keep
from ogp_pipeline.sources.source_files import UNREADABLE, ManifestEntry, SourceFile, scan_file
from ogp_pipeline.store import sha256_of

# A file that loses more than half of its rows was probably cut between two rows, where nothing else shows it: the
# official files hold every plan since the first, so that they grow from release to release.
LEAST_SHARE_OF_ROWS = 0.5
FIRST_YEAR = 2011  # the partnership's; an older date of a server is none


@dataclass(frozen=True)
class Fetched:
    """An official file and how its download ended."""

    official: OfficialFile
    download: Download

    @property
    def is_good(self) -> bool:
        """Whether it is as new as the server's."""
        return self.download.status in ("fetched", "unchanged")

    def sentence(self) -> str:
        """One line for people."""
        found = self.download
        rows = "" if found.rows is None else f"{found.rows:,} rows"
        told = {
            "fetched": f"fetched, {rows}",
            "unchanged": f"unchanged, {rows} of {found.fetched_at:%Y-%m-%d}" if found.fetched_at else "unchanged",
            "kept": f"{found.note}; it has {rows} ({self.official.url})",
            "failed": f"not there: {found.failure} ({self.official.url})",
        }
        return f"{self.official.name}: {told[found.status]}"


def fetch(settings: Settings, known: Sequence[Layout]) -> list[Fetched]:
    """Ask for every official file and keep what is new and good; the outcome of each, in the order of the list.

    InputError for faults of the list itself only: a failed download is an outcome.
    """
    files = official_files(settings.downloads)
    with only_writer(settings.data_dir), TemporaryDirectory(prefix=".fetch-", dir=settings.data_dir) as scratch:
        return [Fetched(official, _fetch_one(official, settings, known, Path(scratch))) for official in files]


def _fetch_one(official: OfficialFile, settings: Settings, known: Sequence[Layout], scratch: Path) -> Download:
    last = last_download(settings, official)
    before = last if kept_file(settings, official, last) else None  # what can go on being used
    target = scratch / official.file
    now = datetime.now(UTC).replace(microsecond=0)
    try:
        received = download(official.url, target, settings.downloads, _if_changed(official, before))
        if received.is_changed:
            after = _accepted(official, settings, known, last, target, received, now)
        else:
            after = before.model_copy(update={"status": "unchanged", "failure": None, "checked_at": now})
    except DownloadError as error:
        failed = {"failure": str(error), "checked_at": now}
        if before is None:
            after = Download(url=official.url, status="failed", **failed)
        else:
            after = before.model_copy(update={"status": "kept", **failed})
    record_download(settings, official, after)
    return after


def _if_changed(official: OfficialFile, before: Download | None) -> dict[str, str]:
    """The headers that ask only for content other than the one kept from the same address."""
    if before is None or before.url != official.url:
        return {}
    validators = {"if-none-match": before.etag, "if-modified-since": before.last_modified}
    return {name: value for name, value in validators.items() if value}


def _accepted(
    official: OfficialFile,
    settings: Settings,
    known: Sequence[Layout],
    last: Download | None,
    path: Path,
    received: Received,
    now: datetime,
) -> Download:
    """Keep a new download and say what is known of it. DownloadError where it is not what was promised."""
    rows = rows_of_promised(path, official, known)
    if last and last.rows and rows < last.rows * LEAST_SHARE_OF_ROWS:
        raise DownloadError(
            f"it has {rows:,} rows and the last good download {last.rows:,}, so it is probably cut off; "
            f"if it is right, remove {settings.official_dir / official.file}.json and fetch again"
        )
    sha256 = sha256_of(path)
    is_same = last is not None and last.sha256 == sha256
    keep(settings, path, sha256, official.name, {"url": official.url, "licence": official.licence})
    return Download(
        url=official.url,
        sha256=sha256,
        rows=rows,
        etag=received.etag,
        last_modified=received.last_modified,
        content_changed_at=last.content_changed_at if is_same else _changed_at(received, now),
        fetched_at=last.fetched_at if is_same else now,
        checked_at=now,
        status="unchanged" if is_same else "fetched",
    )


def _changed_at(received: Received, now: datetime) -> datetime:
    """When new content was put on the server, as it says itself; else now, the first moment it was seen."""
    said = date_of_header(received.last_modified)
    return said if said and said <= now and said.year >= FIRST_YEAR else now


def rows_of_promised(path: Path, official: OfficialFile, known: Sequence[Layout]) -> int:
    """The rows of a file that is complete and of the layout it was promised in; DownloadError says why it is not."""
    file = SourceFile(official.name, path, "refused", "", ManifestEntry(file=official.file))
    sheets = scan_file(file, known)
    if errors := [f"{sheet.name}: {sheet.reason}" for sheet in sheets if sheet.status == UNREADABLE]:
        raise DownloadError("; ".join(errors))
    promised = [sheet for sheet in sheets if sheet.status == "loaded" and sheet.layout == official.layout]
    if not promised:
        found = "; ".join(sheet.reason or f"it is of the layout {sheet.layout}" for sheet in sheets)
        raise DownloadError(f"it is not of the layout {official.layout}: {found}")
    rows = sum(sheet.rows for sheet in promised)
    if not rows:
        raise DownloadError("there is a header and no row below it")
    if any(_is_cut_in_its_last_row(sheet) for sheet in promised):
        raise DownloadError("its last row ends before its last column: the file is cut off")
    return rows


def _is_cut_in_its_last_row(file: SourceFile) -> bool:
    """Whether a CSV file stops in the middle of a row: neither a line end nor all cells of the header."""
    if file.grid.sheet is not None:
        return False
    with file.path.open("rb") as content:
        content.seek(max(0, file.size - 2))
        if content.read().rstrip(b"\0").endswith((b"\n", b"\r")):
            return False
    last: list[str] = []
    for _, last in file.data_rows():  # noqa: B007 - the last one is needed after the loop
        pass
    return len(last) < len(file.header.cells)
