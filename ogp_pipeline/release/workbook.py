"""`ogp.xlsx`: the public tables for people who work in a spreadsheet.

A copy to read; Parquet and CSV are exact. Raw, staging and quarantine tables are left out: they are the larger part,
and what is doubtful or refused stands in `meta.problems`. How the file is written is `spreadsheet`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from ogp_pipeline.dictionary import TableEntry
from ogp_pipeline.release.facts import SYNTHETIC_NOTICE, ReleaseFacts
from ogp_pipeline.release.spreadsheet import (
    BOLD,
    CELL_LENGTH,
    ROWS_OF_A_SHEET,
    SHEET_NAME_LENGTH,
    Changed,
    SpreadsheetFile,
    spreadsheet,
)

SCHEMAS_SHOWN = ("metrics", "marts", "reference", "meta")
CONTENTS = "Contents"
# Sixteen times the largest table of 1,600 commitments, or 40,000 commitments. Beyond it a sheet is 100 MB of XML,
# which takes a spreadsheet minutes to open and a release longer to write than all of its other files.
CELLS_OF_A_SHEET = 2_000_000
ROWS_PER_FETCH = 5_000
CONTENTS_HEADER = ("sheet", "table", "rows", "what it holds", "before you use it", "not as in the table")
WIDTHS = (36, 36, 10, 70, 70, 50)
HOW_TO_READ = (
    "One sheet per table; the header row stays in view. Sheet meta.columns says what each column means.",
    "Every text is typed as text, so that no cell is a formula. An empty cell is a missing value or an empty text.",
    "Raw, staging and quarantine tables are in ogp.duckdb, parquet/ and csv/ only. Those are exact; in this workbook "
    "numbers have the fifteen digits that a spreadsheet keeps, characters that the format cannot hold are shown as "
    "\ufffd, a carriage return as a line break, and longer texts "
    f"are cut at {CELL_LENGTH:,} characters. The last column says where that happened, and which tables are too large "
    "for a sheet.",
)


def write_workbook(
    connection: duckdb.DuckDBPyConnection, facts: ReleaseFacts, tables: Sequence[TableEntry], path: Path
) -> Path:
    """Write the tables of SCHEMAS_SHOWN, each as a sheet, behind a sheet that lists them.

    A table that is too large for a sheet has none, and the list says where it is.
    """
    order = {schema: position for position, schema in enumerate(SCHEMAS_SHOWN)}
    shown = sorted((t for t in tables if t.schema in order), key=lambda t: (order[t.schema], t.table))
    rows = {t.name: connection.execute(f"select count(*) from {t.name}").fetchone()[0] for t in shown}
    fitting = [table for table in shown if _fits(rows[table.name], len(table.columns))]
    names = sheet_names([table.name for table in fitting])
    title = facts.marked(f"OGP data, release {facts.release_id}")
    with spreadsheet(path, [CONTENTS, *names.values()], title, facts.published_at) as file:
        changed = {table.name: _write_sheet(connection, file, names[table.name], table) for table in fitting}
        lines = []
        for table in shown:
            sheet = names.get(table.name)
            note = _note(changed[table.name]) if sheet else _left_out(table, rows[table.name])
            lines.append((sheet, table.name, rows[table.name], table.description, table.usage_warning, note))
        _write_contents(file, facts, lines)
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


def _fits(rows: int, columns: int) -> bool:
    """Whether a sheet can hold a table below its header."""
    return rows < ROWS_OF_A_SHEET and rows * columns <= CELLS_OF_A_SHEET


def _left_out(table: TableEntry, rows: int) -> str:
    return f"left out: {rows:,} rows of {len(table.columns)} columns are too many; see csv/{table.name}.csv"


def _note(changed: Changed) -> str | None:
    parts = [f"{changed.cut} cells cut"] if changed.cut else []
    parts += [f"{changed.replaced} cells with characters replaced"] if changed.replaced else []
    return "; ".join(parts) or None


def _write_sheet(connection: duckdb.DuckDBPyConnection, file: SpreadsheetFile, name: str, table: TableEntry) -> Changed:
    """Write the sheet of a table; what of it is not as in the table."""
    with file.sheet(name, frozen=True) as sheet:
        sheet.write([[column.name for column in table.columns]], BOLD)
        cursor = connection.execute(f"from {table.name}")
        while some := cursor.fetchmany(ROWS_PER_FETCH):
            sheet.write(some)
        return sheet.changed


def _write_contents(file: SpreadsheetFile, facts: ReleaseFacts, lines: Sequence[Sequence[object]]) -> None:
    head = [facts.marked(f"Open Government Partnership data, release {facts.release_id}")]
    head += [SYNTHETIC_NOTICE] if facts.is_synthetic else []
    with file.sheet(CONTENTS, widths=WIDTHS) as sheet:
        sheet.write([[line] for line in (*head, *HOW_TO_READ)])
        sheet.write([[]])
        sheet.write([CONTENTS_HEADER], BOLD)
        sheet.write(lines)
