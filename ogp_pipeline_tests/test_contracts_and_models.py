"""What `sql/**` may say, what is read from it, and that the project's own tables keep its rules."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest

from ogp_pipeline.building import Workshop, builder
from ogp_pipeline.contracts import Contract, read_contract
from ogp_pipeline.errors import ContractError
from ogp_pipeline.models import Catalog, Model, load_catalog
from ogp_pipeline.parsing import macros_called, references
from ogp_pipeline.quality import check_groups, code_lists, suite_rules
from ogp_pipeline.settings import Settings, project_file
from ogp_pipeline.store import TableError, cast_to_contract, connect, prepare, quoted

CONTRACT = """
description: A table.
grain: One row per thing.
key: [id]
columns:
  id: {type: INTEGER, description: Its id.}
"""
MACROS = """
-- Doubled.
create or replace macro doubled(value) as value * 2;
-- Four times as much.
create or replace macro quadrupled(value) as doubled(doubled(value));
create or replace macro halved(value) as value / 2;
"""


def catalog_of(folder: Path, files: Mapping[str, str], macros: str = MACROS) -> Catalog:
    """The catalog of a `sql/` folder with these files; a .sql file without a .yml gets the contract above."""
    for name, text in {"macros.sql": macros, **files}.items():
        path = folder / "sql" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        if path.suffix == ".sql" and path.parent.name != "sql" and not path.with_suffix(".yml").exists():
            path.with_suffix(".yml").write_text(CONTRACT, encoding="utf-8")
    return load_catalog(folder / "sql")


def faults(folder: Path, files: Mapping[str, str]) -> list[str]:
    """The faults of a `sql/` folder with these files."""
    with pytest.raises(ContractError) as error:
        catalog_of(folder, files)
    return error.value.problems


# --- contracts


def contract_faults(folder: Path, text: str) -> list[str]:
    contract, found = read_contract(("thing.yml", text))
    assert contract is None and found
    return found


class Broken(NamedTuple):
    text: str
    expected: str
    why: str


@pytest.mark.parametrize(
    "row",
    [
        Broken(CONTRACT.replace("key: [id]", "key: [nr]"), "key: nr is not among the columns", "unknown key column"),
        Broken(CONTRACT + "foreign_keys: {plan: marts.plans}", "foreign_keys: plan is not", "unknown foreign key"),
        Broken(CONTRACT + "rows_from: {staging.x: [nr]}", "rows_from staging.x: nr is not", "unknown column of rows"),
        Broken(CONTRACT + "derived_rows: {nr: [a]}", "derived_rows: nr is not", "derived rows by an unknown column"),
        Broken(CONTRACT + "compared: [nr]", "compared: nr is not", "an unknown column to compare"),
        Broken(CONTRACT + "owner: me", "thing.yml: owner: Extra inputs", "unknown field"),
        Broken(CONTRACT.replace("description: Its id.", "unique: true"), "columns.id.description", "no description"),
        Broken(CONTRACT.replace("Its id.", "''"), "columns.id.description", "an empty description"),
        Broken(CONTRACT.replace("type: INTEGER", "typ: INTEGER"), "columns.id.typ", "a field of a column misspelt"),
        Broken(CONTRACT + "grain: Another.", "grain is given twice", "a key twice"),
        Broken(CONTRACT.replace("{type:", "{type: DATE, type:"), "type is given twice", "a key twice, deeper"),
        Broken("description: [", "not readable as YAML", "broken YAML"),
        Broken("", "the whole file", "an empty file"),
        Broken("just words", "the whole file", "no mapping"),
        Broken("description: !!python/object/apply:os.getcwd []", "not readable as YAML", "builds an object"),
        Broken("description: !!python/name:os.getcwd ''", "not readable as YAML", "names a function"),
        Broken("description: D\ngrain: G\n", "names its columns", "no columns"),
        Broken(
            CONTRACT
            + "failing_rows:\n- {name: rule, severity: critical, sql: select 1, why: W}\n"
            + "- {name: rule, severity: warning, sql: select 2, why: W}\n",
            "check rule is named twice",
            "a rule named twice",
        ),
        Broken(
            CONTRACT
            + "expectations:\n"
            + "- {type: expect_column_values_to_be_unique, column: id, severity: critical, why: W}\n" * 2,
            "check values_to_be_unique_id is named twice",
            "two expectations whose own names are equal",
        ),
        Broken(
            CONTRACT + "failing_rows:\n- {name: contract, severity: critical, sql: select 1, why: W}\n",
            "check `contract` is the name of the contract's own check",
            "a rule named as the contract's own check",
        ),
        Broken(
            CONTRACT + "failing_rows:\n- {name: a rule, severity: critical, sql: select 1, why: W}\n",
            "failing_rows.0.name",
            "a name that is no name of a Dagster check",
        ),
        Broken(
            CONTRACT + "failing_rows:\n- {name: rule, severity: fatal, sql: select 1, why: W}\n",
            "failing_rows.0.severity",
            "no such severity",
        ),
        Broken(
            CONTRACT + "expectations:\n- {type: expect_column_values_to_be_unique, column: id, severity: critical}\n",
            "expectations.0.why",
            "an expectation without a reason",
        ),
        Broken(
            CONTRACT + "private: true\nfailing_rows:\n- {name: rule, severity: critical, sql: select 1, why: W}\n",
            "a private table carries no checks",
            "checks of a private table",
        ),
        Broken(CONTRACT + "built_by: import os", "built_by", "no name of a function"),
    ],
    ids=lambda row: row.why,
)
def test_a_broken_contract_says_what_is_wrong(tmp_path, row):
    (found,) = contract_faults(tmp_path, row.text)
    assert found.startswith("thing.yml: ") and row.expected in found


def test_contract_errors_come_all_at_once(tmp_path):
    found = faults(
        tmp_path,
        {
            "marts/one.yml": "grain: G\nowner: me\ncolumns: {id: {type: INTEGER}}\nbuilt_by: a:b\n",
            "marts/two.yml": CONTRACT.replace("[id]", "[nr, other]") + "built_by: ogp_pipeline.reference_tables:read\n",
            "marts/three.yml": CONTRACT,
            "marts/four.sql": "select * from nowhere",
            "marts/five.sql": "select 1 as id; select 2",
        },
    )
    expected = [
        "marts/one.yml: description: Field required",
        "marts/one.yml: owner: Extra inputs are not permitted",
        "marts/one.yml: columns.id.description: Field required",
        "marts/two.yml: the whole file: key: nr is not among the columns; key: other is not among the columns",
        "marts/three.yml: needs one of three.sql beside it, `built_by` and `in_release`",
        "marts/four.sql: reads nowhere: write <schema>.<table> or a CTE",
        "marts/five.sql: holds 2 statements: one SELECT is allowed",
    ]
    assert sorted(found) == sorted(expected)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        pytest.param({"column": "id"}, "values_to_be_unique_id", id="the expectation and its column"),
        pytest.param({"column_A": "a", "column_B": "b"}, "values_to_be_unique_a_b", id="two columns"),
        pytest.param({"column": "id", "name": "ids"}, "ids", id="the name given"),
        pytest.param({"column": "id", "mostly": 0.9}, "values_to_be_unique_id", id="other arguments are no part of it"),
    ],
)
def test_the_name_of_an_expectation(rule, expected):
    given = {"type": "expect_column_values_to_be_unique", "severity": "critical", "why": "W", **rule}
    contract = Contract.model_validate(
        {"description": "D", "grain": "G", "columns": {"id": {"description": "I"}}, "expectations": [given]}
    )
    (found,) = contract.expectations
    assert found.check == expected
    assert found.arguments == {name: value for name, value in rule.items() if name != "name"}


# --- what a SELECT reads


class Query(NamedTuple):
    sql: str
    reads: list[str]
    why: str


@pytest.mark.parametrize(
    "row",
    [
        Query("select 1 as id", [], "nothing"),
        Query("select * from marts.a", ["marts.a"], "one table"),
        Query("from marts.a", ["marts.a"], "without select"),
        Query("with x as (select * from marts.a) select * from x", ["marts.a"], "CTE"),
        Query("with x as (select * from marts.a) select * from X", ["marts.a"], "CTE in another case"),
        Query("with x as (select 1), y as (select * from x, raw.b) select * from y", ["raw.b"], "CTE on CTE"),
        Query("select * from (with x as (from marts.a) from x)", ["marts.a"], "CTE inside a subquery"),
        Query(
            "with recursive x as (select id from marts.a union all select id + 1 from x where id < 9) from x",
            ["marts.a"],
            "CTE that reads itself",
        ),
        Query("with a as (select * from marts.a) select * from a, raw.a", ["marts.a", "raw.a"], "names alike"),
        Query("select (select max(id) from marts.a)", ["marts.a"], "scalar subquery"),
        Query("select 1 where exists (select 1 from marts.a where id in (from raw.b))", ["marts.a", "raw.b"], "nested"),
        Query("select * from marts.a left join raw.b using (id), raw.c", ["marts.a", "raw.b", "raw.c"], "joins"),
        Query("select * from marts.a semi join raw.b using (id)", ["marts.a", "raw.b"], "semi join"),
        Query("select * from marts.a, lateral (select * from raw.b where id = a.id)", ["marts.a", "raw.b"], "lateral"),
        Query("select 1 from marts.a union all by name select 2 from raw.b", ["marts.a", "raw.b"], "union"),
        Query("select 1 from marts.a except (select 1 from raw.b)", ["marts.a", "raw.b"], "except"),
        Query("select id from marts.a order by (select max(id) from raw.b)", ["marts.a", "raw.b"], "in order by"),
        Query("select sum(id) over (order by id) from marts.a", ["marts.a"], "window"),
        Query("select * from marts.a, marts.a as again", ["marts.a"], "the same twice"),
        Query("select 'from raw.b' as words from marts.a -- raw.c", ["marts.a"], "texts and comments read nothing"),
        Query("select * from unnest([1]), range(3), generate_series(1, 2)", [], "table functions that make rows"),
        Query("select unnest(list) from marts.a", ["marts.a"], "unnest as a column"),
    ],
    ids=lambda row: row.why,
)
def test_what_a_select_reads(row):
    assert references([row.sql]) == [(tuple(row.reads), [])]


@pytest.mark.parametrize(
    ("sql", "fault"),
    [
        pytest.param("select * from a", "reads a: write <schema>.<table> or a CTE", id="unqualified name"),
        pytest.param("select * from other.a", "reads other.a", id="another schema"),
        pytest.param("with x as (select 1) select * from y", "reads y", id="no such CTE"),
        pytest.param("select (select 1 from a)", "reads a", id="unqualified in a subquery"),
        pytest.param("select * from '/etc/passwd'", "reads /etc/passwd", id="a file by its path"),
        pytest.param("select * from 'data.parquet'", "reads data.parquet", id="a Parquet file by its name"),
        pytest.param("select * from read_csv('x.csv')", "calls the table function read_csv", id="read_csv"),
        pytest.param("select * from READ_PARQUET('x')", "calls the table function read_parquet", id="in capitals"),
        pytest.param("select * from glob('*')", "calls the table function glob", id="looks into folders"),
        pytest.param("select * from duckdb_settings()", "calls the table function duckdb_settings", id="settings"),
        pytest.param("select * from query('select 1')", "calls the table function query", id="hidden SQL"),
        pytest.param("from query_table(['marts.a'])", "calls the table function query_table", id="hidden table"),
        pytest.param("select (select 1 from read_text('x'))", "calls the table function read_text", id="deeper"),
        pytest.param("select 1; select 2", "holds 2 statements", id="two statements"),
        pytest.param("", "holds 0 statements", id="no statement"),
        pytest.param("insert into marts.a values (1)", "not one SELECT statement", id="INSERT"),
        pytest.param("create table marts.a as select 1", "not one SELECT statement", id="CREATE"),
        pytest.param("attach 'x.duckdb'", "not one SELECT statement", id="ATTACH"),
        pytest.param("copy marts.a to 'x'", "not one SELECT statement", id="COPY"),
        pytest.param("select from where", "not one SELECT statement", id="no SQL"),
    ],
)
def test_what_no_model_may_be(sql, fault):
    ((reads, found),) = references([sql])
    assert len(found) == 1 and found[0].startswith(fault)
    assert reads == ()


# --- a folder of models


def test_models_come_after_what_they_read(tmp_path):
    catalog = catalog_of(
        tmp_path,
        {
            "metrics/a.sql": "select id from marts.z, marts.y",
            "marts/z.sql": "select id from marts.y",
            "marts/y.sql": "select 1 as id",
            "marts/x.yml": CONTRACT.replace("key:", "foreign_keys: {id: metrics.a}\nkey:"),
            "marts/x.sql": "select 1 as id;\n",
        },
    )
    assert [model.name for model in catalog] == ["marts.y", "marts.z", "metrics.a", "marts.x"]
    assert catalog["metrics.a"].reads == ("marts.y", "marts.z")
    assert (catalog["marts.x"].reads, catalog["marts.x"].checks_read) == ((), ("metrics.a",))
    assert [name for name, _ in catalog.steps()] == ["marts__y", "marts__z", "metrics__a", "marts__x"]


def test_what_a_table_is_made_from_and_the_code_behind_it(tmp_path):
    """Facts of reference are no code; all SQL on the way to a table is, whether it is private or not."""
    files = {
        "reference/labels.yml": CONTRACT + "built_by: ogp_pipeline.reference_tables:read\n",
        "marts/_a.yml": "description: D.\ngrain: G.\nprivate: true\n",
        "marts/_a.sql": "select id from reference.labels",
        "marts/b.sql": "select id from marts._a",
        "metrics/c.sql": "select id from marts.b",
        "metrics/d.sql": "select 1 as id",
    }
    first = catalog_of(tmp_path / "first", files)
    assert first.made_from("metrics.c") == {"reference.labels", "marts._a", "marts.b"}
    assert first.made_from("metrics.d") == set()
    edits = {
        "marts/_a.sql": ("select id + 1 as id from reference.labels", {"marts._a", "marts.b", "metrics.c"}),
        "reference/labels.yml": (files["reference/labels.yml"].replace("Its id.", "Another."), {"reference.labels"}),
    }
    for name, (text, expected) in edits.items():
        edited = catalog_of(tmp_path / name.replace("/", "_"), files | {name: text})
        differing = {m.name for m in first if first.whole_code_hash(m.name) != edited.whole_code_hash(m.name)}
        assert differing == expected, name


def test_the_tables_of_a_source_are_one_step(tmp_path):
    built = "built_by: ogp_pipeline.sources.raw_tables:raw\n"
    catalog = catalog_of(
        tmp_path,
        {
            "raw/plans.yml": CONTRACT + built,
            "raw/plans_local.yml": CONTRACT + built,
            "staging/_plans_parsed.sql": "select id from raw.plans",
            "staging/plans_local.sql": "select id from raw.plans_local",
            "quarantine/plans.sql": "select id from staging._plans_parsed",
            "staging/names.sql": "select id from raw.plans",
            "reference/labels.yml": CONTRACT + "built_by: ogp_pipeline.reference_tables:read\n",
            "reference/members.yml": CONTRACT + "built_by: ogp_pipeline.reference_tables:read\n",
        },
    )
    assert {name: {model.name for model in models} for name, models in catalog.steps()} == {
        "plans": {"raw.plans", "staging._plans_parsed", "quarantine.plans"},
        "plans_local": {"raw.plans_local", "staging.plans_local"},
        "staging__names": {"staging.names"},
        "reference": {"reference.labels", "reference.members"},
    }


FAILING_ROWS = CONTRACT + "failing_rows:\n- {name: rule, severity: critical, sql: 'select * from marts.b', why: W}\n"


class Wrong(NamedTuple):
    files: dict[str, str]
    fault: str
    why: str


@pytest.mark.parametrize(
    "row",
    [
        Wrong({"marts/a.sql": "select id from marts.b"}, "marts.a: reads marts.b, which has no", "unknown table"),
        Wrong({"marts/a.sql": "select id from marts.a"}, "in a circle: marts.a -> marts.a", "reads itself"),
        Wrong({"other/a.sql": "select 1 as id"}, "other/a.yml: other is not one of the schemas", "unknown schema"),
        Wrong({"marts/a.sql": "select 1; select 2"}, "marts/a.sql: holds 2 statements", "two statements"),
        Wrong({"marts/a.yml": CONTRACT}, "needs one of a.sql beside it", "nothing makes it"),
        Wrong(
            {"marts/a.sql": "select 1 as id", "marts/a.yml": CONTRACT + "built_by: ogp_pipeline.store:connect\n"},
            "marts/a.yml: needs one of a.sql beside it, `built_by`",
            "two things make it",
        ),
        Wrong(
            {"marts/a.yml": CONTRACT + "built_by: ogp_pipeline.nowhere:read\n"},
            "built_by names the module ogp_pipeline.nowhere",
            "no such module",
        ),
        Wrong(
            {"marts/a.yml": FAILING_ROWS, "marts/a.sql": "select 1 as id"},
            "marts.a: reads marts.b, which has no contract",
            "a rule reads an unknown table",
        ),
        Wrong(
            {"marts/a.yml": FAILING_ROWS.replace("marts.b", "read_csv(1)"), "marts/a.sql": "select 1 as id"},
            "marts/a.yml: failing_rows rule: calls the table function read_csv",
            "a rule reads a file",
        ),
        Wrong(
            {
                "marts/a.yml": CONTRACT.replace("key:", "foreign_keys: {id: marts.b}\nkey:"),
                "marts/a.sql": "select 1 as id",
                "marts/b.yml": CONTRACT.replace("[id]", "[]"),
                "marts/b.sql": "select 1 as id",
            },
            "marts.a: foreign key id does not match the key of marts.b",
            "a foreign key to no key",
        ),
        Wrong(
            {
                "marts/a.yml": CONTRACT + "rows_from: {staging.b: [id]}\n",
                "marts/a.sql": "select 1 as id",
                "staging/b.yml": CONTRACT + "  _source_row: {type: INTEGER, description: Row.}\n",
                "staging/b.sql": "select 1 as id, 1 as _source_row",
            },
            "marts.a: rows_from or presence_from: staging.b has no column _source_file",
            "rows of a table that does not say where they come from",
        ),
    ],
    ids=lambda row: row.why,
)
def test_a_folder_that_does_not_keep_the_rules(tmp_path, row):
    (found,) = faults(tmp_path, row.files)
    assert row.fault in found


def test_sql_without_a_contract(tmp_path):
    catalog_of(tmp_path, {"marts/a.sql": "select 1 as id"})
    (tmp_path / "sql" / "marts" / "a.yml").unlink()
    with pytest.raises(ContractError, match=r"marts/a\.sql: has no contract: add a\.yml"):
        load_catalog(tmp_path / "sql")


def test_a_circle_names_its_tables(tmp_path):
    (found,) = faults(
        tmp_path,
        {
            "marts/a.sql": "select id from marts.b",
            "marts/b.sql": "select id from marts.c",
            "marts/c.sql": "select id from marts.a",
            "marts/d.sql": "select id from marts.a",
        },
    )
    assert "circle" in found and "marts.d" not in found
    assert all(name in found for name in ("marts.a", "marts.b", "marts.c"))


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        pytest.param({"marts/b.sql": "select 2 as id"}, {"marts.b"}, id="the SQL of a table"),
        pytest.param({"marts/b.yml": CONTRACT + "# more"}, {"marts.b"}, id="its contract"),
        pytest.param(
            {"macros.sql": MACROS.replace("value * 2", "value + value")}, {"marts.c"}, id="a macro it calls by another"
        ),
        pytest.param({"macros.sql": MACROS.replace("value / 2", "value / 4")}, set(), id="a macro nobody calls"),
    ],
)
def test_what_changes_the_hash_of_the_code(tmp_path, changed, expected):
    files = {"marts/b.sql": "select 1 as id", "marts/c.sql": "select quadrupled(1) as id"}
    before = {model.name: model.code_hash for model in catalog_of(tmp_path, files)}
    after = {
        model.name: model.code_hash
        for model in catalog_of(tmp_path, {**files, **changed}, changed.get("macros.sql", MACROS))
    }
    assert {name for name in before if before[name] != after[name]} == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        pytest.param("select id from marts.a", set(), id="none"),
        pytest.param("select halved(id) from marts.a", {"halved"}, id="one"),
        pytest.param("select quadrupled(id) from marts.a", {"quadrupled", "doubled"}, id="one that calls another"),
        pytest.param("select doubled from marts.a", set(), id="a column of that name"),
    ],
)
def test_only_the_macros_that_are_called(sql, expected):
    found = macros_called(MACROS, sql)
    assert {name for name in ("doubled", "quadrupled", "halved") if f"macro {name}(" in found} == expected
    with connect() as connection:
        prepare(connection, found)
        connection.execute("create table marts.a as select 1 as id, 2 as doubled")
        connection.execute(sql)


# --- the project's own tables


def every_table(catalog: Catalog) -> tuple[Model, ...]:
    return (*catalog, *catalog.release_tables)


def test_every_code_list_exists(catalog):
    named = {
        (model.name, name, column.codes)
        for model in every_table(catalog)
        for name, column in model.contract.columns.items()
        if column.codes
    }
    assert named, "no contract names a code list"
    assert [each for each in sorted(named) if each[2] not in code_lists()] == []


def test_every_public_column_is_described(catalog):
    public = [model for model in every_table(catalog) if not model.contract.private]
    assert [model.name for model in public if not model.contract.columns] == []
    lacking = [
        f"{model.name}.{name}"
        for model in public
        for name, column in model.contract.columns.items()
        if not any(letter.isalpha() for letter in column.description)
    ]
    assert lacking == []


def test_check_names(catalog):
    """Dagster takes letters, digits and underscores; `--accept` needs each name to mean one check."""
    for model in catalog.public:
        groups = [name for name, _ in check_groups(model)]
        verdicts = [rule.check for rule in suite_rules(model.contract, code_lists())]
        verdicts += [f"foreign_key_{column}" for column in model.contract.foreign_keys]
        verdicts += [rule.name for rule in model.contract.failing_rows]
        for names in (groups, verdicts):
            assert sorted(set(names)) == sorted(names), model.name
            assert [name for name in names if not name.replace("_", "").isalnum() or not name.isascii()] == []


def test_there_are_at_most_120_checks(catalog):
    """Each costs the event log time (DESIGN.md, decision 6)."""
    count = sum(len(check_groups(model)) for model in catalog.public)
    assert len(catalog.public) * 0.8 <= count <= 120


def test_every_check_has_a_reason(catalog):
    for model in catalog.public:
        for rule in (*model.contract.expectations, *model.contract.failing_rows):
            assert len(rule.why.split()) >= 4, f"{model.name}: {rule.why}"


def create_empty_tables(connection: duckdb.DuckDBPyConnection, catalog: Catalog) -> None:
    """Every table without rows: its columns by its contract, a private one's by its SQL or its builder."""
    prepare(connection, catalog.macros)
    workshop = Workshop(Settings(Path("nowhere")), catalog, False, Path("nowhere"))
    for model in every_table(catalog):
        if model.contract.columns:
            columns = ", ".join(f"{quoted(name)} {each.type}" for name, each in model.contract.columns.items())
            connection.execute(f"create table {model.name} ({columns})")
        else:
            select = model.sql or builder(model)(connection, model, workshop)
            connection.execute(f"create table {model.name} as select * from ({select}) limit 0")


def only_its_macros(connection: duckdb.DuckDBPyConnection, model: Model) -> None:
    """Leave the macros that a session for this model has, and no other."""
    there = "select distinct function_name from duckdb_functions() where function_type = 'macro' and not internal"
    for (name,) in connection.execute(there).fetchall():
        connection.execute(f"drop macro {name}")
    prepare(connection, model.macros)


def test_every_model_runs_on_empty_tables_and_casts_to_its_contract(catalog):
    failed = {}
    with connect() as connection:
        create_empty_tables(connection, catalog)
        for model in catalog:
            if not model.sql:
                continue
            only_its_macros(connection, model)
            try:
                shaped = cast_to_contract(connection, model, model.sql)
                connection.execute(shaped)
            except (duckdb.Error, TableError) as error:
                failed[model.name] = str(error)
                continue
            found = connection.execute(f"select column_name, column_type from (describe ({shaped}))").fetchall()
            promised = [(name, column.type) for name, column in model.contract.columns.items()]
            if found[: len(promised)] != promised:
                failed[model.name] = f"{found} is not {promised}"
    assert failed == {}


def test_every_rule_runs_on_empty_tables(catalog):
    failed = {}
    with connect() as connection:
        create_empty_tables(connection, catalog)
        for model in every_table(catalog):
            only_its_macros(connection, model)
            for rule in model.contract.failing_rows:
                try:
                    connection.execute(rule.sql)
                except duckdb.Error as error:
                    failed[f"{model.name}.{rule.name}"] = str(error)
    assert failed == {}


def test_adding_a_metric_is_adding_two_files(tmp_path, catalog):
    shutil.copytree(project_file("sql"), tmp_path / "sql")
    (tmp_path / "sql" / "metrics" / "commitments_per_plan.sql").write_text(
        """-- One row per member: its plans and the commitments in them.
with plans as (select member_id, commitments from marts.action_plans)
select member_id, count(*) as plans, sum(commitments) as commitments
from plans
where member_id in (select member_id from marts.members)
group by member_id
""",
        encoding="utf-8",
    )
    (tmp_path / "sql" / "metrics" / "commitments_per_plan.yml").write_text(
        """description: Plans and commitments of each member.
grain: One row per member.
key: [member_id]
columns:
  member_id: {type: VARCHAR, required: true, description: Member.}
  plans: {type: BIGINT, required: true, unit: plans, description: Its plans.}
  commitments: {type: BIGINT, required: true, unit: commitments, description: Commitments in its plans.}
foreign_keys: {member_id: marts.members}
failing_rows:
  - {name: has_plans, severity: warning, sql: select * from metrics.commitments_per_plan where plans = 0, why: W}
""",
        encoding="utf-8",
    )
    extended = load_catalog(tmp_path / "sql")
    added = {model.name for model in extended} - {model.name for model in catalog}
    assert added == {"metrics.commitments_per_plan"}
    model = extended["metrics.commitments_per_plan"]
    assert model in extended.public
    assert model.reads == ("marts.action_plans", "marts.members")
    names = [each.name for each in extended]
    assert all(names.index(read) < names.index(model.name) for read in model.reads)
    assert ("metrics__commitments_per_plan", (model,)) in extended.steps()
    assert [name for name, _ in check_groups(model)] == ["contract", "has_plans"]
    with connect() as connection:
        create_empty_tables(connection, extended)
        assert connection.execute(cast_to_contract(connection, model, model.sql)).fetchall() == []
    unchanged = {each.name: each.code_hash for each in extended if each.name not in added}
    assert unchanged == {each.name: each.code_hash for each in catalog}, "no other table became stale"


def test_an_unknown_code_list_is_a_fault_of_the_contract(tmp_path):
    """Found while loading, with all other faults, not as a KeyError when the checks run."""
    codes = CONTRACT.replace("type: INTEGER", "type: VARCHAR, codes: no_such_list")
    (found,) = faults(tmp_path, {"marts/a.yml": codes, "marts/a.sql": "select 'x' as id"})
    assert found.startswith("marts.a") and "no_such_list" in found


def test_a_model_cannot_read_a_table_that_is_in_releases_only(tmp_path):
    (found,) = faults(
        tmp_path,
        {"meta/tables.yml": CONTRACT + "in_release: true\n", "metrics/a.sql": "select id from meta.tables"},
    )
    assert found.startswith("metrics.a: reads meta.tables")


def test_a_package_that_does_not_exist_is_a_fault_of_the_contract(tmp_path):
    (found,) = faults(tmp_path, {"marts/a.yml": CONTRACT + "built_by: ogp_pipeline.nowhere.deeper:read\n"})
    assert "ogp_pipeline.nowhere.deeper" in found


def test_a_module_that_does_not_exist_does_not_hide_the_other_faults(tmp_path):
    found = faults(
        tmp_path,
        {"marts/a.yml": CONTRACT + "built_by: ogp_pipeline.nowhere:read\n", "marts/b.sql": "select * from nowhere"},
    )
    assert len(found) == 2


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(CONTRACT + "? [a, b]\n: c\n", id="a key that is a list"),
        pytest.param(CONTRACT.replace("Its id.", "Sa clé."), id="another encoding"),
    ],
)
def test_a_contract_that_cannot_be_read_is_named(tmp_path, text):
    path = tmp_path / "sql" / "marts" / "thing.yml"
    path.parent.mkdir(parents=True)
    path.write_bytes(text.encode("windows-1252"))
    (found,) = faults(tmp_path, {"marts/thing.sql": "select 1 as id"})
    assert found.startswith("marts/thing.yml: ")


def test_show_tables_is_no_model(tmp_path):
    """It reads the catalog of the session, not a table that the model names."""
    ((_, found),) = references(["from (show tables)"])
    assert found != []


def test_a_macro_called_with_a_space_or_in_capitals_is_found(tmp_path):
    """DuckDB takes `Doubled (2)` for a call of doubled."""
    model = catalog_of(tmp_path, {"marts/a.sql": "select Doubled (2) as id"})["marts.a"]
    with connect() as connection:
        prepare(connection, model.macros)
        assert connection.execute(model.sql).fetchall() == [(4,)]
