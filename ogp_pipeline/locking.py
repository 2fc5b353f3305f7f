"""One writer per data folder: a lock that the system lets go when its process ends, however it ends."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from ogp_pipeline.errors import LockedError
from ogp_pipeline.machine import told_as_machine_error

_held: set[Path] = set()  # the folders this process has locked: a run locks once, its steps inside it

# What a writer that was killed leaves behind: names that no reader knows, so that nobody misses them.
LEFTOVERS = (
    ".*.tmp",
    ".step-*",
    ".spill-*",
    ".fetch-*",
    "tables/.*.tmp",
    "snapshots/.*.tmp",
    "official/.*.tmp",
    "dagster/.*.tmp",
    "releases/.*.tmp",
    "releases/.candidate-*",
)


@contextmanager
def only_writer(data_dir: Path) -> Iterator[None]:
    """Lock the data folder for the block; LockedError where another process works in it.

    The lock is the system's on the open file, never the file itself: one that a dead process left behind, whatever
    it says, locks nothing. Whoever has the lock first removes what a killed writer left. MachineError where the disk
    is full, the folder cannot be written, or whatever else the machine does to the block.
    """
    with told_as_machine_error(data_dir):
        data_dir.mkdir(parents=True, exist_ok=True)
        path = data_dir.resolve() / ".lock"
        if path in _held:
            yield
            return
        with path.open("a+", encoding="utf-8", errors="replace") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise LockedError(
                    f"another run is working in {data_dir}{_holder(file)}: wait until it is done and run again"
                ) from error
            _held.add(path)
            try:
                _remove_leftovers(data_dir)  # first: it may make the room that the rest needs
                _sign(file)
                yield
            finally:
                _held.discard(path)


def _sign(file: IO[str]) -> None:
    """Say in the lock file who works here and since when, for the message to a second one."""
    file.truncate(0)
    file.write(f"process {os.getpid()} since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC")
    file.flush()


def _holder(file: IO[str]) -> str:
    file.seek(0)
    said = file.read(100)
    return f" ({said})" if said.startswith("process ") and said.endswith(" UTC") else ""


def _remove_leftovers(data_dir: Path) -> None:
    for pattern in LEFTOVERS:
        for path in data_dir.glob(pattern):
            if path.name.startswith(f".spill-{os.getpid()}-"):
                continue  # of a session of this process, which lives as long as it
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
