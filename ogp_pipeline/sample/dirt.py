"""The dirt of the fictional partnership: the kinds that the official files really carry, in known quantities.

Here: the list `DIRT`, the function that produces each kind, and `Spoiler`, which spreads them over the rows.
Not here: the clean rows (`__init__.py`) and how a pipeline reads or repairs them. The kinds are those of
DOMAIN.md sections 1, 2 and 11. A row is given at most one kind, so that the rows of a kind can be counted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ogp_pipeline.sample.partnership import Plan

Row = dict[str, str]

UNKNOWN_MEMBER = "Quorvenia Isles"
UNREADABLE_PLAN_NUMBER = "second"
UNREADABLE_LABEL = "Considerable"
FLOAT_ARTEFACT = "2.2999999999999998"


@dataclass(frozen=True)
class Spoiling:
    """What a kind of dirt may change: the rows of one plan, the row to spoil, the rows already used."""

    rows: list[Row]
    at: int
    plan: Plan
    used: set[int]

    @property
    def row(self) -> Row:
        return self.rows[self.at]


@dataclass(frozen=True)
class Dirt:
    """One kind of dirt, where it lies and what a correct pipeline does with it.

    `rows` counts the rows that carry it; where `is_exact` is false it is a lower bound, because clean rows
    are written that way too. `expected` is one of
    - `repaired`: the value is used after a repair, and the repair is recorded;
    - `kept`: the row and its text stay as they are (the typed value may be empty, coarser, or come with a
      warning);
    - `unreadable`: the row stays, this value becomes empty and a problem is recorded;
    - `quarantined`: the row's identity fails, the row is refused;
    - `not_a_record`: the line is furniture of the layout and no commitment or plan.
    `spoil` makes one row dirty and returns True, or returns False where the row does not lend itself to it;
    it is None for dirt that the layout itself brings (header lines, names in two spellings).
    """

    kind: str
    layout: str
    rows: int
    expected: str
    reason: str
    spoil: Callable[[Spoiling], bool] | None = field(default=None, repr=False, compare=False)
    is_exact: bool = True


def _in_full_text(old: str, new: str) -> Callable[[Spoiling], bool]:
    def spoil(place: Spoiling) -> bool:
        place.row["Full Text"] = place.row["Full Text"].replace(old, new, 1)
        return True

    return spoil


def _no_break_space_in_title(place: Spoiling) -> bool:
    place.row["Commitment Title"] = place.row["Commitment Title"].replace(" ", "\u00a0", 1)
    return True


def _lost_character_in_title(place: Spoiling) -> bool:
    place.row["Short Title"] = place.row["Commitment Title"] = (
        place.row["Commitment Title"] + " in citizens\ufffd hands"
    )
    return True


def _end_date(pattern: str) -> Callable[[Spoiling], bool]:
    """Writes an end date that says nothing about the order of day and month, in the year after submission."""

    def spoil(place: Spoiling) -> bool:
        if not place.plan.is_reviewed:
            return False
        year = place.plan.year + 1
        serial = (date(year, 6, 30) - date(1899, 12, 30)).days
        place.row["End Date"] = pattern.format(year=year, yy=year % 100, serial=serial)
        return True

    return spoil


def _ordered_end_date(pattern: str, order: str, among: tuple[str, ...]) -> Callable[[Spoiling], bool]:
    """Writes an end date in a plan whose dates prove one of the orders `among`, and prove `order` thereafter.

    Kept apart so that no date proves the order of another one that is to stay ambiguous, or contradicts it.
    """
    write = _end_date(pattern)

    def spoil(place: Spoiling) -> bool:
        if place.plan.date_order not in among or not write(place):
            return False
        place.plan.date_order = order
        return True

    return spoil


def _ambiguous_start_in_a_day_first_plan(place: Spoiling) -> bool:
    if not place.plan.is_reviewed or place.plan.date_order != "day_first":
        return False
    place.row["Start Date"] = f"05/06/{place.plan.year}"
    return True


def _number(text: str) -> Callable[[Spoiling], bool]:
    """Writes a commitment number that no other commitment of a plainly numbered plan has."""

    def spoil(place: Spoiling) -> bool:
        if place.plan.is_dotted:
            return False
        place.row["Comm No"] = text
        return True

    return spoil


def _repeat_a_number(place: Spoiling) -> bool:
    earlier = place.at - 3
    if earlier < 0 or earlier in place.used:
        return False
    if place.rows[earlier]["Commitment Title"] == place.row["Commitment Title"]:
        return False
    place.row["Comm No"] = place.rows[earlier]["Comm No"]
    place.used.add(earlier)
    return True


def _repeat_a_row(place: Spoiling) -> bool:
    place.rows.append(place.row)
    return True


def _cell(column: str, text: str) -> Callable[[Spoiling], bool]:
    def spoil(place: Spoiling) -> bool:
        place.row[column] = text
        return True

    return spoil


def _outcome(cells: Row) -> Callable[[Spoiling], bool]:
    """Overwrites outcome cells of a commitment that was reviewed, at mid-term only, on every outcome."""

    def spoil(place: Spoiling) -> bool:
        plan = place.plan
        if not plan.is_reviewed or plan.has_end_of_term or plan.year == 2011:
            return False
        place.row.update(cells)
        return True

    return spoil


def _trailing_space(place: Spoiling) -> bool:
    if not place.plan.is_reviewed:
        return False
    place.row["Did the report cover all of the commitments?"] = "Yes "
    return True


def _two_links_in_a_cell(place: Spoiling) -> bool:
    if not place.plan.is_reviewed:
        return False
    place.row["Timeline: links"] = "https://plan.example/timeline<br/>https://plan.example/calendar"
    return True


def _year_one_later(place: Spoiling) -> bool:
    if place.plan.year < 2013 or not place.plan.commitments:
        return False
    place.row["Year AP Submitted"] = str(place.plan.year + 1)
    return True


_PROGRESS, _PROGRESS_TWIN = "Completion (progress report)", "_CompletionProgress"
_IMPACT, _IMPACT_TWIN = "Potential impact", "_Pot Impact Coded"
_E, _P = "explorer", "process"

# Those that ask for a particular plan stand first: each row due takes the first kind that fits it.
DIRT: tuple[Dirt, ...] = (
    Dirt(
        "date ambiguous, order proved by the plan",
        _E,
        3,
        "repaired",
        "5 June: other dates of the plan are day-first",
        _ambiguous_start_in_a_day_first_plan,
    ),
    Dirt(
        "date ambiguous, nothing decides",
        _E,
        2,
        "unreadable",
        "no other date of the plan proves an order and no reading has day 1",
        _ordered_end_date("05/06/{year}", "undecidable", ("unproven",)),
    ),
    Dirt(
        "date certainly month-first",
        _E,
        1,
        "kept",
        "there is no month 30",
        _ordered_end_date("09/30/{year}", "month_first", ("unproven",)),
    ),
    Dirt(
        "key repeated",
        _E,
        2,
        "kept",
        "country, plan and number of an earlier, not adjacent commitment",
        _repeat_a_number,
    ),
    Dirt("row repeated", _E, 1, "quarantined", "identical in every field to an earlier row", _repeat_a_row),
    Dirt("number is a float artefact", _E, 1, "repaired", "commitment 2.3", _number(FLOAT_ARTEFACT)),
    Dirt("number ends in a letter", _E, 1, "kept", "an identifier, not a quantity", _number("1.a")),
    Dirt("number begins with a letter", _E, 1, "kept", "an identifier, not a quantity", _number("A.2")),
    Dirt(
        "date ambiguous, one reading has day 1",
        _E,
        3,
        "repaired",
        "1 June is likelier than 6 January",
        _ordered_end_date("06/01/{year}", "undecidable", ("unproven", "undecidable")),
    ),
    Dirt("date is month and short year", _E, 2, "kept", "a month", _end_date("Jul-{yy}")),
    Dirt("date is month and year", _E, 2, "kept", "a month", _end_date("July {year}")),
    Dirt("date is a year", _E, 2, "kept", "a year", _end_date("{year}")),
    Dirt("date is a Roman quarter", _E, 1, "kept", "a quarter", _end_date("II quarter of {year}")),
    Dirt("date is a quarter", _E, 2, "kept", "a quarter", _end_date("Quarter 1 {year}")),
    Dirt("date is a spreadsheet serial", _E, 1, "repaired", "days since 1899-12-30", _end_date("{serial}")),
    Dirt("date is Ongoing", _E, 2, "kept", "no end", _end_date("Ongoing")),
    Dirt("date is Unclear", _E, 2, "kept", "no date given", _end_date("Unclear")),
    Dirt(
        "label in another case",
        _E,
        1,
        "repaired",
        "a. Not started",
        _outcome({_PROGRESS: "a. Not Started", _PROGRESS_TWIN: "2"}),
    ),
    Dirt(
        "label and twin disagree",
        _E,
        2,
        "kept",
        "the label counts; 2 is Not started",
        _outcome({_PROGRESS: "c. Substantial", _PROGRESS_TWIN: "2"}),
    ),
    Dirt(
        "label NR, twin coded",
        _E,
        1,
        "kept",
        "the label counts: not reviewed",
        _outcome({_IMPACT: "NR", _IMPACT_TWIN: "3"}),
    ),
    Dirt(
        "outcome label of no list",
        _E,
        1,
        "unreadable",
        "unassessed on this outcome only",
        _outcome({_IMPACT: UNREADABLE_LABEL}),
    ),
    Dirt("member unknown", _E, 1, "quarantined", "no member has this name", _cell("Country", UNKNOWN_MEMBER)),
    Dirt(
        "plan number unreadable",
        _E,
        1,
        "quarantined",
        "no plan without a number",
        _cell("Action Plan Number", UNREADABLE_PLAN_NUMBER),
    ),
    Dirt("line break in a cell", _E, 3, "kept", "a record is not a line", _in_full_text(". ", ".\n")),
    Dirt("markup in a cell", _E, 4, "repaired", "<br/> stands for a line break", _in_full_text(". ", ".<br/>")),
    Dirt(
        "quotes and comma in a cell",
        _E,
        3,
        "kept",
        "quoting of the CSV",
        _in_full_text(". ", ', known as "one door, no queue". '),
    ),
    Dirt("no-break space", _E, 3, "repaired", "U+00A0 for a space", _no_break_space_in_title),
    Dirt(
        "replacement character",
        _E,
        2,
        "kept",
        "U+FFFD: the character was lost before publication",
        _lost_character_in_title,
    ),
    Dirt("date is Not Specified", _E, 1, "kept", "no date given", is_exact=False),
    Dirt("date certainly day-first", _E, 1, "kept", "there is no month 31", is_exact=False),
    Dirt("member under an alias", _E, 1, "repaired", "the process file has another name", is_exact=False),
    Dirt("column numbers above the header", _E, 1, "not_a_record", "0, 1, 2, ..."),
    Dirt("Sum row", _E, 1, "quarantined", "last line: totals, and no member is called Sum"),
    Dirt(
        "submission year one later",
        _P,
        1,
        "kept",
        "the commitments' year wins, with a warning",
        _year_one_later,
    ),
    Dirt("answer with trailing space", _P, 2, "repaired", "'Yes '", _trailing_space),
    Dirt("markup in a cell", _P, 2, "repaired", "<br/> between two links", _two_links_in_a_cell),
    Dirt("member under an alias", _P, 1, "repaired", "the commitments file has another name", is_exact=False),
    Dirt("column numbers above the header", _P, 1, "not_a_record", "0, 1, 2, ..."),
    Dirt("group row", _P, 2, "not_a_record", "spanning titles above each header"),
    Dirt("header repeated", _P, 1, "not_a_record", "the header again"),
    Dirt("blank row", _P, 1, "not_a_record", "between the two headers"),
)


class Spoiler:
    """Spreads the dirt of one layout over the rows that pass by, one kind to a row, `spacing` rows apart."""

    def __init__(self, layout: str, spacing: int) -> None:
        self._due = [dirt for dirt in DIRT if dirt.layout == layout and dirt.spoil for _ in range(dirt.rows)]
        self._spacing = spacing
        self._clean_rows = 0

    def visit(self, rows: list[Row], plan: Plan) -> None:
        """Spoils rows of one plan in place; may append one."""
        used: set[int] = set()
        for at in range(len(rows)):
            self._clean_rows += 1
            if self._due and self._clean_rows >= self._spacing and at not in used:
                self._spoil_row(Spoiling(rows, at, plan, used))

    def _spoil_row(self, place: Spoiling) -> None:
        for position, dirt in enumerate(self._due):
            if dirt.spoil(place):
                del self._due[position]
                place.used.add(place.at)
                self._clean_rows = 0
                return

    def finish(self) -> None:
        """Raises RuntimeError if some dirt found no row: the sample would not be what `DIRT` says it is."""
        if self._due:
            kinds = sorted({dirt.kind for dirt in self._due})
            raise RuntimeError(f"no row lent itself to {kinds}; widen the conditions of these kinds in dirt.py")
