"""One look through the XML of a workbook, before it is trusted to the reader of cells.

Refuses what could cost memory or drop cells unseen, and notes what the reader of cells does not tell: merged
cells and formulas without a value.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import IO
from xml.parsers import expat

LAST_ROW, LAST_COLUMN = 1_048_576, 16_384  # of the file format (ECMA-376, part 1, 18.3.1.73 and 18.3.1.4)
DEEPEST = 64  # elements within elements; a sheet needs 8
# Blank cells that the reader makes up before cells that stand far away: a second for each million. The real files have
# 2,000 rows of 171 columns; a cell at the end of every row would make a thousand million of nothing.
MOST_GAPS = 5_000_000
MOST_MERGES = 10_000  # merged over rows; each costs time on every row it covers


class DamagedError(Exception):
    """Why a workbook cannot be read."""


@dataclass(frozen=True)
class Merge:
    """A cell merged over several rows, by its first column."""

    first_row: int
    last_row: int
    column: int  # from 1
    letters: str


def check_xml(source: IO[bytes]) -> None:
    """Read one part to its end: well-formed, no document type (it could define entities without end), not deep."""
    _Scan().read(source)


class _Scan:
    """Counts the depth and refuses document types; subclasses look at the elements by their local names."""

    def __init__(self) -> None:
        self._depth = 0

    def read(self, source: IO[bytes]) -> None:
        """Read a part to its end, in pieces."""
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._open
        parser.EndElementHandler = self._close
        parser.CharacterDataHandler = self._characters()
        while piece := source.read(1 << 16):
            parser.Parse(piece)
        parser.Parse(b"", True)

    def _doctype(self, *_: object) -> None:
        raise DamagedError("a document type in its XML, which a workbook must not have")

    def _open(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise DamagedError(f"elements nested more than {DEEPEST} deep")
        self.start(name.rpartition(" ")[2], attributes)

    def _close(self, name: str) -> None:
        self._depth -= 1
        self.end(name.rpartition(" ")[2])

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""

    def end(self, name: str) -> None:
        """An element ends."""

    def _characters(self):
        return None


class SheetScan(_Scan):
    """One sheet. `recalculates`: the workbook says its stored values are to be computed anew when it is opened."""

    def __init__(self, recalculates: bool) -> None:
        super().__init__()
        self.recalculates = recalculates
        self.merges: list[Merge] = []
        self.uncalculated: dict[int, list[str]] = defaultdict(list)
        self._is_among_rows = False  # drawings, too, have elements called row
        self._row = self._column = self._gaps = 0
        self._kind = ""
        self._is_formula = self._has_value = self._in_value = False
        self._value = ""

    def uncalculated_cells(self) -> dict[int, tuple[str, ...]]:
        """Row -> the cells in it whose formula was never calculated."""
        return {row: tuple(cells) for row, cells in self.uncalculated.items()}

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Rows and cells must come in their order: the reader of cells drops those that do not."""
        if name == "mergeCell":
            self._merge(attributes.get("ref", ""))
        elif name == "sheetData":
            self._is_among_rows = True
        elif not self._is_among_rows:
            return
        elif name == "c":
            reference = attributes.get("r")
            column = _column(reference) if reference else self._column + 1
            if not self._column < column <= LAST_COLUMN:
                raise DamagedError(f"the cell {reference or column} in row {self._row} is out of order or no cell")
            self._gap(column - self._column - 1)
            self._column = column
            self._kind = attributes.get("t", "n")
            self._is_formula = self._has_value = False
            self._value = ""
        elif name == "v":
            self._has_value = self._in_value = True
        elif name == "f":
            self._is_formula = True
        elif name == "row":
            row = _whole(attributes["r"]) if "r" in attributes else self._row + 1
            if not self._row < row <= LAST_ROW:
                raise DamagedError(f"the row {row} after row {self._row} is out of order or no row")
            self._gap(row - self._row - 1)
            self._row, self._column = row, 0

    def end(self, name: str) -> None:
        """A formula without a value was never calculated, nor was a 0 that the workbook wants computed anew."""
        if name == "v":
            self._in_value = False
        elif name == "sheetData":
            self._is_among_rows = False
        elif name == "c" and self._is_formula and self._is_among_rows:
            is_empty_text = self._kind == "str" and self._has_value
            if (not self._value and not is_empty_text) or (self.recalculates and self._value == "0"):
                self.uncalculated[self._row].append(f"{letters(self._column)}{self._row}")

    def _characters(self):
        def add(text: str) -> None:
            if self._in_value and self._is_formula:
                self._value += text

        return add

    def _gap(self, blanks: int) -> None:
        self._gaps += blanks
        if self._gaps > MOST_GAPS:
            raise DamagedError(
                f"more than {MOST_GAPS:,} blank cells before others in row {self._row}, delete what stands to the "
                "right of the table and below it"
            )

    def _merge(self, reference: str) -> None:
        first, _, last = reference.partition(":")
        first_row, last_row = _row(first), _row(last or first)
        if last_row > first_row:
            column = _column(first)
            self.merges.append(Merge(first_row, last_row, column, letters(column)))
        if len(self.merges) > MOST_MERGES:
            raise DamagedError(f"more than {MOST_MERGES:,} cells merged over several rows, unmerge them")


def letters(column: int) -> str:
    """The letters of a column: 28 -> `AB`."""
    text = ""
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(65 + rest) + text
    return text


def _column(reference: str) -> int:
    name = reference.replace("$", "").rstrip("0123456789").upper()
    if not (1 <= len(name) <= 3 and name.isascii() and name.isalpha()):
        raise DamagedError(f"{reference[:40]!r} is no cell")
    column = 0
    for letter in name:
        column = column * 26 + ord(letter) - 64
    return column


def _row(reference: str) -> int:
    return _whole(reference.replace("$", "").lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"))


def _whole(text: str) -> int:
    number = float(text) if len(text) < 20 else -1.0
    if not number.is_integer():
        raise DamagedError(f"{text!r} is no row")
    return int(number)
