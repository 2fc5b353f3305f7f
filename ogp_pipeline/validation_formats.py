"""A report on files as text for people, as CSV and as JSON.

What stands in the files is shown with its control characters made visible: it must not command a terminal.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from itertools import groupby

from ogp_pipeline.validation import (
    ABSENT_COLUMN,
    DOUBTFUL,
    EXTRA_COLUMN,
    FILE_READ,
    REPAIRED,
    ROW_REFUSED,
    VALUE_LOST,
    FileReport,
    Finding,
    Report,
    words_of,
)
from ogp_pipeline.visible_text import visible

VALUES_SHOWN, ROWS_SHOWN = 10, 8  # for one reason in one column, for one value; csv and json have them all
CHARACTERS_SHOWN = 60  # of the value of a cell; what is said of a row or file as a whole is shown whole
TITLES = {
    ROW_REFUSED: "Rows that would be REFUSED, with everything in them",
    VALUE_LOST: "Values that would be LOST; the rest of their rows is read",
    DOUBTFUL: "Used as they are, though doubtful",
    REPAIRED: "Repaired while reading",
}
NOT_READ = {"ignored": "passed over", "duplicate": "read once", "missing": "not there", "refused": "REFUSED"}
CSV_COLUMNS = ("file", "sheet", "layout", "outcome", "row", "column", "value", "used", "reason", "what_to_do")


def as_text(report: Report) -> str:
    """The report to read: per file what it is, what would be refused or lost and what to do about it."""
    blocks = ["\n".join(_file_lines(file)) for file in report.files]
    return "\n\n".join([*blocks, _verdict(report)]) + "\n"


def _file_lines(file: FileReport) -> list[str]:
    title = visible(file.file) + (f", sheet {visible(file.sheet)}" if file.sheet is not None else "")
    if file.outcome != FILE_READ:
        return [title, f"  {NOT_READ.get(file.outcome, file.outcome)}: {visible(file.reason)}"]
    lines = [
        title,
        f"  Recognised by its columns, header in row {file.header_row}: {visible(file.layout_description)}",
        f"  ({file.layout}; {_counted(file.rows, 'row')}, {file.rows - file.rows_refused:,} would be read, "
        f"{file.rows_refused:,} refused; {_counted(len(file.of(VALUE_LOST)), 'value')} would be lost)",
    ]
    for outcome, heading in TITLES.items():
        found = sorted(file.of(outcome), key=_kind)
        if found:
            lines += ["", f"  {heading}:"]
        for _, same in groupby(found, key=_kind):
            lines += _kind_lines(list(same), "line" if file.sheet is None else "row")
    for rule, names in ((EXTRA_COLUMN, file.extra_columns), (ABSENT_COLUMN, file.absent_columns)):
        if names:
            reason, what_to_do = words_of(rule)
            lines += ["", f"  {reason}: {visible(', '.join(names))}", f"      -> {what_to_do}"]
    return lines


def _kind(finding: Finding) -> tuple[str, str]:
    return finding.column or "", finding.rule


def _kind_lines(findings: list[Finding], word: str) -> list[str]:
    """One reason in one column; `word` is what the rows are counted in."""
    first = findings[0]
    where = f"{visible(first.column)}: " if first.column else ""
    rows: dict[tuple[str | None, str | None], list[int | None]] = {}
    for finding in findings:
        rows.setdefault((finding.value, finding.used), []).append(finding.row)
    shown = [
        _places(*values, rows[values], word, CHARACTERS_SHOWN if first.column else None)
        for values in list(rows)[:VALUES_SHOWN]
    ]
    if more := len(rows) - len(shown):
        shown.append(f"and {more:,} more values (--format csv lists them all)")
    return [f"    {where}{first.reason}", *(f"      {place}" for place in shown), f"      -> {first.what_to_do}"]


def _places(value: str | None, used: str | None, rows: list[int | None], word: str, limit: int | None) -> str:
    """`rows 5, 9: "Korea", read as "KOR"`; None among the rows is the file as a whole."""
    numbers = [str(row) for row in rows if row is not None]
    where = f"{word}{'s' if len(numbers) > 1 else ''} {', '.join(numbers[:ROWS_SHOWN])}" if numbers else "the file"
    if more := len(numbers) - ROWS_SHOWN if len(numbers) > ROWS_SHOWN else 0:
        where += f" and {more:,} more"
    written = "" if value is None else f": {_quoted(value, limit)}"
    return where + written + ("" if used in (None, value) else f", read as {_quoted(used, limit)}")


def _quoted(text: str, limit: int | None) -> str:
    if not text.strip():
        return "(blank)"
    short = text if limit is None or len(text) <= limit else text[: limit - 3] + "..."
    return f'"{visible(short)}"'


def _verdict(report: Report) -> str:
    looked = f"{_counted(len(report.files), 'file or sheet', 'files and sheets')} looked at."
    if not report.is_anything_refused:
        return f"{looked} Nothing would be refused."
    refused = [
        _counted(report.files_refused, "file or sheet", "files and sheets") * bool(report.files_refused),
        _counted(report.rows_refused, "row") * bool(report.rows_refused),
    ]
    return f"{looked} {' and '.join(filter(None, refused))} would be REFUSED."


def _counted(count: int, one: str, many: str | None = None) -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def as_csv(report: Report) -> str:
    """One line for every file and one for every finding in it; a value never begins a formula of a spreadsheet."""
    target = io.StringIO()
    writer = csv.DictWriter(target, CSV_COLUMNS)
    writer.writeheader()
    for file in report.files:
        place = {"file": file.file, "sheet": file.sheet, "layout": file.layout}
        for entry in _csv_entries(file):
            writer.writerow({name: _csv_cell(value) for name, value in (place | entry).items()})
    return target.getvalue()


def _csv_entries(file: FileReport) -> Iterable[dict[str, object]]:
    if file.outcome == FILE_READ:
        lost = len(file.of(VALUE_LOST))
        reason = f"{_counted(file.rows, 'row')}, {file.rows_refused:,} refused, {_counted(lost, 'value')} lost"
    else:
        reason = file.reason
    yield {"outcome": f"file {file.outcome}", "reason": reason}
    for rule, names in ((EXTRA_COLUMN, file.extra_columns), (ABSENT_COLUMN, file.absent_columns)):
        words = words_of(rule)._asdict()
        yield from ({"outcome": "doubtful", "row": file.header_row, "column": name, **words} for name in names)
    for finding in file.findings:
        entry = asdict(finding)
        del entry["rule"]
        yield entry


def _csv_cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    shown = visible(value)
    return "'" + shown if shown.startswith(("=", "+", "-", "@")) else shown


def as_json(report: Report) -> str:
    """The whole report; characters beyond ASCII are escaped, as control characters are."""
    content = {
        "is_anything_refused": report.is_anything_refused,
        "files_refused": report.files_refused,
        "rows_refused": report.rows_refused,
        "files": [{**asdict(file), "rows_refused": file.rows_refused} for file in report.files],
    }
    return json.dumps(content, indent=1) + "\n"


FORMATS: dict[str, Callable[[Report], str]] = {"text": as_text, "csv": as_csv, "json": as_json}
