"""The files of the fictional partnership that people fill in: codings, reports of monitoring bodies and governments.

Here: which files there are, the short forms (eligibility, engagement), and what is wrong in all of them (`FORM_DIRT`).
Their other rows are written by `irm_codings.py`, `local_reports.py` and `self_assessments.py`. All are about plans of
`later.py`; their number does not grow with the sample.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from ogp_pipeline.sample.dirt import Dirt, Row
from ogp_pipeline.sample.irm_codings import commitment_codings, plan_codings
from ogp_pipeline.sample.later import DIOG, IMPACT, LaterPlan, headers
from ogp_pipeline.sample.local_reports import (
    AMBIGUOUS_DATE,
    SHEETS,
    UNKNOWN_REQUIREMENT,
    UNREADABLE_COMMITMENT,
    end_of_commitment_rows,
    inception_commitment_rows,
    inception_rows,
    learning_rows,
    local_plans,
    workbook,
)
from ogp_pipeline.sample.self_assessments import BROKEN_PAGE, README_PAGE, UNKNOWN_STATUS, form_rows, pages

IRM_PLANS_FILE = "irm-reports/plan_coding_sample.csv"
IRM_COMMITMENTS_FILE = "irm-reports/commitment_coding_sample.csv"
LOCAL_FILE = "local-monitoring/local_monitoring_sample.xlsx"
PAGES_FOLDER = "self-assessment-pages"
SELF_ASSESSMENT_FILE = "self-assessments/self_assessment_sample.csv"
ELIGIBILITY_FILE = "eligibility/eligibility_sample.csv"
ENGAGEMENT_FILE = "engagement/engagement_sample.csv"
RELEASED = {  # file, or folder of pages -> date
    IRM_PLANS_FILE: "2024-05-31",
    IRM_COMMITMENTS_FILE: "2024-05-31",
    LOCAL_FILE: "2024-06-30",
    PAGES_FOLDER: "2023-08-31",
    SELF_ASSESSMENT_FILE: "2023-12-31",
    ELIGIBILITY_FILE: "2024-01-31",
    ENGAGEMENT_FILE: "2024-01-31",
}
# The member whose self-assessment is pages; those after it fill in the form. Smaller samples begin anew.
MEMBER_OF_PAGES = 4


def form_files(seed: int, later: list[LaterPlan]) -> Iterator[tuple[str, bytes]]:
    """Path and content of every file, the same for the same arguments."""
    yield IRM_PLANS_FILE, _csv("irm_report_plans", plan_codings(seed, later))
    yield IRM_COMMITMENTS_FILE, _csv("irm_report_commitments", commitment_codings(seed, later))
    locals_followed = local_plans(later)
    sheets = {
        "local_inception": inception_rows(locals_followed),
        "local_inception_commitments": inception_commitment_rows(locals_followed),
        "local_end_of_commitment": end_of_commitment_rows(locals_followed),
        "local_learning": learning_rows(locals_followed),
    }
    yield LOCAL_FILE, workbook({SHEETS[layout]: _table(layout, rows) for layout, rows in sheets.items()})
    older = [plan for plan in later if plan.kind == "National" and plan.year < 2020]
    newer = [plan for plan in later if plan.kind == "National" and plan.year >= 2020]
    for path, page in pages(newer[min(MEMBER_OF_PAGES, len(newer) - 1)]).items():
        yield f"{PAGES_FOLDER}/{path}", page.encode()
    first, second = (plans[place % len(plans)] for plans, place in ((older, MEMBER_OF_PAGES + 1), (newer, 6)))
    yield SELF_ASSESSMENT_FILE, _csv("self_assessment", form_rows(first, second))
    yield ELIGIBILITY_FILE, _csv("eligibility", eligibility_rows(older))
    yield ENGAGEMENT_FILE, _csv("engagement", engagement_rows(older))


def eligibility_rows(plans: list[LaterPlan]) -> Iterator[Row]:
    """12 of 16 points, fewer, 9 of 12, two criteria that do not apply, and a score that does not exist."""
    scores = (
        ("4", "4", "2", "2"),
        ("2", "3", "2", "3"),
        ("3", "Not applicable", "4", "2"),
        ("4", "Not applicable", "Not applicable", "4"),
        ("4", "5", "3", "3"),
    )
    for position, points in enumerate(scores):
        year = 2018 + position
        fiscal, access, assets, citizens = points
        yield {
            "Member": plans[position % len(plans)].member_name,
            "Year": str(year),
            "Fiscal transparency score": fiscal,
            "Access to information score": access,
            "Asset disclosure score": assets,
            "Citizen engagement score": citizens,
            "Values check passed": "No" if position == 1 else "Yes",
            "Source URL": f"https://partnership.example/SYNTHETIC/eligibility-{year}",
        }


def engagement_rows(plans: list[LaterPlan]) -> Iterator[Row]:
    """A case of exact numbers, on a commitment that the IRM coded, and one of which only lower bounds are known."""
    coded = (
        (plan, position) for plan in plans for position in range(1, len(plan.commitments)) if _is_coded(plan, position)
    )
    plan, position = next(coded, (plans[0], 1))
    last = plans[-1]
    yield _case(plan, position, "Ask the Harbour (SYNTHETIC)") | {
        "Proposals received": "18,240",
        "Proposals taken up": "171",
    }
    yield _case(last, len(last.commitments) - 1, "Thousand Benches (SYNTHETIC)") | {
        "Proposals received": "2,300",
        "Proposals taken up": "more than 120",
    }


def _is_coded(plan: LaterPlan, position: int) -> bool:
    row = plan.commitments[position]
    return row["Potential Impact"] in IMPACT and row["Did It Open Government (Overall)"] in DIOG


def _case(plan: LaterPlan, position: int, initiative: str) -> Row:
    return {
        "Initiative": initiative,
        "Member": plan.member_name,
        "Plan number": str(plan.number),
        "Commitment ID": plan.commitment_ids[position],
        "First day of the call": f"{plan.year}-04-02",
        "Last day of the call": f"{plan.year}-05-31",
        "Days": "60",
        "URL": "https://partnership.example/proposals",
    }


def _table(layout: str, rows: Iterable[Row]) -> list[list[str]]:
    """Header and rows by the headers of a layout. ValueError for a cell of another header."""
    header = headers(layout)
    table = [list(header)]
    for row in rows:
        if unknown := row.keys() - set(header):
            raise ValueError(f"{layout} has no columns {sorted(unknown)}")
        table.append([row.get(name, "") for name in header])
    return table


def _csv(layout: str, rows: Iterable[Row]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(_table(layout, rows))
    return text.getvalue().encode()


# Where `rows` counts rows of a sheet or file; for `files` it counts files. Each is planted by hand in a row of its own.
FORM_DIRT: tuple[Dirt, ...] = (
    Dirt("nobody coded it", "irm_report_plans", 1, "quarantined", "two coders could not be told apart"),
    Dirt("nobody coded it", "irm_report_commitments", 1, "quarantined", "two coders could not be told apart"),
    Dirt("no page and no quote", "irm_report_plans", 1, "kept", "the coding counts and a check lists it"),
    Dirt("no quote", "irm_report_commitments", 1, "kept", "the coding counts and a check lists it"),
    Dirt("a stage the report does not speak about", "irm_report_plans", 1, "kept", "listed and used in no figure"),
    Dirt("a judgement the report does not give", "irm_report_commitments", 1, "kept", "listed and used in no figure"),
    Dirt("member under an alias", "irm_report_plans", 1, "repaired", "another name of the member"),
    Dirt(UNKNOWN_REQUIREMENT, "local_inception", 1, "quarantined", "a requirement of no list"),
    Dirt("requirement not answered", "local_inception", 1, "kept", "neither met nor missed"),
    Dirt(UNREADABLE_COMMITMENT, "local_end_of_commitment", 1, "quarantined", "neither an id nor a number"),
    Dirt(AMBIGUOUS_DATE, "local_end_of_commitment", 1, "unreadable", "5 June or 6 May: no other date tells"),
    Dirt("no evaluator", "local_end_of_commitment", 1, "kept", "the report counts, its author is not known"),
    Dirt(README_PAGE, "files", 1, "not_a_record", "a page without front matter"),
    Dirt(BROKEN_PAGE, "files", 1, "not_a_record", "a page whose front matter is never closed"),
    Dirt(UNKNOWN_STATUS, "self_assessment_subcommitments", 1, "unreadable", "a status of no list"),
    Dirt("milestone repeated", "self_assessment", 2, "quarantined", "two statuses of one milestone tell neither"),
    Dirt("a score above 4", "eligibility", 1, "unreadable", "there are no 5 points"),
    Dirt("two criteria do not apply", "eligibility", 1, "kept", "the rule allows one: no points are computed"),
)
