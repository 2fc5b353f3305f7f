"""The fictional partnership after 2016: plans of 2017 to 2023, national and local, in the layout of the master.

Here: what is drawn for these plans, and their rows in the commitments master with OGP's derived columns computed
from the labels (DOMAIN.md section 6). Not here: the plans to 2015 (`partnership.py`) and the forms that monitoring
bodies, governments and analysts fill in (`forms.py`).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from random import Random

from ogp_pipeline.contracts import load_yaml
from ogp_pipeline.sample.names import (
    AGENCIES,
    LOCALS,
    MANNERS,
    MEMBER_IDS,
    MEMBER_NAMES,
    REGIONS,
    SUBJECTS,
    VERBS,
)
from ogp_pipeline.settings import PACKAGE_DIR, project_file

Row = dict[str, str]

MEMBERS_WITH_LATER_PLANS = 12
NATIONAL_YEARS, LOCAL_YEARS = (2018, 2021), (2017, 2022)
COMMITMENTS_PER_PLAN = (5, 6, 7)

COMPLETION = {"Not Started": "2", "Limited": "3", "Substantial": "4", "Complete": "5"}
IMPACT = {"None": "0", "Minor": "1", "Moderate": "2", "Transformative": "3"}
POTENTIAL = {"Unclear": "0", "Modest": "1", "Substantial": "2"}
DIOG = {"Did Not Change": "1", "Marginal": "2", "Major": "3", "Outstanding": "4"}
RESULTS = {"No notable results": "0", "Moderate": "1", "Significant": "2"}


@dataclass(frozen=True)
class LaterPlan:
    """One plan: whose it is, which number, from when to when, and its commitments as rows of the master."""

    member_id: str
    member_name: str
    kind: str  # National, Legacy Local or Local
    number: int
    year: int
    commitments: tuple[Row, ...]

    @property
    def plan_id(self) -> str:
        """AP_<member_id><NN>."""
        return f"AP_{self.member_id}{self.number:02}"

    @property
    def commitment_ids(self) -> tuple[str, ...]:
        """The ids of its commitments."""
        return tuple(row["Commitment Unique Identifier"] for row in self.commitments)


@cache
def headers(layout: str) -> tuple[str, ...]:
    """The headers of a layout, as its raw contract writes them."""
    contract = (project_file("sql") / "raw" / f"{layout}.yml").read_text(encoding="utf-8")
    return tuple(load_yaml(contract)["columns"])


def later_plans(seed: int, members: int, first_number: int) -> list[LaterPlan]:
    """Plans of the first members, numbered from `first_number` on, and of the fictional locals."""
    draws = Random(f"{seed} later")
    areas = policy_areas()
    plans = []
    for position in range(min(members, MEMBERS_WITH_LATER_PLANS)):
        for step, year in enumerate(NATIONAL_YEARS):
            owner = (MEMBER_IDS[position], MEMBER_NAMES[position], "National", REGIONS[position % len(REGIONS)])
            plans.append(_plan(draws, areas, owner, first_number + step, year))
    for position, (member_id, name) in enumerate(LOCALS.items()):
        for step, year in enumerate(LOCAL_YEARS):
            kind = "Legacy Local" if year <= 2021 else "Local"
            owner = (member_id, name, kind, REGIONS[position % len(REGIONS)])
            plans.append(_plan(draws, areas, owner, 1 + step, year))
    return plans


def _plan(draws: Random, areas: dict[str, str], owner: tuple[str, str, str, str], number: int, year: int) -> LaterPlan:
    member_id, name, kind, region = owner
    size = COMMITMENTS_PER_PLAN[int(draws.random() * len(COMMITMENTS_PER_PLAN))]
    rows = []
    for position in range(1, size + 1):
        row = {
            **coded_row(draws, areas, kind, year),
            **identity(member_id, number, position),
            "Country/Locality": name,
            "Region": region,
        }
        rows.append(row)
    return LaterPlan(member_id, name, kind, number, year, tuple(rows))


def identity(member_id: str, number: int, position: int) -> Row:
    """The cells that tell a commitment from every other, by OGP's member id, the plan's number and its place there."""
    commitment_id, plan_id = f"{member_id}{number:02}{position:02}", f"AP_{member_id}{number:02}"
    return {
        "Commitment Unique Identifier": commitment_id,
        "Code": member_id,
        "Action Plan Number": str(number),
        "Action Plan ID": plan_id,
        "Commitment Number": str(position),
        "URL": f"https://partnership.example/{commitment_id}/",
    }


def coded_row(draws: Random, areas: dict[str, str], kind: str, year: int) -> Row:
    """A row of the master with its words and codes, whoever's it is. `kind` is National, Legacy Local or Local."""
    row = dict.fromkeys(headers("master_commitments"), "ND") | dict.fromkeys(areas, "0")
    row |= {
        "National Or Local": kind,
        "Commitment Dummy": "1",
        "Year Of Submission": str(year),
        "Action Plan End Year": str(year + 2),
        "Action Plan Duration (Years)": "2",
        "Theme": "NA",
        "Start Date": f"{1 + int(draws.random() * 9)}/1/{year}",
        "End Date": f"12/31/{year + 1}",
    }
    _write_words(draws, areas, row)
    # local plans from 2021 on are coded by their monitoring body, not by the IRM
    _write_codes(draws, row, year, is_reviewed=kind != "Local" and draws.random() < 0.92)
    write_derived(row)
    return row


def _write_words(draws: Random, areas: dict[str, str], row: Row) -> None:
    title = f"{draws.choice(VERBS)} {draws.choice(SUBJECTS)} {draws.choice(MANNERS)}"
    row["Commitment Title"] = row["Short Title"] = title
    row["Full Text"] = f"The {draws.choice(AGENCIES)} will see to it within two years. (SYNTHETIC)"
    row["Lead Institution"], row["Supporting Institution(s)"] = draws.choice(AGENCIES), "NA"
    for _ in range(1 + int(draws.random() * 3)):
        area = draws.choice(list(areas))
        row[area] = "1"
        if areas[area]:
            row[areas[area]] = "1"


def _coded(draws: Random, labels: dict[str, str]) -> tuple[str, str]:
    label = draws.choice(list(labels))
    return label, labels[label]


def _write_codes(draws: Random, row: Row, year: int, is_reviewed: bool) -> None:
    """The IRM's judgements: each scale in the years in which it was used (DOMAIN.md section 3)."""
    coded = {
        "_Relevant": "1" if draws.random() < 0.9 else "0",
        "Verifiable": "Yes" if draws.random() < 0.9 else "No",
    }
    impact, potential = _coded(draws, IMPACT), _coded(draws, POTENTIAL)
    completion, diog, results = _coded(draws, COMPLETION), _coded(draws, DIOG), _coded(draws, RESULTS)
    values = [draws.random() < share for share in (0.6, 0.4, 0.3, 0.4)]
    is_finished = draws.random() < 0.8
    if not is_reviewed:
        names = [*coded, *_VALUES, "Potential Impact", "_Potential Impact", "Potential for Results"]
        names += ["_Potential for Results", "Completion (End Of Term)", "_CompletionEndTerm"]
        row.update(dict.fromkeys(names, "NR"))
        return
    row |= coded
    if year < 2020:
        row |= {name: "1" if holds else "0" for name, holds in zip(_VALUES, values, strict=True)}
        row["_Relevant"] = "1" if any(values[:3]) else "0"
        row["Potential Impact"], row["_Potential Impact"] = impact
    else:
        row["Potential for Results"], row["_Potential for Results"] = potential
    row["Completion (End Of Term)"], row["_CompletionEndTerm"] = completion if is_finished else ("NR", "NR")
    if is_finished and year < 2021:
        row["Did It Open Government (Overall)"], row["_OpenGovernment"] = diog
    elif is_finished:
        row["Early Results"], row["_Early Results"] = results


_VALUES = (
    "OGP Value Access To Information",
    "OGP Value Civic Participation",
    "OGP Value Public Accountability",
    "OGP Value Technology",
)


def write_derived(row: Row) -> None:
    """OGP's own derived columns, from the labels (DOMAIN.md section 6)."""

    def flag(holds: bool) -> str:
        return "1" if holds else "0"

    end, impact = row["Completion (End Of Term)"], row["Potential Impact"]
    is_ambitious = impact in ("Moderate", "Transformative")
    is_strong = (
        row["Did It Open Government (Overall)"] in ("Major", "Outstanding") or row["Early Results"] == "Significant"
    )
    row["Ambition Assessed"] = flag(impact in IMPACT or row["Potential for Results"] in POTENTIAL)
    row["High Ambition"] = flag(is_ambitious and row["_Relevant"] == "1") if impact in IMPACT else impact
    row["Comp Assessed"], row["High Completion"] = flag(end in COMPLETION), flag(end in ("Substantial", "Complete"))
    row["Raw Completion"], row["Midterm Only"] = COMPLETION.get(end, end), flag(end not in COMPLETION)
    row["DIOG Assessed"] = flag(row["Did It Open Government (Overall)"] in DIOG or row["Early Results"] in RESULTS)
    row["High DIOG"] = flag(is_strong)
    if impact in IMPACT and end in COMPLETION:
        is_star = impact == "Transformative" and end in ("Substantial", "Complete")
        row["Starred (Current Formula) End of Term"] = flag(
            is_star and row["_Relevant"] == "1" and row["Verifiable"] == "Yes"
        )


def policy_areas() -> dict[str, str]:
    """Header of each policy area in the master -> the header of its parent, or an empty text."""
    with (PACKAGE_DIR / "reference" / "policy_areas.csv").open(encoding="utf-8", newline="") as file:
        areas = {row["policy_area"]: row for row in csv.DictReader(file)}
    return {
        row["header_2024"]: areas[row["parent"]]["header_2024"] if row["parent"] else ""
        for row in areas.values()
        if row["header_2024"]
    }


CONTRADICTION = "OGP's own column contradicts the labels"
# In fewer ambitious commitments a single contradiction is more than a twentieth, which is taken for a changed formula.
AMBITIOUS_FOR_A_CONTRADICTION = 20
# What is wrong in the master of the sample: one row each, from the first plans on.
MASTER_DIRT: tuple[tuple[str, Row], ...] = (
    ("a label and its twin disagree", {"_CompletionEndTerm": "2", "Completion (End Of Term)": "Complete"}),
    (CONTRADICTION, {"High Ambition": "1", "_Relevant": "0"}),
    ("a number of a spreadsheet", {"Commitment Number": "2.2999999999999998"}),
    ("a year typed into a cell of dates", {"End Date": "7/12/1905"}),
    ("an unknown label", {"Verifiable": "Partly"}),
    ("an id of another form", {"Commitment Unique Identifier": "unnumbered"}),
)


def master_rows(plans: list[LaterPlan]) -> Iterator[list[str]]:
    """The rows of the master's file, header first, with `MASTER_DIRT` in the first row of the first plans.

    The contradiction is left out where there are too few commitments for it.
    """
    header = headers("master_commitments")
    yield list(header)
    dirt = dict(enumerate(MASTER_DIRT))
    if sum(row["High Ambition"] == "1" for plan in plans for row in plan.commitments) < AMBITIOUS_FOR_A_CONTRADICTION:
        dirt = {position: (kind, cells) for position, (kind, cells) in dirt.items() if kind != CONTRADICTION}
    for position, plan in enumerate(plans):
        for place, row in enumerate(plan.commitments):
            spoiled = dict(row)
            if place == 0 and position in dirt:
                spoiled |= dirt[position][1]
                write_derived(spoiled)
                spoiled |= dirt[position][1]
            yield [spoiled[name] for name in header]
