"""What mutation found, as fixed cases: each broke the program once."""

from __future__ import annotations

import csv

import pytest

from ogp_pipeline_tests.world import World

CASES = [
    # the quarantine puts `problems` beside the columns of a file, so that a file's own column took its place
    ("process_database", "problems", {"Country name": "Nowhere"}),
    # names differ by case alone in a spreadsheet and not in a database
    ("process_database", "PROBLEMS", {}),
    # models name what they compute from a row: a column of the file was taken for it
    ("process_database", "plan_id", {}),
    ("explorer_commitments", "member_id", {}),
    ("explorer_commitments", "_source_row", {}),
]


@pytest.mark.parametrize(("layout", "header", "changes"), CASES)
def test_a_column_that_is_called_like_our_own(
    layout: str, header: str, changes: dict[str, str], world: World, catalog
) -> None:
    world.commitments(changes if layout == "explorer_commitments" else {})
    world.plans(changes if layout == "process_database" else {})
    path = world.inputs / {"process_database": "process.csv", "explorer_commitments": "commitments.csv"}[layout]
    with path.open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([[*head, header], *([*row, "theirs"] for row in rows)])

    world.build_for(f"quarantine.{layout}", f"staging.{layout}")

    (raw,) = world.rows(f"select * from raw.{layout}")
    assert "theirs" in raw.values(), "the column is kept as it is in the raw table"
    staged = world.rows(f"select * from staging.{layout}")
    refused = world.rows(f"select * from quarantine.{layout}")
    assert (len(staged), len(refused)) == ((0, 1) if changes else (1, 0))
    assert "theirs" not in (staged[0].values() if staged else ()), "no model took it for its own"
    assert all(isinstance(row["problems"], list) for row in refused)


def test_a_number_beside_an_id_that_is_none_is_told(world: World) -> None:
    """The id says which commitment it is; what stands in the place of its number was lost unseen."""
    form = {"Member": "Albania", "Plan number": "1", "Commitment ID": "AP_ALB01-1", "Self-assessment": "Mid-term"}
    world.commitments({})
    world.form(
        "self_assessment",
        {**form, "Commitment number": "the first", "Milestone or sub-commitment": "1"},
        {**form, "Commitment number": "1", "Milestone or sub-commitment": "2"},  # a number is no doubt
        {**form, "Milestone or sub-commitment": "3"},
    )
    world.build_for("meta.problems")

    found = world.rows("select source_row, original from meta.problems where rule = 'number_beside_id'")
    assert [(row["source_row"], row["original"]) for row in found] == [(2, "the first")]
