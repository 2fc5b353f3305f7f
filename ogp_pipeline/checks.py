"""Contracts as Dagster checks: one `contract` check per table that is not mere reference, one more per listed rule.

No check blocks a run: checks inform, the release is the gate (DESIGN.md, decision 2). They run in the step
that builds their table, so that they cost no step of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import dagster as dg

from ogp_pipeline.models import Model
from ogp_pipeline.safe_text import visible

if TYPE_CHECKING:
    from ogp_pipeline.quality import Verdict

SEVERITY = {"critical": dg.AssetCheckSeverity.ERROR, "warning": dg.AssetCheckSeverity.WARN}


def check_specs(model: Model) -> list[dg.AssetCheckSpec]:
    """The checks of a table as Dagster shows them before they run."""
    from ogp_pipeline.quality import check_groups

    return [
        dg.AssetCheckSpec(name, asset=model.name.split("."), description=" ".join(why.split()))
        for name, why in check_groups(model)
    ]


def check_results(model: Model, verdicts: Sequence[Verdict]) -> list[dg.AssetCheckResult]:
    """The verdicts on a table as the results of its checks."""
    from ogp_pipeline.quality import check_groups

    return [
        _result(model, name, [verdict for verdict in verdicts if verdict.group == name])
        for name, _ in check_groups(model)
    ]


def _result(model: Model, name: str, verdicts: Sequence[Verdict]) -> dg.AssetCheckResult:
    failed = [verdict for verdict in verdicts if not verdict.passed]
    worst = "critical" if any(v.severity == "critical" for v in failed or verdicts) else "warning"
    metadata: dict[str, object] = {
        "checks": len(verdicts),
        "failed": len(failed),
        "failing rows": sum(verdict.failing_rows or 0 for verdict in failed),
        "verdicts": _verdict_table(verdicts),
    }
    metadata |= failing_rows(failed)
    return dg.AssetCheckResult(
        asset_key=model.name.split("."),
        check_name=name,
        passed=not failed,
        severity=SEVERITY[worst],
        description=visible("; ".join(verdict.sentence() for verdict in failed))[:2000] or None,
        metadata=metadata,
    )


def _verdict_table(verdicts: Sequence[Verdict]) -> dg.TableMetadataValue:
    return dg.MetadataValue.table(
        [
            dg.TableRecord(
                {
                    "check": verdict.check,
                    "severity": verdict.severity,
                    "status": verdict.status,
                    "failing_rows": -1 if verdict.failing_rows is None else verdict.failing_rows,
                }
            )
            for verdict in verdicts
        ],
        schema=dg.TableSchema(
            [
                dg.TableColumn("check", "string"),
                dg.TableColumn("severity", "string"),
                dg.TableColumn("status", "string"),
                dg.TableColumn("failing_rows", "int", description="-1 where the check does not count rows"),
            ]
        ),
    )


def failing_rows(verdicts: Sequence[Verdict]) -> dict[str, dg.MetadataValue]:
    """For each failed check its failing rows with their keys as a table, or why it could not run."""
    metadata: dict[str, dg.MetadataValue] = {}
    for verdict in verdicts:
        label = f"{verdict.name} ({verdict.status}, {verdict.severity})"
        if verdict.error:
            metadata[label] = dg.MetadataValue.text(visible(f"could not run: {verdict.error}"))
        elif verdict.sample:
            columns = list(dict.fromkeys(name for row in verdict.sample for name in row))
            metadata[label] = dg.MetadataValue.table(
                [dg.TableRecord({name: cell_text(row.get(name)) for name in columns}) for row in verdict.sample],
                schema=dg.TableSchema([dg.TableColumn(name, "string") for name in columns]),
            )
        else:
            metadata[label] = dg.MetadataValue.text(visible(verdict.sentence()))
    return metadata


def cell_text(value: object) -> str:
    """A value as a table of Dagster shows it: text, at most 500 characters."""
    return "" if value is None else visible(str(value)[:500])
