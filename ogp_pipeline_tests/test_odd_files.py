"""Malformed and odd files: each is read as a person would read it, or refused in one line that says what to do.

Every input is a real layout that something happened to. The cases that need no workbook and no odd bytes are in
`test_sources.py`.
"""

from __future__ import annotations

import csv
import re
import zipfile
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import openpyxl
import pytest
from openpyxl.chart import BarChart
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from ogp_pipeline.building import build_tables
from ogp_pipeline.sample.layouts import EXPLORER_HEADER, MEMBERS_HEADER
from ogp_pipeline.sources.folders import look_at
from ogp_pipeline.sources.layouts import Layout, layouts
from ogp_pipeline_tests.world import World

SHEET_XML = "xl/worksheets/sheet1.xml"
WORKBOOK_XML = "xl/workbook.xml"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
COLUMN = {name: number for number, name in enumerate(EXPLORER_HEADER, start=1)}


@pytest.fixture(scope="module")
def known(catalog) -> tuple[Layout, ...]:
    """The layouts of the project."""
    return layouts(catalog)


def table(world: World, *rows: Mapping[str, str]) -> list[list[str]]:
    """The cells of a commitments file."""
    path = world.commitments(*(rows or ({},)), file="table.csv")
    with path.open(encoding="utf-8", newline="") as file:
        cells = list(csv.reader(file))
    path.unlink()
    return cells


def book(world: World, *rows: Mapping[str, str], file: str = "book.xlsx") -> tuple[openpyxl.Workbook, Worksheet, Path]:
    """A workbook with a sheet `Data` that holds a commitments table, where it will lie, not saved yet."""
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet.title = "Data"
    for cells in table(world, *rows):
        sheet.append(cells)
    return workbook, sheet, world.inputs / file


def plain_book(world: World) -> Path:
    """A workbook with one commitment, saved."""
    workbook, _, path = book(world)
    workbook.save(path)
    return path


def with_parts(path: Path, **changes: Callable[[str], str]) -> Path:
    """Change parts of a workbook's archive as text; `sheet`, `workbook`, `types` name them."""
    names = {"sheet": SHEET_XML, "workbook": WORKBOOK_XML, "types": "[Content_Types].xml"}
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    for name, change in changes.items():
        parts[names[name]] = change(parts[names[name]].decode()).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


# --- refused: one line, with the file and what to do


def archive_of(path: Path, **parts: bytes) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/"), content)


def claims_gigabytes(path: Path) -> None:
    """The directory of the archive says of the sheet that it has 3.75 GiB."""
    content = bytearray(path.read_bytes())
    entry = content.rindex(b"PK\x01\x02", 0, content.rindex(SHEET_XML.encode()))
    content[entry + 24 : entry + 28] = (0xF0000000).to_bytes(4, "little")
    path.write_bytes(content)


def flagged_as_encrypted(path: Path) -> None:
    content = bytearray(path.read_bytes())
    entry = content.rindex(b"PK\x01\x02", 0, content.rindex(SHEET_XML.encode()))
    content[entry + 8] |= 1
    path.write_bytes(content)


LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>'
READS_A_FILE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>'


def before_root(text: str) -> Callable[[str], str]:
    return lambda xml: re.sub(r"^(<\?xml[^>]*\?>)?", lambda found: found.group() + text, xml, count=1)


class Refused(NamedTuple):
    ending: str
    make: Callable[[World, Path], Any]
    words: tuple[str, ...]
    why: str


def saved(change: Callable[[openpyxl.Workbook, Worksheet], Any]) -> Callable[[World, Path], None]:
    """A workbook of one commitment with a change a person or a program made."""

    def make(world: World, path: Path) -> None:
        workbook, sheet, _ = book(world)
        change(workbook, sheet)
        workbook.save(path)

    return make


def damaged(change: Callable[[Path], Any]) -> Callable[[World, Path], None]:
    """A workbook of one commitment whose bytes were changed."""

    def make(world: World, path: Path) -> None:
        plain_book(world).rename(path)
        change(path)

    return make


def in_sheet(old: str, new: str) -> Callable[[World, Path], None]:
    return damaged(lambda path: with_parts(path, sheet=lambda xml: re.sub(old, new, xml, count=1)))


def many_merges(workbook: openpyxl.Workbook, sheet: Worksheet) -> None:
    for row in range(10, 20_020, 2):
        sheet.merged_cells.ranges.add(openpyxl.worksheet.cell_range.CellRange(f"A{row}:A{row + 1}"))


REFUSED = [
    Refused(
        "xlsx",
        lambda world, path: path.write_bytes(OLE + "EncryptedPackage".encode("utf-16-le")),
        ("protected with a password", "take the password away"),
        "Excel stores a workbook with a password as another kind of file",
    ),
    Refused(
        "xlsx",
        lambda world, path: path.write_bytes(OLE + "Workbook".encode("utf-16-le")),
        ("old format (.xls)", "save it as .xlsx"),
        "a workbook of before 2007 that somebody renamed",
    ),
    Refused(
        "xlsx",
        lambda world, path: archive_of(path, mimetype=b"application/vnd.oasis.opendocument.spreadsheet"),
        ("OpenDocument", "save it as .xlsx"),
        "LibreOffice's own format, renamed",
    ),
    Refused(
        "xlsx",
        lambda world, path: archive_of(path, xl__workbook_bin=b"x") or renamed_part(path),
        ("binary workbook (.xlsb)", "save it as .xlsx"),
        "Excel's binary format, renamed",
    ),
    Refused("xlsx", lambda world, path: path.write_bytes(b"%PDF-1.7\n"), ("it is a PDF",), "a report, not its table"),
    Refused(
        "xlsx",
        lambda world, path: path.write_text("\n<!DOCTYPE html><html>Sign in</html>"),
        ("it is a web page", "save it again as"),
        "a page to log in where a download was expected",
    ),
    Refused(
        "xlsx",
        damaged(
            lambda path: with_parts(
                path,
                workbook=lambda xml: xml.replace(
                    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
                    "http://purl.oclc.org/ooxml/spreadsheetml/main",
                ),
            )
        ),
        ("Strict Open XML", "an ordinary Excel workbook"),
        "`Strict Open XML Spreadsheet` of Excel's list of formats",
    ),
    Refused(
        "xlsx",
        damaged(lambda path: with_parts(path, sheet=lambda xml: xml + " " * (40 << 20))),
        ("expand to 4", "is not opened", "save it as .csv"),
        "forty mebibytes of nothing in forty kibibytes",
    ),
    Refused(
        "xlsx",
        damaged(claims_gigabytes),
        ("expand to 4,0", "is not opened"),
        "a sheet of gigabytes: told from the directory, before anything is unpacked",
    ),
    Refused(
        "xlsx",
        damaged(lambda path: with_parts(path, workbook=before_root(LAUGHS))),
        ("a document type in its XML",),
        "entities that expand without end",
    ),
    Refused(
        "xlsx",
        damaged(lambda path: with_parts(path, sheet=before_root(READS_A_FILE))),
        ("sheet Data: a document type in its XML",),
        "an entity that would read a file of this machine",
    ),
    Refused("xlsx", damaged(flagged_as_encrypted), ("protected with a password",), "an archive with a password"),
    Refused(
        "xlsx",
        in_sheet(r'<row r="2"', '<row r="1"'),
        ("sheet Data: the row 1 after row 1 is out of order",),
        "the reader of cells would drop the second of two rows with one number unseen",
    ),
    Refused(
        "xlsx",
        in_sheet(r'<row r="2"', '<row r="99999999999"'),
        ("sheet Data: the row 99999999999",),
        "the rows between would be counted for hours",
    ),
    Refused("xlsx", in_sheet(r'r="B2"', 'r="XFE2"'), ("the cell XFE2 in row 2",), "a column beyond the last"),
    Refused("xlsx", in_sheet(r'r="B2"', 'r="A2"'), ("the cell A2 in row 2",), "two cells in one place"),
    Refused("xlsx", in_sheet(r'r="B2"', 'r="?"'), ("'?' is no cell",), "a cell that is nowhere"),
    Refused(
        "xlsx",
        in_sheet("<sheetData>", "<a>" * 1000 + "</a>" * 1000 + "<sheetData>"),
        ("nested more than 64 deep",),
        "elements within elements could end the process instead of the reading",
    ),
    Refused(
        "xlsx",
        in_sheet(r'<c r="B2".*?</c>', '<c r="B2" t="s"><v>99999</v></c>'),
        ("#Data", "not readable as XLSX"),
        "a text that is not in the table of texts",
    ),
    Refused(
        "xlsx",
        in_sheet(r'<c r="B2".*?</c>', '<c r="B2" t="n"><v>1O</v></c>'),
        ("#Data", "not readable as XLSX"),
        "a number that is none",
    ),
    Refused("xlsx", saved(many_merges), ("merged over several rows, unmerge them",), "each merged cell costs time"),
    Refused(
        "xlsx",
        saved(lambda workbook, sheet: sheet.cell(1, 1_500, "far away")),
        ("#Data", "header in row 1: 1,500 columns", "delete what stands to the right"),
        "something was typed a thousand columns to the right of the header",
    ),
    Refused(
        "xlsx",
        saved(lambda workbook, sheet: sheet.cell(1, COLUMN["Comm No"], "Number")),
        ("#Data", "header in row 1", "lacks the required column Comm No: put"),
        "a renamed column: the message names file and sheet",
    ),
    Refused(
        "xlsx",
        saved(lambda workbook, sheet: [sheet.delete_rows(1, 2)]),
        ("#Data", "it has no rows"),
        "a workbook with nothing in it",
    ),
    Refused(
        "xlsx",
        saved(lambda workbook, sheet: (workbook.create_chartsheet("Figure"), workbook.remove(sheet))),
        ("it has no sheet of cells",),
        "a workbook that holds only a chart",
    ),
    Refused(
        "xlsx",
        saved(lambda workbook, sheet: (hide(sheet, "hidden"), workbook.create_sheet("Empty"))),
        ("#Data", "a hidden sheet is not read", "Unhide"),
        "old versions are kept in hidden sheets: read only when somebody says so",
    ),
    Refused(
        "xlsx",
        saved(lambda workbook, sheet: (hide(sheet, "veryHidden"), workbook.create_sheet("Empty"))),
        ("#Data", "a sheet that a program hid", "visible"),
        "a sheet that no menu shows",
    ),
    Refused("csv", damaged(lambda path: None), ("not CSV but a workbook", "name it .xlsx"), "a workbook named .csv"),
    Refused(
        "csv", lambda world, path: path.write_bytes(OLE), ("not CSV but a workbook",), "an old workbook named .csv"
    ),
    Refused(
        "csv",
        lambda world, path: path.write_text("<!DOCTYPE html>\n<html><body>Sign in, please</body></html>\n"),
        ("it is a web page",),
        "a page to log in, saved under the name of the table",
    ),
    Refused("csv", lambda world, path: path.write_bytes(b""), ("it has no rows",), "an empty file"),
    Refused("csv", lambda world, path: path.write_text("\n\n , ,\n"), ("it has no rows",), "blank lines and commas"),
]


def renamed_part(path: Path) -> None:
    """`xl/workbook.bin` cannot be written as a keyword."""
    archive_of(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/workbook.bin", b"x")


def hide(sheet: Worksheet, state: str) -> None:
    sheet.sheet_state = state


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.why)
def test_refused_in_one_line(world: World, known, case: Refused) -> None:
    path = world.inputs / f"odd.{case.ending}"
    case.make(world, path)
    (file,) = [file for file in look_at([path], known) if file.status not in ("loaded", "ignored")]
    line = f"{file.name}: {file.reason}"
    assert file.status in ("refused", "unreadable")
    assert line.startswith(path.as_posix()) and "\n" not in line
    for words in case.words:
        assert words in line


# --- read: the cells, and what is to be known of the row


class Read(NamedTuple):
    make: Callable[[World], Any]
    cells: list[dict[str, str]]  # per row, the cells that tell
    notes: list[str | None]  # per row, a part of its note
    why: str


def cell(column: str, value: Any, number_format: str | None = None) -> Callable[[World], None]:
    """A commitment with one cell as a spreadsheet program stores it."""

    def make(world: World) -> None:
        workbook, sheet, path = book(world)
        target = sheet.cell(2, COLUMN[column], value)
        if number_format:
            target.number_format = number_format
        workbook.save(path)

    return make


def formula(stored: str, recalculates: bool = False) -> Callable[[World], None]:
    """A commitment whose title is a formula; `stored` is what the file holds in the place of its value."""

    def make(world: World) -> None:
        cell("Commitment Title", '="Publish "&"budgets"')(world)
        with_parts(
            world.inputs / "book.xlsx",
            sheet=lambda xml: re.sub(r'<c r="(\w+)"([^>]*)>(<f>.*?</f>)<v />', stored, xml, count=1),
            workbook=lambda xml: xml if recalculates else xml.replace('fullCalcOnLoad="1"', ""),
        )

    return make


def changed(
    change: Callable[[openpyxl.Workbook, Worksheet], Any], *rows: Mapping[str, str], file: str = "book.xlsx"
) -> Callable[[World], None]:
    def make(world: World) -> None:
        workbook, sheet, path = book(world, *rows, file=file)
        change(workbook, sheet)
        workbook.save(path)

    return make


def groups_above(workbook: openpyxl.Workbook, sheet: Worksheet) -> None:
    """A row of groups above the header; columns outside a group are merged over both rows, as people do."""
    sheet.insert_rows(1)
    place = COLUMN["Value -Info"]
    sheet.cell(1, place, "OGP values")
    sheet.merge_cells(start_row=1, end_row=1, start_column=place, end_column=place + 3)
    for column in (COLUMN["Country"], COLUMN["Comm No"], COLUMN["Theme"]):
        sheet.cell(1, column, sheet.cell(2, column).value)
        sheet.merge_cells(start_row=1, end_row=2, start_column=column, end_column=column)


def countries_merged(workbook: openpyxl.Workbook, sheet: Worksheet) -> None:
    sheet.merge_cells("A2:A9")


def title_above(workbook: openpyxl.Workbook, sheet: Worksheet) -> None:
    sheet.insert_rows(1, 2)
    sheet["A1"] = "Commitments of Albania"
    sheet.merge_cells("A1:F1")


def formatted_below(workbook: openpyxl.Workbook, sheet: Worksheet) -> None:
    for row in range(3, 400):
        sheet.cell(row, 1).font = openpyxl.styles.Font(bold=True)


def rows_and_columns_hidden(workbook: openpyxl.Workbook, sheet: Worksheet) -> None:
    sheet.row_dimensions[2].hidden = True
    sheet.column_dimensions["A"].hidden = True


def drop_down(workbook: openpyxl.Workbook, sheet: Worksheet) -> None:
    choices = DataValidation(type="list", formula1='"Minor,Moderate"')
    sheet.add_data_validation(choices)
    choices.add("V2:V100")


def dates_from_1904(workbook: openpyxl.Workbook, sheet: Worksheet) -> None:
    workbook.epoch = CALENDAR_MAC_1904
    sheet.cell(2, COLUMN["Start Date"], datetime(2014, 6, 30))


def far_to_the_right(workbook: openpyxl.Workbook, sheet: Worksheet) -> None:
    sheet.cell(2, 16_384, "lost")


def lying_dimension(world: World) -> None:
    plain_book(world)
    lie = '<dimension ref="A1:XFD1048576"/>'
    with_parts(world.inputs / "book.xlsx", sheet=lambda xml: re.sub(r"<dimension[^>]*/>", lie, xml))


def without_places(world: World) -> None:
    """Rows and cells may come without their numbers."""
    plain_book(world)
    with_parts(world.inputs / "book.xlsx", sheet=lambda xml: re.sub(r'(<(?:row|c)) r="\w+"', r"\1", xml))


def utf_16_without_mark(world: World) -> None:
    path = world.commitments({"Commitment Title": "Bogotá"})
    path.write_bytes(path.read_text(encoding="utf-8").encode("utf-16-le"))


def of_bytes(change: Callable[[bytes], bytes]) -> Callable[[World], None]:
    """A CSV file of one commitment whose bytes were changed."""

    def make(world: World) -> None:
        path = world.commitments({})
        path.write_bytes(change(path.read_bytes()))

    return make


def with_semicolons(content: bytes) -> bytes:
    rows = csv.reader(content.decode().splitlines())
    return b"sep=;\n" + "\n".join(";".join(row) for row in rows).encode()


def with_foreign_parts(world: World) -> None:
    """Parts that are no business of the reader: broken XML of an add-in, an anchor of a button in the sheet."""
    plain_book(world)
    path = world.inputs / "book.xlsx"
    anchor = '<controls xmlns:d="urn:d"><d:row>7</d:row><d:c>1</d:c><d:row>7</d:row></controls></worksheet>'
    with_parts(path, sheet=lambda xml: xml.replace("</worksheet>", anchor))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("customXml/item1.xml", "<!DOCTYPE x><not closed")


READ = [
    Read(cell("Start Date", date(2014, 6, 30)), [{"Start Date": "2014-06-30"}], [None], "a date"),
    Read(cell("Start Date", 41_820), [{"Start Date": "41820"}], [None], "a date that lost its format: a number"),
    Read(cell("Start Date", 41_820, "dd/mm/yyyy"), [{"Start Date": "2014-06-30"}], [None], "a number shown as a date"),
    Read(cell("Start Date", "06/2014"), [{"Start Date": "06/2014"}], [None], "a date written as text"),
    Read(changed(dates_from_1904), [{"Start Date": "2014-06-30"}], [None], "a workbook that counts from 1904"),
    Read(
        cell("Start Date", 10**10, "dd/mm/yyyy"),
        [{"Start Date": "#VALUE!"}],
        ["a formula failed: #VALUE! in Start Date"],
        "a number that is no date, shown as one",
    ),
    Read(cell("Start Date", time(9, 30)), [{"Start Date": "09:30:00"}], [None], "a time of day"),
    Read(cell("Start Date", timedelta(hours=26)), [{"Start Date": "1 day, 2:00:00"}], [None], "a duration"),
    Read(cell("Comm No", 2.2999999999999998), [{"Comm No": "2.3"}], [None], "a decimal as the processor has it"),
    Read(cell("Comm No", 0.1 + 0.2), [{"Comm No": "0.3"}], [None], "a sum: spreadsheets show 15 digits"),
    Read(cell("Action Plan Number", 1.0), [{"Action Plan Number": "1"}], [None], "a whole number as a decimal"),
    Read(cell("Action Plan Number", "1 "), [{"Action Plan Number": "1 "}], [None], "a number stored as text"),
    Read(cell("Commitment Title", 2014), [{"Commitment Title": "2014"}], [None], "a text stored as a number"),
    Read(cell("Value -Info", True), [{"Value -Info": "TRUE"}], [None], "a box that is ticked"),
    Read(
        cell("Full Text", "One_x000D_\ntwo_x0009_three"),
        [{"Full Text": "One\r\ntwo\tthree"}],
        [None],
        "line ends of Windows, which the file format escapes",
    ),
    Read(
        cell("Full Text", "#REF!"),
        [{"Full Text": "#REF!"}],
        ["a formula failed: #REF! in Full Text"],
        "a formula that points to deleted cells",
    ),
    Read(
        formula(r'<c r="\1"\2 t="str">\3<v>Publish budgets</v>'),
        [{"Commitment Title": "Publish budgets"}],
        [None],
        "a formula gives its value",
    ),
    Read(
        formula(r'<c r="\1"\2>\3'),
        [{"Commitment Title": ""}],
        ["formulas that were never calculated in F2: open the file in a spreadsheet program"],
        "a formula a program wrote and nobody calculated",
    ),
    Read(
        formula(r'<c r="\1"\2>\3<v></v>'),
        [{"Commitment Title": ""}],
        ["never calculated in F2"],
        "the same with a blank value",
    ),
    Read(
        formula(r'<c r="\1"\2 t="str">\3<v></v>'),
        [{"Commitment Title": ""}],
        [None],
        "a formula whose value is an empty text",
    ),
    Read(
        formula(r'<c r="\1"\2>\3<v>0</v>', recalculates=True),
        [{"Commitment Title": "0"}],
        ["never calculated in F2"],
        "a program that writes 0 and asks to calculate anew",
    ),
    Read(lying_dimension, [{"Country": "Albania"}], [None], "a sheet that says it is a million rows high"),
    Read(without_places, [{"Country": "Albania", "Comm No": "1"}], [None], "cells without their places"),
    Read(
        changed(groups_above),
        [{"Country": "Albania", "Comm No": "1", "Theme": "NA"}],
        [None],
        "a header whose cells are merged with the row of groups above",
    ),
    Read(changed(title_above), [{"Country": "Albania"}], [None], "a title merged over the header"),
    Read(
        changed(countries_merged, {}, {"Country": ""}, {"Country": ""}),
        [{"Country": "Albania"}, {"Country": "Albania"}, {"Country": "Albania"}],
        [None, "merged with the cells above: A3", "merged with the cells above: A4"],
        "one country merged over its commitments; the merged rows below are blank",
    ),
    Read(
        changed(far_to_the_right),
        [{"Country": "Albania"}],
        ["beyond it: ['lost']"],
        "a word in the last column of the sheet",
    ),
    Read(changed(formatted_below), [{"Country": "Albania"}], [None], "four hundred formatted rows without content"),
    Read(changed(rows_and_columns_hidden), [{"Country": "Albania"}], [None], "filtered rows and folded columns"),
    Read(changed(drop_down), [{"Potential impact": "Moderate"}], [None], "drop-down lists"),
    Read(changed(lambda workbook, sheet: None, file="book.xlsm"), [{"Country": "Albania"}], [None], "a macro workbook"),
    Read(with_foreign_parts, [{"Country": "Albania"}], [None], "parts of add-ins and buttons"),
    Read(
        of_bytes(lambda content: content.replace(b"\r\n", b"\r")),
        [{"Country": "Albania"}],
        [None],
        "line ends of old Macs",
    ),
    Read(of_bytes(with_semicolons), [{"Country": "Albania"}], [None], "Excel's line that names the delimiter"),
    Read(
        of_bytes(lambda content: content.replace(b"budget", b"bud\0get", 1)),
        [{"Commitment Title": "Publish the bud\ufffdget"}],
        [None],
        "a zero byte in a text",
    ),
    Read(
        of_bytes(lambda content: content.replace(b"Publish the budget", b"#DIV/0!", 1)),
        [{"Commitment Title": "#DIV/0!"}],
        ["a formula failed: #DIV/0! in Commitment Title"],
        "a failed formula, exported",
    ),
    Read(utf_16_without_mark, [{"Commitment Title": "Bogotá"}], [None], "UTF-16 that does not say so"),
]


@pytest.mark.parametrize("case", READ, ids=lambda case: case.why)
@pytest.mark.filterwarnings("error")
def test_read_as_a_person_would(world: World, case: Read) -> None:
    case.make(world)
    build_tables(world.settings, world.catalog, (world.catalog["raw.explorer_commitments"],))
    rows = world.rows("select * from raw.explorer_commitments order by _source_row")
    assert [{name: row[name] for name in cells} for row, cells in zip(rows, case.cells, strict=True)] == case.cells
    for row, note in zip(rows, case.notes, strict=True):
        assert (row["_source_note"] or "") == "" if note is None else note in row["_source_note"]


# --- the sheets of a workbook


def of_sheets(path: Path, known) -> dict[str, tuple[str, str]]:
    files = look_at([path], known)
    assert len({file.name for file in files}) == len(files)
    return {file.name.removeprefix(f"{path.as_posix()}#"): (file.status, file.reason) for file in files}


def test_sheets_of_a_template_charts_and_empty_ones_are_passed_over(world: World, known) -> None:
    workbook, _, path = book(world)
    for title, first in (("Instructions", "How to fill this in"), ("Lists", "yes"), ("Guide", "Instructions: one row")):
        workbook.create_sheet(title)["A1"] = first
    hide(workbook["Lists"], "hidden")
    workbook.create_sheet("Sheet2")
    workbook.create_chartsheet("Figure").add_chart(BarChart())
    workbook.save(path)
    assert of_sheets(path, known) == {
        "Data": ("loaded", ""),
        "Instructions": ("ignored", "instructions of a template"),
        "Lists": ("ignored", "instructions of a template"),
        "Guide": ("ignored", "instructions of a template"),
        "Sheet2": ("ignored", "an empty sheet"),
        "Figure": ("ignored", "a chart"),
    }


def test_a_table_in_a_sheet_named_like_those_of_a_template_is_read(world: World, known) -> None:
    workbook, sheet, path = book(world)
    sheet.title = "Lists"
    workbook.save(path)
    assert of_sheets(path, known)["Lists"][0] == "loaded"


def test_sheets_are_told_apart_whatever_their_names(world: World, known) -> None:
    """Programs write names a person cannot give: twice the same, in another case only, with any character."""
    titles = ["A#1", "data", "DATA", "data", " ", "é\u202e\n", "'quoted'"]
    workbook, sheet, path = book(world)
    for number in range(len(titles) - 1):
        copy = workbook.create_sheet(f"copy{number}")
        for row in sheet.iter_rows(values_only=True):
            copy.append(row)
        copy.cell(2, COLUMN["Comm No"], str(number + 2))
    workbook.save(path)
    escaped = [title.replace("\n", "&#10;") for title in titles]

    def rename(xml: str) -> str:
        names = iter(escaped)
        return re.sub(r'(<sheet [^>]*name=")[^"]*', lambda found: found.group(1) + next(names), xml)

    with_parts(path, workbook=rename)
    expected = [*titles[:3], "data (2)", *titles[4:]]
    assert sorted(of_sheets(path, known)) == sorted(expected)
    build_tables(world.settings, world.catalog, (world.catalog["raw.explorer_commitments"],))
    rows = world.rows('select _source_file, "Comm No" from raw.explorer_commitments')
    found = {row["_source_file"].removeprefix("book.xlsx#"): row["Comm No"] for row in rows}
    assert found == {title: str(number) for number, title in enumerate(expected, start=1)}


def test_one_damaged_sheet_does_not_hide_what_the_others_are(world: World, known) -> None:
    workbook, _, path = book(world)
    members = workbook.create_sheet("Members")
    for row in (MEMBERS_HEADER, ["ZZA", "Velmora", "national"]):
        members.append(list(row))
    workbook.save(path)
    with_parts(path, sheet=lambda xml: re.sub(r'<c r="B2".*?</c>', '<c r="B2" t="s"><v>9</v></c>', xml))
    found = of_sheets(path, known)
    assert found["Members"][0] == "loaded"
    assert found["Data"][0] == "unreadable"


def test_rows_are_streamed(world: World, known) -> None:
    """A sheet that ends in its millionth row costs no memory for the rows between."""
    workbook, _, path = book(world)
    workbook.save(path)
    last = '<row r="1048576"><c r="A1048576" t="inlineStr"><is><t>Albania</t></is></c></row></sheetData>'
    with_parts(path, sheet=lambda xml: xml.replace("</sheetData>", last))
    (file,) = look_at([path], known)
    assert (file.rows, file.skipped_rows) == (2, 1_048_573)
    assert [number for number, _ in file.data_rows()] == [2, 1_048_576]


def test_a_link_in_a_circle(world: World, known) -> None:
    path = world.inputs / "circle.csv"
    path.symlink_to(path)
    (file,) = look_at([world.inputs], known)
    assert file.status == "refused" and "link" in file.reason
