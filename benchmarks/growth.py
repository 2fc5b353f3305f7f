"""How time, memory and size grow from ten thousand to a million commitments, and the SQL part beside DuckDB alone.

A grown sample is published once; then some of its commitments are edited and it is refreshed with everything on: all
checks, the changes against the release before, and the exports. Every refresh is a process of its own. What would take
longer than there is time for is left out, and the table says so.
"""

from __future__ import annotations

import csv
import json
import shutil
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.effort import Effort
from benchmarks.inputs import Sources, refresh, workplace
from benchmarks.measurement import Measurement, left_out
from benchmarks.process_tree import peak_memory
from benchmarks.processes import PYTHON, Cost, interleaved, run, tell
from ogp_pipeline.sample import GROWN_MASTER_FILE, write_grown_sample

SIZES, QUICK_SIZES = (10_000, 100_000, 1_000_000), (2_000, 10_000)
SIZE_OF_SQL_PART, QUICK_SIZE_OF_SQL_PART = 100_000, 10_000
PEAK_LIMIT_MIB = 4 * 1024
SQL_LIMIT, GROWTH_LIMIT = 1.5, 1.0
TIMES_OF_SQL_PART = 3  # where there is time
ROWS_PER_EDIT = 500


@dataclass(frozen=True)
class Grown:
    """What refreshes of one size cost: the first, and the one with edits (None where it was left out).

    The peak is that of both, the files are those of the last release.
    """

    size: int
    first: Cost
    edited: Cost | None
    peak_mib: float
    database_mib: float
    release_mib: float

    def microseconds(self, cost: Cost) -> float:
        """Per commitment, of one of the refreshes."""
        return 1e6 * cost.wall / self.size


def measure(effort: Effort) -> list[Measurement]:
    """Each size after the other, each compared with the one before; the SQL part at one size."""
    found: list[Measurement] = []
    before: Grown | None = None
    for size in QUICK_SIZES if effort.is_quick else SIZES:
        # no more per commitment than at the size before: less if growth keeps its limit
        seconds = before.first.wall * size / before.size if before else 0
        if not effort.fits(seconds):
            found.append(left_out("growth", f"refresh of {size:,} commitments", seconds / 60))
            continue
        folder = Path(tempfile.mkdtemp(prefix=f"grown-{size}-", dir=workplace()))
        try:
            grown, lines = grow(size, folder, before, effort)
        finally:
            shutil.rmtree(folder)
        found += lines
        before = grown
    return found


def grow(size: int, folder: Path, before: Grown | None, effort: Effort) -> tuple[Grown, list[Measurement]]:
    """Publish a sample of this size; run its SQL part by other means; edit it and refresh it, where there is time."""
    sources, data_dir = folder / "sources", folder / "data"
    tell(f"  writing a sample of {size:,} commitments")
    write_grown_sample(sources, size)
    with peak_memory() as peak:
        first = refresh(Sources(str(sources), f"{size:,} commitments"), data_dir)
    is_size_of_sql_part = size == (QUICK_SIZE_OF_SQL_PART if effort.is_quick else SIZE_OF_SQL_PART)
    sql_part = [_sql_part(size, data_dir, effort.times(TIMES_OF_SQL_PART))] if is_size_of_sql_part else []
    edited, peaks = None, [peak.mib]
    if effort.fits(first.wall):
        edits = edit(sources / GROWN_MASTER_FILE)
        with peak_memory() as peak:
            edited = refresh(Sources(str(sources), f"{size:,} commitments, {edits:,} edited"), data_dir)
        peaks.append(peak.mib)
    release = max((data_dir / "releases").glob("2*"))
    release_mib = sum(map(_mib, release.rglob("*")))
    grown = Grown(size, first, edited, max(peaks), _mib(data_dir / "ogp.duckdb"), release_mib)
    return grown, [*_lines(grown, before), *sql_part]


def edit(path: Path) -> int:
    """Let one row in `ROWS_PER_EDIT` say otherwise who leads the commitment and whether it is complete; how many."""
    partial_path = path.with_suffix(".partial")
    edits = 0
    with (
        path.open(encoding="utf-8", newline="") as source,
        partial_path.open("w", encoding="utf-8", newline="") as target,
    ):
        rows, writer = csv.reader(source), csv.writer(target, lineterminator="\n")
        header = next(rows)
        writer.writerow(header)
        lead, label, twin = map(header.index, ("Lead Institution", "Completion (End Of Term)", "_CompletionEndTerm"))
        for number, row in enumerate(rows):
            if number % ROWS_PER_EDIT == 0:
                row[lead], row[label], row[twin] = "Office of Second Thoughts", "Limited", "3"
                edits += 1
            writer.writerow(row)
    partial_path.replace(path)
    return edits


def _mib(path: Path) -> float:
    return path.stat().st_size / 2**20 if path.is_file() else 0.0


def _lines(grown: Grown, before: Grown | None) -> list[Measurement]:
    words = f"{grown.size:,} commitments"
    line = partial(Measurement, "growth")
    no_changes = "checks and exports; no release before, so no changes"
    first = _line_of(f"first refresh of {words}", grown, grown.first, before, before and before.first, no_changes)
    what = f"refresh of {words}, some edited"
    edited = (
        left_out("growth", what, grown.first.wall / 60)
        if grown.edited is None
        else _line_of(what, grown, grown.edited, before, before and before.edited, "checks, changes and exports")
    )
    return [
        first,
        edited,
        line(
            f"peak memory, {words}", grown.peak_mib, "MiB", limit=PEAK_LIMIT_MIB, note="the process and all it starts"
        ),
        line(
            f"published file, {words}",
            grown.database_mib,
            "MiB",
            note=f"the whole release {grown.release_mib:,.0f} MiB",
        ),
    ]


def _line_of(
    what: str, grown: Grown, cost: Cost, before: Grown | None, cost_before: Cost | None, note: str
) -> Measurement:
    """Time per commitment beside that of the same refresh of the size before."""
    beside = {}
    if before is not None and cost_before is not None:
        beside = {
            "compared_with": f"at {before.size:,}",
            "compared": before.microseconds(cost_before),
            "limit": GROWTH_LIMIT,
        }
    seconds = f"{cost.wall:.0f} s, processors {cost.cpu:.0f} s"
    return Measurement("growth", what, grown.microseconds(cost), "us/commitment", **beside, note=f"{note}; {seconds}")


def _sql_part(size: int, data_dir: Path, times: int) -> Measurement:
    found = interleaved({way: partial(_run_sql_part, data_dir, way) for way in ("store", "duckdb")}, times)
    said = {way: [json.loads(cost.said) for cost in costs] for way, costs in found.items()}
    seconds = {way: median(each["seconds"] for each in replies) for way, replies in said.items()}
    return Measurement(
        "growth",
        f"SQL part, {size:,} commitments",
        seconds["store"],
        "s",
        "DuckDB alone",
        seconds["duckdb"],
        SQL_LIMIT,
        f"{said['store'][0]['statements']} SELECTs written to Parquet; ours also casts, sorts and takes fingerprints",
    )


def _run_sql_part(data_dir: Path, way: str) -> Cost:
    tell(f"  SQL part by {way}")
    into = Path(tempfile.mkdtemp(prefix="sql-", dir=workplace())) / "tables"
    try:
        return run([PYTHON, "-m", "benchmarks.sql_part", way, data_dir, into])
    finally:
        shutil.rmtree(into.parent)
