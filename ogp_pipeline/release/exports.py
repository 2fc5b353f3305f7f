"""The exports of a release: every table as Parquet and as CSV, a workbook, and what describes them.

Writes into the folder of a candidate that is finished; `manifest` comes last of all, when every other file is there.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb

from ogp_pipeline.dictionary import TableEntry, entries_of_release
from ogp_pipeline.release.csv_files import write_csv
from ogp_pipeline.release.data_package import data_package
from ogp_pipeline.release.facts import release_facts, release_session
from ogp_pipeline.release.workbook import write_workbook
from ogp_pipeline.safe_text import json_text
from ogp_pipeline.store import literal

DATA_PACKAGE = "datapackage.json"
WORKBOOK = "ogp.xlsx"


def write_exports(database: Path, folder: Path, tables_dir: Path) -> list[Path]:
    """Write `parquet/`, `csv/`, `ogp.xlsx` and `datapackage.json` of the candidate `database` into `folder`.

    `tables_dir` holds the working tables it was built from: their Parquet files are the release's, byte for byte, so
    that the fingerprint in `meta.tables` is the sha256 of the file. Equal tables give equal files of both kinds.
    """
    with release_session(database) as connection:
        # two would hold many blocks of a large CSV file until their turn comes, and the other core writes the report
        connection.execute("set threads = 1")
        facts = release_facts(connection)
        tables = entries_of_release(connection)
        written = [_write_parquet(connection, table, folder / "parquet", tables_dir) for table in tables]
        (folder / "csv").mkdir(exist_ok=True)
        files = {table.name: folder / "csv" / f"{table.name}.csv" for table in tables}
        missing = {table.name: write_csv(connection, table, files[table.name]) for table in tables}
        package = folder / DATA_PACKAGE
        content = data_package(facts, tables, files, missing)
        text = json_text(json.dumps(content, indent=1, ensure_ascii=False))
        package.write_text(text + "\n", encoding="utf-8", newline="\n")
        workbook = write_workbook(connection, facts, tables, folder / WORKBOOK)
    return [*written, *files.values(), package, workbook]


def _write_parquet(connection: duckdb.DuckDBPyConnection, table: TableEntry, folder: Path, tables_dir: Path) -> Path:
    folder.mkdir(exist_ok=True)
    target = folder / f"{table.name}.parquet"
    working = tables_dir / target.name
    if working.exists():
        shutil.copyfile(working, target)
    else:  # a table that exists in releases only
        connection.execute(
            f"copy (from {table.name}) to {literal(target.as_posix())} (format parquet, compression zstd)"
        )
    return target
