"""A cold refresh against the floor: what Dagster and Great Expectations cost where nothing is computed.

Both run in the same minutes, in fresh processes and on fresh folders, in turn.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.effort import Effort
from benchmarks.inputs import all_files, fresh_refresh, refresh, release_of_all_files, workplace
from benchmarks.measurement import Measurement
from benchmarks.processes import PYTHON, TOP, Cost, interleaved, median_cpu, median_wall, run, tell
from benchmarks.step_times import seconds_by_group, write_shape

LIMIT = 1.3
TIMES = 3  # where there is time
FLOOR = "no-op Dagster job + import great_expectations"


def measure(effort: Effort) -> list[Measurement]:
    """Cold refresh over the floor, over the floor in our own steps, where its time goes, unchanged refresh."""
    shape_file = workplace() / "shape.json"
    steps = write_shape(shape_file)
    folders: list[Path] = []
    found = interleaved(
        {
            "each": partial(_floor, shape_file, "each"),
            "refresh": _cold_refresh(folders),
            "steps": partial(_floor, shape_file, "steps"),
        },
        effort.times(TIMES),
    )
    cold = median_wall(found["refresh"])
    groups = [seconds_by_group(folder, steps) for folder in folders]
    times = {name: statistics.median(each.get(name, 0.0) for each in groups) for name in groups[0]}
    unchanged = [refresh(all_files(), folders[0]) for _ in range(effort.times(2))]
    assets = sum(len(step["assets"]) for step in steps)
    checks = sum(len(asset["checks"]) for step in steps for asset in step["assets"])
    words = all_files().words
    alone = f"{FLOOR}; {assets} assets, {checks} checks, each asset a step"
    grouped = f"{FLOOR}; the same in the {len(steps)} steps of the pipeline"
    return [
        _line("cold refresh", cold, "floor", median_wall(found["each"]), LIMIT, f"{words}; floor: {alone}"),
        _line("cold refresh", cold, "floor in own steps", median_wall(found["steps"]), None, grouped),
        _line(
            "cold refresh, processor time",
            median_cpu(found["refresh"]),
            "floor, processor time",
            median_cpu(found["each"]),
            None,
            "told because the clock also counts what others do on the machine",
        ),
        _line(
            "peak memory of the cold refresh",
            max(cost.peak_mib for cost in found["refresh"]),
            note="of its largest process",
            unit="MiB",
        ),
        *(
            _line(f"of it {name}", seconds, note="the steps of this group: what was waited for")
            for name, seconds in times.items()
        ),
        _line(
            "of it outside steps",
            cold - sum(times.values()),
            note="start, imports, definitions, the run's begin in Dagster, Dagster between steps, summary",
        ),
        _line("unchanged refresh", median_wall(unchanged), "cold refresh", cold, None, "the same files once more"),
    ]


def _line(
    what: str,
    value: float,
    compared_with: str | None = None,
    compared: float | None = None,
    limit: float | None = None,
    note: str = "",
    unit: str = "s",
) -> Measurement:
    return Measurement("refresh", what, value, unit, compared_with, compared, limit, note)


def _floor(shape_file: Path, way: str) -> Cost:
    tell(f"  floor, {way}")
    home = tempfile.mkdtemp(prefix="dagster-", dir=workplace())
    shutil.copy(TOP / "dagster.yaml", home)
    return run([PYTHON, "-m", "benchmarks.floor", shape_file, way], {"DAGSTER_HOME": home})


def _cold_refresh(folders: list[Path]) -> Callable[[], Cost]:
    """A refresh into a new data folder, which is added to `folders`; the first serves other benchmarks as well."""

    def refreshed() -> Cost:
        folder, cost = fresh_refresh(all_files()) if folders else release_of_all_files()
        folders.append(folder)
        return cost

    return refreshed
