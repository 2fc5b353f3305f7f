"""`ogp-pipeline changes`: what the current release has otherwise than the one before, or than any that is kept."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from ogp_pipeline.errors import InputError
from ogp_pipeline.models import Catalog
from ogp_pipeline.release.change_words import change_words, summary_line
from ogp_pipeline.release.changes import CAUSES, ChangeCounts, compared
from ogp_pipeline.release.current import attach, current_release, kept_releases, why_none
from ogp_pipeline.safe_text import spreadsheet_cell
from ogp_pipeline.settings import Settings
from ogp_pipeline.store import connect

COLUMNS = ("change_id", "table_name", "key", "change", "column", "old", "new", "cause")
SHOWN = 200  # lines of text for one cause; csv and json have them all


@dataclass(frozen=True)
class ChangeList:
    """The rows of meta.changes of a release, or those since another one, with their counts."""

    release: str
    counts: ChangeCounts
    changes: Sequence[Mapping[str, Any]]


def list_changes(settings: Settings, catalog: Catalog, since: str | None = None) -> ChangeList:
    """The changes of the current release; with `since`, all since that kept release.

    InputError where there is no release, `since` names none that is kept, or the two cannot be compared.
    """
    current = current_release(settings)
    if current is None:
        raise InputError(why_none(settings))
    if since is None:
        return ChangeList(current.release_id, *_recorded(settings))
    kept = {release.release_id: release for release in kept_releases(settings)}
    if since not in kept:
        names = ", ".join(kept) or "none"
        raise InputError(f"--since {since}: no such release is kept; kept are {names}")
    if kept[since].is_synthetic != current.is_synthetic:
        raise InputError(f"--since {since}: it is of other data: SYNTHETIC and real releases are not compared")
    with compared(settings.database, kept[since].path, catalog) as (connection, counts):
        return ChangeList(current.release_id, counts, _rows(connection, "changes"))


def _recorded(settings: Settings) -> tuple[ChangeCounts, list[dict[str, Any]]]:
    with connect() as connection:
        attach(connection, settings.database, "release")
        try:
            rows = _rows(connection, "release.meta.changes")
            since = connection.execute(
                "select compared_with from release.meta.releases order by release_id desc limit 1"
            ).fetchone()[0]
            consequences = connection.execute("select count(*) from release.meta.consequences").fetchone()[0]
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            raise InputError(
                "the current release was made before changes were recorded: refresh, or compare it with another "
                "one: --since RELEASE"
            ) from error
    by_cause = {cause: sum(row["cause"] == cause for row in rows) for cause in CAUSES}
    return ChangeCounts(since, by_cause if since else {}, consequences), rows


def _rows(connection: duckdb.DuckDBPyConnection, table: str) -> list[dict[str, Any]]:
    names = ", ".join(f'"{name}"' for name in COLUMNS)
    rows = connection.execute(f"select {names} from {table} order by change_id").fetchall()
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows]


def as_text(found: ChangeList) -> str:
    """The changes to read, cause by cause, an edit of the source first."""
    lines = [summary_line(found.counts)]
    for cause in CAUSES:
        rows = [row for row in found.changes if row["cause"] == cause]
        if rows:
            lines += ["", f"{cause}: {len(rows):,}", *(f"  {change_words(row)}" for row in rows[:SHOWN])]
        if len(rows) > SHOWN:
            lines.append(f"  and {len(rows) - SHOWN:,} more: --format csv has them all")
    return "\n".join(lines) + "\n"


def as_csv(found: ChangeList) -> str:
    """One line for each change."""
    target = io.StringIO()
    writer = csv.DictWriter(target, COLUMNS)
    writer.writeheader()
    writer.writerows({name: spreadsheet_cell(value) for name, value in row.items()} for row in found.changes)
    return target.getvalue()


def as_json(found: ChangeList) -> str:
    """Everything; characters beyond ASCII are escaped, as control characters are."""
    content = {
        "release": found.release,
        "since": found.counts.since,
        "by_cause": dict(found.counts.by_cause),
        "consequences": found.counts.consequences,
        "changes": list(found.changes),
    }
    return json.dumps(content, indent=1) + "\n"


FORMATS: dict[str, Callable[[ChangeList], str]] = {"text": as_text, "csv": as_csv, "json": as_json}
