"""Runs commands in fresh processes and says what they cost."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
PYTHON = sys.executable
OWN_SETTINGS = ("OGP_", "DAGSTER_", "DBT_")  # variables of whoever runs the benchmarks must not reach what is measured
TOLD_CHARACTERS = 600


class BenchmarkError(Exception):
    """What was to be measured did not run; the message says why in a line or two."""


@dataclass(frozen=True)
class Cost:
    """What a process and the children it waited for took: seconds of the clock and of processors, and its peak in MiB.

    `said` is what it wrote to its output.
    """

    wall: float
    cpu: float
    peak_mib: float
    said: str


def run(
    command: Sequence[str | Path], environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> Cost:
    """Run a command to its end in a process of its own; BenchmarkError with the end of its output where it fails."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(OWN_SETTINGS)}
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            [str(word) for word in command],
            env={**clean, **(environment or {})},
            cwd=folder or TOP,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        said = output.read().decode("utf-8", "replace")
    if process.returncode:
        raise BenchmarkError(f"{Path(command[0]).name} ended with {process.returncode}: {said[-TOLD_CHARACTERS:]}")
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, said)


def interleaved(ways: Mapping[str, Callable[[], Cost]], times: int) -> dict[str, list[Cost]]:
    """Every way `times` times in turn (ABAB), so that what else happens on the machine falls on all of them alike."""
    found: dict[str, list[Cost]] = {name: [] for name in ways}
    for _ in range(times):
        for name, way in ways.items():
            found[name].append(way())
    return found


def median_wall(costs: Iterable[Cost]) -> float:
    """Seconds of the clock."""
    return statistics.median(cost.wall for cost in costs)


def median_cpu(costs: Iterable[Cost]) -> float:
    """Seconds of processors."""
    return statistics.median(cost.cpu for cost in costs)


def tell(text: str) -> None:
    """Progress, for whoever waits."""
    print(text, file=sys.stderr, flush=True)
