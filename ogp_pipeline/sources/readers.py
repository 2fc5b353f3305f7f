"""CSV, XLSX and Markdown files as rows of text, each with the line or sheet row it came from.

Decoding, delimiters and quotes belong here, the insides of a workbook to `workbooks`, the front matter of pages to
`markdown`; what the cells mean to none of them.
"""

from __future__ import annotations

import codecs
import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import TextIO

from ogp_pipeline.errors import InputError
from ogp_pipeline.sources import markdown
from ogp_pipeline.sources.workbooks import OLE, ZIP, Worksheet, inspect, sheet_rows

# A cell is kept whole, as long as its row can be held and written (raw_tables: a line of 256 MiB, of which this much is
# less even where every character has four bytes and is told in a note too). The longest real row has 30,000 characters.
ROW_CHARACTERS = 16 << 20
ROW_CELLS = 16_384  # of a sheet of Excel; the widest official layout has 171
HEAD_LINES, HEAD_PIECE = 20, 1 << 20
csv.field_size_limit(1 << 30)  # above ROW_CHARACTERS, which is what refuses
DELIMITERS = (",", ";", "\t", "|")
SPREADSHEETS = (".xlsx", ".xlsm")
SUFFIXES = (".csv", *SPREADSHEETS, *markdown.SUFFIXES)

Row = tuple[int, list[str]]  # 1-based line or sheet row, cells
NotedRow = tuple[int, list[str], str]


@dataclass(frozen=True)
class Grid:
    """One table of cells in a file: a CSV file, one sheet of a workbook, or a Markdown page."""

    path: Path
    name: str  # of the file, for what is told of it
    sheet: str | None = None
    encoding: str | None = None
    delimiter: str = ","
    is_strict: bool = True
    worksheet: Worksheet | None = None
    page: markdown.Page | None = None

    def rows(self) -> Iterator[Row]:
        """Every row, read anew at each call. InputError where the file breaks off inside a quoted cell."""
        return ((number, cells) for number, cells, _ in self.noted_rows())

    def noted_rows(self) -> Iterator[NotedRow]:
        """Every row with what the file says of it beside its cells; blank where that is nothing."""
        if self.page is not None:
            return ((number, cells, "") for number, cells in self.page.rows())
        return sheet_rows(self.path, self.worksheet) if self.worksheet else _csv_rows(self)

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
        return [Grid(path, name, encoding=encoding, page=markdown.read_page(path, encoding))]
    if path.suffix.lower() in SPREADSHEETS:
        return [Grid(path, name, sheet=sheet.title, worksheet=sheet) for sheet in inspect(path, name)]
    _refuse_workbook(path, name)
    encoding = detect_encoding(path)
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        head = "".join(islice(iter(lambda: file.readline(HEAD_PIECE), ""), HEAD_LINES))
    delimiter = max(DELIMITERS, key=lambda candidate: _regularity(head, candidate))
    grid = Grid(path, name, encoding=encoding, delimiter=delimiter)
    return [grid if _is_strictly_quoted(grid, name) else replace(grid, is_strict=False)]


def _refuse_workbook(path: Path, name: str) -> None:
    with path.open("rb") as file:
        head = file.read(512)
    if head.startswith((ZIP, OLE)):
        raise InputError(f"{name}: not CSV but a workbook or an archive: name it .xlsx, or save the table as CSV")


def _regularity(head: str, delimiter: str) -> tuple[float, int]:
    """The share of the first rows that have one and the same width above 1, and that width.

    A share and not a number: under a wrong delimiter each line of a text with line breaks is a row of its own.
    """
    widths = Counter(len(row) for row in csv.reader(head.splitlines(keepends=True), delimiter=delimiter) if row)
    rows = widths.total()
    return max(((count / rows, width) for width, count in widths.items() if width > 1), default=(0, 0))


def detect_encoding(path: Path) -> str:
    """`utf-8-sig` (with or without BOM), `utf-16` by its BOM or its zero bytes, else `windows-1252`."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    with path.open("rb") as file:
        head = file.read(1024)
        if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        # without its BOM: the letters of a header have their zero bytes at every second place
        for encoding, zeros in (("utf-16-le", head[1::2]), ("utf-16-be", head[0::2])):
            if len(head) >= 8 and zeros.count(0) > 0.9 * len(zeros):
                return encoding
        file.seek(0)
        try:
            while chunk := file.read(1 << 20):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "windows-1252"
    return "utf-8-sig"


@dataclass
class _Lines:
    """The lines of a file; InputError where a row grows beyond ROW_CHARACTERS."""

    file: TextIO
    name: str
    number: int = 0  # lines read
    begins_after: int = 0  # the line before the row
    characters: int = 0  # of the row

    def __iter__(self) -> Iterator[str]:
        while line := self.file.readline(ROW_CHARACTERS + 1):
            self.characters += len(line)
            if self.characters > ROW_CHARACTERS:
                raise InputError(
                    f"{self.name}: the row after line {self.begins_after} has more than {ROW_CHARACTERS:,} characters: "
                    "a quote before it is not closed, or it is no table; close the quote or get the file again"
                )
            self.number += line.endswith(("\n", "\r"))
            yield line

    def begin_row(self) -> None:
        """What follows is another row."""
        self.begins_after, self.characters = self.number, 0


def _csv_rows(grid: Grid) -> Iterator[NotedRow]:
    with grid.path.open(encoding=grid.encoding, errors="replace", newline="") as file:
        lines = _Lines(file, grid.name)
        reader = csv.reader(lines, delimiter=grid.delimiter, strict=grid.is_strict)
        line = 1
        for cells in reader:
            if len(cells) > ROW_CELLS:
                raise InputError(
                    f"{grid.name}: line {line} has {len(cells):,} cells, more than {ROW_CELLS:,}: "
                    "delete what stands to the right of the table, or get the file again"
                )
            lines.begin_row()
            yield line, cells, ""
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
        lines = _Lines(file, grid.name)
        for last in csv.reader(chain(lines, ["\n", end]), delimiter=grid.delimiter):  # noqa: B007
            lines.begin_row()
    return last == [end]
