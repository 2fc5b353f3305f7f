"""Every query of docs/cookbook.md on the sample and on the real files: not empty, and checked.

Each question has its check here: a recount in plain Python of the staged rows of the official files, or an invariant
with its reason. The name of a check is the number of its question.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from ogp_pipeline.release.current import attach
from ogp_pipeline.store import connect

PAGE = Path(__file__).resolve().parents[1] / "docs" / "cookbook.md"
LEVELS = ("no_consultation", "inform", "consult", "involve", "collaborate", "empower")
CHOSEN = """
    select staged.* from staging.commitments as staged
    join marts.action_plans as plan on plan.plan_id = staged.plan_id and plan.source_file = staged._source_file
"""  # the staged rows of each plan's release

Row = dict[str, Any]


@dataclass(frozen=True)
class Question:
    """One section of the page."""

    number: int
    words: str
    sql: str
    around: str  # the introduction and what to mind


@dataclass
class Book:
    """A release and the member that stands for `'ALB'` in it."""

    database: Path
    member: str

    def ask(self, sql: str) -> list[Row]:
        """Rows of a query as dictionaries."""
        with connect() as connection:
            attach(connection, self.database, "release")
            connection.execute("use release")
            done = connection.execute(sql)
            names = [column[0] for column in done.description or []]
            return [dict(zip(names, row, strict=True)) for row in done.fetchall()]

    def answer(self, question: Question) -> list[Row]:
        """Rows of a query of the page."""
        return self.ask(question.sql.replace("'ALB'", f"'{self.member}'"))

    @cached_property
    def staged(self) -> list[Row]:
        """The staged rows of the release that each plan's commitments come from."""
        return self.ask(CHOSEN)

    @cached_property
    def kinds(self) -> dict[str, str]:
        """Member -> national, local or other."""
        return {row["member_id"]: row["member_type"] for row in self.ask("from marts.members")}

    @cached_property
    def whole(self) -> list[Row]:
        """The staged rows of national plans that are held whole, which alone enter rates."""
        partial = {row["plan_id"] for row in self.ask("select plan_id from marts.action_plans where is_partial")}
        return [
            row for row in self.staged if row["plan_id"] not in partial and self.kinds[row["member_id"]] == "national"
        ]


def questions() -> list[Question]:
    """The sections of the page in their order."""
    found = re.findall(
        r"^## (\d+)\. (.+?)\n\n(.+?)```sql\n(.+?)```\n\n(Mind: .+?)(?=^## |\Z)", PAGE.read_text(), re.S | re.M
    )
    return [Question(int(n), words, sql, intro + mind) for n, words, intro, sql, mind in found]


QUESTIONS = {question.number: question for question in questions()}

AMBITION = {"none": False, "minor": False, "moderate": True, "transformative": True}
COMPLETION = ("not_started", "limited", "substantial", "complete")
CODED = (*COMPLETION, "withdrawn", "unclear", "no_evidence")
SIDES = {
    (True, True): "both_complete",
    (True, False): "only_government_complete",
    (False, True): "only_irm_complete",
    (False, False): "neither_complete",
}
SUBSTANTIAL = ("substantial", "complete")


def latest(row: Row) -> str:
    """End of term whenever it is coded at all, else mid-term (DOMAIN.md section 3)."""
    return row["completion_end_of_term"] if row["completion_end_of_term"] in CODED else row["completion_progress"]


def is_relevant(row: Row) -> bool:
    """Any of the three values; where none is coded OGP's own verdict (DOMAIN.md section 3)."""
    values = [row["value_access"], row["value_participation"], row["value_accountability"]]
    if all(value == "no_data" for value in values):
        return row["ogp_relevant"] == "yes"
    return "yes" in values


def is_starred_now(row: Row, completion: str) -> bool:
    """OGP's current formula (DOMAIN.md section 3)."""
    specific = row["specificity"] in ("medium", "high") or row["verifiable"] == "yes"
    return (
        is_relevant(row) and row["potential_impact"] == "transformative" and row[completion] in SUBSTANTIAL and specific
    )


def counted(
    rows: list[Row], key: Callable[[Row], Any], hit: Callable[[Row], bool | None]
) -> dict[Any, tuple[int, int]]:
    """Key -> (hits, assessed); a row whose hit is None is not assessed."""
    assessed = [(key(row), hit(row)) for row in rows if hit(row) is not None]
    every, hits = Counter(k for k, _ in assessed), Counter(k for k, is_hit in assessed if is_hit)
    return {k: (hits[k], every[k]) for k in every}


def is_ambitious(row: Row) -> bool | None:
    """Moderate or transformative; None where not assessed."""
    return AMBITION.get(row["potential_impact"])


def is_complete(row: Row) -> bool | None:
    """Complete at the latest assessment; None where not assessed."""
    return latest(row) == "complete" if latest(row) in COMPLETION else None


def check_1(book: Book, rows: list[Row]) -> None:
    own = [row for row in book.staged if row["member_id"] == book.member]
    told = Counter((row["plan_id"], row["title"], row["potential_impact"], row["completion_latest"]) for row in rows)
    assert told == Counter((r["plan_id"], r["title"], r["potential_impact"], latest(r)) for r in own)


def check_2(book: Book, rows: list[Row]) -> None:
    for row, hit in zip(rows, (is_ambitious, is_complete), strict=False):
        is_own = counted(book.whole, lambda staged: staged["member_id"] == book.member, hit)
        assert (row["hits"], row["commitments"]) == is_own[True]
        assert row["world_share"] == pytest.approx(is_own[False][0] / is_own[False][1])
    assert [row["outcome"] for row in rows] == ["ambition", "completion", "early_results"]


def check_3(book: Book, rows: list[Row]) -> None:
    labels = {row["plan_id"]: row["development_label"] for row in book.ask("from staging.process_database")}
    for row in rows:
        assert row["plans"] == len(set(row["which"]))
        by_file = [plan for plan in row["which"] if plan in labels]
        if row["level"] in LEVELS[1:]:  # "no consultation" is written NA in the file
            assert {labels[plan] for plan in by_file} <= {row["level"]}
    european = "select plan_id from marts.action_plans join marts.members using (member_id)"
    every = book.ask(f"{european} where region = 'Europe' and member_type = 'national'")
    assert sorted(plan for row in rows for plan in row["which"]) == sorted(row["plan_id"] for row in every)


def check_4(book: Book, rows: list[Row]) -> None:
    assert len(rows) == 6
    staged = {row["plan_id"]: row for row in book.ask("from staging.process_database")}
    for row in rows:
        given = Counter(plan[row["step"]] for plan in staged.values())
        assert (row["yes"], row["answered"]) == (given["yes"], given["yes"] + given["no"])


def tagged(book: Book, area: str) -> set[str]:
    """The commitments of a policy area."""
    rows = book.ask(f"select commitment_id from marts.commitment_policy_areas where policy_area = '{area}'")
    return {row["commitment_id"] for row in rows}


def check_5(book: Book, rows: list[Row]) -> None:
    ids = tagged(book, "anti_corruption")
    national = [r for r in book.staged if r["commitment_id"] in ids and book.kinds[r["member_id"]] == "national"]
    by_member = Counter(row["member_id"] for row in national)
    assert sorted(row["commitments"] for row in rows) == sorted(by_member.values())
    assert sum(row["complete"] for row in rows) == sum(bool(is_complete(row)) for row in national)
    assert sum(row["assessed"] for row in rows) == sum(is_complete(row) is not None for row in national)


def check_6(book: Book, rows: list[Row]) -> None:
    codes = {r["policy_area_name"]: r["policy_area"] for r in book.ask("from reference.policy_areas")}
    for row in rows:
        ids = tagged(book, codes[row["policy_area_name"]])
        inside = [staged for staged in book.whole if staged["commitment_id"] in ids]
        assert counted(inside, lambda _: "all", is_ambitious)["all"] == (row["hits"], row["commitments"])
        assert row["plans"] >= 3
    assert [row["share"] for row in rows] == sorted((row["share"] for row in rows), reverse=True)


def check_7(book: Book, rows: list[Row]) -> None:
    for formula, column in (
        ("current_progress", "completion_progress"),
        ("current_end_of_term", "completion_end_of_term"),
    ):
        told = sum(row["starred"] for row in rows if row["formula"] == formula)
        assert told == sum(is_starred_now(row, column) for row in book.whole)
    assert all(row["starred"] <= row["commitments_computable"] for row in rows)


def check_8(book: Book, rows: list[Row]) -> None:
    def has_star(row: Row) -> bool:
        at_end = row["completion_end_of_term"] in CODED
        return is_starred_now(row, "completion_end_of_term" if at_end else "completion_progress")

    assert sum(row["commitments"] for row in rows) == sum(not has_star(row) for row in book.whole)
    assert all(row["missed_by_one"] <= row["commitments"] for row in rows)


def check_9(book: Book, rows: list[Row]) -> None:
    below = {"development": LEVELS[:3], "implementation": LEVELS[:1]}
    assert all(row["level"] in below[row["stage"]] for row in rows)
    years = [row["submitted_year"] for row in rows if row["meets_minimum"] is not None]
    assert all(2017 <= year <= 2021 for year in years)
    assert all(row["meets_minimum"] is not True for row in rows)
    influence = book.ask("from marts.influence")
    assert len(rows) == sum(row["level"] in below.get(row["stage"], ()) for row in influence)


def years_of(book: Book) -> dict[str, int]:
    """Plan -> year of submission."""
    return {row["plan_id"]: row["submitted_year"] for row in book.ask("from marts.action_plans")}


def check_10(book: Book, rows: list[Row]) -> None:
    years = years_of(book)
    expected = counted(book.whole, lambda row: years[row["plan_id"]], is_ambitious)
    assert {row["submitted_year"]: (row["hits"], row["commitments"]) for row in rows} == expected


def check_11(book: Book, rows: list[Row]) -> None:
    for row in rows:
        assert row["plans_involve_or_above"] <= row["plans_assessed"] <= row["plans_in_year"]
    years = years_of(book)
    levels = {
        r["plan_id"]: r["official_level"] for r in book.ask("from marts.influence") if r["stage"] == "development"
    }
    national = {plan for plan in levels if book.kinds.get(plan[3:-2]) == "national"}
    assessed = Counter(years[plan] for plan in national if levels[plan] in LEVELS)
    above = Counter(years[plan] for plan in national if levels[plan] in LEVELS[3:])
    assert {row["submitted_year"]: row["plans_assessed"] for row in rows} == dict(assessed)
    assert {row["submitted_year"]: row["plans_involve_or_above"] for row in rows} == {y: above[y] for y in assessed}


def check_12(book: Book, rows: list[Row]) -> None:
    ids, staged = tagged(book, "anti_corruption"), {row["commitment_id"]: row for row in book.staged}
    names = {row["member_id"]: row["member_name"] for row in book.ask("from marts.members")}
    assert [row["peer_rank"] for row in rows] == list(range(1, len(rows) + 1))
    for row in rows:
        examples = row["example_commitment_ids"].split(", ")
        assert set(examples) <= ids
        assert {names[staged[example]["member_id"]] for example in examples} == {row["peer_name"]}
    assert names[book.member] not in {row["peer_name"] for row in rows}


def check_13(book: Book, rows: list[Row]) -> None:
    assert [row["figure"] for row in rows] == ["4.3", "4.5", "4.9"]
    for row in rows:
        cells = book.ask(f"from metrics.vital_signs where figure = '{row['figure']}' and is_default")
        drawn, few = sum(cell["plans"] >= 3 for cell in cells), sum(0 < cell["plans"] < 3 for cell in cells)
        assert row["status"] == ("not_showable" if drawn < 2 else "partly_suppressed" if few else "shown")
        assert (row["reason"] is None) == (row["status"] == "shown")
        assert "cause" not in row["sentence"]


def check_14(book: Book, rows: list[Row]) -> None:
    cells = book.ask("from metrics.vital_signs where figure = '4.5' and is_default")
    below = [cell for cell in cells if cell["level"] in LEVELS[:3]]
    (pooled,) = (row for row in rows if row["choice"] == "pooled")
    share = sum(cell["hits"] for cell in below) / sum(cell["commitments"] for cell in below)
    assert pooled["share_below_involve"] == pytest.approx(share)
    for row in rows:
        if row["difference"] is None:
            assert row["direction"] == "not_computable"
        else:
            assert row["difference"] == pytest.approx(row["share_involve_or_above"] - row["share_below_involve"])
    assert len({row["choice"] for row in rows}) == len(rows) > 8


def check_15(book: Book, rows: list[Row]) -> None:
    assert [row["figure"] for row in rows] == ["4.3", "4.5", "4.9"]
    tests = sorted((row for row in rows if row["p_value"] is not None), key=lambda row: row["p_value"])
    for place, row in enumerate(tests):  # Benjamini and Hochberg: the least of p * m / rank from here on
        adjusted = [later["p_value"] * len(tests) / (rank + 1) for rank, later in enumerate(tests) if rank >= place]
        assert row["q_value"] == pytest.approx(min(1, *adjusted), rel=1e-4)
    assert all(row["reason_words"] for row in rows if row["status"] == "not_estimable")


def check_16(book: Book, rows: list[Row]) -> None:
    for row in rows:
        rate = row["agreeing_pairs"] / row["pairs"] if row["pairs"] else None
        assert row["agreement_rate"] == (None if rate is None else pytest.approx(rate))
    has_codings = bool(book.ask("from marts.irm_codings"))
    assert any(row["pairs"] for row in rows) == has_codings


def check_17(book: Book, rows: list[Row]) -> None:
    (cell,) = book.ask(
        "from metrics.vital_signs where figure = '4.5' and is_default and level = 'consult'"  # one row
    )
    assert len(rows) == cell["commitments"]
    assert sum(row["completion_latest"] == "complete" for row in rows) == cell["hits"]
    lines = {(row["_source_file"], row["_source_row"]) for row in book.ask("from raw.explorer_commitments")}
    assert {(row["source_file"], row["_source_row"]) for row in rows} <= lines


def check_18(book: Book, rows: list[Row]) -> None:
    every = Counter((row["rule"], row["severity"]) for row in book.ask("from meta.problems"))
    assert {(row["rule"], row["severity"]): row["cells"] for row in rows} == dict(every)


def check_19(book: Book, rows: list[Row]) -> None:
    assert len({row["source_file"] for row in rows}) == len(book.ask("select distinct source_file from meta.sources"))
    loaded = sum(row["rows"] for row in rows if (row["layout"], row["status"]) == ("explorer_commitments", "loaded"))
    assert loaded == len(book.ask("from raw.explorer_commitments"))
    assert all(row["reason"] for row in rows if row["status"] == "refused")


def check_20(book: Book, rows: list[Row]) -> None:
    listed = Counter(row["rule"] for row in book.ask("from metrics.conformance_disagreements"))
    assert {row["rule"]: row["rows_disagreeing"] for row in rows if row["rows_disagreeing"]} == dict(listed)


def check_21(book: Book, rows: list[Row]) -> None:
    pairs = Counter((row["completion_progress"], row["completion_end_of_term"]) for row in book.whole)
    for row in rows:
        assert row["commitments"] == pairs[row["completion_progress"], row["completion_end_of_term"]]
        assert (row["share_of_mid_term"] is None) or 0 <= row["share_of_mid_term"] <= 1
    both = sum(count for (start, end), count in pairs.items() if start in COMPLETION and end in COMPLETION)
    told = [row for row in rows if {row["completion_progress"], row["completion_end_of_term"]} <= set(COMPLETION)]
    assert sum(row["commitments"] for row in told) == both > 0


def check_22(book: Book, rows: list[Row]) -> None:
    reported = book.ask("select distinct commitment_id, assessment from marts.self_assessments")
    assert sum(row["commitments"] for row in rows) == len(reported)
    latest_of = {row["commitment_id"]: latest(row) for row in book.staged}
    reports = book.ask("from marts.self_assessments order by reported_date nulls first, period")
    latest_reports = {(row["commitment_id"], row["assessment"]): row for row in reports}  # of several periods
    by_words = Counter()
    for row in latest_reports.values():
        government, irm = row["completion"], latest_of.get(row["commitment_id"])
        if government is None:
            by_words["government_unassessed"] += 1
        elif irm not in COMPLETION:
            by_words["irm_unassessed"] += 1
        else:
            by_words[SIDES[government == "complete", irm == "complete"]] += 1
    told = Counter()
    for row in rows:
        told[row["comparison"]] += row["commitments"]
    assert told == by_words


def check_23(book: Book, rows: list[Row]) -> None:
    assert [row["kind"] for row in rows] == ["end_of_commitment", "inception"]
    reports = Counter((row["kind"], row["is_late"]) for row in book.ask("from marts.local_reports"))
    for row in rows:
        expected = tuple(reports[row["kind"], is_late] for is_late in (False, True, None))
        assert (row["reports_on_time"], row["reports_late"], row["reports_lateness_unknown"]) == expected


def check_24(book: Book, rows: list[Row]) -> None:
    told = sum(row["commitments"] for row in rows if row["subject"] == "ambition")
    assessed = {r["commitment_id"] for r in book.ask("from marts.outcomes") if r["outcome"] == "ambition"}
    assert told == sum(row["commitment_id"] not in assessed for row in book.whole) > 0


def check_25(book: Book, rows: list[Row]) -> None:
    """These are first releases; a second one after an edit is asked in test_changes.py."""
    assert [(row["compared_with"], row["table_name"]) for row in rows] == [(None, None)]
    assert book.ask("from meta.changes") == []


CHECKS: dict[int, Callable[[Book, list[Row]], None]] = {n: globals()[f"check_{n}"] for n in QUESTIONS}


@pytest.fixture(scope="session")
def sample_book(sampled) -> Book:
    """The release of the sample."""
    return Book(sampled[0] / "ogp.duckdb", "ZZA")


@pytest.fixture(scope="session")
def real_book(real_release) -> Book:
    """The release of the real files."""
    return Book(real_release / "ogp.duckdb", "ALB")


@pytest.mark.parametrize("number", QUESTIONS)
def test_a_query_answers_on_the_sample(sample_book, number: int) -> None:
    rows = sample_book.answer(QUESTIONS[number])
    assert rows
    CHECKS[number](sample_book, rows)


@pytest.mark.parametrize("number", QUESTIONS)
def test_a_query_answers_on_the_real_files(real_book, number: int) -> None:
    rows = real_book.answer(QUESTIONS[number])
    assert rows
    CHECKS[number](real_book, rows)


def test_the_page_is_complete() -> None:
    text = PAGE.read_text()
    assert list(QUESTIONS) == list(range(1, len(QUESTIONS) + 1))
    assert len(QUESTIONS) == text.count("\n## ") >= 20
    assert all(len(question.sql.splitlines()) <= 12 for question in QUESTIONS.values())  # a few lines
