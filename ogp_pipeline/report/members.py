"""Writes `members/<member_id>.html`: what a member promised and delivered, beside its peers.

The pages hold no script and no picture but bars, so that each stays small. National members stand beside national ones
and local beside local; what monitoring bodies and governments report stands in tables of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ogp_pipeline.report.member_rows import MemberRows, read_members
from ogp_pipeline.report.member_tables import (
    NOT_CODED,
    commitments_table,
    doubts_table,
    has_level,
    local_tables,
    missed_table,
    not_assessed_table,
    plans_table,
    self_assessment_table,
    stars_table,
)
from ogp_pipeline.report.page import environment, frame
from ogp_pipeline.report.reading import ReleaseReader, Row, open_release
from ogp_pipeline.report.words import count, listed, percent, plain

FOLDER = "members"
TEMPLATE = "member.html"
FILE_NAME = re.compile(r"[A-Za-z0-9]{1,20}")  # nothing that a path or an address could read otherwise


def write_member_pages(database: Path, folder: Path) -> list[Path]:
    """Write a page for each member with at least one plan into `folder/members`; the paths, by code of the member.

    `database` is the finished file of the release and is only read. A member whose code cannot name a file has no page.
    """
    target = folder / FOLDER
    target.mkdir(parents=True, exist_ok=True)
    paths = []
    with open_release(database) as release:
        for member_id, html in member_pages(release):
            path = target / f"{member_id}.html"
            path.write_text(html, encoding="utf-8")
            paths.append(path)
    return paths


def member_pages(release: ReleaseReader) -> Iterator[tuple[str, str]]:
    """The code of each member that has a page, and its HTML."""
    template = environment().get_template(TEMPLATE)
    shared = frame(release)
    codes = release.rows("select distinct member_id from marts.action_plans where member_id is not null")
    pages = {row["member_id"] for row in codes if has_page(row["member_id"])}
    for member, rows in read_members(release):
        if member["member_id"] in pages:
            yield member["member_id"], template.render(**shared, **_context(member, rows, pages))


def has_page(member_id: str) -> bool:
    """Whether the code of a member is safe as the name of a file and in an address."""
    return FILE_NAME.fullmatch(member_id) is not None


def _context(member: Row, rows: MemberRows, pages: set[str]) -> dict[str, Any]:
    of = {subject: rows.of(subject) for subject in rows.subjects}
    doubts = [row for row in of["doubts"] if row["severity"] != "repair"]
    return {
        "member": member,
        "facts": _facts(member, of["plans"]),
        "is_local": member["member_type"] == "local",
        "has": rows.has,
        "plans": plans_table(of["plans"]),
        "has_levels": any(has_level(plan) for plan in of["plans"]),
        "comparisons": [_comparison(row) for row in of["comparison"]],
        "stars": stars_table(of["stars"]),
        "starred": sum(row["is_starred"] is True for row in of["commitments"]),
        "judged": sum(row["is_starred"] is not None for row in of["commitments"]),
        "missed": missed_table(of["missed_stars"]),
        "not_assessed": not_assessed_table(of["not_yet_assessed"]),
        "areas": _areas(of["peers"], pages),
        "commitments": commitments_table(of["commitments"]),
        "commitments_count": count(len(of["commitments"]), "commitment"),
        "self_assessments": self_assessment_table(of["self_assessments"]),
        "local": local_tables(of["local_monitoring"], of["local_commitments"]),
        "doubts": doubts_table(doubts),
        "refused": count(sum(row["refused"] for row in of["refused"]), "refused row"),
        "repaired": count(sum(row["problems"] for row in of["doubts"] if row["severity"] == "repair"), "value"),
        "caveats": _caveats(of["plans"], of["commitments"]),
    }


def _facts(member: Row, plans: Sequence[Row]) -> dict[str, str]:
    status = plain(member["status"]) if member["status"] else "none on record with certainty"
    if member["status"] and member["status_since"]:
        status += f" since {member['status_since']}"
    joined = str(member["joined_year"] or "not known with certainty")
    return {
        "Code": member["member_id"],
        "Type": f"{plain(member['member_type'])} member",
        "Region": member["region"] or "not known",
        "Status": status,
        "Joined": f"{joined}, as a founder" if member["is_founder"] else joined,
        "Loaded": f"{count(len(plans), 'plan')} with {count(sum(plan['commitments'] for plan in plans), 'commitment')}",
    }


def _comparison(row: Row) -> dict[str, Any]:
    """A definition with three lines: the member, the other members of its region, those of the world."""
    lines = [_line(row["member_name"], row["share"], row["hits"], row["commitments"], row["plans"], None)]
    for scope, name in (("region", row["region"]), ("world", "world")):
        if name is not None:
            numbers = (row[f"{scope}_{column}"] for column in ("share", "hits", "commitments", "plans", "members"))
            lines.append(_line(f"Others in {name}" if scope == "region" else "Others in the world", *numbers))
    notes = []
    if row["commitments"] == 0:
        notes.append("None of this member's loaded commitments is assessed on this.")
    elif row["has_few_commitments"]:
        notes.append(
            f"Few commitments: only {count(row['commitments'], 'commitment')} assessed, so that one of them moves the "
            "share by more than ten percentage points."
        )
    return {
        "words": row["words"],
        "is_default": row["is_default"],
        "years": None if row["first_year"] is None else (row["first_year"], row["last_year"]),
        "lines": lines,
        "note": " ".join(notes),
    }


def _line(name: str, share: float | None, hits: int, commitments: int, plans: int, members: int | None) -> dict:
    words = percent(share, 1)
    if share is None:
        words = "none assessed" if commitments == 0 else "suppressed: under 3 plans"
    return {
        "name": name,
        "bar": None if share is None else round(100 * share, 1),
        "share": words,
        "counts": f"{hits:,} of {commitments:,}",
        "plans": f"{plans:,}",
        "members": "" if members is None else f"{members:,}",
    }


def _areas(peers: Sequence[Row], pages: set[str]) -> list[dict[str, Any]]:
    """The policy areas in which the member has commitments, each with the peers that have most to show there."""
    areas: dict[str, dict[str, Any]] = {}
    for row in peers:
        area = areas.setdefault(
            row["policy_area"],
            {"name": row["area"], "own": row["own_commitments"], "found": row["peers_found"], "peers": []},
        )
        shown = [f"{row['commitments_starred']:,} starred"] if row["commitments_starred"] else []
        shown += [f"{row['commitments_complete']:,} complete"] if row["commitments_complete"] else []
        area["peers"].append(
            {
                "name": row["peer_name"],
                "page": f"{row['peer_id']}.html" if row["peer_id"] in pages else None,
                "words": f"{listed(shown)} of {row['peer_commitments']:,}",
                "examples": row["example_commitment_ids"],
            }
        )
    return list(areas.values())


def _caveats(plans: Sequence[Row], commitments: Sequence[Row]) -> list[str]:
    """What must be known beside these numbers (DOMAIN.md section 5), with the member's own."""
    lines = [
        "Years, scales and the share assessed differ between members, so a comparison is no ranking, and nothing here "
        "shows a cause. Unclear, withdrawn and unassessed commitments are outside every share.",
        "The same reviewers code the influence in a plan and the outcomes of its commitments.",
    ]
    judged = [row for row in commitments if row["completion_latest"] not in (None, *NOT_CODED)]
    progress = sum(row["completion_basis"] == "progress" for row in judged)
    if progress:
        lines.append(
            f"{percent(progress / len(judged))} of the codings of completion ({progress:,} of {len(judged):,}) were "
            "made at mid-term, which understates the final result."
        )
    partial = [f"{plan['plan_number']}" for plan in plans if plan["is_partial"]]
    if partial:
        lines.append(
            f"Only a part of {'plan' if len(partial) == 1 else 'plans'} {listed(partial)} is loaded: such commitments "
            "are listed here and stay out of every share."
        )
    return lines
