"""What a refresh tells people at its end: rows, refusals, doubts, checks, figures and paths."""

from __future__ import annotations

from ogp_pipeline.control.hold import held_summary, standing_hold
from ogp_pipeline.models import Catalog
from ogp_pipeline.release.change_words import summary_line
from ogp_pipeline.release.changes import ChangeCounts
from ogp_pipeline.release.figures import text_bars
from ogp_pipeline.release.moments import warning_of_clock
from ogp_pipeline.release.record import last_run
from ogp_pipeline.safe_text import visible
from ogp_pipeline.settings import Settings
from ogp_pipeline.store import Store

BANNER = "SYNTHETIC sample: fictional members, made by a generator; nothing here is about a real government."
SHOWN = 12


def input_summary(settings: Settings, catalog: Catalog) -> str:
    """Files and rows read, rows refused and doubts by reason, from the working tables."""
    store = Store(settings.tables_dir, catalog)
    needed = ["meta.sources", "meta.problems", *(f"raw.{s}" for s in catalog.sources)]
    needed += [f"quarantine.{source}" for source in catalog.sources]
    if any(store.state(name) is None for name in needed):
        return "The tables of the input have not been built."
    lines = []
    with store.session(needed) as connection:
        if connection.execute("select bool_or(is_synthetic) from meta.sources").fetchone()[0]:
            lines += [BANNER, ""]
        lines.append("Rows in")
        for source in catalog.sources:
            rows, refused = connection.execute(
                f"select (select count(*) from raw.{source}), (select count(*) from quarantine.{source})"
            ).fetchone()
            if not rows:
                continue
            lines.append(f"  {source:<24} {rows:>9,} rows, {refused:,} quarantined")
        # files of one layout in one folder that have nothing to say for themselves are one line
        files = connection.execute(
            "select min(source_file), count(*), encoding, skipped_rows, note from meta.sources where status = 'loaded' "
            "group by layout, regexp_replace(source_file, '[^/]*$', ''), encoding, skipped_rows, note order by all"
        ).fetchall()
        for name, count, encoding, skipped, note in files:
            notes = [f"and {count - 1} more"] if count > 1 else []
            notes += [encoding] if encoding not in (None, "utf-8") else []
            notes += [f"{skipped} blank or header rows left out"] if skipped else []
            notes += [note] if note else []
            lines.append(f"  read     {name}{' (' + ', '.join(notes) + ')' if notes else ''}")
        others = connection.execute(
            "select status, reason, count(*), min(source_file) from meta.sources "
            "where status not in ('loaded', 'ignored') group by all order by count(*) desc, reason"
        ).fetchall()
        for status, reason, count, example in others[:SHOWN]:
            lines.append(f"  {status:<8} {example}{f' and {count - 1} more' if count > 1 else ''}: {reason}")
        if len(others) > SHOWN:
            lines.append(f"           and {len(others) - SHOWN} more reasons, see meta.sources")
        for severity, title in (
            ("quarantine", "Reasons for which rows were quarantined"),
            ("unreadable", "Unreadable and left empty, by reason"),
            ("doubt", "Used though doubtful, by reason"),
            ("repair", "Repaired, by reason"),
        ):
            lines += _problems(connection, severity, title)
    return "\n".join(visible(line) for line in lines)


def _problems(connection, severity: str, title: str) -> list[str]:
    counts = connection.execute(
        # a problem of the file as a whole has no row
        "select rule, \"column\", count(*), coalesce(arg_min(source_file || ':' || source_row, source_row), "
        "min(source_file)) from meta.problems where severity = ? group by all order by count(*) desc, rule, 2",
        [severity],
    ).fetchall()
    if not counts:
        return []
    total = sum(count for _, _, count, _ in counts)
    lines = [f"{title}: {total:,}"]
    for rule, column, count, example in counts[:SHOWN]:
        lines.append(f"  {count:>7,}  {rule:<28} {column or 'the row or file'} (for example {example})")
    if len(counts) > SHOWN:
        lines.append(f"           and {len(counts) - SHOWN} more reasons, see meta.problems")
    return lines


def release_summary(settings: Settings) -> str:
    """The three figures and the paths of what the run made or left unchanged."""
    run = last_run(settings)
    if run["status"] == "held":
        return held_summary(settings, run)
    report = settings.releases_dir / run["release"] / "report.html"
    paths = [
        f"  {settings.database}  (open read-only: duckdb -readonly {settings.database})",
        f"  {report}{'' if report.exists() else '  (the folder of this release is not there any more)'}",
        f"  {settings.last_run}",
    ]
    paths += [f"Accepted: {check}: {visible(reason)}" for check, reason in run.get("accepted", {}).items()]
    counts = ChangeCounts(run.get("compared_with"), run.get("changes", {}), run.get("consequences", 0))
    hold = standing_hold(settings)
    clock = warning_of_clock(run["release"], run["at"])
    notes = [summary_line(counts)] if run["status"] == "published" else []
    notes += [f"Warning: {sentence}" for sentence in run.get("standing_still", [])]
    notes += [*([hold.sentence()] if hold else []), *([clock] if clock else [])]
    banner = [BANNER] if run.get("is_synthetic") else []
    ended = f"{run['status'].capitalize()}: {run['release']}"
    return "\n".join([*banner, text_bars(settings.database), "", ended, *notes, *paths])
