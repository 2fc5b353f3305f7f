"""The functions the models share: text, labels, numbers, dates and stars, one value at a time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple

import duckdb
import pytest

from ogp_pipeline.settings import PACKAGE_DIR
from ogp_pipeline.store import connect, literal, prepare

NBSP, THIN_SPACE = "\u00a0", "\u202f"


@pytest.fixture(scope="module")
def macros(catalog) -> Iterator[duckdb.DuckDBPyConnection]:
    """The macros, and the real code lists as the models read them."""
    with connect() as connection:
        prepare(connection, catalog.macros)
        labels = literal((PACKAGE_DIR / "reference" / "labels.csv").as_posix())
        connection.execute(
            f"create table reference.labels as select * from read_csv({labels}, header = true, all_varchar = true)"
        )
        connection.execute(f"create table label_maps as {catalog['reference._label_maps'].sql}")
        yield connection


def of(connection: duckdb.DuckDBPyConnection, expression: str, value: object = None, second: object = None) -> Any:
    """An expression over `value` and `second`, two texts, and `labels`, the code lists."""
    sql = f"select {expression} from (select ?::varchar as value, ?::varchar as second), label_maps as labels"
    return connection.execute(sql, [value, second]).fetchone()[0]


def case(*values: Any, why: str):
    """One row of a table of cases."""
    return pytest.param(*values, id=why)


# --- text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        case("Publish", "Publish", why="clean text is left alone"),
        case("  Yes ", "Yes", why="`Yes ` of the process database"),
        case(f"a{NBSP}b{THIN_SPACE}c", "a b c", why="no-break spaces are spaces"),
        case("a \t  b", "a b", why="runs of blanks collapse"),
        case("a<br/>b", "a\nb", why="a break of the web is a line break"),
        case("a <BR /> b", "a\nb", why="in any case and spacing"),
        case("a\r\nb\rc", "a\nb\nc", why="line ends of all systems are one"),
        case("a\n\nb", "a\n\nb", why="a paragraph stays a paragraph"),
        case("\n a \n", "a", why="no blank line before or after"),
        case("Ale\ufffdn", "Ale\ufffdn", why="a lost letter is not guessed"),
        case("", None, why="empty is no text"),
        case(f" {NBSP}\n", None, why="blank is no text"),
        case("<br/>", None, why="only a break is no text"),
        case(None, None, why="nothing stays nothing"),
    ],
)
def test_tidy(macros, text, expected):
    assert of(macros, "tidy(value)", text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        case("ALBANIA", "albania", why="case"),
        case("Côte d\u2019Ivoire", "cote d'ivoire", why="accents and the typographic apostrophe"),
        case(f" Czech{NBSP} Republic\n", "czech republic", why="kinds and runs of white space"),
        case("", "", why="a blank stays a blank, so that it can be told from NULL"),
        case(None, None, why="NULL"),
    ],
)
def test_fold(macros, text, expected):
    assert of(macros, "fold(value)", text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        case("c. Substantial", "substantial", why="prefix of the 2016 release"),
        case("a) Not  Started", "not started", why="the other prefix, two spaces"),
        case("d.Complete", "complete", why="prefix without a space"),
        case("Complete", "complete", why="no prefix"),
        case("a.b. x", "b. x", why="one prefix only"),
        case("ab. x", "ab. x", why="two letters are no prefix"),
        case(None, None, why="NULL"),
    ],
)
def test_fold_label(macros, text, expected):
    assert of(macros, "fold_label(value)", text) == expected


class Repair(NamedTuple):
    text: str | None
    rules: list[tuple[str, str]]
    why: str


@pytest.mark.parametrize(
    "row",
    [
        Repair("plain", [], "clean text has no problem"),
        Repair(None, [], "NULL has no problem"),
        Repair("a\ufffdb", [("replacement_character", "doubt")], "a letter was lost upstream"),
        Repair("a<br/>b", [("html_break", "repair")], "markup was mended"),
        Repair(f"a{NBSP}b", [("no_break_space", "repair")], "so was a no-break space"),
        Repair(f"a<br>{NBSP}", [("html_break", "repair"), ("no_break_space", "repair")], "a cell can need several"),
    ],
    ids=lambda row: row.why,
)
def test_text_problems(macros, row):
    found = of(macros, "text_problems('Full Text', value)", row.text)
    assert [(problem["rule"], problem["severity"]) for problem in found if problem] == row.rules


# --- numbers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        case("2", 2, why="as written"),
        case(" 2 ", 2, why="spaces around"),
        case("2.0", 2, why="a spreadsheet's whole number"),
        case("2.000", 2, why="with more noughts"),
        case("0", 0, why="nought is a number"),
        case("2.5", None, why="a fraction is not rounded"),
        case("-2", None, why="no count is negative"),
        case("2e3", None, why="no exponents"),
        case("1234567890", None, why="more digits than an INTEGER surely holds"),
        case("two", None, why="a word"),
        case("2 plans", None, why="a number among words is not picked out"),
        case("", None, why="blank"),
        case(None, None, why="NULL"),
    ],
)
def test_whole_number(macros, text, expected):
    assert of(macros, "whole_number(value)", text) == expected


class Artefact(NamedTuple):
    text: str | None
    is_artefact: bool | None
    expected: str | None
    why: str


@pytest.mark.parametrize(
    "row",
    [
        Artefact("2.2999999999999998", True, "2.3", "commitment 2.3 of the 2016 release"),
        Artefact("1.1000000000000001", True, "1.1", "from above as well as from below"),
        Artefact("10.000000000000001", True, "10", "noughts of the number itself stay"),
        Artefact(" 0.29999999999999999 ", True, "0.3", "spaces around"),
        Artefact("2.3", False, "2.3", "a decimal that is none"),
        Artefact("2.10", False, "2.10", "commitment 2.10 is not 2.1"),
        Artefact("2.12345678", False, "2.12345678", "eight decimals can be meant"),
        Artefact("3a", False, "3a", "a number with a letter"),
        Artefact(" 4 ", False, "4", "anything else is tidied"),
        Artefact("", False, None, "blank"),
        Artefact(None, None, None, "NULL"),
    ],
    ids=lambda row: row.why,
)
def test_float_artefacts(macros, row):
    assert of(macros, "is_float_artefact(value)", row.text) is row.is_artefact
    assert of(macros, "without_float_artefact(value)", row.text) == row.expected


# --- dates (DOMAIN.md section 11)


class DateText(NamedTuple):
    """A date text of a plan without other dates, with the first and the last day of what it can mean."""

    text: str | None
    first_day: date | None
    last_day: date | None
    precision: str | None
    why: str


def year(number: int) -> tuple[date, date, str]:
    return date(number, 1, 1), date(number, 12, 31), "year"


def one_day(*numbers: int) -> tuple[date, date, str]:
    return date(*numbers), date(*numbers), "day"


NO_DATE = (None, None, None)
NO_DAY = (None, None, "day")  # written as a day, and there is no such day

DATE_TEXTS = [
    DateText("Jul-12", date(2012, 7, 1), date(2012, 7, 31), "month", "a month and two digits are a year"),
    DateText("July 2020", date(2020, 7, 1), date(2020, 7, 31), "month", "month in full"),
    DateText("Feb. 2016", date(2016, 2, 1), date(2016, 2, 29), "month", "the last day of a leap February"),
    DateText("sept 2015", date(2015, 9, 1), date(2015, 9, 30), "month", "four letters, lower case"),
    DateText(f"July{NBSP}2020", date(2020, 7, 1), date(2020, 7, 31), "month", "no-break space"),
    DateText("2020", *year(2020), "a year"),
    DateText("2020.0", *year(2020), "a year from a spreadsheet"),
    DateText("II quarter of 2019", date(2019, 4, 1), date(2019, 6, 30), "quarter", "Roman quarter"),
    DateText("IV quarter of 2019", date(2019, 10, 1), date(2019, 12, 31), "quarter", "I is not read out of IV"),
    DateText("Quarter 1 2014", date(2014, 1, 1), date(2014, 3, 31), "quarter", "quarter in words"),
    DateText("Q3 2014", date(2014, 7, 1), date(2014, 9, 30), "quarter", "short quarter"),
    DateText("2014 Q3", date(2014, 7, 1), date(2014, 9, 30), "quarter", "year first"),
    DateText("2nd quarter 2015", date(2015, 4, 1), date(2015, 6, 30), "quarter", "ordinal"),
    DateText("fourth quarter, 2015", date(2015, 10, 1), date(2015, 12, 31), "quarter", "ordinal in words"),
    DateText("Q5 2014", *NO_DATE, "there is no fifth quarter"),
    DateText("41791", *one_day(2014, 6, 1), "day number of a spreadsheet"),
    DateText("41791.0", *one_day(2014, 6, 1), "the same as a decimal"),
    DateText("99999", *NO_DATE, "a number that is no day of our time"),
    DateText("30 June 2014", *one_day(2014, 6, 30), "day, month, year"),
    DateText("30-Jun-14", *one_day(2014, 6, 30), "short form of spreadsheets"),
    DateText("1st of June, 2014", *one_day(2014, 6, 1), "ordinal day"),
    DateText("June 30, 2014", *one_day(2014, 6, 30), "month first, in words"),
    DateText("31 April 2014", *NO_DAY, "April has thirty days"),
    DateText("2014-06-30", *one_day(2014, 6, 30), "ISO"),
    DateText("2014-06-30 00:00:00", *one_day(2014, 6, 30), "ISO with the time of a spreadsheet"),
    DateText("2014-06-31", *NO_DAY, "June has thirty days"),
    DateText("2013-2014", date(2013, 1, 1), date(2014, 12, 31), "year", "a span starts and ends in its own years"),
    DateText("2013/2014", date(2013, 1, 1), date(2014, 12, 31), "year", "a span with a slash"),
    DateText("End of 2014", *year(2014), "words before a year"),
    DateText("13/02/2014", *one_day(2014, 2, 13), "certainly day first"),
    DateText("02/13/2014", *one_day(2014, 2, 13), "certainly month first"),
    DateText("15.03.2014", *one_day(2014, 3, 15), "dots"),
    DateText("05/05/2014", *one_day(2014, 5, 5), "both readings are the same day"),
    DateText("06/01/2014", *one_day(2014, 6, 1), "the reading whose day is 1: month first"),
    DateText("01/06/2014", *one_day(2014, 6, 1), "the reading whose day is 1: day first"),
    DateText("06/07/2014", *NO_DAY, "nothing tells which is the month"),
    DateText("31/02/2014", *NO_DAY, "February has no 31st, and no month is the 31st"),
    DateText("00/00/2014", *NO_DAY, "noughts are no day"),
    DateText("7/15/1905", *year(2023), "day 2023 of a spreadsheet: a year typed into a cell of dates"),
    DateText("1905-07-15", *year(2023), "the same, as a spreadsheet cell gives it"),
    DateText("1/1/1905", *one_day(1905, 1, 1), "day 1828 is no year of a plan"),
    DateText("Ongoing", *NO_DATE, "no date at all"),
    DateText("Not Specified", *NO_DATE, "not given"),
    DateText("May", *NO_DATE, "a month without a year"),
    DateText("", *NO_DATE, "blank"),
    DateText(None, *NO_DATE, "NULL"),
]


@pytest.fixture(scope="module")
def readings(macros) -> dict[tuple[str | None, str | None], dict[str, Any]]:
    """(text, order proved) -> what the macros make of it; one query, for the date macros are slow to bind."""
    asked = {(row.text, None) for row in [*DATE_TEXTS, *PROOFS, *DATE_PROBLEMS, *USABLE]}
    asked |= {(row.text, row.proved) for row in ORDERS}
    macros.execute("create table asked (value varchar, order_proved varchar)")
    macros.executemany("insert into asked values (?, ?)", list(asked))
    cursor = macros.execute("""
        with dates as (
            select
                *,
                read_date(value, order_proved, false) as "start",
                read_date(value, order_proved, true) as "end"
            from asked
        )
        select
            dates.*,
            last_day_of("end".first_day, "end".precision) as last_day,
            is_ambiguous_date(value) as is_ambiguous,
            date_order_proof(value) as proof,
            usable_date("start") as usable,
            date_problem(labels, 'Start Date', value, "start") as problem
        from dates, label_maps as labels
    """)
    names = [column[0] for column in cursor.description]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return {(row["value"], row["order_proved"]): row for row in rows}


@pytest.mark.parametrize("row", DATE_TEXTS, ids=lambda row: f"{row.text}: {row.why}")
def test_date_texts(readings, row):
    reading = readings[row.text, None]
    assert reading["start"]["first_day"] == row.first_day
    assert reading["last_day"] == row.last_day
    assert reading["start"]["precision"] == reading["end"]["precision"] == row.precision


class Order(NamedTuple):
    text: str
    proved: str | None
    expected: date | None
    why: str


ORDERS = [
    Order("06/07/2014", "day_first", date(2014, 7, 6), "the plan writes the day first"),
    Order("06/07/2014", "month_first", date(2014, 6, 7), "the plan writes the month first"),
    Order("06/07/2014", None, None, "the plan proves nothing"),
    Order("06/01/2014", "day_first", date(2014, 1, 6), "proof goes before the reading whose day is 1"),
    Order("01/06/2014", "month_first", date(2014, 1, 6), "the other way round"),
    Order("13/02/2014", "month_first", date(2014, 2, 13), "a certain date stays certain"),
    Order("02/13/2014", "day_first", date(2014, 2, 13), "also against the order of its plan"),
    Order("2014-07-06", "month_first", date(2014, 7, 6), "ISO has one order"),
]


@pytest.mark.parametrize("row", ORDERS, ids=lambda row: f"{row.text}: {row.why}")
def test_the_order_that_other_dates_of_the_plan_prove(readings, row):
    assert readings[row.text, row.proved]["start"]["first_day"] == row.expected


class Proof(NamedTuple):
    text: str | None
    is_ambiguous: bool
    proof: str | None
    why: str


PROOFS = [
    Proof("06/01/2014", True, None, "both readings are days"),
    Proof("6-7-2014", True, None, "dashes, one digit each"),
    Proof("05/05/2014", False, None, "both readings are the same day"),
    Proof("13/02/2014", False, "day_first", "there is no month 13"),
    Proof("02/13/2014", False, "month_first", "there is no month 13"),
    Proof("31/02/2014", False, None, "no day either way"),
    Proof("2014-06-01", False, None, "ISO has one order and proves none"),
    Proof("July 2020", False, None, "a month is no order"),
    Proof("", False, None, "blank"),
    Proof(None, False, None, "NULL"),
]


@pytest.mark.parametrize("row", PROOFS, ids=lambda row: f"{row.text}: {row.why}")
def test_ambiguity_and_proof(readings, row):
    reading = readings[row.text, None]
    assert (reading["is_ambiguous"], reading["proof"]) == (row.is_ambiguous, row.proof)


class DateProblem(NamedTuple):
    text: str | None
    rule: str | None
    severity: str | None
    used: str | None
    why: str


DATE_PROBLEMS = [
    DateProblem("2014-06-30", None, None, None, "a date"),
    DateProblem("July 2020", None, None, None, "a month is read, its precision says so"),
    DateProblem("06/01/2014", None, None, None, "ambiguous and read: the flag tells it"),
    DateProblem("Ongoing", None, None, None, "a known word for no date"),
    DateProblem("not specified", None, None, None, "in another case"),
    DateProblem(None, None, None, None, "NULL"),
    DateProblem(" ", "blank", "unreadable", None, "a blank cell"),
    DateProblem("06/07/2014", "date_ambiguous", "unreadable", None, "nothing tells which is the month"),
    DateProblem("31/02/2014", "date_impossible", "unreadable", None, "no such day"),
    DateProblem("31 April 2014", "date_impossible", "unreadable", None, "no such day, in words"),
    DateProblem("soon", "date_unreadable", "unreadable", None, "no known form"),
    DateProblem("1914-06-30", "date_implausible", "unreadable", None, "before the partnership"),
    DateProblem("July 2214", "date_implausible", "unreadable", None, "two hundred years late"),
    DateProblem("41791", "excel_serial", "repair", "2014-06-01", "a day number that was turned into its day"),
    DateProblem("End of 2014", "date_coarsened", "repair", "2014-01-01", "only the year was used"),
    DateProblem("2013-2014", "date_coarsened", "repair", "2013-01-01", "only one year of the span was used"),
]


@pytest.mark.parametrize("row", DATE_PROBLEMS, ids=lambda row: f"{row.text}: {row.why}")
def test_no_date_is_lost_unseen(readings, row):
    found = readings[row.text, None]["problem"]
    if row.rule is None:
        assert found is None
    else:
        assert found == {
            "column": "Start Date",
            "rule": row.rule,
            "severity": row.severity,
            "original": row.text,
            "used": row.used,
        }


class Usable(NamedTuple):
    text: str
    expected: date | None
    why: str


USABLE = [
    Usable("2014-06-30", date(2014, 6, 30), "a day of an action plan"),
    Usable("2005-01-01", date(2005, 1, 1), "the first year that can be meant"),
    Usable("2004-12-31", None, "before it"),
    Usable("2045-12-31", date(2045, 12, 31), "the last year that can be meant"),
    Usable("2046-01-01", None, "after it"),
    Usable("soon", None, "no date"),
]


@pytest.mark.parametrize("row", USABLE, ids=lambda row: f"{row.text}: {row.why}")
def test_usable_date(readings, row):
    assert readings[row.text, None]["usable"] == row.expected


# --- labels


class Label(NamedTuple):
    list: str
    text: str | None
    code: str | None
    problem: tuple[str, str] | None
    why: str


LABELS = [
    Label("completion", "c. Substantial", "substantial", None, "verbatim label of 2016"),
    Label("completion", "a. Not Started", "not_started", ("label_variant", "repair"), "case variant of 2016"),
    Label("completion", "Complete", "complete", None, "the master writes no prefix"),
    Label("completion", "COMPLETE", "complete", ("label_variant", "repair"), "in capitals"),
    Label("completion", f"b.{NBSP}Limited ", "limited", ("label_variant", "repair"), "white space"),
    Label("completion", "NR", "not_reviewed", None, "not reviewed is a value"),
    Label("completion", "ND", "no_data", None, "no data is another"),
    Label("completion", "NA", "not_applicable", None, "not applicable is a third"),
    Label("completion", "No evidence available", "no_evidence_available", None, "outside the denominator"),
    Label("completion", "Halfway", None, ("label_unknown", "unreadable"), "no such level"),
    Label("completion", "3", None, ("label_unknown", "unreadable"), "the numeric twin does not stand for a label"),
    Label("completion", "", None, ("blank", "unreadable"), "a blank cell"),
    Label("completion", None, None, None, "the file has no such column"),
    Label("completion", "Moderate", None, ("label_unknown", "unreadable"), "a label of another list"),
    Label("diog", "b. None", "did_not_change", None, "the 2016 release writes None for did not change"),
    Label("diog", "No early results to report yet", "no_early_results_yet", None, "in the denominator, no hit"),
    Label("potential_impact", "None", "none", None, "a real lowest level, not a missing value"),
    Label("potential_impact", "Worsens", "none", None, "folded into none"),
    Label("potential_impact", "NR", "not_reviewed", None, "which is not none"),
    Label("specificity", "c. high", "high", None, "verbatim label of 2016"),
    Label("influence_level_label", "NA", "not_applicable", None, "its meaning depends on stage and year"),
    Label("yes_no", "Yes ", "yes", ("label_variant", "repair"), "trailing space of the process database"),
    Label("flag", "1", "yes", None, "a flag is a number"),
    Label("no_such_list", "1", None, ("label_unknown", "unreadable"), "an unknown list knows no label"),
]


@pytest.mark.parametrize("row", LABELS, ids=lambda row: f"{row.list} {row.text!r}: {row.why}")
def test_labels(macros, row):
    assert of(macros, "label_code(labels, second, value)", row.text, row.list) == row.code
    found = of(macros, "label_problem(labels, 'Its Column', second, value)", row.text, row.list)
    assert (found and (found["rule"], found["severity"])) == row.problem
    if found:
        assert (found["column"], found["original"], found["used"]) == ("Its Column", row.text, row.code)


def test_labels_that_fold_alike_stand_for_one_code(macros):
    sql = """
        select list, fold_label(label) as folded, list(distinct code) as codes
        from reference.labels group by all having count(distinct code) > 1
    """
    assert macros.execute(sql).fetchall() == []


def test_every_code_is_lower_snake_case(macros):
    """Figures are codes of the `figure` list: they are numbers with a dot."""
    sql = "select list, code from reference.labels where list <> 'figure' and not regexp_full_match(code, '[a-z0-9_]+')"
    assert macros.execute(sql).fetchall() == []


class Twin(NamedTuple):
    label: str | None
    twin: str | None
    disagrees: bool
    why: str


@pytest.mark.parametrize(
    "row",
    [
        Twin("c. Substantial", "4", False, "both say the same"),
        Twin("c. Substantial", " 4 ", False, "white space is no disagreement"),
        Twin("c. Substantial", "3", True, "both are read, the label counts"),
        Twin("NR", "3", True, "NR coded 3 is there in 2016"),
        Twin("NR", "NR", False, "not reviewed, twice"),
        Twin("Halfway", "3", False, "an unknown label is told of by itself"),
        Twin("c. Substantial", None, False, "the file has no twin"),
        Twin(None, "4", False, "the file has no label"),
    ],
    ids=lambda row: f"{row.label} {row.twin}: {row.why}",
)
def test_numeric_twins(macros, row):
    found = of(macros, "twin_problem(labels, 'L', 'completion', value, 'T', second)", row.label, row.twin)
    assert (found is not None) is row.disagrees
    if found:
        assert (found["column"], found["rule"], found["severity"]) == ("T", "twin_disagrees", "doubt")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        case("moderate", True, why="a level"),
        case("none", True, why="a real lowest level"),
        case("withdrawn", True, why="coded, though outside the denominator"),
        case("not_reviewed", False, why="the report is not out"),
        case("no_data", False, why="the variable did not exist"),
        case("not_applicable", False, why="not given"),
        case(None, False, why="unreadable"),
    ],
)
def test_is_coded(macros, code, expected):
    assert of(macros, "is_coded(value)", code) is expected


# --- stars and identity


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        case("true, true, true, true", True, why="meets them all"),
        case("false, true, true, true", False, why="not relevant"),
        case("true, false, true, true", False, why="not ambitious"),
        case("true, true, false, true", False, why="not mostly done"),
        case("true, true, true, false", False, why="not specific"),
        case("null, true, true, true", None, why="relevance not coded"),
        case("true, null, true, true", None, why="ambition not coded"),
        case("true, true, null, true", None, why="completion not coded"),
        case("true, true, true, null", None, why="specificity not coded"),
        case("false, false, false, null", None, why="missed already, but not computed where an input is not coded"),
        case("null, null, null, null", None, why="nothing coded"),
    ],
)
def test_star(macros, criteria, expected):
    assert of(macros, f"star({criteria})") is expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        case("plan_id_of('ALB', 1)", "AP_ALB01", why="two digits"),
        case("plan_id_of('GBSC', 12)", "AP_GBSC12", why="a local"),
        case("plan_id_of('ALB', 0)", None, why="there is no plan nought"),
        case("plan_id_of('ALB', 100)", None, why="three digits would be another form"),
        case("plan_id_of('ALB', null)", None, why="unreadable number"),
        case("plan_id_of(null, 1)", None, why="unknown member"),
        case("commitment_id_of('AP_ALB01', '2.3', 1, 1)", "AP_ALB01-2.3", why="a number of its own"),
        case("commitment_id_of('AP_ALB01', '2', 2, 3)", "AP_ALB01-2-2", why="among repeats, its rank"),
        case("commitment_id_of(null, '2', 1, 1)", None, why="no plan, no id"),
    ],
)
def test_identity(macros, expression, expected):
    assert of(macros, expression) == expected
