"""`ogp.xlsx`: the public tables for people who work in a spreadsheet.

A copy to read; Parquet and CSV are exact. Raw, staging and quarantine tables are left out: they are the larger part,
and what is doubtful or refused stands in `meta.problems`. openpyxl is imported inside the functions that use it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from ogp_pipeline.dictionary import TableEntry
from ogp_pipeline.release.facts import SYNTHETIC_NOTICE, ReleaseFacts

if TYPE_CHECKING:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.worksheet._write_only import WriteOnlyWorksheet

SCHEMAS_SHOWN = ("metrics", "marts", "reference", "meta")
CONTENTS = "Contents"
# limits of the file format
SHEET_NAME_LENGTH = 31
ROWS_OF_A_SHEET = 1_048_576
CELL_LENGTH = 32_767
WHOLE_NUMBER_LIMIT = 10**15  # a spreadsheet keeps fifteen digits
FIRST_YEAR = 1900
# characters that XML cannot hold
IMPOSSIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
# a spreadsheet reads _x000D_ in a text as the character of that number
ESCAPE_LIKE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
# first characters of texts that would be taken for a formula or an error when typed in
FORMULA_LIKE = tuple("=+-@#\t")
ROWS_PER_FETCH = 5_000
CONTENTS_HEADER = ("sheet", "table", "rows", "what it holds", "before you use it", "not as in the table")
WIDTHS = (36, 36, 10, 70, 70, 50)
HOW_TO_READ = (
    "One sheet per table; the header row stays in view. Sheet meta.columns says what each column means.",
    "Every text is typed as text, so that no cell is a formula. An empty cell is a missing value or an empty text.",
    "Raw, staging and quarantine tables are in ogp.duckdb, parquet/ and csv/ only. Those are exact; in this workbook "
    "numbers have the fifteen digits that a spreadsheet keeps, characters that the format cannot hold are shown as "
    "\ufffd, a carriage return as a line break, and longer texts "
    f"are cut at {CELL_LENGTH:,} characters. The last column says where that happened.",
)


@dataclass
class _Changed:
    """How many cells of a sheet are not as they are in the table."""

    cut: int = 0
    replaced: int = 0

    def words(self, rows: int, rows_written: int) -> str:
        parts = []
        if rows_written < rows:
            parts.append(f"only the first {rows_written:,} of {rows:,} rows fit into a sheet")
        if self.cut:
            parts.append(f"{self.cut} cells cut")
        if self.replaced:
            parts.append(f"{self.replaced} cells with characters replaced")
        return "; ".join(parts)


def write_workbook(
    connection: duckdb.DuckDBPyConnection, facts: ReleaseFacts, tables: Sequence[TableEntry], path: Path
) -> Path:
    """Write the tables of SCHEMAS_SHOWN, each as a sheet, behind a sheet that lists them."""
    from openpyxl import Workbook

    workbook = Workbook(write_only=True)
    workbook.properties.creator = "ogp_pipeline"
    workbook.properties.title = facts.marked(f"OGP data, release {facts.release_id}")
    contents = _contents(workbook, facts)
    order = {schema: position for position, schema in enumerate(SCHEMAS_SHOWN)}
    shown = sorted((t for t in tables if t.schema in order), key=lambda t: (order[t.schema], t.table))
    names = sheet_names([table.name for table in shown])
    for table in shown:
        sheet = workbook.create_sheet(names[table.name])
        rows, note = _write_sheet(connection, sheet, table)
        contents.append(
            [
                _text(contents, text) if isinstance(text, str) else text
                for text in (names[table.name], table.name, rows, table.description, table.usage_warning, note)
            ]
        )
    workbook.save(path)
    return path


def sheet_names(tables: Sequence[str]) -> dict[str, str]:
    """A name for the sheet of each table: its own, else what fits of it and a number."""
    names: dict[str, str] = {}
    taken = {CONTENTS.lower()}
    for table in tables:
        name, number = table[:SHEET_NAME_LENGTH], 1
        while name.lower() in taken or (len(table) > SHEET_NAME_LENGTH and number == 1):
            number += 1
            ending = f"~{number - 1}"
            name = table[: SHEET_NAME_LENGTH - len(ending)] + ending
        names[table] = name
        taken.add(name.lower())
    return names


def _contents(workbook: Any, facts: ReleaseFacts) -> WriteOnlyWorksheet:
    sheet = workbook.create_sheet(CONTENTS)
    for letter, width in zip("ABCDEF", WIDTHS, strict=True):
        sheet.column_dimensions[letter].width = width
    lines = [facts.marked(f"Open Government Partnership data, release {facts.release_id}")]
    lines += [SYNTHETIC_NOTICE] if facts.is_synthetic else []
    for line in (*lines, *HOW_TO_READ):
        sheet.append([_text(sheet, line)])
    sheet.append([])
    sheet.append(
        _header(sheet, ("sheet", "table", "rows", "what it holds", "before you use it", "not as in the table"))
    )
    return sheet


def _write_sheet(
    connection: duckdb.DuckDBPyConnection, sheet: WriteOnlyWorksheet, table: TableEntry
) -> tuple[int, str]:
    """Fill a sheet; the rows of the table, and in words what of it the sheet does not hold as it is."""
    sheet.freeze_panes = "A2"
    changed = _Changed()
    sheet.append(_header(sheet, [column.name for column in table.columns]))
    cursor = connection.execute(f"from {table.name}")
    rows = written = 0
    while some := cursor.fetchmany(ROWS_PER_FETCH):
        rows += len(some)
        for row in some[: ROWS_OF_A_SHEET - 1 - written]:
            sheet.append([_cell(sheet, value, changed) for value in row])
            written += 1
    return rows, changed.words(rows, written)


def _header(sheet: WriteOnlyWorksheet, names: Sequence[str]) -> list[WriteOnlyCell]:
    from openpyxl.styles import Font

    cells = [_as_text_cell(sheet, possible_text(name)[0]) for name in names]
    for cell in cells:
        cell.font = Font(bold=True)
    return cells


def _cell(sheet: WriteOnlyWorksheet, value: Any, changed: _Changed) -> Any:
    """A value as the sheet takes it: numbers, dates and truth values as such, everything else as text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < WHOLE_NUMBER_LIMIT else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, date):  # datetime is one too
        return value if value.year >= FIRST_YEAR else value.isoformat()
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return _text(sheet, text, changed)


def _text(sheet: WriteOnlyWorksheet, text: str, changed: _Changed | None = None) -> Any:
    shown, is_cut, is_replaced = possible_text(text)
    if changed:
        changed.cut += is_cut
        changed.replaced += is_replaced
    # openpyxl takes any other text for what it is
    return _as_text_cell(sheet, shown) if shown.startswith(FORMULA_LIKE) else shown


def possible_text(text: str) -> tuple[str, bool, bool]:
    """A text that a cell can hold, and whether it had to be cut, and characters replaced."""
    shown = IMPOSSIBLE.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))
    is_replaced = IMPOSSIBLE.search(text) is not None
    shown = ESCAPE_LIKE.sub("_x005F_", shown)
    return shown[:CELL_LENGTH], len(shown) > CELL_LENGTH, is_replaced


def _as_text_cell(sheet: WriteOnlyWorksheet, text: str) -> WriteOnlyCell:
    """A cell that is text whatever it begins with, also after somebody has edited it."""
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(sheet, value=text)
    cell.data_type = "s"
    cell.quotePrefix = text.startswith(FORMULA_LIKE)
    return cell
