"""The forms that monitoring bodies, governments and analysts fill in: what they ask, and writing them as files.

A form is the raw layouts of one template (`template` and `sheet` of their contracts), one sheet each. What its
columns mean, which are required, what may stand in them: all comes from the contracts, the words about a form as a
whole from `reference/templates.csv`. How a workbook looks is `template_workbook`.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ogp_pipeline.errors import OutputError
from ogp_pipeline.models import Catalog
from ogp_pipeline.settings import PACKAGE_DIR
from ogp_pipeline.sources.layouts import SOURCE_COLUMNS
from ogp_pipeline.store import write_atomically

SUFFIXES = (".xlsx", ".csv")
LABELS = PACKAGE_DIR / "reference" / "labels.csv"
TEMPLATES = PACKAGE_DIR / "reference" / "templates.csv"


@dataclass(frozen=True)
class Field:
    """One column of a form. `choices` are the labels it offers, none where any text may stand."""

    header: str
    meaning: str
    is_required: bool
    choices_list: str | None
    choices: tuple[str, ...]
    example: str


@dataclass(frozen=True)
class Sheet:
    """One sheet of a form: the layout it is read as, its title, what it holds and its columns."""

    layout: str
    title: str
    meaning: str
    fields: tuple[Field, ...]

    @property
    def slug(self) -> str:
        """The title as a part of a file name."""
        return re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")


@dataclass(frozen=True)
class Template:
    """A form: its name, its title, who fills it in, what for, and its sheets in order."""

    name: str
    title: str
    who: str
    what: str
    sheets: tuple[Sheet, ...]


def templates(catalog: Catalog) -> dict[str, Template]:
    """Every form that the raw contracts of the catalog describe, by name."""
    labels = choice_labels()
    words = _words()
    found: dict[str, list[tuple[int, Sheet]]] = {}
    for model in catalog:
        contract = model.contract
        if model.schema != "raw" or contract.template is None:
            continue
        fields = tuple(
            Field(
                header=header,
                meaning=" ".join(column.description.split()),
                is_required=column.required,
                choices_list=column.choices,
                choices=labels[column.choices] if column.choices else (),
                example=column.example or "",
            )
            for header, column in contract.columns.items()
            if header not in SOURCE_COLUMNS
        )
        sheet = Sheet(model.table, contract.sheet, " ".join(contract.description.split()), fields)
        found.setdefault(contract.template, []).append((contract.sheet_order, sheet))
    made = {}
    for name, ordered in sorted(found.items()):
        sheets = tuple(sheet for _, sheet in sorted(ordered, key=lambda item: (item[0], item[1].layout)))
        said = words.get(name, {})
        title = said.get("title") or name.replace("-", " ").capitalize()
        made[name] = Template(name, title, said.get("who", ""), said.get("what", ""), sheets)
    return made


def choice_labels() -> dict[str, tuple[str, ...]]:
    """The labels of each list of reference/labels.csv, by their numbers where all have one, else as they stand."""
    lists: dict[str, list[tuple[str, str]]] = {}
    with LABELS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            lists.setdefault(row["list"], []).append((row["number"], row["label"]))
    return {
        name: tuple(
            label
            for _, label in (
                sorted(rows, key=lambda row: int(row[0])) if all(number.isdigit() for number, _ in rows) else rows
            )
        )
        for name, rows in lists.items()
    }


def targets(template: Template, path: Path) -> list[tuple[Path, tuple[Sheet, ...]]]:
    """The files a form is written to, each with its sheets: one workbook, or one CSV file per sheet."""
    if path.suffix.lower() == ".xlsx" or len(template.sheets) == 1:
        return [(path, template.sheets)]
    return [(path.with_name(f"{path.stem}-{sheet.slug}{path.suffix}"), (sheet,)) for sheet in template.sheets]


def write_template(template: Template, path: Path, replace: bool = False) -> list[tuple[Path, tuple[Sheet, ...]]]:
    """Write a form as XLSX or CSV, by the suffix of `path`, and say what went where.

    ValueError for another suffix. OutputError, before anything is written, where a file is there already and is not
    to be replaced, or where the folder does not exist.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"{path.name}: a template is written as {' or '.join(SUFFIXES)}")
    files = targets(template, path)
    problems = [
        f"{target}: it is there already: give another name, or --force to replace it"
        for target, _ in files
        if target.exists() and not replace
    ]
    if not path.parent.is_dir():
        problems.append(f"{path.parent}: there is no such folder: make it first, or name another")
    problems += [f"{target}: it is a folder: name a file" for target, _ in files if target.is_dir()]
    if problems:
        raise OutputError(problems)
    for target, sheets in files:
        write_atomically(target, _workbook(template) if target.suffix.lower() == ".xlsx" else _csv(sheets[0]))
    return files


def _workbook(template: Template) -> bytes:
    from ogp_pipeline.template_workbook import workbook_bytes

    return workbook_bytes(template)


def _csv(sheet: Sheet) -> bytes:
    """The header row. The byte order mark makes spreadsheet programs keep letters with accents."""
    text = io.StringIO()
    csv.writer(text).writerow([field.header for field in sheet.fields])
    return text.getvalue().encode("utf-8-sig")


def _words() -> Mapping[str, dict[str, str]]:
    with TEMPLATES.open(encoding="utf-8", newline="") as file:
        return {row["template"]: row for row in csv.DictReader(file)}
