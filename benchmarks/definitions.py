"""Loading the definitions against importing Dagster alone, each in a fresh process."""

from __future__ import annotations

from functools import partial

from benchmarks.effort import Effort
from benchmarks.inputs import workplace
from benchmarks.measurement import Measurement
from benchmarks.processes import PYTHON, interleaved, median_cpu, median_wall, run, tell

LIMIT = 1.3
TIMES = 9


def measure(effort: Effort) -> list[Measurement]:
    """Seconds to import `ogp_pipeline.definitions`, over those to import `dagster`."""
    tell("  importing the definitions and dagster in turn")
    environment = {"OGP_DATA_DIR": str(workplace() / "no_data")}
    ways = {
        "definitions": partial(run, [PYTHON, "-c", "import ogp_pipeline.definitions"], environment),
        "dagster": partial(run, [PYTHON, "-c", "import dagster"], environment),
    }
    interleaved(ways, 1)  # compiles what was never imported
    found = interleaved(ways, effort.times(TIMES, few=TIMES))
    own, alone = found["definitions"], found["dagster"]
    return [
        Measurement(
            "definitions", "load definitions", median_wall(own), "s", "import dagster", median_wall(alone), LIMIT
        ),
        Measurement(
            "definitions",
            "load definitions, processor time",
            median_cpu(own),
            "s",
            "import dagster, processor time",
            median_cpu(alone),
        ),
    ]
