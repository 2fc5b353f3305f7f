"""Something in the data folder is damaged: it is named with what to do, the release stays, and doing it mends it."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from ogp_pipeline.control.rollback import roll_back
from ogp_pipeline.errors import MachineError, OgpError, PublishRefusedError
from ogp_pipeline.release.current import current_release
from ogp_pipeline.sources.snapshots import is_described, is_whole
from ogp_pipeline.store import sha256_of
from ogp_pipeline_tests.reliability.releases import hidden_files
from ogp_pipeline_tests.world import World

Spoil = Callable[[Path], object]


def opened(path: Path) -> Path:
    """A published file that may be written, as root or an owner can."""
    path.chmod(0o644)
    return path


def shortened(path: Path) -> None:
    """The first half of a file, as after a copy that was cut."""
    content = path.read_bytes()
    opened(path).write_bytes(content[: len(content) // 2])


def one_byte_changed(path: Path) -> None:
    """A file in whose middle one byte is another, as on a disk that fails."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    opened(path).write_bytes(content)


def random_bytes(path: Path) -> None:
    """A file of the same length that is noise."""
    opened(path).write_bytes(random.Random(7).randbytes(path.stat().st_size))


def emptied(path: Path) -> None:
    """A file without a byte."""
    opened(path).write_bytes(b"")


def another_database(path: Path) -> None:
    """A DuckDB file that is no release."""
    path.unlink()
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table commitments as select 1 as a")


def a_folder(path: Path) -> None:
    """A folder of the same name."""
    path.unlink(missing_ok=True)
    path.mkdir()


def a_link(path: Path) -> None:
    """A link to the file, which somebody moved."""
    elsewhere = path.with_name("elsewhere.duckdb")
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


def a_link_to_nothing(path: Path) -> None:
    """A link that leads nowhere."""
    path.unlink()
    path.symlink_to("/nowhere/ogp.duckdb")


DAMAGE_OF_A_FILE = [shortened, one_byte_changed, random_bytes, emptied]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        *((spoil, "rollback {}") for spoil in (*DAMAGE_OF_A_FILE, another_database)),
        (a_folder, "is not a file: move it away and run again"),
        (a_link, "is a link to .*: remove the link"),
        (a_link_to_nothing, "is a link to /nowhere/ogp.duckdb.*: remove the link"),
    ],
)
def test_a_damaged_current_release_is_named_and_put_back(published: World, spoil: Spoil, words: str, figure) -> None:
    settings = published.settings
    (kept,) = settings.releases_dir.glob("[0-9]*")
    whole = sha256_of(settings.database)
    spoil(settings.database)
    with pytest.raises(PublishRefusedError, match=words.format(kept.name)):
        published.publish()
    assert sha256_of(kept / "ogp.duckdb") == whole
    if settings.database.is_symlink():
        settings.database.unlink()
    elif settings.database.is_dir():
        settings.database.rmdir()
    assert roll_back(settings, kept.name).release_id == kept.name
    assert sha256_of(settings.database) == whole
    assert published.publish().status == "unchanged"
    figure(f"ogp.duckdb is {spoil.__name__.replace('_', ' ')}", "told, nothing published, mended as told")


@pytest.mark.parametrize("keeps", [pytest.param(True, id="a release is kept"), pytest.param(False, id="none is kept")])
def test_a_damaged_release_that_is_removed_is_published_again(published: World, keeps: bool) -> None:
    """The other way that the message names; without kept releases the only one."""
    settings = published.settings
    emptied(settings.database)
    if not keeps:
        shutil.rmtree(settings.releases_dir)
    with pytest.raises(PublishRefusedError, match="remove the file"):
        published.publish()
    settings.database.unlink()
    assert published.publish().status == "published"
    assert current_release(settings).path == settings.database


@pytest.mark.parametrize("spoil", [*DAMAGE_OF_A_FILE, a_folder, Path.unlink])
@pytest.mark.parametrize("suffix", [".parquet", ".json"])
def test_a_damaged_working_table_is_named_and_built_again(published: World, spoil: Spoil, suffix: str, figure) -> None:
    before = sha256_of(published.settings.database)
    path = published.store.path("marts.outcomes").with_suffix(suffix)
    spoil(path)
    if suffix == ".json" and published.store.state("marts.outcomes") is not None:
        pytest.skip("the byte that changed stands in a value that nothing depends on")
    with pytest.raises(
        PublishRefusedError, match=r"marts\.outcomes is missing or damaged: materialise marts\.outcomes"
    ):
        published.publish()
    assert sha256_of(published.settings.database) == before
    if path.is_dir():  # a folder is somebody's: it is not removed for them
        with pytest.raises(MachineError, match="move away what lies there and run again"):
            published.build("marts__outcomes")
        path.rmdir()
    published.build("marts__outcomes")
    assert published.publish().status == "unchanged"
    figure(f"a working table ({suffix}) is {spoil.__name__.replace('_', ' ')}", "told, mended as told")


@pytest.mark.parametrize("spoil", [*DAMAGE_OF_A_FILE, a_folder, Path.unlink])
def test_a_step_that_reads_a_damaged_table_names_it(published: World, spoil: Spoil) -> None:
    path = published.store.path("staging.commitments")
    written = sha256_of(published.store.path("marts.commitments"))
    spoil(path)
    with pytest.raises(OgpError, match=r"staging\.commitments .*: materialise staging\.commitments"):
        published.build("marts__commitments")
    assert sha256_of(published.store.path("marts.commitments")) == written


@pytest.mark.parametrize("spoil", [*DAMAGE_OF_A_FILE, Path.unlink])
@pytest.mark.parametrize("suffix", [".csv", ".json"])
def test_a_half_written_snapshot_is_written_again(published: World, spoil: Spoil, suffix: str, figure) -> None:
    snapshots = sorted(published.settings.snapshots_dir.glob(f"*{suffix}"))
    assert snapshots
    for path in snapshots:
        spoil(path)
    published.build()  # all of it: since when a file is known may be told otherwise now
    for path in published.settings.snapshots_dir.glob("*.csv"):
        assert is_whole(path, path.stem)
        assert is_described(path)
    assert len(list(published.settings.snapshots_dir.glob(f"*{suffix}"))) == len(snapshots)
    assert published.publish().status == "unchanged"
    figure(f"a snapshot ({suffix}) is {spoil.__name__.replace('_', ' ')}", "written again")


@pytest.mark.parametrize("name", ["tables", "snapshots", "last_run.json", ".lock"])
def test_what_lies_in_the_way_is_named(published: World, name: str, figure) -> None:
    """A file where a folder belongs, or a folder where a file belongs."""
    path = published.settings.data_dir / name
    before = sha256_of(published.settings.database)
    aside = published.inputs.parent / "aside"
    if path.exists():
        path.rename(aside)
    path.mkdir() if name in ("last_run.json", ".lock") else path.write_text("x")
    with pytest.raises(OgpError, match=rf"{name}.*: (move away what lies there and run again|materialise .*)"):
        published.build("meta__sources")
        published.publish()
    assert sha256_of(published.settings.database) == before
    path.rmdir() if path.is_dir() else path.unlink()
    if aside.exists():
        aside.rename(path)
    published.build("meta__sources")
    assert published.publish().status == "unchanged"
    assert hidden_files(published.settings.data_dir) == []
    figure(f"{name}: a {'folder' if name in ('last_run.json', '.lock') else 'file'} in its place", "told, mended")


def test_a_file_where_releases_are_kept_is_named(changed: World) -> None:
    settings = changed.settings
    before = sha256_of(settings.database)
    shutil.rmtree(settings.releases_dir)
    settings.releases_dir.write_text("x")
    with pytest.raises(MachineError, match=r"releases.*: move away what lies there and run again"):
        changed.publish()
    assert sha256_of(settings.database) == before
    settings.releases_dir.unlink()
    assert changed.publish().status == "published"


def test_no_kept_release_is_needed_to_publish(changed: World) -> None:
    shutil.rmtree(changed.settings.releases_dir)
    before = current_release(changed.settings)
    outcome = changed.publish()
    assert outcome.status == "published"
    assert outcome.changes.since == before.release_id  # compared with the current file itself
    assert [path.name for path in changed.settings.releases_dir.iterdir()] == [outcome.release_id]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"status": 1}', os.linesep])
def test_a_half_written_last_run_is_written_anew(published: World, content: str) -> None:
    published.settings.last_run.write_text(content)
    assert published.publish().status == "unchanged"
    assert json.loads(published.settings.last_run.read_text())["status"] == "unchanged"
