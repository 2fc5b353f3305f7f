"""Files of every official layout with something wrong in them: nothing crashes, nothing disappears, nothing is unseen.

Hypothesis draws batches of files; of a batch that breaks a promise the one file is named. What it found stays in
`test_found_by_mutation`.
"""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ogp_pipeline.errors import InputError, PublishRefusedError
from ogp_pipeline.models import Catalog
from ogp_pipeline.sample import write_sample
from ogp_pipeline.sources.layouts import layouts
from ogp_pipeline.validation import validate_files
from ogp_pipeline.validation_formats import as_csv, as_json, as_text
from ogp_pipeline_tests.conftest import REAL_DATA
from ogp_pipeline_tests.reliability.mutations import Base, Mutated, bases, mutated_files
from ogp_pipeline_tests.world import World

FILES_OF_A_BATCH = 20
# Batches for each layout: 15 layouts x 8 batches x 20 files are 2,400 cases, and 2,115 where the first batch, twenty
# times the same file, counts once; nightly 21,000.
BATCHES = {"ci": 8, "full": 14, "nightly": 70}
WHOLE_RUNS = {"ci": 1, "full": 3, "nightly": 20}
VALIDATED = 4  # of so many batches one is also given to `validate`
SEVERITIES = {"quarantine", "unreadable", "doubt", "repair"}
LAYOUTS = (
    *("eligibility", "engagement", "explorer_commitments", "irm_report_commitments", "irm_report_plans"),
    *("local_end_of_commitment", "local_inception", "local_inception_commitments", "local_learning"),
    *("master_commitments", "member_list", "process_database", "self_assessment", "self_assessment_commitments"),
    "self_assessment_subcommitments",
)


@dataclass
class Judge:
    """Builds batches of files in one world and holds each to what is promised; counts what became of them."""

    world: World
    layout: str
    columns_read: frozenset[str]  # the headers that the layout's SQL reads
    counts: Counter = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    batches: int = 0

    def judge(self, files: Sequence[Mutated]) -> None:
        """Note the files that break a promise alone, else the batch that does it together."""
        try:
            self._judge(files)
        except Exception as error:
            broken = [fault for file in files if (fault := self._fault_of(file))]
            self.faults += broken or [f"{len(files)} files together: {type(error).__name__}: {error}\n{files}"]

    def _fault_of(self, file: Mutated) -> str | None:
        try:
            self._judge([file])
        except Exception as error:
            return f"{type(error).__name__}: {error}\n{file}"
        return None

    def _judge(self, files: Sequence[Mutated]) -> None:
        folder = self.world.inputs
        shutil.rmtree(folder)
        folder.mkdir()
        self.world.commitments({}, file="whole.csv")
        for file in files:
            (folder / file.name).write_bytes(file.content)
        self.counts["files"] += len(files)
        refused = self._build()
        for name in refused:
            (folder / name).unlink()
        if refused:  # every error was told at once: without those files the rest is read
            self.counts["ended the run, named"] += len(refused)
            assert not self._build(), "a file was refused only after the others were taken away"
        self._judge_tables({file.name: file for file in files if file.name not in refused})
        self.batches += 1
        if self.batches % VALIDATED == 1:
            self._judge_validation()

    def _build(self) -> set[str]:
        """Build the layout's tables; the files that ended the run, by name."""
        try:
            self.world.build("meta__sources", self.layout)
        except InputError as error:
            names = [line.split(":")[0].split("#")[0] for line in error.problems]
            unnamed = [line for line, name in zip(error.problems, names, strict=True) if name == "whole.csv"]
            assert not unnamed, f"the wrong file was blamed: {unnamed}"
            lacking = [name for name in names if not (self.world.inputs / name).exists()]
            assert not lacking, f"no file of this name: {error.problems}"
            terse = [line for line in error.problems if len(line.split()) < 6]
            assert not terse, f"it does not say what to do: {terse}"
            return set(names)
        return set()

    def _judge_validation(self) -> None:
        """What `validate` says of the same files: in every format, and nothing that commands a terminal."""
        report = validate_files([self.world.inputs])
        text = as_text(report)
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", text), "a control character reached the terminal"
        assert len(list(csv.reader(io.StringIO(as_csv(report))))) > 1
        named = {entry["file"] for entry in json.loads(as_json(report))["files"]}
        assert {path.as_posix() for path in self.world.inputs.iterdir()} <= named, "validate passed over a file"

    def _judge_tables(self, files: dict[str, Mutated]) -> None:
        source = self.layout
        tables = ["meta.sources", f"raw.{source}", f"staging._{source}_parsed", f"staging.{source}"]
        with self.world.store.session([*tables, f"quarantine.{source}"]) as connection:

            def rows(sql: str) -> list[tuple]:
                return connection.execute(sql).fetchall()

            sources = {
                name: (status, reason, layout, count)
                for name, status, reason, layout, count in rows(
                    "select source_file, status, reason, layout, rows from meta.sources"
                )
            }
            raw = set(rows(f"select _source_file, _source_row from raw.{source}"))
            staged = rows(f"select _source_file, _source_row from staging.{source}")
            refused = rows(f"select _source_file, _source_row, problems from quarantine.{source}")
            problems = rows(
                "select _source_file, _source_row, problem.* from (select _source_file, _source_row, "
                f"unnest(problems) as problem from staging._{source}_parsed)"
            )
            header = {row[0] for row in rows(f"describe raw.{source}")}
            texts = {
                (row[0], int(row[1])): " ".join(str(cell) for cell in row[2:])
                for row in rows(f"select _source_file, _source_row, * from staging.{source}")
            }
        kept = [(name, row) for name, row in staged] + [(name, row) for name, row, _ in refused]
        raw_rows = {(name, int(row)) for name, row in raw}
        assert len(kept) == len(set(kept)), "a row is both staged and refused, or twice"
        assert set(kept) == raw_rows, f"rows lost or made up: {set(kept) ^ raw_rows}"
        assert all(reasons for _, _, reasons in refused), "a row was refused without a reason"
        told: dict[tuple[str, int], list[tuple]] = {}
        for name, row, *problem in problems:
            told.setdefault((name, int(row)), []).append(problem)
        self._judge_problems(told, raw_rows, header)
        for name, file in files.items():
            parts = {part: found for part, found in sources.items() if part.split("#")[0] == name}
            assert parts, f"{name} is not listed: {file}"
            for part, (status, reason, layout, count) in parts.items():
                self.counts[status] += 1
                assert status == "loaded" or reason, f"{part} is {status} without a reason"
                if status == "loaded" and layout == source:
                    rows_here = sum(each == part for each, _ in raw_rows)
                    assert rows_here == count, f"{part}: {count} rows were counted and {rows_here} read"
                    if file.data_rows is not None:
                        assert rows_here == file.data_rows, f"{rows_here} of {file.data_rows} rows were read: {file}"
                    self._judge_tokens(file, part, texts, told, [r for r in refused if r[0] == part])
        self.counts["rows"] += len(raw_rows)
        self.counts["rows refused"] += len(refused)
        self.counts["problems"] += len(problems)

    def _judge_problems(self, told, raw_rows: set[tuple[str, int]], header: set[str]) -> None:
        for where, found in told.items():
            assert where in raw_rows, f"a problem of no row: {where}"
            for problem in found:
                fields = dict(zip(("column", "rule", "severity", "original", "used"), problem, strict=False))
                assert fields["rule"] and fields["severity"] in SEVERITIES, f"{where}: {problem}"
                assert fields["column"] is None or fields["column"] in header, f"{where}: no such column: {problem}"

    def _judge_tokens(self, file: Mutated, part: str, texts, told, refused) -> None:
        """A value that no reader can know stands in staging as it is, or is told with its column."""
        for column, token in file.tokens.items():
            if column not in self.columns_read:
                continue
            self.counts["values followed"] += 1
            kept = any(name == part and token in text for (name, _), text in texts.items())
            named = any(
                name == part and any(token in str(problem) for problem in found) for (name, _), found in told.items()
            )
            assert kept or named or refused, f"{column} = {token} was lost unseen: {file}"


@pytest.fixture(scope="module")
def known_bases(catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Base]:
    """A base of every layout, from the sample and the real files."""
    folder = tmp_path_factory.mktemp("bases")
    write_sample(folder)
    return bases([folder, *([REAL_DATA] if REAL_DATA.is_dir() else [])], layouts(catalog))


@pytest.fixture(scope="module")
def workshop(catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A world whose tables are built up to the names of members: what every layout is read with."""
    world = World(tmp_path_factory.mktemp("mutations"), catalog)
    write_sample(world.inputs)
    return world.build_for("staging.form_member_names", "staging.member_names", "staging.commitment_prefixes")


def test_every_layout_is_mutated(catalog: Catalog, known_bases: dict[str, Base]) -> None:
    """A new layout must be in the list and in the sample."""
    assert {layout.name for layout in layouts(catalog)} == set(LAYOUTS) == set(known_bases)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_nothing_crashes_disappears_or_is_unseen(
    layout: str, catalog: Catalog, known_bases: dict[str, Base], workshop: World, profile: str, figure
) -> None:
    base = known_bases[layout]
    judge = Judge(workshop, layout, columns_read(catalog, layout))
    batch = st.tuples(*(mutated_files(base, number) for number in range(FILES_OF_A_BATCH)))

    @settings(
        max_examples=BATCHES[profile],
        deadline=None,
        derandomize=profile == "ci",
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate,),  # the judge finds the one file; its story says what happened to it
        print_blob=False,
    )
    @given(batch)
    def every_promise_holds(files: tuple[Mutated, ...]) -> None:
        judge.judge(files)

    every_promise_holds()
    told = ", ".join(f"{count:,} {what}" for what, count in sorted(judge.counts.items()) if what != "files")
    figure(f"{layout}: mutated files", f"{judge.counts['files']:,} ({told})")
    assert not judge.faults, "\n\n".join([f"{len(judge.faults)} files", *judge.faults[:10]])


def test_a_whole_run_publishes_or_says_why_not(
    catalog: Catalog, known_bases: dict[str, Base], published: World, profile: str, figure
) -> None:
    """A mutated file of every layout in one folder: every table, every check and the gate."""
    outcomes: Counter = Counter()
    files = st.tuples(*(mutated_files(base, number) for number, base in enumerate(known_bases.values())))

    @settings(
        max_examples=WHOLE_RUNS[profile],
        deadline=None,
        derandomize=profile == "ci",
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate,),
    )
    @given(files)
    def it_ends_well(drawn: tuple[Mutated, ...]) -> None:
        before = published.settings.database.read_bytes()
        for file in drawn:
            (published.inputs / file.name).write_bytes(file.content)
        try:
            _without_unreadable(published)
            outcomes[published.publish().status] += 1
        except PublishRefusedError as error:
            outcomes["refused"] += 1
            assert all(len(line.split()) > 5 for line in error.problems), error.problems
            assert published.settings.database.read_bytes() == before, "a refused run touched the release"

    it_ends_well()
    figure("whole runs over a mutated file of every layout", f"{outcomes.total()} ({dict(outcomes)})")


def _without_unreadable(world: World) -> None:
    """Build every table; once more without the files that ended the run."""
    try:
        world.build()
    except InputError as error:
        for line in error.problems:
            (world.inputs / line.split(":")[0].split("#")[0]).unlink(missing_ok=True)
        world.build()


def columns_read(catalog: Catalog, layout: str) -> frozenset[str]:
    """The headers whose values the SQL of a layout reads; a text that is only looked through stays in the raw table."""
    sql = "\n".join(model.sql or "" for model in catalog if catalog.source_of(model.name) == layout)
    sql = re.sub(r"text_problems\([^)]*\)", "", sql)
    named = set(re.findall(r'"((?:[^"]|"")+)"', sql))
    return frozenset(named & set(catalog[f"raw.{layout}"].contract.columns))
