"""What Dagster alone costs: a job of the pipeline's shape that computes nothing. Run in a fresh process.

    python -m benchmarks.floor SHAPE each|steps

SHAPE is a file that `shape_of` wrote: the assets, checks and dependencies of the real definitions. With `each` every
asset is a step of its own, with `steps` they are grouped as the pipeline groups them. The process also imports Great
Expectations, as every refresh must. DAGSTER_HOME names the folder of its history.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

Step = Mapping[str, Any]  # name; assets: [{key, group, deps, checks}], keys as lists of their parts


def shape_of(definitions: Any) -> list[Step]:
    """The steps of the pipeline's definitions as plain data: names alone, nothing of what they compute."""
    steps = []
    for built in definitions.assets:
        checks: dict[Any, list[str]] = {}
        for check in built.check_specs:
            checks.setdefault(check.asset_key, []).append(check.name)
        specs = [
            {
                "key": list(spec.key.path),
                "group": spec.group_name,
                "deps": [list(dep.asset_key.path) for dep in spec.deps],
                "checks": checks.get(spec.key, []),
            }
            for spec in built.specs
        ]
        steps.append({"name": built.op.name, "assets": specs})
    return steps


def each_alone(steps: Sequence[Step]) -> list[Step]:
    """The same assets, each a step of its own."""
    return [
        {"name": "__".join(asset["key"]), "assets": [asset]} for step in steps for asset in _in_order(step["assets"])
    ]


def _in_order(assets: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(assets, key=lambda asset: asset["key"])


def run_job(steps: Sequence[Step]) -> None:
    """Materialise all of it in this process on the instance of DAGSTER_HOME; every check passes."""
    import dagster as dg

    assets = [_no_op(dg, step) for step in steps]
    job = dg.define_asset_job("floor", selection=dg.AssetSelection.all(), executor_def=dg.in_process_executor)
    definitions = dg.Definitions(assets=assets, jobs=[job], executor=dg.in_process_executor)
    with dg.DagsterInstance.get() as instance:
        result = definitions.resolve_job_def("floor").execute_in_process(
            instance=instance, run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        )
        assert result.success
        expected = sum(len(asset["checks"]) for step in steps for asset in step["assets"])
        assert len(result.get_asset_check_evaluations()) == expected


def _no_op(dg: Any, step: Step) -> Any:
    """One multi-asset that yields a materialisation for each of its assets and the results of its checks."""

    @dg.multi_asset(
        name=step["name"],
        specs=[
            dg.AssetSpec(asset["key"], deps=[dg.AssetKey(dep) for dep in asset["deps"]]) for asset in step["assets"]
        ],
        check_specs=[
            dg.AssetCheckSpec(check, asset=dg.AssetKey(asset["key"]))
            for asset in step["assets"]
            for check in asset["checks"]
        ],
        can_subset=True,
    )
    def nothing() -> Iterator[Any]:
        for asset in step["assets"]:
            yield dg.MaterializeResult(
                asset_key=asset["key"],
                check_results=[
                    dg.AssetCheckResult(asset_key=dg.AssetKey(asset["key"]), check_name=check, passed=True)
                    for check in asset["checks"]
                ],
            )

    return nothing


if __name__ == "__main__":
    shape = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    run_job(shape if sys.argv[2] == "steps" else each_alone(shape))
    import great_expectations  # noqa: F401
