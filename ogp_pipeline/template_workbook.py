"""How a form looks as a workbook: instructions, drop-down lists, headers with their meaning, cells kept as text.

openpyxl is imported inside the functions that use it. What a form asks is decided in `templates`.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from ogp_pipeline.templates import Field, Sheet, Template

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

INSTRUCTIONS, LISTS = "Instructions", "Lists"  # sheets of these names are passed over when a form is read
LIST_ROWS = 1000  # rows below the header in which a list is offered; longer forms are read all the same
TEXT = "@"  # the number format that keeps ids, dates and numbers as they were typed
REQUIRED_FILL, OPTIONAL_FILL, TITLE_COLOUR = "1F4E79", "7F8FA9", "1F4E79"
# limits of the file format
PROMPT_LENGTH, PROMPT_TITLE_LENGTH = 255, 32

HOW_TO = (
    "One row per report, answer or commitment, as the sheet says; begin in row 2, right below the header.",
    "Leave the header row as it is. Columns may be moved; columns of your own are named in the check and not used.",
    "Dark headers are required: without these columns the sheet cannot be read, and an empty cell below them is "
    "reported unless the column says that it may be empty. Columns of light headers may stay empty or be left out.",
    "Where a cell offers a list, choose from it; any other text there is reported and not used.",
    "Cells are kept as text. Write dates as YYYY-MM-DD, for example 2024-03-01: 01/03/2024 can be read two ways.",
    "A member is named by its code (three letters for a country, such as KOR; OGP's four letters for a local member, "
    "such as GBSC) or by its name.",
    "A plan is named by the number it has among the plans of its member: 1, 2, ... The pipeline makes AP_GBSC02 of it.",
    "A commitment has OGP's id where OGP gave it one: letters and four digits, such as KR0041 or SCO0001.",
    "A sheet that you leave empty is no fault.",
)
NEXT_STEPS = (
    "Save the file as .xlsx, or each sheet as .csv.",
    "Check it: ogp-pipeline validate FILE says row by row what could not be read and what to do.",
    "Mend what it names, check again, and send the file; or put it into a folder that make refresh SOURCES= reads.",
)
COLUMN_HEADS = ("Sheet", "Column", "Required", "Meaning", "Allowed values", "Example")
COLUMN_WIDTHS = (26, 34, 10, 70, 44, 34)


def workbook_bytes(template: Template) -> bytes:
    """The form as the bytes of an XLSX file without macros: Instructions first, its sheets, the hidden lists last."""
    from openpyxl import Workbook

    workbook = Workbook()
    workbook.properties.creator = "ogp_pipeline"
    workbook.properties.title = template.title
    _write_instructions(workbook.active, template)
    ranges = _list_ranges(template)
    for sheet in template.sheets:
        _write_sheet(workbook.create_sheet(sheet.title), sheet, ranges)
    if ranges:
        _write_lists(workbook, template)
    content = io.BytesIO()
    workbook.save(content)
    return content.getvalue()


def _write_instructions(page: Worksheet, template: Template) -> None:
    from openpyxl.styles import Alignment, Font, PatternFill

    page.title = INSTRUCTIONS
    page.sheet_view.showGridLines = False
    heading = Font(bold=True, size=12, color=TITLE_COLOUR)
    page.append([f"Instructions: {template.title}"])
    page["A1"].font = Font(bold=True, size=16, color=TITLE_COLOUR)
    blocks = [
        ("What this form is", (template.what,)),
        ("Who fills it in", (template.who,)),
        ("How to fill it in", HOW_TO),
        ("What to do next", NEXT_STEPS),
        ("The sheets", tuple(f"{sheet.title}: {sheet.meaning}" for sheet in template.sheets)),
    ]
    for title, lines in blocks:
        if not any(lines):
            continue
        page.append([])
        page.append([title])
        page.cell(page.max_row, 1).font = heading
        for line in lines:
            page.append([line])
            row = page.max_row
            page.merge_cells(start_row=row, end_row=row, start_column=1, end_column=len(COLUMN_HEADS))
            page.cell(row, 1).alignment = Alignment(wrap_text=True, vertical="top")
            page.row_dimensions[row].height = 15 * (1 + len(line) // (sum(COLUMN_WIDTHS) - 10))
    page.append([])
    page.append(["The columns"])
    page.cell(page.max_row, 1).font = heading
    page.append(COLUMN_HEADS)
    for cell in page[page.max_row]:
        cell.font = Font(bold=True, color="FFFFFF")
        cell.fill = PatternFill("solid", fgColor=REQUIRED_FILL)
    for sheet in template.sheets:
        for field in sheet.fields:
            allowed = "\n".join(field.choices) or "any text"
            page.append([sheet.title, field.header, "yes" if field.is_required else "no", field.meaning, allowed, None])
            # as text, whatever it looks like
            example = page.cell(page.max_row, len(COLUMN_HEADS), field.example)
            example.number_format = TEXT
            example.data_type = "s"
            for cell in page[page.max_row]:
                cell.alignment = Alignment(wrap_text=True, vertical="top")
    for letter, width in zip("ABCDEF", COLUMN_WIDTHS, strict=True):
        page.column_dimensions[letter].width = width


def _write_sheet(page: Worksheet, sheet: Sheet, ranges: dict[str, str]) -> None:
    from openpyxl.comments import Comment
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    for position, field in enumerate(sheet.fields, start=1):
        letter = get_column_letter(position)
        header = page.cell(1, position, field.header)
        header.font = Font(bold=True, color="FFFFFF")
        header.fill = PatternFill("solid", fgColor=REQUIRED_FILL if field.is_required else OPTIONAL_FILL)
        header.alignment = Alignment(wrap_text=True, vertical="center")
        header.comment = Comment(_note(field), "ogp_pipeline", width=340, height=140)
        column = page.column_dimensions[letter]
        column.width = _width(field)
        column.number_format = TEXT
        column.alignment = Alignment(wrap_text=True, vertical="top")
        if field.choices_list:
            rule = DataValidation(type="list", formula1=ranges[field.choices_list], allow_blank=True)
            rule.promptTitle = field.header[:PROMPT_TITLE_LENGTH]
            rule.prompt = _shortened(f"{field.meaning} Choose from the list.")
            rule.errorTitle = "Not in the list"
            rule.error = _shortened(f"Choose one of: {'; '.join(field.choices)}.")
            rule.showInputMessage = rule.showErrorMessage = True
            rule.add(f"{letter}2:{letter}{LIST_ROWS + 1}")
            page.add_data_validation(rule)
    page.row_dimensions[1].height = 48
    page.freeze_panes = "A2"


def _note(field: Field) -> str:
    lines = [field.meaning, "Required column." if field.is_required else "May stay empty."]
    if field.example:
        lines.append(f"Example: {field.example}")
    return "\n".join(lines)


def _width(field: Field) -> float:
    longest = max([len(field.example), *(len(choice) for choice in field.choices), len(field.header) * 0.7])
    return min(max(longest + 3, 14), 50)


def _shortened(text: str) -> str:
    return text if len(text) <= PROMPT_LENGTH else text[: PROMPT_LENGTH - 4].rsplit(" ", 1)[0] + " ..."


def _lists(template: Template) -> dict[str, tuple[str, ...]]:
    return {
        field.choices_list: field.choices for sheet in template.sheets for field in sheet.fields if field.choices_list
    }


def _list_ranges(template: Template) -> dict[str, str]:
    """List -> where its labels stand on the hidden sheet: `Lists!$B$2:$B$7`."""
    from openpyxl.utils import get_column_letter

    ranges = {}
    for position, (name, labels) in enumerate(_lists(template).items(), start=1):
        letter = get_column_letter(position)
        ranges[name] = f"{LISTS}!${letter}$2:${letter}${len(labels) + 1}"
    return ranges


def _write_lists(workbook: Workbook, template: Template) -> None:
    page = workbook.create_sheet(LISTS)
    page.sheet_state = "hidden"
    for position, (name, labels) in enumerate(_lists(template).items(), start=1):
        for row, text in enumerate([name, *labels], start=1):
            page.cell(row, position, text).number_format = TEXT
