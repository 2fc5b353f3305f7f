"""What may have caused a change: the input, the program, the reference tables.

Judged for each table by the hashes of the code and the fingerprints of the reference tables it is made from, and
for each row by whether the rows of the official files it comes from are the same in both releases.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import duckdb

from ogp_pipeline.models import Catalog, Model
from ogp_pipeline.store import TableState, quoted

# Packages that build or check a release and compute no value in it.
NOT_COMPUTING = {"ogp-pipeline", "dagster", "great-expectations"}
Layout = Mapping[str, Mapping[str, str]]  # table -> column -> type


@dataclass(frozen=True)
class Made:
    """How a release was made: by table its fingerprint and the hash of all code behind it; package -> version.

    `release_id` is empty while the release is a candidate.
    """

    release_id: str
    fingerprints: Mapping[str, str | None]
    code_hashes: Mapping[str, str | None]
    versions: Mapping[str, str]


def made_now(catalog: Catalog, states: Mapping[str, TableState], versions: Mapping[str, str]) -> Made:
    """How the candidate is made, before its own `meta` says so."""
    return Made(
        "",
        {model.name: states[model.name].fingerprint for model in catalog.public},
        {model.name: catalog.whole_code_hash(model.name) for model in catalog.public},
        versions,
    )


def made_before(connection: duckdb.DuckDBPyConnection, database: str) -> Made:
    """How an attached release was made. Where one of older code has no hash of a table, its code may have changed."""
    columns = {row[0] for row in connection.execute(f"describe {database}.meta.tables").fetchall()}
    code_hash = "code_hash" if "code_hash" in columns else "null"
    rows = connection.execute(
        f"select table_schema || '.' || table_name, fingerprint, {code_hash} from {database}.meta.tables"
    ).fetchall()
    release_id, versions = connection.execute(
        f"select release_id, versions from {database}.meta.releases order by release_id desc limit 1"
    ).fetchone()
    return Made(release_id, {n: f for n, f, _ in rows}, {n: c for n, _, c in rows}, json.loads(versions))


@dataclass(frozen=True)
class Suspects:
    """What may have changed a table."""

    source: bool
    code: bool
    reference: bool

    @property
    def needs_rows(self) -> bool:
        """Several may have changed the table: which of them changed a row, the rows of the sources tell."""
        return self.source and (self.code or self.reference)

    def cause(self, by_source: str) -> str:
        """The SQL of the cause, where `by_source` is the SQL of whether an edit of the input may be it."""
        if not (self.code or self.reference):
            return "'source'"
        other = "mixed" if self.code and self.reference else "code" if self.code else "reference"
        return f"case when {by_source} then 'mixed' else '{other}' end"


def suspects(catalog: Catalog, model: Model, now: Made, before: Made) -> Suspects:
    """What may have changed a table; a reference table holds facts of reference alone."""
    if model.schema == "reference":
        return Suspects(source=False, code=False, reference=True)
    behind = [name for name in catalog.made_from(model.name) if catalog[name].schema == "reference"]
    computing = set(now.versions) & set(before.versions) - NOT_COMPUTING
    old_hash = before.code_hashes.get(model.name)
    return Suspects(
        source=True,
        code=old_hash is None
        or old_hash != now.code_hashes.get(model.name)
        or any(now.versions[package] != before.versions[package] for package in computing),
        reference=any(
            now.fingerprints.get(name) != before.fingerprints.get(name)
            for name in behind
            if not catalog[name].contract.private
        ),
    )


class SourceRows:
    """Which rows of the official files, and which ids through them, differ between `release` and `earlier`.

    A row is the same where its file is, byte for byte and row by row, else where all of its cells are; in both
    cases only where sources.yml says the same of its file. Names of files do not matter, nor does their order.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, catalog: Catalog, now: Layout, before: Layout) -> None:
        self.connection = connection
        self.catalog = catalog
        self.sides = {"release": now, "earlier": before}
        self.touched: dict[tuple[str, tuple[str, ...]], str] = {}
        self.edited = self._edited_layouts()

    def may_have_changed(self, model: Model, row: str, rows_from: Mapping[str, tuple[str, ...]]) -> str:
        """The SQL of whether an edit of the input may have changed the row `row`."""
        if not rows_from:
            behind = {
                self.catalog[name].table for name in self.catalog.made_from(model.name) if name.startswith("raw.")
            }
            return "true" if behind & self.edited else "false"
        tests = []
        for staged, columns in rows_from.items():
            ids = ", ".join(f"{row}.{quoted(column)}" for column in columns)
            names = ", ".join(quoted(column) for column in columns)
            tests.append(f"coalesce(({ids}) in (select ({names}) from {self._touched(staged, columns)}), false)")
        return f"({' or '.join(tests)})"

    def _edited_layouts(self) -> set[str]:
        """Gather the rows that only one of the releases holds; the layouts that have any."""
        for side, tables in self.sides.items():
            parts = [
                f"select '{name}' as layout, _source_file, _source_row, _source_sha256, _source_row_sha256 "
                f"from {side}.{name}"
                for name in tables
                if name.startswith("raw.") and {"_source_row_sha256", "_source_sha256"} <= set(tables[name])
            ] or [
                "select '' as layout, '' as _source_file, 0 as _source_row, '' as _source_sha256, "
                "'' as _source_row_sha256 where false"
            ]
            self.connection.execute(f"create or replace temp table rows_of_{side} as {' union all '.join(parts)}")
        for side in self.sides:
            self.connection.execute(
                f"create or replace temp table marked_{side} as "
                "select rows.layout, rows._source_file, rows._source_row, hash("
                "  rows.layout, sources.released_date, sources.is_partial, "
                "  case when same_files._source_sha256 is null then rows._source_row_sha256 "
                "    else rows._source_sha256 || ':' || rows._source_row end) as mark "
                f"from rows_of_{side} as rows "
                f"left join {side}.meta.sources as sources on sources.source_file = rows._source_file "
                "left join (select distinct _source_sha256 from rows_of_release "
                "  intersect select distinct _source_sha256 from rows_of_earlier) as same_files "
                "  on same_files._source_sha256 = rows._source_sha256"
            )
        for side, other in (("release", "earlier"), ("earlier", "release")):
            self.connection.execute(
                f"create or replace temp table edited_{side} as select layout, _source_file, _source_row "
                f"from marked_{side} where mark not in (select mark from marked_{other})"
            )
        layouts = self.connection.execute(
            "select distinct layout from edited_release union select distinct layout from edited_earlier"
        ).fetchall()
        return {layout.removeprefix("raw.") for (layout,) in layouts}

    def _touched(self, staged: str, columns: tuple[str, ...]) -> str:
        """The table of the ids, in `columns` of a staged table, whose rows only one release holds so."""
        if (staged, columns) not in self.touched:
            name = f"touched_{len(self.touched)}"
            names = ", ".join(quoted(column) for column in columns)
            parts = [
                f"select {names} from {side}.{staged} where (_source_file, _source_row) in "
                f"(select (_source_file, _source_row) from edited_{side})"
                for side, tables in self.sides.items()
                if {*columns, "_source_file", "_source_row"} <= set(tables.get(staged, ()))
            ]
            parts = parts or [f"select {', '.join(f'null as {quoted(column)}' for column in columns)} where false"]
            self.connection.execute(f"create or replace temp table {name} as {' union '.join(parts)}")
            self.touched[(staged, columns)] = name
        return self.touched[(staged, columns)]


def layout_of(connection: duckdb.DuckDBPyConnection, database: str, schemas: Iterable[str]) -> Layout:
    """The tables of an attached release with the types of their columns, in order."""
    found: dict[str, dict[str, str]] = {}
    rows = connection.execute(
        "select schema_name || '.' || table_name, column_name, data_type from duckdb_columns() "
        "where database_name = ? and schema_name in (select unnest(?)) order by schema_name, table_name, column_index",
        [database, list(schemas)],
    ).fetchall()
    for table, column, kind in rows:
        found.setdefault(table, {})[column] = kind
    return found
