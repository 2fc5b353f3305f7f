"""One file of the sources, or one sheet of a workbook, and what becomes of it.

A file is recognised by its columns: loaded, refused with a reason, ignored, or an error that ends a run. Which
files there are belongs to `folders`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path, PurePosixPath

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ogp_pipeline.errors import InputError, SetAsideError
from ogp_pipeline.safe_text import unicode_name, visible
from ogp_pipeline.sources.layouts import HEADER_WITHIN_ROWS, NO_ROWS, Header, Layout, find_header, folded, nearest
from ogp_pipeline.sources.official import Download
from ogp_pipeline.sources.readers import SUFFIXES, Grid, NotedRow, grids
from ogp_pipeline.sources.workbooks import reading
from ogp_pipeline.store import sha256_of

UNREADABLE = "unreadable"
NAME_LIMIT, PATH_LIMIT = 255, 1_000  # bytes and characters; what a file system of Linux allows
COLUMNS_LIMIT = 1_000  # the widest official layout has 171; the database slows down far above that

# sheets of our own templates beside the one that is filled in, and what marks any other of that kind
TEMPLATE_SHEETS = ("instructions", "lists")
TEMPLATE_MARK = "instructions:"
HIDDEN = {
    "hidden": "a hidden sheet is not read: unhide it if its rows count (right-click on a sheet's tab, Unhide), "
    "else delete it",
    "veryHidden": "a sheet that a program hid is not read: if its rows count, have that program show it, or copy "
    "them into a sheet that is visible, else delete it",
}


class ManifestEntry(BaseModel):
    """One entry of `sources.yml`: what is known of a file, or of every file in a folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str
    released: date | None = None
    partial: bool = False
    synthetic: bool = False
    publisher: str | None = None
    url: str | None = None
    licence: str | None = None
    rhythm_days: int | None = Field(default=None, ge=1)  # the longest time it is expected to stay as it is

    @field_validator("file")
    @classmethod
    def _inside_the_folder(cls, file: str) -> str:
        path = PurePosixPath(file)
        if path.is_absolute() or ".." in path.parts:
            raise ValueError("it leads out of the folder: name the file by its path inside the folder")
        if "\0" in file or any(len(part.encode()) > NAME_LIMIT for part in path.parts) or len(file) > PATH_LIMIT:
            raise ValueError("no file can have this name: name the file by its path inside the folder")
        return file


@dataclass(frozen=True)
class SourceFile:
    """One file, or one sheet of a workbook (`name#sheet`), and what became of it.

    `status`: loaded, refused (no known layout, or hidden), ignored (a sheet that holds no rows by its nature),
    duplicate (the same bytes twice), missing (named in `sources.yml` or among the official files and not there),
    unreadable (ends a run).
    """

    name: str  # path inside its source folder: the `_source_file` of every row
    path: Path
    status: str
    reason: str
    entry: ManifestEntry
    sha256: str | None = None
    size: int | None = None
    grid: Grid | None = None
    header: Header | None = None
    rows: int = 0
    skipped_rows: int = 0  # blank rows and repeated header blocks
    download: Download | None = None  # of an official file
    # of a file that is read again as a release read it: the columns of meta.sources that its bytes do not tell
    recorded: Mapping[str, object] = field(default_factory=dict)

    @property
    def layout(self) -> str | None:
        """The name of the layout it was recognised as."""
        return self.header.layout.name if self.header else None

    def data_rows(self) -> Iterator[tuple[int, list[str]]]:
        """The rows below the header, without blank rows and repetitions of the header block."""
        return ((number, cells) for number, cells, _ in self.noted_rows())

    def noted_rows(self) -> Iterator[NotedRow]:
        """The rows as `data_rows`, each with what the file says of it beside its cells."""
        return (noted for noted, is_data in self._below_header() if is_data)

    def counted(self) -> SourceFile:
        """The same file with its rows counted."""
        counts = {True: 0, False: 0}
        for _, is_data in self._below_header():
            counts[is_data] += 1
        return replace(self, rows=counts[True], skipped_rows=counts[False])

    def _below_header(self) -> Iterator[tuple[NotedRow, bool]]:
        block: set[tuple[str, ...]] = set()
        begins: set[str] = set()  # the first cells of the block
        for position, noted in enumerate(self.grid.noted_rows()):
            cells = noted[1]
            first = cells[0].strip() if cells else ""
            if position <= self.header.index:
                block.add(_stripped(cells))
                begins.add(first)
            elif first and first not in begins:  # no row of the block, without a look at its other cells
                yield noted, True
            else:
                row = _stripped(cells)
                yield noted, bool(row) and row not in block


def scan_file(file: SourceFile, known: Sequence[Layout]) -> list[SourceFile]:
    """One file by its ending and its content: one SourceFile, or one for each sheet."""
    if not file.path.is_file():  # to open a pipe would be to wait for whoever writes into it
        reason = "no ordinary file but a pipe, a socket, a device or a link to nothing: save the table as a file"
        return [replace(file, reason=reason)]
    if file.path.suffix.lower() not in SUFFIXES:
        kind = visible(unicode_name(file.path.suffix)) or "no suffix"
        reason = f"{kind}: not one of {', '.join(SUFFIXES)}: save it as one of them if it is a table"
        return [replace(file, reason=reason)]
    try:
        sheets = grids(file.path, file.name)
    except InputError as error:
        return [_unreadable(file, problem) for problem in error.problems]
    except SetAsideError as error:
        reason = "; ".join(error.problems)
        return [replace(file, sha256=sha256_of(file.path), size=file.path.stat().st_size, reason=reason)]
    except OSError as error:
        return [_unreadable(file, f"cannot be opened ({error.strerror}): make it readable, or take it away")]
    file = replace(file, sha256=sha256_of(file.path), size=file.path.stat().st_size)
    return _with_empty_sheets_ignored([_scan_grid(replace(file, grid=grid), known) for grid in sheets])


def _scan_grid(file: SourceFile, known: Sequence[Layout]) -> SourceFile:
    """What becomes of one table of cells."""
    if file.grid.worksheet is None:
        return _recognised(file, known)
    sheet = replace(file, name=f"{file.name}#{file.grid.sheet}")
    try:
        with reading(sheet.name):
            return _recognised(sheet, known)
    except InputError as error:
        return _unreadable(sheet, error.problems[0])


def _unreadable(file: SourceFile, problem: str) -> SourceFile:
    return replace(file, status=UNREADABLE, reason=problem.removeprefix(f"{visible(file.name)}: "))


def _recognised(file: SourceFile, known: Sequence[Layout]) -> SourceFile:
    sheet = file.grid.worksheet
    if sheet is not None and sheet.number is None:
        return replace(file, status="ignored", reason="a chart")
    first = file.grid.first_rows(HEADER_WITHIN_ROWS)
    header = find_header(first, known)
    if header is None and _is_of_a_template(file, first):
        return replace(file, status="ignored", reason="instructions of a template")
    if sheet is not None and sheet.state in HIDDEN:
        return replace(file, reason=HIDDEN[sheet.state])
    if header is None:
        return replace(file, reason=nearest(first, known))
    where = f"header in row {header.index + 1}"
    if lacking := header.layout.lacks(header.cells):
        told = (
            f"the layout {header.layout.name} lacks the required "
            f"column{'s' if len(lacking) > 1 else ''} {', '.join(lacking)}: put them back under these names"
        )
        if file.grid.page is not None:  # one row is lost, not a table
            return replace(file, header=header, reason=told)
        return _unreadable(file, f"{where}: {told}")
    if len(header.cells) > COLUMNS_LIMIT:
        return _unreadable(
            file,
            f"{where}: {len(header.cells):,} columns, more than {COLUMNS_LIMIT:,}: delete what stands to the right of "
            "the table and save it again",
        )
    return replace(file, status="loaded", header=header).counted()


def _is_of_a_template(file: SourceFile, first: Sequence[Sequence[str]]) -> bool:
    """Whether a sheet only explains a template or holds its drop-down lists."""
    if file.grid.sheet is None:
        return False
    begins = next((cell for row in first for cell in row if cell.strip()), "")
    return folded(file.grid.sheet) in TEMPLATE_SHEETS or folded(begins).startswith(TEMPLATE_MARK)


def _with_empty_sheets_ignored(sheets: list[SourceFile]) -> list[SourceFile]:
    """The blank sheets that spreadsheet programs add are ignored, unless nothing else is in the workbook."""
    blank = [sheet for sheet in sheets if sheet.status == "refused" and sheet.reason == NO_ROWS]
    if len(blank) == len(sheets):
        return sheets
    return [replace(sheet, status="ignored", reason="an empty sheet") if sheet in blank else sheet for sheet in sheets]


def _stripped(cells: Sequence[str]) -> tuple[str, ...]:
    """The cells without surrounding spaces and without blank cells at the end."""
    row = [cell.strip() for cell in cells]
    while row and not row[-1]:
        row.pop()
    return tuple(row)
