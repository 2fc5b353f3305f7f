"""A table as a CSV file that gives back every value exactly, and the schema by which it is read.

The rules, which `datapackage.json` repeats for each column:
- UTF-8, comma, lines end with a line feed, a quote inside quotes is doubled. Line breaks inside a cell are kept.
- NULL is an empty cell without quotes, an empty text is `""`. Where a column holds both, or is its table's only one,
  NULL is written `\\N` (with more backslashes, should that text be there), for many readers do not tell them apart.
- A number with a fraction has the fewest digits that give it back; then `NaN`, `INF` and `-INF`.
- Dates are `2024-03-01`, times `2024-03-01T12:30:00.000000` in UTC, truth is `true` or `false`, a list is JSON.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from ogp_pipeline.dictionary import ColumnEntry, TableEntry
from ogp_pipeline.store import literal, quoted

WHOLE_NUMBERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"}
FRACTIONS = {"DOUBLE", "FLOAT"}
# DuckDB type -> type of a Table Schema field; all others pass as text
FIELD_TYPES = {
    **dict.fromkeys(WHOLE_NUMBERS, "integer"),
    **dict.fromkeys(FRACTIONS, "number"),
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIMESTAMP": "datetime",
}
DIALECT = {
    "delimiter": ",",
    "lineTerminator": "\n",
    "quoteChar": '"',
    "doubleQuote": True,
    "skipInitialSpace": False,
    "header": True,
    "caseSensitiveHeader": True,
}


def field_type(kind: str) -> str:
    """The Table Schema type of a DuckDB type: `VARCHAR[]` -> `array`."""
    if kind.endswith("]"):
        return "array"
    if kind.startswith(("STRUCT", "MAP")):
        return "object"
    return "number" if kind.startswith("DECIMAL") else FIELD_TYPES.get(kind, "string")


def write_csv(connection: duckdb.DuckDBPyConnection, table: TableEntry, path: Path) -> dict[str, list[str]]:
    """Write one table of the release; for each column the texts that mean NULL (Table Schema's missingValues)."""
    missing = {column.name: [""] for column in table.columns} | _missing_values(connection, table)
    cells = ", ".join(_cell(column, missing[column.name]) for column in table.columns)
    connection.execute(
        f"copy (select {cells} from {table.name}) to {literal(path.as_posix())} "
        "(format csv, header true, delimiter ',', quote '\"', escape '\"', nullstr '')"
    )
    return missing


def _missing_values(connection: duckdb.DuckDBPyConnection, table: TableEntry) -> dict[str, list[str]]:
    """What means NULL in the columns in which an empty cell does not."""
    is_alone = len(table.columns) == 1
    asked = [column for column in table.columns if is_alone or field_type(column.type) == "string"]
    # most layouts are absent from most releases
    if not asked or not connection.execute(f"select count(*) from {table.name}").fetchone()[0]:
        return {}
    counts = ", ".join(f"count_if({_text(column)} = ''), count_if({quoted(column.name)} is null)" for column in asked)
    found = connection.execute(f"select {counts} from {table.name}").fetchone()
    values = {}
    for column, empty, nulls in zip(asked, found[::2], found[1::2], strict=True):
        if nulls and (empty or is_alone):
            values[column.name] = [_unused_marker(connection, table, column)]
        elif empty:
            values[column.name] = []
    return values


def _unused_marker(connection: duckdb.DuckDBPyConnection, table: TableEntry, column: ColumnEntry) -> str:
    marker = "\\N"
    while connection.execute(f"select count(*) from {table.name} where {_text(column)} = {literal(marker)}").fetchone()[
        0
    ]:
        marker = "\\" + marker
    return marker


def _cell(column: ColumnEntry, missing: list[str]) -> str:
    text = _text(column)
    if missing not in ([""], []):
        text = f"coalesce({text}, {literal(missing[0])})"
    return f"{text} as {quoted(column.name)}"


def _text(column: ColumnEntry) -> str:
    """The SQL expression of a column's cells as text."""
    name = quoted(column.name)
    kind = field_type(column.type)
    if kind in ("array", "object"):
        return f"to_json({name})::varchar"
    if kind == "datetime":
        return f"strftime({name}, '%Y-%m-%dT%H:%M:%S.%f')"
    if column.type in FRACTIONS:
        return (
            f"case when isnan({name}) then 'NaN' when {name} = 'inf'::double then 'INF' "
            f"when {name} = '-inf'::double then '-INF' else {name}::varchar end"
        )
    return f"{name}::varchar"
