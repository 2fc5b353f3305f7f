"""Judges a candidate: every contract on every table, and what changed against the release before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import duckdb

from ogp_pipeline.errors import InputError
from ogp_pipeline.judging import evaluate
from ogp_pipeline.models import Catalog
from ogp_pipeline.quality import SAMPLE_ROWS, Verdict, check_names
from ogp_pipeline.release.candidate import audit_session, rows_of_release
from ogp_pipeline.release.current import Release, attach
from ogp_pipeline.store import TableState
from ogp_pipeline.verdicts import remembered

# A release that loses a tenth of a table has lost a file or a group of members; single commitments come and go.
SHRINK_LIMIT = 0.9
# A label with ten rows or more does not vanish by the re-coding of a few commitments.
LABEL_ROWS = 10

COMPARISONS = {
    "table_shrank": f"A table lost more than {1 - SHRINK_LIMIT:.0%} of its rows against the current release.",
    "label_vanished": f"A code with {LABEL_ROWS} rows or more in the current release stands in no row any more.",
    "source_missing": "A layout that the current release was built from was not found in the sources.",
}


def audit(path: Path, catalog: Catalog, states: Mapping[str, TableState], current: Release | None) -> list[Verdict]:
    """Every verdict on the candidate at `path`; all failures at once.

    `states` are those of the working tables from which the candidate was made. A table that this process has judged
    already is judged again only where the candidate does not hold as many rows, of it or of what its checks read.
    """
    verdicts = []
    with audit_session(path, catalog) as connection:
        rows = rows_of_release(connection)
        whole = {name: state for name, state in states.items() if rows.get(name) == state.rows}
        for model in catalog.public:
            verdicts += remembered(model, whole) or evaluate(connection, model, catalog)
        if current is not None:
            attach(connection, current.path, "current_release")
            verdicts += [_compared(connection, catalog, check) for check in COMPARISONS]
    return verdicts


def check_names_exist(asked: Mapping[str, str], catalog: Catalog) -> None:
    """InputError where a name given to be accepted is no check of this pipeline."""
    known = {f"{model.name}.{check}" for model in catalog.public for check in check_names(model.contract)}
    known |= {f"release.{check}" for check in COMPARISONS}
    unknown = sorted(set(asked) - known)
    if unknown:
        raise InputError(
            [f"--accept {name}: no check has this name: take it from the list of failures" for name in unknown]
        )


def accept(verdicts: Sequence[Verdict], asked: Mapping[str, str], remembered: Mapping[str, str]) -> list[Verdict]:
    """Let the critical failures through that are accepted by name, now or for the same data before."""
    reasons = {**remembered, **asked}
    return [
        replace(verdict, accepted_reason=reasons[verdict.name])
        if not verdict.passed and verdict.severity == "critical" and verdict.name in reasons
        else verdict
        for verdict in verdicts
    ]


def _compared(connection: duckdb.DuckDBPyConnection, catalog: Catalog, check: str) -> Verdict:
    compare = {"table_shrank": _shrunk, "label_vanished": _vanished, "source_missing": _missing}[check]
    rows = compare(connection, catalog)
    return Verdict(
        table="release",
        check=check,
        group=check,
        severity="critical",
        passed=not rows,
        failing_rows=len(rows),
        why=COMPARISONS[check],
        sample=tuple(rows[:SAMPLE_ROWS]),
    )


def _in_both(connection: duckdb.DuckDBPyConnection, catalog: Catalog, schemas: Sequence[str]) -> list[str]:
    names = connection.execute(
        "select schema_name || '.' || table_name from duckdb_tables() where database_name = 'current_release'"
    ).fetchall()
    before = {name for (name,) in names}
    return [m.name for m in catalog.public if m.schema in schemas and m.name in before]


def _shrunk(connection: duckdb.DuckDBPyConnection, catalog: Catalog) -> list[dict]:
    rows = []
    for name in _in_both(connection, catalog, ("raw", "staging", "marts", "reference")):
        now, before = connection.execute(
            f"select (select count(*) from {name}), (select count(*) from current_release.{name})"
        ).fetchone()
        if now < SHRINK_LIMIT * before:
            rows.append({"table": name, "rows_before": before, "rows_now": now})
    return rows


def _vanished(connection: duckdb.DuckDBPyConnection, catalog: Catalog) -> list[dict]:
    rows = []
    for name in _in_both(connection, catalog, ("staging",)):
        before = {row[0] for row in connection.execute(f"describe current_release.{name}").fetchall()}
        for column, spec in catalog[name].contract.columns.items():
            if spec.codes and column in before:
                gone = connection.execute(
                    f"select {column}, count(*) from current_release.{name} where {column} is not null "
                    f"group by {column} having count(*) >= {LABEL_ROWS} and {column} not in "
                    # the few codes of a table that can have millions of rows
                    f"(select distinct {column} from {name} where {column} is not null) order by all"
                ).fetchall()
                rows += [{"table": name, "column": column, "code": code, "rows_before": n} for code, n in gone]
    return rows


def _missing(connection: duckdb.DuckDBPyConnection, catalog: Catalog) -> list[dict]:
    gone = connection.execute(
        "select distinct layout from current_release.meta.sources where status = 'loaded' "
        "and layout not in (select layout from meta.sources where status = 'loaded') order by layout"
    ).fetchall()
    return [{"layout": layout} for (layout,) in gone]
