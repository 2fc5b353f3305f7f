"""Builds `meta.sources` and the raw tables: the official files verbatim, every cell as text.

Each function takes an open connection and returns the SELECT whose result is the table.
"""

from __future__ import annotations

import csv
import hashlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import chain, islice
from operator import itemgetter
from pathlib import Path
from uuid import uuid4

import duckdb

from ogp_pipeline.building import Workshop
from ogp_pipeline.models import Model
from ogp_pipeline.sources.folders import SourceFile
from ogp_pipeline.sources.layouts import SOURCE_COLUMNS
from ogp_pipeline.sources.snapshots import FirstKept, file_of, first_kept
from ogp_pipeline.sources.workbooks import shortened
from ogp_pipeline.store import literal, quoted

CELL_END = "\x1f"
# The database holds the whole of a CSV file until it has read it all; so many rows are some 60 MB.
ROWS_OF_A_PIECE = 50_000
# What the database reads at a time holds one line at least; by itself it takes sixteen times the longest it may meet.
LINE_BYTES, BUFFER_BYTES, BYTES_OF_A_CHARACTER = 2 << 20, 32 << 20, 4
# what spreadsheet programs show, and export, where a formula failed
FORMULA_ERRORS = {
    *("#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!", "#CALC!", "#GETTING_DATA")
}


def sources(connection: duckdb.DuckDBPyConnection, model: Model, workshop: Workshop) -> str:
    """`meta.sources`: one row per file of the sources, loaded or not.

    Official files are downloaded here and nowhere else in a run: this table comes before every raw table.
    """
    workshop.fetch_official_files()
    columns = list(model.contract.columns)
    files = workshop.files  # which are kept when they are looked at, so that their changes are known
    known = first_kept(workshop.settings)
    rows = [
        {
            "source_file": file.name,
            "layout": file.layout,
            "status": file.status,
            "reason": file.reason or None,
            "released_date": file.entry.released,
            "is_partial": file.entry.partial,
            "is_synthetic": file.entry.synthetic,
            "is_form": bool(file.header and file.header.layout.is_form),
            "publisher": file.entry.publisher,
            "url": file.entry.url,
            "licence": file.entry.licence,
            "sha256": file.sha256,
            "bytes": file.size,
            "encoding": _encoding(file),
            "header_row": file.header.index + 1 if file.header else None,
            "rows": file.rows if file.status == "loaded" else None,
            "skipped_rows": file.skipped_rows if file.status == "loaded" else None,
            "extra_columns": ", ".join(file.header.extras) if file.header else None,
            "absent_columns": ", ".join(file.header.absent) if file.header else None,
            "header_variants": ", ".join(file.header.variants) if file.header else None,
            **_moments(file, known),
            **file.recorded,
        }
        for file in files
    ]
    typed = ", ".join(f"{quoted(name)} {column.type}" for name, column in model.contract.columns.items())
    connection.execute(f"create temp table source_files ({typed})")
    if rows:
        marks = ", ".join("?" for _ in columns)
        connection.executemany(
            f"insert into source_files values ({marks})", [[row[name] for name in columns] for row in rows]
        )
    return "select * from source_files"


def _moments(file: SourceFile, kept: Mapping[tuple[str, str], FirstKept]) -> dict[str, object]:
    """What is known of the download of an official file, and since when any file is as it is. Times are UTC."""
    known = file.download
    moments = {name: getattr(known, name, None) for name in ("fetched_at", "checked_at", "content_changed_at")}
    seen = kept.get((file_of(file.name), file.sha256))
    if known is None and seen and seen.is_change:
        moments["content_changed_at"] = seen.at
    moments["unchanged_since"] = moments["content_changed_at"] or _earlier(file.entry.released, seen and seen.at)
    return {
        "note": known and known.note,
        "is_stale_download": known and known.status == "kept",
        "rhythm_days": file.entry.rhythm_days,
        **{name: moment and moment.astimezone(UTC).replace(tzinfo=None) for name, moment in moments.items()},
    }


def _earlier(released: date | None, seen: datetime | None) -> datetime | None:
    """The earlier of the day a file was released and the moment it was first seen; None where neither is known."""
    day = released and datetime(released.year, released.month, released.day, tzinfo=UTC)
    return min((moment for moment in (day, seen) if moment), default=None)


def _encoding(file: SourceFile) -> str | None:
    if file.grid is None or file.grid.encoding is None:
        return None
    return {"utf-8-sig": "utf-8"}.get(file.grid.encoding, file.grid.encoding)


def raw(connection: duckdb.DuckDBPyConnection, model: Model, workshop: Workshop) -> str:
    """The raw table of one layout: the rows of all its files, with the file, row and hash they came from."""
    loaded = sorted(
        (file for file in workshop.files if file.status == "loaded" and file.layout == model.table),
        key=lambda file: file.name.encode("utf-8", "replace"),  # the order of the key, as the database compares texts
    )
    names = [*model.contract.columns, *(name for file in loaded for name in file.header.columns)]
    # DuckDB's names do not differ by case: the first spelling is the column
    columns = list({name.casefold(): name for name in reversed(names)}.values())[::-1]
    absent = uuid4().hex  # marks a column that a file does not have; no cell can hold it
    rows = chain.from_iterable(_rows_of(file, columns, absent) for file in loaded)
    pieces, longest = _write_pieces(rows, columns, workshop.scratch)
    line = max(LINE_BYTES, longest * BYTES_OF_A_CHARACTER)
    types = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in columns)
    return (
        f"select * from read_csv([{', '.join(map(literal, pieces))}], "
        "header = true, delim = ',', quote = '\"', escape = '\"', "
        f"columns = {{{types}}}, nullstr = {literal(absent)}, allow_quoted_nulls = true, auto_detect = false, "
        f"parallel = false, max_line_size = {line}, buffer_size = {max(BUFFER_BYTES, line)})"
    )


def _write_pieces(rows: Iterator[list[str]], columns: Sequence[str], folder: Path) -> tuple[list[str], int]:
    """Write rows below a header as CSV files of at most ROWS_OF_A_PIECE; their names and the longest row.

    The longest by its characters, with its quotes and commas.
    """
    names, longest, written = [], 0, ROWS_OF_A_PIECE
    while written == ROWS_OF_A_PIECE:
        descriptor, name = tempfile.mkstemp(suffix=".csv", dir=folder)
        with open(descriptor, "w", encoding="utf-8", errors="replace", newline="") as target:
            writer = csv.writer(target, quoting=csv.QUOTE_ALL)
            lengths = [writer.writerow(row) for row in chain([columns], islice(rows, ROWS_OF_A_PIECE))]
        names.append(name)
        longest, written = max(longest, *lengths), len(lengths) - 1
    return names, longest


def _rows_of(file: SourceFile, columns: Sequence[str], absent: str) -> Iterator[list[str]]:
    """The rows of a file by the columns of the table."""
    position = {name.casefold(): index for index, name in enumerate(file.header.columns)}
    width = len(file.header.columns)
    named = max((index for index, cell in enumerate(file.header.cells, start=1) if cell.strip()), default=width)
    # the mark of a column that the file does not have stands behind the last cell
    places = [position.get(name.casefold(), width) for name in columns]
    in_order = itemgetter(*places)
    own = {name: columns.index(name) for name in SOURCE_COLUMNS}
    key_places = [position.get(name.casefold()) for name in file.header.layout.contract.row_key]
    is_sheet = file.grid.sheet is not None
    for number, cells, note in file.noted_rows():
        content = CELL_END.join(cells)
        if "\0" in content:
            cells = [cell.replace("\0", "\ufffd") for cell in cells]
            content = CELL_END.join(cells)
        given = len(cells)
        notes = [note] if note else []
        surplus = [cell for cell in cells[width:] if cell.strip()]
        # the rows of a sheet end with their last cell that is not blank
        if (given < named and not is_sheet) or surplus:
            notes.append(f"the row has {given} cells, the header {width}" + f"; beyond it: {surplus}" * bool(surplus))
        if "#" in content and (failed := [place for place, cell in enumerate(cells[:width]) if cell in FORMULA_ERRORS]):
            named_cells = [f"{cells[place]} in {file.header.columns[place]}" for place in failed]
            notes.append(f"a formula failed: {shortened(named_cells)}")
        whole = [*cells[:width], *[""] * (width - given), absent]
        row = list(in_order(whole))
        row[own["_source_file"]] = file.name
        row[own["_source_row"]] = str(number)
        row[own["_source_sha256"]] = file.sha256
        row[own["_source_row_sha256"]] = _sha256_of_row(content)
        row[own["_source_row_key"]] = (
            "|".join("" if place is None else " ".join(whole[place].split()) for place in key_places) or absent
        )
        row[own["_source_note"]] = "; ".join(notes) or absent
        yield row


def _sha256_of_row(content: str) -> str:
    """Equal for rows that are identical in every field; blank cells at the end do not count."""
    return hashlib.sha256(content.rstrip(CELL_END).encode("utf-8", "surrogatepass")).hexdigest()
