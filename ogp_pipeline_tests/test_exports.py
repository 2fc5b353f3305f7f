"""The exports of a release: they say exactly what the tables say, in files that other programs read and check."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from frictionless import Package

from ogp_pipeline.dictionary import ColumnEntry, TableEntry, entries_of_release
from ogp_pipeline.models import Catalog
from ogp_pipeline.release.csv_files import write_csv
from ogp_pipeline.release.data_package import data_package
from ogp_pipeline.release.facts import ReleaseFacts, SourceFact, release_session
from ogp_pipeline.release.workbook import CELL_LENGTH, CONTENTS, SCHEMAS_SHOWN, sheet_names, write_workbook
from ogp_pipeline_tests.world import World

# the one table that says when and from which folder a release was made
# when it was published, when each file was first seen here, and the fingerprint of the table that says so
TELLS_THE_RUN = {"meta.releases", "meta.sources", "meta.tables"}


def release_folder(world: World) -> Path:
    (folder,) = (path for path in world.settings.releases_dir.iterdir() if path.is_dir())
    return folder


@pytest.fixture(scope="module")
def small_release(published_once: World) -> Path:
    """The folder of a release of fifty commitments."""
    return release_folder(published_once)


@pytest.fixture(scope="module")
def sample_release(sampled_once: World) -> Path:
    """The folder of a release of the sample."""
    return release_folder(sampled_once)


def rows_of_csv(package: Package, table: str) -> list[tuple]:
    """The rows that Frictionless reads from a CSV file by its schema; numbers as floats, as Parquet has them."""
    with package.get_resource(table).open() as resource:
        return [
            tuple(float(value) if isinstance(value, Decimal) else value for value in row.to_list())
            for row in resource.row_stream
        ]


# --- Parquet and CSV


def test_every_table_is_there_in_both_forms(sample_release: Path, catalog: Catalog) -> None:
    tables = {model.name for model in (*catalog.public, *catalog.release_tables)}
    assert {path.stem for path in (sample_release / "parquet").iterdir()} == tables
    assert {path.stem for path in (sample_release / "csv").iterdir()} == tables


def test_parquet_holds_what_the_database_holds(sample_release: Path) -> None:
    with release_session(sample_release / "ogp.duckdb") as connection:
        for table in entries_of_release(connection):
            path = sample_release / "parquet" / f"{table.name}.parquet"
            assert (
                connection.execute(f"from '{path}'").fetchall() == connection.execute(f"from {table.name}").fetchall()
            )


def test_csv_gives_back_every_value_of_parquet(sample_release: Path) -> None:
    package = Package(sample_release / "datapackage.json")
    different = []
    for name in package.resource_names:
        expected = duckdb.execute(f"from '{sample_release / 'parquet' / name}.parquet'").fetchall()
        if rows_of_csv(package, name) != expected:
            different.append(name)
    assert len(package.resource_names) > 90
    assert different == []


def test_the_sample_is_a_valid_data_package(sample_release: Path) -> None:
    report = Package(sample_release / "datapackage.json").validate()
    assert [(task.name, error.message) for task in report.tasks for error in task.errors] == []
    assert report.stats["warnings"] == 0


@pytest.mark.parametrize(
    ("table", "old", "new"),
    [
        pytest.param("reference.members", b"Albania", b"Albanja", id="one letter: the hash"),
        pytest.param("reference.members", b"Albania", b"Alba", id="shorter: the size"),
    ],
)
def test_a_file_that_was_changed_is_noticed(small_release: Path, tmp_path: Path, table: str, old, new) -> None:
    shutil.copytree(small_release / "csv", tmp_path / "csv")
    shutil.copyfile(small_release / "datapackage.json", tmp_path / "datapackage.json")
    path = tmp_path / "csv" / f"{table}.csv"
    path.write_bytes(path.read_bytes().replace(old, new))
    report = Package(tmp_path / "datapackage.json").get_resource(table).validate()
    assert not report.valid


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_two_builds_of_the_same_files_give_the_same_bytes(small_release: Path, world: World, kind: str) -> None:
    world.ten_plans()
    world.build().publish()
    again = release_folder(world)
    different = {
        path.stem
        for path in (small_release / kind).iterdir()
        if path.read_bytes() != (again / kind / path.name).read_bytes()
    }
    assert different == TELLS_THE_RUN


# --- hostile values

HOSTILE_TEXTS = [
    pytest.param(["plain"], [""], id="nothing special"),
    pytest.param(["a", None], [""], id="NULL is an empty cell"),
    pytest.param(["a", ""], [], id="no NULL: an empty cell is an empty text"),
    pytest.param(["a", "", None], ["\\N"], id="both: NULL is written"),
    pytest.param(["\\N", "", None], ["\\\\N"], id="both, and a text like the marker"),
    pytest.param(["NULL", "None", "NA", "nan", "null", None], [""], id="words that other readers take for NULL"),
    pytest.param(['say "yes"', '"', '""', '","', "'", "\\", '\\"'], [""], id="quotes and backslashes"),
    pytest.param(["one\ntwo", "one\r\ntwo", "one\rtwo", "\n", "\r\n"], [""], id="line breaks of all kinds"),
    pytest.param([" a ", "\ta\t", " ", "\u00a0", "\ufeffa"], [""], id="spaces at the ends, a byte order mark"),
    pytest.param(["a,b;c|d", "#a", "--", "0012", "1e5", "true", "2024-03-01", "[1]"], [""], id="like other types"),
    pytest.param(["Côte d'Ivoire", "日本", "🏛", "e\u0301", "\u202eabc", "\x01\x0b\x1f"], [""], id="every alphabet"),
    pytest.param(["x" * 100_000], [""], id="long"),
]


def hostile(connection: duckdb.DuckDBPyConnection, kind: str, values: list[Any], column: str = "value") -> TableEntry:
    """A table of one column of values beside its row numbers."""
    connection.execute("create schema if not exists marts")
    quoted = column.replace('"', '""')
    connection.execute(f'create or replace table marts.hostile (number integer, "{quoted}" {kind})')
    for number, value in enumerate(values):
        connection.execute("insert into marts.hostile values (?, ?)", [number, value])
    return TableEntry(
        "marts", "hostile", "Hostile.", "One row.", ("number",), None, None,
        (entry("number", "INTEGER", 1, is_key=True), entry(column, kind, 2)),
    )  # fmt: skip


def entry(name: str, kind: str, position: int, is_key: bool = False) -> ColumnEntry:
    return ColumnEntry(name, position, kind, "Meaning.", "unit", (), None, is_key, is_key, is_key, None, None)


def facts(*sources: SourceFact, is_synthetic: bool = False) -> ReleaseFacts:
    return ReleaseFacts("2026-01-01", "2026-01-01T00:00:00Z", is_synthetic, "c", "i", "h", None, {}, sources)


def source(licence: str | None, status: str = "loaded", url: str | None = None) -> SourceFact:
    return SourceFact("a.csv", "explorer_commitments", status, "OGP", url, licence, "2016-07-01", False, "00", 1, 1)


def exported(connection: duckdb.DuckDBPyConnection, table: TableEntry, folder: Path) -> tuple[Package, dict]:
    """A data package of this one table, and what means NULL in its columns."""
    (folder / "csv").mkdir()
    path = folder / "csv" / f"{table.name}.csv"
    missing = write_csv(connection, table, path)
    descriptor = data_package(facts(), [table], {table.name: path}, {table.name: missing})
    (folder / "datapackage.json").write_text(json.dumps(descriptor), encoding="utf-8")
    return Package(folder / "datapackage.json"), missing


@pytest.mark.parametrize(("texts", "missing"), HOSTILE_TEXTS)
def test_hostile_text_goes_through_csv_unchanged(texts: list, missing: list[str], tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        table = hostile(connection, "VARCHAR", texts)
        package, found = exported(connection, table, tmp_path)
    assert found["value"] == missing
    assert package.validate().valid
    assert rows_of_csv(package, table.name) == list(enumerate(texts))


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        pytest.param("DOUBLE", [0.1, 1 / 3, 5e-324, 1.7976931348623157e308, 1e22, -0.0, 3.0, None], id="digits"),
        pytest.param("DOUBLE", [float("inf"), float("-inf")], id="infinite"),
        pytest.param("BIGINT", [0, -1, 2**63 - 1, -(2**63), None], id="whole numbers"),
        pytest.param("BOOLEAN", [True, False, None], id="truth"),
        pytest.param("DATE", [date(1, 1, 1), date(2024, 2, 29), date(9999, 12, 31), None], id="dates"),
        pytest.param("TIMESTAMP", [datetime(2026, 1, 2, 3, 4, 5, 6), datetime(2026, 1, 2), None], id="microseconds"),
        pytest.param("VARCHAR[]", [[], ["a", 'b "c"', "d,e\nf", ""], [None], None], id="lists"),
    ],
)
def test_every_type_goes_through_csv_unchanged(kind: str, values: list, tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        table = hostile(connection, kind, values)
        package, _ = exported(connection, table, tmp_path)
    assert rows_of_csv(package, table.name) == list(enumerate(values))


@pytest.mark.parametrize("column", ['say "yes"', "a, b", "two\nlines", "=1+1", "#"])
def test_hostile_column_names_go_through(column: str, tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        table = hostile(connection, "VARCHAR", ["a"], column)
        package, _ = exported(connection, table, tmp_path)
    assert package.validate().valid
    assert rows_of_csv(package, table.name) == [(0, "a")]


def test_a_table_of_one_column_keeps_its_empty_rows(tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute("create schema marts")
        connection.execute("create table marts.alone as select unnest([1, null, 2]) as number")
        table = TableEntry("marts", "alone", "d", "g", (), None, None, (entry("number", "INTEGER", 1),))
        package, _ = exported(connection, table, tmp_path)
    assert rows_of_csv(package, table.name) == [(1,), (None,), (2,)]


# --- the workbook


@pytest.fixture(scope="module")
def workbook(sample_release: Path):
    from openpyxl import load_workbook

    return load_workbook(sample_release / "ogp.xlsx", read_only=True)


def test_the_workbook_holds_the_tables_people_read(workbook, sample_release: Path, catalog: Catalog) -> None:
    models = [*catalog.public, *catalog.release_tables]
    shown = {model.name for model in models if model.schema in SCHEMAS_SHOWN}
    listed = [row for row in workbook[CONTENTS].iter_rows(values_only=True) if len(row) > 1 and row[1] in shown]
    assert {row[1] for row in listed} == shown
    assert {row[0] for row in listed} == set(workbook.sheetnames) - {CONTENTS}
    with (
        release_session(sample_release / "ogp.duckdb") as connection,
        zipfile.ZipFile(sample_release / "ogp.xlsx") as archive,
    ):
        for sheet, table, rows, *_ in listed:
            number = workbook.sheetnames.index(sheet) + 1
            assert archive.read(f"xl/worksheets/sheet{number}.xml").count(b"<row ") - 1 == rows
            assert connection.execute(f"select count(*) from {table}").fetchone() == (rows,)
    assert "SYNTHETIC" in workbook[CONTENTS]["A1"].value


def test_a_sheet_holds_the_values_of_its_table(workbook, sample_release: Path) -> None:
    rows = list(workbook["metrics.vital_signs"].iter_rows(min_row=2, values_only=True))
    with release_session(sample_release / "ogp.duckdb") as connection:
        expected = connection.execute("from metrics.vital_signs").fetchall()
    # a spreadsheet keeps fifteen digits
    assert rows == [
        tuple(pytest.approx(value, rel=1e-15) if isinstance(value, float) else value for value in row)
        for row in expected
    ]


def test_no_cell_of_the_workbook_is_a_formula(sample_release: Path) -> None:
    with zipfile.ZipFile(sample_release / "ogp.xlsx") as archive:
        sheets = [name for name in archive.namelist() if name.startswith("xl/worksheets/")]
        assert len(sheets) > 40
        assert [name for name in sheets if b"<f>" in archive.read(name) or b"<f " in archive.read(name)] == []


@pytest.mark.parametrize(
    ("text", "shown", "note"),
    [
        pytest.param("=1+1", "=1+1", None, id="a formula"),
        pytest.param("=cmd|' /C calc'!A0", "=cmd|' /C calc'!A0", None, id="a command"),
        pytest.param('=HYPERLINK("http://x","y")', '=HYPERLINK("http://x","y")', None, id="a link"),
        pytest.param("+1", "+1", None, id="plus"),
        pytest.param("-1", "-1", None, id="minus"),
        pytest.param("@SUM(A1)", "@SUM(A1)", None, id="at"),
        pytest.param("\t=1", "\t=1", None, id="behind a tabulator"),
        pytest.param("#N/A", "#N/A", None, id="an error value"),
        pytest.param("0012", "0012", None, id="a number that is none"),
        pytest.param("a & b <c> ]]>", "a & b <c> ]]>", None, id="markup"),
        # openpyxl shows the escape that the format asks for
        pytest.param("_x0041_x0042_", "_x005F_x0041_x005F_x0042_", None, id="what a spreadsheet reads as characters"),
        pytest.param("a\x01b", "a\ufffdb", "1 cells with characters replaced", id="a control character"),
        pytest.param("a\ufffeb", "a\ufffdb", "1 cells with characters replaced", id="no character at all"),
        pytest.param("a\r\nb\rc", "a\nb\nc", None, id="carriage returns"),
        pytest.param("x" * (CELL_LENGTH + 1), "x" * CELL_LENGTH, "1 cells cut", id="too long"),
        pytest.param("  a  ", "  a  ", None, id="spaces at the ends"),
    ],
)
def test_hostile_text_is_text_in_the_workbook(text: str, shown: str, note: str | None, tmp_path: Path) -> None:
    from openpyxl import load_workbook

    with duckdb.connect() as connection:
        table = hostile(connection, "VARCHAR", [text])
        write_workbook(connection, facts(), [table], tmp_path / "x.xlsx")
    read = load_workbook(tmp_path / "x.xlsx")
    cell = read["marts.hostile"]["B2"]
    assert (cell.value, cell.data_type) == (shown, "s")
    assert cell.quotePrefix is text.startswith(("=", "+", "-", "@", "#", "\t"))
    assert [row[5] for row in read[CONTENTS].iter_rows(values_only=True)][-1] == note


@pytest.mark.parametrize(
    ("kind", "value", "shown", "data_type"),
    [
        pytest.param("DOUBLE", 0.1, 0.1, "n", id="number"),
        pytest.param("DOUBLE", float("inf"), "inf", "s", id="no number of a spreadsheet"),
        pytest.param("BIGINT", 2**60, str(2**60), "s", id="more digits than a spreadsheet keeps"),
        pytest.param("BOOLEAN", True, True, "b", id="truth"),
        pytest.param("DATE", date(2024, 3, 1), datetime(2024, 3, 1), "d", id="date"),
        pytest.param("DATE", date(1815, 3, 1), "1815-03-01", "s", id="before a spreadsheet's first year"),
        pytest.param("DATE", date(1900, 2, 1), "1900-02-01", "s", id="before a day that a spreadsheet has too many"),
        pytest.param(
            "TIMESTAMP", datetime(2024, 3, 1, 12, 30), datetime(2024, 3, 1, 12, 30), "d", id="time to the second"
        ),
        pytest.param("DECIMAL(9, 2)", Decimal("1.50"), '"1.50"', "s", id="a type that no table has"),
        pytest.param("VARCHAR[]", ["=1", "b"], '["=1", "b"]', "s", id="list"),
    ],
)
def test_types_of_the_workbook(kind: str, value: Any, shown: Any, data_type: str, tmp_path: Path) -> None:
    from openpyxl import load_workbook

    with duckdb.connect() as connection:
        table = hostile(connection, kind, [value])
        write_workbook(connection, facts(), [table], tmp_path / "x.xlsx")
    sheet = load_workbook(tmp_path / "x.xlsx")["marts.hostile"]
    assert (sheet["B2"].value, sheet["B2"].data_type) == (shown, data_type)
    assert sheet.freeze_panes == "A2"


@pytest.mark.parametrize(
    ("limit", "least"),
    [
        pytest.param("ROWS_OF_A_SHEET", 3, id="three rows and their header are one too many for the format"),
        pytest.param("CELLS_OF_A_SHEET", 5, id="three rows of two columns are one cell too many to open"),
    ],
)
def test_a_table_too_large_for_a_sheet_is_left_out_and_told(
    limit: str, least: int, tmp_path: Path, monkeypatch
) -> None:
    from openpyxl import load_workbook

    from ogp_pipeline.release import workbook as module

    monkeypatch.setattr(module, limit, least)
    with duckdb.connect() as connection:
        table = hostile(connection, "VARCHAR", ["a", "b", "c"])
        write_workbook(connection, facts(), [table], tmp_path / "x.xlsx")
        monkeypatch.setattr(module, limit, least + 1)
        write_workbook(connection, facts(), [table], tmp_path / "fits.xlsx")
    read = load_workbook(tmp_path / "x.xlsx")
    assert read.sheetnames == [CONTENTS]
    sheet, name, rows, *_, note = next(read[CONTENTS].iter_rows(min_row=read[CONTENTS].max_row, values_only=True))
    assert (sheet, name, rows) == (None, "marts.hostile", 3)
    assert note == "left out: 3 rows of 2 columns are too many; see csv/marts.hostile.csv"
    assert load_workbook(tmp_path / "fits.xlsx")["marts.hostile"].max_row == 4


def test_a_workbook_does_not_hold_the_time_at_which_it_is_written(tmp_path: Path, monkeypatch) -> None:
    with duckdb.connect() as connection:
        table = hostile(connection, "VARCHAR", ["a"])
        first = write_workbook(connection, facts(), [table], tmp_path / "first.xlsx").read_bytes()
        monkeypatch.setattr("time.time", lambda: 0.0)
        assert write_workbook(connection, facts(), [table], tmp_path / "second.xlsx").read_bytes() == first


def test_sheet_names_are_short_and_different() -> None:
    long = "metrics.conformance_disagreements"
    names = sheet_names([long, long + "_2", "marts.members", "contents"])
    assert names == {
        long: "metrics.conformance_disagreem~1",
        long + "_2": "metrics.conformance_disagreem~2",
        "marts.members": "marts.members",
        "contents": "contents~1",
    }
    assert all(len(name) <= 31 for name in names.values())


# --- what describes the files


@pytest.mark.parametrize(
    ("sources", "licences", "note"),
    [
        pytest.param([source("CC0-1.0"), source("CC0-1.0")], ["CC0-1.0"], False, id="all of one known licence"),
        pytest.param([source("CC0-1.0"), source(None)], None, True, id="one says nothing"),
        pytest.param([source("CC0-1.0"), source("CC-BY-4.0")], None, True, id="two licences are none of the whole"),
        pytest.param([source("unconfirmed")], None, True, id="unconfirmed"),
        pytest.param([source("CC0-1.0"), source(None, status="refused")], ["CC0-1.0"], False, id="refused: not in it"),
    ],
)
def test_a_licence_is_named_only_where_it_is_known(sources, licences: list[str] | None, note: bool) -> None:
    package = data_package(facts(*sources), [], {}, {})
    assert (package.get("licenses") and [entry["name"] for entry in package["licenses"]]) == licences
    assert ("licence_note" in package) is note


def test_sources_say_where_they_are_from() -> None:
    package = data_package(facts(source(None, url="https://example.org/a.csv")), [], {}, {})
    assert package["sources"] == [
        {"title": "OGP: a.csv", "licence": "unconfirmed", "path": "https://example.org/a.csv", "version": "2016-07-01"}
    ]


def test_the_schema_says_what_the_contract_says(sample_release: Path) -> None:
    package = json.loads((sample_release / "datapackage.json").read_text(encoding="utf-8"))
    schemas = {resource["name"]: resource["schema"] for resource in package["resources"]}
    commitments = schemas["marts.commitments"]
    fields = {field["name"]: field for field in commitments["fields"]}
    assert commitments["primaryKey"] == ["commitment_id"]
    plan = {"fields": ["plan_id"], "reference": {"resource": "marts.action_plans", "fields": ["plan_id"]}}
    assert plan in commitments["foreignKeys"]
    assert fields["commitment_id"]["constraints"] == {"required": True, "unique": True}
    assert "complete" in fields["completion_latest"]["constraints"]["enum"]
    assert fields["progress_report_year"]["unit"] == "year"
    assert fields["start_date"]["type"] == "date"
    assert {field["name"]: field.get("missingValues") for field in schemas["marts.results"]["fields"]}["period"] == []


@pytest.mark.parametrize(("folder", "is_synthetic"), [("sample_release", True), ("small_release", False)])
def test_synthetic_is_said_everywhere(request, folder: str, is_synthetic: bool) -> None:
    release = request.getfixturevalue(folder)
    manifest, package = (
        json.loads((release / name).read_text(encoding="utf-8")) for name in ("manifest.json", "datapackage.json")
    )
    assert manifest["is_synthetic"] is package["is_synthetic"] is is_synthetic
    assert [
        text.startswith("SYNTHETIC")
        for text in (manifest.get("notice", ""), package["title"], package["resources"][0]["title"])
    ] == [is_synthetic] * 3


def test_the_manifest_lists_every_file_as_it_is(small_release: Path) -> None:
    manifest = json.loads((small_release / "manifest.json").read_text(encoding="utf-8"))
    files = {
        path.relative_to(small_release).as_posix(): {
            "bytes": path.stat().st_size,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        for path in small_release.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }
    assert manifest["files"] == files
    assert {"ogp.duckdb", "ogp.xlsx", "datapackage.json"} <= files.keys()


def test_the_manifest_says_what_the_release_is_made_of(small_release: Path, published_once: World) -> None:
    manifest = json.loads((small_release / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["release_id"] == small_release.name
    inputs = {entry["source_file"]: entry["sha256"] for entry in manifest["inputs"]}
    assert inputs == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in published_once.inputs.iterdir()
    }
    assert {"duckdb", "ogp-pipeline", "openpyxl"} <= manifest["packages"].keys()
    assert manifest["tables"]["marts.commitments"]["rows"] == 50


def test_the_fingerprint_of_a_table_is_the_hash_of_its_parquet_file(small_release: Path) -> None:
    manifest = json.loads((small_release / "manifest.json").read_text(encoding="utf-8"))
    with release_session(small_release / "ogp.duckdb") as connection:
        told = connection.execute(
            "select table_schema || '.' || table_name, fingerprint from meta.tables where fingerprint is not null"
        ).fetchall()
    assert len(told) > 90
    assert dict(told).items() <= {name: table["fingerprint"] for name, table in manifest["tables"].items()}.items()
    assert all(table["fingerprint"] for table in manifest["tables"].values())
