"""The catalog that is kept beside the compiled code is the one that parsing gives, and never an older one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from ogp_pipeline import parsed_catalog, parsing
from ogp_pipeline.errors import ContractError
from ogp_pipeline.models import Catalog
from ogp_pipeline.parsed_catalog import kept_or_parsed
from ogp_pipeline.settings import project_file
from ogp_pipeline_tests.test_contracts_and_models import CONTRACT, MACROS

DATED = """
expectations:
  - {type: expect_column_min_to_be_between, column: id, min_value: 2011-01-01, severity: warning, why: It began then.}
"""


@pytest.fixture
def sql_dir(tmp_path: Path) -> Path:
    """A `sql/` folder with one table."""
    folder = tmp_path / "sql"
    (folder / "marts").mkdir(parents=True)
    (folder / "macros.sql").write_text(MACROS)
    (folder / "marts" / "things.yml").write_text(CONTRACT)
    (folder / "marts" / "things.sql").write_text("select doubled(2) as id")
    return folder


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """Where its catalog is kept."""
    return tmp_path / "__pycache__" / "sql.catalog"


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders that were parsed since the test began, each time."""
    found: list[Path] = []
    parse = parsing.parse_catalog
    monkeypatch.setattr(parsing, "parse_catalog", lambda folder: found.append(folder) or parse(folder))
    return found


def facts(catalog: Catalog) -> dict[str, object]:
    """Every field of a catalog and its models, with what was given in their contracts and what was not."""
    models = [*catalog, *catalog.release_tables]
    return {
        "order": list(catalog.models),
        "release tables": [model.name for model in catalog.release_tables],
        "macros": catalog.macros,
        "models": [[getattr(model, field.name) for field in fields(model)] for model in models],
        "given": [model.contract.model_fields_set for model in models],
        "arguments": [[rule.arguments for rule in model.contract.expectations] for model in models],
        "types": [[type(value) for value in vars(model.contract).values()] for model in models],
        "steps": catalog.steps(),
    }


def test_the_projects_own_catalog_is_kept_and_reads_back_equal(kept: Path, parsed: list[Path]) -> None:
    first = kept_or_parsed(project_file("sql"), kept)
    second = kept_or_parsed(project_file("sql"), kept)
    assert parsed == [project_file("sql")]
    assert first == second and facts(first) == facts(second)


EDITS = [
    ("marts/things.sql", "select 3 as id", "another SELECT"),
    ("marts/things.yml", CONTRACT + "source: Made up.\n", "another contract"),
    ("marts/more.yml", CONTRACT + "built_by: ogp_pipeline.reference_tables:read\n", "a contract more"),
    ("macros.sql", MACROS + "-- A word more.\n", "another comment in a macro"),
]


@pytest.mark.parametrize(("name", "text", "why"), EDITS, ids=[why for *_, why in EDITS])
def test_an_edit_is_seen_by_the_next_load(sql_dir: Path, kept: Path, name: str, text: str, why: str) -> None:
    """Even where size and time of a file stay what they were: its bytes are asked."""
    before = kept_or_parsed(sql_dir, kept)
    path = sql_dir / name
    times = path.stat() if path.exists() else None
    path.write_text(text)
    if times:
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    after = kept_or_parsed(sql_dir, kept)
    assert after != before
    assert after == parsing.parse_catalog(sql_dir) == kept_or_parsed(sql_dir, kept)


def test_a_table_that_is_gone_is_gone_from_the_next_load(sql_dir: Path, kept: Path) -> None:
    for suffix in (".sql", ".yml"):
        shutil.copy(sql_dir / "marts" / f"things{suffix}", sql_dir / "marts" / f"others{suffix}")
    assert set(kept_or_parsed(sql_dir, kept).models) == {"marts.others", "marts.things"}
    for path in sql_dir.glob("marts/others.*"):
        path.unlink()
    assert set(kept_or_parsed(sql_dir, kept).models) == {"marts.things"}


DAMAGE: list[tuple[Callable[[bytes], bytes], str]] = [
    (lambda content: b"", "nothing in it"),
    (lambda content: content[:-40], "its end is missing"),
    (lambda content: content.replace(b"A table.", b"A cable."), "one letter of a description is another"),
    (lambda content: content.split(b"\n", 1)[1], "no seal"),
    (lambda content: content.split(b"\n", 1)[0] + b"\n{}", "a seal without its catalog"),
    (lambda content: b"\xff\x00" * 100, "no text"),
]


@pytest.mark.parametrize(("damage", "why"), DAMAGE, ids=[why for _, why in DAMAGE])
def test_a_damaged_file_is_parsed_anew_and_mended(
    sql_dir: Path, kept: Path, parsed: list[Path], damage: Callable[[bytes], bytes], why: str
) -> None:
    catalog = kept_or_parsed(sql_dir, kept)
    content = kept.read_bytes()
    kept.write_bytes(damage(content))
    assert kept_or_parsed(sql_dir, kept) == catalog and len(parsed) == 2
    assert kept.read_bytes() == content


def test_the_file_of_another_folder_is_not_taken(sql_dir: Path, kept: Path, parsed: list[Path]) -> None:
    """A checkout that was moved with its compiled code names other paths."""
    kept_or_parsed(sql_dir, kept)
    moved = sql_dir.rename(sql_dir.with_name("moved"))
    assert all(model.path.is_relative_to(moved) for model in kept_or_parsed(moved, kept))
    assert len(parsed) == 2


def test_another_release_of_what_parses_is_asked_anew(
    sql_dir: Path, kept: Path, parsed: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept_or_parsed(sql_dir, kept)
    monkeypatch.setattr(parsed_catalog, "version", lambda name: "99.0")
    kept_or_parsed(sql_dir, kept)
    assert len(parsed) == 2


def test_where_nothing_can_be_written_it_is_parsed_each_time(tmp_path: Path, sql_dir: Path, parsed: list[Path]) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    kept = in_the_way / "sql.catalog"  # as root may write into every folder, the folder is none
    assert kept_or_parsed(sql_dir, kept) == kept_or_parsed(sql_dir, kept)
    assert len(parsed) == 2


def test_a_folder_in_its_place_is_no_fault(sql_dir: Path, kept: Path) -> None:
    kept.mkdir(parents=True)
    assert kept_or_parsed(sql_dir, kept) == parsing.parse_catalog(sql_dir)
    assert list(kept.parent.iterdir()) == [kept]


def test_faults_are_never_kept(sql_dir: Path, kept: Path) -> None:
    (sql_dir / "marts" / "things.sql").write_text("select * from nowhere")
    for _ in range(2):
        with pytest.raises(ContractError, match="reads nowhere"):
            kept_or_parsed(sql_dir, kept)
    assert not kept.exists()


@pytest.mark.parametrize(
    ("contract", "why"),
    [
        (CONTRACT + DATED, "a date, which would come back as a text"),
        (CONTRACT + "built_by: xml.dom.minidom:parse\n", "a builder whose source is not asked"),
    ],
)
def test_what_would_not_come_back_the_same_is_not_kept(sql_dir: Path, kept: Path, contract: str, why: str) -> None:
    (sql_dir / "marts" / "things.yml").write_text(contract)
    if "built_by" in contract:
        (sql_dir / "marts" / "things.sql").unlink()
    assert kept_or_parsed(sql_dir, kept) == parsing.parse_catalog(sql_dir)
    assert not kept.exists()


def test_what_changes_while_it_is_parsed_is_not_kept(
    sql_dir: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parse = parsing.parse_catalog

    def edited_after(folder: Path) -> Catalog:
        catalog = parse(folder)
        (folder / "marts" / "things.sql").write_text("select 3 as id")
        return catalog

    monkeypatch.setattr(parsing, "parse_catalog", edited_after)
    kept_or_parsed(sql_dir, kept)
    assert not kept.exists()


def test_code_that_was_edited_after_it_was_imported_keeps_nothing(
    sql_dir: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an older parser found must not be taken for what the newer one would find."""
    monkeypatch.setattr(parsed_catalog, "IMPORTED_AT", time.time() - 10 * 365 * 86400)
    kept_or_parsed(sql_dir, kept)
    assert not kept.exists()


def test_two_processes_may_load_at_once(tmp_path: Path) -> None:
    code = "from ogp_pipeline.models import load_catalog; print(len(load_catalog().models))"
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(tmp_path / "cache")}
    started = [
        subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    first, second = (process.communicate(timeout=120)[0] for process in started)
    assert first == second != ""
    (kept,) = (tmp_path / "cache").rglob("*.catalog")
    assert [path.name for path in kept.parent.iterdir() if path.name.startswith(".")] == []
