"""How the answer of a query is written: a table to read, CSV, JSON or Parquet.

Values keep their type: CSV, JSON and Parquet hold exactly what DuckDB gave; only the table, which is shown on a
terminal, makes characters visible that would act on it.
"""

from __future__ import annotations

import json
import math
import re
import tempfile
import unicodedata
from collections import Counter
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from ogp_pipeline.analysts import Answer
from ogp_pipeline.errors import OutputError
from ogp_pipeline.safe_text import visible
from ogp_pipeline.store import connect, literal, quoted

WIDEST = 60  # signs of one cell on a terminal, where a line that wraps can no longer be read
LONGEST = 200  # rows on a terminal
WHOLE_INSIDE = re.compile(r"\bU?HUGEINT\b")  # in a list or struct
NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "DECIMAL", "DOUBLE", "FLOAT")


def as_table(answer: Answer, for_terminal: bool) -> str:
    """Columns side by side, numbers to the right. A terminal gets long cells and answers cut, and told so."""
    rows = answer.rows[:LONGEST] if for_terminal else answer.rows
    cells = [[_shown(value, for_terminal) for value in row] for row in rows]
    heads = [visible(name) for name in answer.columns]
    widths = [max([_width(head), *(_width(row[i]) for row in cells)]) for i, head in enumerate(heads)]
    right = [kind.lstrip("U").startswith(NUMBERS) and not kind.endswith("]") for kind in answer.types]
    lines = [_line(heads, widths, right), "  ".join("-" * width for width in widths)]
    lines += [_line(row, widths, right) for row in cells]
    total = len(answer.rows)
    lines.append(f"({total:,} row{'s' * (total != 1)})")
    if len(rows) < total:
        lines.append(f"The first {len(rows)} are shown: add `limit`, or write all with -o FILE.csv")
    return "\n".join(lines) + "\n"


def as_csv(answer: Answer) -> str:
    """Comma-separated values with a header; NULL is an empty cell, an empty text is `""`."""
    return "".join(",".join(_csv_cell(value) for value in row) + "\n" for row in [answer.columns, *answer.rows])


def as_json(answer: Answer) -> str:
    """An array of objects, one row a line."""
    _names_differ(answer, "json")
    rows = (dict(zip(answer.columns, (_json_value(value) for value in row), strict=True)) for row in answer.rows)
    return "[" + ",\n ".join(json.dumps(row, ensure_ascii=False, allow_nan=False) for row in rows) + "]\n"


def as_parquet(answer: Answer) -> bytes:
    """A Parquet file of the rows with their types; whole numbers beyond 64 bits are decimals, for Parquet has none."""
    _names_differ(answer, "parquet")
    values = list(zip(*answer.rows, strict=True)) or [()] * len(answer.columns)
    types = [_parquet_type(kind, column) for kind, column in zip(answer.types, values, strict=True)]
    names = [quoted(name) for name in answer.columns]
    with connect() as connection, tempfile.TemporaryDirectory() as folder:
        columns = ", ".join(f"{name} {kind}" for name, kind in zip(names, types, strict=True))
        connection.execute(f"create table answer ({columns})")
        if answer.rows:
            unnested = ", ".join(f"unnest(?::{kind}[])" for kind in types)
            connection.execute(f"insert into answer select {unnested}", [list(column) for column in values])
        path = Path(folder) / "answer.parquet"
        connection.execute(f"copy answer to {literal(path.as_posix())} (format parquet)")
        return path.read_bytes()


def _names_differ(answer: Answer, form: str) -> None:
    twice = [name for name, count in Counter(name.lower() for name in answer.columns).items() if count > 1]
    if twice:
        raise OutputError(f"{form}: two columns are called {visible(twice[0])}: give one another name with `as`")


def _shown(value: Any, for_terminal: bool) -> str:
    text = "NULL" if value is None else visible(_text(value))
    return text[: WIDEST - 1] + "…" if for_terminal and len(text) > WIDEST else text


def _text(value: Any) -> str:
    """One value as text: dates as ISO, lists and structs as JSON."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, (list, tuple, dict)):
        return json.dumps(_json_value(value), ensure_ascii=False)
    return value.isoformat(" ") if isinstance(value, datetime) else str(value)


def _csv_cell(value: Any) -> str:
    if value is None:
        return ""
    text = _text(value)
    needs_quotes = text == "" or any(sign in text for sign in ',"\r\n') or text != text.strip()
    return '"' + text.replace('"', '""') + '"' if needs_quotes else text


def _json_value(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _json_value(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json_value(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no such number
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return value.isoformat() if isinstance(value, (date, datetime, time)) else _text(value)


def _parquet_type(kind: str, values: tuple[Any, ...]) -> str:
    if kind == '"NULL"':
        return "INTEGER"
    if kind.startswith("ENUM"):
        return "VARCHAR"
    if kind in ("HUGEINT", "UHUGEINT"):
        given = [value for value in values if value is not None]
        if all(-(2**63) <= value < 2**63 for value in given):
            return "BIGINT"
        return "DECIMAL(38, 0)" if all(abs(value) < 10**38 for value in given) else "VARCHAR"
    return WHOLE_INSIDE.sub("DECIMAL(38, 0)", kind)


def _width(text: str) -> int:
    """Columns of a terminal that a text takes."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) > 0 for character in text)


def _line(cells: list[str], widths: list[int], right: list[bool]) -> str:
    padded = []
    for cell, width, to_right in zip(cells, widths, right, strict=True):
        space = " " * (width - _width(cell))
        padded.append(space + cell if to_right else cell + space)
    return "  ".join(padded).rstrip()
