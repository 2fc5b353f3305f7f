"""What a query may ask and hold: statements in parts, text that is no text, answers without end, running it away."""

from __future__ import annotations

import subprocess
from pathlib import Path

import duckdb
import pytest

from ogp_pipeline import analysts
from ogp_pipeline.analysts import INSTEAD, Answer, QueryError, answers, find_table, open_release, public_tables
from ogp_pipeline_tests.commands import CLEAN, PROGRAM


@pytest.fixture
def release(published_once):
    """The session a query runs in."""
    with open_release(published_once.settings) as connection:
        yield connection


def only(release: duckdb.DuckDBPyConnection, sql: str) -> Answer:
    """The one answer of SQL."""
    (answer,) = answers(release, sql)
    return answer


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("pivot influence on stage using count(*) group by level", {"development", "implementation"}),  # two statements
        ("unpivot (select 1 as a, 2 as b) on a, b", {"name", "value"}),
        ("show tables", {"name"}),
        ("describe marts.members", {"column_name", "column_type"}),
        ("summarize marts.members", {"column_name", "approx_unique"}),
        ("explain select 1", {"explain_value"}),
        ("pragma show_tables", {"name"}),  # a pragma that reads
        ("values (1)", {"col0"}),
        ("prepare a as select 1 as x; execute a", {"x"}),
    ],
)
def test_every_statement_that_gives_rows_is_answered(release, sql: str, columns: set[str]) -> None:
    answer = only(release, sql)
    assert columns <= set(answer.columns)
    assert answer.rows


@pytest.mark.parametrize(
    "sql",
    ["use marts", "set variable a = 1", "create temp table a as select 1", "create temp macro m(x) as x", "checkpoint"],
)
def test_a_statement_that_only_acts_gives_no_answer(release, sql: str) -> None:
    assert list(answers(release, sql)) == []


def test_no_rows_are_an_answer(release) -> None:
    assert only(release, "select 1 as a where false") == Answer(("a",), ("INTEGER",), [])


# Where writing is let through by the rule that guards the file system, it is so beside the open file: `.wal` and so on.
BESIDE_THE_RELEASE = [
    "copy (select 1) to '{database}.wal'",
    "copy (select 1) to '{database}.wal' (use_tmp_file false)",
    "copy (select 1) to '{database}' (use_tmp_file false)",
    "copy (select 1) to '{database}.tmp/a.csv'",
    "explain analyze copy (select 1) to '{database}.wal' (use_tmp_file false)",
    "prepare a as copy (select 1) to '{database}.wal' (use_tmp_file false); execute a",
    "attach '{database}' as again",
    "attach '{database}' as again (read_only)",
    "from read_text('{database}')",
    "from glob('{database}')",
    "create persistent secret s (type s3)",
]


@pytest.mark.parametrize("sql", BESIDE_THE_RELEASE)
def test_nothing_is_written_or_read_beside_the_release(published_once, tmp_path: Path, sql: str) -> None:
    """On a copy that anybody may write, so that only DuckDB's own refusal protects it."""
    settings = published_once.copy_to(tmp_path).settings
    settings.database.chmod(0o666)
    before = settings.database.read_bytes()
    with open_release(settings) as connection, pytest.raises(QueryError):
        list(answers(connection, sql.format(database=settings.database)))
    assert settings.database.read_bytes() == before
    assert not list(settings.data_dir.glob("ogp.duckdb?*"))


@pytest.mark.parametrize(
    ("sql", "is_told"),
    [
        ("from read_csv('/etc/passwd')", True),
        ("set threads = 64", True),
        ("drop table marts.members", True),
        ("load httpfs", True),
        ("from comitments", False),  # a slip, for which DuckDB's own words are enough
        ("selec 1", False),
    ],
)
def test_a_refusal_ends_with_what_to_do(release, sql: str, is_told: bool) -> None:
    with pytest.raises(QueryError) as refused:
        list(answers(release, sql))
    (line,) = refused.value.problems
    assert line.endswith(INSTEAD) == is_told


def test_an_answer_without_end_is_a_line_and_not_a_full_memory(release, monkeypatch) -> None:
    monkeypatch.setattr(analysts, "MOST_VALUES", 60_000)
    assert len(only(release, "select range as a, 1 as b from range(30000)").rows) == 30_000  # just fits
    with pytest.raises(QueryError, match="more than 30,000 rows"):
        list(answers(release, "select range as a, 1 as b from range(1000000000000)"))


@pytest.mark.parametrize("how", ["argument", "standard input"])
def test_sql_that_is_no_utf8_is_told(published_once, how: str) -> None:
    """As a shell of another encoding hands it on: Windows-1252."""
    sql = b"select 'S\xe3o Tom\xe9' as a"
    given = sql if how == "argument" else b"-"
    done = subprocess.run(
        [str(PROGRAM), "query", "--data-dir", str(published_once.settings.data_dir), given],
        input=sql,
        env=CLEAN,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"no UTF-8" in done.stderr
    assert len(done.stderr.splitlines()) == 2


def test_a_byte_order_mark_before_the_sql_is_passed_over(published_once) -> None:
    """Editors of Windows write one."""
    command = [str(PROGRAM), "query", "-", "--format", "csv", "--data-dir", str(published_once.settings.data_dir)]
    done = subprocess.run(command, input=b"\xef\xbb\xbfselect 1 as a", env=CLEAN, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, b"a\n1\n"), done.stderr


@pytest.mark.parametrize("name", ["main.commitments", 'main."commitments"', " MARTS.Commitments "])
def test_a_view_and_its_table_are_one(release, name: str) -> None:
    assert find_table(public_tables(release), name)[0].name == "marts.commitments"
