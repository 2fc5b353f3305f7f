"""What the page says of where the numbers come from: how far the data reach, coverage, doubts, agreement, sources."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from ogp_pipeline.report.reading import ReleaseReader, Row
from ogp_pipeline.report.tables import columns, table
from ogp_pipeline.report.views import Figure
from ogp_pipeline.report.words import count, percent, plain
from ogp_pipeline.settings import PACKAGE_DIR

MOST_FILES = 40  # of the files that are listed one by one; the rest is in meta.sources


def data_through(release: ReleaseReader) -> dict[str, Any]:
    """How far the data reach: latest submission and report year, and the last content change of each source."""
    if not release.has("metrics.data_through"):
        return {"submitted": None, "reported": None, "sources": []}
    years = release.rows(
        "select max(latest_submitted_year) as submitted, max(latest_report_year) as reported from metrics.data_through"
    )[0]
    sources = release.rows(
        "select layout, files, content_changed_date as changed from metrics.data_through order by layout"
    )
    return {**years, "sources": sources}


def release_facts(release: ReleaseReader) -> Row:
    """The row of meta.releases of this release: the newest."""
    return release.rows("from meta.releases order by release_id desc limit 1")[0]


def coverage_table(release: ReleaseReader, figures: Sequence[Figure]) -> dict[str, Any]:
    """What is loaded beside the counts that were published."""
    rows = release.rows("from metrics.coverage order by measure, counted_on")
    published = [
        {**row, "published": f"{'more than ' if row['is_lower_bound'] else ''}{row['published']:,}"}
        if row["published"] is not None
        else row
        for row in rows
    ]
    heads = {
        "measure": ("what is counted", "code"),
        "loaded": ("loaded", "count"),
        "published": ("published", "text"),
        "counted_on": ("as of", "text"),
        "share": ("loaded of published", "share"),
        "source_note": ("source of the published count", "text"),
    }
    return {"table": table("Loaded, beside published counts", columns(heads), published, whole="metrics.coverage")}


def doubts(release: ReleaseReader, figures: Sequence[Figure]) -> dict[str, Any]:
    """What was refused and why, what was doubtful or repaired, which checks warned, and the corrections."""
    facts = release_facts(release)
    words = rule_words()
    refused = release.rows(
        "select source_file, source_row, \"column\", rule, original from meta.problems where severity = 'quarantine' "
        "order by source_file, source_row, rule"
    )
    rules = release.rows(
        'select rule, severity, count(*) as problems, min(source_file) as example, min("column") as "column" '
        "from meta.problems where severity <> 'quarantine' group by rule, severity "
        "order by severity = 'repair', severity = 'doubt', problems desc, rule"
    )
    checks = release.rows(
        "select check_name, severity, status, failing_rows, why, accepted_reason from meta.checks "
        "where status <> 'passed' order by severity, check_name"
    )
    files = release.rows(
        "select source_file, status, reason from meta.sources where status in ('refused', 'missing', 'duplicate') "
        "order by status, source_file"
    )
    return {
        "summary": f"Of {count(facts['rows_read'], 'row')} that were read, "
        f"{facts['rows_quarantined']:,} {'was' if facts['rows_quarantined'] == 1 else 'were'} refused.",
        "checks_passed": release.value("select count(*) from meta.checks where status = 'passed'"),
        "tables": [
            found
            for found in (
                table(
                    "Rows that were refused: their identity cannot be read",
                    columns(
                        {
                            "source_file": ("file", "text"),
                            "source_row": ("row", "count"),
                            "column": ("column", "text"),
                            "original": ("as written", "text"),
                            "why": ("why", "text"),
                        }
                    ),
                    [{**row, "why": words.get(row["rule"], plain(row["rule"]))} for row in refused],
                    most=MOST_FILES,
                    whole="meta.problems and the tables of quarantine",
                ),
                table(
                    "Values that were unreadable, doubtful or repaired, by reason",
                    columns(
                        {
                            "severity": ("what became of it", "code"),
                            "why": ("what was the matter", "text"),
                            "problems": ("values", "count"),
                            "example": ("for example in", "text"),
                        }
                    ),
                    [{**row, "why": words.get(row["rule"], plain(row["rule"]))} for row in rules],
                    whole="meta.problems",
                ),
                table(
                    "Checks that did not pass",
                    columns(
                        {
                            "check_name": ("check", "text"),
                            "severity": ("severity", "text"),
                            "failing_rows": ("rows", "count"),
                            "why": ("why it matters", "text"),
                            "accepted_reason": ("accepted because", "text"),
                        }
                    ),
                    checks,
                    whole="meta.checks",
                ),
                table(
                    "Files that were not used",
                    columns({"source_file": ("file", "text"), "status": ("", "code"), "reason": ("why", "text")}),
                    files,
                    most=MOST_FILES,
                    whole="meta.sources",
                ),
                table(
                    "Corrections of known errors of the official files",
                    columns(
                        {
                            "source": ("layout", "text"),
                            "row_key": ("row", "text"),
                            "column_name": ("column", "text"),
                            "expected_value": ("as published", "text"),
                            "corrected_value": ("used", "text"),
                            "reason": ("why", "text"),
                        }
                    ),
                    release.rows("from reference.corrections order by source, row_key, column_name"),
                    whole="reference.corrections",
                ),
            )
            if found.rows
        ],
    }


@cache
def rule_words() -> Mapping[str, str]:
    """What each rule of meta.problems means, from reference/rule_words.csv."""
    with (PACKAGE_DIR / "reference" / "rule_words.csv").open(encoding="utf-8", newline="") as file:
        return {row["rule"]: row["explanation"] for row in csv.DictReader(file)}


def engagement_cases(release: ReleaseReader, figures: Sequence[Figure]) -> dict[str, Any]:
    """Cases of engagement with their numbers, beside the coding of their commitment and plan."""
    return {
        "cases": release.rows(
            "select metric.*, members.member_name, cases.first_day, cases.last_day, "
            "cases.proposals_received_is_minimum, cases.proposals_taken_up_is_minimum "
            "from metrics.engagement as metric inner join marts.engagement_cases as cases using (case_id) "
            "inner join marts.members as members on members.member_id = metric.member_id order by case_id"
        )
    }


def conformance(release: ReleaseReader, figures: Sequence[Figure]) -> dict[str, Any]:
    """How far OGP's own derived columns are reproduced, in one sentence and by rule."""
    rows = release.rows("from metrics.conformance order by rule")
    if not rows:
        sentence = "No loaded file holds columns of OGP's own that could be compared."
    else:
        compared, agreeing = (sum(row[name] for row in rows) for name in ("rows_compared", "rows_agreeing"))
        sentence = (
            f"OGP's own derived columns, recomputed from the labels: {agreeing:,} of {compared:,} values agree "
            f"({percent(agreeing / compared, 1)}, {count(len(rows), 'rule')}); each one that does not is listed with "
            "both values and the reason in metrics.conformance_disagreements."
        )
    heads = {
        "rule": ("rule", "code"),
        "rows_compared": ("compared", "count"),
        "rows_agreeing": ("agreeing", "count"),
        "positives_compared": ("positives compared", "count"),
        "positives_agreeing": ("positives agreeing", "count"),
    }
    return {"sentence": sentence, "table": table("Agreement by rule", columns(heads), rows)}


def sources(release: ReleaseReader, figures: Sequence[Figure]) -> dict[str, Any]:
    """The files the release is made from, with licence, address and sha256; many files of one layout as one row."""
    groups = release.rows(
        "select layout, count(*) as files, sum(rows)::bigint as rows, "
        "max(coalesce(content_changed_at::date, released_date)) as changed, min(source_file) as source_file, "
        "case when count(*) = 1 then min(sha256) end as sha256, publisher, url, "
        "coalesce(licence, 'unconfirmed') as licence "
        "from meta.sources where status = 'loaded' and rows > 0 group by layout, publisher, url, licence "
        "order by layout, source_file"
    )
    several = [row["layout"] for row in groups if row["files"] > 1]
    files = release.rows(
        "select layout, source_file, rows, sha256 from meta.sources where status = 'loaded' and rows > 0 "
        "and list_contains(?, layout) order by layout, source_file",
        [several],
    )
    named = [
        {**row, "source_file": f"{row['source_file']} and {row['files'] - 1:,} more"} if row["files"] > 1 else row
        for row in groups
    ]
    heads = {
        "layout": ("layout", "code"),
        "source_file": ("file", "text"),
        "rows": ("rows", "count"),
        "changed": ("content of", "date"),
        "publisher": ("publisher", "text"),
        "licence": ("licence", "text"),
        "url": ("address", "text"),
        "sha256": ("sha256", "hash"),
    }
    heads_of_files = {name: heads[name] for name in ("source_file", "layout", "rows", "sha256")}
    return {
        "table": table("Sources", columns(heads), named, whole="meta.sources"),
        "files": table("Files", columns(heads_of_files), files, most=MOST_FILES, whole="meta.sources"),
        "number_of_files": len(files),
    }
