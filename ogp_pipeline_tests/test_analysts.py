"""The commands for analysts: what they list and explain, what a query may do, and how its answer is written."""

from __future__ import annotations

import csv
import io
import json
import signal
import subprocess
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result

from ogp_pipeline.analysts import Answer, visible, ways_to_open
from ogp_pipeline.analysts_formats import as_csv, as_json, as_parquet, as_table
from ogp_pipeline.cli import main
from ogp_pipeline_tests.commands import CLEAN, PROGRAM
from ogp_pipeline_tests.world import World, query


def ask(world: World, *arguments: str, **options: str) -> Result:
    """A command on the release of a world."""
    return CliRunner().invoke(main, [*arguments, "--data-dir", str(world.settings.data_dir)], **options)


def test_tables_lists_every_public_table_with_its_rows(published_once) -> None:
    shown = ask(published_once, "tables")
    assert shown.exit_code == 0
    heads = [line.split("  ") for line in shown.stdout.splitlines() if line and not line.startswith(" ")]
    listed = {head[0]: head[1].split()[0].replace(",", "") for head in heads if len(head) > 2}
    sql = (
        "select table_schema || '.' || table_name, rows::varchar from meta.tables "
        "where table_schema in ('marts', 'metrics', 'reference', 'meta')"
    )
    assert listed == dict(query(published_once.settings.database, sql))
    assert "staging.commitments " in ask(published_once, "tables", "--all").stdout
    assert "staging.commitments" not in listed


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("commitments", "marts.commitments  50 rows"),  # of several schemas the derived table
        ("marts.commitments", "marts.commitments  50 rows"),
        ("staging.commitments", "staging.commitments  "),
        ("STARS", "metrics.stars  "),  # SQL does not mind capitals either
    ],
)
def test_describe_finds_a_table_with_or_without_its_schema(published_once, name: str, found: str) -> None:
    shown = ask(published_once, "describe", name)
    assert shown.exit_code == 0
    assert shown.stdout.startswith(found)


def test_describe_says_of_every_column_type_unit_codes_and_meaning(published_once) -> None:
    shown = " ".join(ask(published_once, "describe", "vital_signs").stdout.split())
    columns = query(
        published_once.settings.database,
        "select column_name, type, unit, codes, description from meta.columns "
        "where table_schema = 'metrics' and table_name = 'vital_signs'",
    )
    assert len(columns) > 15
    for name, kind, unit, codes, description in columns:
        assert f" {name} {kind}" in shown
        assert " ".join(description.split()) in shown
        assert unit is None or f"in {unit}" in shown
        assert codes is None or f"Codes: {' | '.join(code.strip() for code in codes.split('|'))}" in shown


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("comitments", "marts.commitments"),  # misspelt
        ("influenc", "marts.influence"),
        ("marts.vital_signs", "metrics.vital_signs"),  # another schema
        ("xyzzy", "`ogp-pipeline tables` lists them"),  # nothing is near
    ],
)
def test_an_unknown_table_is_answered_with_the_nearest(published_once, name: str, nearest: str) -> None:
    shown = ask(published_once, "describe", name)
    assert (shown.exit_code, shown.stdout) == (2, "")
    assert nearest in shown.stderr


REFUSED = [
    # files of any kind, by function, by name and by statement
    ("select * from read_csv('/etc/passwd')", "disabled"),
    ("select * from read_text('/etc/hostname')", "disabled"),
    ("select * from glob('/*')", "disabled"),
    ("from '/etc/passwd'", "does not exist"),  # no reader of that ending, so no file either
    ("from '{folder}/tables/marts.members.parquet'", "disabled"),
    ("copy (select 1) to '{folder}/out.csv'", "disabled"),
    ("copy (select 1) to '/dev/stdout'", "disabled"),
    ("export database '{folder}/out'", "disabled"),
    ("import database '{folder}/out'", "disabled"),
    # the release's own path, which DuckDB lets through when external access alone is off
    ("select * from read_blob('{database}')", "disabled"),
    ("attach '{database}' as other", "disabled"),
    ("attach ':memory:' as other", "read-only"),
    ("copy (select 1) to '{database}'", "disabled"),
    # the network and extensions
    ("from 'https://127.0.0.1:9/x.csv'", "disabled"),
    ("from 'https://127.0.0.1:9/x.parquet'", "disabled"),
    ("install httpfs", "disabled"),
    ("load httpfs", "disabled"),
    ("load '{folder}/x.duckdb_extension'", "disabled"),
    # settings, which could take all of it back
    ("set enable_external_access = true", "external"),
    ("set disabled_filesystems = ''", "locked"),
    ("set lock_configuration = false", "locked"),
    ("set memory_limit = '100GB'", "locked"),
    ("pragma threads = 64", "locked"),
    ("reset memory_limit", "locked"),
    ("set temp_directory = '{folder}'", "locked"),
    ("pragma profiling_output = '{folder}/profile.json'", "locked"),
    # the environment
    ("select getenv('HOME')", "getenv"),
    # writing
    ("insert into marts.members from marts.members", "read-only"),
    ("update marts.members set region = 'x'", "read-only"),
    ("delete from marts.members", "read-only"),
    ("drop table marts.members", "read-only"),
    ("create table marts.mine (a integer)", "read-only"),
]


@pytest.mark.parametrize(("sql", "word"), REFUSED, ids=[sql for sql, _ in REFUSED])
def test_a_query_reaches_nothing_but_the_release(published_once, sql: str, word: str) -> None:
    settings = published_once.settings
    before = sorted(path.relative_to(settings.data_dir) for path in settings.data_dir.rglob("*"))
    shown = ask(published_once, "query", sql.format(folder=settings.data_dir, database=settings.database))
    assert (shown.exit_code, shown.stdout) == (2, "")
    assert word in shown.stderr
    assert len(shown.stderr.splitlines()) == 2  # the heading and one line
    assert sorted(path.relative_to(settings.data_dir) for path in settings.data_dir.rglob("*")) == before


@pytest.mark.parametrize(
    ("sql", "word"),
    [
        ("selec 1", 'syntax error at or near "selec"'),
        ("from comitments", "does not exist"),
        ("select 1; select nothing from stars", "nothing"),
        ("", "no SQL was given"),
        ("  -- only a comment", "no SQL was given"),
        ("select 1 / 'x'", "Could not convert"),
    ],
)
def test_what_duckdb_does_not_understand_is_one_clear_line(published_once, sql: str, word: str) -> None:
    shown = ask(published_once, "query", sql, "--format", "csv")
    assert (shown.exit_code, shown.stdout) == (2, "")
    assert word in shown.stderr
    assert len(shown.stderr.splitlines()) == 2


def test_more_memory_than_allowed_is_a_line_and_no_file(published_once) -> None:
    sql = "select count(*) from (select distinct hash(a.range, b.range) from range(100000) a, range(10000) b)"
    shown = ask(published_once, "query", f"select list(range) from range(400000000); {sql}")
    assert shown.exit_code == 2
    assert "more memory than a query may take" in shown.stderr
    assert not list(published_once.settings.data_dir.glob("*.tmp"))


def test_the_queries_of_a_session_see_each_other(published_once) -> None:
    """Statements without rows may prepare the one that is written."""
    sql = "use marts; set variable year = 2013; create temp table mine as select 7 as a; select a from mine"
    shown = ask(published_once, "query", sql, "--format", "csv")
    assert (shown.exit_code, shown.stdout) == (0, "a\n7\n")


def test_several_answers_are_shown_and_not_written_as_one_file(published_once) -> None:
    shown = ask(published_once, "query", "select 1 as a; select 2 as b")
    assert shown.stdout == "a\n-\n1\n(1 row)\n\nb\n-\n2\n(1 row)\n"
    refused = ask(published_once, "query", "select 1 as a; select 2 as b", "--format", "json")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "2 give rows" in refused.stderr


def test_sql_comes_from_standard_input(published_once) -> None:
    shown = ask(published_once, "query", "-", "--format", "json", input="select 'é' as a -- a comment\n")
    assert (shown.exit_code, json.loads(shown.stdout)) == (0, [{"a": "é"}])


@pytest.mark.parametrize("ending", ["csv", "json", "parquet"])
def test_a_file_holds_what_the_query_gives(published_once, tmp_path: Path, ending: str) -> None:
    """The ending of -o names the form."""
    target = tmp_path / f"members.{ending}"
    sql = "select member_id, region, joined_year from marts.members order by member_id"
    done = ask(published_once, "query", sql, "-o", str(target))
    assert (done.exit_code, done.stdout) == (0, "")
    expected = query(published_once.settings.database, sql)
    assert len(expected) >= 10
    assert duckdb.sql(f"from '{target}'").fetchall() == expected


def test_where_a_file_cannot_be(published_once, tmp_path: Path) -> None:
    data_dir = published_once.settings.data_dir
    cases = {
        str(tmp_path / "none" / "x.csv"): "there is no folder",
        str(published_once.settings.database): "inside the data folder",
        str(data_dir / "tables" / "marts.members.parquet"): "inside the data folder",
        str(tmp_path): "is a directory",
    }
    before = query(published_once.settings.database, "select count(*) from marts.members")
    for target, words in cases.items():
        done = ask(published_once, "query", "select 1 as a", "--format", "csv", "-o", target)
        assert done.exit_code == 2, target
        assert words in done.stderr
    assert query(published_once.settings.database, "select count(*) from marts.members") == before
    assert "-o FILE.parquet" in ask(published_once, "query", "select 1", "--format", "parquet").stderr


VALUES = """
    select 1::hugeint as whole, 2::hugeint ** 70 as large, 1.50::decimal(5, 2) as exact, 0.1::double as share,
        null as nothing, '' as empty, 'a "b", c' || chr(10) || 'd' as text, date '2014-06-01' as day, true as flag,
        ['x', 'y'] as list, {'a': 1} as struct, 'm'::enum('m', 'n') as code, '=1+1' as formula
    union all
    select null, null, null, null, null, null, null, null, null, null, null, null, null
"""


def answer_of(sql: str) -> Answer:
    """What `query` hands on of one statement."""
    done = duckdb.connect().execute(sql)
    return Answer(tuple(c[0] for c in done.description), tuple(str(c[1]) for c in done.description), done.fetchall())


def test_parquet_keeps_types_and_whole_numbers_whole(tmp_path: Path) -> None:
    """DuckDB writes HUGEINT, the type of its sums, to Parquet as a float."""
    path = tmp_path / "x.parquet"
    path.write_bytes(as_parquet(answer_of(VALUES.replace("2::hugeint ** 70", "1180591620717411303424::hugeint"))))
    first, second = duckdb.sql(f"from '{path}'").fetchall()
    assert first[:2] == (1, 2**70)
    assert second == (None,) * 13
    types = dict(duckdb.sql(f"select column_name, column_type from (describe from '{path}')").fetchall())
    assert types["whole"] == "BIGINT"
    assert types["large"] == "DECIMAL(38,0)"
    assert types["exact"] == "DECIMAL(5,2)"
    path.write_bytes(as_parquet(answer_of("select [1::hugeint] as inside, {'n': [1::hugeint]} as deeper")))
    described = duckdb.sql(f"select column_type from (describe from '{path}')").fetchall()
    assert described == [("DECIMAL(38,0)[]",), ("STRUCT(n DECIMAL(38,0)[])",)]
    assert (types["day"], types["list"], types["code"]) == ("DATE", "VARCHAR[]", "VARCHAR")


def test_an_empty_answer_keeps_its_columns(tmp_path: Path) -> None:
    empty = answer_of("select 1 as a, 'x' as b where false")
    path = tmp_path / "x.parquet"
    path.write_bytes(as_parquet(empty))
    assert duckdb.sql(f"from '{path}'").columns == ["a", "b"]
    assert as_csv(empty) == "a,b\n"
    assert json.loads(as_json(empty)) == []
    assert as_table(empty, for_terminal=True).endswith("(0 rows)\n")


def test_csv_and_json_keep_null_empty_and_awkward_text_apart() -> None:
    answer = answer_of(VALUES)
    rows = list(csv.DictReader(io.StringIO(as_csv(answer))))
    assert rows[0]["text"] == 'a "b", c\nd'
    assert (rows[0]["exact"], rows[0]["flag"], rows[0]["day"]) == ("1.50", "true", "2014-06-01")
    assert as_csv(answer).splitlines()[-1] == "," * 12  # NULL is nothing at all
    assert as_csv(answer_of("select '' as a, 1 as b")) == 'a,b\n"",1\n'
    first, second = json.loads(as_json(answer))
    assert (first["empty"], first["nothing"], second["empty"]) == ("", None, None)
    assert (first["list"], first["struct"], first["day"], first["exact"]) == (["x", "y"], {"a": 1}, "2014-06-01", 1.5)
    assert json.loads(as_json(answer_of("select 'nan'::double as a"))) == [{"a": "nan"}]  # JSON has no such number


def test_two_columns_of_one_name_are_refused_where_one_would_be_lost(published_once) -> None:
    shown = ask(published_once, "query", "select 1 as a, 2 as A", "--format", "json")
    assert shown.exit_code == 2
    assert "two columns are called a" in shown.stderr
    assert ask(published_once, "query", "select 1 as a, 2 as A", "--format", "csv").stdout == "a,A\n1,2\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x07", "\\u001b[31mred\\u0007"),  # colours, bells and cursor moves of a terminal
        ("a\u202eb", "a\\u202eb"),  # right-to-left override
        ("a\u200bb\u2028", "a\\u200bb\\u2028"),  # hidden space, line separator
        ("line\nline\ttab\r", "line\\nline\\ttab\\r"),
        ("São Tomé שלום 한국", "São Tomé שלום 한국"),  # ordinary text of any script stays
        ("a\u200cb\u200dc\u00a0d", "a\u200cb\u200dc\u00a0d"),  # with the joiners and spaces it is written with
    ],
)
def test_characters_that_act_on_a_terminal_are_shown(published_once, text: str, shown: str) -> None:
    assert visible(text) == shown
    codes = " || ".join(f"chr({ord(character)})" for character in text)
    done = ask(published_once, "query", f"select {codes} as a")
    assert done.stdout.splitlines()[2].rstrip() == shown
    assert json.loads(ask(published_once, "query", f"select {codes} as a", "--format", "json").stdout) == [{"a": text}]


def test_a_terminal_gets_long_answers_cut_and_a_pipe_whole() -> None:
    answer = answer_of("select range as n, repeat('x', 100) as text from range(300)")
    on_terminal, in_pipe = as_table(answer, for_terminal=True), as_table(answer, for_terminal=False)
    assert max(map(len, on_terminal.splitlines())) < 80
    assert "The first 200 are shown" in on_terminal
    assert "(300 rows)" in on_terminal
    assert in_pipe.count("x" * 100) == 300


def test_a_closed_pipe_is_no_traceback(published_once) -> None:
    command = [str(PROGRAM), "query", "select repeat('x', 1000) from range(50000)", "--data-dir"]
    with subprocess.Popen(
        [*command, str(published_once.settings.data_dir)], env=CLEAN, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read().decode()
    assert errors == ""


def test_ctrl_c_ends_a_long_query_at_once_and_without_a_traceback(published_once) -> None:
    """The first answer is shown while the second, which would take hours and does not listen, runs."""
    sql = "select 'started' as a; select count(*) from range(10000000000000)"
    with subprocess.Popen(
        [str(PROGRAM), "query", sql, "--data-dir", str(published_once.settings.data_dir)],
        env=CLEAN,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # a shell's `&` has it ignored
    ) as process:
        try:
            while b"(1 row)" not in process.stdout.readline():
                pass
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=30)
        finally:
            process.kill()
    # between the two statements the command itself hears it, and says so
    assert (process.returncode, errors.decode().split()) in [(-signal.SIGINT, []), (1, ["Aborted!"])]


def test_open_prints_what_works(published_once, tmp_path: Path) -> None:
    shown = ask(published_once, "open")
    assert shown.exit_code == 0
    path = str(published_once.settings.database)
    assert f"duckdb -readonly {path}" in shown.stdout
    assert f"jdbc:duckdb:{path}" in shown.stdout
    lines = shown.stdout.splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith("Python"))
    program = "\n".join(line.strip() for line in lines[start + 1 : start + 4])
    names: dict = {}
    exec(program, names)
    assert names["release"].sql("from meta.tables").fetchall()
    with pytest.raises(duckdb.Error, match="read-only"):
        names["release"].execute("drop table marts.members")
    names["release"].close()
    awkward = ways_to_open(tmp_path / 'it\'s "mine"' / "ogp.duckdb")
    assert '\\"mine\\"' in awkward  # a quotation mark does not end the string that is pasted
    assert "'it'\"'\"'s" in awkward or "it'\"'\"'s" in awkward


@pytest.mark.parametrize("arguments", [("tables",), ("describe", "stars"), ("query", "select 1"), ("open",)])
def test_without_a_release_every_command_says_what_to_do(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(main, [*arguments, "--data-dir", str(tmp_path)])
    assert (shown.exit_code, shown.stdout) == (2, "")
    assert "run `ogp-pipeline refresh` first" in shown.stderr
    (tmp_path / "ogp.duckdb").write_bytes(b"no database" * 1000)
    shown = CliRunner().invoke(main, [*arguments, "--data-dir", str(tmp_path)])
    assert (shown.exit_code, shown.stdout) == (2, "")
    assert "cannot be opened" in shown.stderr


@pytest.mark.parametrize("arguments", [("tables",), ("describe", "stars"), ("query", "select 1 as a"), ("open",)])
def test_every_command_says_that_the_sample_is_synthetic(sampled, published_once, arguments: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(main, [*arguments, "--data-dir", str(sampled[0])])
    assert shown.stdout.startswith("SYNTHETIC")
    assert "SYNTHETIC" not in ask(published_once, *arguments).output


def test_files_from_the_sample_are_told_of_beside_them(sampled) -> None:
    """The rows stay clean for the program that reads them."""
    command = ["query", "select 1 as a", "--format", "csv", "--data-dir", str(sampled[0])]
    shown = CliRunner().invoke(main, command)
    assert shown.stdout == "a\n1\n"
    assert "SYNTHETIC" in shown.stderr
