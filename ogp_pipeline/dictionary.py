"""The data dictionary: what every public table and column means, from the contracts.

What the dictionary says and how it looks as Markdown belongs here; where else it is written (the tables of `meta`,
the comments of the DuckDB file, `datapackage.json`, the report) does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ogp_pipeline.contracts import code_lists
from ogp_pipeline.models import SCHEMAS, Catalog, Model

if TYPE_CHECKING:
    import duckdb

# Columns that a file has and its layout does not name pass as they are.
EXTRA_COLUMN = "Verbatim text of the official file."
# Numbers have a unit of their own, or are listed by `lacking`.
UNITS = {
    "VARCHAR": "text",
    "BOOLEAN": "true or false",
    "DATE": "calendar date",
    "TIMESTAMP": "time (UTC)",
    "VARCHAR[]": "list of texts",
}
CODE = "code"
SCHEMA_WORDS = {
    "reference": "facts and code lists that the project keeps",
    "raw": "the official files, verbatim",
    "staging": "the same rows in typed columns, every doubt recorded in meta.problems",
    "quarantine": "rows whose identity could not be read, verbatim, with the reasons",
    "marts": "the tables to work with",
    "metrics": "answers computed from the marts",
    "meta": "what the release is made of, its checks and this dictionary",
}
HEAD = """# Data dictionary

Every public table of a release and every column of it, written from the contracts in `sql/` by

    ogp-pipeline dictionary -o docs/data_dictionary.md

The same is in every release: `select * from meta.tables`, `select * from meta.columns`, the comments of
`ogp.duckdb`, and the fields of `datapackage.json`. Raw and quarantine tables also hold the columns of a file that its
layout does not name; they pass as text and stand in `meta.columns` only.

In **needed**, `key` marks the columns that name a row together, `required` those that are never empty. A text with a
code list holds one of its codes; a missing kind (`not_reviewed`, `no_data`, `not_applicable`) is a code of its own and
never the same as empty. Shares lie between 0 and 1.
"""


@dataclass(frozen=True)
class ColumnEntry:
    """One column of a table. `codes` are all it may hold; `codes_in` is the column of a table that lists them."""

    name: str
    position: int  # from 1
    type: str
    description: str
    unit: str | None  # None: a number whose contract gives none
    codes: tuple[str, ...]
    codes_in: str | None
    is_required: bool
    is_key: bool
    is_unique: bool
    references: str | None  # the table whose key it holds
    source_rule: str | None
    is_derived: bool = False  # it follows from columns of other public tables


@dataclass(frozen=True)
class TableEntry:
    """One table with its columns in order."""

    schema: str
    table: str
    description: str
    grain: str
    key: tuple[str, ...]
    usage_warning: str | None
    source_rule: str | None
    columns: tuple[ColumnEntry, ...]

    @property
    def name(self) -> str:
        """`marts.commitments`."""
        return f"{self.schema}.{self.table}"


def table_entry(model: Model, types: Mapping[str, str] | None = None) -> TableEntry:
    """The entry of a table; `types` (column -> DuckDB type) are those of a built table, with its extra columns."""
    contract = model.contract
    types = types or {name: column.type for name, column in contract.columns.items()}
    return TableEntry(
        schema=model.schema,
        table=model.table,
        description=one_line(contract.description),
        grain=one_line(contract.grain),
        key=contract.key,
        usage_warning=one_line(contract.usage_warning),
        source_rule=one_line(contract.source),
        columns=tuple(
            _column_entry(model, name, kind, position) for position, (name, kind) in enumerate(types.items(), start=1)
        ),
    )


def _column_entry(model: Model, name: str, kind: str, position: int) -> ColumnEntry:
    contract = model.contract
    column = contract.columns.get(name)
    is_coded = bool(column and (column.codes or column.codes_in))
    return ColumnEntry(
        name=name,
        position=position,
        type=kind,
        description=one_line(column.description) if column else EXTRA_COLUMN,
        unit=(column.unit if column else None) or (CODE if is_coded else UNITS.get(kind)),
        codes=code_lists()[column.codes] if column and column.codes else (),
        codes_in=column.codes_in if column else None,
        is_required=bool(column and column.required) or name in contract.key,
        is_key=name in contract.key,
        is_unique=bool(column and column.unique) or contract.key == (name,),
        references=contract.foreign_keys.get(name),
        source_rule=one_line((column and column.source) or contract.source),
        is_derived=bool(column and column.derived) or model.is_derived,
    )


def entries(catalog: Catalog) -> list[TableEntry]:
    """Every public table, schema by schema, as the contracts give it."""
    models = [*catalog.public, *catalog.release_tables]
    return [table_entry(model) for model in sorted(models, key=lambda m: (SCHEMAS.index(m.schema), m.table))]


def entries_of_release(connection: duckdb.DuckDBPyConnection) -> list[TableEntry]:
    """Every table of a release as its own `meta.tables` and `meta.columns` describe it, schema by schema.

    `connection` sees the release's `meta` under that name.
    """
    columns: dict[tuple[str, str], list[ColumnEntry]] = {}
    for schema, table, codes, *described in connection.execute(
        "select table_schema, table_name, codes, column_name, position, type, description, unit, codes_in, "
        "is_required, is_key, is_unique, references_table, source_rule, is_derived from meta.columns "
        "order by table_schema, table_name, position"
    ).fetchall():
        name, position, kind, meaning, unit, *facts = described
        listed = tuple(codes.split("|")) if codes else ()
        entry = ColumnEntry(name, position, kind, meaning, unit, listed, *facts)
        columns.setdefault((schema, table), []).append(entry)
    tables = [
        TableEntry(
            schema,
            table,
            meaning,
            grain,
            tuple(key.split(", ")) if key else (),
            warning,
            rule,
            tuple(columns[schema, table]),
        )
        for schema, table, meaning, grain, key, warning, rule in connection.execute(
            "select table_schema, table_name, description, grain, key_columns, usage_warning, source_rule "
            "from meta.tables order by table_name"
        ).fetchall()
    ]
    return sorted(tables, key=lambda entry: SCHEMAS.index(entry.schema))


def lacking(tables: Sequence[TableEntry]) -> list[str]:
    """What the contracts still owe the dictionary, one line for each gap; empty when it is complete."""
    lines = []
    for table in tables:
        if not table.source_rule:
            lines.append(f"{table.name}: add `source:`, the rule by which its values come about")
        for column in table.columns:
            if not column.unit:
                lines.append(f"{table.name}: {column.name} ({column.type}): add `unit:`, what its numbers count")
            if not column.source_rule and table.source_rule:
                lines.append(f"{table.name}: {column.name}: add `source:`")
    return lines


def markdown(catalog: Catalog) -> str:
    """The dictionary of every public table as one Markdown page."""
    tables = entries(catalog)
    parts = [HEAD]
    for schema in SCHEMAS:
        own = [table for table in tables if table.schema == schema]
        if own:
            links = ", ".join(f"[{table.table}](#{_anchor(table.name)})" for table in own)
            parts.append(f"- **{schema}**, {SCHEMA_WORDS[schema]}: {links}")
    parts.append("")
    parts += [_table_markdown(table) for table in tables]
    return "\n".join(parts).rstrip() + "\n"


def _table_markdown(table: TableEntry) -> str:
    key = ", ".join(f"`{name}`" for name in table.key)
    lines = [f"## {table.name}", "", _escaped(table.description), ""]
    if table.usage_warning:
        lines += [f"> **Before you use it:** {_escaped(table.usage_warning)}", ""]
    lines += [f"{_escaped(table.grain)}{f' Key: {key}.' if key else ''}", ""]
    if table.source_rule:
        lines += [f"Source: {_escaped(table.source_rule)}", ""]
    lines += ["| column | type | unit | needed | meaning |", "|---|---|---|---|---|"]
    return "\n".join([*lines, *(_column_markdown(column, table) for column in table.columns), ""])


def _column_markdown(column: ColumnEntry, table: TableEntry) -> str:
    meaning = column.description
    if column.codes:
        meaning += f" Codes: {', '.join(column.codes)}."
    if column.codes_in:
        meaning += f" Codes: see {column.codes_in}."
    if column.references:
        meaning += f" Key of {column.references}."
    if column.source_rule != table.source_rule:
        meaning += f" Source: {column.source_rule}"
    needed = "key" if column.is_key else "required" if column.is_required else ""
    cells = (f"`{column.name.replace('|', chr(92) + '|')}`", column.type, column.unit or "", needed, _escaped(meaning))
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    """Text that Markdown shows as it is."""
    for sign in ("\\", "|", "<", ">", "*", "_"):
        text = text.replace(sign, f"\\{sign}")
    return text


def _anchor(name: str) -> str:
    return name.replace(".", "")


def one_line(text: str | None) -> str | None:
    """Text of a contract without its line breaks."""
    return " ".join(text.split()) if text else None
