"""What changed between two releases, in words: `CHANGES.md` of a release, and one line for the end of a refresh."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from ogp_pipeline.models import SCHEMAS
from ogp_pipeline.release.change_causes import layout_of
from ogp_pipeline.release.changes import CAUSES, ChangeCounts
from ogp_pipeline.release.current import attach
from ogp_pipeline.safe_text import markdown, visible
from ogp_pipeline.store import connect

# An edit of the input is what people must see: it is listed in full, up to a length that can still be opened. What
# the program or a reference table changed is known to those who changed it: some examples show what it did.
LISTED = {"source": 1000, "mixed": 200, "reference": 50, "code": 50}
CHARACTERS = 160  # of a value
TITLES = {
    "source": "The input changed",
    "mixed": "The input, the program or a reference table changed: several may be the cause",
    "reference": "A reference table changed",
    "code": "The program changed",
}
MOVED_CELLS = """
    select now.figure, now.level, before.hits as old_hits, before.commitments as old_commitments,
        before.pooled_share as old_share, now.hits, now.commitments, now.pooled_share as share
    from release.metrics.vital_signs as now
    inner join earlier.metrics.vital_signs as before using (outcome, definition, stage, level)
    where now.is_default and (now.hits, now.commitments, now.plans, now.pooled_share)
        is distinct from (before.hits, before.commitments, before.plans, before.pooled_share)
    order by now.figure, now.level_rank
"""


def write_changes(database: Path, folder: Path, earlier: Path | None) -> Path:
    """Write `CHANGES.md` for a finished candidate, which was compared with the release in `earlier`."""
    with connect() as connection:
        attach(connection, database, "release")
        if earlier is not None:
            attach(connection, earlier, "earlier")
        lines = _head(connection)
        if earlier is not None:
            lines += _figures(connection)
            for cause in CAUSES:
                lines += _cause(connection, cause)
            lines += _tables_and_columns(connection)
    path = folder / "CHANGES.md"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def summary_line(counts: ChangeCounts) -> str:
    """The changes of a release in one line."""
    if counts.since is None:
        return "Changes: the first release of its kind, compared with none"
    causes = ", ".join(f"{counts.by_cause.get(cause, 0):,} {cause}" for cause in CAUSES)
    return f"Changes since {counts.since}: {causes}; {counts.consequences:,} that follow from the source"


def change_words(row: Mapping[str, Any]) -> str:
    """One row of meta.changes as a line of plain text; what stands in the files cannot command a terminal."""
    place = f"{row['table_name']} {key_words(row['key'])}"
    if row["change"] == "changed":
        return visible(f"{place} {row['column']}: {_value(row['old'])} -> {_value(row['new'])}")
    if row["change"] == "rekeyed":
        return visible(f"{place} has a new id: it was {row['old']}")
    return visible(f"{place} {row['change']}: {_short(row['new'] or row['old'] or '')}")


def key_words(key: str) -> str:
    """The values of a key, which is JSON: `AP_ALB01, throughout`."""
    return _short(", ".join(str(value) for value in json.loads(key).values()))


def _head(connection: duckdb.DuckDBPyConnection) -> list[str]:
    release_id, synthetic, since = connection.execute(
        "select release_id, is_synthetic, compared_with from release.meta.releases order by release_id desc limit 1"
    ).fetchone()
    lines = ["# What changed", ""]
    if synthetic:
        lines += ["**SYNTHETIC sample: fictional members; nothing here is about a real government.**", ""]
    if since is None:
        return [*lines, f"Release {release_id} is the first of its kind: there is nothing to compare it with."]
    counted = dict(connection.execute("select cause, count(*) from release.meta.changes group by cause").fetchall())
    consequences = connection.execute("select count(*) from release.meta.consequences").fetchone()[0]
    lines += [f"Release {release_id}, compared with {since}.", "", "| cause | changes |", "|---|---:|"]
    lines += [f"| {cause} | {counted.get(cause, 0):,} |" for cause in CAUSES]
    return [
        *lines,
        "",
        "Each change is told where the fact stands; all of them are in `meta.changes`. Another "
        f"{consequences:,} differences follow from edits of the source and are in `meta.consequences`.",
    ]


def _figures(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The default cells of the figures that moved."""
    try:
        cells = connection.execute(MOVED_CELLS).fetchall()
    except (duckdb.CatalogException, duckdb.BinderException):
        return ["", "## Figures", "", "The release before has its figures in another form: they cannot be compared."]
    lines = ["", "## Figures", ""]
    for figure, level, old_hits, old_commitments, old_share, hits, commitments, share in cells:
        old, new = _cell(old_hits, old_commitments, old_share), _cell(hits, commitments, share)
        lines.append(f"- Figure {figure}, {level.replace('_', ' ')}: {old} -> {new}")
    return lines if cells else [*lines, "No cell of figures 4.3, 4.5 and 4.9 moved."]


def _cell(hits: int, commitments: int, share: float | None) -> str:
    return f"{hits:,} of {commitments:,} ({'no share' if share is None else f'{share:.1%}'})"


def _cause(connection: duckdb.DuckDBPyConnection, cause: str) -> list[str]:
    total = connection.execute("select count(*) from release.meta.changes where cause = ?", [cause]).fetchone()[0]
    if not total:
        return []
    lines = ["", f"## {TITLES[cause]}: {total:,}", ""]
    counted = connection.execute(
        'select table_name, "column", change, count(*) from release.meta.changes where cause = ? '
        "group by all order by min(change_id)",
        [cause],
    ).fetchall()
    for table, column, change, count in counted:
        lines.append(f"- {table}{f'.{column}' if column else ''} {change}: {count:,}".replace("_", "\\_"))
    lines += ["", "|  | row | column | before | now |", "|---|---|---|---|---|"]
    rows = connection.execute(
        'select table_name, key, change, "column", old, new from release.meta.changes where cause = ? '
        "order by change_id limit ?",
        [cause, LISTED[cause]],
    ).fetchall()
    for table, key, change, column, old, new in rows:
        cells = (f"{table} {change}", key_words(key), column or "", _value(old), _value(new))
        lines.append("| " + " | ".join(markdown(text) for text in cells) + " |")
    if total > len(rows):
        lines += ["", f"and {total - len(rows):,} more: `select * from meta.changes where cause = '{cause}'`"]
    return lines


def _tables_and_columns(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The tables and columns that only one of the releases has: they are no changes of rows."""
    now, before = layout_of(connection, "release", SCHEMAS), layout_of(connection, "earlier", SCHEMAS)
    words = [f"new table {name}" for name in now if name not in before]
    words += [f"table {name} is gone" for name in before if name not in now]
    for name in now:
        if name in before:
            words += [f"new column {name}.{column}" for column in now[name] if column not in before[name]]
            words += [f"column {name}.{column} is gone" for column in before[name] if column not in now[name]]
            words += [
                f"column {name}.{column} is {kind}, was {before[name][column]}"
                for column, kind in now[name].items()
                if before[name].get(column, kind) != kind
            ]
    if not words:
        return []
    return ["", "## Tables and columns", "", *(f"- {markdown(word)}" for word in words)]


def _value(text: str | None) -> str:
    return "no value" if text is None else _short(text) or "empty"


def _short(text: str) -> str:
    return text if len(text) <= CHARACTERS else text[: CHARACTERS - 1] + "…"
