"""An XLSX file written cell by cell: what a cell can hold, what a sheet looks like, what the archive consists of.

Which tables are written belongs to `workbook`. Written by hand because a release has some hundred thousand cells and
one of them costs openpyxl ten times as much. The format: ECMA-376, parts 1 and 2.
"""

from __future__ import annotations

import json
import math
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import IO, Any
from xml.sax.saxutils import escape, quoteattr

# limits of the file format
SHEET_NAME_LENGTH = 31
ROWS_OF_A_SHEET = 1_048_576
CELL_LENGTH = 32_767
WHOLE_NUMBER_LIMIT = 10**15  # a spreadsheet keeps fifteen digits
DAY_ZERO = date(1899, 12, 30)  # days are counted from here; right from March 1900 on
FIRST_TRUE_DAY = date(1900, 3, 1)  # the format has a 29 February 1900
# characters that XML cannot hold
IMPOSSIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
# a spreadsheet reads _x000D_ in a text as the character of that number
ESCAPE_LIKE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
# first characters of texts that would be taken for a formula or an error when typed in
FORMULA_LIKE = tuple("=+-@#\t")
# what makes a text more than its characters: most cells have none of it
NEEDS_CARE = re.compile(r"[&<>\x00-\x1f\ufffe\uffff]|_x|^[=+\-@#\s]|\s$")
COMPRESSION = 3  # the usual 6 takes 1.3 times as long for a file of 0.9 times the size
BOLD, DAY, TIME, QUOTED = 1, 2, 3, 4  # the styles of STYLES, by position
TEXTS_REMEMBERED = 50_000  # codes, ids and names stand in thousands of cells
LONGEST_REMEMBERED = 60  # characters
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
STYLES = (
    f'<styleSheet xmlns="{MAIN}"><numFmts count="2"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/>'
    '<numFmt numFmtId="165" formatCode="yyyy\\-mm\\-dd\\ h:mm:ss"/></numFmts>'
    '<fonts count="2"><font><sz val="11"/><name val="Calibri"/><family val="2"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/><family val="2"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    '</fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="5">'
    '<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/>'
    '<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="165" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0" quotePrefix="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)


@dataclass
class Changed:
    """How many cells of a sheet are not as they were given."""

    cut: int = 0
    replaced: int = 0


@dataclass
class Sheet:
    """A sheet that is being written; rows are counted from 1."""

    file: IO[bytes]
    changed: Changed = field(default_factory=Changed)
    rows: int = 0
    _known: dict[str, str] = field(default_factory=dict)

    def write(self, rows: Iterable[Sequence[Any]], style: int = 0) -> None:
        """Add rows: numbers, dates and truth values as such, else text; None and empty text have no cell."""
        parts: list[str] = []
        columns: list[str] = []
        number = self.rows
        for row in rows:
            number += 1
            while len(columns) < len(row):
                columns.append(f'<c r="{column_letters(len(columns))}')
            parts.append(f'<row r="{number}">')
            parts += [
                f"{column}{number}{self._cell(value, style)}"
                for column, value in zip(columns, row, strict=False)
                if value is not None and value != ""
            ]
            parts.append("</row>")
        self.rows = number
        self.file.write("".join(parts).encode())

    def _cell(self, value: Any, style: int) -> str:
        """What follows the address of a cell."""
        kind = type(value)
        if kind is str:
            return (not style and self._known.get(value)) or self._text(value, style)
        if kind is bool:
            return f'" t="b"><v>{value:d}</v></c>'
        if kind is int:
            return f'"><v>{value}</v></c>' if abs(value) < WHOLE_NUMBER_LIMIT else self._text(str(value), style)
        if kind is float:
            return f'"><v>{value!r}</v></c>' if math.isfinite(value) else self._text(str(value), style)
        if kind is datetime and value.tzinfo is None and value.date() >= FIRST_TRUE_DAY:
            days = (value - datetime.combine(DAY_ZERO, time())) / timedelta(days=1)
            return f'" s="{TIME}"><v>{days!r}</v></c>'
        if kind is date and value >= FIRST_TRUE_DAY:
            return f'" s="{DAY}"><v>{(value - DAY_ZERO).days}</v></c>'
        if isinstance(value, date):
            return self._text(value.isoformat(), style)
        return self._text(json.dumps(value, ensure_ascii=False, default=str), style)

    def _text(self, text: str, style: int) -> str:
        """A cell that is text whatever it begins with, also after somebody has edited it."""
        if len(text) <= CELL_LENGTH and not NEEDS_CARE.search(text):
            cell = f'" s="{style}" t="inlineStr"><is><t>{text}</t></is></c>' if style else _plain(text)
            if not style and len(text) <= LONGEST_REMEMBERED and len(self._known) < TEXTS_REMEMBERED:
                self._known[text] = cell
            return cell
        shown, is_cut, is_replaced = possible_text(text)
        self.changed.cut += is_cut
        self.changed.replaced += is_replaced
        if shown.startswith(FORMULA_LIKE) and not style:
            style = QUOTED
        return f'" s="{style}" t="inlineStr"><is><t xml:space="preserve">{escape(shown)}</t></is></c>'


def _plain(text: str) -> str:
    return f'" t="inlineStr"><is><t>{text}</t></is></c>'


def possible_text(text: str) -> tuple[str, bool, bool]:
    """A text that a cell can hold, and whether it had to be cut, and characters replaced."""
    shown = IMPOSSIBLE.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))
    is_replaced = IMPOSSIBLE.search(text) is not None
    shown = ESCAPE_LIKE.sub("_x005F_", shown)
    return shown[:CELL_LENGTH], len(shown) > CELL_LENGTH, is_replaced


def column_letters(position: int) -> str:
    """The letters of a column from its position: 0 -> A, 26 -> AA."""
    letters = ""
    position += 1
    while position:
        position, rest = divmod(position - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


@dataclass(frozen=True)
class SpreadsheetFile:
    """An XLSX file that is being written. Its sheets stand in the order of `names`, however they are written."""

    archive: zipfile.ZipFile
    names: Sequence[str]

    @contextmanager
    def sheet(self, name: str, widths: Sequence[int] = (), frozen: bool = False) -> Iterator[Sheet]:
        """Write a sheet; `widths` of its first columns in characters, `frozen`: its first row stays in view."""
        pane = (
            '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/><selection pane="bottomLeft"/>'
            if frozen
            else ""
        )
        columns = "".join(
            f'<col min="{number}" max="{number}" width="{width}" customWidth="1"/>'
            for number, width in enumerate(widths, start=1)
        )
        head = (
            f'{DECLARATION}<worksheet xmlns="{MAIN}"><sheetViews><sheetView workbookViewId="0">{pane}</sheetView>'
            f"</sheetViews>{f'<cols>{columns}</cols>' if columns else ''}<sheetData>"
        )
        # opened by its name, for then the archive does not hold the time
        with self.archive.open(f"xl/worksheets/sheet{self.names.index(name) + 1}.xml", "w") as file:
            file.write(head.encode())
            yield Sheet(file)
            file.write(b"</sheetData></worksheet>")


@contextmanager
def spreadsheet(path: Path, names: Sequence[str], title: str, created: str) -> Iterator[SpreadsheetFile]:
    """Write an XLSX file with sheets of these names; `created` is an ISO time in UTC. Equal content, equal bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=COMPRESSION) as archive:
        yield SpreadsheetFile(archive, names)
        for name, content in _parts(names, title, created).items():
            with archive.open(name, "w") as file:
                file.write((DECLARATION + content).encode())


def _parts(names: Sequence[str], title: str, created: str) -> Mapping[str, str]:
    """The files of the archive beside its sheets."""
    numbers = range(1, len(names) + 1)
    types = f"{OFFICE}/relationships"
    sheet_type = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    overrides = {
        "/xl/workbook.xml": f"{sheet_type}.sheet.main+xml",
        "/xl/styles.xml": f"{sheet_type}.styles+xml",
        "/docProps/core.xml": "application/vnd.openxmlformats-package.core-properties+xml",
        **{f"/xl/worksheets/sheet{number}.xml": f"{sheet_type}.worksheet+xml" for number in numbers},
    }
    return {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        + "".join(f'<Override PartName="{part}" ContentType="{kind}"/>' for part, kind in overrides.items())
        + "</Types>",
        "_rels/.rels": _relationships(
            {
                "rId1": (f"{types}/officeDocument", "xl/workbook.xml"),
                "rId2": (f"{PACKAGE}/relationships/metadata/core-properties", "docProps/core.xml"),
            }
        ),
        "xl/_rels/workbook.xml.rels": _relationships(
            {f"rId{number}": (f"{types}/worksheet", f"worksheets/sheet{number}.xml") for number in numbers}
            | {f"rId{len(names) + 1}": (f"{types}/styles", "styles.xml")}
        ),
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{types}"><bookViews><workbookView/></bookViews><sheets>'
        + "".join(
            f'<sheet name={quoteattr(name)} sheetId="{number}" r:id="rId{number}"/>'
            for number, name in zip(numbers, names, strict=True)
        )
        + "</sheets></workbook>",
        "xl/styles.xml": STYLES,
        "docProps/core.xml": f'<cp:coreProperties xmlns:cp="{PACKAGE}/metadata/core-properties" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<dc:title>{escape(title)}</dc:title><dc:creator>ogp_pipeline</dc:creator>"
        f'<dcterms:created xsi:type="dcterms:W3CDTF">{escape(created)}</dcterms:created></cp:coreProperties>',
    }


def _relationships(entries: Mapping[str, tuple[str, str]]) -> str:
    lines = (f'<Relationship Id="{name}" Type="{kind}" Target="{target}"/>' for name, (kind, target) in entries.items())
    return f'<Relationships xmlns="{PACKAGE}/relationships">{"".join(lines)}</Relationships>'
