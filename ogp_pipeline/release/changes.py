"""What a release holds otherwise than an earlier one, cell by cell: `meta.changes` and `meta.consequences`.

Comparing two releases belongs here; what may have caused a change (`change_causes`) and the words for it
(`change_words`) do not. Everything is computed by DuckDB from set to set: a table whose fingerprint is the same in
both releases is not looked at, and only rows that differ are taken apart into cells.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from ogp_pipeline.models import Catalog, Model
from ogp_pipeline.release.change_causes import Layout, Made, SourceRows, layout_of, made_before, suspects
from ogp_pipeline.release.current import attach
from ogp_pipeline.store import cast_to_contract, connect, literal, prepare, quoted

COMPARED = ("marts", "reference", "metrics")  # in the order in which their changes are listed
CAUSES = ("source", "mixed", "reference", "code")  # likewise: an edit of the input comes first
KINDS = ("rekeyed", "changed", "removed", "added")
COMMITMENTS = "marts.commitments"
HISTORY = "marts.commitment_id_history"
# The one file of a layout that is gone and the one that is new are the same file under another name.
RENAMED_FILES = """
    create temp table renamed_files as
    with loaded as (
        select layout, source_file, true as is_new from release.meta.sources where status = 'loaded'
        union all
        select layout, source_file, false from earlier.meta.sources where status = 'loaded'
    ),
    in_one as (
        select layout, source_file, any_value(is_new) as is_new from loaded group by all having count(*) = 1
    )
    select min(source_file) filter (where not is_new) as old_name, min(source_file) filter (where is_new) as new_name
    from in_one
    group by layout
    having count(*) = 2 and count(distinct is_new) = 2
"""
PREVIOUS = "the release before"  # the file in which the matching of ids sees the commitments of that release


@dataclass(frozen=True)
class ChangeCounts:
    """How many rows each of the two tables has, those of meta.changes by cause. `since` is what was compared with."""

    since: str | None = None
    by_cause: Mapping[str, int] = field(default_factory=dict)
    consequences: int = 0

    @property
    def total(self) -> int:
        """Rows of meta.changes."""
        return sum(self.by_cause.values())


def record_changes(path: Path, catalog: Catalog, now: Made, earlier: Path | None) -> ChangeCounts:
    """Write `meta.changes` and `meta.consequences` into the candidate at `path`, which is compared with `earlier`.

    Both are empty where there is no earlier release.
    """
    with connect(path.parent) as connection:
        connection.execute(f"attach {literal(path.as_posix())} as release")
        before = None
        if earlier is not None:
            attach(connection, earlier, "earlier")
            before = made_before(connection, "earlier")
        _find(connection, catalog, now, before)
        for table, condition in (("meta.changes", "not follows"), ("meta.consequences", "follows")):
            model = next((model for model in catalog.release_tables if model.name == table), None)
            if model is not None:
                shaped = cast_to_contract(connection, model, _numbered(condition))
                connection.execute(f"create table release.{table} as {shaped}")
        return _counted(connection, before)


@contextmanager
def compared(path: Path, earlier: Path, catalog: Catalog) -> Iterator[tuple[duckdb.DuckDBPyConnection, ChangeCounts]]:
    """A session in which `changes` and `consequences` say what the release at `path` has otherwise than `earlier`."""
    with connect() as connection:
        attach(connection, path, "release")
        attach(connection, earlier, "earlier")
        before = made_before(connection, "earlier")
        _find(connection, catalog, made_before(connection, "release"), before)
        connection.execute(f"create temp view changes as {_numbered('not follows')}")
        connection.execute(f"create temp view consequences as {_numbered('follows')}")
        yield connection, _counted(connection, before)


def _find(connection: duckdb.DuckDBPyConnection, catalog: Catalog, now: Made, before: Made | None) -> None:
    """Fill the table `found` with every difference of the two attached releases."""
    connection.execute(
        "create temp table found (table_position integer, table_name varchar, key varchar, change varchar, "
        'column_position integer, "column" varchar, old varchar, new varchar, cause varchar, follows boolean)'
    )
    if before is None:
        return
    schemas = (*COMPARED, "raw", "staging", "meta")
    connection.execute(RENAMED_FILES)
    new_layout, old_layout = layout_of(connection, "release", schemas), layout_of(connection, "earlier", schemas)
    tables = _differing(catalog, now, before, new_layout, old_layout)
    rekeyed = COMMITMENTS in {model.name for model, _ in tables} and _rekeyed(connection, catalog)
    rows: SourceRows | None = None
    for model, position in tables:
        suspected = suspects(catalog, model, now, before)
        cause = there = suspected.cause("false")
        if suspected.needs_rows:
            rows = rows or SourceRows(connection, catalog, new_layout, old_layout)
            cause = suspected.cause(rows.may_have_changed(model, "n", model.contract.rows_from))
            there = suspected.cause(rows.may_have_changed(model, "n", model.contract.presence_from))
        comparison = _Comparison(model, position, new_layout[model.name], old_layout[model.name], bool(rekeyed))
        connection.execute(comparison.changed_cells(cause))
        if not model.contract.compared:  # whether a staged row is there shows in the marts
            connection.execute(comparison.rows_of_one("added", there))
            connection.execute(comparison.rows_of_one("removed", there))
        if rekeyed and model.name == COMMITMENTS:
            connection.execute(comparison.rekeyed_rows(cause))


def _differing(catalog: Catalog, now: Made, before: Made, new: Layout, old: Layout) -> list[tuple[Model, int]]:
    """The tables to compare, with their position: those in both releases, with their keys, whose content differs."""
    public = [model for schema in COMPARED for model in catalog.public if model.schema == schema]
    public += [model for model in catalog.public if model.contract.compared]
    return [
        (model, position)
        for position, model in enumerate(public)
        if model.name in new
        and model.name in old
        and set(model.contract.key) <= set(new[model.name]) & set(old[model.name])
        and now.fingerprints.get(model.name) != before.fingerprints.get(model.name, "")
    ]


def _rekeyed(connection: duckdb.DuckDBPyConnection, catalog: Catalog) -> int:
    """Fill the table `rekeyed` with the commitments whose id changed; their number.

    The matching is that of marts.commitment_id_history, which here sees the commitments of the release before as
    one more file, older than all: so it follows them also where the file that gave their ids is gone.
    """
    connection.execute(
        "create temp table gone as select commitment_id, plan_id from earlier.marts.commitments "
        "where commitment_id not in (select commitment_id from release.marts.commitments)"
    )
    connection.execute("create temp table rekeyed (former_id varchar, commitment_id varchar)")
    if HISTORY not in catalog.models or not connection.execute("select count(*) from gone").fetchone()[0]:
        return 0
    model = catalog[HISTORY]
    prepare(connection, model.macros)
    for read in model.reads:
        connection.execute(f"create or replace view {read} as select * from release.{read}")
    connection.execute(
        "create or replace view staging.commitments as "
        "select plan_id, commitment_id, commitment_number, title, full_text, _source_file "
        "from release.staging.commitments where plan_id in (select plan_id from gone) "
        "union all select plan_id, commitment_id, commitment_number, title, full_text, "
        f"{literal(PREVIOUS)} from earlier.marts.commitments where plan_id in (select plan_id from gone)"
    )
    connection.execute(
        "create or replace view marts.commitments as select * from release.marts.commitments "
        "where plan_id in (select plan_id from gone)"
    )
    connection.execute(
        f"insert into rekeyed select former_id, commitment_id from ({model.sql}) where commitment_id is not null "
        "and former_id in (select commitment_id from gone) "
        "and commitment_id not in (select commitment_id from earlier.marts.commitments)"
    )
    return connection.execute("select count(*) from rekeyed").fetchone()[0]


@dataclass(frozen=True)
class _Comparison:
    """The statements that find the differences of one table; `n` is a row of now and `o` one of before."""

    model: Model
    position: int
    new_types: Mapping[str, str]
    old_types: Mapping[str, str]
    is_rekeyed: bool

    @property
    def common(self) -> list[str]:
        """The columns that are compared, with the key."""
        contract = self.model.contract
        chosen = {*contract.key, *contract.compared} if contract.compared else set(self.new_types)
        provenance = {name for name, spec in contract.columns.items() if spec.provenance}
        return [name for name in self.new_types if name in self.old_types and name in chosen - provenance]

    @property
    def key(self) -> Sequence[str]:
        """The key; of a table without one all columns, for its rows can only come and go."""
        return self.model.contract.key or self.common

    def changed_cells(self, cause: str) -> str:
        """One row for each cell that differs in a row of both releases."""
        cells = [
            f"case when {self._differs(name)} then {{'position': {position}, 'name': {literal(name)}, "
            f"'old': o.{quoted(name)}::varchar, 'new': n.{quoted(name)}::varchar, "
            f"'derived': {self._derived(name)}}} end"
            for position, name in enumerate(self.common)
            if name not in self.key
        ]
        if not cells:
            return "select 1"
        values = [name for name in self.common if name not in self.key]
        differs = " or ".join(self._differs(name) for name in values)
        # the rows that differ are found by their hashes, so that no join holds the texts of a whole table
        return (
            f"insert into found with now as ({self._hashed(self._now, values)}), "
            f"before as ({self._hashed(self._before, values)}), "
            f"moved as (select o.* from now as n inner join before as o on {self._same_key} "
            "where n.hash_of_row <> o.hash_of_row), "
            f"candidates as (from {self._before} as n where exists (select 1 from moved as o where {self._same_key})), "
            f"pairs as (select {self._key_json('n')} as key, {cause} as cause, [{', '.join(cells)}] as cells "
            f"from {self._now} as n inner join candidates as o on {self._same_key} where {differs}), "
            "each_cell as (select key, cause, unnest(cells) as cell from pairs) "
            f"select {self.position}, {literal(self.model.name)}, key, 'changed', cell.position, cell.name, "
            "cell.old, cell.new, cause, cell.derived and cause = 'source' from each_cell where cell is not null"
        )

    def rows_of_one(self, change: str, cause: str) -> str:
        """One row for each row that only one of the releases holds."""
        mine, other = (self._now, self._before) if change == "added" else (self._before, self._now)
        row = f"to_json({{{', '.join(f'{literal(name)}: n.{quoted(name)}' for name in self.common)}}})::varchar"
        old, new = ("null", row) if change == "added" else (row, "null")
        return (
            "insert into found with mine as ("
            f"select {self._key_json('n')} as key, {old} as old, {new} as new, {cause} as cause, "
            f"{self._derived(None)} as derived from {mine} as n "
            f"where not exists (select 1 from {other} as o where {self._same_key})) "
            f"select {self.position}, {literal(self.model.name)}, key, '{change}', null, null, old, new, cause, "
            "derived and cause = 'source' from mine"
        )

    def rekeyed_rows(self, cause: str) -> str:
        """One row for each commitment that has another id now."""
        return (
            f"insert into found select {self.position}, {literal(self.model.name)}, {self._key_json('n')}, 'rekeyed', "
            f"null, 'commitment_id', rekeyed.former_id, rekeyed.commitment_id, {cause}, false "
            f"from rekeyed inner join {self._now} as n using (commitment_id)"
        )

    @property
    def _now(self) -> str:
        return f"release.{self.model.name}"

    @property
    def _before(self) -> str:
        """The table before; where commitments have other ids now, or files other names, under those."""
        name = f"earlier.{self.model.name}"
        if "_source_file" in self.model.contract.key:
            return (
                "(select * replace (coalesce((select new_name from renamed_files "
                "where old_name = before._source_file), before._source_file) as _source_file) "
                f"from {name} as before)"
            )
        if not self.is_rekeyed or "commitment_id" not in self.model.contract.key:
            return name
        return (
            "(select * replace (coalesce((select rekeyed.commitment_id from rekeyed "
            f"where rekeyed.former_id = before.commitment_id), before.commitment_id) as commitment_id) "
            f"from {name} as before)"
        )

    @property
    def _same_key(self) -> str:
        return " and ".join(f"n.{quoted(name)} is not distinct from o.{quoted(name)}" for name in self.key)

    def _key_json(self, row: str) -> str:
        return f"to_json({{{', '.join(f'{literal(name)}: {row}.{quoted(name)}' for name in self.key)}}})::varchar"

    def _differs(self, name: str) -> str:
        as_text = self._as_text(name)
        return f"n.{quoted(name)}{as_text} is distinct from o.{quoted(name)}{as_text}"

    def _as_text(self, name: str) -> str:
        return "" if self.new_types[name] == self.old_types[name] else "::varchar"

    def _hashed(self, table: str, values: Sequence[str]) -> str:
        """The key of each row of a side, and the hash of the values that are compared."""
        hashed = ", ".join(f"{quoted(name)}{self._as_text(name)}" for name in values)
        return f"select {', '.join(map(quoted, self.key))}, hash({hashed}) as hash_of_row from {table}"

    def _derived(self, name: str | None) -> str:
        """The SQL of whether a cell, or a whole row, follows from facts elsewhere."""
        spec = self.model.contract.columns.get(name) if name else None
        if self.model.is_derived or (spec is not None and spec.derived):
            return "true"
        tests = [
            f"coalesce(n.{quoted(column)}::varchar in ({', '.join(literal(value) for value in values)}), false)"
            for column, values in self.model.contract.derived_rows.items()
        ]
        return f"({' or '.join(tests)})" if tests else "false"


def _numbered(condition: str) -> str:
    """The rows of one of the two tables, numbered by cause, table, kind, key and column."""
    causes, kinds = (f"list_position([{', '.join(map(literal, names))}], " for names in (CAUSES, KINDS))
    return (
        f"select row_number() over (order by {causes}cause), table_position, {kinds}change), key, column_position) "
        'as change_id, table_name, key, change, "column", old, new, cause '
        f"from found where {condition}"
    )


def _counted(connection: duckdb.DuckDBPyConnection, before: Made | None) -> ChangeCounts:
    if before is None:
        return ChangeCounts()
    counted = dict(connection.execute("select cause, count(*) from found where not follows group by cause").fetchall())
    consequences = connection.execute("select count(*) from found where follows").fetchone()[0]
    return ChangeCounts(before.release_id, {cause: counted.get(cause, 0) for cause in CAUSES}, consequences)
