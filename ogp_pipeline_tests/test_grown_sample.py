"""The sample grown to a size: the sample as it is, further members, dirt at the same rate."""

from __future__ import annotations

import csv
import shutil

import pytest

from ogp_pipeline.sample import GROWN, GROWN_MASTER_FILE, MASTER_FILE, write_grown_sample, write_sample
from ogp_pipeline.sample.grown import OTHER_DIRT, ROWS_PER_DIRT, GrownPartnership, grown_members, members_needed
from ogp_pipeline.sample.later import MASTER_DIRT
from ogp_pipeline.sample.names import LOCALS, MEMBER_IDS, MEMBER_NAMES
from ogp_pipeline.settings import PACKAGE_DIR
from ogp_pipeline_tests.test_sample import contents, lines
from ogp_pipeline_tests.world import World


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The sample of usual size."""
    path = tmp_path_factory.mktemp("sample")
    write_sample(path)
    return path


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    """Enough rows for several turns of every kind of dirt."""
    path = tmp_path_factory.mktemp("grown")
    write_grown_sample(path, 3_000)
    return path


def test_a_grown_sample_holds_the_sample_as_it_is_and_the_commitments_asked_for(folder, grown):
    usual, found = contents(folder), contents(grown)
    assert {path: found[path] for path in usual if path != "sources.yml"} == {
        path: content for path, content in usual.items() if path != "sources.yml"
    }
    assert found.keys() - usual.keys() == {*GROWN}
    further = lines(grown / GROWN_MASTER_FILE)[1:]
    assert 900 + len(lines(folder / MASTER_FILE)) - 1 + len(further) == 3_000


def test_a_grown_sample_is_the_same_bytes_for_the_same_arguments(grown, tmp_path):
    write_grown_sample(tmp_path, 3_000)
    assert contents(tmp_path) == contents(grown)
    write_grown_sample(tmp_path, 3_000, seed=7)
    assert contents(tmp_path)[GROWN_MASTER_FILE] != contents(grown)[GROWN_MASTER_FILE]


def test_members_grow_with_the_commitments_and_have_codes_and_names_of_their_own():
    largest = list(grown_members(members_needed(1_000_000)))
    assert largest[:25] == list(grown_members(members_needed(2_000)))
    known = real_ids_and_names() | set(MEMBER_IDS) | set(LOCALS) | set(MEMBER_NAMES) | set(LOCALS.values())
    taken = [word for member in largest for word in (member.member_id, member.name)]
    assert len(set(taken)) == len(taken)
    assert not known & set(taken)
    assert {len(member.member_id) for member in largest if member.nation is None} == {3}
    assert {len(member.member_id) for member in largest if member.nation} == {4}


def real_ids_and_names():
    rows = csv.DictReader((PACKAGE_DIR / "reference" / "members.csv").open(encoding="utf-8", newline=""))
    return {word for row in rows for word in (row["member_id"], row["member_name"])}


@pytest.mark.parametrize("size", [2_000, 10_000])
def test_plans_stay_as_large_whatever_the_size_is(size):
    members = list(grown_members(members_needed(size)))
    sizes = [count for _, count in GrownPartnership(1, members, size).plans()]
    assert sum(sizes) == size
    assert min(sizes) >= 1
    assert max(sizes) <= 40
    assert 18 <= sum(sizes) / len(sizes) <= 22


def test_a_grown_sample_carries_dirt_at_the_rate_of_the_sample_and_only_that_is_refused(grown, tmp_path, catalog):
    world = World(tmp_path, catalog)
    shutil.copytree(grown, world.inputs, dirs_exist_ok=True)
    world.build_for("staging.master_commitments", "quarantine.master_commitments", "meta.problems")
    rows = len(lines(grown / GROWN_MASTER_FILE)) - 1
    found = {
        (row["source_file"] == GROWN_MASTER_FILE, row["rule"]): row["rows"]
        for row in world.rows(
            "select source_file, rule, count(distinct source_row) as rows from meta.problems "
            "where source = 'master_commitments' group by all"
        )
    }
    turns = rows // ROWS_PER_DIRT // (len(MASTER_DIRT) + len(OTHER_DIRT))
    refused = world.rows(
        f"select count(*) as rows from quarantine.master_commitments where _source_file = '{GROWN_MASTER_FILE}'"
    )
    assert turns <= refused[0]["rows"] <= turns + 1
    for rule in ("commitment_id_unreadable", "float_artefact", "twin_disagrees"):
        assert turns <= found.get((True, rule), 0) <= turns + 1, (rule, found)


@pytest.mark.parametrize("size", [1_999, 1_000_001])
def test_a_size_out_of_range_is_refused(tmp_path, size):
    with pytest.raises(ValueError, match=f"size is {size}"):
        write_grown_sample(tmp_path / "none", size)
    assert not (tmp_path / "none").exists()
