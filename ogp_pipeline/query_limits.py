"""How long a query may take and how much memory it may hold, so that a mistake ends in words and not in a machine that
stands still.

DuckDB's own memory limit counts neither the texts that a query makes nor the answer once it is in Python.
"""

from __future__ import annotations

import os
import resource
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

SECONDS = 600  # the slowest query of the cookbook takes under a second
GRACE_SECONDS = 10  # for what does not look whether it was interrupted
BAD_USE = 2
# Beside DuckDB's 2 GB: the largest answer (analysts.MOST_VALUES), and the same once more as it is written.
MEMORY_BYTES = 6 << 30


def too_long(seconds: float) -> str:
    """What to do about a query that takes too long."""
    return (
        f"it did not end within {seconds:g} s: join fewer rows, or allow more with --seconds; "
        "`ogp-pipeline open` says how to open the release in a program without this limit"
    )


@contextmanager
def ended_after(connection: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[None]:
    """Interrupt what runs on a connection (duckdb.InterruptException) once its time is over, else end the process."""
    timers = [
        threading.Timer(seconds, connection.interrupt),
        threading.Timer(seconds + GRACE_SECONDS, _end_the_process, [seconds]),
    ]
    for timer in timers:
        timer.daemon = True
        timer.start()
    try:
        yield
    finally:
        for timer in timers:
            timer.cancel()


def _end_the_process(seconds: float) -> None:
    """Nothing has to be tidied up: a query writes its answer once it has it."""
    sys.stderr.write(f"the query was not answered:\n  - {too_long(seconds)}\n")
    sys.stderr.flush()
    os._exit(BAD_USE)


@contextmanager
def memory_held(additional_bytes: int = MEMORY_BYTES) -> Iterator[None]:
    """Let the process take this much memory beyond what it has; MemoryError, or DuckDB's own error, where it is not
    enough. Systems that do not say what a process holds (all but Linux) are left as they are.
    """
    held = _held_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = None if held is None else held + additional_bytes
    if limit is None or (soft != resource.RLIM_INFINITY and soft <= limit):
        yield
        return
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _held_bytes() -> int | None:
    """What RLIMIT_DATA counts, as Linux tells it."""
    try:
        with open("/proc/self/status", encoding="ascii") as file:
            line = next(line for line in file if line.startswith("VmData:"))
        return int(line.split()[1]) * 1024
    except (OSError, StopIteration, ValueError):
        return None
