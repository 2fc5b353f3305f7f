"""The memory of a process and of everything it starts, looked at many times a second (Linux)."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SECONDS_BETWEEN_LOOKS = 0.1


class PeakMemory:
    """The highest sum of resident memory of all descendants of this process, in MiB, seen so far.

    Pages that several of them share count for each of them: it is an upper bound.
    """

    def __init__(self) -> None:
        self.mib = 0.0

    def look(self) -> None:
        """Look once."""
        self.mib = max(self.mib, sum(map(_resident_mib, _descendants(os.getpid()))))


@contextmanager
def peak_memory() -> Iterator[PeakMemory]:
    """Looks at the descendants of this process while the block runs."""
    peak, is_over = PeakMemory(), threading.Event()

    def watch() -> None:
        while not is_over.wait(SECONDS_BETWEEN_LOOKS):
            peak.look()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        is_over.set()
        watcher.join()


def _descendants(root: int) -> set[int]:
    """The processes that `root` and its descendants started, without `root`."""
    started: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal() and (parent := _parent(folder)) is not None:
            started.setdefault(parent, []).append(int(folder.name))
    found: set[int] = set()
    ahead = [root]
    while ahead:
        children = started.get(ahead.pop(), [])
        found.update(children)
        ahead += children
    return found


def _parent(folder: Path) -> int | None:
    try:
        # the name of a program stands in brackets and can hold anything
        return int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:  # it has ended
        return None


def _resident_mib(process: int) -> float:
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
