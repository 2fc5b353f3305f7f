"""CSV, XLSX and Markdown files as rows of text, each with the line or sheet row it came from.

Decoding, delimiters, quotes and spreadsheet cell types belong here, the front matter of pages to `markdown`; what
the cells mean to neither.
"""

from __future__ import annotations

import codecs
import csv
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, time
from itertools import chain, islice
from pathlib import Path

from ogp_pipeline.errors import InputError
from ogp_pipeline.sources import markdown

csv.field_size_limit(1 << 30)  # a cell is as long as it is; the reader keeps it whole
DELIMITERS = (",", ";", "\t", "|")
SPREADSHEETS = (".xlsx", ".xlsm")
SUFFIXES = (".csv", *SPREADSHEETS, *markdown.SUFFIXES)

# what openpyxl and the modules under it raise for a file that is damaged or no workbook
UNREADABLE_WORKBOOK = (
    zipfile.BadZipFile,
    zlib.error,
    KeyError,
    ValueError,
    OSError,
    EOFError,
    SyntaxError,
    AttributeError,
    TypeError,
)

Row = tuple[int, list[str]]  # 1-based line or sheet row, cells


@dataclass(frozen=True)
class Grid:
    """One table of cells in a file: a CSV file, one sheet of a workbook, or a Markdown page."""

    path: Path
    sheet: str | None = None
    encoding: str | None = None
    delimiter: str = ","
    is_strict: bool = True
    page: markdown.Page | None = None

    def rows(self) -> Iterator[Row]:
        """Every row, read anew at each call. InputError where the file breaks off inside a quoted cell."""
        if self.page is not None:
            return self.page.rows()
        return _sheet_rows(self) if self.sheet is not None else _csv_rows(self)

    def first_rows(self, count: int) -> list[list[str]]:
        """The cells of the first rows."""
        return [cells for _, cells in islice(self.rows(), count)]


def grids(path: Path, name: str) -> list[Grid]:
    """The tables of cells in a file; InputError (naming it `name`) where it cannot be read.

    SetAsideError where it is a Markdown page without front matter that can be read: one page is one row.
    """
    if path.suffix.lower() in markdown.SUFFIXES:
        markdown.refuse_huge(path)
        encoding = detect_encoding(path)
        return [Grid(path, encoding=encoding, page=markdown.read_page(path, encoding))]
    if path.suffix.lower() in SPREADSHEETS:
        return [Grid(path, sheet=sheet) for sheet in _sheet_names(path, name)]
    encoding = detect_encoding(path)
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        head = "".join(islice(file, 20))
    delimiter = max(DELIMITERS, key=lambda candidate: _regularity(head, candidate))
    grid = Grid(path, encoding=encoding, delimiter=delimiter)
    return [grid if _is_strictly_quoted(grid, name) else Grid(path, None, encoding, delimiter, is_strict=False)]


def _regularity(head: str, delimiter: str) -> tuple[int, int]:
    """How many of the first rows have one and the same width above 1, and that width."""
    rows = csv.reader(head.splitlines(keepends=True), delimiter=delimiter)
    widths = Counter(len(row) for row in rows if len(row) > 1)
    return max(((count, width) for width, count in widths.items()), default=(0, 0))


def detect_encoding(path: Path) -> str:
    """`utf-8-sig` (with or without BOM), `utf-16` by its BOM, else `windows-1252`."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    with path.open("rb") as file:
        if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "utf-16"
        file.seek(0)
        try:
            while chunk := file.read(1 << 20):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "windows-1252"
    return "utf-8-sig"


def _csv_rows(grid: Grid) -> Iterator[Row]:
    with grid.path.open(encoding=grid.encoding, errors="replace", newline="") as file:
        reader = csv.reader(file, delimiter=grid.delimiter, strict=grid.is_strict)
        line = 1
        for cells in reader:
            yield line, cells
            line = reader.line_num + 1


def _is_strictly_quoted(grid: Grid, name: str) -> bool:
    """Whether every quote is closed and escaped; InputError where the last one is never closed."""
    line = 0
    try:
        for line, _ in grid.rows():  # noqa: B007 - the last line read is needed after the loop
            pass
    except csv.Error as error:
        if "unexpected end of data" in str(error) or not _last_quote_is_closed(grid):
            raise InputError(
                f"{name}: a quoted cell that begins after line {line} is never closed: "
                "the file is cut off or a quote is missing; get it again or close the quote"
            ) from error
        return False
    return True


def _last_quote_is_closed(grid: Grid) -> bool:
    """Whether a line put after the file would be a row of its own, read leniently."""
    end = "\0end"
    last = None
    with grid.path.open(encoding=grid.encoding, errors="replace", newline="") as file:
        for last in csv.reader(chain(file, ["\n", end]), delimiter=grid.delimiter):  # noqa: B007
            pass
    return last == [end]


def _sheet_names(path: Path, name: str) -> list[str]:
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with closing(load_workbook(path, read_only=True, data_only=True)) as workbook:
            for sheet in workbook.worksheets:
                for _ in sheet.iter_rows(values_only=True):
                    pass  # a damaged sheet shows only when it is read
            if not workbook.worksheets:
                raise ValueError("it has no sheet")
            return [sheet.title for sheet in workbook.worksheets]
    except (*UNREADABLE_WORKBOOK, InvalidFileException) as error:
        raise InputError(f"{name}: not readable as XLSX ({error}): save it again as .xlsx or .csv") from error


def _sheet_rows(grid: Grid) -> Iterator[Row]:
    from openpyxl import load_workbook

    with closing(load_workbook(grid.path, read_only=True, data_only=True)) as workbook:
        for number, values in enumerate(workbook[grid.sheet].iter_rows(values_only=True), start=1):
            yield number, [cell_text(value) for value in values]


def cell_text(value: object) -> str:
    """A spreadsheet value as the text an export would write: dates in ISO, whole floats without `.0`."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")
    return str(value)
