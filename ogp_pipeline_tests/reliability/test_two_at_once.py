"""Two that would write at once: one works, the other says who does, ends with status 1, and has changed nothing."""

from __future__ import annotations

import fcntl
import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from ogp_pipeline.locking import only_writer
from ogp_pipeline.release.record import history
from ogp_pipeline.store import sha256_of
from ogp_pipeline_tests.commands import CLEAN, PROGRAM, run
from ogp_pipeline_tests.reliability.releases import EDITION_OF, EDITIONS, hidden_files, wait_until, write_edition
from ogp_pipeline_tests.world import World, query

DAGSTER = Path(sys.executable).with_name("dagster")
SIGNED = re.compile(r"process (\d+) since \d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2} UTC")
SECOND_WRITER = r"another run is working in .*\(process {} since .* UTC\): wait until it is done and run again"


def is_locked(world: World) -> bool:
    """Whether some process has the lock of the data folder now."""
    try:
        with (world.settings.data_dir / ".lock").open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def signed_by(world: World) -> int | None:
    """The process that the lock file names."""
    found = SIGNED.fullmatch((world.settings.data_dir / ".lock").read_text(encoding="utf-8"))
    return int(found[1]) if found else None


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def started() -> Iterator[Start]:
    """`started(world, *command)`: a command on its data folder in a process of its own, which ends with the test."""
    processes = []

    def start(world: World, *command: str) -> subprocess.Popen[str]:
        environment = {**CLEAN, "OGP_DATA_DIR": str(world.settings.data_dir), "OGP_SOURCES": str(world.inputs)}
        if command[0] == str(DAGSTER):  # a home of its own: a process that is stopped may have stopped in the history
            home = world.inputs.parent / "dagster home"
            home.mkdir(exist_ok=True)
            environment["DAGSTER_HOME"] = str(home)
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        if process.returncode is None:
            process.kill()
            process.communicate()


def materialising(world: World, table: str) -> list[str]:
    """What the user interface starts for one asset, as a command."""
    return [str(DAGSTER), "asset", "materialize", "-m", "ogp_pipeline.definitions", "--select", table.replace(".", "/")]


def test_while_a_refresh_works_nothing_else_writes(published: World, started: Start, profile: str, figure) -> None:
    """A second refresh, an asset of the user interface and a rollback are all refused; then the first comes through."""
    settings = published.settings
    before = sha256_of(settings.database)
    write_edition(published, EDITIONS[1])
    first = started(published, str(PROGRAM), "refresh")
    wait_until(lambda: is_locked(published) and signed_by(published) == first.pid, pause=0.01)
    first.send_signal(signal.SIGSTOP)  # so that the others meet it wherever it is, however slow they are
    (kept,) = settings.releases_dir.glob("[0-9]*")
    others: Sequence[tuple[str, list[str]]] = [
        ("refresh", [str(PROGRAM), "refresh"]),
        ("rollback", [str(PROGRAM), "rollback", kept.name]),
        ("one asset", materialising(published, "metrics.vital_signs")),
    ]
    refused = 0
    for what, command in others:
        other = started(published, *command)
        told, _ = other.communicate()
        assert other.returncode == 1, (what, told)
        assert re.search(SECOND_WRITER.format(first.pid), told.replace("\n", " ")), (what, told)
        assert "Traceback" not in told
        assert sha256_of(settings.database) == before
        refused += 1
    figure("writers refused beside a refresh, by the name of its process", f"{refused} of {len(others)}")
    first.send_signal(signal.SIGCONT)
    if profile == "ci":
        return
    told, _ = first.communicate()
    assert first.returncode == 0, told
    assert query(settings.database, EDITION_OF) == [(EDITIONS[1],)]
    assert hidden_files(settings.data_dir) == []
    figure("the first refresh came through and published", "yes")


def test_a_refresh_while_the_user_interface_materialises_an_asset(published: World, started: Start, figure) -> None:
    before = sha256_of(published.settings.database)
    asset = started(published, *materialising(published, "metrics.associations"))  # which takes its time
    for _ in range(1000):
        wait_until(lambda: is_locked(published) or asset.poll() is not None)
        asset.send_signal(signal.SIGSTOP)
        if is_locked(published) and signed_by(published) == asset.pid:
            break
        asset.send_signal(signal.SIGCONT)  # it had not signed yet, or had just ended the step
    assert signed_by(published) == asset.pid
    refused = run(published.settings.data_dir, "--sources", str(published.inputs))
    asset.send_signal(signal.SIGCONT)
    told, _ = asset.communicate()
    assert refused.returncode == 1
    assert re.search(SECOND_WRITER.format(asset.pid), refused.stderr)
    assert "Traceback" not in refused.stderr
    assert asset.returncode == 0, told
    assert sha256_of(published.settings.database) == before
    assert published.publish().status == "unchanged"  # and the tables belong together
    figure("a refresh beside an asset of the user interface", "refused, status 1; the asset came through")


def test_a_night_that_another_run_keeps_from_working_is_told(published: World) -> None:
    """A cron job has nobody who looks: a run that hangs would keep every night from working."""
    settings = published.settings
    before = settings.last_run.read_bytes()
    with only_writer(settings.data_dir):
        done = run(settings.data_dir, "--sources", str(published.inputs))
    assert done.returncode == 1, done.stderr
    said = json.loads(settings.status_file.read_text(encoding="utf-8"))
    assert (said["state"], said["last_status"]) == ("failing", "refused")
    assert re.match(SECOND_WRITER.format(os.getpid()), said["reasons"][0])
    last = history(settings)[-1]
    assert (last["status"], last["reasons"]) == ("refused", said["reasons"])
    assert settings.last_run.read_bytes() == before, "it tells of the run that works, or worked"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="of a process killed before it signed"),
        pytest.param(b"process 1 since 2026-01-01 00:00:00 UTC", id="the number is that of another process now"),
        pytest.param(f"process {os.getpid()} since 2026-01-01 00:00:00 UTC".encode(), id="the number is our own"),
        pytest.param(b"process 4194304 since 2026-01-01 00:00:00 UTC", id="no process has the number"),
        pytest.param(b"\xff\x00" * 1000, id="no text"),
        pytest.param(b"process 12", id="half written"),
    ],
)
def test_a_lock_file_that_was_left_locks_nothing(published: World, content: bytes) -> None:
    (published.settings.data_dir / ".lock").write_bytes(content)
    assert published.publish().status == "unchanged"
    assert signed_by(published) == os.getpid()


def test_a_lock_file_without_a_name_still_locks(published: World) -> None:
    """Whoever is refused is told so also where the file says nothing true of its holder."""
    with (published.settings.data_dir / ".lock").open("wb") as other:
        other.write(b"\xff\xfe half of a word")
        other.flush()
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(Exception, match=r"another run is working in \S+: wait until it is done and run again"):
            published.publish()


HOLDER = """
import sys, time
from pathlib import Path
from ogp_pipeline.aside import aside
from ogp_pipeline.locking import only_writer
with only_writer(Path(sys.argv[1])), aside("work") as second:
    second.begin(time.sleep, 600)
    print(second.process.pid, flush=True)
    time.sleep(600)
"""


def test_the_lock_ends_with_its_process_and_not_with_what_it_started(published: World, figure) -> None:
    data_dir = published.settings.data_dir
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(data_dir)], stdout=subprocess.PIPE, text=True)
    second = os.pidfd_open(int(holder.stdout.readline()))
    assert is_locked(published)
    holder.kill()
    holder.communicate()
    begin = time.monotonic()
    assert not is_locked(published)
    assert published.publish().status == "unchanged"
    ended, _, _ = select.select([second], [], [], 60)
    os.close(second)
    assert ended, "the second process outlived the one that started it"
    figure("lock of a killed process", f"free at once; published again after {time.monotonic() - begin:.1f} s")
