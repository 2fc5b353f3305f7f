"""The data dictionary as a part of the report: what `templates/sections/dictionary.html` is filled in with."""

from __future__ import annotations

from typing import Any

import duckdb

from ogp_pipeline.dictionary import SCHEMA_WORDS, entries_of_release
from ogp_pipeline.models import SCHEMAS

# people look for an answer first and for the line of the official file last
ORDER = ("metrics", "marts", "reference", "meta", "staging", "quarantine", "raw")


def dictionary_context(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """The variable `dictionary` of the template, from a connection that sees a release's `meta` under that name.

    `schemas` is a list of {name, words, tables}, each table a `TableEntry` with its number of `rows`.
    """
    tables = entries_of_release(connection)
    rows = dict(
        connection.execute("select table_schema || '.' || table_name, rows from meta.tables order by all").fetchall()
    )
    schemas = [
        {
            "name": schema,
            "words": SCHEMA_WORDS[schema],
            "tables": [{"entry": table, "rows": rows[table.name]} for table in tables if table.schema == schema],
        }
        for schema in sorted(SCHEMAS, key=ORDER.index)
    ]
    return {
        "schemas": [schema for schema in schemas if schema["tables"]],
        "table_count": len(tables),
        "column_count": sum(len(table.columns) for table in tables),
    }
