"""Files of the official layouts to which something happened: what to do to them, drawn by hypothesis.

The bases are the sample's files and, where they lie beside the project, the real ones. A mutated file is a few of
their rows under their header, with changes of cells, rows, columns and at last of the bytes.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import openpyxl
from hypothesis import strategies as st

from ogp_pipeline.sources.folders import look_at
from ogp_pipeline.sources.layouts import Layout

TOKEN = "zq{}garbled"  # what no column reads and no text holds: it must be found again, or be told
ROWS_OF_A_FILE = 5

# Each of these has broken a reader of such files somewhere: numbers that are none, dates that are none, text that
# programs take for something else.
ODD_CELLS = (
    *("", " ", "\t", "\xa0", "\u200b", "\ufeff", "-", "\u2013", "?", ".", "0", "-1", "1.0", "01", "1e3", "1,5", "½"),
    *(
        "\u0663",
        "\uff11",
        "99999999999999999999",
        "-0",
        "+1",
        "1_000",
        "0x1F",
        "NaN",
        "nan",
        "inf",
        "Infinity",
        "1e309",
    ),
    *("NULL", "None", "null", "NA", "N/A", "ND", "NR", "n.d.", "TRUE", "false", "yes", "Yes ", "YES", "not specified"),
    *("2014", "2014.0", "14", "0000", "9999", "20145", "2014-02-30", "31/12/2015", "12/31/2015", "1-Jan-15"),
    *("0000-00-00", "99999-01-01", "2015-13-01", "45000", "1900-02-29", "294247-01-10", "-4712-01-01", "Infinity"),
    *("=1+1", "=cmd|'/C calc'!A0", "@SUM(A1)", "#N/A", "#REF!", "'quoted'", '"', '""', "a\nb", "a\r\nb", "\r"),
    *("a,b;c|d\te", "\x00", "a\x00b", "\x1b[31mred", "\x85", "\u2028", "<br/>", "<b>x</b>", "&amp;", "&#0;"),
    *("'; drop table x; --", "{}", "[]", "{source}", "%s", "$1", "\\", "\\N", "\\x00", "caf\u00e9", "cafe\u0301"),
    *("\u202eright to left", "\U0001f600", "Ã©", "â€™", "ﬁ", "İ", "ß", "ǅ", "Moderate", "c. Substantial", "3"),
    *("Complete", "complete ", "Involve", "Collaborate.", "a. none", "Albania", "Côte d'Ivoire", "AL0001", "ALB"),
    *("x" * 5000, "1" * 400, "9" * 39, "-9223372036854775809", "170141183460469231731687303715884105728"),
)
# names that the pipeline gives to what it computes from a row
OWN_NAMES = (
    *("_source_row", "problems", "PROBLEMS", "is_quarantined", "labels", "copy", "member_id", "plan_id", 'a"b'),
    *("plan_number", "commitment_id", "commitment_number", "_corrections", "versions", "rows", "name_key", "title"),
)
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "cp1252", "utf-16-le", "latin-1")
DELIMITERS = (",", ";", "\t", "|")
LINE_ENDS = ("\n", "\r\n", "\r")


@dataclass(frozen=True)
class Base:
    """A layout with its header and all rows that are known of it, or its pages where a page is a row."""

    layout: Layout
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    pages: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Mutated:
    """A file to write. `tokens` are the (header, token) that stand in its cells while its structure is whole."""

    name: str
    content: bytes
    story: tuple[str, ...]  # what happened, for whoever reads a failure
    data_rows: int | None = None  # rows that are not blank, where the structure is whole
    tokens: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<{self.name}: {'; '.join(self.story)}: {self.content[:3000]!r}>"


def bases(folders: Sequence[Path], known: Sequence[Layout]) -> dict[str, Base]:
    """The base of every layout by its name, from files of the folders."""
    found: dict[str, Base] = {}
    for file in look_at(folders, known):
        if file.status != "loaded" or not file.rows:
            continue
        before = found.get(file.layout)
        if file.grid.page is not None:
            pages = (*(before.pages if before else ()), file.path.read_bytes())
            found[file.layout] = Base(file.header.layout, file.header.cells, (), pages)
            continue
        width = len(file.header.cells)
        rows = [tuple((cells + [""] * width)[:width]) for _, cells in file.data_rows()]
        if before is None:
            found[file.layout] = Base(file.header.layout, file.header.cells, tuple(rows))
        else:  # the columns of the first file; a column that another one lacks is blank
            places = [file.header.cells.index(name) if name in file.header.cells else None for name in before.header]
            rows = [tuple("" if place is None else row[place] for place in places) for row in rows]
            found[file.layout] = Base(before.layout, before.header, (*before.rows, *rows))
    return found


def odd_cell() -> st.SearchStrategy[str]:
    """A cell that nobody expects."""
    return st.one_of(st.sampled_from(ODD_CELLS), st.sampled_from(ODD_CELLS), st.text(max_size=12))


@st.composite
def mutated_files(draw: st.DrawFn, base: Base, number: int) -> Mutated:
    """A file of the layout with something wrong, `number` in its name."""
    if base.pages:
        return draw(_pages(base, number))
    table = [list(base.header)]
    table += [list(base.rows[draw(st.integers(0, len(base.rows) - 1))]) for _ in range(draw(st.integers(1, 5)))]
    story: list[str] = []
    tokens = draw(_cells(table, story))
    is_whole = not draw(st.integers(0, 3)) or not draw(_structure(table, story))
    if not is_whole:
        tokens = {}
    data_rows = sum(any(cell.strip() for cell in row) for row in table[1:]) if is_whole else None
    if not draw(st.integers(0, 9)):
        return Mutated(f"f{number}.xlsx", _workbook(table), (*story, "as a workbook"))
    encoding = draw(st.sampled_from(ENCODINGS)) if not draw(st.integers(0, 3)) else "utf-8"
    delimiter = draw(st.sampled_from(DELIMITERS)) if not draw(st.integers(0, 3)) else ","
    line_end = draw(st.sampled_from(LINE_ENDS)) if not draw(st.integers(0, 3)) else "\n"
    content = _csv(table, delimiter, line_end).encode(encoding, errors="replace")
    story.append(f"{encoding}, {delimiter!r}, {line_end!r}")
    if not draw(st.integers(0, 5)):
        content, what = draw(_damage(content))
        return Mutated(f"f{number}.csv", content, (*story, what))
    if encoding in ("cp1252", "latin-1") or delimiter != "," or line_end == "\r":
        tokens, data_rows = {}, None  # read back as well as can be: other characters, other lines within cells
    return Mutated(f"f{number}.csv", content, tuple(story), data_rows, tokens)


@st.composite
def _cells(draw: st.DrawFn, table: list[list[str]], story: list[str]) -> dict[str, str]:
    """Change some cells; the tokens by the header of their column."""
    tokens: dict[str, str] = {}
    for _ in range(draw(st.integers(1, 4))):
        row, column = draw(st.integers(1, len(table) - 1)), draw(st.integers(0, len(table[0]) - 1))
        kind = draw(st.sampled_from(("token", "token", "odd", "odd", "other column", "case")))
        if kind == "token" and table[0][column] not in tokens:
            value = tokens[table[0][column]] = TOKEN.format(len(tokens))
        elif kind == "other column":
            value = table[row][draw(st.integers(0, len(table[0]) - 1))]
        elif kind == "case":
            value = f" {table[row][column].swapcase()} "
        else:
            value = draw(odd_cell())
        if table[row][column] in tokens.values():
            continue  # a token that would be written over
        table[row][column] = value
        story.append(f"row {row}, {table[0][column]!r}: {kind} {value[:40]!r}")
    held = {cell for row in table for cell in row}
    return {header: token for header, token in tokens.items() if token in held}


@st.composite
def _structure(draw: st.DrawFn, table: list[list[str]], story: list[str]) -> bool:
    """Change rows or columns; True where something was changed."""
    width = len(table[0])
    row, column = draw(st.integers(1, len(table) - 1)), draw(st.integers(0, width - 1))
    kind = draw(
        st.sampled_from(
            *[
                (
                    *("row twice", "blank row", "header again", "row cut", "row too long", "title above"),
                    *("column gone", "column twice", "column renamed", "column without name", "columns swapped"),
                    *("columns from outside", "no rows", "header in capitals", "all cells odd"),
                )
            ]
        )
    )
    if kind == "row twice":
        table.append(list(table[row]))
    elif kind == "blank row":
        table.insert(row, [""] * width)
    elif kind == "header again":
        table.insert(row, list(table[0]))
    elif kind == "row cut":
        del table[row][column:]
    elif kind == "row too long":
        table[row] += ["more", "", "still more"]
    elif kind == "title above":
        for _ in range(draw(st.integers(1, 21))):
            table.insert(0, ["A title"])
    elif kind == "column gone":
        for cells in table:
            del cells[column : column + 1]
    elif kind == "column twice":
        for cells in table:
            cells.append(cells[column] if column < len(cells) else "")
    elif kind == "column renamed":
        table[0][column] = draw(odd_cell())
    elif kind == "column without name":
        table[0][column] = ""
    elif kind == "columns swapped":
        for cells in table:
            cells[0], cells[column] = cells[column], cells[0]
    elif kind == "columns from outside":
        for name in (*OWN_NAMES, draw(odd_cell())):
            table[0].append(name)
            for cells in table[1:]:
                cells.append("more")
    elif kind == "no rows":
        del table[1:]
    elif kind == "header in capitals":
        table[0] = [f" {cell.upper()} " for cell in table[0]]
    elif kind == "all cells odd":
        table[row] = [draw(st.sampled_from(ODD_CELLS))] * width
    story.append(f"{kind} (row {row}, column {column})")
    return True


@st.composite
def _damage(draw: st.DrawFn, content: bytes) -> tuple[bytes, str]:
    """Bytes that were lost, turned or put in."""
    place = draw(st.integers(0, max(len(content) - 1, 0)))
    kind = draw(st.sampled_from(("cut", "turned", "quote", "zeros", "noise", "doubled", "empty")))
    changed = {
        "cut": content[:place],
        "turned": content[:place] + bytes([content[place] ^ 0xFF] if content else b"") + content[place + 1 :],
        "quote": content[:place] + b'"' + content[place:],
        "zeros": content[:place] + bytes(8) + content[place:],
        "noise": content[:place] + draw(st.binary(max_size=16)) + content[place:],
        "doubled": content + content,
        "empty": b"",
    }[kind]
    return changed, f"bytes {kind} at {place}"


@st.composite
def _pages(draw: st.DrawFn, base: Base, number: int) -> Mutated:
    """A Markdown page whose lines or bytes were changed."""
    lines = base.pages[draw(st.integers(0, len(base.pages) - 1))].decode("utf-8", "replace").split("\n")
    story: list[str] = []
    end = next((place for place, line in enumerate(lines[1:], start=1) if line.strip() == "---"), len(lines) - 1)
    for _ in range(draw(st.integers(1, 2))):
        place = draw(st.integers(0, min(end, len(lines) - 1)))
        kind = draw(
            st.sampled_from(
                ("value", "value", "value", "value", "value", "gone", "twice", "indented", "odd line", "key")
            )
        )
        key, colon, value = lines[place].partition(":")
        # in quotes most of them are texts of YAML
        odd = json.dumps(draw(odd_cell())) if draw(st.booleans()) else draw(odd_cell())
        lines[place : place + 1] = {
            "value": [f"{key}{colon} {odd}" if colon else odd],
            "gone": [],
            "twice": [lines[place]] * 2,
            "indented": [f"   {lines[place]}"],
            "odd line": [odd],
            "key": [f"{odd}{colon}{value}"],
        }[kind]
        story.append(f"line {place + 1}: {kind} {odd[:40]!r}")
        if not lines:
            break
    content = "\n".join(lines).encode("utf-8", "replace")
    if not draw(st.integers(0, 5)):
        content, what = draw(_damage(content))
        story.append(what)
    return Mutated(f"f{number}.md", content, tuple(story))


def _csv(table: Sequence[Sequence[str]], delimiter: str, line_end: str) -> str:
    """Cells that hold any end of a line are quoted, also one that is not the file's own: readers know all of them."""
    lines = []
    for row in table:
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerow(row)
        lines.append(text.getvalue().removesuffix("\r\n") + line_end)
    return "".join(lines)


def _workbook(table: Sequence[Sequence[str]]) -> bytes:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Data")
    for cells in table:
        sheet.append([openpyxl.cell.cell.ILLEGAL_CHARACTERS_RE.sub("", cell)[:32_000] for cell in cells])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()
