"""What analysts ask of the published release: which tables there are, what a column means, a query of their own.

Opening `data/ogp.duckdb` so that a query can neither write nor reach a file or a server, reading the dictionary and
running statements belong here. How an answer is written is `analysts_formats`, the commands are `cli_analysts`.
"""

from __future__ import annotations

import difflib
import json
import os
import shlex
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from ogp_pipeline.errors import InputError, OgpError
from ogp_pipeline.query_limits import SECONDS, ended_after, too_long
from ogp_pipeline.safe_text import visible
from ogp_pipeline.settings import Settings

# Where a name without a schema is looked for first: what is derived before what it was derived from.
SCHEMA_ORDER = ("marts", "metrics", "reference", "meta", "staging", "quarantine", "raw")
WORKINGS = ("staging", "quarantine", "raw")  # the way from the official file to the tables above
SYNTHETIC = "SYNTHETIC: this release holds the fictional sample, no real commitments."
# A join of all commitments with all commitments fits (0.3 GB on the files of 2016); a mistake does not fill a laptop.
MEMORY = "2GB"
# An answer is held whole. This is a thousand times the commitments of 2016 with ten columns, and about 2 GB.
MOST_VALUES = 20_000_000
ROWS_AT_ONCE = 10_000
# What DuckDB says where a file, a server, a setting or writing is closed; it does not say what to do instead.
REFUSALS = ("disabled", "read-only", "locked", "extension")
INSTEAD = (
    "a query only reads the release: write its answer with -o FILE, and see `ogp-pipeline open` for programs "
    "that can do more"
)
TOO_LARGE = (
    "it needs more memory than a query may take: join or collect fewer rows, or `limit` them; "
    "`ogp-pipeline open` says how to open the release in a program without this limit"
)


class QueryError(OgpError):
    """A statement that DuckDB does not run (exit status 2)."""

    heading = "the query was not answered"


@dataclass(frozen=True)
class Table:
    """One line of `meta.tables`."""

    name: str  # schema.table
    rows: int
    grain: str
    description: str
    key_columns: str | None
    usage_warning: str | None
    source_rule: str | None


@dataclass(frozen=True)
class Column:
    """One line of `meta.columns`."""

    name: str
    type: str
    description: str
    unit: str | None
    codes: str | None  # separated by vertical bars
    is_key: bool
    is_required: bool
    source_rule: str | None


@dataclass(frozen=True)
class Answer:
    """The rows a statement gave, with DuckDB's name and type of each column."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: list[tuple[Any, ...]]


@contextmanager
def open_release(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published release, read only, in a session that reaches nothing else.

    DuckDB itself refuses files (also the path of the release), servers, extensions and a change of any setting:
    the file systems are switched off after the release is open and the configuration is locked. InputError where
    there is no release, or none that this DuckDB can read.
    """
    path = settings.database
    if not path.exists():
        raise InputError(f"there is no release in {settings.data_dir}: run `ogp-pipeline refresh` first")
    try:
        connection = duckdb.connect(
            str(path),
            read_only=True,
            config={
                "enable_external_access": False,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "allow_community_extensions": False,
                # a name in SQL means a table of the release, never a variable of this program
                "python_enable_replacements": False,
                "memory_limit": MEMORY,
                "temp_directory": "",
            },
        )
    except duckdb.Error as error:
        raise InputError(
            f"{path} cannot be opened ({one_line(error)}): `ogp-pipeline doctor` says what to do"
        ) from error
    with connection:
        connection.execute("set disabled_filesystems = 'LocalFileSystem'")
        connection.execute("set lock_configuration = true")
        yield connection


def is_synthetic(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the open release was made from the sample."""
    sql = "select is_synthetic from meta.releases order by release_id desc limit 1"
    return (connection.execute(sql).fetchone() or (False,))[0]


def public_tables(connection: duckdb.DuckDBPyConnection) -> list[Table]:
    """Every table of the release, those people ask first."""
    rows = _dictionaries(connection, "meta.tables")
    tables = [
        Table(
            name=f"{row['table_schema']}.{row['table_name']}",
            **{name: row[name] for name in ("rows", "grain", "description", "key_columns")},
            usage_warning=row.get("usage_warning"),
            source_rule=row.get("source_rule"),
        )
        for row in rows
    ]
    return sorted(tables, key=lambda table: (_rank(table.name), table.name))


def columns_of(connection: duckdb.DuckDBPyConnection, table: Table) -> list[Column]:
    """The columns of a table in their order."""
    schema, name = table.name.split(".", 1)
    found = [
        row
        for row in _dictionaries(connection, "meta.columns")
        if (row["table_schema"], row["table_name"]) == (schema, name)
    ]
    return [
        Column(
            name=row["column_name"],
            **{name: row[name] for name in ("type", "description", "unit", "codes", "is_key", "is_required")},
            source_rule=row.get("source_rule"),
        )
        for row in sorted(found, key=lambda row: row["position"])
    ]


def find_table(tables: list[Table], name: str) -> tuple[Table, list[Table]]:
    """The table that is called `commitments` or `marts.commitments`, and others of that name in other schemas.

    InputError names the nearest ones where there is none.
    """
    wanted = name.strip().lower().replace('"', "").removeprefix("main.")  # the views
    found = [table for table in tables if wanted in (table.name, table.name.split(".", 1)[1])]
    if found:
        return found[0], found[1:]
    short = wanted.rsplit(".", 1)[-1]
    names = {table.name.split(".", 1)[1]: table.name for table in reversed(tables)}
    near = [names[match] for match in difflib.get_close_matches(short, names, n=3, cutoff=0.5)]
    holding = [table.name for table in tables if short and short in table.name and table.name not in near]
    nearest = [*near, *holding][:5]
    advice = f"did you mean {', '.join(nearest)}?" if nearest else "`ogp-pipeline tables` lists them"
    raise InputError(f"there is no table {visible(name)}: {advice}")


def answers(connection: duckdb.DuckDBPyConnection, sql: str, seconds: float = SECONDS) -> Iterator[Answer]:
    """The answer of each statement that gives rows; QueryError says in one line what DuckDB refused, that an
    answer is too large to be held, or that all of them took longer than `seconds`.
    """
    if not _is_unicode(sql):
        raise QueryError("the SQL holds bytes that are no UTF-8: save it as UTF-8")
    try:
        statements = connection.extract_statements(sql)
        if not statements:
            raise QueryError("no SQL was given: for example ogp-pipeline query 'from stars'")
        with ended_after(connection, seconds):
            for statement in statements:
                connection.execute(statement)
                description = connection.description or []
                if _gives_rows(statement, description):
                    yield Answer(
                        columns=tuple(column[0] for column in description),
                        types=tuple(str(column[1]) for column in description),
                        rows=_rows(connection, len(description)),
                    )
    except duckdb.InterruptException as error:
        raise QueryError(too_long(seconds)) from error
    except (duckdb.OutOfMemoryException, MemoryError) as error:
        raise QueryError(TOO_LARGE) from error
    except duckdb.Error as error:
        text = one_line(error)
        hint = f": {INSTEAD}" if any(word in text for word in REFUSALS) else ""
        raise QueryError(text + hint) from error


def one_line(error: duckdb.Error) -> str:
    """What DuckDB says, without the drawing that points into the SQL, in one line."""
    text = str(error).split("\nLINE ", 1)[0]
    return visible(" ".join(text.split()))


def _is_unicode(text: str) -> bool:
    """False where the shell handed on bytes of another encoding, which Python keeps as broken characters."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _gives_rows(statement: duckdb.Statement, description: list[tuple]) -> bool:
    """False for a statement that only acts, such as `use` or `create temp table`.

    DuckDB tells it of no statement before it has run: `pivot` is several statements, of which the last gives rows.
    """
    only_acts = statement.type == duckdb.StatementType.CREATE
    return not only_acts and [column[0] for column in description] not in ([], ["Success"])


def _rows(connection: duckdb.DuckDBPyConnection, columns: int) -> list[tuple[Any, ...]]:
    """All rows, as long as they can be held."""
    rows: list[tuple[Any, ...]] = []
    while some := connection.fetchmany(ROWS_AT_ONCE):
        rows += some
        if len(rows) * columns > MOST_VALUES:
            raise QueryError(
                f"the answer has more than {MOST_VALUES // columns:,} rows: add `limit`, or count in SQL; "
                "`ogp-pipeline open` says how to open the release in a program that streams"
            )
    return rows


def ways_to_open(path: Path) -> str:
    """How to open the release read only, with its real path, in the tools people use."""
    place = os.path.abspath(path)
    text = json.dumps(place, ensure_ascii=False)  # a string of Python and of R alike
    return textwrap.dedent(
        """\
        DuckDB command line (1.2 or newer)
            duckdb -readonly {shell}

        Python (pip install duckdb)
            import duckdb
            release = duckdb.connect({text}, read_only=True)
            release.sql("from meta.tables")

        R (install.packages("duckdb"))
            release <- DBI::dbConnect(duckdb::duckdb(), dbdir = {text}, read_only = TRUE)
            DBI::dbGetQuery(release, "from meta.tables")

        BI tools over JDBC (DBeaver, Metabase, ...)
            URL       jdbc:duckdb:{place}
            property  duckdb.read_only = true

        The file is replaced whole by a refresh: what is open keeps the release it opened. Connect again to see the new.
        """
    ).format(shell=shlex.quote(place), text=text, place=place)


def _rank(name: str) -> int:
    schema = name.split(".", 1)[0]
    return SCHEMA_ORDER.index(schema) if schema in SCHEMA_ORDER else len(SCHEMA_ORDER)


def _dictionaries(connection: duckdb.DuckDBPyConnection, table: str) -> list[dict[str, Any]]:
    done = connection.execute(f"from {table}")
    names = [column[0] for column in done.description or []]
    return [dict(zip(names, row, strict=True)) for row in done.fetchall()]
