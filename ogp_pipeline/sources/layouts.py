"""The official layouts and how a header row is recognised.

A layout is a raw contract (`sql/raw/<layout>.yml`): its columns by their verbatim headers, which of them are
required, and the few headers (`recognised_by`) that tell it from every other layout. A file is recognised by
its columns, never by its name (DESIGN.md, Sources).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from ogp_pipeline.contracts import Contract
from ogp_pipeline.models import Catalog

HEADER_WITHIN_ROWS = 20
# Half of the telling headers: one or two renamed columns must lead to "lacks a required column", not to
# "some other file"; the 2024 master shares none of them.
TELLING_SHARE = 0.5
NO_ROWS = "it has no rows"
SOURCE_COLUMNS = (
    "_source_file",
    "_source_row",
    "_source_sha256",
    "_source_row_sha256",
    "_source_row_key",
    "_source_note",
)
RESERVED = ("problems",)  # the quarantine puts it beside the columns of a file


@dataclass(frozen=True)
class Layout:
    """One official layout, named as its raw table."""

    name: str
    contract: Contract

    @cached_property
    def headers(self) -> dict[str, str]:
        """Folded header -> the header as the contract writes it."""
        return {folded(name): name for name in self.contract.columns if name not in SOURCE_COLUMNS}

    @property
    def is_form(self) -> bool:
        """Whether it is a sheet of one of the project's own templates, filled in by hand."""
        return self.contract.template is not None

    @cached_property
    def required(self) -> tuple[str, ...]:
        """The headers without which the file cannot be read."""
        return tuple(
            name for name, column in self.contract.columns.items() if column.required and name not in SOURCE_COLUMNS
        )

    def telling_share(self, cells: Sequence[str]) -> float:
        """The share of the telling headers that stand in a row, 0 to 1."""
        present = {folded(cell) for cell in cells}
        telling = self.contract.recognised_by
        return sum(folded(name) in present for name in telling) / len(telling)

    def likeness(self, cells: Sequence[str]) -> tuple[int, float]:
        """How many headers of the layout stand in a row, and which share of the required ones."""
        present = {folded(cell) for cell in cells}
        return len(present & set(self.headers)), 1 - len(self.lacks(cells)) / len(self.required)

    def lacks(self, cells: Sequence[str]) -> list[str]:
        """The required headers that do not stand in a row."""
        present = {folded(cell) for cell in cells}
        return [name for name in self.required if folded(name) not in present]


@dataclass(frozen=True)
class Header:
    """A recognised header row: `columns` holds one table column name per cell."""

    layout: Layout
    index: int  # 0-based position among the rows of the file
    cells: tuple[str, ...]
    columns: tuple[str, ...]
    variants: tuple[str, ...]  # headers written otherwise than in the contract
    extras: tuple[str, ...]
    absent: tuple[str, ...]  # columns of the layout, not required, that are not there


def layouts(catalog: Catalog) -> tuple[Layout, ...]:
    """Every layout the catalog has a raw contract for."""
    return tuple(Layout(model.table, model.contract) for model in catalog if model.schema == "raw")


def folded(header: str) -> str:
    """A header for comparison: spaces collapsed, case ignored."""
    return " ".join(header.replace("\xa0", " ").split()).casefold()


def find_header(rows: Sequence[Sequence[str]], known: Sequence[Layout]) -> Header | None:
    """The first of the rows that is the header of a layout; None where there is none."""
    for index, cells in enumerate(rows[:HEADER_WITHIN_ROWS]):
        best = max(known, key=lambda layout: layout.telling_share(cells), default=None)
        if best is not None and best.telling_share(cells) >= TELLING_SHARE:
            return _header(best, index, cells)
    return None


def nearest(rows: Sequence[Sequence[str]], known: Sequence[Layout]) -> str:
    """For a file of no known layout: the nearest one and what the file lacks of it."""
    if not any(cell.strip() for cells in rows for cell in cells):
        return NO_ROWS
    begins = next(cell for cells in rows for cell in cells if cell.strip()).strip().lower()
    if begins.startswith(("<!doctype", "<html", "<?xml")):
        return "it is a web page or XML and no table: download the table itself"
    candidates = [(layout, cells) for cells in rows[:HEADER_WITHIN_ROWS] for layout in known]
    layout, cells = max(candidates, key=lambda item: item[0].likeness(item[1]))
    if layout.likeness(cells)[0] == 0:
        return (
            f"its columns are of no known layout, and no header of one stands in its first {HEADER_WITHIN_ROWS} rows: "
            "name the columns as the layout or the template does, and part them by comma, semicolon, tab or bar"
        )
    found = len(layout.required) - len(layout.lacks(cells))
    lacking = layout.lacks(cells)
    shown = ", ".join(lacking[:5]) + (f" and {len(lacking) - 5} more" if len(lacking) > 5 else "")
    return (
        f"its columns are of no known layout; nearest is {layout.name} with {found} of {len(layout.required)} "
        f"required columns, lacking {shown}: give its columns these names if it is that table, else leave it out"
    )


def _header(layout: Layout, index: int, cells: Sequence[str]) -> Header:
    columns: list[str] = []
    variants, extras = [], []
    taken: set[str] = {name.casefold() for name in (*SOURCE_COLUMNS, *RESERVED)}
    for position, cell in enumerate(cells):
        cell = cell.replace("\0", "\ufffd")  # as in the rows below it: no name of a column can hold it
        known_as = layout.headers.get(folded(cell))
        name = known_as or " ".join(cell.split()) or f"column_{position + 1}"
        if name.casefold() in taken:
            name = next(
                numbered for k in range(2, len(cells) + 2) if (numbered := f"{name} ({k})").casefold() not in taken
            )
            known_as = None
        taken.add(name.casefold())
        columns.append(name)
        if known_as and known_as != cell:
            variants.append(cell)
        if not known_as and cell.strip():
            extras.append(name)
    absent = tuple(name for name in layout.headers.values() if name not in columns)
    return Header(layout, index, tuple(cells), tuple(columns), tuple(variants), tuple(extras), absent)
