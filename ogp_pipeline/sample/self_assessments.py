"""What fictional governments report on their own plans: Markdown pages of one, a form each of two others.

The pages are written as those of the United States are: one page per commitment and per sub-commitment, the status on
the latter. A commitment is named by the id that the commitments master of the sample gives it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ogp_pipeline.sample.dirt import Row
from ogp_pipeline.sample.later import LaterPlan

# position of the commitment in its plan -> the statuses of its sub-commitments
STATUSES: Mapping[int, tuple[str, ...]] = {
    0: ("Complete", "Complete"),
    1: ("Not Started", "Not Started"),
    2: ("Complete", "In Progress", "Not Started"),
    3: ("Complete", "Delayed"),  # a status of no list
    4: (),
}
UNKNOWN_STATUS = "Delayed"
README_PAGE, BROKEN_PAGE = "README.md", "broken.md"


def pages(plan: LaterPlan) -> dict[str, str]:
    """Path below the folder of the pages -> the page. Two are no pages of a commitment and are refused."""
    found = {
        README_PAGE: "# SYNTHETIC self-assessment\n\nOne page per commitment; this one tells how they are written.\n",
        # the front matter is never closed
        BROKEN_PAGE: f"---\ncommitment_id: {plan.commitment_ids[0]}\ntitle: (SYNTHETIC) never finished\n",
    }
    for position, statuses in STATUSES.items():
        found[f"commitments/{position + 1}.md"] = _commitment_page(plan, position, len(statuses))
        for number, status in enumerate(statuses, start=1):
            path = f"subcommitments/{position + 1}-{number}.md"
            found[path] = _subcommitment_page(plan, position, number, status)
    return found


def form_rows(first: LaterPlan, second: LaterPlan) -> Iterator[Row]:
    """End of term of the one by ids, with the codes of Canada's trackers; two periods at mid-term of the other."""
    for position, statuses in ((1, ("C", "C")), (2, ("C", "SP", "LP")), (3, ("NS", "NS"))):
        for number, status in enumerate(statuses, start=1):
            yield _of_commitment(first, position, number) | {
                "Self-assessment": "End of term",
                "Status of the milestone": status,
                "Reported on": f"{first.year + 2}-09-30",
            }
    for period, status, reported in (("1", "LP", f"{second.year + 1}-03-31"), ("2", "C", f"{second.year + 1}-09-30")):
        yield _of_commitment(second, 1, 1) | _mid_term(period, status, reported)
    by_number = {"Commitment ID": "", "Commitment number": second.commitments[2]["Commitment Number"]}
    yield _of_commitment(second, 2, 1) | by_number | _mid_term("1", "In progress", f"{second.year + 1}-03-31")
    for status in ("SP", "NS"):  # the same milestone twice: neither counts
        yield _of_commitment(second, 3, 1) | _mid_term("1", status, f"{second.year + 1}-03-31")
    yield _of_commitment(second, 3, 2) | _mid_term("1", "NS", f"{second.year + 1}-03-31")


def _mid_term(period: str, status: str, reported: str) -> Row:
    return {
        "Self-assessment": "Mid-term",
        "Period": period,
        "Status of the milestone": status,
        "Reported on": reported,
    }


def _of_commitment(plan: LaterPlan, position: int, number: int) -> Row:
    return {
        "Member": plan.member_name,
        "Plan number": str(plan.number),
        "Commitment ID": plan.commitment_ids[position],
        "Milestone or sub-commitment": f"{position + 1}.{number} Step {number} of the commitment",
        "Progress made": "The office worked on it as planned. (SYNTHETIC)",
        "Evidence": f"https://partnership.example/{plan.plan_id}/progress",
        "Challenges met": "A late budget. (SYNTHETIC)",
    }


def _commitment_page(plan: LaterPlan, position: int, subcommitments: int) -> str:
    commitment_id = plan.commitment_ids[position]
    steps = "\n\n".join(f"{number}) Step {number} is taken. (SYNTHETIC)" for number in range(1, subcommitments + 1))
    return _page(
        {
            "layout": "commitment",
            "title": plan.commitments[position]["Commitment Title"],
            "permalink": f"/national-action-plan/{plan.number}/{commitment_id}/",
            "commitment_id": commitment_id,
            "commitment_link": f"/national-action-plan/{plan.number}/#{commitment_id.lower()}",
            "commitment_theme_name": "Open Records",
            "commitment_theme_slug": "open-records",
            "commitment_detail_sub": steps or "It has no parts. (SYNTHETIC)",
        },
        "",
    )


def _subcommitment_page(plan: LaterPlan, position: int, number: int, status: str) -> str:
    commitment_id = plan.commitment_ids[position]
    text = "Progress Update:\n\nThe office reports as planned. (SYNTHETIC)\n\nEvidence:\n\nhttps://partnership.example/log\n"
    return _page(
        {
            "layout": "commitment",
            "title": f"Step {number} is taken. (SYNTHETIC)",
            "permalink": f"/national-action-plan/{plan.number}/{commitment_id}-{number}/",
            "c_permalink": f"/national-action-plan/{plan.number}/{commitment_id.lower()}/",
            "commitment_id": commitment_id,
            "commitment_theme_name": "Open Records",
            "commitment_detail_sub": f"Step {number} is taken. (SYNTHETIC)",
            "commitment_detail_sub_id": f"{commitment_id}.{number}",
            "commitment_agency": plan.commitments[position]["Lead Institution"],
            "commitment_status": status,
            "aug_2023_progress": "The step is under way. (SYNTHETIC)",
        },
        text,
    )


def _page(front_matter: Mapping[str, str], text: str) -> str:
    lines = (f'{key}: "{value}"' for key, value in front_matter.items())
    return "---\n" + "\n".join(lines) + f"\n---\n{text}"
