"""`query` only reads the release: every function of the installed DuckDB is tried with a file and a server in reach.

What else a query may ask is in test_query_session.py. Here each function that can be called is either known to stay
inside the session, with the reason, or must be refused; a newer DuckDB with a new one fails until somebody judges it.
"""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from ogp_pipeline.analysts import QueryError, answers, open_release
from ogp_pipeline.settings import Settings
from ogp_pipeline_tests.commands import CLEAN, PROGRAM
from ogp_pipeline_tests.server import running

SECRET = "never-to-be-read-by-a-query"

# Table functions and pragmas that answer: what they say is of the session or the release itself.
STAYS_INSIDE = {
    "what the release and its tables are": """
        collations database_list database_size duckdb_approx_database_count duckdb_columns duckdb_connection_count
        duckdb_constraints duckdb_coordinate_systems duckdb_databases duckdb_dependencies duckdb_indexes
        duckdb_schemas duckdb_sequences duckdb_table_sample duckdb_tables duckdb_triggers duckdb_types duckdb_views
        metadata_info pragma_collations pragma_database_size pragma_metadata_info pragma_show pragma_storage_info
        pragma_table_info seq_scan show show_databases show_tables show_tables_expanded storage_info table_info
    """,
    "what this DuckDB is and can": """
        duckdb_available_metrics duckdb_dialects duckdb_extension_repositories duckdb_external_resource_types
        duckdb_external_resources duckdb_functions duckdb_grammar_extensions duckdb_keywords duckdb_optimizers
        duckdb_secret_type_parameters duckdb_secret_types duckdb_settings functions icu_calendar_names
        pg_timezone_names platform pragma_platform pragma_user_agent pragma_version user_agent version
    """,
    "the state of this session, which is empty": """
        duckdb_eviction_queues duckdb_external_file_cache duckdb_log_contexts duckdb_logs duckdb_logs_parsed
        duckdb_memory duckdb_prepared_statements duckdb_profiling_settings duckdb_secrets duckdb_temporary_files
        duckdb_variables truncate_duckdb_logs which_secret
    """,
    "rows made from its arguments": """
        generate_series histogram histogram_values json_each json_tree range repeat repeat_row summary
        test_all_types test_vector_types unnest
    """,
    "SQL inside SQL, held to the same rules (tested below)": """
        json_execute_serialized_sql query query_table
    """,
    "a release that is read only has nothing to write": "checkpoint force_checkpoint",
    "switches of this session that change its speed alone": """
        disable_object_cache disable_verification enable_object_cache enable_verification
    """,
}
# Arguments that lead out, by the type of the parameter.
PROBE = """
import itertools, json, os, sys
from pathlib import Path
from ogp_pipeline.analysts import open_release
from ogp_pipeline.settings import Settings

folder, port, kinds = Path(sys.argv[1]), sys.argv[2], sys.argv[3].split(",")
targets = [str(folder / "secret.csv"), f"http://127.0.0.1:{port}/x.csv", str(folder / "data" / "ogp.duckdb")]
VALUES = {"BOOLEAN": "true", "BLOB": "'a'::blob", "DATE": "current_date", "TIMESTAMP": "now()::timestamp",
          "DOUBLE": "1.0", "INTERVAL": "interval 1 day"}

def value(kind, text):
    kind = (kind or "VARCHAR").upper()
    if kind.endswith("[]"):
        return f"[{value(kind[:-2], text)}]"
    if kind in VALUES:
        return VALUES[kind]
    if "INT" in kind or kind.startswith(("DECIMAL", "FLOAT")):
        return "1"
    return text

with open_release(Settings(folder / "data")) as release:
    asked = release.execute(
        "select distinct function_type, function_name, parameter_types from duckdb_functions() "
        "where list_contains(?, function_type) order by all", [kinds]
    ).fetchall()
    tries, answered, seen = 0, set(), []
    for kind, name, types in asked:
        if name in ("arrow_scan", "arrow_scan_dumb", "pandas_scan", "python_arrow_scan", "python_map_function"):
            continue  # they take the place of an object in memory: tested apart
        for target in targets:
            text = "'" + target + "'"
            arguments = ", ".join(value(each, text) for each in types)
            quoted = '"' + name + '"'
            if kind in ("table", "table_macro"):
                statements = [f"select * from {quoted}({arguments})", f"call {quoted}({arguments})"]
            elif kind == "pragma":
                statements = [f"pragma {quoted}({arguments})", f"pragma {quoted}", f"pragma {quoted}={text}"]
            else:
                statements = [f"select {quoted}({arguments})"]
            for sql in statements:
                tries += 1
                try:
                    rows = release.execute(sql).fetchmany(1000)
                    answered.add(name)
                    if "SECRETWORD" in str(rows):
                        seen.append(sql)
                except Exception as error:
                    if "SECRETWORD" in str(error):
                        seen.append(sql)
found = {"tries": tries, "functions": len({row[1] for row in asked}), "answered": sorted(answered), "seen": seen}
print(json.dumps(found))
""".replace("SECRETWORD", SECRET)


@pytest.fixture(scope="module")
def release_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small file that is opened as a release is, writable, and a secret beside it."""
    folder = tmp_path_factory.mktemp("asked")
    (folder / "data").mkdir()
    with duckdb.connect(str(folder / "data" / "ogp.duckdb")) as connection:
        connection.execute(
            "create schema meta; create schema marts; create table marts.members as select 'ALB' as member_id;"
            "create table meta.releases as select '1' as release_id, false as is_synthetic"
        )
    (folder / "secret.csv").write_text(f"a,b\n{SECRET},1\n")
    return folder


@pytest.fixture
def release(release_folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The session a query runs in."""
    with open_release(Settings(release_folder / "data")) as connection:
        yield connection


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def probe(folder: Path, *kinds: str) -> dict:
    """Call every function of these kinds in a process of its own, with files and a server as arguments."""
    before = contents(folder)
    with running() as server:
        command = [sys.executable, "-c", PROBE, str(folder), str(server.server_port), ",".join(kinds)]
        done = subprocess.run(command, cwd=folder, env=CLEAN, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        assert server.requests == {}, "a query asked a server"
    assert contents(folder) == before, "a query wrote a file"
    return json.loads(done.stdout)


def test_every_table_function_and_pragma_stays_inside_or_is_refused(release_folder: Path, figure) -> None:
    found = probe(release_folder, "table", "table_macro", "pragma")
    allowed = {name for names in STAYS_INSIDE.values() for name in names.split()}
    assert found["seen"] == []
    assert set(found["answered"]) - allowed == set(), "judge these functions: do they reach out of the session?"
    assert found["tries"] > 300
    figure(
        "query: table functions and pragmas tried, answers within the list", f"{found['functions']} in {found['tries']}"
    )


def test_no_scalar_function_reaches_a_file_or_a_server(release_folder: Path, figure) -> None:
    found = probe(release_folder, "scalar", "aggregate", "macro")
    assert found["seen"] == []
    assert found["functions"] > 500
    figure("query: other functions tried with files and a server, none reached", found["functions"])


@pytest.mark.parametrize("name", ["arrow_scan", "arrow_scan_dumb", "pandas_scan", "python_arrow_scan"])
def test_no_object_in_memory_can_be_named(release, name: str) -> None:
    """They take addresses: a number is refused, so that SQL cannot point anywhere."""
    with pytest.raises(QueryError):
        list(answers(release, f"from {name}(1, 1, 1)"))


WAYS_OUT = [
    ("from query('from read_text(''{secret}'')')", "SQL in a text"),
    ("from query_table('{secret}')", "a file named as a table"),
    ("from json_execute_serialized_sql(json_serialize_sql('from read_text(''{secret}'')'))", "SQL as JSON"),
    ("from '{secret}'", "a file in the place of a table"),
    ("from 'http://127.0.0.1:9/x.parquet'", "an address in the place of a table"),
    ("copy marts.members to '{folder}/out.csv'", "writing a file"),
    ("copy marts.members from '{secret}'", "reading a file into a table"),
    ("export database '{folder}/exported'", "writing all of it"),
    ("import database '{folder}'", "running a file as SQL"),
    ("attach '{folder}/other.duckdb' as other", "another database"),
    ("attach 'postgres://127.0.0.1:9/x' as other (type postgres)", "another server"),
    ("detach ogp", "letting go of the release"),
    ("install httpfs", "an extension from the network"),
    ("load '{folder}/x.duckdb_extension'", "code from a file"),
    ("force install httpfs from 'http://127.0.0.1:9'", "an extension from a server"),
    ("update extensions", "extensions from the network"),
    ("create persistent secret s (type http)", "a secret on the disk"),
    ("set enable_external_access = true", "a setting"),
    ("set disabled_filesystems = ''", "the setting that closes the files"),
    ("reset memory_limit", "the limit of memory"),
    ("set temp_directory = '{folder}'", "a folder for what does not fit"),
    ("set log_query_path = '{folder}/log.sql'", "a log"),
    ("pragma enable_profiling = 'json'", "a profile"),
    ("pragma profiling_output = '{folder}/profile.json'", "a profile in a file"),
    ("call enable_logging(storage := 'file', storage_path := '{folder}/log')", "a log in a file"),
    ("select getenv('HOME')", "the environment"),
    ("insert into marts.members values ('XXX')", "a row"),
    ("update marts.members set member_id = 'XXX'", "a value"),
    ("delete from marts.members", "all rows"),
    ("drop schema marts cascade", "a schema"),
    ("create table marts.x as select 1", "a table"),
    ("create or replace view marts.members as select 1", "a view in the place of a table"),
    ("alter table marts.members add column x int", "a column"),
    ("truncate marts.members", "all rows at once"),
    ("comment on table marts.members is 'x'", "a comment"),
]


@pytest.mark.parametrize(("sql", "why"), WAYS_OUT, ids=[why for _, why in WAYS_OUT])
def test_no_statement_leads_out(release_folder: Path, release, sql: str, why: str) -> None:
    before = contents(release_folder)
    with pytest.raises(QueryError) as refused:
        list(answers(release, sql.format(folder=release_folder, secret=release_folder / "secret.csv")))
    assert SECRET not in str(refused.value)
    assert contents(release_folder) == before


def test_a_name_is_never_a_variable_of_the_program(release) -> None:
    """DuckDB's Python looks for frames among the variables around a call where a table is not known."""
    import pandas as pd

    leaked = pd.DataFrame({"secret": [1]})
    assert len(leaked) == 1
    with pytest.raises(duckdb.CatalogException, match="does not exist"):
        release.execute("from leaked")


# --- what a query may cost


ENDLESS = [
    "select count(*) from range(100000000000) as a, range(1000000) as b",
    "with recursive r(n) as (select 1 union all select n + 1 from r) select max(n) from r",
    "select regexp_matches(repeat('a', 100000000), '(a+)+$b')",
    "select sleep_ms(100000)",
]


@pytest.mark.parametrize("sql", ENDLESS)
def test_a_query_without_end_is_ended(release, sql: str) -> None:
    with pytest.raises(QueryError, match=r"did not end within 0\.5 s.*--seconds"):
        list(answers(release, sql, seconds=0.5))


def test_what_does_not_listen_ends_with_the_process(release_folder: Path) -> None:
    """The last resort, tried where it is certain that nothing listens: in Python itself."""
    program = textwrap.dedent("""
        import time
        from ogp_pipeline import query_limits
        query_limits.GRACE_SECONDS = 0.2
        class Deaf:
            def interrupt(self): pass
        with query_limits.ended_after(Deaf(), 0.2):
            time.sleep(60)
    """)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert "did not end within 0.2 s" in done.stderr


GREEDY = [
    ("select list(range) from range(100000000000)", "more than DuckDB may hold"),
    ("select repeat('x', 1000000) from range(100000)", "100 GB of texts, which DuckDB does not count"),
    ("select repeat('x', 4000000000)", "one text of 4 GB"),
]


@pytest.mark.parametrize(("sql", "why"), GREEDY, ids=[why for _, why in GREEDY])
def test_a_query_that_would_fill_the_memory_ends_in_one_line(release_folder: Path, figure, sql: str, why: str) -> None:
    """With a tenth of the memory that a query has, so that it is quick."""
    program = (
        "import sys; from ogp_pipeline import query_limits as q, analysts; from ogp_pipeline.cli import main;"
        "q.memory_held.__wrapped__.__defaults__ = (600 << 20,);"
        "analysts.MEMORY = '200MB';"
        "code = 0\n"
        "try: main(['query', sys.argv[1], '--format', 'csv', '-o', '/dev/null/x', '--data-dir', sys.argv[2]])\n"
        "except SystemExit as end: code = end.code\n"
        "held = next(line for line in open('/proc/self/status') if line.startswith('VmHWM:'))\n"
        "sys.stderr.write('\\n%d' % (int(held.split()[1]) // 1024)); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, sql, str(release_folder / "data")],
        env=CLEAN,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    *told, megabytes = done.stderr.strip().splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert "more memory than a query may take" in "\n".join(told), done.stderr
    assert int(megabytes) < 1_100
    figure(f"query: peak of {why} where 600 MB are allowed", f"{megabytes} MB")


# --- where an answer goes


def ask(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(PROGRAM), "query", "--data-dir", str(folder / "data"), *arguments]
    return subprocess.run(command, env=CLEAN, capture_output=True, text=True, check=False)


def test_an_answer_replaces_nothing_unless_it_is_told_to(release_folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "kept.csv"
    target.write_text("mine")
    refused = ask(release_folder, "select 1 as a", "-o", str(target))
    assert (refused.returncode, target.read_text()) == (2, "mine")
    assert "is there already" in refused.stderr and "--force" in refused.stderr
    assert ask(release_folder, "select 1 as a", "-o", str(target), "--force").returncode == 0
    assert target.read_text() == "a\n1\n"


def test_an_answer_never_takes_the_place_of_a_device_or_of_the_release(release_folder: Path, tmp_path: Path) -> None:
    link, pipe = tmp_path / "link.csv", tmp_path / "pipe.csv"
    link.symlink_to(release_folder / "data" / "ogp.duckdb")
    os.mkfifo(pipe)
    before = contents(release_folder)
    for target, words in ((link, "inside the data folder"), (pipe, "no ordinary file")):
        refused = ask(release_folder, "select 1 as a", "-o", str(target), "--force")
        assert refused.returncode == 2, target
        assert words in refused.stderr
    assert contents(release_folder) == before


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_on_a_terminal_nothing_commands_it_and_in_a_pipe_all_is_exact(release_folder: Path, form: str) -> None:
    sql = "select chr(27) || '[31m' || chr(155) || '2J' || chr(8238) || 'é' as a"
    screen, other_end = pty.openpty()
    command = [str(PROGRAM), "query", "--data-dir", str(release_folder / "data"), sql, "--format", form]
    subprocess.run(command, env=CLEAN, stdout=other_end, check=True)
    os.close(other_end)
    shown = b""
    while piece := _read(screen):
        shown += piece
    assert not set(shown.decode()) & {"\x1b", "\x9b", "\u202e"}
    assert "é" in shown.decode() and "[31m" in shown.decode()
    if form == "csv":
        assert ask(release_folder, sql, "--format", form).stdout == "a\n\x1b[31m\x9b2J\u202eé\n"


def _read(screen: int) -> bytes:
    """What stands on the screen; Linux says that its other end is closed with an error."""
    try:
        return os.read(screen, 1 << 16)
    except OSError:
        return b""
