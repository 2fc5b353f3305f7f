"""What the pipeline would do with files, said before they are sent or loaded.

Runs the reading of the sources, and no more of the pipeline, in memory, and puts what it found into words
(`reference/rule_words.csv`). Limits for loss in bulk belong to publishing and are not judged. How a report is
shown is `validation_formats`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from ogp_pipeline.building import Workshop, builder
from ogp_pipeline.models import Catalog, Model, load_catalog
from ogp_pipeline.settings import PACKAGE_DIR, Settings
from ogp_pipeline.sources.folders import look_at
from ogp_pipeline.sources.layouts import Layout, layouts
from ogp_pipeline.sources.source_files import UNREADABLE, SourceFile
from ogp_pipeline.store import cast_to_contract, connect, prepare

# what becomes of a value or a row, by the severity of its problem
ROW_REFUSED, VALUE_LOST, DOUBTFUL, REPAIRED = "row refused", "value lost", "doubtful", "repaired"
OUTCOMES = {"quarantine": ROW_REFUSED, "unreadable": VALUE_LOST, "doubt": DOUBTFUL, "repair": REPAIRED}
# what becomes of a file, by the status it has in meta.sources
FILE_READ, FILE_REFUSED = "read", "refused"
FILE_OUTCOMES = {"loaded": FILE_READ, "refused": FILE_REFUSED, UNREADABLE: FILE_REFUSED}
HEADER_ALONE = "a header and no rows below it: fill in at least one row, or get the file again if it is cut off"
LABEL_RULES = ("label_unknown", "blank")  # where it helps to know the labels of the column
ROW_NOTE = "row_width"  # the rule of what the reader noticed of a row as a whole
EXTRA_COLUMN, ABSENT_COLUMN = "extra_column", "absent_column"


class Words(NamedTuple):
    """A rule for people: what is the matter, and what they can do."""

    reason: str
    what_to_do: str


@dataclass(frozen=True)
class Finding:
    """One thing about one value, one row, or (no row) the file as a whole."""

    outcome: str  # one of OUTCOMES' values
    row: int | None  # line of the file or row of the sheet, from 1
    column: str | None  # None for the row as a whole
    value: str | None  # as written
    used: str | None  # read as; None where nothing is
    rule: str
    reason: str
    what_to_do: str


@dataclass(frozen=True)
class FileReport:
    """One file, or one sheet of a workbook."""

    file: str
    sheet: str | None
    outcome: str  # FILE_READ, FILE_REFUSED, or ignored, duplicate, missing as in meta.sources
    reason: str  # why it is not read; blank where it is
    layout: str | None
    layout_description: str | None
    header_row: int | None
    rows: int
    extra_columns: tuple[str, ...]
    absent_columns: tuple[str, ...]
    findings: tuple[Finding, ...]

    def of(self, outcome: str) -> list[Finding]:
        """The findings of one outcome."""
        return [finding for finding in self.findings if finding.outcome == outcome]

    @property
    def rows_refused(self) -> int:
        """How many rows would be refused; one can be for several reasons."""
        return len({finding.row for finding in self.of(ROW_REFUSED)})


@dataclass(frozen=True)
class Report:
    """Every file that was looked at, by name."""

    files: tuple[FileReport, ...]

    @property
    def files_refused(self) -> int:
        """How many files or sheets would be refused."""
        return sum(file.outcome == FILE_REFUSED for file in self.files)

    @property
    def rows_refused(self) -> int:
        """How many rows would be refused in the files that are read."""
        return sum(file.rows_refused for file in self.files)

    @property
    def is_anything_refused(self) -> bool:
        """Whether a file or a row would be refused."""
        return bool(self.files_refused or self.rows_refused)


def validate_files(paths: Sequence[Path]) -> Report:
    """Look at files and folders together: what one of them says of members holds for the others."""
    catalog = load_catalog()
    known = layouts(catalog)
    files = look_at(paths, known)
    found = _findings(files, catalog)
    return Report(tuple(_file_report(file, found.get(file.name, ()), known) for file in files))


@cache
def rule_words() -> Mapping[str, Words]:
    """The words of every rule, from reference/rule_words.csv."""
    with (PACKAGE_DIR / "reference" / "rule_words.csv").open(encoding="utf-8", newline="") as file:
        return {row["rule"]: Words(row["explanation"], row["what_to_do"]) for row in csv.DictReader(file)}


@cache
def _labels() -> Mapping[str, tuple[str, ...]]:
    """The labels of every list of reference/labels.csv."""
    lists: dict[str, list[str]] = {}
    with (PACKAGE_DIR / "reference" / "labels.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            lists.setdefault(row["list"], []).append(row["label"])
    return {name: tuple(labels) for name, labels in lists.items()}


def words_of(rule: str) -> Words:
    """The words of a rule; its name with spaces where nobody wrote any."""
    return rule_words().get(rule) or Words(rule.replace("_", " "), "look at what stands there")


def _file_report(file: SourceFile, findings: Iterable[Finding], known: Sequence[Layout]) -> FileReport:
    header = file.header
    outcome = FILE_OUTCOMES.get(file.status, file.status)
    reason = file.reason
    if outcome == FILE_READ and not file.rows and not header.layout.is_form:
        outcome, reason = FILE_REFUSED, HEADER_ALONE
    described = [f"{layout.name}: {layout.contract.description}" for layout in known if layout.name in reason.split()]
    sheet = file.grid.sheet if file.grid else None
    return FileReport(
        file=file.name.removesuffix(f"#{sheet}") if sheet is not None else file.name,
        sheet=sheet,
        outcome=outcome,
        reason=" ".join([reason, *(f"({text})" for text in described)]),
        layout=file.layout,
        layout_description=header.layout.contract.description if header else None,
        header_row=header.index + 1 if header else None,
        rows=file.rows,
        extra_columns=header.extras if header else (),
        absent_columns=header.absent if header else (),
        findings=tuple(findings),
    )


def _findings(files: Sequence[SourceFile], catalog: Catalog) -> dict[str, list[Finding]]:
    """The findings of every file that can be read, by its name, in the order of the rows."""
    sources = sorted({file.layout for file in files if file.status == "loaded"})
    if not sources:
        return {}
    notes = " union all ".join(
        f"select _source_file, _source_row, null, '{ROW_NOTE}', 'doubt', _source_note, null from raw.{source} "
        "where _source_note is not null"
        for source in sources
    )
    with TemporaryDirectory(prefix="ogp-validate-") as folder, connect() as connection:
        prepare(connection, catalog.macros)
        workshop = Workshop(Settings(Path(folder)), catalog, False, Path(folder), tuple(files))
        for model in _models(catalog, sources):
            select = cast_to_contract(connection, model, model.sql or builder(model)(connection, model, workshop))
            connection.execute(f"create table {model.name} as {select}")
        rows = connection.execute(
            # `distinct` because most sources tell what the reader noticed of a row themselves
            f"""select distinct * from (
                select source_file, source_row, "column", rule, severity, original, used from meta.problems
                union all {notes}
            ) order by all"""
        ).fetchall()
    accepted = {
        (file.name, name): _labels()[column.choices]
        for file in files
        if file.header
        for name, column in file.header.layout.contract.columns.items()
        if column.choices in _labels()
    }
    found: dict[str, list[Finding]] = {}
    for file, row, column, rule, severity, original, used in rows:
        words = words_of(rule)
        if rule in LABEL_RULES and (labels := accepted.get((file, column))):
            words = words._replace(what_to_do=f"{words.what_to_do} The labels are: {', '.join(labels)}.")
        found.setdefault(file, []).append(Finding(OUTCOMES[severity], row, column, original, used, rule, *words))
    return found


def _models(catalog: Catalog, sources: Sequence[str]) -> tuple[Model, ...]:
    """What is built: the problems of these sources and all that is read for them, in order."""
    own = [
        model.name
        for model in catalog
        if model.schema == "staging" and model.contract.private and catalog.source_of(model.name) in sources
    ]
    problems = replace(catalog["meta.problems"], reads=("meta.sources", *own))
    needed = set(problems.reads) | {f"raw.{source}" for source in sources}
    for model in reversed(list(catalog)):  # a table comes after all it reads
        if model.name in needed:
            needed |= set(model.reads)
    return (*(model for model in catalog if model.name in needed), problems)
