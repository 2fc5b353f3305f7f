"""Builds the reference tables: the facts and code lists of `ogp_pipeline/reference/*.csv`."""

from __future__ import annotations

import duckdb

from ogp_pipeline.building import Workshop
from ogp_pipeline.models import Model
from ogp_pipeline.settings import PACKAGE_DIR
from ogp_pipeline.store import literal, quoted


def read(connection: duckdb.DuckDBPyConnection, model: Model, workshop: Workshop) -> str:
    """One reference table from the CSV file of its name; an empty cell is NULL.

    The file's header must name the contract's columns, so an edit that drops one fails here.
    """
    path = PACKAGE_DIR / "reference" / f"{model.table}.csv"
    columns = ", ".join(
        f"nullif({quoted(name)}, '')::{column.type} as {quoted(name)}"
        for name, column in model.contract.columns.items()
    )
    source = f"read_csv({literal(path.as_posix())}, header = true, all_varchar = true, quote = '\"', escape = '\"')"
    return f"select {columns} from {source}"
