"""What an analyst waits for: figure 4.3 from a cold open of the published file, and the cookbook's slowest query.

Each beside the same question answered by pandas from the CSV files of the same release, with the same answer. Every
answer comes from a fresh process, and the pages of the files it reads are first dropped from the system's memory.
"""

from __future__ import annotations

import json
import os
import re
import statistics
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from benchmarks.analyst_questions import QUESTIONS, Question, Rows
from benchmarks.effort import Effort
from benchmarks.inputs import release_of_all_files
from benchmarks.measurement import Measurement
from benchmarks.processes import PYTHON, TOP, BenchmarkError, Cost, interleaved, median_wall, run, tell

COOKBOOK = TOP / "docs" / "cookbook.md"
TIMES, FEW_TIMES = 7, 3


def measure(effort: Effort) -> list[Measurement]:
    """Milliseconds of the questions, within their processes and with the start of Python and the import."""
    data_dir, _ = release_of_all_files()
    release = max((data_dir / "releases").glob("2*"))
    tell("  analysts' questions, each in a fresh process")
    times = effort.times(TIMES, FEW_TIMES)
    recipes = cookbook()
    by_time = sorted(slowness(release, recipes, times).items(), key=lambda each: -each[1])
    found = [_beside_csv(name, QUESTIONS[name], release, None, times) for name in list(QUESTIONS)[:2]]
    slowest, milliseconds = by_time[0]
    told = f"{slowest}. {recipes[slowest][0]}"
    named = {question.in_cookbook: name for name, question in QUESTIONS.items() if question.in_cookbook}
    median = statistics.median(each for _, each in by_time)
    note = f"slowest of {len(by_time)} on a new connection of one process; their median is {median:.1f} ms"
    found.append([Measurement("analysts", f"cookbook's slowest: {told}"[:68], milliseconds, "ms", note=note)])
    number = next(number for number, _ in by_time if number in named)
    name = named[number]
    found.append(_beside_csv(f"cookbook {number}", QUESTIONS[name], release, recipes[number][1], times, name))
    return [line for lines in found for line in lines]


def cookbook() -> dict[str, tuple[str, str]]:
    """Number -> (question, SQL) of every recipe."""
    text = COOKBOOK.read_text(encoding="utf-8")
    found = re.findall(r"^## (\d+)\. (.+?)$.*?^```sql\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    return {number: (words, sql) for number, words, sql in found}


def slowness(release: Path, recipes: dict[str, tuple[str, str]], times: int) -> dict[str, float]:
    """Median milliseconds of each recipe, from opening the file to the answer, in this process."""
    from benchmarks.analyst_questions import answer

    asked = Question(None, lambda pd, folder: None)
    return {
        number: statistics.median(answer("duckdb", asked, release, sql)[0] for _ in range(times))
        for number, (_, sql) in recipes.items()
    }


def _beside_csv(
    what: str, question: Question, release: Path, sql: str | None, times: int, name: str | None = None
) -> list[Measurement]:
    """A question by both ways: within the process, and with its start and import. BenchmarkError: other answers."""
    name = name or what
    ways = {way: partial(_asked, way, name, release, sql) for way in ("duckdb", "pandas")}
    found = interleaved(ways, times)
    said = {way: [json.loads(cost.said) for cost in costs] for way, costs in found.items()}
    answers = {way: _compared(replies[0]["rows"], question.compared) for way, replies in said.items()}
    if not _same(answers["duckdb"], answers["pandas"]):
        raise BenchmarkError(f"{what}: the file answers {answers['duckdb'][:3]}, the CSV {answers['pandas'][:3]}")
    inside = {way: statistics.median(reply["milliseconds"] for reply in replies) for way, replies in said.items()}
    note = f"open and query, nothing of the files in memory; {len(answers['duckdb'])} rows, the same both ways"
    whole = {way: 1000 * median_wall(costs) for way, costs in found.items()}
    return [
        Measurement("analysts", what, inside["duckdb"], "ms", "pandas on CSV", inside["pandas"], 1.0, note),
        Measurement(
            "analysts",
            f"{what}, whole process",
            whole["duckdb"],
            "ms",
            "pandas on CSV",
            whole["pandas"],
            None,
            "with the start of Python and the import of the library",
        ),
    ]


def _asked(way: str, name: str, release: Path, sql: str | None) -> Cost:
    forget([release / "ogp.duckdb", *(release / "csv").glob("*.csv")])
    return run([PYTHON, "-m", "benchmarks.analyst_questions", way, name, release, *([sql] if sql else [])])


def forget(paths: Iterable[Path]) -> None:
    """Let the system drop what it holds of these files in memory, so that they are read from the disk."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)  # what is not yet on the disk would stay in memory
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)


def _compared(rows: Rows, columns: tuple[int, ...] | None) -> Rows:
    chosen = [row if columns is None else [row[column] for column in columns] for row in rows]
    # equal ranks may stand in any order
    return sorted(chosen, key=str)


def _same(one: Rows, other: Rows) -> bool:
    if len(one) != len(other):
        return False
    pairs = [pair for left, right in zip(one, other, strict=True) for pair in zip(left, right, strict=True)]
    return all(
        abs(left - right) < 1e-12 if isinstance(left, float) and isinstance(right, float) else left == right
        for left, right in pairs
    )
