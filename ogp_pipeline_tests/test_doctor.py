"""The doctor: what it says of each thing that can be broken, and that nothing breaks it."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from ogp_pipeline.control.doctor import CHECKS, as_text, examine
from ogp_pipeline.control.doctor_machine import held_against_lock
from ogp_pipeline.control.examination import Line
from ogp_pipeline.control.hold import set_hold
from ogp_pipeline.errors import InputError
from ogp_pipeline.settings import Settings
from ogp_pipeline_tests.test_control import command, files_of
from ogp_pipeline_tests.world import World


@pytest.fixture(autouse=True)
def _no_home_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)


def lines(world: World) -> dict[str, Line]:
    """What the doctor says, by topic."""
    return {line.topic: line for line in examine(lambda: world.settings)}


def release(world: World) -> Path:
    """The folder of the newest release."""
    return max(world.settings.releases_dir.glob("[0-9]*"))


def written(path: Path, content: bytes) -> None:
    """Replace a file, also one that is closed to writing."""
    if path.exists():
        path.chmod(0o644)
    path.write_bytes(content)


def test_a_folder_that_is_well_has_no_fault_and_is_left_as_it_is(published: World) -> None:
    before = files_of(published.settings.data_dir)
    found = lines(published)
    assert list(found) == list(CHECKS)
    assert {topic: line.state for topic, line in found.items() if line.state == "fail"} == {}
    assert all(line.advice for line in found.values() if line.state != "ok")
    for topic in ("last run", "hold", "current release", "kept releases", "snapshots", "lock", "clock", "sources"):
        assert found[topic].state == "ok", found[topic]
    assert files_of(published.settings.data_dir) == before


@pytest.mark.parametrize(
    ("spoil", "topic", "state", "words"),
    [
        pytest.param(
            lambda w: w.settings.database.unlink(), "current release", "fail", "is missing", id="the file was deleted"
        ),
        pytest.param(
            lambda w: written(w.settings.database, b"half"),
            "current release",
            "fail",
            "cannot be opened",
            id="the file is damaged",
        ),
        pytest.param(
            lambda w: written(w.settings.database, w.settings.database.read_bytes() + b"\0"),
            "current release",
            "fail",
            "has other bytes than",
            id="it opens, and is not what was published",
        ),
        pytest.param(
            lambda w: w.settings.database.chmod(0o644), "current release", "warn", "can be written", id="mode"
        ),
        pytest.param(
            lambda w: shutil.rmtree(release(w)), "current release", "warn", "is not kept", id="its folder is gone"
        ),
        pytest.param(
            lambda w: written(release(w) / "ogp.duckdb", b"half"),
            "kept releases",
            "fail",
            "damaged",
            id="a kept release is damaged",
        ),
        pytest.param(
            lambda w: written(release(w) / "report.html", b"x" * (release(w) / "report.html").stat().st_size),
            "kept releases",
            "warn",
            "report.html",
            id="an export with other bytes of the same number",
        ),
        pytest.param(
            lambda w: written(release(w) / "manifest.json", b"{"), "kept releases", "fail", "damaged", id="manifest"
        ),
        pytest.param(
            lambda w: [written(path, b"x") for path in w.settings.snapshots_dir.glob("*.csv")],
            "snapshots",
            "fail",
            "other bytes",
            id="half-written snapshots",
        ),
        pytest.param(
            lambda w: [path.unlink() for path in w.settings.snapshots_dir.glob("*.csv")],
            "snapshots",
            "warn",
            "is not kept",
            id="snapshots that were deleted",
        ),
        pytest.param(lambda w: set_hold(w.settings, "printing", None), "hold", "warn", "printing", id="a hold"),
        pytest.param(lambda w: written(w.settings.hold, b"{"), "hold", "warn", "cannot be read", id="a broken hold"),
        pytest.param(lambda w: w.settings.last_run.unlink(), "last run", "warn", "there was none", id="no last run"),
        pytest.param(
            lambda w: written(w.settings.last_run, b"[]"), "last run", "warn", "cannot be read", id="a broken last run"
        ),
        pytest.param(
            lambda w: w.settings.last_run.write_text(
                json.dumps({"status": "refused", "at": datetime.now(UTC).isoformat(), "reasons": ["a table shrank"]})
            ),
            "last run",
            "warn",
            "a table shrank",
            id="the last run was refused",
        ),
        pytest.param(
            lambda w: w.settings.last_run.write_text(
                json.dumps({"status": "unchanged", "at": (datetime.now(UTC) - timedelta(hours=40)).isoformat()})
            ),
            "last run",
            "warn",
            "more than 36 hours ago",
            id="a night was missed",
        ),
        pytest.param(lambda w: shutil.rmtree(w.inputs), "sources", "fail", "not there", id="the sources are gone"),
        pytest.param(
            lambda w: (w.settings.releases_dir / ".candidate-1").mkdir(), "lock", "warn", ".candidate-1", id="leftovers"
        ),
        pytest.param(
            lambda w: shutil.copytree(release(w), w.settings.releases_dir / "2999-01-01T000000.000000Z"),
            "clock",
            "fail",
            "before the release 2999",
            id="the clock was moved back",
        ),
        pytest.param(
            lambda w: (w.settings.data_dir / "dagster").write_text("x"),
            "folders",
            "fail",
            "is no folder",
            id="a file where a folder belongs",
        ),
        pytest.param(
            lambda w: broken_history(w), "schedule", "fail", "cannot be found out", id="Dagster's history is damaged"
        ),
    ],
)
def test_what_is_broken_is_named_with_what_to_do(
    published: World, spoil: Callable[[World], object], topic: str, state: str, words: str
) -> None:
    spoil(published)
    found = lines(published)
    assert (found[topic].state, words in found[topic].finding) == (state, True), found[topic]
    assert found[topic].advice
    assert f"-> {found[topic].advice}"[:40] in as_text(list(found.values()))


def broken_history(world: World) -> None:
    """Databases of Dagster that are none."""
    home = world.settings.data_dir / "dagster"
    (home / "history").mkdir(parents=True)
    (home / "history" / "runs.db").write_bytes(b"not a database" * 1000)
    (home / "schedules").mkdir()
    (home / "schedules" / "schedules.db").write_bytes(b"not a database" * 1000)


@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"[]", b'"text"', b"{}", b"null"])
def test_no_content_of_any_file_of_the_data_folder_breaks_it(published: World, content: bytes) -> None:
    settings = published.settings
    named = (settings.hold, settings.last_run, settings.remembered_sources, settings.journal, settings.database)
    for path in (*named, *release(published).glob("*.json"), *settings.snapshots_dir.iterdir()):
        written(path, content)
    found = lines(published)
    assert list(found) == list(CHECKS)
    assert found["current release"].state == "fail"


@pytest.mark.parametrize("name", ["tables", "snapshots", "releases", "hold.json", "last_run.json", "ogp.duckdb"])
def test_a_file_for_a_folder_and_a_folder_for_a_file(published: World, name: str) -> None:
    path = published.settings.data_dir / name
    if path.is_dir():
        shutil.rmtree(path)
        path.write_text("x")
    else:
        path.unlink(missing_ok=True)
        path.mkdir()
    assert list(lines(published)) == list(CHECKS)


def test_no_data_folder_is_made(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "none", sources=("sample",))
    found = {line.topic: line for line in examine(lambda: settings)}
    assert [line for line in found.values() if line.state == "fail"] == []
    assert "refresh" in found["current release"].advice
    assert not settings.data_dir.exists()


def test_settings_that_cannot_be_read_are_a_line() -> None:
    def settings() -> Settings:
        raise InputError("OGP_KEEP_RELEASES is 'many'")

    (line,) = examine(settings)
    assert (line.topic, line.state) == ("settings", "fail")
    assert "many" in line.finding


def test_a_run_that_works_is_no_leftover(published: World) -> None:
    (published.settings.data_dir / ".step-x").mkdir()
    with (published.settings.data_dir / ".lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert lines(published)["lock"].finding == "a run is working now"
    assert ".step-x" in lines(published)["lock"].finding


@pytest.mark.parametrize(
    ("share", "state"),
    [
        pytest.param(1.0, "fail", id="the copy does not fit beside the candidate"),
        pytest.param(2.0, "warn", id="it fits as long as it does not grow"),
        pytest.param(9.0, "ok", id="room"),
    ],
)
def test_room_is_judged_by_the_last_release(published: World, share: float, state: str) -> None:
    """A file without blocks makes the last release so large that the free space is this many times of it."""
    free = shutil.disk_usage(published.settings.data_dir).free
    padding = release(published) / "padding"
    padding.touch()
    os.truncate(padding, int(free / share))
    assert lines(published)["disk"].state == state


def test_another_file_system_for_a_part(published: World) -> None:
    elsewhere = Path("/dev/shm")
    if not elsewhere.is_dir() or elsewhere.stat().st_dev == published.settings.data_dir.stat().st_dev:
        pytest.skip("no second file system here")
    releases = published.settings.releases_dir
    target = elsewhere / f"ogp-doctor-{os.getpid()}"
    shutil.move(releases, target)
    try:
        releases.symlink_to(target)
        assert lines(published)["file system"].state == "fail"
    finally:
        shutil.rmtree(target)


def test_packages_are_held_against_the_lock(tmp_path: Path) -> None:
    lock = tmp_path / "constraints.txt"
    assert "no lock" in held_against_lock(lock, 15)[0].finding, "an installed wheel"
    lock.write_text("duckdb==0.0.1\nnot-installed==1\n")
    (found,) = held_against_lock(lock, 15)
    assert (found.state, "duckdb" in found.finding, "not-installed" in found.finding) == ("warn", True, False)


def test_the_schedule_and_its_daemon(published: World) -> None:
    from dagster._daemon.types import DaemonHeartbeat

    home = published.settings.data_dir / "dagster"
    home.mkdir()
    with dg.DagsterInstance.from_config(str(home)) as instance:
        instance.get_runs(limit=1)
        assert "never ran" in lines(published)["schedule"].finding
        now = datetime.now(UTC).timestamp()
        for age, state in ((10, "ok"), (3_600, "warn")):
            instance.add_daemon_heartbeat(DaemonHeartbeat(now - age, "SCHEDULER", "x", []))
            assert lines(published)["schedule"].state == state


def test_as_people_run_it(published: World) -> None:
    done = command(published, "doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ok    current release" in done.stdout
    published.settings.database.unlink()
    done = command(published, "doctor", "--format", "json")
    assert done.returncode == 1
    told = {line["topic"]: line for line in json.loads(done.stdout)}
    assert told["current release"]["state"] == "fail"
    assert "rollback" in told["current release"]["advice"]


def test_the_sources_are_those_that_the_next_refresh_reads(published: World) -> None:
    published.settings = replace(published.settings, sources=None)
    (published.settings.remembered_sources).write_text('{"sources": ["/no/such/folder"]}')
    assert "/no/such/folder" in lines(published)["sources"].finding
