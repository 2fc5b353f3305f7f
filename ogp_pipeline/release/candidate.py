"""Builds the DuckDB file of a release beside the old one: tables, views, comments, and what `meta` says of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from ogp_pipeline.dictionary import ColumnEntry, TableEntry, table_entry
from ogp_pipeline.models import SCHEMAS, Catalog, Model
from ogp_pipeline.quality import Verdict
from ogp_pipeline.release.moments import release_id_of
from ogp_pipeline.store import Store, TableState, cast_to_contract, connect, literal, prepare, quoted

# Read by every DuckDB from 1.2 on; the default of 2.0 cannot be opened by 1.x clients.
STORAGE_VERSION = "v1.2.0"
VIEW_SCHEMAS = ("marts", "metrics")
# A commit for each of some hundred small tables takes a third of the time; what waits for one is held in memory.
ROWS_OF_A_COMMIT = 50_000
SYNTHETIC = "SYNTHETIC (generated sample, no real government): "


def build_tables_of_release(path: Path, store: Store) -> None:
    """Create the file with every public working table."""
    with _open(path, create=True) as connection:
        connection.execute("begin")
        for schema in SCHEMAS:
            connection.execute(f"create schema if not exists release.{schema}")
        waiting = 0
        for model in store.catalog.public:
            source = literal(store.path(model.name).as_posix())
            table = f"create table release.{model.name} as select * from read_parquet({source})"
            waiting += connection.execute(table).fetchone()[0]
            if waiting > ROWS_OF_A_COMMIT:
                connection.execute("commit")
                connection.execute("begin")
                waiting = 0
        connection.execute("commit")


def audit_session(path: Path, catalog: Catalog) -> duckdb.DuckDBPyConnection:
    """A connection that sees the tables of the candidate under their own names, with the models' macros."""
    connection = connect(path.parent)
    prepare(connection, catalog.macros)
    connection.execute(f"attach {literal(path.as_posix())} as release (read_only)")
    for model in catalog.public:
        connection.execute(f"create view {model.name} as select * from release.{model.name}")
    return connection


def finish(
    path: Path,
    catalog: Catalog,
    states: Mapping[str, TableState],
    verdicts: Sequence[Verdict],
    release: Mapping[str, Any],
    earlier: Path | None,
) -> None:
    """Add what `meta` says of the release, the views in `main` and the comments.

    `release` is the row of `meta.releases`; the rows of `earlier` releases are kept before it.
    """
    with _open(path) as connection:
        if earlier is not None:
            connection.execute(f"attach {literal(earlier.as_posix())} as earlier (read_only)")
        # one transaction: a commit for each of some thousand comments would take longer than all else
        connection.execute("begin")
        _table(connection, catalog, "meta.checks", [_check_row(verdict) for verdict in verdicts])
        _table(connection, catalog, "meta.releases", [release])
        if earlier is not None:
            _keep_earlier_releases(connection)
        models = [*catalog.public, *catalog.release_tables]
        types, rows = _types(connection), rows_of_release(connection)
        entries = [table_entry(model, types.get(model.name)) for model in models]
        tables = [
            _table_row(catalog, model, entry, rows.get(model.name, 0), states)
            for model, entry in zip(models, entries, strict=True)
        ]
        _table(connection, catalog, "meta.tables", tables)
        columns = [_column_row(entry, column) for entry in entries for column in entry.columns]
        _table(connection, catalog, "meta.columns", columns)
        # the two tables that describe all tables describe themselves too, once they are there
        connection.execute(
            "update release.meta.tables set rows = (select count(*) from release.meta.tables) "
            "where table_schema = 'meta' and table_name = 'tables'"
        )
        connection.execute(
            "update release.meta.tables set rows = (select count(*) from release.meta.columns) "
            "where table_schema = 'meta' and table_name = 'columns'"
        )
        _views(connection, catalog)
        _comments(connection, entries, SYNTHETIC if release["is_synthetic"] else "")
        connection.execute("commit")
        connection.execute("checkpoint release")


def _keep_earlier_releases(connection: duckdb.DuckDBPyConnection) -> None:
    """The rows of the earlier release's own list, which another version of this program may have written.

    What it did not record yet is NULL; columns that this version does not know, because the other one is newer, go.
    """
    columns = {
        database: [name for name, *_ in connection.execute(f"describe {database}.meta.releases").fetchall()]
        for database in ("release", "earlier")
    }
    both = ", ".join(quoted(name) for name in columns["release"] if name in columns["earlier"])
    connection.execute(f"insert into release.meta.releases by name select {both} from earlier.meta.releases")


def _open(path: Path, create: bool = False) -> duckdb.DuckDBPyConnection:
    connection = connect(path.parent)
    options = f" (storage_version {literal(STORAGE_VERSION)})" if create else ""
    connection.execute(f"attach {literal(path.as_posix())} as release{options}")
    return connection


def _table(
    connection: duckdb.DuckDBPyConnection, catalog: Catalog, name: str, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Create a table of `meta` with the types of its contract."""
    model = next(model for model in catalog.release_tables if model.name == name)
    columns = model.contract.columns
    # as one JSON text: a parameter for each of some ten thousand cells takes ten times as long
    given = json.dumps([{column: row[column] for column in columns} for row in rows], ensure_ascii=False, default=str)
    shape = json.dumps([{column: spec.type for column, spec in columns.items()}])
    fields = ", ".join(f"row.{quoted(column)}" for column in columns)
    connection.execute(
        f"create temp table rows_of_meta as select {fields} "
        f"from (select unnest(from_json_strict(?::json, {literal(shape)})) as row)",
        [given],
    )
    shaped = cast_to_contract(connection, model, "select * from rows_of_meta")
    connection.execute(f"create table release.{name} as {shaped}")
    connection.execute("drop table rows_of_meta")


def _check_row(verdict: Verdict) -> dict[str, Any]:
    return {
        "check_name": verdict.name,
        "table_name": verdict.table,
        "check": verdict.check,
        "severity": verdict.severity,
        "status": verdict.status,
        "failing_rows": verdict.failing_rows,
        "why": " ".join(verdict.why.split()),
        "sample": json.dumps(list(verdict.sample), ensure_ascii=False, default=str),
        "accepted_reason": verdict.accepted_reason,
        "error": verdict.error,
    }


def _types(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
    """The columns of every table that is built, with their types, in order."""
    types: dict[str, dict[str, str]] = {}
    for table, column, kind in connection.execute(
        "select schema_name || '.' || table_name, column_name, data_type from duckdb_columns() "
        "where database_name = 'release' order by schema_name, table_name, column_index"
    ).fetchall():
        types.setdefault(table, {})[column] = kind
    return types


def rows_of_release(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """The number of rows of every table that is built."""
    names = connection.execute(
        "select schema_name || '.' || table_name from duckdb_tables() where database_name = 'release' order by all"
    ).fetchall()
    counts = " union all ".join(f"select {literal(name)}, count(*) from release.{name}" for (name,) in names)
    return dict(connection.execute(counts).fetchall())


def _table_row(
    catalog: Catalog, model: Model, entry: TableEntry, rows: int, states: Mapping[str, TableState]
) -> dict[str, Any]:
    return {
        "table_schema": entry.schema,
        "table_name": entry.table,
        "description": entry.description,
        "grain": entry.grain,
        "key_columns": ", ".join(entry.key) or None,
        "usage_warning": entry.usage_warning,
        "source_rule": entry.source_rule,
        "rows": rows,
        "fingerprint": states[model.name].fingerprint if model.name in states else None,
        "code_hash": catalog.whole_code_hash(model.name) if model.name in states else None,
        "sql": model.sql,
    }


def _column_row(table: TableEntry, column: ColumnEntry) -> dict[str, Any]:
    return {
        "table_schema": table.schema,
        "table_name": table.table,
        "column_name": column.name,
        "position": column.position,
        "type": column.type,
        "description": column.description,
        "unit": column.unit,
        "codes": "|".join(column.codes) or None,
        "codes_in": column.codes_in,
        "is_required": column.is_required,
        "is_key": column.is_key,
        "is_unique": column.is_unique,
        "references_table": column.references,
        "source_rule": column.source_rule,
        "is_derived": column.is_derived,
    }


def _views(connection: duckdb.DuckDBPyConnection, catalog: Catalog) -> None:
    """A view in `main` of every public mart and metric, so that `show tables` answers on first opening."""
    connection.execute("use release")
    for model in catalog.public:
        if model.schema in VIEW_SCHEMAS:
            connection.execute(f"create view main.{model.table} as select * from {model.name}")
    connection.execute("use memory")


def _comments(connection: duckdb.DuckDBPyConnection, entries: Sequence[TableEntry], prefix: str) -> None:
    statements = []
    for entry in entries:
        kinds = [("table", f"release.{entry.name}")]
        if entry.schema in VIEW_SCHEMAS:
            kinds.append(("view", f"release.main.{entry.table}"))
        for kind, name in kinds:
            statements.append(f"comment on {kind} {name} is {literal(prefix + _table_comment(entry))}")
            for column in entry.columns:
                text = literal(_column_comment(column))
                statements.append(f"comment on column {name}.{quoted(column.name)} is {text}")
    connection.execute("set threads = 1")  # no statement has work for two, and waking them takes time
    connection.execute(";\n".join(statements))
    connection.execute("reset threads")


def _table_comment(entry: TableEntry) -> str:
    parts = [entry.description, entry.grain]
    parts += [f"Usage warning: {entry.usage_warning}"] if entry.usage_warning else []
    parts += [f"Source: {entry.source_rule}"] if entry.source_rule else []
    return " ".join(parts)


def _column_comment(column: ColumnEntry) -> str:
    parts = [column.description, f"Unit: {column.unit}." if column.unit else ""]
    parts += [f"Codes: {', '.join(column.codes)}."] if column.codes else []
    parts += [f"Codes: see {column.codes_in}."] if column.codes_in else []
    parts += [f"Source: {column.source_rule}"] if column.source_rule else []
    return " ".join(part for part in parts if part)


def release_row(
    *,
    published_at: datetime,
    is_synthetic: bool,
    sources: Sequence[str],
    fingerprints: Mapping[str, str],
    verdicts: Sequence[Verdict],
    counts: Mapping[str, int],
    git_commit: str | None,
    versions: Mapping[str, str],
    compared_with: str | None = None,
) -> dict[str, Any]:
    """The row of `meta.releases`."""
    accepted = [
        {"check": verdict.name, "reason": verdict.accepted_reason} for verdict in verdicts if verdict.accepted_reason
    ]
    return {
        "release_id": release_id_of(published_at),
        "published_at": published_at.replace(tzinfo=None),
        "is_synthetic": is_synthetic,
        "sources": ", ".join(sources),
        **fingerprints,
        "accepted": json.dumps(accepted, ensure_ascii=False),
        "checks_warned": sum(not v.passed and v.severity == "warning" for v in verdicts),
        **counts,
        "git_commit": git_commit,
        "versions": json.dumps(dict(versions)),
        "compared_with": compared_with,
    }
