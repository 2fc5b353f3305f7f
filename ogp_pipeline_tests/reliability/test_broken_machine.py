"""A machine that stands in the way: one clear message, the old release intact, and the next run after it succeeds."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ogp_pipeline.control.rollback import roll_back
from ogp_pipeline.errors import MachineError
from ogp_pipeline.release.moments import moment_named, moment_of_release, release_id_of
from ogp_pipeline.running import run_refresh
from ogp_pipeline.store import sha256_of
from ogp_pipeline.summary import release_summary
from ogp_pipeline_tests.reliability.broken_machines import (
    Disk,
    another_user,
    commanded,
    disk_for,
    no_file_above,
    refreshed,
)
from ogp_pipeline_tests.reliability.releases import EDITION_OF, EDITIONS, hidden_files
from ogp_pipeline_tests.reliability.releases import release_id_of as id_in
from ogp_pipeline_tests.reliability.test_rollback import with_a_later_release
from ogp_pipeline_tests.world import World, query

# how many amounts of room a publish is tried with, from none to what it needs
ROOMS = {"ci": 3, "full": 12, "nightly": 60}
FULL = r"No space left on device: make room"
CLOSED = r"Read-only file system: let the user that runs the pipeline write there"


@pytest.fixture
def disk(changed: World) -> Iterator[Disk]:
    with disk_for(changed) as disk:
        yield disk


def told(done: subprocess.CompletedProcess[str]) -> str:
    """What a refresh said that the machine stopped: status 2, no traceback."""
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "this machine stands in the way" in done.stderr
    return done.stderr


def test_a_disk_that_is_full_at_any_point_of_a_publish(changed: World, disk: Disk, profile: str, figure) -> None:
    settings = changed.settings
    before = sha256_of(settings.database)
    (kept,) = settings.releases_dir.glob("[0-9]*")
    need = sum(path.stat().st_size for path in kept.rglob("*") if path.is_file()) + settings.database.stat().st_size
    count = ROOMS[profile]
    refused = 0
    for number in range(count):
        disk.leave(number * need // count)
        try:
            outcome = changed.publish()
        except MachineError as error:
            assert re.search(FULL, str(error)), error
            assert sha256_of(settings.database) == before
            assert hidden_files(settings.data_dir) == []
            assert [path.name for path in settings.releases_dir.iterdir()] == [kept.name]
            refused += 1
        else:  # what it needs is a little less than the release before, which had more to say
            assert number >= count / 2, outcome
            break
    assert refused >= count / 2
    disk.resize(256 * 2**20)
    assert changed.publish().status in ("published", "unchanged")
    assert query(settings.database, EDITION_OF) == [(EDITIONS[1],)]
    figure(
        "a publish on a disk with too little room", f"{refused} of {refused} told, old release whole; then published"
    )


def test_a_disk_that_is_full_while_tables_are_built(changed: World, disk: Disk, figure) -> None:
    before = {name: changed.store.state(name) for name in ("raw.explorer_commitments", "marts.commitments")}
    refused = 0
    for room in (0, 4096):
        disk.leave(room)
        with pytest.raises(MachineError, match=FULL):
            changed.build("explorer_commitments")  # the raw table is always read again
        assert {name: changed.store.state(name) for name in before} == before
        refused += 1
    disk.resize(256 * 2**20)
    changed.build("explorer_commitments")
    assert hidden_files(changed.settings.data_dir) == []
    figure("a table built on a full disk", f"{refused} of {refused} told, old table whole")


def test_a_refresh_on_a_full_or_closed_disk(changed: World, disk: Disk, figure) -> None:
    settings = changed.settings
    before = sha256_of(settings.database)
    disk.leave(0)
    assert re.search(FULL, told(refreshed(changed)))
    disk.resize(256 * 2**20)
    disk.close()
    said = told(refreshed(changed))
    assert re.search(CLOSED, said)
    assert f"{settings.last_run} cannot be written" in said
    (kept,) = settings.releases_dir.glob("[0-9]*")
    for command in ("fetch", f"rollback {kept.name}"):
        said = told(commanded(settings, *command.split()))
        assert re.search(CLOSED, said), command
    with pytest.raises(MachineError, match=CLOSED):
        changed.publish()
    assert sha256_of(settings.database) == before
    assert query(settings.database, EDITION_OF) == [(EDITIONS[0],)]  # analysts read on
    disk.close(False)
    assert changed.publish().status == "published"
    figure("refresh on a full disk, on a read-only one", "told, status 2, no traceback; then published")


PUBLISHER = """
import sys
from pathlib import Path
from ogp_pipeline.errors import OgpError
from ogp_pipeline.models import load_catalog
from ogp_pipeline.release.publish import publish
from ogp_pipeline.settings import Settings
try:
    print(publish(Settings(Path(sys.argv[1])), load_catalog()).status)
except OgpError as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


def test_a_limit_on_the_length_of_files(changed: World, figure) -> None:
    """What holds everywhere, also where no disk can be mounted: the system lets nobody write a file that is longer."""
    settings = changed.settings
    before = sha256_of(settings.database)
    limits = (100, 100_000, settings.database.stat().st_size - 4096)
    for limit in limits:
        command = [sys.executable, "-c", PUBLISHER, str(settings.data_dir)]
        done = subprocess.run(command, capture_output=True, text=True, preexec_fn=no_file_above(limit))
        assert "published" not in done.stdout
        assert re.match(r"MachineError: .*\n.*File too large: let files of this user be larger", done.stderr), (
            done.stderr
        )
        assert sha256_of(settings.database) == before
    said = told(refreshed(changed, before=no_file_above(8192)))
    assert sha256_of(settings.database) == before, said
    assert changed.publish().status == "published"
    assert hidden_files(settings.data_dir) == []
    figure(
        "runs that may write no file beyond a length", f"{len(limits) + 1} of {len(limits) + 1} told; then published"
    )


def test_a_folder_of_another_user(published: World, capsys: pytest.CaptureFixture[str], figure) -> None:
    with tempfile.TemporaryDirectory(prefix="ogp-") as name:  # the folder of a test is closed to others as a whole
        folder = Path(name)
        shutil.copytree(published.settings.data_dir, folder / "data")
        shutil.copytree(published.inputs, folder / "inputs")
        world = World(folder, published.catalog)
        before = sha256_of(world.settings.database)
        folder.chmod(0o755)
        world.settings.data_dir.chmod(0o555)
        with another_user():
            status = run_refresh(world.settings, {}, replace_release=False)
        said = capsys.readouterr().err
        assert status == 2
        assert re.search(r"Permission denied: let the user that runs the pipeline write there", said)
        assert f"The last release stays. {world.settings.last_run} cannot be written." in said
        with another_user(), pytest.raises(MachineError, match="Permission denied"):
            world.publish()
        assert sha256_of(world.settings.database) == before
        world.settings.data_dir.chmod(0o755)
        assert world.publish().status == "unchanged"
    figure("refresh and publish in a folder of another user", "told, status 2; then unchanged")


NOW = datetime(2026, 3, 29, 2, 30, 0, 500_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("earlier", "expected"),
    [
        pytest.param([], NOW, id="the first release"),
        pytest.param([NOW - timedelta(days=1)], NOW, id="a clock that goes on"),
        pytest.param([NOW], NOW + timedelta(microseconds=1), id="twice the same moment"),
        pytest.param(
            [NOW + timedelta(days=400), NOW],
            NOW + timedelta(days=400, microseconds=1),
            id="a clock that was moved back",
        ),
        pytest.param(
            [NOW.replace(microsecond=999_999)], NOW.replace(second=1, microsecond=0), id="over the end of a second"
        ),
    ],
)
def test_releases_are_named_in_their_order_whatever_the_clock_says(earlier: list[datetime], expected: datetime) -> None:
    names = [*map(release_id_of, earlier), "9_notes"]  # a folder that is no release
    named = moment_of_release(NOW, names)
    assert named == expected
    assert all(release_id_of(named) > release_id_of(each) for each in earlier)


def test_a_clock_that_was_moved_back(changed: World, figure) -> None:
    """The current release is of 2999: the next one follows it, is compared with it, is kept, and the clock is told."""
    first, future = with_a_later_release(changed)
    assert not roll_back(changed.settings, future).undone
    outcome = changed.publish()
    assert outcome.status == "published"
    assert outcome.changes.since == future
    assert outcome.release_id > future > first
    assert moment_named(outcome.release_id) == moment_named(future) + timedelta(microseconds=1)
    assert id_in(changed.settings.database) == outcome.release_id
    assert sorted(path.name for path in changed.settings.releases_dir.iterdir())[-1] == outcome.release_id
    assert "Set the clock." in release_summary(changed.settings)
    figure("a release made by a clock that was moved back", "named after the last one; the clock is told")


def test_a_history_of_dagster_that_is_damaged(published: World, figure) -> None:
    """Its databases hold no data of the pipeline: they may be moved away, and the message says so."""
    settings = published.settings
    before = sha256_of(settings.database)
    home = settings.data_dir / "dagster"
    (home / "history").mkdir(parents=True)
    (home / "history" / "runs.db").write_bytes(b"not a database" * 1000)
    said = told(refreshed(published))
    assert re.search(r"dagster.*: move it away", said)
    assert sha256_of(settings.database) == before
    figure("a damaged history of Dagster", "told, status 2, no traceback")
