"""What the doctor asks of the machine: the program and its packages, folders, disk, lock, clock and schedule."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import sys
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path
from uuid import uuid4

from ogp_pipeline.control.examination import Line, fail, ok, shortened, warn
from ogp_pipeline.control.kept import folders, size_of
from ogp_pipeline.locking import LEFTOVERS
from ogp_pipeline.settings import PACKAGE_DIR, Settings

OLDEST_PYTHON = (3, 11)
# A release is written twice, as a candidate folder and as the copy of its DuckDB file, beside working tables of
# about the same size; three leave room for one that is larger than the last.
ROOM_NEEDED, ROOM_WANTED = 1.5, 3
HEARTBEAT = timedelta(minutes=5)  # Dagster's daemon writes one every 30 s and is called dead after 5 minutes
# Clocks are corrected by seconds; a release of more than a minute ahead was made by another time.
CLOCK_SLACK = timedelta(minutes=1)


def python(settings: Settings) -> list[Line]:
    """The version of Python."""
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < OLDEST_PYTHON:
        needed = ".".join(map(str, OLDEST_PYTHON))
        return fail(
            "python", f"Python {found}", f"install Python {needed} or newer and set up anew: make clean refresh"
        )
    return ok("python", f"Python {found}")


def packages(settings: Settings) -> list[Line]:
    """What the package requires is installed, in the versions that were locked."""
    required = {_name(text) for text in metadata.requires("ogp-pipeline") or [] if "extra ==" not in text}
    installed = {name: _installed(name) for name in sorted(required)}
    missing = [name for name, version in installed.items() if version is None]
    if missing:
        return fail("packages", f"not installed: {shortened(missing)}", "set up anew: make .venv/.ready")
    return held_against_lock(PACKAGE_DIR.parent / "constraints.txt", len(required))


def held_against_lock(lock: Path, required: int) -> list[Line]:
    """The installed versions beside those of a lock file; an installed wheel has none."""
    if not lock.is_file():
        return ok("packages", f"{required} required packages are installed; there is no lock beside the program")
    pinned = dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", lock.read_text(encoding="utf-8"), re.MULTILINE))
    present = {name: (version, _installed(name)) for name, version in pinned.items()}
    others = [f"{name} {now} (locked: {then})" for name, (then, now) in present.items() if now not in (None, then)]
    if others:
        advice = "pip install -c constraints.txt -e . , or make .venv/.ready; or run the tests with these"
        return warn("packages", f"{len(others)} in other versions than the lock: {shortened(others)}", advice)
    return ok("packages", f"{required} required packages, in the locked versions")


def _name(requirement: str) -> str:
    return re.match(r"[A-Za-z0-9._-]+", requirement).group()


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def writable(settings: Settings) -> list[Line]:
    """Every folder a run writes to can be written, or made."""
    parts = [settings.data_dir, settings.tables_dir, settings.snapshots_dir, settings.releases_dir, _home(settings)]
    if settings.status_file.parent != settings.data_dir:
        parts.append(settings.status_file.parent)
    closed = [f"{folder} ({reason})" for folder in parts if (reason := _refusal(folder))]
    if closed:
        user = os.environ.get("USER") or f"user {os.geteuid()}"
        advice = f"make them writable for {user}, who runs this, or name another data folder (OGP_DATA_DIR)"
        return fail("folders", f"cannot be written: {shortened(closed)}", advice)
    return ok("folders", f"{settings.data_dir} and its parts can be written")


def _refusal(folder: Path) -> str | None:
    """Why nothing can be written in a folder, or where it would be made; None where it can."""
    place = next(path for path in (folder, *folder.parents) if path.exists())
    if not place.is_dir():
        return f"{place} is no folder"
    probe = place / f".probe-{uuid4().hex}"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        return error.strerror
    return None


def _home(settings: Settings) -> Path:
    return Path(os.environ.get("DAGSTER_HOME") or settings.data_dir / "dagster").absolute()


def file_system(settings: Settings) -> list[Line]:
    """The parts of the data folder lie on one file system, so that a rename is one step."""
    if not settings.data_dir.is_dir():
        return ok("file system", f"{settings.data_dir} is made by the first refresh")
    parts = [settings.database, settings.tables_dir, settings.snapshots_dir, settings.releases_dir]
    own = settings.data_dir.stat().st_dev
    elsewhere = [str(path) for path in parts if path.exists() and path.stat().st_dev != own]
    if elsewhere:
        advice = "move them into the data folder: what is mounted or linked there cannot be replaced in one step"
        return fail("file system", f"on another one than {settings.data_dir}: {', '.join(elsewhere)}", advice)
    if settings.database.is_symlink():
        advice = "open the file by this name; what the link leads to stays old after the next publish"
        return warn("file system", f"{settings.database} is a link", advice)
    return ok("file system", "the data folder lies on one")


def disk(settings: Settings) -> list[Line]:
    """Room for the next release."""
    place = next(path for path in (settings.data_dir, *settings.data_dir.parents) if path.exists())
    free = shutil.disk_usage(place).free
    kept = folders(settings)
    if not kept:
        return ok("disk", f"{free / 1e9:,.1f} GB free; no release yet tells how much one needs")
    size = size_of(kept[-1])
    told = f"{free / 1e6:,.0f} MB free, the last release has {size / 1e6:,.1f} MB"
    advice = "make room, move the data folder, or keep fewer releases (OGP_KEEP_RELEASES)"
    if free < ROOM_NEEDED * size:
        return fail("disk", told, advice)
    return warn("disk", told, advice) if free < ROOM_WANTED * size else ok("disk", told)


def lock(settings: Settings) -> list[Line]:
    """Whether a run works, and what runs that were killed left behind."""
    path = settings.data_dir / ".lock"
    if path.exists() and _is_locked(path):
        return ok("lock", "a run is working now")
    left = sorted(
        str(found.relative_to(settings.data_dir)) for kind in LEFTOVERS for found in settings.data_dir.glob(kind)
    )
    if left:
        advice = f"no run works, so they can be removed: rm -r in {settings.data_dir}"
        return warn("lock", f"left by a run that was killed: {shortened(left)}", advice)
    return ok("lock", "free; nothing was left by runs that were killed")


def _is_locked(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def clock(settings: Settings) -> list[Line]:
    """The clock is not before the last release, by whose time releases are ordered."""
    now = datetime.now(UTC)
    times = {folder.name: moment for folder in folders(settings) if (moment := _moment(folder.name))}
    ahead = [name for name, moment in times.items() if moment > now + CLOCK_SLACK]
    if ahead:
        advice = "set the clock (timedatectl), or remove the release if it was made by a wrong one"
        return fail("clock", f"it is {now:%Y-%m-%d %H:%M} UTC, before the release {ahead[-1]}", advice)
    return ok("clock", f"{now:%Y-%m-%d %H:%M} UTC, after every release")


def _moment(release_id: str) -> datetime | None:
    try:
        return datetime.strptime(release_id, "%Y-%m-%dT%H%M%S.%fZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def schedule(settings: Settings) -> list[Line]:
    """Whether the schedule is on, its daemon lives, and how its last tick ended."""
    from ogp_pipeline.schedules import check_cron

    check_cron(settings)
    home = _home(settings)
    start = "run `ogp-pipeline ui` or the services of deploy/, or refresh from cron"
    if not (home / "history").is_dir():
        return warn("schedule", f"Dagster has not run in {home} yet", start)
    import dagster as dg

    with dg.DagsterInstance.from_config(str(home)) as instance:
        states = [state for state in instance.all_instigator_state() if state.instigator_name == "nightly"]
        beats = [beat.timestamp for name, beat in instance.get_daemon_heartbeats().items() if name == "SCHEDULER"]
        ticks = [
            tick
            for state in states
            for tick in instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=1)
        ]
    if any(state.status.value == "STOPPED" for state in states):
        return fail("schedule", "nightly is switched off", "switch it on under Automation in the user interface")
    last = max(ticks, key=lambda tick: tick.timestamp, default=None)
    told = "has not ticked yet" if last is None else f"last ticked {_ago(last.timestamp)}, {last.status.value.lower()}"
    if last is not None and last.status.value == "FAILURE":
        return fail("schedule", f"nightly {told}", "see its tick under Automation in the user interface")
    if not beats or datetime.now(UTC).timestamp() - max(beats) > HEARTBEAT.total_seconds():
        beat = f"its daemon was last alive {_ago(max(beats))}" if beats else "its daemon never ran"
        return warn("schedule", f"nightly is on, but {beat}; it {told}", start)
    return ok("schedule", f"nightly is on and its daemon is alive; it {told}")


def _ago(timestamp: float) -> str:
    seconds = max(0, int(datetime.now(UTC).timestamp() - timestamp))
    for unit, name in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit:
            return f"{seconds // unit} {name} ago"
    return f"{seconds} seconds ago"
