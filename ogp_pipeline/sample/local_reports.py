"""What fictional monitoring bodies report on the plans of the fictional locals: one workbook of four sheets.

openpyxl is imported inside the function that uses it.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from ogp_pipeline.sample.dirt import Row
from ogp_pipeline.sample.later import LaterPlan

SHEETS = {  # layout -> the sheet of the form `local-monitoring`
    "local_inception": "Co-creation requirements",
    "local_inception_commitments": "Commitments at inception",
    "local_end_of_commitment": "End of commitment",
    "local_learning": "Final learning exercise",
}
REQUIREMENTS = (
    "A forum exists",
    "The forum is multi-stakeholder",
    "The forum met with civil society during co-creation",
    "At least one non-government stakeholder endorsed the plan",
    "The OGP website or repository is up to date",
    "Information was shared before the meetings",
    "Any interested member of the public could give input",
    "The government reported back on the contributions",
)
UNKNOWN_REQUIREMENT = "The hall was heated"
UNREADABLE_COMMITMENT = "the last one"
AMBIGUOUS_DATE = "05/06/2023"
NOT_APPLICABLE = "Not applicable"
WRITTEN_AT = datetime(2024, 6, 30)  # in the place of the clock: the same rows give the same bytes


def local_plans(later: list[LaterPlan]) -> list[LaterPlan]:
    """The plans that a monitoring body follows: those of locals from 2021 on."""
    return [plan for plan in later if plan.kind == "Local"]


def inception_rows(plans: Sequence[LaterPlan]) -> Iterator[Row]:
    """Two reports on every requirement, one in time and one late."""
    in_time, late = plans[:2]
    for requirement in REQUIREMENTS:
        answer = "No" if requirement == "The government reported back on the contributions" else "Yes"
        yield _requirement(in_time, "2022-04-15", requirement, answer)
    for requirement in REQUIREMENTS:
        answer = "" if requirement == "Information was shared before the meetings" else "Yes"
        yield _requirement(late, "2022-08-20", requirement, answer)
    yield _requirement(late, "2022-08-20", UNKNOWN_REQUIREMENT, "Yes")


def inception_commitment_rows(plans: Sequence[LaterPlan]) -> Iterator[Row]:
    """Designs of commitments: of the first plan by their ids, of the second by their numbers."""
    in_time, late = plans[:2]
    for position, potential in ((1, "Substantial"), (2, "Modest"), (3, "Unclear"), (4, "Modest")):
        yield _of_commitment(in_time, in_time.commitment_ids[position]) | _design("Yes", potential)
    for position, lens in ((1, "Yes"), (2, "No")):
        yield _of_commitment(late, str(position + 1)) | _design(lens, "Modest")


def end_of_commitment_rows(plans: Sequence[LaterPlan]) -> Iterator[Row]:
    """Results of commitments: in time, late, withdrawn, without a value that applies, and what cannot be read."""
    first, second = plans[:2]
    ids = first.commitment_ids
    reports = (
        (first, ids[1], _result("2023-05-10", "2023-05-30", "Complete", "Major", "Marginal")),
        (first, ids[2], _result("2023-05-10", "2023-09-01", "Complete", "Outstanding", "Did not change")),
        (first, ids[3], _result("", "2024-04-10", "Withdrawn")),
        (first, ids[4], _result("2024-02-20", "2024-03-05", "Complete")),
        (second, "2", _result("", AMBIGUOUS_DATE, "Substantial", "Marginal", "Marginal")),
        (second, "3", _result("", "2024-04-10", "Limited", "Did not change", "Worsens") | {"Evaluator": ""}),
        (second, UNREADABLE_COMMITMENT, _result("", "2024-04-10", "Not started")),
    )
    for plan, commitment, result in reports:
        yield _of_commitment(plan, commitment) | {"Evaluator": _evaluator(plan)} | result


def learning_rows(plans: Sequence[LaterPlan]) -> Iterator[Row]:
    """One row per plan."""
    for plan in plans:
        yield _plan(plan) | {
            "Evaluator": _evaluator(plan),
            "Report date": "2024-06-15",
            "What was learned about co-creation": "Meetings after work brought more people. (SYNTHETIC)",
            "What was learned about implementation": "One office in charge was enough. (SYNTHETIC)",
            "What was learned about monitoring": "Evidence was best kept as it arose. (SYNTHETIC)",
            "Overall lesson for the next plan": "Fewer commitments, each with a budget. (SYNTHETIC)",
        }


def workbook(sheets: Mapping[str, Sequence[Sequence[str]]]) -> bytes:
    """An XLSX workbook of texts: sheet -> its rows, header first. The same rows give the same bytes."""
    from openpyxl import Workbook
    from openpyxl.writer.excel import ExcelWriter

    book = Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        page = book.create_sheet(title)
        for row in rows:
            page.append([cell or None for cell in row])
    book.properties.creator, book.properties.title = "ogp_pipeline", "SYNTHETIC local monitoring"
    book.properties.created = book.properties.modified = WRITTEN_AT
    written = io.BytesIO()
    # Workbook.save would write the time of day into the properties
    ExcelWriter(book, zipfile.ZipFile(written, "w")).save()
    return _without_the_clock(written)


def _without_the_clock(content: io.BytesIO) -> bytes:
    """The same archive, every entry dated alike."""
    told = io.BytesIO()
    with zipfile.ZipFile(content) as archive, zipfile.ZipFile(told, "w") as target:
        for name in archive.namelist():
            entry = zipfile.ZipInfo(name, WRITTEN_AT.timetuple()[:6])
            target.writestr(entry, archive.read(name), zipfile.ZIP_DEFLATED)
    return told.getvalue()


def _plan(plan: LaterPlan) -> Row:
    return {"Member": plan.member_id, "Plan number": str(plan.number)}


def _evaluator(plan: LaterPlan) -> str:
    return f"Observers of {plan.member_name.split(',')[0]} (SYNTHETIC)"


def _requirement(plan: LaterPlan, reported: str, requirement: str, answer: str) -> Row:
    return _plan(plan) | {
        "Plan submission date": f"{plan.year}-03-01",
        "Evaluator": _evaluator(plan),
        "Report date": reported,
        "Co-creation requirement": requirement,
        "Requirement met?": answer,
        "Explanation of the answer": "As the minutes say. (SYNTHETIC)",
        "Evidence for the answer": f"https://partnership.example/{plan.member_id}/minutes",
    }


def _of_commitment(plan: LaterPlan, commitment: str) -> Row:
    return _plan(plan) | {"Commitment": commitment}


def _design(lens: str, potential: str) -> Row:
    return {
        "Is the commitment verifiable?": "Yes",
        "Open government lens?": lens,
        "Lens - access to information": lens,
        "Lens - civic participation": "No",
        "Lens - public accountability": "No",
        "Potential for results at inception": potential,
        "Explanation of the design": "The milestones name what is published and when. (SYNTHETIC)",
        "Evidence for the design": "https://partnership.example/plan",
    }


def _result(
    implemented: str, reported: str, completion: str, access: str = NOT_APPLICABLE, participation: str = NOT_APPLICABLE
) -> Row:
    return {
        "Report date": reported,
        "Date of full implementation": implemented,
        "Completion at the end of the commitment": completion,
        "Access to information - did it open government?": access,
        "Civic participation - did it open government?": participation,
        "Public accountability - did it open government?": NOT_APPLICABLE,
        "Explanation of the results": "As the site visit showed. (SYNTHETIC)",
        "Evidence for the results": "https://partnership.example/visit",
    }
