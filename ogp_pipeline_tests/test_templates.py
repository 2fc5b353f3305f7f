"""The forms as people meet them: what is written, what it looks like, and that a filled one reads clean.

Everything runs over whatever templates the catalog holds, so a new form is tested by being there.
"""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from datetime import date, datetime
from pathlib import Path

import pytest
from openpyxl import load_workbook

from ogp_pipeline.contracts import code_lists
from ogp_pipeline.errors import OutputError
from ogp_pipeline.models import load_catalog
from ogp_pipeline.sources.layouts import find_header, layouts
from ogp_pipeline.sources.readers import grids
from ogp_pipeline.templates import TEMPLATES, Template, choice_labels, templates, write_template
from ogp_pipeline_tests.world import World

PROGRAM = Path(sys.executable).with_name("ogp-pipeline")
CATALOG = load_catalog()
FORMS = templates(CATALOG)
every_form = pytest.mark.parametrize("form", FORMS.values(), ids=list(FORMS))
every_layout = pytest.mark.parametrize(
    ("form", "sheet"), [pytest.param(form, sheet, id=sheet.layout) for form in FORMS.values() for sheet in form.sheets]
)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`ogp-pipeline template` in a process of its own."""
    return subprocess.run([str(PROGRAM), "template", *arguments], capture_output=True, text=True, check=False)


# --- what a form is


def test_there_are_forms():
    assert "local-monitoring" in FORMS, "the loops below must not be empty"
    sheets = FORMS["local-monitoring"].sheets
    assert [sheet.title for sheet in sheets] == [
        "Co-creation requirements",
        "Commitments at inception",
        "End of commitment",
        "Final learning exercise",
    ], "in the order of a plan's life, not of the alphabet"


@every_form
def test_a_form_says_what_it_is_and_who_fills_it_in(form):
    assert form.title and form.who and form.what, f"{TEMPLATES.name} has no row for {form.name}"


@every_layout
def test_what_a_form_asks_can_be_answered(form, sheet):
    assert sheet.title not in ("Instructions", "Lists"), "sheets of these names are passed over"
    assert len(sheet.title) <= 31 and not set(sheet.title) & set("[]:*?/\\"), "a sheet cannot be named so"
    assert any(field.is_required for field in sheet.fields)
    for field in sheet.fields:
        # no kind of IRM report codes every column: its example leaves some empty
        assert field.example or not field.is_required, f"{field.header} has no example"
        if field.choices_list:
            assert field.choices_list in code_lists()
            assert field.example in ("", *field.choices), f"{field.header}: its own example is not in its list"


@every_layout
def test_a_form_is_told_from_every_other_layout(form, sheet):
    """By its own columns, in any order."""
    headers = [field.header for field in sheet.fields]
    for cells in (headers, headers[::-1]):
        assert find_header([cells], layouts(CATALOG)).layout.name == sheet.layout


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param(
            "local_completion",
            ("Not started", "Limited", "Substantial", "Complete", "Withdrawn", "No evidence available", "Unclear"),
            id="by their numbers: a scale from low to high",
        ),
        pytest.param("member_type", ("local", "national", "other"), id="without numbers as they stand"),
        pytest.param("participation", ("Invitation-only", "NA", "ND", "NR", "Open"), id="with NA for a number"),
    ],
)
def test_the_order_of_a_list(name, expected):
    assert choice_labels()[name] == expected


# --- the workbook


@pytest.fixture(scope="module", params=FORMS.values(), ids=list(FORMS))
def workbook(request, tmp_path_factory):
    """A form and the workbook written for it, opened again."""
    path = tmp_path_factory.mktemp("form") / "form.xlsx"
    write_template(request.param, path)
    return request.param, load_workbook(path)


def test_the_sheets_of_a_workbook(workbook):
    form, book = workbook
    titles = [sheet.title for sheet in form.sheets]
    lists = [name for name in book.sheetnames if name == "Lists"]
    assert book.sheetnames == ["Instructions", *titles, *lists]
    assert book.active.title == "Instructions", "what opens first"
    assert [page.title for page in book if page.sheet_state != "visible"] == lists
    assert book.vba_archive is None


def test_the_header_of_a_sheet(workbook):
    form, book = workbook
    for sheet in form.sheets:
        page = book[sheet.title]
        assert page.freeze_panes == "A2"
        assert page.max_row == 1, "nothing below the header is read as an answer"
        for cell, field in zip(page[1], sheet.fields, strict=True):
            assert cell.value == field.header
            assert cell.font.bold
            assert field.meaning in cell.comment.text and field.example in cell.comment.text
            column = page.column_dimensions[cell.column_letter]
            assert column.number_format == "@", "ids, dates and numbers stay as they are typed"
            assert column.width >= 14


def test_the_lists_of_a_sheet(workbook):
    """What a cell offers is what the contract's list says, for some hundred rows, with words for both cases."""
    form, book = workbook
    for sheet in form.sheets:
        page = book[sheet.title]
        rules = {str(rule.sqref): rule for rule in page.data_validations.dataValidation}
        asked = {cell.column_letter: field for cell, field in zip(page[1], sheet.fields, strict=True) if field.choices}
        assert set(rules) == {f"{letter}2:{letter}1001" for letter in asked}
        for letter, field in asked.items():
            rule = rules[f"{letter}2:{letter}1001"]
            column, last = re.fullmatch(r"Lists!\$([A-Z]+)\$2:\$\1\$(\d+)", rule.formula1).groups()
            offered = [book["Lists"][f"{column}{row}"].value for row in range(2, int(last) + 1)]
            assert tuple(offered) == field.choices
            assert rule.type == "list" and rule.showErrorMessage and rule.showInputMessage
            assert 0 < len(rule.promptTitle) <= 32 and 0 < len(rule.errorTitle) <= 32
            assert 0 < len(rule.prompt) <= 255 and 0 < len(rule.error) <= 255


def test_the_instructions(workbook):
    form, book = workbook
    page = book["Instructions"]
    assert page["A1"].value.startswith("Instructions:")
    text = "\n".join(str(cell.value) for row in page.iter_rows() for cell in row if cell.value is not None)
    for words in (form.title, form.who, form.what, "ogp-pipeline validate FILE", "YYYY-MM-DD", "SCO0001"):
        assert words in text
    columns = {(row[0], row[1]): row[2:6] for row in page.iter_rows(values_only=True)}
    for sheet in form.sheets:
        for field in sheet.fields:
            required, meaning, allowed, example = columns[sheet.title, field.header]
            assert required == ("yes" if field.is_required else "no")
            assert (meaning, example or "") == (field.meaning, field.example)
            assert allowed == ("\n".join(field.choices) or "any text")


def test_the_instructions_and_the_lists_are_no_layout(tmp_path):
    for name, form in FORMS.items():
        path = tmp_path / f"{name}.xlsx"
        write_template(form, path)
        found = {grid.sheet: find_header(grid.first_rows(20), layouts(CATALOG)) for grid in grids(path, path.name)}
        recognised = {title: header.layout.name for title, header in found.items() if header}
        assert recognised == {sheet.title: sheet.layout for sheet in form.sheets}


# --- the round trip: written, filled in, read


def fill(form: Template, path: Path, typed: bool = False) -> None:
    """Write each column's example into the first row of every sheet; `typed` as a spreadsheet program might."""
    for target, sheets in write_template(form, path):
        if target.suffix == ".csv":
            with target.open("a", encoding="utf-8", newline="") as file:
                csv.writer(file).writerow([field.example for field in sheets[0].fields])
            continue
        book = load_workbook(target)
        for sheet in sheets:
            for column, field in enumerate(sheet.fields, start=1):
                book[sheet.title].cell(2, column, as_typed(field.example) if typed else field.example)
        book.save(target)


def as_typed(text: str) -> object:
    """A number, a date or the text: what a cell holds whose format somebody changed."""
    if re.fullmatch(r"[1-9]\d{0,8}", text):
        return int(text)
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        return datetime.fromisoformat(text)
    return text


@pytest.fixture(scope="module", params=["csv", "xlsx", "xlsx with typed cells"])
def filled(request, tmp_path_factory) -> World:
    """A world that holds every form, filled in with its examples, beside one ordinary commitment; built."""
    world = World(tmp_path_factory.mktemp("filled"), CATALOG)
    world.commitments({})
    for name, form in FORMS.items():
        fill(form, world.inputs / f"{name}.{request.param.split()[0]}", typed="typed" in request.param)
    return world.build()


@every_layout
def test_a_form_filled_in_with_its_examples_reads_clean(filled, form, sheet):
    layout = sheet.layout
    counts = filled.rows(
        f"select (select count(*) from raw.{layout}) as raw, (select count(*) from staging.{layout}) as staged, "
        f"(select count(*) from quarantine.{layout}) as refused"
    )
    assert counts == [{"raw": 1, "staged": 1, "refused": 0}]
    wrong = filled.rows(
        f"""select "column", rule, original from meta.problems
            where source = '{layout}' and severity in ('unreadable', 'quarantine')"""
    )
    assert wrong == []
    (found,) = filled.rows(f"select * from raw.{layout}")
    assert {field.header: found[field.header] for field in sheet.fields} == {
        field.header: field.example for field in sheet.fields
    }, "every cell arrives as it was typed"


def test_empty_forms_are_no_fault(world):
    """A monitoring body leaves empty what is not ready yet."""
    world.commitments({})
    for name, form in FORMS.items():
        write_template(form, world.inputs / f"{name}.xlsx")
    assert world.build().publish().status == "published"


def test_what_a_typed_cell_is():
    """The typed round trip must change something, or it would prove nothing."""
    assert as_typed("2024-03-01") == datetime(2024, 3, 1) and isinstance(as_typed("2024-03-01"), date)
    assert as_typed("2") == 2 and as_typed("GBSC") == "GBSC"
    examples = {field.example for form in FORMS.values() for sheet in form.sheets for field in sheet.fields}
    assert any(as_typed(example) != example for example in examples)


# --- the command


def test_the_command_writes_a_workbook(tmp_path):
    path = tmp_path / "form.xlsx"
    done = run("local-monitoring", "-o", str(path))
    assert done.returncode == 0, done.stderr
    assert load_workbook(path).sheetnames[0] == "Instructions"
    assert f"ogp-pipeline validate {path}" in done.stdout


def test_the_command_says_where_the_sheets_of_a_csv_form_went(tmp_path):
    done = run("local-monitoring", "-o", str(tmp_path / "form.csv"))
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "form-co-creation-requirements.csv",
        "form-commitments-at-inception.csv",
        "form-end-of-commitment.csv",
        "form-final-learning-exercise.csv",
    ]
    for path in tmp_path.iterdir():
        assert f"{path}: " in done.stdout


def test_a_form_of_one_sheet_is_one_csv_file(tmp_path):
    form = FORMS["local-monitoring"]
    single = Template(form.name, form.title, form.who, form.what, form.sheets[:1])
    write_template(single, tmp_path / "form.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["form.csv"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(
            ("no-such-form", "-o", "form.csv"), ("no-such-form", "local-monitoring"), id="names those there are"
        ),
        pytest.param(("local-monitoring", "-o", "form.ods"), (".xlsx or .csv",), id="another suffix"),
        pytest.param(("local-monitoring",), ("--output",), id="no file"),
        pytest.param(("local-monitoring", "-o", "no/such/form.csv"), ("no/such", "make it first"), id="no such folder"),
    ],
)
def test_what_the_command_refuses(tmp_path, arguments, words):
    given = [str(tmp_path / each) if "." in each else each for each in arguments]
    done = run(*given)
    assert done.returncode == 2
    assert all(word in done.stderr for word in words), done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", ["xlsx", "csv"])
def test_a_file_that_is_there_is_replaced_only_when_told(tmp_path, suffix):
    form = FORMS["local-monitoring"]
    path = tmp_path / f"form.{suffix}"
    first = write_template(form, path)[-1][0]
    first.write_text("somebody's work", encoding="utf-8")
    others = [each for each in tmp_path.iterdir() if each != first]
    for each in others:
        each.unlink()
    with pytest.raises(OutputError, match=r"it is there already: .*--force"):
        write_template(form, path)
    assert first.read_text(encoding="utf-8") == "somebody's work"
    assert [each for each in others if each.exists()] == [], "nothing is written before all of it can be"
    write_template(form, path, replace=True)
    assert first.read_bytes() != b"somebody's work"
