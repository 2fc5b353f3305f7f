"""Contracts as Dagster checks: one `contract` check per table, one more per listed rule.

No check blocks a run: checks inform, the release is the gate (DESIGN.md, decision 2). They run in the step
that builds their table, so that they cost no step of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import dagster as dg

from ogp_pipeline.models import Model

if TYPE_CHECKING:
    from ogp_pipeline.quality import Verdict
    from ogp_pipeline.store import Store

SEVERITY = {"critical": dg.AssetCheckSeverity.ERROR, "warning": dg.AssetCheckSeverity.WARN}


def check_specs(model: Model) -> list[dg.AssetCheckSpec]:
    """The checks of a table as Dagster shows them before they run."""
    from ogp_pipeline.quality import check_groups

    return [
        dg.AssetCheckSpec(name, asset=model.name.split("."), description=" ".join(why.split()))
        for name, why in check_groups(model.contract)
    ]


def check_results(store: Store, model: Model) -> list[dg.AssetCheckResult]:
    """Run every check on the working table of a model."""
    from ogp_pipeline.quality import check_groups, evaluate

    with store.session({model.name, *model.checks_read}) as connection:
        verdicts = evaluate(connection, model, store.catalog)
    return [
        _result(model, name, [verdict for verdict in verdicts if verdict.group == name])
        for name, _ in check_groups(model.contract)
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
    if failed:
        metadata["rows that break it (up to 20)"] = failures_table(failed)
    return dg.AssetCheckResult(
        asset_key=model.name.split("."),
        check_name=name,
        passed=not failed,
        severity=SEVERITY[worst],
        description="; ".join(verdict.sentence() for verdict in failed)[:2000] or None,
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


def failures_table(verdicts: Sequence[Verdict]) -> dg.MarkdownMetadataValue:
    """The failed checks with their failing rows, as Markdown."""
    blocks = []
    for verdict in verdicts:
        blocks.append(f"**{verdict.name}** ({verdict.severity}): {' '.join(verdict.why.split())}")
        if verdict.error:
            blocks.append(f"could not run: {_cell(verdict.error)}")
        if verdict.sample:
            columns = list(verdict.sample[0])
            head = f"| {' | '.join(map(_cell, columns))} |\n|{'---|' * len(columns)}"
            lines = [f"| {' | '.join(_cell(row.get(column)) for column in columns)} |" for row in verdict.sample]
            blocks.append("\n".join([head, *lines]))
    return dg.MetadataValue.md("\n\n".join(blocks))


def _cell(value: object) -> str:
    """Text from data inside a Markdown table: nothing in it is markup."""
    text = " ".join(str(value).split())[:200]
    for character in "\\`*_[]<>|#":
        text = text.replace(character, f"\\{character}")
    return text
