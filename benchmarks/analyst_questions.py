"""One question of an analyst, answered in a fresh process: python -m benchmarks.analyst_questions WAY QUESTION RELEASE.

WAY is `duckdb` (the published file) or `pandas` (the CSV files of the same release). It prints the milliseconds from
opening to the answer as JSON, without the import of the library, and the answer.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Rows = list[list[Any]]


@dataclass(frozen=True)
class Question:
    """SQL on the published file, and the same from CSV files in pandas; `in_cookbook` is its number there."""

    sql: str | None
    pandas: Callable[[Any, Path], Any]
    in_cookbook: str | None = None
    compared: tuple[int, ...] | None = None  # columns of the answer that must be equal; None: all


def _csv(pd: Any, folder: Path, table: str, columns: list[str], **options: Any) -> Any:
    """Some columns of a table, as an analyst would read them: an empty cell is missing, `NA` is a text."""
    path = folder / f"{table}.csv"
    return pd.read_csv(path, usecols=columns, keep_default_na=False, na_values=[""], low_memory=False, **options)


def _figure_4_3(pd: Any, folder: Path) -> Any:
    columns = ["figure", "is_default", "level", "level_rank", "plans", "hits", "commitments", "pooled_share"]
    cells = _csv(pd, folder, "metrics.vital_signs", columns, dtype={"figure": str})
    cells = cells[(cells["figure"] == "4.3") & cells["is_default"]].sort_values("level_rank")
    return cells[["level", "plans", "hits", "commitments", "pooled_share"]]


def _figure_4_3_counted(pd: Any, folder: Path) -> Any:
    hit = "is_moderate_or_transformative"
    columns = ["influence_development", "member_type", "is_partial", "plan_id", hit]
    flat = _csv(pd, folder, "marts.commitments_flat", columns)
    levels = ["no_consultation", "inform", "consult", "involve", "collaborate", "empower"]
    flat = flat[
        (flat["member_type"] == "national")
        & ~flat["is_partial"]
        & flat[hit].notna()
        & flat["influence_development"].isin(levels)
    ]
    grouped = flat.assign(hit=flat[hit].astype(int)).groupby("influence_development")
    found = grouped.agg(plans=("plan_id", "nunique"), hits=("hit", "sum"), commitments=("hit", "size")).reset_index()
    return found.sort_values("influence_development")


def _consultations(pd: Any, folder: Path) -> Any:
    influence = _csv(pd, folder, "marts.influence", ["plan_id", "stage", "level", "level_rank"])
    plans = _csv(pd, folder, "marts.action_plans", ["plan_id", "member_id"])
    members = _csv(pd, folder, "marts.members", ["member_id", "region", "member_type"])
    found = influence[influence["stage"] == "development"].merge(plans).merge(members)
    found = found[(found["region"] == "Europe") & (found["member_type"] == "national")].sort_values("plan_id")
    grouped = found.groupby(["level", "level_rank"], dropna=False)["plan_id"].agg([len, list]).reset_index()
    return grouped.sort_values("level_rank")[["level", "len", "list"]]


def _countries_on_a_topic(pd: Any, folder: Path) -> Any:
    columns = ["commitment_id", "member_name", "region", "member_type", "is_assessed_completion", "is_complete"]
    flat = _csv(pd, folder, "marts.commitments_flat", [*columns, "is_partial"])
    areas = _csv(pd, folder, "marts.commitment_policy_areas", ["commitment_id", "policy_area"])
    found = flat[flat["member_type"] == "national"].merge(areas[areas["policy_area"] == "anti_corruption"])
    found["is_complete"] = found["is_complete"] == True  # noqa: E712 - missing is not complete
    grouped = found.groupby(["member_name", "region"], dropna=False).agg(
        commitments=("commitment_id", "size"),
        assessed=("is_assessed_completion", "sum"),
        complete=("is_complete", "sum"),
        partial=("is_partial", "sum"),
    )
    return grouped.reset_index().sort_values(["commitments", "member_name"], ascending=[False, True])


def _lines_of_files(pd: Any, folder: Path) -> Any:
    columns = ["commitment_id", "title", "completion_latest", "plan_id", "influence_throughout"]
    flags = ["is_assessed_completion", "member_type", "is_partial"]
    flat = _csv(pd, folder, "marts.commitments_flat", [*columns, *flags])
    plans = _csv(pd, folder, "marts.action_plans", ["plan_id", "source_file"])
    staged = _csv(pd, folder, "staging.commitments", ["commitment_id", "_source_file", "_source_row"])
    chosen = (flat["influence_throughout"] == "consult") & flat["is_assessed_completion"] & ~flat["is_partial"]
    found = flat[chosen & (flat["member_type"] == "national")].merge(plans).merge(staged)
    found = found[found["_source_file"] == found["source_file"]].sort_values("commitment_id")
    return found[["commitment_id", "title", "completion_latest", "source_file", "_source_row"]]


def _doubts(pd: Any, folder: Path) -> Any:
    problems = _csv(pd, folder, "meta.problems", ["rule", "severity", "source_file", "original"])
    grouped = problems.groupby(["rule", "severity"]).agg(
        cells=("rule", "size"), files=("source_file", "nunique"), example=("original", "first")
    )
    return grouped.reset_index().sort_values(["cells", "rule"], ascending=[False, True])


QUESTIONS = {
    "figure 4.3": Question(
        "select level, plans, hits, commitments, pooled_share from vital_signs "
        "where figure = '4.3' and is_default order by level_rank",
        _figure_4_3,
    ),
    "figure 4.3 counted from commitments": Question(
        "select influence_development, count(distinct plan_id), count(*) filter (where is_moderate_or_transformative), "
        "count(*) from commitments_flat where member_type = 'national' and not is_partial "
        "and is_moderate_or_transformative is not null and influence_development in "
        "('no_consultation', 'inform', 'consult', 'involve', 'collaborate', 'empower') group by 1 order by 1",
        _figure_4_3_counted,
    ),
    # those of the cookbook that took longest; the SQL is the cookbook's own
    "consultations of a region": Question(None, _consultations, "3"),
    "countries on a topic": Question(None, _countries_on_a_topic, "5"),
    "from a figure to lines of the file": Question(None, _lines_of_files, "17"),
    "what was refused, mended or doubted": Question(None, _doubts, "18", compared=(0, 1, 2, 3)),
}


def answer(way: str, question: Question, release: Path, sql: str | None = None) -> tuple[float, Rows]:
    """Milliseconds from opening to the answer, and the answer as plain rows."""
    if way == "duckdb":
        import duckdb

        start = time.perf_counter()
        with duckdb.connect(str(release / "ogp.duckdb"), read_only=True) as connection:
            rows = connection.execute(sql or question.sql).fetchall()
    else:
        import pandas as pd

        start = time.perf_counter()
        rows = list(question.pandas(pd, release / "csv").itertuples(index=False, name=None))
    return 1000 * (time.perf_counter() - start), [[_plain(value) for value in row] for row in rows]


def _plain(value: Any) -> Any:
    """A value that JSON knows: numpy's numbers as Python's, what is missing as None."""
    if hasattr(value, "item"):
        value = value.item()
    return None if value != value else value


if __name__ == "__main__":
    used, name, where = sys.argv[1:4]
    milliseconds, rows = answer(used, QUESTIONS[name], Path(where), sys.argv[4] if len(sys.argv) > 4 else None)
    print(json.dumps({"milliseconds": milliseconds, "rows": rows}))
