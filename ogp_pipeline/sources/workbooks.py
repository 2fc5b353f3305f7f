"""XLSX workbooks: judged before a cell is read, then read sheet by sheet as rows of text.

`inspect` looks at the archive and at every sheet once: what kind of file it is, how large it becomes, which
sheets there are, which of them are hidden, which cells are merged and which formulas were never calculated.
`sheet_rows` streams the cells. Formulas give their stored value, macros and charts are never looked at; rows
and columns that are hidden or filtered away are data like any other. What cells mean does not belong here.
"""

from __future__ import annotations

import posixpath
import re
import warnings
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, time
from pathlib import Path
from xml.etree import ElementTree
from xml.parsers.expat import ExpatError

from ogp_pipeline.errors import InputError
from ogp_pipeline.sources.sheet_scan import DamagedError, Merge, SheetScan, check_xml

# All commitments of the partnership (5,000 rows of 171 columns) are about 90 MiB of XML, 15 times what they
# are in the archive. What is not a sheet (texts, styles) is held in memory whole.
EXPANDED_LIMIT = 512 << 20
IN_MEMORY_LIMIT = 128 << 20
RATIO_LIMIT = 200
RATIO_MATTERS_ABOVE = 32 << 20
SHEETS_LIMIT = 200  # the largest template has six; each sheet costs a look at the whole workbook

# parts of an archive that hold no cells of the workbook's own: whatever is in them does not matter
NEVER_LOOKED_AT = ("customXml/", "xl/externalLinks/", "xl/pivotCache/", "xl/pivotTables/", "xl/comments", "xl/media/")

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # password-protected workbooks and those of before 2007
ZIP = b"PK\x03\x04"
OTHER_KINDS = {b"%pdf": "a PDF", b"<!do": "a web page", b"<htm": "a web page", b"<?xm": "an XML file"}
SAVE_AGAIN = "save it again as .xlsx or .csv"

# what openpyxl and the modules under it raise for a file that is damaged or no workbook
UNREADABLE = (
    DamagedError,
    ExpatError,
    zipfile.BadZipFile,
    zlib.error,
    LookupError,
    ValueError,
    OSError,
    EOFError,
    SyntaxError,
    AttributeError,
    TypeError,
    ArithmeticError,
    NotImplementedError,
)


@dataclass(frozen=True)
class Worksheet:
    """One sheet of a workbook. `number` is its place among the sheets that hold cells; None for a chart."""

    title: str
    number: int | None
    state: str = "visible"  # visible, hidden or veryHidden
    merges: tuple[Merge, ...] = ()
    uncalculated: Mapping[int, tuple[str, ...]] = field(default_factory=dict)  # row -> cells such as `D5`


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turn what a damaged workbook raises into one InputError that names the file."""
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        yield
    except (*UNREADABLE, InvalidFileException) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{name}: not readable as XLSX ({reason}): {SAVE_AGAIN}") from error


def inspect(path: Path, name: str) -> list[Worksheet]:
    """The sheets of a workbook in their order; InputError (naming it `name`) where it is refused as a whole."""
    _refuse_other_kinds(path, name)
    with reading(name), zipfile.ZipFile(path) as archive:
        _refuse_other_archives(archive, name)
        _refuse_expansion(archive, path, name)
        for part in archive.infolist():
            if _is_looked_at(part.filename) and "/worksheets/sheet" not in part.filename:
                with archive.open(part) as source:
                    check_xml(source)
        sheets = list(_sheets(archive, name))
        if not any(sheet.number is not None for sheet in sheets):
            raise DamagedError("it has no sheet of cells")
        return sheets


def sheet_rows(path: Path, sheet: Worksheet) -> Iterator[tuple[int, list[str], str]]:
    """The rows of a sheet: number, cells, and what is to be known of the row beside its cells.

    A cell merged over several rows stands in each of them that holds anything else.
    """
    from openpyxl import load_workbook

    if sheet.number is None:
        return
    # it warns of parts that hold no cells: drop-down lists, conditional formats
    warnings.filterwarnings("ignore", category=UserWarning, module="openpyxl")
    starts = defaultdict(list)
    for merge in sheet.merges:
        starts[merge.first_row].append(merge)
    open_merges: dict[int, tuple[Merge, str]] = {}  # by column, with the text
    with closing(load_workbook(path, read_only=True, data_only=True, keep_links=False)) as workbook:
        worksheet = workbook.worksheets[sheet.number]
        worksheet.reset_dimensions()  # the file's word for its size is not trusted
        for number, values in enumerate(worksheet.iter_rows(values_only=True), start=1):
            cells = [cell_text(value) for value in values]
            while cells and not cells[-1]:
                cells.pop()
            notes = []
            if number in sheet.uncalculated:
                notes.append(
                    f"formulas that were never calculated in {shortened(sheet.uncalculated[number])}: open the file "
                    "in a spreadsheet program, save it there and use that file"
                )
            if cells and open_merges and (filled := _fill(cells, number, open_merges)):
                notes.append(f"merged with the cells above: {shortened(filled)}")
            for merge in starts.get(number, ()):
                if merge.column <= len(cells):
                    open_merges[merge.column] = (merge, cells[merge.column - 1])
            yield number, cells, "; ".join(notes)


def shortened(names: Sequence[str], shown: int = 8) -> str:
    """The first names, and how many more there are."""
    return ", ".join(names[:shown]) + (f" and {len(names) - shown} more" if len(names) > shown else "")


def cell_text(value: object) -> str:
    """A spreadsheet value as the text an export would write: dates in ISO, numbers to 15 digits."""
    if value is None:
        return ""
    if isinstance(value, str):
        # line ends and tabs as the file format escapes them
        return re.sub("_x000([9AD])_", lambda match: chr(int(match[1], 16)), value)
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else format(value, ".15g")
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")
    return str(value)


def _fill(cells: list[str], number: int, open_merges: dict[int, tuple[Merge, str]]) -> list[str]:
    """Put the texts of merged cells into the blank cells they cover; the cells filled, such as `A5`."""
    filled = []
    for column, (merge, text) in sorted(open_merges.items()):
        if number > merge.last_row:
            del open_merges[column]
            continue
        cells += [""] * (column - len(cells))
        if text and not cells[column - 1]:
            cells[column - 1] = text
            filled.append(f"{merge.letters}{number}")
    return filled


def _refuse_other_kinds(path: Path, name: str) -> None:
    """Files that are no archive: empty, protected with a password, of before 2007, something else."""
    with path.open("rb") as file:
        head = file.read(512)
    if not head:
        raise InputError(f"{name}: not readable as XLSX (the file is empty): {SAVE_AGAIN}")
    if head.startswith(OLE):
        if _holds(path, "EncryptedPackage".encode("utf-16-le")):
            raise InputError(
                f"{name}: protected with a password, nothing in it can be read: open it in a spreadsheet program, "
                "take the password away and save it again"
            )
        raise InputError(
            f"{name}: a workbook in the old format (.xls) under another name: open it in a spreadsheet program and "
            "save it as .xlsx"
        )
    if not head.startswith(b"PK"):
        kind = OTHER_KINDS.get(head.lstrip(b"\xef\xbb\xbf \r\n\t")[:4].lower())
        if kind is None:
            kind = "something else" if b"\0" in head else "plain text; if it is CSV, name it .csv"
        raise InputError(f"{name}: not readable as XLSX (it is {kind}): {SAVE_AGAIN}")


def _refuse_other_archives(archive: zipfile.ZipFile, name: str) -> None:
    names = set(archive.namelist())
    if any(part.flag_bits & 1 for part in archive.infolist()):
        raise InputError(f"{name}: an archive protected with a password: {SAVE_AGAIN}, without a password")
    if "mimetype" in names and archive.getinfo("mimetype").file_size < 200:
        kind = archive.read("mimetype").decode("ascii", "replace")
        if "opendocument" in kind:
            raise InputError(
                f"{name}: an OpenDocument file under another name: open it in a spreadsheet program and save it as "
                ".xlsx"
            )
    if "xl/workbook.bin" in names:
        raise InputError(
            f"{name}: a binary workbook (.xlsb) under another name: open it in a spreadsheet program and save it as "
            ".xlsx"
        )
    if "_rels/.rels" not in names or "[Content_Types].xml" not in names:
        raise DamagedError("an archive that holds no workbook")


def _is_looked_at(part: str) -> bool:
    return part.endswith((".xml", ".rels")) and not part.startswith(NEVER_LOOKED_AT)


def _refuse_expansion(archive: zipfile.ZipFile, path: Path, name: str) -> None:
    """The sizes in the directory bound what can be read: a part is never read beyond its size there."""
    parts = [part for part in archive.infolist() if _is_looked_at(part.filename)]
    expanded = sum(part.file_size for part in parts)
    in_memory = sum(part.file_size for part in parts if "/worksheets/" not in part.filename)
    if (
        expanded > EXPANDED_LIMIT
        or in_memory > IN_MEMORY_LIMIT
        or (expanded > RATIO_MATTERS_ABOVE and expanded > RATIO_LIMIT * path.stat().st_size)
    ):
        raise InputError(
            f"{name}: its {path.stat().st_size / 1e6:,.1f} MB expand to {expanded / 1e6:,.0f} MB, which no file of "
            "these layouts needs, so it is not opened: delete what is below and beside the table, or save it as .csv"
        )


def _sheets(archive: zipfile.ZipFile, name: str) -> Iterator[Worksheet]:
    """The sheets as the workbook lists them, each scanned once. Titles that are taken are numbered."""
    package = _relations(archive, "_rels/.rels", "")
    part = next((target for kind, target in package.values() if kind.endswith("/officeDocument")), None)
    if part is None:
        raise DamagedError("an archive that holds no workbook")
    root = ElementTree.fromstring(archive.read(part))
    if "purl.oclc.org" in root.tag:
        raise InputError(
            f"{name}: saved as Strict Open XML, which is not read: open it in a spreadsheet program and save it as "
            "an ordinary Excel workbook (.xlsx)"
        )
    folder, file = posixpath.split(part)
    relations = _relations(archive, posixpath.join(folder, "_rels", file + ".rels"), folder)
    recalculates = any(
        _local(node.tag) == "calcPr" and node.get("fullCalcOnLoad") in ("1", "true") for node in root.iter()
    )
    listed = [node for node in root.iter() if _local(node.tag) == "sheet"]
    if len(listed) > SHEETS_LIMIT:
        raise InputError(
            f"{name}: it has {len(listed):,} sheets, more than {SHEETS_LIMIT}: put the tables of one layout into one "
            "sheet, or into several files"
        )
    taken: set[str] = set()
    number = 0
    for node in listed:
        relation = next((value for key, value in node.attrib.items() if _local(key) == "id" and "}" in key), "")
        title = wanted = node.get("name", "")
        if relation not in relations:
            raise DamagedError(f"the sheet {title} is listed and not there")
        copies = 1
        while title in taken:
            copies += 1
            title = f"{wanted} ({copies})"
        taken.add(title)
        kind, target = relations[relation]
        state = node.get("state", "visible")
        if kind.endswith("/chartsheet"):
            yield Worksheet(title, None, state)
            continue
        if target not in archive.namelist():
            raise DamagedError(f"the sheet {title} is listed and not there")
        scan = SheetScan(recalculates)
        try:
            with archive.open(target) as source:
                scan.read(source)
        except (DamagedError, ExpatError) as error:
            raise DamagedError(f"sheet {title}: {error}") from error
        yield Worksheet(title, number, state, tuple(scan.merges), scan.uncalculated_cells())
        number += 1


def _relations(archive: zipfile.ZipFile, part: str, folder: str) -> dict[str, tuple[str, str]]:
    """The relations of a part: id -> (type, path of the target in the archive)."""
    root = ElementTree.fromstring(archive.read(part))
    return {
        node.get("Id", ""): (
            node.get("Type", ""),
            posixpath.normpath(posixpath.join("/", folder, node.get("Target", ""))).lstrip("/"),
        )
        for node in root
    }


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _holds(path: Path, text: bytes) -> bool:
    kept = b""
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            if text in kept + chunk:
                return True
            kept = chunk[-len(text) :]
    return False
