"""Derived tables: commitments, plans and their releases, public influence, results and outcomes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest

from ogp_pipeline.judging import evaluate
from ogp_pipeline.quality import Verdict
from ogp_pipeline_tests.world import World

IMPACT, PROGRESS, END = "Potential impact", "Completion (progress report)", "Completion (end of term)"
RESULTS = "Did it open government (end of term only)"
DEVELOPMENT, IMPLEMENTATION = "IAP2 level during development", "IAP2 level during imp."
OPEN_DEVELOPMENT = "Invitation-only or open participation during dev. consultation"
OPEN_IMPLEMENTATION = "Invitation-only or open participation during imp. consultation"

# Twins follow their labels, so that a case writes a label alone.
TWINS = {
    IMPACT: ("_Pot Impact Coded", {"None": "0", "Unclear": "0", "Minor": "1", "Moderate": "2", "Transformative": "3"}),
    PROGRESS: (
        "_CompletionProgress",
        {"Withdrawn": "0", "Unclear": "1", "a. Not started": "2", "b. Limited": "3", "c. Substantial": "4"}
        | {"d. Complete": "5"},
    ),
    RESULTS: (
        "_OpenGovt",
        {"a. Worsens": "0", "b. None": "1", "b. Did not change": "1", "c. Marginal": "2", "d. Major": "3"}
        | {"e. Outstanding": "4"},
    ),
    "Specificity": ("_Specificity", {"None": "0", "a. low": "1", "b. medium": "2", "c. high": "3"}),
}
TWINS[END] = ("_CompletionEndTerm", TWINS[PROGRESS][1])


def with_twins(cells: dict[str, str]) -> dict[str, str]:
    return {TWINS[name][0]: TWINS[name][1].get(cells[name], cells[name]) for name in TWINS if name in cells} | cells


def values(info: str, participation: str, accountability: str, relevant: str = "ND") -> dict[str, str]:
    """The three values that decide relevance, and the release's own verdict."""
    return {
        "Value -Info": info,
        "Value -Part": participation,
        "Value -Acc": accountability,
        "_Relevant": relevant,
    }


def result(assessment: str, completion: str, diog: str | None = None, is_latest: bool = True) -> tuple:
    return (assessment, completion, "diog" if diog else None, diog, is_latest)


@dataclass(frozen=True)
class Case:
    """One commitment of one plan: what is written, and what the marts derive.

    `outcomes` are the definitions on which it is assessed, with whether it is a hit; None where not compared,
    as are `results`.
    """

    reason: str
    cells: dict[str, str]
    reads: dict[str, Any] = field(default_factory=dict)
    outcomes: dict[str, bool] | None = None
    results: tuple[tuple, ...] | None = None


def ambition(any_hit: bool, relevant_hit: bool, best_hit: bool) -> dict[str, bool]:
    return {
        "moderate_or_transformative": any_hit,
        "ambitious_and_relevant": relevant_hit,
        "transformative": best_hit,
    }


def completion(complete: bool, substantial: bool) -> dict[str, bool]:
    return {"complete": complete, "substantial_or_complete": substantial}


NO_IMPACT, NO_PROGRESS = {IMPACT: "ND"}, {PROGRESS: "ND"}
NOTHING_CODED = {**NO_IMPACT, **NO_PROGRESS}
STARS = ("is_starred_pre_2014", "is_starred_2015", "is_starred_current_progress", "is_starred_current_end_of_term")
STAR = {**values("1", "0", "0"), IMPACT: "Transformative", "Specificity": "c. high", PROGRESS: "d. Complete"}
STAR |= {END: "d. Complete"}


def stars(*expected: bool | None) -> dict[str, bool | None]:
    """Before June 2014, 2015, current at progress, current at the end of the term."""
    return dict(zip(STARS, expected, strict=True))


RELEVANCE_CASES = (
    Case("access alone", values("1", "0", "0"), {"is_relevant": True}),
    Case("participation alone", values("0", "1", "0"), {"is_relevant": True}),
    Case("accountability alone", values("0", "0", "1"), {"is_relevant": True}),
    Case("technology is not enough", values("0", "0", "0") | {"Value -Tech": "1"}, {"is_relevant": False}),
    Case("none of them", values("0", "0", "0"), {"is_relevant": False}),
    Case("one yes beside values not reviewed", values("NR", "1", "ND"), {"is_relevant": True}),
    Case("not reviewed", values("NR", "NR", "NR"), {"is_relevant": None}),
    Case("not reviewed: the verdict does not stand in", values("NR", "NR", "NR", "1"), {"is_relevant": None}),
    Case("two no and one not reviewed is not known", values("0", "0", "NR"), {"is_relevant": None}),
    Case("two no and one unreadable is not known", values("0", "0", "perhaps"), {"is_relevant": None}),
    Case("no data thrice: the release's verdict, yes", values("ND", "ND", "ND", "1"), {"is_relevant": True}),
    Case("no data thrice: the release's verdict, no", values("ND", "ND", "ND", "0"), {"is_relevant": False}),
    Case("no data thrice and no verdict", values("ND", "ND", "ND", "ND"), {"is_relevant": None}),
    Case("no data twice is not the newer lens", values("ND", "ND", "0", "1"), {"is_relevant": None}),
    Case("labels count before the verdict, yes", values("1", "0", "0", "0"), {"is_relevant": True}),
    Case("labels count before the verdict, no", values("0", "0", "0", "1"), {"is_relevant": False}),
)

SPECIFICITY_CASES = tuple(
    Case(f"specificity {label}", {"Specificity": label}, {"is_verifiable": expected})
    for label, expected in (
        ("c. high", True),
        ("b. medium", True),
        ("a. low", False),
        ("None", False),
        ("NR", None),
        ("ND", None),
        ("vague", None),
    )
)

COMPLETION_CASES = (
    Case(
        "mid-term alone",
        {PROGRESS: "b. Limited", END: "ND"},
        {"completion_latest": "limited", "completion_basis": "progress"},
        completion(False, False) | ambition(True, True, False),
        (result("progress", "limited"),),
    ),
    Case(
        "the end of the term wins",
        {PROGRESS: "b. Limited", END: "d. Complete"},
        {"completion_latest": "complete", "completion_basis": "end_of_term"},
        completion(True, True) | ambition(True, True, False),
        (result("end_of_term", "complete"), result("progress", "limited", is_latest=False)),
    ),
    Case(
        "the end of the term wins where it is lower, too",
        {PROGRESS: "d. Complete", END: "c. Substantial"},
        {"completion_latest": "substantial", "completion_basis": "end_of_term"},
        completion(False, True) | ambition(True, True, False),
    ),
    *(
        Case(
            f"the end of the term wins coded as {label}: unassessed",
            {PROGRESS: "d. Complete", END: label},
            {"completion_latest": code, "completion_basis": "end_of_term"},
            ambition(True, True, False),
            (result("end_of_term", code), result("progress", "complete", is_latest=False)),
        )
        for label, code in (
            ("Unclear", "unclear"),
            ("Withdrawn", "withdrawn"),
            ("No evidence available", "no_evidence_available"),
        )
    ),
    *(
        Case(
            f"an end of term {label} is not coded",
            {PROGRESS: "d. Complete", END: label},
            {"completion_latest": "complete", "completion_basis": "progress"},
            completion(True, True) | ambition(True, True, False),
            (result("progress", "complete"),),
        )
        for label in ("NR", "NA")
    ),
    Case(
        "neither is coded: the missing kind stays",
        {PROGRESS: "NR", END: "ND"},
        {"completion_latest": "not_reviewed", "completion_basis": None},
        ambition(True, True, False),
        (),
    ),
    Case(
        "end of term alone",
        {PROGRESS: "NR", END: "a. Not started"},
        {"completion_latest": "not_started", "completion_basis": "end_of_term"},
        completion(False, False) | ambition(True, True, False),
        (result("end_of_term", "not_started"),),
    ),
    Case(
        "mid-term unclear: unassessed",
        {PROGRESS: "Unclear"},
        {"completion_latest": "unclear", "completion_basis": "progress"},
        ambition(True, True, False),
        (result("progress", "unclear"),),
    ),
    Case(
        "an end of term that cannot be read leaves completion unassessed: mid-term is another assessment",
        {PROGRESS: "d. Complete", END: "f. Splendid"},
        {"completion_latest": None, "completion_basis": None},
        ambition(True, True, False),
    ),
    Case(
        "mid-term unreadable: unassessed, the other outcomes stay",
        {PROGRESS: "f. Splendid"},
        {"completion_latest": None, "completion_basis": None},
        ambition(True, True, False),
        (),
    ),
)

AMBITION_CASES = tuple(
    Case(f"impact {label}", values(*relevant) | {IMPACT: label} | NO_PROGRESS, {}, expected, ())
    for label, relevant, expected in (
        ("None", "100", ambition(False, False, False)),
        ("Minor", "100", ambition(False, False, False)),
        ("Moderate", "100", ambition(True, True, False)),
        ("Transformative", "100", ambition(True, True, True)),
        ("Unclear", "100", {}),
        ("NR", "100", {}),
        ("ND", "100", {}),
        ("Considerable", "100", {}),
    )
) + tuple(
    Case(
        f"{reason}: a hit only where relevance is not asked", cells | {IMPACT: "Transformative"} | NO_PROGRESS, {}, hits
    )
    for reason, cells, hits in (
        ("not relevant", values("0", "0", "0"), ambition(True, False, True)),
        ("relevance not reviewed", values("NR", "NR", "NR"), ambition(True, False, True)),
    )
)

EARLY_RESULTS_CASES = (
    *(
        Case(
            f"early results {label}",
            NOTHING_CODED | {RESULTS: label},
            {"diog_overall": code},
            {} if hit is None else {"major_or_outstanding": hit},
            () if hit is None else (result("end_of_term", "no_data", code),),
        )
        for label, code, hit in (
            ("a. Worsens", "worsens", False),
            ("b. None", "did_not_change", False),
            ("b. Did not change", "did_not_change", False),
            ("c. Marginal", "marginal", False),
            ("d. Major", "major", True),
            ("e. Outstanding", "outstanding", True),
            ("No early results to report yet", "no_early_results_yet", False),
            ("NR", "not_reviewed", None),
            ("ND", "no_data", None),
            ("NA", "not_applicable", None),
            ("f. Splendid", None, None),
        )
    ),
    Case(
        "early results and completion are one end-of-term result",
        NO_IMPACT | {PROGRESS: "b. Limited", END: "c. Substantial", RESULTS: "d. Major"},
        {},
        completion(False, True) | {"major_or_outstanding": True},
        (result("end_of_term", "substantial", "major"), result("progress", "limited", is_latest=False)),
    ),
    Case(
        "early results of a commitment without a judged completion come after mid-term",
        NO_IMPACT | {PROGRESS: "b. Limited", END: "NR", RESULTS: "c. Marginal"},
        {"completion_basis": "progress"},
        completion(False, False) | {"major_or_outstanding": False},
        (result("end_of_term", "not_reviewed", "marginal"), result("progress", "limited", is_latest=False)),
    ),
)

STAR_CASES = tuple(
    Case(f"star: {reason}", STAR | changes, stars(*expected))
    for reason, changes, expected in (
        ("all criteria", {}, (True, True, True, True)),
        ("not relevant", values("0", "0", "0"), (False, False, False, False)),
        ("moderate is enough before the current formula", {IMPACT: "Moderate"}, (True, True, False, False)),
        ("minor impact", {IMPACT: "Minor"}, (False, False, False, False)),
        ("unclear impact is coded, and not ambitious", {IMPACT: "Unclear"}, (False, False, False, False)),
        ("low specificity counts from 2015", {"Specificity": "a. low"}, (True, False, False, False)),
        ("medium specificity is enough", {"Specificity": "b. medium"}, (True, True, True, True)),
        ("substantial is enough", {PROGRESS: "c. Substantial", END: "c. Substantial"}, (True, True, True, True)),
        ("limited at mid-term, complete at the end", {PROGRESS: "b. Limited"}, (False, False, False, True)),
        ("complete at mid-term, withdrawn", {END: "Withdrawn"}, (True, True, True, False)),
        # NULL where an input was not coded
        ("no end of term", {END: "ND"}, (True, True, True, None)),
        ("no mid-term", {PROGRESS: "NR"}, (None, None, None, True)),
        ("impact not coded", {IMPACT: "ND"}, (None, None, None, None)),
        ("impact unreadable", {IMPACT: "Considerable"}, (None, None, None, None)),
        ("relevance not reviewed", values("NR", "NR", "NR"), (None, None, None, None)),
        ("specificity not coded: the oldest formula does not ask", {"Specificity": "NR"}, (True, None, None, None)),
        ("not met and not coded is not known", {IMPACT: "Minor", "Specificity": "NR"}, (False, None, None, None)),
        ("nor where relevance is not coded", {IMPACT: "Minor"} | values("NR", "NR", "NR"), (None, None, None, None)),
    )
)

CASES = (
    *RELEVANCE_CASES,
    *SPECIFICITY_CASES,
    *COMPLETION_CASES,
    *AMBITION_CASES,
    *EARLY_RESULTS_CASES,
    *STAR_CASES,
)


@dataclass(frozen=True)
class Years:
    """One plan: the years its commitments name, the year of the process file, and what becomes of it."""

    reason: str
    years: tuple[str, ...]
    process_year: str | None
    expected: int | None
    disagrees: bool = False


YEAR_CASES = (
    Years("all agree", ("2013", "2013"), "2013", 2013),
    Years("the most frequent year", ("2014", "2013", "2014"), "2014", 2014, disagrees=True),
    Years("of two as frequent the earlier", ("2014", "2013"), "2013", 2013, disagrees=True),
    Years("commitments go before the process file", ("2014", "2014"), "2013", 2014, disagrees=True),
    Years("only in the process file", (), "2015", 2015),
    Years("no commitment names a readable year", ("soon", "soon"), "2013", 2013),
    Years("an unreadable year does not count", ("soon", "2013", "soon"), "2013", 2013),
    Years("no process row", ("2012",), None, 2012),
    Years("the process file names no readable year", ("2012",), "soon", 2012),
)


@dataclass(frozen=True)
class Influence:
    """One plan: years, levels as written, and (level, rank, meets the minimum, would meet it) by stage."""

    reason: str
    development: str
    implementation: str
    expected: tuple[tuple[str, int | None, bool | None, bool | None], ...]  # development, implementation, throughout
    process_year: str = "2015"
    year: str | None = None  # of its one commitment; None: the plan is in the process file alone


def level(code: str, rank: int | None, would: bool | None, meets: bool | None = None):
    return (code, rank, meets, would)


NO_DATA, NOT_REVIEWED = level("no_data", None, None), level("not_reviewed", None, None)
INFLUENCE_CASES = (
    Influence(
        "NA in development is no consultation",
        "NA",
        "Inform",
        (level("no_consultation", 0, False), level("inform", 1, True), level("no_consultation", 0, False)),
    ),
    Influence(
        "NA in development, before 2013 too",
        "NA",
        "NR",
        (level("no_consultation", 0, False), NOT_REVIEWED, NO_DATA),
        process_year="2012",
    ),
    Influence(
        "NA in implementation in 2013 is no consultation",
        "Collaborate",
        "NA",
        (level("collaborate", 4, True), level("no_consultation", 0, False), level("no_consultation", 0, False)),
        process_year="2013",
    ),
    Influence(
        "NA in implementation before 2013 is not assessed",
        "Collaborate",
        "NA",
        (level("collaborate", 4, True), NO_DATA, NO_DATA),
        process_year="2012",
    ),
    Influence(
        "NA in implementation: the year of the process file decides, 2013",
        "Involve",
        "NA",
        (level("involve", 3, True), level("no_consultation", 0, False), level("no_consultation", 0, False)),
        process_year="2013",
        year="2012",
    ),
    Influence(
        "NA in implementation: the year of the process file decides, 2012",
        "Involve",
        "NA",
        (level("involve", 3, True), NO_DATA, NO_DATA),
        process_year="2012",
        year="2013",
    ),
    Influence(
        "NA in implementation without a readable year is not assessed",
        "Involve",
        "NA",
        (level("involve", 3, True), NO_DATA, NO_DATA),
        process_year="soon",
    ),
    Influence(
        "throughout is the lower: implementation",
        "Empower",
        "Consult",
        (level("empower", 5, True), level("consult", 2, True), level("consult", 2, True)),
    ),
    Influence(
        "throughout is the lower: development",
        "Consult",
        "Empower",
        (level("consult", 2, False), level("empower", 5, True), level("consult", 2, False)),
    ),
    Influence(
        "throughout of two equal levels",
        "Involve",
        "Involve",
        (level("involve", 3, True), level("involve", 3, True), level("involve", 3, True)),
    ),
    Influence(
        "throughout needs both: implementation not reviewed",
        "Involve",
        "NR",
        (level("involve", 3, True), NOT_REVIEWED, NO_DATA),
    ),
    Influence(
        "throughout needs both: development no data",
        "ND",
        "Inform",
        (NO_DATA, level("inform", 1, True), NO_DATA),
    ),
    Influence("neither reviewed", "NR", "NR", (NOT_REVIEWED, NOT_REVIEWED, NO_DATA)),
    Influence(
        "a level that cannot be read is no data",
        "Inspire",
        "Inform",
        (NO_DATA, level("inform", 1, True), NO_DATA),
    ),
    Influence(
        "written out, in another case",
        "NO CONSULTATION",
        "inform",
        (level("no_consultation", 0, False), level("inform", 1, True), level("no_consultation", 0, False)),
    ),
    # OGP's minimum, involve in development and inform in implementation, for plans of 2017 to 2021
    Influence(
        "2017: the minimum is met exactly",
        "Involve",
        "Inform",
        (level("involve", 3, True, True), level("inform", 1, True, True), level("inform", 1, True, True)),
        process_year="2017",
    ),
    Influence(
        "2021: development is too low",
        "Consult",
        "Inform",
        (level("consult", 2, False, False), level("inform", 1, True, True), level("inform", 1, False, False)),
        process_year="2021",
    ),
    Influence(
        "2018: implementation is too low",
        "Empower",
        "NA",
        (
            level("empower", 5, True, True),
            level("no_consultation", 0, False, False),
            level("no_consultation", 0, False, False),
        ),
        process_year="2018",
    ),
    Influence(
        "2019: not assessed throughout",
        "Involve",
        "NR",
        (level("involve", 3, True, True), NOT_REVIEWED, NO_DATA),
        process_year="2019",
    ),
    Influence(
        "2016 was before the minimum",
        "Involve",
        "Inform",
        (level("involve", 3, True), level("inform", 1, True), level("inform", 1, True)),
        process_year="2016",
    ),
    Influence(
        "2022 was after the minimum",
        "Involve",
        "Inform",
        (level("involve", 3, True), level("inform", 1, True), level("inform", 1, True)),
        process_year="2022",
    ),
    Influence(
        "the minimum goes by the plan's year, that of its commitments",
        "Involve",
        "Inform",
        (level("involve", 3, True, True), level("inform", 1, True, True), level("inform", 1, True, True)),
        process_year="2016",
        year="2017",
    ),
)


@dataclass(frozen=True)
class Neighbour:
    """A process row and the year of the plan's commitment: may it describe that plan?"""

    reason: str
    year: str | None
    cells: dict[str, str]
    is_named: bool


NEIGHBOUR_CASES = (
    Neighbour("coded, two years later", "2012", {"Year AP Submitted": "2014"}, True),
    Neighbour("coded, two years earlier", "2014", {"Year AP Submitted": "2012"}, True),
    Neighbour("coded in one stage only", "2012", {"Year AP Submitted": "2015", DEVELOPMENT: "NR"}, True),
    Neighbour("one year apart is a difference of files", "2013", {"Year AP Submitted": "2014"}, False),
    Neighbour(
        "not coded: no level is at stake",
        "2012",
        {"Year AP Submitted": "2014", DEVELOPMENT: "NR", IMPLEMENTATION: "NR"},
        False,
    ),
    Neighbour("a plan without commitments has no other year", None, {"Year AP Submitted": "2020"}, False),
)

YEARS_MEMBER, INFLUENCE_MEMBER, NEIGHBOUR_MEMBER = "ARM", "BRA", "CHL"
CASES_PLAN = "AP_ALB01"


@pytest.fixture(scope="module")
def world(tmp_path_factory, catalog) -> World:
    """Commitments (Albania), years (Armenia), influence (Brazil) and process rows of other plans (Chile)."""
    world = World(tmp_path_factory.mktemp("marts"), catalog)
    commitments = [with_twins(case.cells) | {"Comm No": str(n)} for n, case in enumerate(CASES)]
    plans: list[dict[str, str]] = [{}]
    for number, case in enumerate(YEAR_CASES, start=1):
        plan = {"Action Plan Number": str(number)}
        commitments += [plan | {"Country": "Armenia", "Year of submission": year} for year in case.years]
        if case.process_year:
            plans.append(plan | {"Country name": "Armenia", "Year AP Submitted": case.process_year})
    for number, case in enumerate(INFLUENCE_CASES, start=1):
        plan = {"Action Plan Number": str(number)}
        if case.year:
            commitments.append(plan | {"Country": "Brazil", "Year of submission": case.year})
        levels = {DEVELOPMENT: case.development, IMPLEMENTATION: case.implementation}
        plans.append(plan | levels | {"Country name": "Brazil", "Year AP Submitted": case.process_year})
    for number, case in enumerate(NEIGHBOUR_CASES, start=1):
        plan = {"Action Plan Number": str(number)}
        if case.year:
            commitments.append(plan | {"Country": "Chile", "Year of submission": case.year})
        plans.append(plan | case.cells | {"Country name": "Chile"})
    closed = {"Country name": "Ghana", OPEN_DEVELOPMENT: "Invitation-only", OPEN_IMPLEMENTATION: "NR"}
    plans.append(closed | {"Action Plan Number": "1"})
    world.commitments(*commitments)
    world.plans(*plans)
    return world.build()


def numbered(cases: tuple, start: int = 1):
    """(position, case), counted from `start`."""
    return [pytest.param(number, case, id=case.reason) for number, case in enumerate(cases, start=start)]


@pytest.fixture(scope="module")
def commitments(world) -> dict[str, dict[str, Any]]:
    return {row["commitment_id"]: row for row in world.rows("select * from marts.commitments")}


@pytest.fixture(scope="module")
def outcomes(world) -> dict[str, dict[str, bool]]:
    found: dict[str, dict[str, bool]] = {}
    for row in world.rows("select * from marts.outcomes"):
        found.setdefault(row["commitment_id"], {})[row["definition"]] = row["is_hit"]
    return found


@pytest.fixture(scope="module")
def results(world) -> dict[str, list[tuple]]:
    found: dict[str, list[tuple]] = {}
    for row in world.rows("select * from marts.results"):
        assert (row["assessor_type"], row["period"]) == ("irm", "")
        columns = ("assessment", "completion", "early_results_scale", "early_results", "is_latest")
        found.setdefault(row["commitment_id"], []).append(tuple(row[name] for name in columns))
    return found


def check_commitment(row: dict[str, Any], outcomes: dict[str, bool], results: list[tuple], case: Case) -> None:
    assert {name: row[name] for name in case.reads} == case.reads
    if case.outcomes is not None:
        assert outcomes == case.outcomes
    if case.results is not None:
        assert sorted(results) == sorted(case.results)


@pytest.mark.parametrize(("number", "case"), numbered(CASES, 0))
def test_commitments_outcomes_and_results(commitments, outcomes, results, number, case):
    key = f"{CASES_PLAN}-{number}"
    check_commitment(commitments[key], outcomes.get(key, {}), results.get(key, []), case)


def test_scales_of_later_years_are_empty(world):
    """The 2016 layout codes neither: no commitment is assessed on them."""
    scales = {row["scale"] for row in world.rows("select distinct scale from marts.outcomes")}
    assert scales == {"potential_impact", "completion", "diog"}
    rows = world.rows("select distinct potential_for_results, early_results from marts.commitments")
    assert rows == [{"potential_for_results": "no_data", "early_results": "no_data"}]


def test_an_outcome_says_which_assessment_it_is_from(world):
    rows = world.rows(
        "select distinct outcomes.scale, outcomes.assessment, commitments.completion_basis as basis "
        "from marts.outcomes as outcomes inner join marts.commitments as commitments using (commitment_id)"
    )
    expected = {"potential_impact": lambda basis: None, "completion": lambda basis: basis}
    expected["diog"] = lambda basis: "end_of_term"
    assert len(rows) >= 6
    assert all(row["assessment"] == expected[row["scale"]](row["basis"]) for row in rows), rows


def test_one_latest_result_per_commitment(results):
    assert {sum(row[-1] for row in rows) for rows in results.values()} == {1}


FLAT_HITS = {
    "moderate_or_transformative": "is_moderate_or_transformative",
    "ambitious_and_relevant": "is_ambitious_and_relevant",
    "transformative": "is_transformative",
    "substantial_potential": "has_substantial_potential",
    "complete": "is_complete",
    "substantial_or_complete": "is_substantial_or_complete",
    "major_or_outstanding": "is_major_or_outstanding",
    "significant": "has_significant_results",
}


def test_commitments_flat_tells_what_its_parts_tell(world, commitments, outcomes):
    """One row per commitment: its columns, the plan's levels, hits with NULL where not assessed."""
    flat = world.rows("select * from marts.commitments_flat")
    levels = {(row["plan_id"], row["stage"]): row["level"] for row in world.rows("select * from marts.influence")}
    plans = {row["plan_id"]: row for row in world.rows("select * from marts.action_plans")}
    assert sorted(row["commitment_id"] for row in flat) == sorted(commitments)
    for row in flat:
        commitment, hits = commitments[row["commitment_id"]], outcomes.get(row["commitment_id"], {})
        shared = row.keys() & commitment.keys()
        assert len(shared) >= 15 and {name: row[name] for name in shared} == {name: commitment[name] for name in shared}
        assert {name: row[column] for name, column in FLAT_HITS.items()} == {name: hits.get(name) for name in FLAT_HITS}
        assert row["is_assessed_ambition"] == ("transformative" in hits)
        assert row["is_assessed_completion"] == ("complete" in hits)
        assert row["is_assessed_early_results"] == ("major_or_outstanding" in hits)
        for stage in ("development", "implementation", "throughout"):
            assert row[f"influence_{stage}"] == levels[row["plan_id"], stage]
        assert row["submitted_year"] == plans[row["plan_id"]]["submitted_year"]
    albania = next(row for row in flat if row["plan_id"] == CASES_PLAN)
    assert (albania["member_name"], albania["member_type"], albania["region"]) == ("Albania", "national", "Europe")


# --- plans


@pytest.mark.parametrize(("number", "case"), numbered(YEAR_CASES))
def test_years_of_plans(world, number, case):
    (plan,) = world.rows(f"select * from marts.action_plans where plan_id = 'AP_{YEARS_MEMBER}{number:02}'")
    assert (plan["submitted_year"], plan["commitments"]) == (case.expected, len(case.years))
    assert (plan["source_release"] is None) == (not case.years)
    assert (plan["process_release"] is None) == (case.process_year is None)
    assert plan["is_partial"] is False


def verdicts(world: World, table: str) -> dict[str, Verdict]:
    """The verdicts on a table by check."""
    model = world.catalog[table]
    with world.store.session({table, *model.checks_read}, model.macros) as connection:
        return {verdict.check: verdict for verdict in evaluate(connection, model, world.catalog)}


@pytest.fixture(scope="module")
def plan_verdicts(world) -> dict[str, Verdict]:
    return verdicts(world, "marts.action_plans")


def plans_named(verdict: Verdict) -> set[str]:
    assert verdict.failing_rows == len(verdict.sample)
    return {row["plan_id"] for row in verdict.sample}


def test_years_that_disagree_are_a_warning(plan_verdicts):
    verdict = plan_verdicts["submitted_year_disagrees"]
    named = {plan for plan in plans_named(verdict) if plan.startswith(f"AP_{YEARS_MEMBER}")}
    assert verdict.severity == "warning" and not verdict.passed
    assert named == {
        f"AP_{YEARS_MEMBER}{number:02}" for number, case in enumerate(YEAR_CASES, start=1) if case.disagrees
    }


def test_a_plan_without_a_process_row_is_a_warning(plan_verdicts):
    verdict = plan_verdicts["plan_without_process_row"]
    assert verdict.severity == "warning"
    assert plans_named(verdict) == {
        f"AP_{YEARS_MEMBER}{number:02}" for number, case in enumerate(YEAR_CASES, start=1) if case.process_year is None
    }


def test_one_whole_release_is_not_suspected(plan_verdicts):
    verdict = plan_verdicts["partial_release_suspected"]
    assert verdict.severity == "critical" and verdict.passed


# --- public influence


@pytest.fixture(scope="module")
def influence(world) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["plan_id"], row["stage"]): row for row in world.rows("select * from marts.influence")}


STAGES = ("development", "implementation", "throughout")


@pytest.mark.parametrize(("number", "case"), numbered(INFLUENCE_CASES))
def test_levels_and_minimum(influence, number, case):
    rows = [influence[f"AP_{INFLUENCE_MEMBER}{number:02}", stage] for stage in STAGES]
    columns = ("level", "level_rank", "meets_minimum", "would_meet_2017_minimum")
    assert [tuple(row[name] for name in columns) for row in rows] == list(case.expected)
    assert [row["is_assessed"] for row in rows] == [rank is not None for _, rank, _, _ in case.expected]


def test_every_plan_has_three_rows(world, influence):
    plans = {row["plan_id"] for row in world.rows("select plan_id from marts.action_plans")}
    assert set(influence) == {(plan, stage) for plan in plans for stage in STAGES}
    assert {row["influence_source"] for row in influence.values()} == {"official"}
    assert verdicts(world, "marts.influence")["three_rows_for_every_plan"].passed


def test_a_plan_without_a_process_row_has_no_level(influence):
    (number,) = (n for n, case in enumerate(YEAR_CASES, start=1) if case.process_year is None)
    assert {influence[f"AP_{YEARS_MEMBER}{number:02}", stage]["level"] for stage in STAGES} == {"no_data"}


def test_participation_is_read_by_stage(influence):
    assert [influence["AP_GHA01", stage]["participation"] for stage in STAGES] == [
        "invitation_only",
        "not_reviewed",
        None,
    ]
    assert [influence[CASES_PLAN, stage]["participation"] for stage in STAGES] == ["open", "open", None]


def test_a_process_row_of_another_plan_is_critical(world):
    verdict = verdicts(world, "marts.influence")["process_row_of_another_plan"]
    assert verdict.severity == "critical" and not verdict.passed
    assert plans_named(verdict) == {
        f"AP_{NEIGHBOUR_MEMBER}{number:02}" for number, case in enumerate(NEIGHBOUR_CASES, start=1) if case.is_named
    }


@pytest.mark.parametrize(
    "table",
    [
        "members",
        "action_plans",
        "commitments",
        "commitment_policy_areas",
        "influence",
        "results",
        "outcomes",
        "commitments_flat",
    ],
)
def test_marts_keep_their_contracts(world, table):
    """Keys, codes, required values and foreign keys, on rows of every kind."""
    found = verdicts(world, f"marts.{table}").values()
    kept = [verdict for verdict in found if verdict.group == "contract" and verdict.severity == "critical"]
    assert not [verdict.sentence() for verdict in kept if not verdict.passed]


def test_relevance_that_disagrees_with_the_verdict_is_a_warning(world):
    verdict = verdicts(world, "marts.commitments")["relevance_disagrees"]
    numbers = {int(row["commitment_id"].split("-")[1]) for row in verdict.sample}
    named = {CASES[number].reason for number in numbers}
    assert verdict.severity == "warning"
    assert {"labels count before the verdict, yes", "labels count before the verdict, no"} <= named
    assert "no data thrice: the release's verdict, yes" not in named


# --- two releases of one plan


@dataclass(frozen=True)
class Releases:
    """One plan: how many commitments each file holds of it, and the file that gives the plan."""

    reason: str
    held: dict[str, int]
    chosen: str
    is_partial: bool = False
    is_suspected: bool = False


OLD, NEW, TOPICAL, TOPICAL_OLD, UNDATED = "old.csv", "new.csv", "topical.csv", "topical_old.csv", "undated.csv"
MANIFEST = f"""
- {{file: {OLD}, released: 2015-01-01}}
- {{file: {NEW}, released: 2016-07-01}}
- {{file: {TOPICAL}, released: 2024-07-03, partial: true}}
- {{file: {TOPICAL_OLD}, released: 2014-01-01, partial: true}}
- {{file: process_old.csv, released: 2015-01-01}}
- {{file: process_new.csv, released: 2016-07-01}}
"""
RELEASE_CASES = (
    Releases("one release", {OLD: 3}, OLD),
    Releases("the newest whole release", {OLD: 3, NEW: 4}, NEW),
    Releases("a partial release never replaces a whole plan", {OLD: 4, TOPICAL: 2}, OLD),
    Releases("nor where it holds more", {OLD: 2, TOPICAL: 5}, OLD),
    Releases("nor an older whole plan without a date", {UNDATED: 2, TOPICAL: 2}, UNDATED),
    Releases("a plan that only a partial release has", {TOPICAL: 3}, TOPICAL, is_partial=True),
    Releases("the newest of two partial ones", {TOPICAL_OLD: 3, TOPICAL: 1}, TOPICAL, is_partial=True),
    Releases("under half does not replace", {OLD: 5, NEW: 2}, OLD, is_suspected=True),
    Releases("half replaces", {OLD: 4, NEW: 2}, NEW),
    Releases("under half of a partial release says nothing", {TOPICAL: 5, NEW: 2}, NEW),
    Releases("no date sorts oldest", {UNDATED: 3, OLD: 2}, OLD),
    Releases("no date alone", {UNDATED: 3}, UNDATED),
    Releases("three releases", {UNDATED: 3, OLD: 3, NEW: 3}, NEW),
    Releases("under half of the older is passed over, not the oldest", {UNDATED: 6, OLD: 7, NEW: 2}, OLD, False, True),
    Releases("an older release with under half is replaced as usual", {OLD: 2, NEW: 5}, NEW),
    Releases("one passed over by a later one already is no matter", {UNDATED: 6, OLD: 2, NEW: 5}, NEW),
)


@pytest.fixture(scope="module")
def releases(tmp_path_factory, catalog) -> World:
    """Plans of Albania in five files of commitments, and two process files."""
    world = World(tmp_path_factory.mktemp("releases"), catalog)
    for file in (OLD, NEW, TOPICAL, TOPICAL_OLD, UNDATED):
        world.commitments(
            *(
                {"Action Plan Number": str(plan), "Comm No": str(n), "Commitment Title": f"As {file} has it"}
                for plan, case in enumerate(RELEASE_CASES, start=1)
                for n in range(case.held.get(file, 0))
            ),
            file=file,
        )
    plans = [{"Action Plan Number": str(plan)} for plan, _ in enumerate(RELEASE_CASES, start=1)]
    only_partial = {str(n) for n, case in enumerate(RELEASE_CASES, start=1) if case.is_partial}
    # Empower in development is the level of the partial plans and of no other
    world.plans(
        *(
            plan | {DEVELOPMENT: "Empower" if plan["Action Plan Number"] in only_partial else "Consult"}
            for plan in plans
        ),
        file="process_new.csv",
    )
    world.plans(*plans, {"Action Plan Number": "90"}, file="process_old.csv")
    world.manifest(MANIFEST)
    return world.build()


@pytest.mark.parametrize(("plan", "case"), numbered(RELEASE_CASES))
def test_one_release_gives_the_plan(releases, plan, case):
    (row,) = releases.rows(f"select * from marts.action_plans where plan_id = 'AP_ALB{plan:02}'")
    assert (row["source_file"], row["commitments"], row["is_partial"]) == (
        case.chosen,
        case.held[case.chosen],
        case.is_partial,
    )
    titles = releases.rows(f"select title, source_release from marts.commitments where plan_id = 'AP_ALB{plan:02}'")
    assert Counter(row["title"] for row in titles) == {f"As {case.chosen} has it": case.held[case.chosen]}
    assert {row["source_release"] for row in titles} == {row["source_release"]}


def test_rows_not_chosen_stay_in_staging(releases):
    staged = releases.rows(
        "select _source_file as file, count(*) as rows from staging.explorer_commitments group by all"
    )
    expected = Counter()
    for case in RELEASE_CASES:
        expected.update(case.held)
    assert {row["file"]: row["rows"] for row in staged} == expected


def test_partial_plans_stay_out_of_every_rate(releases):
    cells = releases.rows("select * from metrics.vital_signs where stage = 'development' and plans_at_level > 0")
    whole = [case for case in RELEASE_CASES if not case.is_partial]
    assert {row["level"] for row in cells} == {"consult", "involve"}
    found = {row["commitments_at_level"] for row in cells if row["level"] == "consult"}
    assert found == {sum(case.held[case.chosen] for case in whole)}
    pairs = releases.rows("select * from metrics.influence_stages where plans > 0")
    # every plan has its levels, and the plan of the process file alone; only those held whole have commitments
    assert sum(row["plans"] for row in pairs) == len(RELEASE_CASES) + 1
    assert sum(row["commitments"] for row in pairs) == sum(case.held[case.chosen] for case in whole)


def test_the_newest_process_row_gives_the_level(releases):
    rows = releases.rows("select plan_id, level from marts.influence where stage = 'development'")
    levels = {row["plan_id"]: row["level"] for row in rows}
    assert levels["AP_ALB01"] == "consult"
    assert levels["AP_ALB90"] == "involve"  # the older file alone has it


@pytest.fixture(scope="module")
def suspected(releases) -> Verdict:
    return verdicts(releases, "marts.action_plans")["partial_release_suspected"]


def test_a_release_with_under_half_is_critical_until_accepted(suspected):
    assert suspected.severity == "critical" and not suspected.passed
    assert plans_named(suspected) == {
        f"AP_ALB{plan:02}" for plan, case in enumerate(RELEASE_CASES, start=1) if case.is_suspected
    }
