"""Official files read into typed rows: identity, labels, dates, texts, and a record of every doubt."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from itertools import count
from random import Random
from typing import Any

import pytest

from ogp_pipeline.judging import evaluate
from ogp_pipeline.sample.layouts import EXPLORER_HEADER, PROCESS_HEADER
from ogp_pipeline_tests.world import World

IMPACT, IMPACT_TWIN = "Potential impact", "_Pot Impact Coded"
PROGRESS, PROGRESS_TWIN = "Completion (progress report)", "_CompletionProgress"
END, END_TWIN = "Completion (end of term)", "_CompletionEndTerm"
RESULTS, RESULTS_TWIN = "Did it open government (end of term only)", "_OpenGovt"
LAST_STAR = "Starred (current formula) end of term"
DEVELOPMENT, IMPLEMENTATION = "IAP2 level during development", "IAP2 level during imp."
SCHEDULE = "Was it done according to schedule?"
FORUM = "Consultation during action plan implementation (regular forum)"

Problem = tuple[str | None, str, str, str | None, str | None]  # column, rule, severity, original, used


@dataclass(frozen=True)
class Case:
    """One row: what is written, what staging reads, and exactly the problems that are recorded.

    A row with a problem of severity quarantine is refused and `reads` nothing.
    """

    reason: str
    cells: dict[str, str]
    reads: dict[str, Any] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    @property
    def refusals(self) -> list[str]:
        """The reasons as the quarantine gives them."""
        return [
            f"{rule}: {column} = {original or ''}"
            for column, rule, severity, original, _ in self.problems
            if severity == "quarantine"
        ]


def alias(written: str, member_id: str, column: str = "Country") -> Problem:
    return (column, "member_alias", "repair", written, member_id)


def unreadable(column: str, written: str, rule: str = "label_unknown") -> Problem:
    return (column, rule, "unreadable", written, None)


def refused(column: str, rule: str, written: str, used: str | None = None) -> Problem:
    return (column, rule, "quarantine", written, used)


def variant(column: str, written: str, used: str) -> Problem:
    return (column, "label_variant", "repair", written, used)


def twin(column: str, written: str, against: str) -> Problem:
    return (column, "twin_disagrees", "doubt", written, against)


def dated(end: str, reads: date | None, precision: str | None, *problems: Problem, is_ambiguous: bool = False):
    """The cells and readings of a case about an end date."""
    return (
        {"End Date": end},
        {
            "end_date": reads,
            "end_date_precision": precision,
            "end_date_is_ambiguous": is_ambiguous,
            "end_date_text": end or None,
        },
        problems,
    )


NO_IMPACT = {"potential_impact": None, "completion_progress": "substantial", "diog_overall": "no_data"}

MEMBER_CASES = (
    Case("an ordinary row is beyond doubt", {}, {"member_id": "ALB", "potential_impact": "moderate"}),
    Case("an alias", {"Country": "USA"}, {"member_id": "USA"}, (alias("USA", "USA"),)),
    Case("a short name", {"Country": "UK"}, {"member_id": "GBR"}, (alias("UK", "GBR"),)),
    Case("the official name", {"Country": "United Kingdom"}, {"member_id": "GBR"}),
    Case("a former name", {"Country": "Macedonia"}, {"member_id": "MKD"}, (alias("Macedonia", "MKD"),)),
    Case("another of two names", {"Country": "South Korea"}, {"member_id": "KOR"}, (alias("South Korea", "KOR"),)),
    Case("the short of two names", {"Country": "Slovakia"}, {"member_id": "SVK"}, (alias("Slovakia", "SVK"),)),
    Case("another case", {"Country": "aLBANIA"}, {"member_id": "ALB"}, (alias("aLBANIA", "ALB"),)),
    Case("surrounding spaces", {"Country": " Ghana "}, {"member_id": "GHA"}, (alias(" Ghana ", "GHA"),)),
    Case(
        "a no-break space between the words",
        {"Country": "South\u00a0Africa"},
        {"member_id": "ZAF"},
        (alias("South\u00a0Africa", "ZAF"),),
    ),
    Case(
        "accents and a typographic apostrophe",
        {"Country": "C\u00f4te d\u2019Ivoire"},
        {"member_id": "CIV"},
        (alias("C\u00f4te d\u2019Ivoire", "CIV"),),
    ),
    Case("a local", {"Country": "Scotland"}, {"member_id": "GBSC"}, (alias("Scotland", "GBSC"),)),
    Case("no member of this name", {"Country": "Atlantis"}, {}, (refused("Country", "member_unknown", "Atlantis"),)),
    Case("blank member", {"Country": ""}, {}, (refused("Country", "member_missing", ""),)),
    Case("a member of spaces", {"Country": " \u00a0 "}, {}, (refused("Country", "member_missing", " \u00a0 "),)),
    Case(
        "a name that two members of the list claim identifies neither",
        {"Country": "Twinland"},
        {},
        (refused("Country", "member_claimed_twice", "Twinland", "XQA, XQB"),),
    ),
)

NUMBER_CASES = (
    Case(
        "plan number of a spreadsheet",
        {"Country": "Brazil", "Action Plan Number": "1.0"},
        {"plan_number": 1, "plan_id": "AP_BRA01"},
        (("Action Plan Number", "number_variant", "repair", "1.0", "1"),),
    ),
    Case(
        "plan number with spaces and a leading zero",
        {"Country": "Brazil", "Action Plan Number": " 02"},
        {"plan_number": 2, "plan_id": "AP_BRA02"},
        (("Action Plan Number", "number_variant", "repair", " 02", "2"),),
    ),
    Case(
        "the largest plan number of two digits",
        {"Country": "Brazil", "Action Plan Number": "99"},
        {"plan_id": "AP_BRA99"},
    ),
    *(
        Case(
            f"plan number {why}",
            {"Country": "Brazil", "Action Plan Number": written},
            {},
            (refused("Action Plan Number", "plan_number_unreadable", written),),
        )
        for written, why in (
            ("x", "is a letter"),
            ("0", "is zero"),
            ("100", "has three digits"),
            ("", "is blank"),
            ("1.5", "is no whole number"),
            ("-1", "is negative"),
        )
    ),
    Case(
        "two faults of identity give two reasons",
        {"Country": "Atlantis", "Action Plan Number": "x"},
        {},
        (
            refused("Country", "member_unknown", "Atlantis"),
            refused("Action Plan Number", "plan_number_unreadable", "x"),
        ),
    ),
    Case(
        "of a refused row only the reasons are told: nothing else in it touches a figure",
        {"Country": "Atlantis", IMPACT: "Considerable", "End Date": "31/31/2014", "Open Data": "maybe"},
        {},
        (refused("Country", "member_unknown", "Atlantis"),),
    ),
    Case(
        "commitment 2.3 as a spreadsheet wrote it",
        {"Country": "Chile", "Action Plan Number": "1", "Comm No": "2.2999999999999998"},
        {"commitment_number": "2.3", "commitment_id": "AP_CHL01-2.3"},
        (("Comm No", "float_artefact", "repair", "2.2999999999999998", "2.3"),),
    ),
    Case(
        "an artefact of a whole number",
        {"Country": "Chile", "Action Plan Number": "1", "Comm No": "3.0000000000000004"},
        {"commitment_id": "AP_CHL01-3"},
        (("Comm No", "float_artefact", "repair", "3.0000000000000004", "3"),),
    ),
    Case(
        "2.10 is not 2.1",
        {"Country": "Chile", "Action Plan Number": "1", "Comm No": "2.10"},
        {"commitment_id": "AP_CHL01-2.10"},
    ),
    Case(
        "an identifier, not a quantity",
        {"Country": "Chile", "Action Plan Number": "1", "Comm No": " 1.a"},
        {"commitment_number": "1.a", "commitment_id": "AP_CHL01-1.a"},
    ),
    Case(
        "no number given",
        {"Country": "Chile", "Action Plan Number": "1", "Comm No": "NA"},
        {"commitment_number": "NA", "commitment_id": "AP_CHL01-NA"},
        (("Comm No", "commitment_number_not_given", "doubt", "NA", "NA"),),
    ),
    Case(
        "a number that a spreadsheet took for a date is shown as doubtful",
        {"Country": "Chile", "Action Plan Number": "1", "Comm No": "02/01/2014"},
        {"commitment_number": "02/01/2014"},
        (("Comm No", "looks_like_a_date", "doubt", "02/01/2014", "02/01/2014"),),
    ),
    Case("blank commitment number", {"Comm No": " "}, {}, (refused("Comm No", "commitment_number_missing", " "),)),
    Case(
        "year of a spreadsheet",
        {"Year of submission": "2014.0"},
        {"submitted_year": 2014},
    ),
    Case(
        "year in words: the row stays",
        {"Year of submission": "soon"},
        {"submitted_year": None, "potential_impact": "moderate"},
        (unreadable("Year of submission", "soon", "year_unreadable"),),
    ),
    Case(
        "a year in which there was no partnership",
        {"Year of submission": "1914"},
        {"submitted_year": None},
        (unreadable("Year of submission", "1914", "year_unreadable"),),
    ),
)

NUMBER_CASES += tuple(
    Case(
        f"a report year, {column}: {written}",
        {column: written},
        {name: None, "submitted_year": 2014},
        problems,
    )
    for column, name in (
        ("Report publication year (progress report)", "progress_report_year"),
        ("Report publication year (end of term)", "end_of_term_report_year"),
    )
    for written, problems in (
        ("someday", (unreadable(column, "someday", "year_unreadable"),)),
        ("20166", (unreadable(column, "20166", "year_unreadable"),)),
        ("NR", ()),
        ("ND", ()),
    )
)

LABEL_CASES = (
    Case(
        "another case",
        {PROGRESS: "a. Not Started", PROGRESS_TWIN: "2"},
        {"completion_progress": "not_started"},
        (variant(PROGRESS, "a. Not Started", "not_started"),),
    ),
    Case(
        "without its prefix, with spaces",
        {PROGRESS: " Complete ", PROGRESS_TWIN: "5"},
        {"completion_progress": "complete"},
        (variant(PROGRESS, " Complete ", "complete"),),
    ),
    Case(
        "the 2016 release writes None for did not change",
        {RESULTS: "b. None", RESULTS_TWIN: "1"},
        {"diog_overall": "did_not_change"},
    ),
    Case(
        "worsens folds into none",
        {IMPACT: "Worsens", IMPACT_TWIN: "0"},
        {"potential_impact": "none"},
    ),
    Case("unclear is a label of its own", {IMPACT: "Unclear", IMPACT_TWIN: "0"}, {"potential_impact": "unclear"}),
    Case(
        "unknown potential impact: only this outcome is lost",
        {IMPACT: "Considerable", IMPACT_TWIN: "2"},
        NO_IMPACT,
        (unreadable(IMPACT, "Considerable"),),
    ),
    Case("blank potential impact", {IMPACT: ""}, NO_IMPACT, (unreadable(IMPACT, "", "blank"),)),
    Case(
        "unknown completion: only this outcome is lost",
        {PROGRESS: "f. Splendid"},
        {"completion_progress": None, "potential_impact": "moderate", "diog_overall": "no_data"},
        (unreadable(PROGRESS, "f. Splendid"),),
    ),
    Case(
        "unknown early results: only this outcome is lost",
        {RESULTS: "f. Splendid", RESULTS_TWIN: "3"},
        {"diog_overall": None, "potential_impact": "moderate", "completion_progress": "substantial"},
        (unreadable(RESULTS, "f. Splendid"),),
    ),
    Case(
        "an unknown flag",
        {"Value -Info": "perhaps"},
        {"value_access": None, "value_participation": "no"},
        (unreadable("Value -Info", "perhaps"),),
    ),
    Case("an unknown star", {LAST_STAR: "*"}, {"ogp_starred_current_end_of_term": None}, (unreadable(LAST_STAR, "*"),)),
    # NR, ND, NA and the lowest level: four meanings, never merged (DOMAIN.md section 2)
    Case(
        "not reviewed",
        {PROGRESS: "NR", PROGRESS_TWIN: "NR", IMPACT: "NR", IMPACT_TWIN: "NR", "Value -Acc": "NR"},
        {
            "completion_progress": "not_reviewed",
            "potential_impact": "not_reviewed",
            "value_accountability": "not_reviewed",
        },
    ),
    Case(
        "no data",
        {PROGRESS: "ND", PROGRESS_TWIN: "ND", IMPACT: "ND", IMPACT_TWIN: "ND", "Value -Acc": "ND"},
        {"completion_progress": "no_data", "potential_impact": "no_data", "value_accountability": "no_data"},
    ),
    Case(
        "not applicable",
        {PROGRESS: "NA", PROGRESS_TWIN: "NA", RESULTS: "NA", RESULTS_TWIN: "NA"},
        {"completion_progress": "not_applicable", "diog_overall": "not_applicable"},
    ),
    Case(
        "a real lowest level",
        {PROGRESS: "a. Not started", PROGRESS_TWIN: "2", IMPACT: "None", IMPACT_TWIN: "0", "Specificity": "None"}
        | {"_Specificity": "0"},
        {"completion_progress": "not_started", "potential_impact": "none", "specificity": "none"},
    ),
    # numeric twins are compared and never used
    Case(
        "completion and its twin disagree: the label counts",
        {PROGRESS: "c. Substantial", PROGRESS_TWIN: "2"},
        {"completion_progress": "substantial"},
        (twin(PROGRESS_TWIN, "2", f"{PROGRESS} = c. Substantial"),),
    ),
    Case(
        "not reviewed, and its twin coded",
        {IMPACT: "NR", IMPACT_TWIN: "3"},
        {"potential_impact": "not_reviewed"},
        (twin(IMPACT_TWIN, "3", f"{IMPACT} = NR"),),
    ),
    Case(
        "a twin does not stand in for an unknown label",
        {RESULTS: "Splendid", RESULTS_TWIN: "4"},
        {"diog_overall": None},
        (unreadable(RESULTS, "Splendid"),),
    ),
    Case("a twin with a space agrees", {PROGRESS_TWIN: " 4"}, {"completion_progress": "substantial"}),
)

END_OF_2014 = date(2014, 12, 31)
DATE_CASES = tuple(
    Case(reason, *parts)
    for reason, parts in (
        ("certainly day first", dated("31/12/2014", END_OF_2014, "day")),
        ("certainly month first", dated("12/31/2014", END_OF_2014, "day")),
        ("with dots", dated("31.12.2014", END_OF_2014, "day")),
        ("both readings are one day", dated("06/06/2014", date(2014, 6, 6), "day")),
        ("the reading whose day is 1, month first", dated("06/01/2014", date(2014, 6, 1), "day", is_ambiguous=True)),
        ("the reading whose day is 1, day first", dated("1/6/2014", date(2014, 6, 1), "day", is_ambiguous=True)),
        (
            "ambiguous, and nothing proves the order",
            dated("06/07/2014", None, None, unreadable("End Date", "06/07/2014", "date_ambiguous"), is_ambiguous=True),
        ),
        ("no such month", dated("31/31/2014", None, None, unreadable("End Date", "31/31/2014", "date_impossible"))),
        ("no such day", dated("30/02/2014", None, None, unreadable("End Date", "30/02/2014", "date_impossible"))),
        ("ISO", dated("2014-12-31", END_OF_2014, "day")),
        ("ISO with a time", dated("2014-12-31 00:00:00", END_OF_2014, "day")),
        ("day and name of the month", dated("30 June 2014", date(2014, 6, 30), "day")),
        ("month and day, American", dated("June 30, 2014", date(2014, 6, 30), "day")),
        ("month and short year: its last day", dated("Jul-12", date(2012, 7, 31), "month")),
        ("month and year: its last day", dated("July 2020", date(2020, 7, 31), "month")),
        ("February of a leap year", dated("Feb 2016", date(2016, 2, 29), "month")),
        ("a year: its last day", dated("2020", date(2020, 12, 31), "year")),
        ("a Roman quarter", dated("II quarter of 2019", date(2019, 6, 30), "quarter")),
        ("a quarter", dated("Quarter 1 2014", date(2014, 3, 31), "quarter")),
        ("a quarter after the year", dated("2014 Q4", END_OF_2014, "quarter")),
        (
            "days since 1899-12-30",
            dated("42004", END_OF_2014, "day", ("End Date", "excel_serial", "repair", "42004", "2014-12-31")),
        ),
        (
            "a period: its end",
            dated(
                "2013-2014", END_OF_2014, "year", ("End Date", "date_coarsened", "repair", "2013-2014", "2014-01-01")
            ),
        ),
        (
            "a season is read as its year",
            dated(
                "Spring 2014",
                END_OF_2014,
                "year",
                ("End Date", "date_coarsened", "repair", "Spring 2014", "2014-01-01"),
            ),
        ),
        ("no end is no fault", dated("Ongoing", None, None)),
        ("not given is no fault", dated("Not Specified", None, None)),
        ("not reviewed is no fault", dated("NR", None, None)),
        ("blank", dated("", None, None, unreadable("End Date", "", "blank"))),
        ("words", dated("in due course", None, None, unreadable("End Date", "in due course", "date_unreadable"))),
        (
            "a year of no action plan",
            dated("31/12/1914", None, None, unreadable("End Date", "31/12/1914", "date_implausible")),
        ),
    )
)
DATE_CASES += (
    Case(
        "a start is the first day of its quarter",
        {"Start Date": "III quarter of 2013"},
        {"start_date": date(2013, 7, 1)},
    ),
    Case(
        "a start is the first day of its month",
        {"Start Date": "Sept 2013"},
        {"start_date": date(2013, 9, 1), "start_date_precision": "month"},
    ),
    Case(
        "a period starts with its first year",
        {"Start Date": "2013-2015"},
        {"start_date": date(2013, 1, 1)},
        (("Start Date", "date_coarsened", "repair", "2013-2015", "2013-01-01"),),
    ),
)

TEXT_CASES = (
    Case(
        "a lost character stays and is shown",
        {"Commitment Title": "The citizens\ufffd budget"},
        {"title": "The citizens\ufffd budget"},
        (
            (
                "Commitment Title",
                "replacement_character",
                "doubt",
                "The citizens\ufffd budget",
                "The citizens\ufffd budget",
            ),
        ),
    ),
    Case(
        "a no-break space",
        {"Lead Institution": "Ministry\u00a0of Finance"},
        {"lead_institution": "Ministry of Finance"},
        (("Lead Institution", "no_break_space", "repair", "Ministry\u00a0of Finance", "Ministry of Finance"),),
    ),
    Case(
        "markup stands for a line break",
        {"Full Text": "One.<br/>Two. <BR>Three."},
        {"full_text": "One.\nTwo.\nThree."},
        (("Full Text", "html_break", "repair", "One.<br/>Two. <BR>Three.", "One.\nTwo.\nThree."),),
    ),
    Case(
        "two repairs of one cell are two problems",
        {"Short Title": "One<br />and\u00a0two"},
        {"short_title": "One\nand two"},
        (
            ("Short Title", "html_break", "repair", "One<br />and\u00a0two", "One\nand two"),
            ("Short Title", "no_break_space", "repair", "One<br />and\u00a0two", "One\nand two"),
        ),
    ),
    Case("spaces collapse without a word", {"Commitment Title": " Open   the\tbudget "}, {"title": "Open the budget"}),
    Case(
        "quotes, commas and semicolons",
        {"Full Text": 'Known as "one door"; a, b.'},
        {"full_text": 'Known as "one door"; a, b.'},
    ),
    Case("a cluster as written", {"Cluster": "4.2 a"}, {"cluster": "4.2 a"}),
    Case("no cluster", {"Cluster": "None"}, {"cluster": None}),
    Case(
        "a cluster that a spreadsheet took for a date",
        {"Cluster": "02/01/2014"},
        {"cluster": "02/01/2014"},
        (("Cluster", "looks_like_a_date", "doubt", "02/01/2014", "02/01/2014"),),
    ),
)

WIDTH_CASES = (
    Case(
        "too few cells: what is missing is blank",
        {},
        {"ogp_starred_current_end_of_term": None, "potential_impact": "moderate"},
        (
            (None, "row_width", "doubt", "the row has 97 cells, the header 98", None),
            unreadable(LAST_STAR, "", "blank"),
        ),
    ),
    Case(
        "too many cells",
        {},
        {"ogp_starred_current_end_of_term": "no_data"},
        ((None, "row_width", "doubt", "the row has 99 cells, the header 98; beyond it: ['surplus']", None),),
    ),
    Case("too many cells, all blank", {}, {"ogp_starred_current_end_of_term": "no_data"}),
    Case(
        "a record is not a line",
        {"Full Text": "One.\nTwo.\r\nThree."},
        {"full_text": "One.\nTwo.\nThree."},
    ),
)
COMMITMENT_CASES = (
    *MEMBER_CASES,
    *NUMBER_CASES,
    *LABEL_CASES,
    *DATE_CASES,
    *TEXT_CASES,
    *WIDTH_CASES,
)

PLAN_CASES = (
    Case(
        "an ordinary plan is beyond doubt", {}, {"development_label": "involve", "timeline_available": "not_reviewed"}
    ),
    Case(
        "an alias, other than in the commitments",
        {"Country name": "United States of America"},
        {"member_id": "USA"},
        (alias("United States of America", "USA", "Country name"),),
    ),
    Case(
        "no member of this name",
        {"Country name": "Atlantis"},
        {},
        (refused("Country name", "member_unknown", "Atlantis"),),
    ),
    Case("blank member", {"Country name": ""}, {}, (refused("Country name", "member_missing", ""),)),
    Case(
        "plan number of a spreadsheet",
        {"Country name": "Brazil", "Action Plan Number": "1.0"},
        {"plan_id": "AP_BRA01"},
        (("Action Plan Number", "number_variant", "repair", "1.0", "1"),),
    ),
    Case(
        "plan number is a letter",
        {"Action Plan Number": "x"},
        {},
        (refused("Action Plan Number", "plan_number_unreadable", "x"),),
    ),
    Case(
        "plan number is zero",
        {"Action Plan Number": "0"},
        {},
        (refused("Action Plan Number", "plan_number_unreadable", "0"),),
    ),
    Case(
        "a trailing space",
        {SCHEDULE: "Yes "},
        {"self_assessment_on_schedule": "yes"},
        (variant(SCHEDULE, "Yes ", "yes"),),
    ),
    Case(
        "an unknown level: the row stays",
        {DEVELOPMENT: "Inspire"},
        {"development_label": None, "implementation_label": "inform"},
        (unreadable(DEVELOPMENT, "Inspire"),),
    ),
    Case("not reviewed", {DEVELOPMENT: "NR"}, {"development_label": "not_reviewed"}),
    Case("no data", {DEVELOPMENT: "ND"}, {"development_label": "no_data"}),
    Case(
        "NA is not yet a level here",
        {DEVELOPMENT: "NA", IMPLEMENTATION: "NA"},
        {"development_label": "not_applicable", "implementation_label": "not_applicable"},
    ),
    Case(
        "forum and its twin disagree: the label counts",
        {FORUM: "Yes", "_Regular forum": "0"},
        {"regular_forum": "yes"},
        (twin("_Regular forum", "0", f"{FORUM} = Yes"),),
    ),
    Case(
        "year in words: the row stays",
        {"Year AP Submitted": "soon"},
        {"submitted_year": None, "development_label": "involve"},
        (unreadable("Year AP Submitted", "soon", "year_unreadable"),),
    ),
    Case(
        "two links in a cell",
        {"Timeline: links": "https://a.example<br/>https://b.example"},
        {"development_label": "involve"},
        (
            (
                "Timeline: links",
                "html_break",
                "repair",
                "https://a.example<br/>https://b.example",
                "https://a.example\nhttps://b.example",
            ),
        ),
    ),
)


def plan_of(position: int) -> dict[str, str]:
    """A plan of its own for each case, so that no date of one proves the order of another."""
    return {"Country": ("Albania", "Armenia")[position // 99], "Action Plan Number": str(position % 99 + 1)}


@dataclass(frozen=True)
class Cases:
    """The world that holds every case, with the staged, refused and doubted rows by line."""

    world: World
    staged: dict[str, dict[int, dict[str, Any]]]
    refused: dict[str, dict[int, dict[str, Any]]]
    problems: dict[tuple[str, int], list[Problem]]

    def check(self, source: str, line: int, case: Case) -> None:
        assert sorted(self.problems.get((source, line), []), key=str) == sorted(case.problems, key=str)
        if case.refusals:
            assert line not in self.staged[source]
            assert self.refused[source][line]["problems"] == case.refusals
        else:
            assert line not in self.refused[source]
            row = self.staged[source][line]
            assert {name: row[name] for name in case.reads} == case.reads


SOURCES = ("explorer_commitments", "process_database")


@pytest.fixture(scope="module")
def cases(tmp_path_factory, catalog) -> Cases:
    world = World(tmp_path_factory.mktemp("cases"), catalog)
    path = world.commitments(*(plan_of(n) | case.cells for n, case in enumerate(COMMITMENT_CASES)))
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    short, long, blank, _ = rows[-len(WIDTH_CASES) :]
    short.pop()
    long.append("surplus")
    blank.extend(["", ""])
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    numbered = ({"Action Plan Number": str(n)} for n in count(1))
    world.plans(*(next(numbered) | case.cells for case in PLAN_CASES))
    with (world.inputs / "members.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(
            [
                ["Member ID", "Member name", "Member type", "Region", "Aliases"],
                ["XQA", "North Twinland", "national", "", "Twinland"],
                ["XQB", "South Twinland", "national", "", "Twinland|Twinland South"],
            ]
        )
    world.build()
    problems: dict[tuple[str, int], list[Problem]] = {}
    for row in world.rows("select * from meta.problems"):
        parts = (row["column"], row["rule"], row["severity"], row["original"], row["used"])
        problems.setdefault((row["source"], row["source_row"]), []).append(parts)
    return Cases(
        world,
        {name: {row["_source_row"]: row for row in world.rows(f"select * from staging.{name}")} for name in SOURCES},
        {
            name: {int(row["_source_row"]): row for row in world.rows(f"select * from quarantine.{name}")}
            for name in SOURCES
        },
        problems,
    )


def parameters(cases: tuple[Case, ...]):
    """(line of the file, case); the header is line 1."""
    return [pytest.param(line, case, id=case.reason) for line, case in enumerate(cases, start=2)]


@pytest.mark.parametrize(("line", "case"), parameters(COMMITMENT_CASES))
def test_commitment_rows(cases, line, case):
    cases.check("explorer_commitments", line, case)


@pytest.mark.parametrize(("line", "case"), parameters(PLAN_CASES))
def test_process_rows(cases, line, case):
    cases.check("process_database", line, case)


@pytest.mark.parametrize(
    ("source", "given"),
    [("explorer_commitments", len(COMMITMENT_CASES)), ("process_database", len(PLAN_CASES)), ("member_list", 2)],
)
def test_nothing_disappears(cases, source, given):
    """raw = staging + quarantine, row by row."""
    lines = {
        schema: [int(row["line"]) for row in cases.world.rows(f"select _source_row as line from {schema}.{source}")]
        for schema in ("raw", "staging", "quarantine")
    }
    assert len(lines["raw"]) == len(set(lines["raw"])) == given
    assert sorted(lines["staging"] + lines["quarantine"]) == sorted(lines["raw"])


def verdicts(world: World, table: str) -> dict[str, Any]:
    """The verdicts on a table by check."""
    model = world.catalog[table]
    with world.store.session({table, *model.checks_read}, model.macros) as connection:
        return {verdict.check: verdict for verdict in evaluate(connection, model, world.catalog)}


@pytest.mark.parametrize("source", [*SOURCES, "member_list"])
def test_dirty_rows_keep_the_contract(cases, source):
    """Keys, codes, required values and conservation hold whatever the files say."""
    for table in (f"raw.{source}", f"staging.{source}", f"quarantine.{source}"):
        found = verdicts(cases.world, table)
        broken = [
            verdict.sentence()
            for verdict in found.values()
            if not verdict.passed
            and (verdict.group, verdict.severity) == ("contract", "critical")
            and verdict.check not in ("quarantined_share", "rows_quarantined")
        ]
        assert not broken
    assert verdicts(cases.world, f"quarantine.{source}")["conservation"].passed


def test_problems_have_one_shape(cases):
    """Source, file, line and official column are named; what is unreadable is used nowhere, a repair is used."""
    columns = {"explorer_commitments": {*EXPLORER_HEADER}, "process_database": {*PROCESS_HEADER}}
    files = {"explorer_commitments": "commitments.csv", "process_database": "process.csv"}
    rows = cases.world.rows("select * from meta.problems")
    assert set(rows[0]) == {"source", "source_file", "source_row", "column", "rule", "severity", "original", "used"}
    for row in rows:
        assert row["source_file"] == files[row["source"]]
        assert row["source_row"] in cases.staged[row["source"]] or row["source_row"] in cases.refused[row["source"]]
        assert row["column"] in columns[row["source"]] or (row["column"], row["rule"]) == (None, "row_width")
        assert row["original"] is not None
        if row["severity"] == "unreadable":
            assert row["used"] is None, row
        if row["severity"] == "repair":
            assert row["used"] is not None, row
        assert (row["severity"] == "quarantine") <= (row["source_row"] in cases.refused[row["source"]])
    assert {row["severity"] for row in rows} == {"repair", "doubt", "unreadable", "quarantine"}


# --- ids: `<plan_id>-<number>`, among repeats `-<k>`, k the rank by the hash of title and text


def repeat(number: str, title: str, text: str = "Text.", **cells: str) -> dict[str, str]:
    """A commitment of Albania's first plan."""
    return {"Comm No": number, "Commitment Title": title, "Full Text": text, **cells}


ID_ROWS = [
    repeat("1", "Alpha", Theme="a"),
    repeat("2", "Alone", Theme="b"),
    repeat("1", "Beta", Theme="c"),
    repeat("4", "Tied", Theme="d1"),
    repeat("3", "Doubled", Theme="e"),
    repeat("1", "Alpha", "Another text.", Theme="f"),
    repeat("4", "Tied", Theme="d2"),
    repeat("3", "Doubled", Theme="e"),
    repeat("2.3", "Decimal", Theme="g"),
    repeat("2.2999999999999998", "Artefact", Theme="h"),
    repeat("NA", "No number", Theme="i"),
    repeat("NA", "None either", Theme="j"),
    repeat("1", "Alpha", Theme="k", **{"Action Plan Number": "2"}),
    repeat("5", "Spaces do  not count", Theme="l"),
    repeat("1", "Zeta", Theme="m"),
    repeat("6", "Blank text", "", Theme="n"),
    repeat("3", "Doubled", Theme="e"),
]


def ids_by_hash(number: str, **texts: tuple[str, str]) -> dict[str, str]:
    """Theme -> id, for commitments of one number given by title and text."""
    order = sorted(texts, key=lambda theme: sha256("\x1f".join(texts[theme]).encode()).hexdigest())
    return {theme: f"AP_ALB01-{number}-{k}" for k, theme in enumerate(order, start=1)}


EXPECTED_IDS = {
    **ids_by_hash(
        "1",
        a=("Alpha", "Text."),
        c=("Beta", "Text."),
        f=("Alpha", "Another text."),
        m=("Zeta", "Text."),
    ),
    "b": "AP_ALB01-2",
    "e": "AP_ALB01-3",
    **ids_by_hash("2.3", g=("Decimal", "Text."), h=("Artefact", "Text.")),
    **ids_by_hash("NA", i=("No number", "Text."), j=("None either", "Text.")),
    "k": "AP_ALB02-1",
    "l": "AP_ALB01-5",
    "n": "AP_ALB01-6",
}


@pytest.fixture(scope="module")
def identified(tmp_path_factory, catalog):
    """Rows -> (theme -> id of the staged rows, themes of the refused), read by one world again and again."""
    world = World(tmp_path_factory.mktemp("ids"), catalog)
    needed = ["meta__sources", "reference", "member_list", "staging__member_names", "explorer_commitments"]

    def read(rows: list[dict[str, str]]) -> tuple[dict[str, str], list[str]]:
        world.commitments(*rows)
        world.build(*needed)
        needed[:] = ["meta__sources", "explorer_commitments"]
        staged = world.rows("select theme, commitment_id from staging.explorer_commitments")
        gone = world.rows('select "Theme" as theme from quarantine.explorer_commitments')
        assert len({row["commitment_id"] for row in staged}) == len(staged)
        return {row["theme"]: row["commitment_id"] for row in staged}, sorted(row["theme"] for row in gone)

    return read


@pytest.fixture(scope="module")
def written_ids(identified) -> tuple[dict[str, str], list[str]]:
    return identified(ID_ROWS)


def test_ids_follow_plan_number_and_content(written_ids):
    ids, _ = written_ids
    assert {theme: ids.get(theme) for theme in EXPECTED_IDS} == EXPECTED_IDS


def test_identical_rows_are_refused_but_one(written_ids):
    ids, gone = written_ids
    assert (ids["e"], gone) == ("AP_ALB01-3", ["e", "e"])


def test_a_tie_of_title_and_text_is_broken_by_the_rest_of_the_row(written_ids):
    ids, _ = written_ids
    assert {ids["d1"], ids["d2"]} == {"AP_ALB01-4-1", "AP_ALB01-4-2"}


@pytest.mark.parametrize(
    ("change", "gone_too"),
    [
        pytest.param(lambda rows: rows[::-1], [], id="rows reversed"),
        pytest.param(lambda rows: Random(7).sample(rows, len(rows)), [], id="rows shuffled"),
        pytest.param(
            lambda rows: [repeat("1", "Aaa", Theme="z", Country="Atlantis"), *rows],
            ["z"],
            id="a row of no member, of the same number, is refused",
        ),
        pytest.param(
            lambda rows: [*rows[:5], {**rows[0]}, *rows[5:]], ["a"], id="a copy of one of the repeats is refused"
        ),
        pytest.param(
            lambda rows: [row | {"Commitment Title": row["Commitment Title"] + " "} for row in rows],
            [],
            id="spaces around a title do not count",
        ),
    ],
)
def test_ids_do_not_move(identified, written_ids, change, gone_too):
    ids, gone = identified(change(ID_ROWS))
    tied = {"d1", "d2"}
    assert {theme: ids[theme] for theme in ids if theme not in tied} == {
        theme: written_ids[0][theme] for theme in written_ids[0] if theme not in tied
    }
    assert {ids[theme] for theme in tied} == {written_ids[0][theme] for theme in tied}
    assert gone == sorted([*written_ids[1], *gone_too])


@pytest.mark.parametrize("seed", [1, 2])
def test_a_tie_does_not_move_with_the_rows(identified, written_ids, seed):
    ids, _ = identified(Random(seed).sample(ID_ROWS, len(ID_ROWS)))
    assert (ids["d1"], ids["d2"]) == (written_ids[0]["d1"], written_ids[0]["d2"])


# --- what several rows decide together: the order of dates, policy areas, repeated plans, corrections


@dataclass(frozen=True)
class PlanDates:
    """The dates of one plan, (start, end) of each commitment, and how they are read."""

    reason: str
    written: tuple[tuple[str, str], ...]
    read: tuple[tuple[date | None, date | None], ...]
    ambiguous: tuple[str, ...] = ()  # texts that became NULL


PLAN_DATES = (
    PlanDates(
        "another commitment's end proves day first",
        (("NR", "06/07/2014"), ("NR", "31/12/2014")),
        ((None, date(2014, 7, 6)), (None, END_OF_2014)),
    ),
    PlanDates(
        "another commitment's end proves month first",
        (("NR", "06/07/2014"), ("NR", "12/31/2014")),
        ((None, date(2014, 6, 7)), (None, END_OF_2014)),
    ),
    PlanDates(
        "a start proves the order of an end",
        (("15/01/2013", "NR"), ("05/06/2013", "06/07/2014")),
        ((date(2013, 1, 15), None), (date(2013, 6, 5), date(2014, 7, 6))),
    ),
    PlanDates(
        "proof goes before the reading whose day is 1",
        (("NR", "06/01/2014"), ("NR", "31/12/2014")),
        ((None, date(2014, 1, 6)), (None, END_OF_2014)),
    ),
    PlanDates(
        "two orders in one plan prove nothing",
        (("NR", "06/07/2014"), ("NR", "31/12/2014"), ("NR", "12/31/2014")),
        ((None, None), (None, END_OF_2014), (None, END_OF_2014)),
        ("06/07/2014",),
    ),
    PlanDates(
        "without proof the day is 1, in a contradictory plan too",
        (("NR", "06/01/2014"), ("NR", "31/12/2014"), ("NR", "12/31/2014")),
        ((None, date(2014, 6, 1)), (None, END_OF_2014), (None, END_OF_2014)),
    ),
    PlanDates(
        "a date that both readings share proves nothing",
        (("NR", "06/07/2014"), ("NR", "05/05/2014")),
        ((None, None), (None, date(2014, 5, 5))),
        ("06/07/2014",),
    ),
    PlanDates(
        "an impossible date proves nothing",
        (("NR", "06/07/2014"), ("NR", "31/02/2014")),
        ((None, None), (None, None)),
        ("06/07/2014",),
    ),
    PlanDates(
        "one text, two plans: another plan's proof does not count",
        (("06/07/2014", "06/07/2014"),),
        ((None, None),),
        ("06/07/2014", "06/07/2014"),
    ),
)


@pytest.fixture(scope="module")
def together(tmp_path_factory, catalog) -> World:
    """One world of whole plans: dates (Albania), policy areas (Armenia) and repeated plans (Brazil)."""
    world = World(tmp_path_factory.mktemp("together"), catalog)
    rows = [
        {"Action Plan Number": str(plan), "Start Date": start, "End Date": end}
        for plan, case in enumerate(PLAN_DATES, start=1)
        for start, end in case.written
    ]
    tags = {"Country": "Armenia", "Comm No": "1", "Open Data": "1", "Aid": "ND", "Labor": "NR", "Education": "maybe"}
    rows += [tags, {"Country": "Armenia", "Comm No": "2", "Aid": "1", "Education": "", "OGP": "1"}]
    world.commitments(*rows)
    brazil = {"Country name": "Brazil"}
    world.plans(
        brazil | {"Action Plan Number": "1", DEVELOPMENT: "Inform"},
        brazil | {"Action Plan Number": "2", DEVELOPMENT: "Inform"},
        brazil | {"Action Plan Number": "1", DEVELOPMENT: "Consult"},
        brazil | {"Action Plan Number": "3", DEVELOPMENT: "Consult"},
        brazil | {"Action Plan Number": "2", DEVELOPMENT: "Inform"},
        brazil | {"Action Plan Number": "4.0", DEVELOPMENT: "Consult"},
        brazil | {"Action Plan Number": "4", DEVELOPMENT: "Consult"},
    )
    return world.build()


@pytest.mark.parametrize(
    ("plan", "case"), [pytest.param(plan, case, id=case.reason) for plan, case in enumerate(PLAN_DATES, start=1)]
)
def test_the_order_of_dates_is_what_the_plan_proves(together, plan, case):
    rows = together.rows(
        f"select * from staging.explorer_commitments where plan_id = 'AP_ALB{plan:02}' order by _source_row"
    )
    assert [(row["start_date"], row["end_date"]) for row in rows] == list(case.read)
    lines = ", ".join(str(row["_source_row"]) for row in rows)
    found = together.rows(
        "select original from meta.problems "
        f"where source = 'explorer_commitments' and rule = 'date_ambiguous' and source_row in ({lines})"
    )
    assert [row["original"] for row in found] == list(case.ambiguous)


def test_policy_area_tags_lie_in_the_order_of_their_key(together):
    """Their SELECT sorts them itself, by numbers."""
    rows = together.rows(
        "select _source_file, commitment_id, policy_area from staging.explorer_commitments_policy_areas"
    )
    keys = [tuple(row.values()) for row in rows]
    assert keys == sorted(keys) and len(keys) > 40


def test_policy_area_tags(together):
    """Also those that say no or were not coded; one that cannot be read is NULL and recorded."""
    tags = {
        (row["commitment_id"], row["policy_area"]): row["tag"]
        for row in together.rows("select * from staging.explorer_commitments_policy_areas")
    }
    assert len({area for _, area in tags}) == 43
    expected = {
        ("1", "open_data"): "yes",
        ("1", "aid"): "no_data",
        ("1", "labor"): "not_reviewed",
        ("1", "education"): None,
        ("1", "open_government_partnership"): "no",
        ("2", "aid"): "yes",
        ("2", "education"): None,
        ("2", "open_government_partnership"): "yes",
    }
    assert {(number, area): tags[f"AP_ARM01-{number}", area] for number, area in expected} == expected
    lost = together.rows("select rule, severity, original from meta.problems where \"column\" = 'Education'")
    assert sorted(map(tuple, (row.values() for row in lost))) == [
        ("blank", "unreadable", ""),
        ("label_unknown", "unreadable", "maybe"),
    ]
    tagged = together.rows("select commitment_id, policy_area from marts.commitment_policy_areas")
    assert {tuple(row.values()) for row in tagged} == {
        ("AP_ARM01-1", "open_data"),
        ("AP_ARM01-2", "aid"),
        ("AP_ARM01-2", "open_government_partnership"),
    }


def test_a_plan_that_the_process_file_repeats_is_refused(together):
    """Of identical rows one stays; rows that differ are all refused, for no one knows which is right."""
    staged = together.rows("select plan_id, development_label as label from staging.process_database")
    assert sorted(map(tuple, (row.values() for row in staged))) == [("AP_BRA02", "inform"), ("AP_BRA03", "consult")]
    gone = together.rows("select _source_row::integer as line, problems from quarantine.process_database order by all")
    assert [(row["line"], row["problems"]) for row in gone] == [
        (2, ["plan_repeated: Action Plan Number = 1"]),
        (4, ["plan_repeated: Action Plan Number = 1"]),
        (6, ["duplicate_row: Action Plan Number = 2"]),
        (7, ["plan_repeated: Action Plan Number = 4.0"]),
        (8, ["plan_repeated: Action Plan Number = 4"]),
    ]


LITHUANIA = {"Country name": "Lithuania", "Year AP Submitted": "2014", "Action Plan Number": "1"}


@pytest.mark.parametrize(
    ("rows", "plans", "recorded", "is_stale"),
    [
        pytest.param(
            [LITHUANIA],
            {"AP_LTU02": 2014},
            [("Action Plan Number", "correction", "repair", "1", "2")],
            False,
            id="the row of 2014 is numbered 1: it becomes plan 2",
        ),
        pytest.param(
            [LITHUANIA, LITHUANIA | {"Year AP Submitted": "2012"}],
            {"AP_LTU01": 2012, "AP_LTU02": 2014},
            [("Action Plan Number", "correction", "repair", "1", "2")],
            False,
            id="a row of another year stays what it is",
        ),
        pytest.param(
            [LITHUANIA | {"Action Plan Number": "2"}],
            {"AP_LTU02": 2014},
            [],
            True,
            id="the source was mended: the correction has expired",
        ),
        pytest.param([{}], {"AP_ALB01": 2014}, [], False, id="the row is absent: nothing to say"),
    ],
)
def test_a_correction_applies_once_and_expires(together_with_corrections, rows, plans, recorded, is_stale):
    world = together_with_corrections
    world.plans(*rows)
    world.build("meta__sources", "process_database", "meta__problems")
    staged = world.rows("select plan_id, submitted_year from staging.process_database")
    assert {row["plan_id"]: row["submitted_year"] for row in staged} == plans
    found = world.rows(
        "select \"column\", rule, severity, original, used from meta.problems where source = 'process_database'"
    )
    assert [tuple(row.values()) for row in found] == recorded
    assert verdicts(world, "meta.problems")["process_database_correction_is_stale"].passed is not is_stale


@pytest.fixture(scope="module")
def together_with_corrections(tmp_path_factory, catalog) -> World:
    """A world whose process file each test replaces."""
    world = World(tmp_path_factory.mktemp("corrections"), catalog)
    world.commitments({})
    world.plans({})
    names = [name for name, _ in world.catalog.steps()]
    return world.build(*names[: names.index("meta__problems") + 1])


# --- known fault


def test_an_id_that_two_commitments_claim_refuses_both(identified):
    """`1` occurs twice, so one of them becomes `AP_ALB01-1-1`: that is also the id of a commitment `1-1`."""
    rows = [repeat("1", "A", Theme="a"), repeat("1", "B", Theme="b"), repeat("1-1", "C", Theme="c")]
    ids, gone = identified(rows)
    assert list(ids.values()) == ["AP_ALB01-1-2"]
    assert len(gone) == 2 and "c" in gone
