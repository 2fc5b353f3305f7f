"""Reads a `sql/` folder into a catalog: SQL parsed by DuckDB, contracts validated, every fault found at once.

What a table is and what the catalog of them answers does not belong here (`models`).
"""

from __future__ import annotations

import fnmatch
import hashlib
import importlib.util
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from ogp_pipeline.contracts import Contract, code_lists, read_contract
from ogp_pipeline.errors import ContractError
from ogp_pipeline.models import SCHEMAS, Catalog, Model, in_order
from ogp_pipeline.settings import PACKAGE_DIR
from ogp_pipeline.sql_files import TableFiles, table_files, without_contract

TABLE_FUNCTIONS = {"unnest", "range", "generate_series"}
References = tuple[tuple[str, ...], list[str]]  # the tables that a SELECT reads, and its faults


@dataclass(frozen=True)
class _Written:
    """What the files of a table say, before any SQL in them is parsed."""

    files: TableFiles
    contract: Contract
    contract_texts: tuple[str, ...]
    select: str | None

    @property
    def statements(self) -> list[str]:
        """Every SELECT: its own first, where it has one, then those of its rules."""
        return [*([self.select] if self.select is not None else []), *(r.sql for r in self.contract.failing_rows)]


def parse_catalog(sql_dir: Path) -> Catalog:
    """The catalog of a `sql/` folder; ContractError lists every fault at once."""
    macros = (sql_dir / "macros.sql").read_text(encoding="utf-8")
    problems: list[str] = []
    tables: list[_Written] = []
    for files in table_files(sql_dir):
        written, faults = _read(files)
        problems += faults
        tables += [written] if written else []
    statements = list(dict.fromkeys(statement for written in tables for statement in written.statements))
    reads = dict(zip(statements, references(statements), strict=True))
    models: dict[str, Model] = {}
    for written in tables:
        model, faults = _model(written, reads, macros)
        problems += faults
        models[model.name] = model
    for path in without_contract(sql_dir):
        problems.append(f"{path.parent.name}/{path.name}: has no contract: add {path.with_suffix('.yml').name}")
    models = {name: _with_patterns_filled(model, models) for name, model in models.items()}
    problems += _cross_faults(models)
    if problems:
        raise ContractError(problems)
    release_tables = tuple(model for model in models.values() if model.contract.in_release)
    working = {name: model for name, model in models.items() if not model.contract.in_release}
    return Catalog({name: working[name] for name in _names_in_order(working)}, release_tables, macros)


def references(statements: Sequence[str]) -> list[References]:
    """For each SELECT the tables it reads, and the faults that keep it from being a model.

    References are schema-qualified; anything unqualified must be a CTE. DuckDB's own parser decides, and is asked
    once for all of them: without the fields that say nothing its answer is a third as long.
    """
    serialized = "json_serialize_sql(text, skip_null := true, skip_empty := true, skip_default := true)"
    with duckdb.connect() as connection:
        query = f"select list_transform(?::varchar[], lambda text: {serialized})"
        answers = connection.execute(query, [statements]).fetchone()[0]
    return [_references(json.loads(answer)) for answer in answers]


def _references(parsed: Mapping[str, Any]) -> References:
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
            schema, table = node.get("schema_name", ""), node["table_name"]
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


def _read(files: TableFiles) -> tuple[_Written | None, list[str]]:
    try:
        texts = [(file.path.name, file.read()) for file in files.contracts]
        select = files.select.read().strip().rstrip(";") if files.select else None
    except UnicodeDecodeError as error:
        return None, [f"{files.contract.where}: not UTF-8 ({error}): save it as UTF-8"]
    contract, faults = read_contract(*texts)
    if contract is None:
        return None, [f"{files.contract.path.parent.name}/{fault}" for fault in faults]
    return _Written(files, contract, tuple(text for _, text in texts), select), faults


def _model(written: _Written, references: Mapping[str, References], macros: str) -> tuple[Model, list[str]]:
    files, contract = written.files, written.contract
    where = files.contract.where
    faults: list[str] = []
    ingredients = [*written.contract_texts]
    sql, built, reads = None, "", contract.reads
    if [written.select is not None, bool(contract.built_by), contract.in_release].count(True) != 1:
        beside = files.contract.path.with_suffix(".sql").name
        faults.append(f"{where}: needs one of {beside} beside it, `built_by` and `in_release`")
    elif contract.built_by:
        built, source_faults = _builder_source(contract.built_by.split(":")[0])
        faults += [f"{where}: {fault}" for fault in source_faults]
        ingredients += [built, macros_called(macros, built)]
        facts = PACKAGE_DIR / "reference" / f"{files.table}.csv"
        if files.schema == "reference" and facts.exists():
            ingredients.append(facts.read_text(encoding="utf-8"))
    elif written.select is not None:
        sql = written.select
        reads, sql_faults = references[sql]
        faults += [f"{files.select.where}: {fault}" for fault in sql_faults]
        ingredients += [sql, macros_called(macros, sql)]
    checks_read = set(contract.foreign_keys.values())
    for rule in contract.failing_rows:
        tables, rule_faults = references[rule.sql]
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


def _names_in_order(models: Mapping[str, Model]) -> tuple[str, ...]:
    return in_order(
        {name: sorted(read for read in model.comes_after if read in models) for name, model in sorted(models.items())}
    )
