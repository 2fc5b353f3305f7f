"""Working tables: replaced whole or not at all, with the types promised, and known to belong together."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import duckdb
import pytest

from ogp_pipeline.errors import ContractError, MissingTableError
from ogp_pipeline.store import Store, TableError, TableState, connect, literal, quoted, sha256_of, write_atomically
from ogp_pipeline_tests.test_contracts_and_models import catalog_of

FILES = {
    "marts/plans.sql": "select * from (values ('b', 2), ('a', 1)) as plans(plan_id, commitments)",
    "marts/plans.yml": """
description: Plans.
grain: One row per plan.
key: [plan_id]
columns:
  plan_id: {type: VARCHAR, description: Plan.}
  commitments: {type: INTEGER, description: Its commitments.}
""",
    "metrics/totals.sql": """
select sum(commitments) as commitments, count(*) as plans, 0.5::decimal(2, 1) as share
from marts.plans
""",
    "metrics/totals.yml": """
description: Totals.
grain: One row.
columns:
  plans: {type: BIGINT, description: Plans.}
  commitments: {type: BIGINT, description: Commitments.}
  share: {type: DOUBLE, description: A share.}
""",
}
PRIVATE = {
    "metrics/_hidden.sql": "select plan_id, [commitments] as list from marts.plans",
    "metrics/_hidden.yml": "{description: No promise., grain: One row per plan., private: true}",
}


@pytest.fixture
def store(tmp_path) -> Store:
    """An empty store of two tables, one made from the other."""
    return Store(tmp_path / "tables", catalog_of(tmp_path, FILES))


def write(store: Store, name: str, select: str | None = None) -> TableState:
    """Write a table with its own SQL, or with another SELECT."""
    model = store.catalog[name]
    with store.session(model.reads, model.macros) as connection:
        return store.write(connection, model, select or model.sql)


def read(store: Store, name: str) -> list[tuple]:
    with store.session([name]) as connection:
        return connection.execute(f"select * from {name}").fetchall()


def types(store: Store, name: str) -> dict[str, str]:
    """The types in the Parquet file itself."""
    rows = duckdb.execute(f"describe select * from read_parquet({literal(store.path(name).as_posix())})").fetchall()
    return {row[0]: row[1] for row in rows}


@contextmanager
def stays_as_it_was(store: Store):
    """Neither content nor state of any table changes inside, and nothing is left lying about."""
    before = {path: path.read_bytes() for path in store.tables_dir.iterdir()}
    yield
    assert {path: path.read_bytes() for path in store.tables_dir.iterdir()} == before


# --- writing


def test_what_is_written_is_read_in_the_order_of_its_key(store):
    state = write(store, "marts.plans")
    assert read(store, "marts.plans") == [("a", 1), ("b", 2)]
    assert store.state("marts.plans") == state
    assert (state.table, state.rows, state.inputs) == ("marts.plans", 2, {})
    assert state.fingerprint == sha256_of(store.path("marts.plans"))
    assert state.code_hash == store.catalog["marts.plans"].code_hash


def test_a_table_remembers_what_it_was_built_from(store):
    plans = write(store, "marts.plans")
    assert write(store, "metrics.totals").inputs == {"marts.plans": plans.fingerprint}


def test_sums_and_counts_have_the_types_of_the_contract(store):
    """DuckDB sums integers to HUGEINT, which Parquet would keep as DOUBLE."""
    write(store, "marts.plans")
    write(store, "metrics.totals")
    assert types(store, "metrics.totals") == {"plans": "BIGINT", "commitments": "BIGINT", "share": "DOUBLE"}
    assert read(store, "metrics.totals") == [(2, 3, 0.5)], "in the order of the contract"


def test_a_private_table_without_promises_keeps_its_own_columns(tmp_path):
    store = Store(tmp_path / "tables", catalog_of(tmp_path, FILES | PRIVATE))
    write(store, "marts.plans")
    write(store, "metrics._hidden")
    assert types(store, "metrics._hidden") == {"plan_id": "VARCHAR", "list": "INTEGER[]"}


def test_a_table_without_rows_keeps_its_types(store):
    assert write(store, "marts.plans", "select 'a' as plan_id, 1 as commitments where false").rows == 0
    assert types(store, "marts.plans") == {"plan_id": "VARCHAR", "commitments": "INTEGER"}


def test_equal_rows_give_equal_bytes(store):
    """In whatever order and types they come."""
    select = "select range::varchar as plan_id, range % 7 as commitments from range(5000)"
    first = write(store, "marts.plans", select).fingerprint
    assert write(store, "marts.plans", select).fingerprint == first
    assert write(store, "marts.plans", f"from ({select}) order by hash(plan_id)").fingerprint == first
    other_types = f"select commitments::varchar as commitments, plan_id from ({select})"
    assert write(store, "marts.plans", other_types).fingerprint == first
    assert write(store, "marts.plans", f"{select} where range > 0").fingerprint != first


@pytest.mark.parametrize(
    ("select", "error"),
    [
        pytest.param("select 'c' as plan_id, 'many' as commitments", TableError, id="a value that does not cast"),
        pytest.param("select 'c' as plan_id", TableError, id="a column is missing"),
        pytest.param("select * from marts.nowhere", TableError, id="a table is missing"),
        pytest.param("select plan_id from", TableError, id="no SQL"),
        pytest.param(
            "select range::varchar as plan_id, if(range = 4999, error('late'), 1) as commitments from range(5000)",
            duckdb.Error,
            id="it fails at the last row",
        ),
    ],
)
def test_a_select_that_fails_leaves_the_old_table(store, select, error):
    write(store, "marts.plans")
    with stays_as_it_was(store), pytest.raises(error):
        write(store, "marts.plans", select)
    assert store.state("marts.plans").rows == 2


def test_a_new_table_replaces_the_old_one_whole(store):
    write(store, "marts.plans")
    write(store, "marts.plans", "select 'c' as plan_id, 3 as commitments")
    assert read(store, "marts.plans") == [("c", 3)]
    assert sorted(path.name for path in store.tables_dir.iterdir()) == ["marts.plans.json", "marts.plans.parquet"]


def test_a_reader_keeps_the_table_it_opened(store):
    write(store, "marts.plans")
    with store.session(["marts.plans"]) as connection:
        result = connection.execute("select * from marts.plans")
        write(store, "marts.plans", "select 'c' as plan_id, 3 as commitments")
        assert result.fetchall() == [("a", 1), ("b", 2)]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        pytest.param("'many'", "many", id="a word"),
        pytest.param("3000000000", "3000000000", id="a number too large"),
        pytest.param("date '2014-06-01'", "DATE", id="another type"),
    ],
)
def test_a_value_that_does_not_cast_is_named(store, value, shown):
    with pytest.raises(TableError) as error:
        write(store, "marts.plans", f"select 'a' as plan_id, {value} as commitments")
    (problem,) = error.value.problems
    assert problem.startswith("marts.plans: ") and shown in problem


def test_missing_and_unpromised_columns_are_named_all_at_once(store):
    write(store, "marts.plans")
    with pytest.raises(TableError) as error:
        write(store, "metrics.totals", "select 1 as plans, 2 as Commitment, 3 as extra")
    assert error.value.problems == [
        "metrics.totals: column commitments is promised and not computed: change totals.sql or its contract",
        "metrics.totals: column share is promised and not computed: change totals.sql or its contract",
        "metrics.totals: column Commitment is computed and not promised: change totals.sql or its contract",
        "metrics.totals: column extra is computed and not promised: change totals.sql or its contract",
    ]


def test_columns_beyond_the_contract_pass_where_it_says_so(tmp_path):
    files = {**FILES, "marts/plans.yml": FILES["marts/plans.yml"] + "extras: true\n"}
    store = Store(tmp_path / "tables", catalog_of(tmp_path, files))
    write(store, "marts.plans", "select 'x' as \"Extra one\", 1 as commitments, 'a' as plan_id")
    assert list(types(store, "marts.plans")) == ["plan_id", "commitments", "Extra one"]


def test_a_table_is_not_built_on_one_that_is_missing_or_damaged(store):
    with pytest.raises(MissingTableError, match=r"marts\.plans has not been built yet: materialise marts\.plans"):
        write(store, "metrics.totals")
    write(store, "marts.plans")
    store.path("marts.plans").with_suffix(".json").unlink()
    with pytest.raises(MissingTableError, match=r"marts\.plans is missing or damaged"):
        write(store, "metrics.totals")


def test_a_session_names_every_table_that_is_missing(store):
    with pytest.raises(MissingTableError) as error, store.session(["metrics.totals", "marts.plans", "metrics.totals"]):
        pass
    assert [problem.split()[0] for problem in error.value.problems] == ["marts.plans", "metrics.totals"]


def test_a_session_cannot_fetch_extensions(store):
    with store.session([]) as connection:
        sql = "select name, value from duckdb_settings() where name like 'auto%_known_extensions'"
        assert {value for _, value in connection.execute(sql).fetchall()} == {"false"}


def test_sessions_that_are_open_together_see_nothing_of_each_other(store):
    write(store, "marts.plans")
    with store.session(["marts.plans"], "create macro halved(x) as x / 2;") as one, store.session([]) as other:
        one.execute("create temp table notes as select halved(4) as note")
        assert one.execute("select count(*) from marts.plans, notes").fetchone()[0] > 0
        for sql in ("from marts.plans", "select halved(4)", "from notes"):
            with pytest.raises(duckdb.Error, match="does not exist"):
                other.execute(sql)


def test_a_session_leaves_nothing_to_the_next(store):
    with pytest.raises(ZeroDivisionError), store.session([]) as connection:
        connection.execute("create table marts.plans as select 1 as one")
        raise ZeroDivisionError
    with store.session([]) as connection:
        attached = "select database_name from duckdb_databases() where database_name like 'workspace%'"
        assert len(connection.execute(attached).fetchall()) == 1
        assert not connection.execute("select 1 from duckdb_tables() where table_name = 'plans'").fetchall()


def test_a_process_that_was_forked_works_on(store):
    """The threads of a database do not come along: one that was open before would wait for them for ever."""
    write(store, "marts.plans")

    def replaced_and_read() -> None:
        write(store, "marts.plans", "select 'many' as plan_id, count(*) as commitments from range(10_000_000)")
        assert read(store, "marts.plans") == [("many", 10_000_000)]

    child = get_context("fork").Process(target=replaced_and_read)
    child.start()
    child.join(60)
    child.kill()
    assert child.exitcode == 0


# --- knowing what is there


def garbled(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1] + b"x")


def of_another_shape(path: Path) -> None:
    path.write_text('{"table": "marts.plans"}', encoding="utf-8")


def of_another_time(path: Path) -> None:
    state = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**state, "fingerprint": "0" * 64}), encoding="utf-8")


@pytest.mark.parametrize(
    ("suffix", "damage"),
    [
        pytest.param(".parquet", Path.unlink, id="the Parquet file is gone"),
        pytest.param(".json", Path.unlink, id="the json is gone"),
        pytest.param(".parquet", garbled, id="the Parquet file changed"),
        pytest.param(".json", garbled, id="the json is cut off"),
        pytest.param(".json", of_another_shape, id="the json says something else"),
        pytest.param(".json", of_another_time, id="the json is of another table"),
    ],
)
def test_two_files_that_do_not_belong_together_are_no_table(store, suffix, damage):
    write(store, "marts.plans")
    damage(store.path("marts.plans").with_suffix(suffix))
    assert store.state("marts.plans") is None
    assert any(line.startswith("marts.plans is missing or damaged") for line in store.faults())


def built(store: Store) -> Store:
    for model in store.catalog:
        write(store, model.name)
    return store


# --- what stays as it is


def as_built(store: Store) -> None:
    write(store, "marts.plans")
    write(store, "metrics.totals")


def by_other_code(store: Store) -> None:
    model = store.catalog["metrics.totals"]
    store.catalog = replace(store.catalog, models={**store.catalog.models, model.name: replace(model, code_hash="x")})


def of_other_rows(store: Store) -> None:
    write(store, "marts.plans", "select 'c' as plan_id, 3 as commitments")


def of_the_same_rows(store: Store) -> None:
    write(store, "marts.plans", "select * from (values ('a', 1), ('b', 2)) as plans(plan_id, commitments)")


def by_a_function(store: Store) -> None:
    model = store.catalog["metrics.totals"]
    store.catalog = replace(store.catalog, models={**store.catalog.models, model.name: replace(model, sql=None)})


def told(**facts) -> Callable[[Store], None]:
    def tell(store: Store) -> None:
        path = store.path("metrics.totals").with_suffix(".json")
        path.write_text(json.dumps(json.loads(path.read_text()) | facts))

    return tell


@pytest.mark.parametrize(
    ("then", "stays"),
    [
        pytest.param(lambda store: None, True, id="nothing changed"),
        pytest.param(of_the_same_rows, True, id="what it reads was built again and came out the same"),
        pytest.param(of_other_rows, False, id="what it reads changed"),
        pytest.param(lambda store: store.path("marts.plans").unlink(), False, id="what it reads is gone"),
        pytest.param(by_other_code, False, id="its SQL or contract changed"),
        pytest.param(by_a_function, False, id="a function may read files"),
        pytest.param(told(made_with="duckdb 0.1"), False, id="another DuckDB wrote it"),
        pytest.param(told(made_with=""), False, id="nobody noted what wrote it"),
        pytest.param(told(inputs={}), False, id="it was built from fewer tables"),
        pytest.param(lambda store: store.path("metrics.totals").write_bytes(b"x"), False, id="its bytes are damaged"),
        pytest.param(lambda store: store.path("metrics.totals").unlink(), False, id="it is gone"),
    ],
)
def test_a_table_stays_only_where_building_it_anew_would_not_change_it(store, then, stays):
    as_built(store)
    then(store)
    kept = store.up_to_date(store.catalog["metrics.totals"])
    assert (kept is not None) is stays
    assert kept is None or kept == store.state("metrics.totals")


def test_what_stays_is_not_written(published):
    path = published.store.path("marts.commitments")
    before = path.stat().st_mtime_ns, path.stat().st_ino
    published.build()
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == before
    assert published.store.faults() == []


def test_no_table_follows_from_the_clock_or_from_chance(catalog):
    """Or it could not stay as it is, and no night would be unchanged."""
    calls = r"\b(now|random|uuid|gen_random_uuid|today|get_current_\w+|transaction_timestamp|getenv)\s*\("
    words = r"\b(current_date|current_timestamp|current_time|localtimestamp|localtime)\b"
    texts = {"macros.sql": catalog.macros} | {model.name: model.sql for model in catalog if model.sql}
    for name, text in texts.items():
        code = re.sub(r"--.*|'[^']*'", "", text)
        assert not re.search(f"{calls}|{words}", code, re.IGNORECASE), name


# --- what belongs together


def test_a_whole_store_has_no_faults(store):
    assert store.faults()[0] == "marts.plans is missing or damaged: materialise marts.plans"
    assert built(store).faults() == []


def test_a_missing_table_is_named(store):
    built(store).path("metrics.totals").unlink()
    assert store.faults() == ["metrics.totals is missing or damaged: materialise metrics.totals"]


def test_a_table_built_from_older_rows_is_stale(store):
    built(store)
    write(store, "marts.plans", "select 'c' as plan_id, 3 as commitments")
    (fault,) = [line for line in store.faults() if line.startswith("metrics.totals")]
    assert fault == (
        "metrics.totals was built from an older marts.plans: materialise metrics.totals and what follows from it"
    )


def test_a_table_rebuilt_with_the_same_rows_makes_nothing_stale(store):
    built(store)
    write(store, "marts.plans")
    assert store.faults() == []


@pytest.mark.parametrize("changed", ["metrics/totals.sql", "metrics/totals.yml"])
def test_a_table_built_by_older_code_is_stale(store, tmp_path, changed):
    built(store)
    newer = catalog_of(tmp_path, {**FILES, changed: FILES[changed].replace("share", "part")})
    assert Store(store.tables_dir, newer).faults() == [
        "metrics.totals was built by older code: materialise metrics.totals"
    ]


def test_a_private_table_is_materialised_with_a_public_one_of_its_step(tmp_path):
    """A private table is no asset: what is named instead must be one, and building it must build the table."""
    contract = FILES["marts/plans.yml"]
    files = {
        "raw/plans.yml": contract + "built_by: ogp_pipeline.sources.raw_tables:raw\n",
        "staging/_plans_parsed.sql": "select * from raw.plans",
        "staging/_plans_parsed.yml": PRIVATE["metrics/_hidden.yml"],
        "staging/plans.sql": "select * from staging._plans_parsed",
        "staging/plans.yml": contract,
    }
    store = Store(tmp_path / "tables", catalog_of(tmp_path, files))
    (fault,) = [line for line in store.faults() if line.startswith("staging._plans_parsed")]
    named = fault.split("materialise ")[1]
    assert named in ("raw.plans", "staging.plans")
    assert store.catalog["staging._plans_parsed"] in store.catalog.step_of(named)


def test_an_asset_is_named_for_every_table_of_the_project(tmp_path, catalog):
    store = Store(tmp_path, catalog)
    public = {model.name for model in catalog.public}
    for model in catalog:
        named = store.asset_of(model.name)
        assert named in public and model in catalog.step_of(named), model.name


# --- files and names


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "new" / "file.json"
    write_atomically(path, b"one")
    write_atomically(path, b"two", mode=0o444)
    assert path.read_bytes() == b"two" and path.stat().st_mode & 0o777 == 0o444
    write_atomically(path, b"three")
    assert path.read_bytes() == b"three", "a file that may only be read can be replaced"
    assert list(path.parent.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "file.json"
    write_atomically(path, b"one")
    with pytest.raises(TypeError):
        write_atomically(path, "no bytes")
    assert path.read_bytes() == b"one" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Value -Info", id="spaces and signs"),
        pytest.param('a "quoted" name', id="double quotes"),
        pytest.param("it's", id="single quotes"),
        pytest.param("; drop table x --", id="SQL"),
    ],
)
def test_names_and_texts_are_quoted(text):
    cursor = duckdb.execute(f"select {literal(text)} as {quoted(text)}")
    assert (cursor.description[0][0], cursor.fetchone()[0]) == (text, text)


def test_a_private_table_alone_in_its_step_does_not_break_the_list_of_faults(tmp_path):
    """No asset builds it: either the catalog refuses it, or the fault names the table all the same."""
    try:
        store = Store(tmp_path / "tables", catalog_of(tmp_path, FILES | PRIVATE))
    except ContractError as error:
        assert "metrics._hidden" in str(error)
    else:
        assert any(line.startswith("metrics._hidden is missing") for line in store.faults())


def test_what_does_not_fit_in_memory_lies_in_the_folder_until_the_connection_closes(tmp_path, monkeypatch):
    """Sorted in less memory than it takes: the folder is there meanwhile, the rows are whole, and nothing is left."""
    monkeypatch.setattr("ogp_pipeline.store.MEMORY", "100MB")
    with connect(tmp_path) as connection:
        connection.execute("set threads = 1")
        connection.execute(
            "create temp table sorted as select md5(i::varchar) as word, repeat(md5(i::varchar), 8) as text "
            "from range(500_000) as numbers(i) order by text"
        )
        assert [path.name.startswith(".spill-") for path in tmp_path.iterdir()] == [True]
        found = connection.execute("select count(*), count(distinct word) from sorted").fetchone()
    assert found == (500_000, 500_000)
    assert list(tmp_path.iterdir()) == []
