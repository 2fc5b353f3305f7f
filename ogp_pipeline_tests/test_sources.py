"""Official files: recognised by their columns, read as text to the last cell, kept to the last byte."""

from __future__ import annotations

import csv
import hashlib
import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, time
from pathlib import Path
from typing import Any, NamedTuple

import openpyxl
import pytest

from ogp_pipeline.building import build_tables
from ogp_pipeline.errors import InputError
from ogp_pipeline.sample.layouts import EXPLORER_HEADER, MEMBERS_HEADER, PROCESS_GROUPS, PROCESS_HEADER
from ogp_pipeline.settings import Settings
from ogp_pipeline.sources.folders import SourceFile, chosen_sources, remember_sources, scan
from ogp_pipeline.sources.layouts import Header, Layout, find_header, layouts, nearest
from ogp_pipeline.sources.readers import cell_text, detect_encoding, grids
from ogp_pipeline_tests.world import World

WIDTH = len(EXPLORER_HEADER)
NUMBERS_ROW = [str(number) for number in range(WIDTH)]
GROUP_ROW = [PROCESS_GROUPS.get(position, "") for position in range(len(PROCESS_HEADER))]
COMMITMENT_ROW = ["Albania", "1", *["x"] * (WIDTH - 2)]


@pytest.fixture(scope="module")
def known(catalog) -> tuple[Layout, ...]:
    """The layouts of the project."""
    return layouts(catalog)


def written(path: Path, rows: Sequence[Sequence[str]], encoding: str = "utf-8", delimiter: str = ",") -> Path:
    """A CSV file of these rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    return path


def workbook(path: Path, **sheets: Sequence[Sequence[Any]]) -> Path:
    """An XLSX file of these sheets."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
    book.save(path)
    return path


def rows_of(path: Path) -> list[tuple[int, list[str]]]:
    """The rows of a file that holds one table of cells."""
    (grid,) = grids(path, path.name)
    return list(grid.rows())


# --- the header row


def renamed(header: Sequence[str], names: dict[str, str]) -> list[str]:
    return [names.get(name, name) for name in header]


class Placed(NamedTuple):
    rows: Sequence[Sequence[str]]
    layout: str | None
    index: int | None
    why: str


@pytest.mark.parametrize(
    "row",
    [
        Placed([EXPLORER_HEADER, COMMITMENT_ROW], "explorer_commitments", 0, "header first"),
        Placed([NUMBERS_ROW, EXPLORER_HEADER], "explorer_commitments", 1, "row of column numbers before it"),
        Placed([NUMBERS_ROW, GROUP_ROW, PROCESS_HEADER], "process_database", 2, "numbers row and group row"),
        Placed([[], ["note"], [], MEMBERS_HEADER], "member_list", 3, "blank rows and a note before it"),
        Placed([[""]] * 19 + [EXPLORER_HEADER], "explorer_commitments", 19, "the 20th row is looked at"),
        Placed([[""]] * 20 + [EXPLORER_HEADER], None, None, "the 21st is not"),
        Placed([PROCESS_HEADER, EXPLORER_HEADER], "process_database", 0, "the first header counts"),
        Placed([COMMITMENT_ROW], None, None, "data are no header"),
        Placed([["Country", "Theme", "Year"]], None, None, "a few common words are no layout"),
        Placed([tuple(reversed(EXPLORER_HEADER))], "explorer_commitments", 0, "the order of the columns is free"),
        Placed([], None, None, "an empty file"),
    ],
    ids=lambda row: row.why,
)
def test_where_the_header_is(known, row):
    header = find_header(row.rows, known)
    assert (header and header.layout.name, header and header.index) == (row.layout, row.index)


@pytest.mark.parametrize("layout", ["explorer_commitments", "process_database", "member_list"])
def test_one_renamed_required_column_is_reported_as_lacking(known, layout):
    """Each in turn: a renamed column must never turn a known file into some other file."""
    official = {
        "explorer_commitments": EXPLORER_HEADER,
        "process_database": PROCESS_HEADER,
        "member_list": MEMBERS_HEADER,
    }[layout]
    required = next(each.required for each in known if each.name == layout)
    assert len(required) >= 3
    for name in required:
        header = find_header([renamed(official, {name: "Renamed upstream"})], known)
        assert header is not None and header.layout.name == layout, name
        assert header.layout.lacks(header.cells) == [name]
        assert "Renamed upstream" in header.extras


def header_of(known: Sequence[Layout], names: dict[str, str], extra: Sequence[str] = ()) -> Header:
    header = find_header([[*renamed(EXPLORER_HEADER, names), *extra]], known)
    assert header is not None
    return header


@pytest.mark.parametrize(
    "variant",
    [
        pytest.param("comm no", id="case"),
        pytest.param("Comm  No ", id="spaces"),
        pytest.param("Comm\u00a0No", id="no-break space"),
        pytest.param("Comm\nNo", id="line break in the cell"),
    ],
)
def test_a_header_written_otherwise_is_the_same_column(known, variant):
    header = header_of(known, {"Comm No": variant})
    assert header.columns[EXPLORER_HEADER.index("Comm No")] == "Comm No"
    assert header.variants == (variant,)
    assert header.layout.lacks(header.cells) == []


class Named(NamedTuple):
    extra: list[str]
    columns: list[str]
    why: str


@pytest.mark.parametrize(
    "row",
    [
        Named(["New", "New"], ["New", "New (2)"], "the same header twice"),
        Named(["New", "New", "New"], ["New", "New (2)", "New (3)"], "and three times"),
        Named(["New", "NEW"], ["New", "NEW (2)"], "differing only in case, which DuckDB does not tell apart"),
        Named(["Theme"], ["Theme (2)"], "a column of the layout again"),
        Named(["theme"], ["Theme (2)"], "the same in another case"),
        Named(["New (2)", "New", "New"], ["New (2)", "New", "New (3)"], "a header that looks numbered"),
        Named(["", "New"], [f"column_{WIDTH + 1}", "New"], "a blank header is named by its position, from 1"),
        Named([" ", "\u00a0"], [f"column_{WIDTH + 1}", f"column_{WIDTH + 2}"], "white space is blank"),
        Named(
            [f"column_{WIDTH + 2}", ""], [f"column_{WIDTH + 2}", f"column_{WIDTH + 2} (2)"], "a position that is taken"
        ),
        Named(["_source_file"], ["_source_file (2)"], "a name the pipeline uses itself"),
        Named(["_Source_Row"], ["_Source_Row (2)"], "in another case"),
        Named([" Two  words\n"], ["Two words"], "spaces in a column the layout does not name"),
    ],
    ids=lambda row: row.why,
)
def test_every_column_gets_a_name_of_its_own(known, row):
    header = header_of(known, {}, row.extra)
    assert list(header.columns[WIDTH:]) == row.columns
    assert len({name.casefold() for name in header.columns}) == len(header.columns)
    extras = [name for name, cell in zip(row.columns, row.extra, strict=True) if cell.strip()]
    assert [name for name in header.extras if name in row.columns] == extras, "blank headers are no extra columns"


def test_nearest_layout_and_what_it_lacks(known):
    reason = nearest([["Country", "Action Plan Number", "Full Text"], ["Albania", "1", "x"]], known)
    assert "nearest is explorer_commitments with 3 of" in reason
    assert "lacking Comm No, Commitment Title" in reason and "more" in reason
    assert nearest([], known) == "it has no rows"


# --- CSV


@pytest.mark.parametrize(
    ("encoding", "detected"),
    [
        pytest.param("utf-8", "utf-8-sig", id="UTF-8"),
        pytest.param("utf-8-sig", "utf-8-sig", id="UTF-8 with BOM"),
        pytest.param("windows-1252", "windows-1252", id="Windows-1252"),
        pytest.param("utf-16", "utf-16", id="UTF-16 with BOM"),
    ],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"], ids=["comma", "semicolon", "tab"])
def test_encodings_and_delimiters(tmp_path, encoding, detected, delimiter):
    rows = [["Commitment Title", "Mémo"], ["Bogotá “abierta” €", "1,5; 2"], ["", "x"]]
    path = written(tmp_path / "file.csv", rows, encoding, delimiter)
    assert detect_encoding(path) == detected
    assert [cells for _, cells in rows_of(path)] == rows


def test_utf_16_big_endian(tmp_path):
    path = tmp_path / "file.csv"
    path.write_bytes(b"\xfe\xff" + "a,é\n1,2\n".encode("utf-16-be"))
    assert rows_of(path) == [(1, ["a", "é"]), (2, ["1", "2"])]


def test_a_letter_cut_at_the_edge_of_a_block_is_still_utf_8(tmp_path):
    """The encoding is looked for in blocks of a mebibyte: a letter of two bytes can lie across the edge."""
    path = tmp_path / "file.csv"
    path.write_bytes(b"x" * ((1 << 20) - 1) + "é\n".encode())
    assert detect_encoding(path) == "utf-8-sig"


def test_a_byte_that_windows_1252_does_not_know(tmp_path):
    path = tmp_path / "file.csv"
    path.write_bytes(b"a,b\n\xe9\x81,1\n")
    assert rows_of(path)[1] == (2, ["é\ufffd", "1"])


class Lines(NamedTuple):
    content: str
    rows: list[tuple[int, list[str]]]
    why: str


@pytest.mark.parametrize(
    "row",
    [
        Lines("a,b\n1,2\n3,4", [(1, ["a", "b"]), (2, ["1", "2"]), (3, ["3", "4"])], "no line end at the end"),
        Lines(
            'a,b\n"x\ny",1\n2,3\n',
            [(1, ["a", "b"]), (2, ["x\ny", "1"]), (4, ["2", "3"])],
            "a line break in a cell: the record begins on line 2, the next on line 4",
        ),
        Lines(
            'a,b\r\n"x\r\n\r\ny",1\r\n2,3\r\n',
            [(1, ["a", "b"]), (2, ["x\r\n\r\ny", "1"]), (5, ["2", "3"])],
            "line ends of Windows, also inside a cell",
        ),
        Lines("a,b\n\n1,2\n", [(1, ["a", "b"]), (2, []), (3, ["1", "2"])], "a blank line is counted"),
        Lines('a,b\n"say ""yes""",1\n', [(1, ["a", "b"]), (2, ['say "yes"', "1"])], "doubled quotes"),
        Lines('a,b\n5" pipe,1\n', [(1, ["a", "b"]), (2, ['5" pipe', "1"])], "a quote inside a bare cell"),
        Lines('a,b\n"x"y,1\n2,3\n', [(1, ["a", "b"]), (2, ["xy", "1"]), (3, ["2", "3"])], "letters after a quote"),
        Lines("a,b\n1\n1,2,3\n", [(1, ["a", "b"]), (2, ["1"]), (3, ["1", "2", "3"])], "rows of other widths"),
        Lines("", [], "an empty file"),
    ],
    ids=lambda row: row.why,
)
def test_rows_and_the_line_where_each_begins(tmp_path, row):
    path = tmp_path / "file.csv"
    path.write_bytes(row.content.encode())
    assert rows_of(path) == row.rows


def test_a_very_long_cell(tmp_path):
    path = written(tmp_path / "file.csv", [["a"], ["x" * 300_000]])
    assert len(rows_of(path)[1][1][0]) == 300_000


def test_a_quote_never_closed_names_file_and_line(tmp_path):
    path = tmp_path / "cut.csv"
    path.write_text('a,b\n1,2\n3,"the file was cut o', encoding="utf-8")
    with pytest.raises(InputError, match=r"sub/cut\.csv: a quoted cell that begins after line 2 is never closed"):
        grids(path, "sub/cut.csv")


# --- XLSX


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(None, "", id="empty cell"),
        pytest.param(" as is ", " as is ", id="text"),
        pytest.param("007", "007", id="text of digits"),
        pytest.param(2, "2", id="whole number"),
        pytest.param(2.0, "2", id="whole number stored as a decimal"),
        pytest.param(2.3, "2.3", id="decimal"),
        pytest.param(2.2999999999999998, "2.3", id="decimal with a float artefact has the shortest form"),
        pytest.param(True, "TRUE", id="truth value"),
        pytest.param(datetime(2014, 6, 30), "2014-06-30", id="date"),
        pytest.param(datetime(2014, 6, 30, 12, 5), "2014-06-30 12:05:00", id="date and time"),
        pytest.param(time(12, 5), "12:05:00", id="time"),
    ],
)
def test_what_a_spreadsheet_cell_says(tmp_path, value, text):
    assert cell_text(value) == text
    path = workbook(tmp_path / "book.xlsx", Sheet=[["a", "b"], [value, "end"]])
    assert rows_of(path)[1] == (2, [text, "end"])


def test_every_sheet_of_a_workbook(world, known):
    world.commitments({})
    rows = [["Member ID", "Member name", "Member type"], ["ZZA", "Velmora", "national"]]
    path = workbook(world.inputs / "book.xlsx", Notes=[["Read me"]], Members=rows, Empty=[])
    assert [grid.sheet for grid in grids(path, path.name)] == ["Notes", "Members", "Empty"]
    found = {file.name: (file.layout, file.status) for file in scan(world.settings, known)}
    assert found == {
        "book.xlsx#Notes": (None, "refused"),
        "book.xlsx#Members": ("member_list", "loaded"),
        "book.xlsx#Empty": (None, "refused"),
        "commitments.csv": ("explorer_commitments", "loaded"),
    }


def test_the_row_of_a_sheet_is_its_number(tmp_path):
    path = workbook(tmp_path / "book.xlsx", Sheet=[["a"], [], ["x\ny"], ["z"]])
    assert [(number, cells[0]) for number, cells in rows_of(path) if cells[0]] == [(1, "a"), (3, "x\ny"), (4, "z")]


def without_workbook(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "no workbook in here")


CORRUPT: dict[str, Callable[[Path], Any]] = {
    "cut off": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "empty": lambda path: path.write_bytes(b""),
    "a CSV with the wrong name": lambda path: path.write_text("a,b\n1,2\n", encoding="utf-8"),
    "an archive of something else": without_workbook,
}


@pytest.mark.parametrize("damage", CORRUPT)
def test_a_corrupt_workbook_is_named(tmp_path, damage):
    path = workbook(tmp_path / "book.xlsx", Sheet=[["a", "b"], ["1", "2"]])
    CORRUPT[damage](path)
    with pytest.raises(InputError, match=r"sub/book\.xlsx: not readable as XLSX .*: save it again as"):
        grids(path, "sub/book.xlsx")


# --- looking at the sources of a run


def by_name(files: Sequence[SourceFile]) -> dict[str, SourceFile]:
    assert len({file.name for file in files}) == len(files)
    return {file.name: file for file in files}


def problems(settings: Settings, known: Sequence[Layout]) -> list[str]:
    with pytest.raises(InputError) as error:
        scan(settings, known)
    return error.value.problems


def test_files_of_no_known_layout_are_refused_with_the_reason(world, known):
    world.commitments({})
    written(world.inputs / "Country.csv", [["Country", "Comm No"], ["Albania", "1"]])
    written(world.inputs / "empty.csv", [])
    (world.inputs / "notes.txt").write_text("notes", encoding="utf-8")
    (world.inputs / "LICENCE").write_text("licence", encoding="utf-8")
    found = by_name(scan(world.settings, known))
    assert {name: file.status for name, file in found.items()} == {
        "Country.csv": "refused",
        "LICENCE": "refused",
        "commitments.csv": "loaded",
        "empty.csv": "refused",
        "notes.txt": "refused",
    }
    assert "nearest is explorer_commitments with 2 of" in found["Country.csv"].reason
    assert found["empty.csv"].reason == "it has no rows"
    assert found["notes.txt"].reason == ".txt: not one of .csv, .xlsx, .xlsm, .md"
    assert found["LICENCE"].reason.startswith("no suffix")


def test_a_name_says_nothing(world, known):
    """A process file under the name of a commitments file, in a folder below, with a suffix in capitals."""
    world.commitments({}, file="data/process.CSV")
    world.plans({}, file="commitments.csv")
    found = by_name(scan(world.settings, known))
    assert found["data/process.CSV"].layout == "explorer_commitments"
    assert found["commitments.csv"].layout == "process_database"


def test_hidden_files_and_locks_of_spreadsheets_are_left_out(world, known):
    world.commitments({})
    for name in (".hidden.csv", "~$book.xlsx", ".git/file.csv"):
        world.commitments({}, file=name)
    assert list(by_name(scan(world.settings, known))) == ["commitments.csv"]


def test_the_same_bytes_twice_are_loaded_once(world, known):
    original = world.commitments({})
    (world.inputs / "copy").mkdir()
    (world.inputs / "copy" / "other.csv").write_bytes(original.read_bytes())
    found = by_name(scan(world.settings, known))
    assert found["commitments.csv"].status == "loaded"
    assert found["copy/other.csv"].status == "duplicate"
    assert found["copy/other.csv"].reason == "the same bytes as commitments.csv"


def test_blank_rows_and_repeated_header_blocks_are_counted(world, known):
    world.commitments({})
    rows = [NUMBERS_ROW[:5], GROUP_ROW, PROCESS_HEADER, [], GROUP_ROW, PROCESS_HEADER, ["Albania", "1"], ["", " "]]
    written(world.inputs / "process.csv", rows)
    file = by_name(scan(world.settings, known))["process.csv"]
    assert (file.header.index, file.rows, file.skipped_rows) == (2, 1, 4)
    assert [(number, cells[:2]) for number, cells in file.data_rows()] == [(7, ["Albania", "1"])]


# --- sources.yml


def test_the_manifest_is_understood(world, known):
    for file in ("a/one.csv", "a/b/two.csv", "a/b/three.csv", "other.csv"):
        world.commitments({"Full Text": file}, file=file)
    world.manifest("""
- file: a
  released: 2016-07-01
  publisher: OGP
- file: a/b/
  partial: true
- file: a/b/three.csv
  synthetic: true
  url: https://example.org/three.csv
  licence: CC BY 4.0
""")
    entries = {name: file.entry for name, file in by_name(scan(world.settings, known)).items()}
    assert str(entries["a/one.csv"].released) == "2016-07-01" and entries["a/one.csv"].publisher == "OGP"
    assert entries["a/b/two.csv"].partial, "the nearest folder around a file speaks for it"
    assert entries["a/b/two.csv"].released is None, "and it alone"
    assert entries["a/b/three.csv"].synthetic and not entries["a/b/three.csv"].partial
    assert (entries["a/b/three.csv"].url, entries["a/b/three.csv"].licence) == (
        "https://example.org/three.csv",
        "CC BY 4.0",
    )
    assert entries["other.csv"].released is None and not entries["other.csv"].partial


def test_a_folder_entry_is_no_prefix_of_names(world, known):
    world.commitments({}, file="data.csv")
    world.commitments({"Full Text": "x"}, file="data/x.csv")
    world.manifest("- {file: data, partial: true}\n")
    entries = {name: file.entry for name, file in by_name(scan(world.settings, known)).items()}
    assert entries["data/x.csv"].partial and not entries["data.csv"].partial


def test_a_file_that_the_manifest_names_and_is_not_there(world, known):
    world.commitments({})
    world.manifest("- file: gone.csv\n  released: 2016-07-01\n")
    missing = by_name(scan(world.settings, known))["gone.csv"]
    assert missing.status == "missing" and "sources.yml names it" in missing.reason


def test_an_empty_manifest_says_nothing(world, known):
    world.commitments({})
    world.manifest("# nothing yet\n")
    assert list(by_name(scan(world.settings, known))) == ["commitments.csv"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("- file: [", "not readable as YAML", id="broken YAML"),
        pytest.param("- {file: a.csv, file: b.csv}", "file is given twice", id="a key twice"),
        pytest.param("- {file: a.csv, relesed: 2016-07-01}", "0.relesed: Extra inputs", id="an unknown key"),
        pytest.param("- {released: 2016-07-01}", "0.file: Field required", id="no file"),
        pytest.param("- {file: a.csv, released: July}", "0.released: Input should be a valid date", id="no date"),
        pytest.param(
            "- {file: a.csv, partial: maybe}", "0.partial: Input should be a valid boolean", id="no yes or no"
        ),
        pytest.param("file: a.csv", "the whole file: Input should be a valid list", id="no list"),
        pytest.param("- a.csv", "0: Input should be a valid dict", id="a bare name"),
        pytest.param("- file: !!python/object/apply:os.getcwd []", "not readable as YAML", id="asks for an object"),
    ],
)
def test_a_manifest_that_cannot_be_read(world, known, text, expected):
    world.commitments({})
    world.manifest(text)
    (problem,) = problems(world.settings, known)
    assert problem.startswith("sources.yml") and expected in problem


def test_a_manifest_in_another_encoding(world, known):
    world.commitments({})
    (world.inputs / "sources.yml").write_bytes("- {file: a.csv, publisher: é}\n".encode("windows-1252"))
    (problem,) = problems(world.settings, known)
    assert problem.startswith("sources.yml: not UTF-8")


# --- errors of a run


def test_a_folder_that_is_not_there(world, known, tmp_path):
    (problem,) = problems(replace(world.settings, sources=(str(tmp_path / "nowhere"),)), known)
    assert problem.startswith(f"{tmp_path / 'nowhere'}: there is no such folder")


def test_no_commitments(world, known):
    world.plans({})
    (problem,) = problems(world.settings, known)
    assert problem.startswith("no commitments in") and "explorer_commitments" in problem


def test_a_header_alone_holds_no_commitments(world, known):
    world.commitments()
    problem, reason = problems(world.settings, known)
    assert problem.startswith("no commitments in")
    assert reason == "commitments.csv: a header and no rows below it"


def test_the_sample_is_not_mixed_with_real_files(world, known):
    world.commitments({})
    (problem,) = problems(replace(world.settings, sources=("sample", str(world.inputs))), known)
    assert "the synthetic sample cannot be mixed with real files" in problem


def test_every_error_of_every_file_at_once(world, known, tmp_path):
    world.manifest("- {file: a.csv, unknown: 1}\n")
    header = renamed(EXPLORER_HEADER, {"Comm No": "Number", "Full Text": "Text"})
    written(world.inputs / "renamed.csv", [NUMBERS_ROW, header, COMMITMENT_ROW])
    (world.inputs / "cut.csv").write_text('a\n"cut', encoding="utf-8")
    (world.inputs / "broken.xlsx").write_bytes(b"PK")
    settings = replace(world.settings, sources=(str(world.inputs), str(tmp_path / "nowhere")))
    found = problems(settings, known)
    expected = [
        "inputs/sources.yml: 0.unknown",
        "inputs/broken.xlsx: not readable as XLSX",
        "inputs/cut.csv: a quoted cell",
        "inputs/renamed.csv, header in row 2: the layout explorer_commitments lacks the required columns "
        "Comm No, Full Text",
        f"{tmp_path / 'nowhere'}: there is no such folder",
    ]
    assert [line for line in expected if not any(each.startswith(line) for each in found)] == []
    assert len(found) == len(expected)


def test_a_link_that_leads_out_of_the_folder_is_refused(world, known, tmp_path):
    inside = world.commitments({})
    outside = written(tmp_path / "outside.csv", [EXPLORER_HEADER, COMMITMENT_ROW])
    (world.inputs / "out.csv").symlink_to(outside)
    (world.inputs / "in.csv").symlink_to(inside)
    found = by_name(scan(world.settings, known))
    assert (found["out.csv"].status, found["out.csv"].sha256) == ("refused", None)
    assert "leads out of the folder" in found["out.csv"].reason
    assert found["in.csv"].status == "duplicate" or found["commitments.csv"].status == "duplicate"


def test_a_source_may_itself_be_a_link(world, known, tmp_path):
    world.commitments({})
    (tmp_path / "link").symlink_to(world.inputs, target_is_directory=True)
    settings = replace(world.settings, sources=(str(tmp_path / "link"),))
    assert by_name(scan(settings, known))["commitments.csv"].status == "loaded"


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        pytest.param(["x/2016", "x/2024"], ["2016/file.csv", "2024/file.csv"], id="folders tell files apart"),
        pytest.param(
            ["x/data", "y/data"], ["data-1/file.csv", "data-2/file.csv"], id="folders of one name are numbered"
        ),
    ],
)
def test_two_folders_whose_files_have_the_same_name(world, known, tmp_path, folders, expected):
    rows = [list(EXPLORER_HEADER), list(COMMITMENT_ROW)]
    for number, folder in enumerate(folders):
        rows[1][7] = f"text {number}"
        written(tmp_path / folder / "file.csv", rows)
    settings = replace(world.settings, sources=tuple(str(tmp_path / folder) for folder in folders))
    assert list(by_name(scan(settings, known))) == expected


# --- what is kept and remembered


def test_snapshots_hold_the_exact_bytes(world, known):
    content = (
        "\ufeff" + ",".join(f'"{name}"' for name in EXPLORER_HEADER) + "\r\n" + "x," * (WIDTH - 1) + "é\r\n"
    ).encode()
    (world.inputs / "file.CSV").write_bytes(content)
    (world.inputs / "refused.csv").write_text("a,b\n", encoding="utf-8")
    world.manifest("- {file: file.CSV, released: 2016-07-01, publisher: OGP}\n")
    file = by_name(scan(world.settings, known))["file.CSV"]
    sha256 = hashlib.sha256(content).hexdigest()
    snapshot = world.settings.snapshots_dir / f"{sha256}.csv"
    assert snapshot.read_bytes() == content
    assert (file.sha256, file.size, file.grid.path) == (sha256, len(content), snapshot)
    origin = json.loads(snapshot.with_suffix(".json").read_text(encoding="utf-8"))
    assert (origin["file"], origin["bytes"], origin["released"], origin["publisher"]) == (
        "file.CSV",
        len(content),
        "2016-07-01",
        "OGP",
    )
    assert sorted(world.settings.snapshots_dir.iterdir()) == sorted([snapshot, snapshot.with_suffix(".json")])


def test_a_damaged_snapshot_is_mended(world, known):
    content = world.commitments({}).read_bytes()
    snapshot = by_name(scan(world.settings, known))["commitments.csv"].grid.path
    snapshot.write_bytes(b"damaged")
    scan(world.settings, known)
    assert snapshot.read_bytes() == content


def test_the_data_folder_remembers_its_sources(tmp_path):
    unnamed = Settings(tmp_path)
    assert chosen_sources(unnamed) == ("sample",), "nothing named, nothing remembered"
    remember_sources(replace(unnamed, sources=("/a", "/b")))
    assert chosen_sources(unnamed) == ("/a", "/b")
    assert chosen_sources(replace(unnamed, sources=("/c",))) == ("/c",), "what is named goes before memory"


# --- raw and staging tables

COMMITMENTS = (
    {"Start Date": "2014-06-30", "End Date": "2015-12-31", "Comm No": "1"},
    {"Comm No": "2.3", "Full Text": "Two\nlines, “quoted” and\u00a0more<br/>", "Cluster": "1.2"},
    {"Comm No": "2.3", "Full Text": "Another commitment of that number"},
    {"Comm No": "3", "Country": "Narnia"},
    {"Comm No": "4", "Potential impact": "Enormous", "Completion (end of term)": "d. Complete"},
)
PLANS = ({}, {"Country name": "Italy", "IAP2 level during imp.": "NA"})
NUMERIC = ("Action Plan Number", "Comm No", "Year of submission", "Year AP Submitted", "Value -Info", "_Relevant")
STAGING = (
    "staging.explorer_commitments",
    "quarantine.explorer_commitments",
    "staging.explorer_commitments_policy_areas",
    "staging.process_database",
)


def typed(column: str, text: str) -> Any:
    """The cell as a person types it into a spreadsheet: numbers and dates are no texts."""
    if column in NUMERIC:
        return float(text)
    if column in ("Start Date", "End Date") and text[0].isdigit():
        return datetime.fromisoformat(text)
    return text or None


def as_workbook(path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    cells = [[typed(column, text) for column, text in zip(header, row, strict=True)] for row in rows]
    workbook(path.with_suffix(".xlsx"), Sheet=[header, *cells])
    path.unlink()


def staging_of(world: World) -> dict[str, list[str]]:
    """The rows of every staging table as texts, without what tells of their file, sorted."""
    before = ("meta__sources", "reference", "member_list", "marts__members", "staging__member_names")
    world.build(*before, "explorer_commitments", "process_database")
    return {
        name: sorted(
            str({column: value for column, value in row.items() if not column.startswith("_source_")})
            for row in world.rows(f"select * from {name}")
        )
        for name in STAGING
    }


def raw_commitments(world: World) -> list[dict[str, Any]]:
    """The raw rows of the Explorer layout."""
    build_tables(world.settings, world.catalog, (world.catalog["raw.explorer_commitments"],))
    return world.rows("select * from raw.explorer_commitments order by _source_file, _source_row")


def test_csv_and_xlsx_of_the_same_rows_give_the_same_tables(tmp_path, catalog):
    found = {}
    for kind in ("csv", "xlsx"):
        (tmp_path / kind).mkdir()
        world = World(tmp_path / kind, catalog)
        files = [world.commitments(*COMMITMENTS), world.plans(*PLANS)]
        if kind == "xlsx":
            for file in files:
                as_workbook(file)
        found[kind] = staging_of(world)
    assert [len(rows) for rows in found["csv"].values()][:2] == [4, 1]
    assert len(found["csv"]["staging.process_database"]) == 2
    for name in STAGING:
        assert found["xlsx"][name] == found["csv"][name], name


def test_raw_rows_are_verbatim(world):
    """Blanks, line breaks, odd characters and an extra column come through; each row says where it began."""
    odd = ' Two\r\nlines, "quoted" \u00a0\ufffd\\N '
    path = world.commitments({"Full Text": odd}, {"Theme": ""})
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    written(path, [[*header, "New"], [*rows[0], "é"], [*rows[1], ""]])
    found = raw_commitments(world)
    assert [(row["_source_file"], row["_source_row"]) for row in found] == [
        ("commitments.csv", 2),
        ("commitments.csv", 4),
    ]
    assert [row["Full Text"] for row in found] == [odd, "The ministry publishes the budget."]
    assert [row["New"] for row in found] == ["é", ""]
    assert found[1]["Theme"] == "", "an empty cell is an empty text"
    assert {row["_source_sha256"] for row in found} == {hashlib.sha256(path.read_bytes()).hexdigest()}
    assert len({row["_source_row_sha256"] for row in found}) == 2


def test_a_column_that_one_of_two_files_has_not(world):
    """It is NULL there, which is not the same as an empty cell."""
    world.commitments({}, file="full.csv")
    path = world.commitments({"Full Text": "x"}, file="less.csv")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    place = rows[0].index("Theme")
    written(path, [[*row[:place], *row[place + 1 :]] for row in rows])
    found = raw_commitments(world)
    assert [(row["_source_file"], row["Theme"]) for row in found] == [("full.csv", "NA"), ("less.csv", None)]


@pytest.mark.parametrize(
    ("dropped", "added", "note"),
    [
        pytest.param(1, [], f"the row has {WIDTH - 1} cells, the header {WIDTH}", id="a cell too few"),
        pytest.param(0, [], None, id="as many as the header"),
        pytest.param(0, ["", ""], None, id="blank cells after the last column"),
        pytest.param(
            0, ["x"], f"the row has {WIDTH + 1} cells, the header {WIDTH}; beyond it: ['x']", id="a cell too many"
        ),
    ],
)
def test_a_row_of_another_width_is_kept_and_noted(world, dropped, added, note):
    path = world.commitments({})
    with path.open(encoding="utf-8", newline="") as file:
        header, row = csv.reader(file)
    written(path, [header, row[: WIDTH - dropped] + added])
    (found,) = raw_commitments(world)
    assert found["_source_note"] == note


SHEET = "xl/worksheets/sheet1.xml"


def with_sheet(path: Path, change: Callable[[bytes], bytes | None]) -> None:
    """Change the bytes of the sheet inside a workbook's archive; None leaves it out."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members[SHEET] = change(members[SHEET])
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            if content is not None:
                archive.writestr(name, content)


def with_other_bytes(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        place = archive.getinfo(SHEET).header_offset + 30 + len(SHEET) + 4
    content = bytearray(path.read_bytes())
    content[place : place + 4] = bytes(byte ^ 0xFF for byte in content[place : place + 4])
    path.write_bytes(content)


DAMAGED_INSIDE: dict[str, Callable[[Path], None]] = {
    "its sheet is cut off": lambda path: with_sheet(path, lambda content: content[: len(content) // 2]),
    "its sheet is missing": lambda path: with_sheet(path, lambda content: None),
    "the bytes of its sheet changed": with_other_bytes,
}


@pytest.mark.parametrize("damage", DAMAGED_INSIDE)
def test_a_workbook_that_opens_and_whose_sheet_cannot_be_read_is_named(world, known, damage):
    """Found on reading its rows only, or not at all; and yet an error of the file."""
    world.commitments({})
    path = workbook(world.inputs / "book.xlsx", Sheet=[["a", "b"], ["1", "2"]])
    DAMAGED_INSIDE[damage](path)
    (problem,) = problems(world.settings, known)
    assert problem.startswith("book.xlsx") and "not readable as XLSX" in problem


def test_a_quote_never_closed_below_an_odd_quote_is_an_error(tmp_path):
    """One odd quote makes the reader lenient for the whole file: the rest of it must not vanish in one cell."""
    path = tmp_path / "file.csv"
    path.write_text('a,b\n1,"x"y\n2,"open\n3,z\n4,w\n', encoding="utf-8")
    with pytest.raises(InputError, match="never closed"):
        grids(path, path.name)


def test_commas_in_the_cells_do_not_hide_the_semicolons(world, known):
    """A narrow file with long texts has more commas than delimiters in its first rows."""
    world.commitments({})
    names = "|".join(["Velmora, Republic of, formerly, and so on, and on"] * 2)
    rows = [["Member ID", "Member name", "Member type", "Aliases"], ["ZZA", "Velmora", "national", names]]
    written(world.inputs / "members.csv", rows, delimiter=";")
    assert by_name(scan(world.settings, known))["members.csv"].layout == "member_list"


def test_extra_columns_of_two_files_that_differ_only_in_case(world):
    for file, name in (("one.csv", "New"), ("two.csv", "NEW")):
        path = world.commitments({"Full Text": file}, file=file)
        with path.open(encoding="utf-8", newline="") as source:
            header, row = csv.reader(source)
        written(path, [[*header, name], [*row, "x"]])
    assert [row["New"] for row in raw_commitments(world)] == ["x", "x"]


def test_a_manifest_whose_key_is_a_list(world, known):
    world.commitments({})
    world.manifest("- {[a, b]: c}\n")
    (problem,) = problems(world.settings, known)
    assert problem.startswith("sources.yml")


@pytest.mark.parametrize("target", ["a folder outside", "nothing"])
def test_a_link_that_is_not_followed_is_told(world, known, tmp_path, target):
    """A link to a file outside is refused with a reason; a linked folder or a broken link must not pass unseen."""
    world.commitments({})
    if target == "a folder outside":
        written(tmp_path / "outside" / "file.csv", [EXPLORER_HEADER, COMMITMENT_ROW])
    (world.inputs / "link").symlink_to(tmp_path / "outside")
    found = by_name(scan(world.settings, known))
    assert [file.status for name, file in found.items() if name.startswith("link")] == ["refused"]


def test_the_same_folder_named_twice_is_read_once(world, known):
    world.commitments({})
    folder = str(world.inputs)
    assert len(by_name(scan(replace(world.settings, sources=(folder, folder)), known))) == 1


def test_a_numbered_folder_does_not_take_the_name_of_another(world, known, tmp_path):
    folders = ("x/data", "y/data", "z/data-1")
    for number, folder in enumerate(folders):
        written(tmp_path / folder / "file.csv", [EXPLORER_HEADER, [*COMMITMENT_ROW[:-1], str(number)]])
    settings = replace(world.settings, sources=tuple(str(tmp_path / folder) for folder in folders))
    assert len(by_name(scan(settings, known))) == 3


def test_an_error_in_a_manifest_says_in_which_of_two_folders(world, known, tmp_path):
    world.commitments({})
    world.manifest("- {file: a.csv, unknown: 1}\n")
    (tmp_path / "other").mkdir()
    (problem,) = problems(replace(world.settings, sources=(str(world.inputs), str(tmp_path / "other"))), known)
    assert "inputs/sources.yml" in problem
