"""A whole refresh beside what people would use instead, on the same two files of 2016: dbt, and a pandas script.

dbt computes the pipeline's own tables with its own checks as tests (dbt_models.py), and each of its tables is compared
with the pipeline's, row by row, before its seconds are told. The script's cells are compared with metrics.vital_signs.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.dbt_environment import dbt_program
from benchmarks.dbt_models import Written, write_project
from benchmarks.effort import Effort
from benchmarks.inputs import files_of_2016, fresh_refresh, workplace
from benchmarks.measurement import Measurement, missing
from benchmarks.processes import PYTHON, BenchmarkError, Cost, interleaved, median_cpu, median_wall, run, tell
from ogp_pipeline.models import load_catalog
from ogp_pipeline.settings import Settings
from ogp_pipeline.store import connect, literal, quoted

TIMES = 2  # where there is time
SCRIPT = Path(__file__).with_name("pandas_script.py")


def measure(effort: Effort) -> list[Measurement]:
    """The refresh over dbt build (cold and, where there is time, warm) and over the pandas script.

    By the clock and by processor time.
    """
    data_dir, first = fresh_refresh(files_of_2016().sources)
    script = _script(data_dir)
    try:
        dbt, written = dbt_build(data_dir, workplace())
    except BenchmarkError as error:
        return [*_beside_script([first], script), missing("side by side", "refresh over dbt build", str(error))]
    ways = {"cold": partial(dbt, True)}
    if effort.is_thorough:
        ways |= {"warm": partial(dbt, False), "refresh": _refresh}
    found = interleaved(ways, effort.times(TIMES))
    found["refresh"] = [first, *found.get("refresh", [])]
    same_rows(data_dir, workplace() / "dbt.duckdb", written)
    return [*_beside_dbt(found, written), *_beside_script(found["refresh"], script)]


def _beside_dbt(found: dict[str, list[Cost]], written: Written) -> list[Measurement]:
    own, cold, warm = found["refresh"], found["cold"], found.get("warm")
    same = (
        f"{len(written.models)} models with the same rows, {len(written.tests):,} tests; only the refresh reads the "
        f"official files as they are, keeps their bytes, fits {', '.join(written.left_out)}, compares with the release "
        "before, audits, and writes exports, report and pages"
    )
    quiet = "dbt parses its project anew and starts without a database"
    return [
        _line("refresh", median_wall(own), "dbt build, cold", median_wall(cold), 1.0, f"{same}; {quiet}"),
        *(_beside_warm(own, warm) if warm else []),
        _line("refresh, processor time", median_cpu(own), "dbt build, cold", median_cpu(cold)),
    ]


def _beside_warm(own: list[Cost], warm: list[Cost]) -> list[Measurement]:
    note = "nothing changed since its last"
    return [
        _line("refresh", median_wall(own), "dbt build, warm", median_wall(warm), None, note),
        _line("refresh, processor time", median_cpu(own), "dbt build, warm", median_cpu(warm), None, note),
    ]


def _beside_script(own: list[Cost], script: list[Cost]) -> list[Measurement]:
    note = "the script gives the same cells of figures 4.3 and 4.5, and nothing else: the price of everything else"
    return [
        _line("refresh", median_wall(own), "pandas script", median_wall(script), None, note),
        _line("refresh, processor time", median_cpu(own), "pandas script", median_cpu(script)),
    ]


def _line(
    what: str,
    value: float,
    compared_with: str | None = None,
    compared: float | None = None,
    limit: float | None = None,
    note: str = "",
) -> Measurement:
    return Measurement("side by side", what, value, "s", compared_with, compared, limit, note)


def _refresh() -> Cost:
    _, cost = fresh_refresh(files_of_2016().sources)
    return cost


def dbt_build(data_dir: Path, folder: Path) -> tuple[Callable[[bool], Cost], Written]:
    """`dbt build` of the project generated into `folder`, cold or warm; and what was generated.

    Its database is `dbt.duckdb` there. BenchmarkError where dbt fails, a model is not built or a test does not run.
    """
    program = dbt_program()
    project = folder / "dbt"
    written = write_project(Settings(data_dir), load_catalog(), project)
    database = folder / "dbt.duckdb"
    # one thread for each processor, as its own documentation advises for a local database
    environment = {"BENCHMARK_DATABASE": str(database), "BENCHMARK_THREADS": str(os.cpu_count() or 1)}

    def build(is_cold: bool) -> Cost:
        tell(f"  dbt build, {'cold' if is_cold else 'warm'}")
        if is_cold:
            shutil.rmtree(project / "target", ignore_errors=True)
            database.unlink(missing_ok=True)
        flags = ["--no-partial-parse"] if is_cold else []
        cost = run([program, "build", "--profiles-dir", project, *flags], environment, project)
        _all_ran(project / "target" / "run_results.json", written)
        return cost

    return build, written


def _all_ran(results: Path, written: Written) -> None:
    """BenchmarkError where dbt did not build every model or did not run every test; a test of doubts may warn."""
    told = json.loads(results.read_text(encoding="utf-8"))["results"]
    ran = Counter(each["unique_id"].split(".")[0] for each in told if each["status"] in ("success", "pass", "warn"))
    wanted = {"model": len(written.models), "test": len(written.tests)}
    if any(ran[kind] != count for kind, count in wanted.items()):
        raise BenchmarkError(f"dbt ran {dict(ran)}, written were {wanted}")


def same_rows(data_dir: Path, database: Path, written: Written) -> None:
    """BenchmarkError where a table of dbt holds other rows than the pipeline's."""
    tables = Settings(data_dir).tables_dir
    different = []
    with connect() as connection:
        connection.execute(f"attach {literal(database.as_posix())} as dbt (read_only)")
        for name in written.models:
            schema, table = name.split(".")
            theirs = f"dbt.{schema}.{quoted(table)}"
            ours = f"read_parquet({literal((tables / f'{name}.parquet').as_posix())})"
            rows = connection.execute(
                f"select (select count(*) from (from {theirs} except all from {ours}))"
                f" + (select count(*) from (from {ours} except all from {theirs}))"
            ).fetchone()[0]
            different += [f"{name} ({rows} rows)"] if rows else []
    if different:
        raise BenchmarkError(f"dbt's tables hold other rows than the pipeline's: {', '.join(different)}")


def _script(data_dir: Path) -> list[Cost]:
    """The pandas script, three times; BenchmarkError where its cells are not those of the release."""
    files = files_of_2016()
    tell("  pandas script")
    costs = [run([PYTHON, SCRIPT, files.commitments, files.process]) for _ in range(3)]
    theirs = json.loads(costs[0].said)
    with connect() as connection:
        connection.execute(f"attach {literal((data_dir / 'ogp.duckdb').as_posix())} as release (read_only)")
        for figure, cells in theirs.items():
            ours = connection.execute(
                "select level, plans, commitments, hits, pooled_share from release.metrics.vital_signs "
                "where figure = ? and is_default order by level_rank",
                [figure],
            ).fetchall()
            if ours != [tuple(cell) for cell in cells]:
                raise BenchmarkError(f"figure {figure}: the script gives {cells}, the release {ours}")
    return costs
