"""The tables of the pipeline: `sql/**` read, parsed by DuckDB, validated and put in order.

What a table is made of and what it depends on belongs here; storing tables and running checks does not.
"""

from __future__ import annotations

import fnmatch
import hashlib
import importlib.util
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import duckdb

from ogp_pipeline.contracts import Contract, code_lists, read_contract
from ogp_pipeline.errors import ContractError
from ogp_pipeline.settings import PACKAGE_DIR, project_file
from ogp_pipeline.sql_files import TableFiles, table_files, without_contract

SCHEMAS = ("reference", "raw", "staging", "quarantine", "marts", "metrics", "meta")
SOURCE_SCHEMAS = ("raw", "staging", "quarantine")
TABLE_FUNCTIONS = {"unnest", "range", "generate_series"}


@dataclass(frozen=True)
class Model:
    """One table: its contract and, unless a function builds it, its SQL.

    `reads` are the tables its rows come from. `checks_read` are the tables its checks compare it with: they
    come before it in the graph, but a change in them does not make its rows stale.
    """

    name: str
    contract: Contract
    path: Path  # the .sql file, or the .yml where a function builds the table
    contract_path: Path
    sql: str | None
    reads: tuple[str, ...]
    checks_read: tuple[str, ...]
    macros: str  # those of sql/macros.sql that its SQL and its checks call
    code_hash: str

    @property
    def comes_after(self) -> tuple[str, ...]:
        """Every table that must be there before this one is built and checked."""
        return tuple(sorted({*self.reads, *self.checks_read}))

    @property
    def is_derived(self) -> bool:
        """All it says follows from other public tables; so it is with every metric."""
        return self.contract.derived or self.schema == "metrics"

    @property
    def schema(self) -> str:
        """`marts` of `marts.commitments`."""
        return self.name.split(".")[0]

    @property
    def table(self) -> str:
        """`commitments` of `marts.commitments`."""
        return self.name.split(".")[1]


@dataclass(frozen=True)
class Catalog:
    """Every working table by name, in an order in which each comes after all it reads.

    `release_tables` are the tables of `meta` that exist in a release only.
    """

    models: Mapping[str, Model]
    release_tables: tuple[Model, ...]
    macros: str

    def __getitem__(self, name: str) -> Model:
        return self.models[name]

    def __iter__(self) -> Iterator[Model]:
        return iter(self.models.values())

    @cached_property
    def public(self) -> tuple[Model, ...]:
        """The models that are assets and go into a release."""
        return tuple(model for model in self if not model.contract.private)

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """The names of the official layouts: one raw table each."""
        return tuple(model.table for model in self if model.schema == "raw")

    def made_from(self, name: str) -> frozenset[str]:
        """Every table that the rows of a table come from, directly or through others."""
        found: set[str] = set()
        ahead = list(self[name].reads)
        while ahead:
            read = ahead.pop()
            if read not in found:
                found.add(read)
                ahead += self[read].reads
        return frozenset(found)

    def whole_code_hash(self, name: str) -> str:
        """A hash of the code of a table and of all tables it is made from.

        Facts of reference/*.csv are no code: a table that holds them does not count.
        """
        names = sorted(
            each
            for each in {name, *self.made_from(name)}
            if each == name or not (self[each].schema == "reference" and self[each].contract.built_by)
        )
        return hashlib.sha256("\0".join(f"{each} {self[each].code_hash}" for each in names).encode()).hexdigest()

    def source_of(self, name: str) -> str | None:
        """The source a raw, staging or quarantine table belongs to, by its name; None for all others."""
        schema, table = name.split(".")
        if schema not in SOURCE_SCHEMAS:
            return None
        bare = table.lstrip("_")
        matches = [source for source in self.sources if bare == source or bare.startswith(f"{source}_")]
        return max(matches, key=len, default=None)

    def step_of(self, name: str) -> tuple[Model, ...]:
        """The models that are built in one step with a table."""
        return next(models for _, models in self.steps() if any(model.name == name for model in models))

    def steps(self) -> tuple[tuple[str, tuple[Model, ...]], ...]:
        """The units of materialisation: (name, its models in order).

        The tables of one source are one step, the reference tables another; every other table is its own.
        """
        return self._steps

    @cached_property
    def _steps(self) -> tuple[tuple[str, tuple[Model, ...]], ...]:
        grouped: dict[str, list[Model]] = {}
        step_of: dict[str, str] = {}
        for model in self:
            source = self.source_of(model.name)
            own = f"{model.schema}__{model.table.lstrip('_')}"  # metrics._x is built with metrics.x
            step = source or ("reference" if model.schema == "reference" else own)
            grouped.setdefault(step, []).append(model)
            step_of[model.name] = step
        before = {
            step: sorted({step_of[read] for model in models for read in model.comes_after} - {step})
            for step, models in grouped.items()
        }
        return tuple((step, tuple(grouped[step])) for step in _sorted(before))


def load_catalog(sql_dir: Path | None = None) -> Catalog:
    """Read `sql/**` into a Catalog; ContractError lists every fault at once.

    The project's own `sql/` is read once in a process.
    """
    return _read_catalog(sql_dir) if sql_dir else _own_catalog()


@cache
def _own_catalog() -> Catalog:
    return _read_catalog(project_file("sql"))


def _read_catalog(sql_dir: Path) -> Catalog:
    macros = (sql_dir / "macros.sql").read_text(encoding="utf-8")
    connection = duckdb.connect()
    problems: list[str] = []
    models: dict[str, Model] = {}
    for files in table_files(sql_dir):
        model, faults = _load_model(connection, files, macros)
        problems += faults
        if model:
            models[model.name] = model
    for path in without_contract(sql_dir):
        problems.append(f"{path.parent.name}/{path.name}: has no contract: add {path.with_suffix('.yml').name}")
    models = {name: _with_patterns_filled(model, models) for name, model in models.items()}
    problems += _cross_faults(models)
    if problems:
        raise ContractError(problems)
    release_tables = tuple(model for model in models.values() if model.contract.in_release)
    working = {name: model for name, model in models.items() if not model.contract.in_release}
    return Catalog({name: working[name] for name in _in_order(working)}, release_tables, macros)


def references(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[tuple[str, ...], list[str]]:
    """The tables that one SELECT reads, and the faults that keep it from being a model.

    References are schema-qualified; anything unqualified must be a CTE. DuckDB's own parser decides.
    """
    parsed = json.loads(connection.execute("select json_serialize_sql(?)", [sql]).fetchone()[0])
    if parsed["error"]:
        return (), [f"not one SELECT statement: {parsed['error_message']}"]
    if len(parsed["statements"]) != 1:
        return (), [f"holds {len(parsed['statements'])} statements: one SELECT is allowed"]
    tables, faults, ctes = set(), [], set()
    nodes = list(_walk(parsed))
    for node in nodes:
        for entry in (node.get("cte_map") or {}).get("map", []):
            ctes.add(entry["key"].lower())
    for node in nodes:
        kind = node.get("type")
        if kind == "SHOW_REF":
            faults.append("describes or shows tables: select from them")
        if kind == "BASE_TABLE":
            schema, table = node.get("schema_name") or "", node["table_name"]
            if schema in SCHEMAS:
                tables.add(f"{schema}.{table}")
            elif schema or table.lower() not in ctes:
                faults.append(f"reads {schema + '.' if schema else ''}{table}: write <schema>.<table> or a CTE")
        elif kind == "TABLE_FUNCTION":
            function = node["function"]["function_name"]
            if function not in TABLE_FUNCTIONS:
                faults.append(f"calls the table function {function}: allowed are {sorted(TABLE_FUNCTIONS)}")
    return tuple(sorted(tables)), faults


def _walk(node: object) -> Iterator[dict]:
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from _walk(item)


def macros_called(macros: str, *statements: str) -> str:
    """Those of the macros that the statements call, directly or through others, in their order.

    Creating all of them costs more than most models, and a table is stale only for those it calls.
    """
    bodies = _macro_bodies(macros)
    called: set[str] = set()
    wanted = {name for text in statements for name in bodies.keys() & _calls(text)}
    while wanted:
        called |= wanted
        wanted = {name for caller in wanted for name in bodies.keys() & _calls(bodies[caller])} - called
    return "".join(body for name, body in bodies.items() if name in called)


@cache
def _macro_bodies(macros: str) -> dict[str, str]:
    return {
        re.match(r"\s*create or replace macro (\w+)", body).group(1): body
        for body in re.split(r"^(?=create or replace macro )", macros, flags=re.MULTILINE)[1:]
    }


@cache
def _calls(text: str) -> frozenset[str]:
    """The words before an opening bracket: the functions and macros that a text may call."""
    return frozenset(re.findall(r"\b\w+(?=\s*\()", text.lower()))


def _load_model(
    connection: duckdb.DuckDBPyConnection, files: TableFiles, macros: str
) -> tuple[Model | None, list[str]]:
    where = files.contract.where
    try:
        texts = [(file.path.name, file.read()) for file in files.contracts]
        written_sql = files.select.read() if files.select else None
    except UnicodeDecodeError as error:
        return None, [f"{where}: not UTF-8 ({error}): save it as UTF-8"]
    contract, faults = read_contract(*texts)
    if contract is None:
        return None, [f"{files.contract.path.parent.name}/{fault}" for fault in faults]
    ingredients = [text for _, text in texts]
    sql, built, reads = None, "", contract.reads
    if [written_sql is not None, bool(contract.built_by), contract.in_release].count(True) != 1:
        beside = files.contract.path.with_suffix(".sql").name
        faults.append(f"{where}: needs one of {beside} beside it, `built_by` and `in_release`")
    elif contract.built_by:
        built, source_faults = _builder_source(contract.built_by.split(":")[0])
        faults += [f"{where}: {fault}" for fault in source_faults]
        ingredients += [built, macros_called(macros, built)]
        facts = PACKAGE_DIR / "reference" / f"{files.table}.csv"
        if files.schema == "reference" and facts.exists():
            ingredients.append(facts.read_text(encoding="utf-8"))
    elif written_sql is not None:
        sql = written_sql.strip().rstrip(";")
        reads, sql_faults = references(connection, sql)
        faults += [f"{files.select.where}: {fault}" for fault in sql_faults]
        ingredients += [sql, macros_called(macros, sql)]
    checks_read = set(contract.foreign_keys.values())
    for rule in contract.failing_rows:
        tables, rule_faults = references(connection, rule.sql)
        checks_read |= set(tables)
        faults += [f"{where}: failing_rows {rule.name}: {fault}" for fault in rule_faults]
    if files.schema not in SCHEMAS:
        faults.append(f"{where}: {files.schema} is not one of the schemas {', '.join(SCHEMAS)}")
    model = Model(
        name=files.name,
        contract=contract,
        path=files.select.path if sql else files.contract.path,
        contract_path=files.contract.path,
        sql=sql,
        reads=reads,
        checks_read=tuple(sorted(checks_read - {files.name})),
        macros=macros_called(macros, sql or built, *(rule.sql for rule in contract.failing_rows)),
        code_hash=hashlib.sha256("\0".join(ingredients).encode()).hexdigest(),
    )
    return model, faults


def _with_patterns_filled(model: Model, models: Mapping[str, Model]) -> Model:
    """The model with every pattern in its `reads` replaced by the private tables whose names fit it."""
    if not any("*" in read for read in model.reads):
        return model
    private = [name for name, other in models.items() if other.contract.private and name != model.name]
    reads = {name for read in model.reads for name in (fnmatch.filter(private, read) if "*" in read else [read])}
    return replace(model, reads=tuple(sorted(reads)))


def _builder_source(module: str) -> tuple[str, list[str]]:
    """The source of a module, or of all modules beside it where it lies in a package of its own; and its faults."""
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        spec = None
    if spec is None or spec.origin is None:
        return "", [f"built_by names the module {module}, which does not exist"]
    path = Path(spec.origin)
    paths = [path] if path.parent == PACKAGE_DIR else sorted(path.parent.glob("*.py"))
    return "\0".join(each.read_text(encoding="utf-8") for each in paths), []


def _cross_faults(models: Mapping[str, Model]) -> list[str]:
    """Faults that show only when all models are known: unknown tables, foreign keys, code lists."""
    faults = []
    for model in models.values():
        for read in model.comes_after:
            if read not in models:
                faults.append(f"{model.name}: reads {read}, which has no contract in sql/")
            elif models[read].contract.in_release:
                faults.append(f"{model.name}: reads {read}, which exists in releases only")
        for name, column in model.contract.columns.items():
            for code_list in (column.codes, column.choices):
                if code_list and code_list not in code_lists():
                    faults.append(f"{model.name}: {name}: there is no list {code_list} in reference/labels.csv")
            if column.codes_in:
                table, listed = column.codes_in.rsplit(".", 1)
                if table not in models or listed not in models[table].contract.columns:
                    faults.append(f"{model.name}: {name}: codes_in: there is no column {column.codes_in}")
        for staged, columns in (*model.contract.rows_from.items(), *model.contract.presence_from.items()):
            known = models[staged].contract.columns if staged in models else {}
            for column in ("_source_file", "_source_row", *columns):
                if column not in known:
                    faults.append(f"{model.name}: rows_from or presence_from: {staged} has no column {column}")
        for column, parent in model.contract.foreign_keys.items():
            if parent in models and models[parent].contract.key != (column,):
                faults.append(f"{model.name}: foreign key {column} does not match the key of {parent}")
    return faults


def _in_order(models: Mapping[str, Model]) -> tuple[str, ...]:
    return _sorted(
        {name: sorted(read for read in model.comes_after if read in models) for name, model in sorted(models.items())}
    )


def _sorted(before: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """The names in an order in which each comes after those named before it."""
    try:
        return tuple(TopologicalSorter(before).static_order())
    except CycleError as error:
        raise ContractError(f"tables depend on each other in a circle: {' -> '.join(error.args[1])}") from error
