"""The benchmarks measure what they say: their table, and that what they compare gives the same. No time is asserted."""

from __future__ import annotations

import os
import re
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks import growth
from benchmarks.__main__ import BENCHMARKS, main, measured
from benchmarks.analyst_questions import QUESTIONS, answer
from benchmarks.analysts import cookbook
from benchmarks.dbt_models import with_references, write_project
from benchmarks.document import document
from benchmarks.effort import Effort
from benchmarks.floor import each_alone
from benchmarks.measurement import Measurement, left_out, missing
from benchmarks.pandas_script import figures
from benchmarks.processes import PYTHON, TOP, Cost
from benchmarks.side_by_side import dbt_build, same_rows
from benchmarks.step_times import shape
from benchmarks.table import HEADERS, as_markdown, as_text, table
from ogp_pipeline.models import Catalog
from ogp_pipeline.quality import check_names
from ogp_pipeline_tests.world import MEMBERS, World


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory, catalog: Catalog) -> World:
    """A release to which no question of the benchmarks has an empty answer; never changed."""
    world = World(tmp_path_factory.mktemp("asked"), catalog)
    world.commitments(
        *(
            {
                "Country": member,
                "Comm No": str(number),
                "Commitment Title": f"{member} {number}",
                "Anti-corruption": str(number % 2),  # of each plan one is on the topic and one is not
                "Potential impact": "Unheard of" if member == "Chile" else "Moderate",  # a value that is doubted
            }
            for member in MEMBERS
            for number in (1, 2)
        )
    )
    world.plans(*({"Country name": member, "IAP2 level during imp.": "Consult"} for member in MEMBERS))
    assert world.build().publish().status == "published"
    return world


# --- the table and the document


@pytest.mark.parametrize(
    ("found", "cells"),
    [
        # faster than what it is compared with, within its limit
        (
            Measurement("g", "a", 2.0, "s", "floor", 4.0, 1.0),
            ("g", "a", "2.00 s", "floor: 4.00 s", "0.50", "1", "yes", ""),
        ),
        # a limit that is not kept is marked
        (
            Measurement("g", "a", 9.0, "ms", "floor", 4.0, 1.3),
            ("g", "a", "9.0 ms", "floor: 4.0 ms", "2.25", "1.3", "NO", ""),
        ),
        # a ratio exactly at its limit keeps it
        (
            Measurement("g", "a", 4.0, "ms", "floor", 4.0, 1.0),
            ("g", "a", "4.0 ms", "floor: 4.0 ms", "1.00", "1", "yes", ""),
        ),
        # a limit of a value that stands alone, in its unit
        (Measurement("g", "a", 1024.4, "MiB", limit=2000), ("g", "a", "1,024 MiB", "", "", "2000 MiB", "yes", "")),
        # no limit is neither kept nor broken; the note has its number
        (Measurement("g", "a", 1.0, "s", note="why"), ("g", "a", "1.00 s", "", "", "", "", "1")),
        # what could not be measured has no ratio and keeps no limit
        (missing("g", "a", "dbt is not here"), ("g", "a", "not measured", "", "", "", "", "1")),
        # what takes longer than there is time for is no failure
        (left_out("g", "a", 31.7), ("g", "a", "left out", "", "", "", "", "1")),
    ],
)
def test_a_measurement_is_a_row(found: Measurement, cells: tuple[str, ...]) -> None:
    assert table([found]).rows == (cells,)


LINES = [
    Measurement("refresh", "cold", 50.0, "s", "floor", 40.0, 1.3, "the real files"),
    Measurement("refresh", "unchanged", 9.0, "s", "cold", 50.0, note="the real files"),
    missing("side by side", "failed", "one | two\nthree"),
]


def test_the_table_is_aligned_and_says_a_note_once() -> None:
    header, *rows = list(as_text(table(LINES)))
    at = header.index("compared with")
    assert [row[at:].split(":")[0] for row in rows[:2]] == ["floor", "cold"]
    assert rows[0].endswith(" yes   1") and rows[1].endswith(" 1") and rows[2].endswith(" 2")
    assert rows[3:] == ["", " 1  the real files", " 2  one | two\nthree"]


def test_the_markdown_table_holds_no_cell_that_ends_a_line() -> None:
    lines = list(as_markdown(table(LINES)))
    unescaped = re.compile(r"(?<!\\)\|")
    assert {len(unescaped.findall(line)) for line in lines[:5]} == {len(HEADERS) + 1}
    assert lines[5:] == ["", "1. the real files", r"2. one \| two three"]


def test_the_document_says_where_when_and_what_is_not_kept() -> None:
    at = datetime(2026, 2, 3, tzinfo=UTC)
    told = document(LINES, {"processor": "a fast one, 2 cores"}, at, "python -m benchmarks")
    for expected in (
        "Written by `python -m benchmarks` on 03 February 2026",
        "| processor | a fast one, 2 cores |",
        "Of 1 limits 1 are kept.",
        "1 lines could not be measured.",
        "## How to read it",
    ):
        assert expected in told
    assert told.endswith("\n") and not told.endswith("\n\n")


def test_every_benchmark_is_described_in_the_document() -> None:
    told = document([], {}, datetime.now(UTC), "")
    assert [name for name in BENCHMARKS if f"- **{name.replace('_', ' ')}**" not in told] == []


# --- running them


@pytest.mark.parametrize(
    ("minutes", "is_quick", "gone", "times", "fits_in_minutes"),
    [
        pytest.param(20, False, 0, 3, 19, id="what takes long is measured once within twenty minutes"),
        pytest.param(60, False, 0, 7, 59, id="and repeated within an hour"),
        pytest.param(60, True, 0, 1, 59, id="a quick look repeats nothing"),
        pytest.param(20, False, 10, 3, 9, id="what is over does not come back"),
    ],
)
def test_how_often_and_how_long(
    minutes: float, is_quick: bool, gone: float, times: int, fits_in_minutes: float
) -> None:
    effort = Effort(minutes, is_quick, start=time.monotonic() - 60 * gone)
    assert effort.times(7, 3) == times
    assert effort.fits(60 * fits_in_minutes)
    assert not effort.fits(60 * (fits_in_minutes + 2))


def test_a_size_that_does_not_fit_is_left_out_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def grown(size, folder, before, effort):
        seconds = 60 * size / growth.SIZES[0]
        return growth.Grown(size, Cost(seconds, seconds, 1, ""), None, 1, 1, 1), []

    monkeypatch.setattr(growth, "grow", grown)
    (line,) = growth.measure(Effort(30))
    assert line.is_left_out and line.what == "refresh of 1,000,000 commitments"
    assert "100 minutes" in line.note
    assert growth.measure(Effort(600)) == []


def test_a_benchmark_is_measured_and_written(tmp_path: Path) -> None:
    output = tmp_path / "performance.md"
    done = CliRunner().invoke(main, ["--quick", "definitions", "-o", str(output)])
    assert done.exit_code == 0, done.output
    assert re.search(r"^definitions +load definitions +\d+\.\d\d s +import dagster: ", done.stdout, re.MULTILINE)
    told = output.read_text(encoding="utf-8")
    assert re.search(r"^\| definitions \| load definitions \| \d+\.\d\d s \| import dagster: ", told, re.MULTILINE)
    assert re.search(r"^\| processor \| .+, \d+ cores \|$", told, re.MULTILINE)
    assert "python -m benchmarks --quick definitions -o" in told


def test_one_that_fails_is_a_line_and_the_next_still_runs() -> None:
    found = measured(("not_a_benchmark", "nor_this"), Effort())
    assert [(line.group, line.is_missing) for line in found] == [("not a benchmark", True), ("nor this", True)]
    assert all("No module named" in line.note for line in found)


def test_a_failure_ends_with_status_1(tmp_path: Path) -> None:
    # a Dagster that cannot be imported: neither side can be measured
    (tmp_path / "dagster.py").write_text("raise ImportError('broken on purpose')\n", encoding="utf-8")
    done = subprocess.run(
        [PYTHON, "-m", "benchmarks", "--quick", "definitions"],
        cwd=TOP,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "not measured" in done.stdout and "broken on purpose" in done.stdout


def test_the_floor_has_every_asset_and_check_of_the_pipeline(catalog: Catalog) -> None:
    steps = shape()
    alone = each_alone(steps)
    names = [".".join(asset["key"]) for step in alone for asset in step["assets"]]
    assert {model.name for model in catalog.public} <= set(names)
    assert len(names) == len(alone) == len(set(names))
    assert _checks(alone) == _checks(steps) > 0


def test_the_floor_runs(tmp_path: Path) -> None:
    shape_file = tmp_path / "shape.json"
    shape_file.write_text(
        '[{"name": "two", "assets": [{"key": ["a", "b"], "group": "marts", "deps": [], "checks": ["is_whole"]},'
        ' {"key": ["a", "c"], "group": "marts", "deps": [["a", "b"]], "checks": []}]}]',
        encoding="utf-8",
    )
    (tmp_path / "dagster.yaml").write_bytes((TOP / "dagster.yaml").read_bytes())
    done = subprocess.run(
        [PYTHON, "-m", "benchmarks.floor", shape_file, "each"],
        cwd=TOP,
        env={**os.environ, "DAGSTER_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.glob("**/*.db")), "the history of the run is on disk, as the pipeline's is"


def _checks(steps: list) -> int:
    return sum(len(asset["checks"]) for step in steps for asset in step["assets"])


# --- the same questions, answered by other ways


@pytest.mark.parametrize("name", QUESTIONS)
def test_csv_files_give_the_same_answer_as_the_published_file(asked: World, name: str) -> None:
    question = QUESTIONS[name]
    release = max((asked.settings.data_dir / "releases").glob("2*"))
    sql = cookbook()[question.in_cookbook][1] if question.in_cookbook else None
    ours, theirs = (answer(way, question, release, sql)[1] for way in ("duckdb", "pandas"))
    assert ours, "an empty answer would compare nothing"
    columns = question.compared or range(len(ours[0]))
    assert _rows(ours, columns) == _rows(theirs, columns)


def _rows(rows: list, columns) -> list[str]:
    return sorted(str([row[column] for column in columns]) for row in rows)


def test_the_pandas_script_gives_the_cells_of_the_pipeline(world: World) -> None:
    commitments = world.commitments(*_commitments())
    process = world.plans(
        *({"Country name": name, "IAP2 level during imp.": "Involve"} for name in ("Albania", "Brazil", "Chile", "UK")),
        # not assessed in the implementation: counted for development, not throughout
        {"Country name": "Denmark", "IAP2 level during imp.": "ND"},
        # a level of fewer than three plans has counts and no share
        {"Country name": "Estonia", "IAP2 level during development": "Collaborate"},
        # since 2013 "no consultation" is meant by NA
        {"Country name": "Georgia", "IAP2 level during development": "NA", "IAP2 level during imp.": "NA"},
    )
    world.build_for("metrics.vital_signs")
    theirs = figures(commitments, process)
    for figure in ("4.3", "4.5"):
        ours = world.rows(
            "select level, plans, commitments, hits, pooled_share from metrics.vital_signs "
            f"where figure = '{figure}' and is_default order by level_rank"
        )
        assert [list(row.values()) for row in ours] == theirs[figure]
    assert {cell[4] is None for cell in theirs["4.3"]} == {True, False}


def _commitments() -> list[dict[str, str]]:
    """Seven plans; hits, misses and what is not assessed, and a row that is there twice."""
    rows = [
        {"Country": country, "Comm No": str(number), "Commitment Title": f"{country} {number}", **outcome}
        for country in ("Albania", "Brazil", "Chile", "United Kingdom", "Denmark", "Estonia", "Georgia")
        for number, outcome in enumerate(
            (
                {"Potential impact": "Transformative", "_Pot Impact Coded": "3"},
                {"Potential impact": "Minor", "_Pot Impact Coded": "1"},
                {"Completion (end of term)": "d. Complete", "_CompletionEndTerm": "5"},
                {"Completion (progress report)": "NR", "_CompletionProgress": "NR"},
            ),
            start=1,
        )
    ]
    return [*rows, rows[0]]


# --- the dbt project


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select 1 from marts.plans", "select 1 from {{ ref('marts__plans') }}"),
        ("from raw.files as f where f.year > 1", "from {{ source('raw', 'files') }} as f where f.year > 1"),
        # a column of an alias that is called like a schema is no reference
        ("select marts.unknown from t", "select marts.unknown from t"),
        # texts, comments and quoted names stand as they are
        ("select 'marts.plans' -- marts.plans", "select 'marts.plans' -- marts.plans"),
        # what Jinja would read
        ("select '{{x}}'", "select '{{ '{{' }}x}}'"),
    ],
)
def test_references_become_dbts(sql: str, expected: str) -> None:
    assert with_references(sql, {"marts.plans": "model", "raw.files": "source"}) == expected


def test_the_dbt_project_covers_every_table_and_check(asked: World, catalog: Catalog, tmp_path: Path) -> None:
    project = tmp_path / "dbt"
    written = write_project(asked.settings, catalog, project)
    files = {path.stem.replace("__", ".", 1) for path in project.glob("models/*/*.sql")}
    assert files == set(written.models)
    assert sorted((*written.models, *written.sources, *written.left_out)) == sorted(model.name for model in catalog)
    # what reads official files, and what is fitted in Python, has no SELECT that dbt could run
    assert {name.split(".")[0] for name in written.sources} == {"raw", "meta"}
    assert written.left_out == ("metrics.associations",)
    checks = {f"{model.name}.{check}" for model in catalog.public for check in check_names(model.contract)}
    assert checks <= {*written.tests, *written.tests_left_out}
    assert len(written.tests_left_out) < len(written.tests) / 10
    text = (project / "models" / "marts" / "marts__commitments.sql").read_text(encoding="utf-8")
    assert "ref('staging__" in text and " staging." not in text


def test_dbt_builds_the_same_rows(asked: World, profile: str, tmp_path: Path) -> None:
    if profile == "ci":
        pytest.skip("installs dbt and builds with it: --reliability full")
    build, written = dbt_build(asked.settings.data_dir, tmp_path)
    build(True)
    same_rows(asked.settings.data_dir, tmp_path / "dbt.duckdb", written)
