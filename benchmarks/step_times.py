"""Where the time of a refresh went: its steps, as Dagster's history of the run tells them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.floor import Step, shape_of

GROUPS = ("reference", "ingest", "marts", "metrics", "release")


def shape() -> list[Step]:
    """The steps of the pipeline as it is."""
    from ogp_pipeline.assembly import build_defs
    from ogp_pipeline.settings import Settings

    return shape_of(build_defs(Settings(Path("data").absolute())))


def write_shape(path: Path) -> list[Step]:
    """The same, also as the file that `benchmarks.floor` reads."""
    steps = shape()
    path.write_text(json.dumps(steps), encoding="utf-8")
    return steps


def seconds_by_group(data_dir: Path, steps: list[Step]) -> dict[str, float]:
    """Seconds of the last run by group of assets; a step that holds several groups counts for the first of them."""
    import dagster as dg

    group_of: Mapping[str, str] = {
        step["name"]: min((asset["group"] for asset in step["assets"]), key=GROUPS.index) for step in steps
    }
    seconds: dict[str, float] = defaultdict(float)
    with dg.DagsterInstance.from_config(str(data_dir / "dagster")) as instance:
        for stats in instance.get_run_step_stats(_last_run(instance)):
            if stats.end_time is not None and stats.start_time is not None:
                seconds[group_of[stats.step_key]] += stats.end_time - stats.start_time
    return {group: seconds[group] for group in GROUPS if group in seconds}


def _last_run(instance: Any) -> str:
    return instance.get_runs(limit=1)[0].run_id
