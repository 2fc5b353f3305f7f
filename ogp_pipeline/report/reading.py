"""Reads a release for the report: rows as dictionaries, and None for a table that this release does not have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from ogp_pipeline.release.facts import release_session

Row = Mapping[str, Any]
ROWS_PER_FETCH = 2_000


@dataclass(frozen=True)
class ReleaseReader:
    """A release, open for reading. Tables that older releases lack are None, which the page says in words."""

    connection: duckdb.DuckDBPyConnection
    columns: Mapping[str, tuple[str, ...]]  # schema.table -> its columns

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """The rows of a query over tables that every release has."""
        cursor = self.connection.execute(sql, list(parameters))
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def each_row(self, sql: str) -> Iterator[Row]:
        """The same one after the other, beside other queries; few of them are held at a time."""
        with self.connection.cursor() as cursor:
            cursor.execute("use release")
            cursor.execute(sql)
            names = [column[0] for column in cursor.description]
            while some := cursor.fetchmany(ROWS_PER_FETCH):
                yield from (dict(zip(names, row, strict=True)) for row in some)

    def value(self, sql: str) -> Any:
        """The first value of a query."""
        return self.connection.execute(sql).fetchone()[0]

    def has(self, *tables: str) -> bool:
        """Whether the release has all of these tables."""
        return all(table in self.columns for table in tables)

    def rows_of(self, table: str, sql: str) -> list[Row] | None:
        """The rows of a query over `table`; None where the release does not have the table."""
        return self.rows(sql) if self.has(table) else None


@contextmanager
def open_release(database: Path) -> Iterator[ReleaseReader]:
    """Open the DuckDB file of a release, read only."""
    with release_session(database) as connection:
        found = connection.execute(
            "select schema_name || '.' || table_name, list(column_name order by column_index) "
            "from duckdb_columns() where database_name = 'release' group by all"
        ).fetchall()
        yield ReleaseReader(connection, {table: tuple(columns) for table, columns in found})
