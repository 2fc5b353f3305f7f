"""Writes a fictional partnership in every layout the pipeline reads, so that the normal ingest path reads it.

Here: the files and the order of their rows. Not here: invented names and words (`names.py`), what is drawn
(`partnership.py`; the plans after 2016 `later.py`), headers and cells the layout decides (`layouts.py`), the dirt laid
over the clean rows (`dirt.py`), what people fill in (`forms.py`), and any reading of files.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from ogp_pipeline.sample.dirt import DIRT, Dirt, Spoiler
from ogp_pipeline.sample.forms import RELEASED as FORMS_RELEASED
from ogp_pipeline.sample.forms import form_files
from ogp_pipeline.sample.grown import GrownPartnership, grown_members, member_list_rows, members_needed
from ogp_pipeline.sample.later import headers, later_plans, master_rows
from ogp_pipeline.sample.layouts import (
    BLANK_HEADERS,
    EXPLORER_HEADER,
    MEMBERS_HEADER,
    PROCESS_GROUPS,
    PROCESS_HEADER,
    write_stars,
)
from ogp_pipeline.sample.names import MEMBER_NAMES
from ogp_pipeline.sample.partnership import (
    SMALLEST_PLAN,
    Partnership,
    member_rows,
    plans_per_member,
)
from ogp_pipeline.store import write_atomically

__all__ = ["DIRT", "Dirt", "write_grown_sample", "write_sample"]

EXPLORER_FILE = "explorer/ogp_commitments_sample.csv"
PROCESS_FILE = "process/ogp_process_sample.csv"
EARLIER_FILE = "explorer-earlier/ogp_commitments_sample.csv"  # one plan as a release of 2015 numbered it
MEMBERS_FILE = "members/members_sample.csv"
MASTER_FILE = "master/ogp_master_sample.csv"
MANIFEST_FILE = "sources.yml"
RELEASED = {
    EXPLORER_FILE: "2016-07-01",
    PROCESS_FILE: "2016-07-01",
    EARLIER_FILE: "2015-07-01",
    MEMBERS_FILE: "2024-07-03",
    MASTER_FILE: "2024-07-03",
    **FORMS_RELEASED,
}
GROWN_MEMBERS_FILE = "members/members_grown_sample.csv"
GROWN_MASTER_FILE = "master/ogp_master_grown_sample.csv"
GROWN_PLANS_FILE = "irm-reports/plan_coding_grown_sample.csv"
GROWN = {
    GROWN_MEMBERS_FILE: "2024-07-03",
    GROWN_MASTER_FILE: "2024-07-03",
    GROWN_PLANS_FILE: "2024-05-31",
}
SMALLEST_SIZE, LARGEST_SIZE = 2_000, 1_000_000  # commitments of a grown sample
USUAL_MEMBERS, USUAL_COMMITMENTS = 36, 900
FEWEST_COMMITMENTS = 200  # with fewer, the rows refused for their dirt would pass 2 %


def write_sample(
    folder: Path,
    *,
    seed: int = 2016,
    members: int = USUAL_MEMBERS,
    commitments: int = USUAL_COMMITMENTS,
    planted_effect: float = 0.0,
) -> None:
    """Writes the fictional partnership into `folder`, which is created; files already there are replaced.

    The files are `explorer/ogp_commitments_sample.csv`, `process/ogp_process_sample.csv`, one plan of a release before,
    `members/members_sample.csv`, `master/ogp_master_sample.csv`, those of `forms.py` and `sources.yml`, the same
    bytes for the same arguments. `commitments` is the number of commitments of the first file before dirt; one more
    is a repeated row. More commitments mean more plans per member up to 95, then larger plans; one plan at a time is
    held in memory. Plans after 2016 and what people fill in about them stay few.

    `planted_effect` is what one level of public influence adds to the probability of a moderate or
    transformative impact (level during development), of completion and of major or outstanding results (the
    lower of the two stages), counted from Consult and kept within 0.02 and 0.98. With 0 levels and outcomes
    are independent.

    Raises ValueError for members, commitments or planted_effect out of range.
    """
    _check(members, commitments, planted_effect)
    partnership = Partnership(seed, planted_effect)
    with _replacing(folder / EXPLORER_FILE) as explorer, _replacing(folder / PROCESS_FILE) as process:
        _write_plans(partnership, members, commitments, explorer, process)
    with _replacing(folder / EARLIER_FILE) as file:
        _write_earlier_release(Partnership(seed, planted_effect), members, commitments, file)
    with _replacing(folder / MEMBERS_FILE) as file:
        _csv_writer(file).writerows([MEMBERS_HEADER, *member_rows(members)])
    later = later_plans(seed, members, first_number=max(plans_per_member(members, commitments)) + 2)
    with _replacing(folder / MASTER_FILE) as file:
        _csv_writer(file).writerows(master_rows(later))
    for name, content in form_files(seed, later):
        write_atomically(folder / name, content)
    with _replacing(folder / MANIFEST_FILE) as file:
        file.write(_manifest(RELEASED))


def write_grown_sample(folder: Path, size: int, *, seed: int = 2016) -> None:
    """Writes the sample and, beside it, further members' commitments after 2016 up to about `size` in all.

    These are in the layout of the master, the layout of what is published now: a file of their own, with a list of
    their members and with the levels of influence of their national plans (`grown.py`). A member has four plans, a plan
    20 commitments, whatever the size is. The commitments of the sample are within `size` as its two files have them.
    A million take about a minute. The same arguments give the same bytes.

    Raises ValueError for a size out of range.
    """
    if not SMALLEST_SIZE <= size <= LARGEST_SIZE:
        raise ValueError(f"size is {size}: give {SMALLEST_SIZE} to {LARGEST_SIZE} commitments")
    write_sample(folder, seed=seed)
    with (folder / MASTER_FILE).open(encoding="utf-8", newline="") as file:
        later = sum(1 for _ in csv.reader(file)) - 1
    further = size - USUAL_COMMITMENTS - later
    members = tuple(grown_members(members_needed(further)))
    grown = GrownPartnership(seed, members, further)
    with _replacing(folder / GROWN_MEMBERS_FILE) as file:
        _csv_writer(file).writerows([MEMBERS_HEADER, *member_list_rows(members)])
    with _replacing(folder / GROWN_MASTER_FILE) as file:
        _csv_writer(file).writerows(grown.master_rows())
    header = headers("irm_report_plans")
    with _replacing(folder / GROWN_PLANS_FILE) as file:
        _csv_writer(file).writerow(header)
        _csv_writer(file).writerows([row.get(name, "") for name in header] for row in grown.plan_codings())
    with _replacing(folder / MANIFEST_FILE) as file:
        file.write(_manifest(RELEASED | GROWN))


def _check(members: int, commitments: int, planted_effect: float) -> None:
    if not 1 <= members <= len(MEMBER_NAMES):
        raise ValueError(f"members is {members}: give 1 to {len(MEMBER_NAMES)}")
    fewest = max(FEWEST_COMMITMENTS, SMALLEST_PLAN * members)
    if commitments < fewest:
        raise ValueError(f"commitments is {commitments}: give at least {fewest} for {members} members")
    if not 0 <= planted_effect <= 1:
        raise ValueError(f"planted_effect is {planted_effect}: give a probability per level step, 0 to 1")


def _write_plans(partnership: Partnership, members: int, commitments: int, explorer: TextIO, process: TextIO) -> None:
    commitment_lines, process_lines = _csv_writer(explorer), _csv_writer(process)
    commitment_lines.writerow(range(len(EXPLORER_HEADER) + len(BLANK_HEADERS)))
    commitment_lines.writerow((*EXPLORER_HEADER, *BLANK_HEADERS))
    groups = [PROCESS_GROUPS.get(position, "") for position in range(len(PROCESS_HEADER))]
    blank = [""] * len(PROCESS_HEADER)
    numbers = range(len(PROCESS_HEADER))
    process_lines.writerows([numbers, groups, PROCESS_HEADER, blank, groups, PROCESS_HEADER])

    # Spread out, yet close enough that the smallest sample has room for all of it.
    commitment_dirt = Spoiler("explorer", spacing=max(2, commitments // 90))
    process_dirt = Spoiler("process", spacing=max(1, sum(plans_per_member(members, commitments)) // 15))
    totals = dict.fromkeys(("Comm Dummy", "Checksum"), 0)
    for plan in partnership.plans(members, commitments):
        rows = partnership.commitment_rows(plan)
        commitment_dirt.visit(rows, plan)
        for row in rows:
            write_stars(row, plan)
            commitment_lines.writerow([*(row[column] for column in EXPLORER_HEADER), *BLANK_HEADERS])
            for column in totals:
                totals[column] += int(row[column])
        process_rows = [partnership.process_row(plan)]
        process_dirt.visit(process_rows, plan)
        process_lines.writerows([row[column] for column in PROCESS_HEADER] for row in process_rows)
    commitment_lines.writerow(["Sum", *(totals.get(column, "") for column in EXPLORER_HEADER[1:]), *BLANK_HEADERS])
    commitment_dirt.finish()
    process_dirt.finish()


def _write_earlier_release(partnership: Partnership, members: int, commitments: int, file: TextIO) -> None:
    """The first plan whole, with other numbers: the newer release takes the plan over and its ids change."""
    lines = _csv_writer(file)
    lines.writerow(EXPLORER_HEADER)
    plan = next(iter(partnership.plans(members, commitments)))
    for number, row in enumerate(partnership.commitment_rows(plan), start=101):
        row["Comm No"] = str(number)
        write_stars(row, plan)
        lines.writerow(row[column] for column in EXPLORER_HEADER)


def _manifest(released_on: Mapping[str, str]) -> str:
    lines = ["# SYNTHETIC: every member, plan and commitment here is made by the generator; no real government."]
    for file, released in released_on.items():
        lines += [
            f"- file: {file}",
            f"  released: {released}",
            "  publisher: Fictional partnership (SYNTHETIC)",
            "  licence: CC0-1.0",
            "  synthetic: true",
        ]
    return "\n".join(lines) + "\n"


def _csv_writer(file: TextIO):
    return csv.writer(file, lineterminator="\n")


@contextmanager
def _replacing(path: Path) -> Iterator[TextIO]:
    """A text file that takes the place of `path` when it is complete, and leaves no trace when it is not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("w", encoding="utf-8", newline="") as file:
            yield file
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
