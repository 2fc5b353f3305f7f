"""Tables of the page: rows of a release as text, with a caption and a head that says what each column is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from ogp_pipeline.report.reading import Row
from ogp_pipeline.report.words import percent, plain

DASH = "–"  # noqa: RUF001


@dataclass(frozen=True)
class Column:
    """A column of a table on the page: its field in the rows, its head, and how its values are written.

    `kind`: text (as it is), code (as words), count, share, points, number, year, yes_no, date, hash.
    """

    field: str
    head: str
    kind: str = "text"

    @property
    def is_number(self) -> bool:
        """It stands right in its column."""
        return self.kind in ("count", "share", "points", "number", "year")


@dataclass(frozen=True)
class Table:
    """A table of the page, every cell text; `note` says what is left out."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    note: str = ""


def table(caption: str, columns: Sequence[Column], rows: Sequence[Row], most: int = 200, whole: str = "") -> Table:
    """Rows of a release as a table; of more than `most` rows the first, and a note that `whole` holds them all."""
    shown = [[written(row.get(column.field), column.kind) for column in columns] for row in rows[:most]]
    left_out = len(rows) - len(shown)
    note = f"And {left_out:,} more rows: see {whole}." if left_out else ""
    return Table(caption, columns, shown, note)


def written(value: Any, kind: str) -> str:
    """A value as the page writes it; a dash where there is none."""
    if value is None or value == "":
        return DASH
    if kind == "share":
        return percent(value, 1)
    if kind == "points":
        return f"{100 * value:+.1f} points"
    if kind == "count":
        return f"{value:,}"
    if kind == "number":
        return significant(value)
    if kind == "yes_no":
        return "yes" if value else "no"
    if kind == "code":
        return plain(value)
    if kind == "date" and isinstance(value, date):
        return value.strftime("%Y-%m-%d")
    return str(value)


def significant(value: float) -> str:
    """A number with three decimals; a smaller one as `< 0.001`."""
    if 0 < abs(value) < 0.001:
        return "< 0.001" if value > 0 else "> -0.001"
    return f"{value:,.3f}"


def columns(heads: Mapping[str, tuple[str, str]]) -> list[Column]:
    """Columns from field -> (head, kind)."""
    return [Column(field, head, kind) for field, (head, kind) in heads.items()]
