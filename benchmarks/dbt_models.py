"""Writes the pipeline's own tables and checks as a dbt project, so that dbt computes the same and tests as much.

The models are the SELECTs of `sql/`, cast to their contracts and ordered as the pipeline writes them, with their
references as `ref()` and `source()`; the macros of `sql/macros.sql` are created when a run starts. Every check of a
contract is a test of the same severity: dbt's own generic tests, five more (dbt/macros/tests.sql), and a singular test
for each rule that returns failing rows.

dbt starts from the raw tables and the list of files that a refresh wrote: reading official files as they are has no
counterpart in it. What is fitted in Python (metrics.associations) has none either, and is left out with its checks.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.processes import TOP
from ogp_pipeline.building import Workshop, builder
from ogp_pipeline.contracts import code_lists
from ogp_pipeline.models import Catalog, Model
from ogp_pipeline.quality import check_names, suite_rules
from ogp_pipeline.settings import Settings
from ogp_pipeline.store import Store, cast_to_contract, literal, quoted

PROJECT = TOP / "benchmarks" / "dbt"
READERS = "ogp_pipeline.sources.raw_tables:"  # read official files: what they wrote are dbt's sources
FITTED = "ogp_pipeline.statistics."  # fitted in Python
# strings, quoted names and comments stand as they are; a name behind neither a dot nor a letter is a reference
TOKENS = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|(?<![\w.])([a-z_]+)\.(\w+)(?!\w)""")


@dataclass(frozen=True)
class Written:
    """What was written: the tables that are models, those that are sources, those left out, and the tests by name."""

    models: tuple[str, ...]
    sources: tuple[str, ...]
    left_out: tuple[str, ...]
    tests: tuple[str, ...]
    tests_left_out: tuple[str, ...]


def write_project(settings: Settings, catalog: Catalog, folder: Path) -> Written:
    """Write the dbt project into `folder`, from the working tables that a refresh left in the data folder.

    They give the columns of the raw tables; the project reads the raw tables and `meta.sources` from where they lie.
    """
    shutil.copytree(PROJECT, folder)
    kinds = {model.name: _kind(model) for model in catalog}
    by_kind = {kind: tuple(name for name, its in kinds.items() if its == kind) for kind in set(kinds.values())}
    project = _Project(settings, catalog, folder, kinds)
    project.write_functions()
    tests: list[str] = []
    described: dict[str, list[dict[str, Any]]] = {"model": [], "source": []}
    for model in catalog:
        if kinds[model.name] == "left out":
            continue
        if kinds[model.name] == "model":
            project.write_model(model)
        if not model.contract.private:
            entry, names = project.generic_tests(model)
            tests += [*names, *project.write_singular_tests(model)]
            described[kinds[model.name]].append(entry)
        elif kinds[model.name] == "source":
            described["source"].append({"name": model.table, "schema": model.schema})
    project.write_properties(described)
    left_out = [f"{model.name}.{check}" for model in catalog.public for check in check_names(model.contract)]
    return Written(
        by_kind.get("model", ()),
        by_kind.get("source", ()),
        by_kind.get("left out", ()),
        tuple(tests),
        tuple(sorted(set(left_out) - set(tests))),
    )


def _kind(model: Model) -> str:
    built_by = model.contract.built_by or ""
    return "source" if built_by.startswith(READERS) else "left out" if built_by.startswith(FITTED) else "model"


def _node(name: str) -> str:
    """`marts.commitments` -> `marts__commitments`, for names of models are unique in a project."""
    return name.replace(".", "__")


def with_references(sql: str, kinds: Mapping[str, str]) -> str:
    """A SELECT as a dbt model: its references to tables as `ref()` and `source()`, no brace of it taken for Jinja."""

    def replaced(token: re.Match[str]) -> str:
        schema, table = token.groups()
        kind = kinds.get(f"{schema}.{table}")
        if schema is None or kind is None:
            return re.sub(r"\{[{%#]", lambda braces: "{{ '" + braces[0] + "' }}", token[0])
        return f"{{{{ ref('{schema}__{table}') }}}}" if kind == "model" else f"{{{{ source('{schema}', '{table}') }}}}"

    return TOKENS.sub(replaced, sql)


@dataclass(frozen=True)
class _Project:
    settings: Settings
    catalog: Catalog
    folder: Path
    kinds: Mapping[str, str]

    def write_functions(self) -> None:
        """The macros of the models: functions of the database, created when a run starts."""
        body = (
            f"{{% macro functions_of_the_models() %}}{{% raw %}}\n{self.catalog.macros}{{% endraw %}}{{% endmacro %}}\n"
        )
        (self.folder / "macros" / "functions.sql").write_text(body, encoding="utf-8")

    def write_model(self, model: Model) -> None:
        """One table: the SELECT that the pipeline would run, cast to its contract."""
        store = Store(self.settings.tables_dir, self.catalog)
        workshop = Workshop(self.settings, self.catalog, False, self.folder)
        with store.session(model.reads, model.macros) as connection:
            written = model.sql or builder(model)(connection, model, workshop)
            select = cast_to_contract(connection, model, written)
        config = f"{{{{ config(schema='{model.schema}', alias='{model.table}') }}}}"
        path = self.folder / "models" / model.schema / f"{_node(model.name)}.sql"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{config}\n{with_references(select, self.kinds)}\n", encoding="utf-8")

    def generic_tests(self, model: Model) -> tuple[dict[str, Any], list[str]]:
        """The entry of a table for the properties file, with its suite and foreign keys as tests; their names."""
        on_columns: dict[str, list[dict[str, Any]]] = {}
        on_table: list[dict[str, Any]] = []
        names = []
        for check, severity, column, test, arguments in self._checks(model):
            names.append(f"{model.name}.{check}")
            told = {
                "name": _node(names[-1]),
                **({"arguments": arguments} if arguments else {}),
                "config": {"severity": "error" if severity == "critical" else "warn"},
            }
            (on_columns.setdefault(column, []) if column else on_table).append({test: told})
        entry: dict[str, Any] = {"name": _node(model.name) if self.kinds[model.name] == "model" else model.table}
        entry["schema"] = model.schema
        if on_table:
            entry["data_tests"] = on_table
        if on_columns:
            entry["columns"] = [
                {"name": name, "quote": not name.isidentifier(), "data_tests": tests}
                for name, tests in on_columns.items()
            ]
        return entry, names

    def _checks(self, model: Model) -> Iterator[tuple[str, str, str | None, str, dict[str, Any]]]:
        """Each check as (name, severity, column, dbt's test, its arguments)."""
        for rule in suite_rules(model.contract, code_lists()):
            column, test, arguments = _as_test(rule.type, rule.arguments)
            yield rule.check, rule.severity, column, test, arguments
        for column, parent in model.contract.foreign_keys.items():
            arguments = {"to": self._reference(parent), "field": column}
            yield f"foreign_key_{column}", "critical", column, "relationships", arguments

    def _reference(self, table: str) -> str:
        schema, name = table.split(".")
        return f"ref('{_node(table)}')" if self.kinds[table] == "model" else f"source('{schema}', '{name}')"

    def write_singular_tests(self, model: Model) -> list[str]:
        """A test for each rule that returns failing rows; their names."""
        names = []
        for rule in model.contract.failing_rows:
            if any(self.kinds.get(".".join(found)) == "left out" for found in _named(rule.sql)):
                continue
            names.append(f"{model.name}.{rule.name}")
            severity = "error" if rule.severity == "critical" else "warn"
            path = self.folder / "tests" / f"{_node(names[-1])}.sql"
            path.parent.mkdir(exist_ok=True)
            text = f"{{{{ config(severity='{severity}') }}}}\n{with_references(rule.sql.strip(), self.kinds)}\n"
            path.write_text(text, encoding="utf-8")
        return names

    def write_properties(self, described: Mapping[str, list[dict[str, Any]]]) -> None:
        """The properties file (JSON is YAML): the tests of models, and the sources where they lie."""
        models = [{key: value for key, value in entry.items() if key != "schema"} for entry in described["model"]]
        schemas = sorted({entry["schema"] for entry in described["source"]})
        sources = [
            {
                "name": schema,
                "config": {
                    "meta": {"external_location": f"{self.settings.tables_dir.as_posix()}/{schema}.{{name}}.parquet"}
                },
                "tables": [
                    {key: value for key, value in entry.items() if key != "schema"}
                    for entry in described["source"]
                    if entry["schema"] == schema
                ],
            }
            for schema in schemas
        ]
        text = json.dumps({"version": 2, "models": models, "sources": sources}, indent=1, ensure_ascii=False)
        (self.folder / "models" / "properties.yml").write_text(text, encoding="utf-8")


def _named(sql: str) -> list[tuple[str, str]]:
    """What looks like `<schema>.<table>` in a statement."""
    return [found for found in TOKENS.findall(sql) if found[0]]


def _as_test(kind: str, arguments: Mapping[str, Any]) -> tuple[str | None, str, dict[str, Any]]:
    """An expectation as (column, dbt's test, its arguments); KeyError for one that has no counterpart yet."""
    column = arguments.get("column")
    match kind:
        case "expect_column_values_to_not_be_null":
            return column, "not_null", {}
        case "expect_column_values_to_be_unique":
            return column, "unique", {}
        case "expect_column_values_to_be_in_set":
            return column, "accepted_values", {"values": list(arguments["value_set"])}
        case "expect_compound_columns_to_be_unique":
            return None, "key_is_unique", {"columns": [quoted(name) for name in arguments["column_list"]]}
        case "expect_column_values_to_match_regex":
            return column, "values_match", {"pattern": literal(arguments["regex"])[1:-1]}
        case "expect_column_values_to_be_between":
            return column, "values_between", {"lowest": arguments["min_value"], "highest": arguments["max_value"]}
        case "expect_column_pair_values_a_to_be_greater_than_b":
            return None, "not_before", {"later": arguments["column_A"], "earlier": arguments["column_B"]}
        case "expect_table_row_count_to_equal":
            return None, "row_count", {"rows": arguments["value"]}
    raise KeyError(f"{kind}: write its counterpart in benchmarks/dbt/macros/tests.sql")
