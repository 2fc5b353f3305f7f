"""Releases in control: what is listed, gone back to, held, built again, and what stays as it was."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from ogp_pipeline.building import build_tables
from ogp_pipeline.control.hold import lift_hold, set_hold, standing_hold, waiting
from ogp_pipeline.control.journal import entries, note, undone
from ogp_pipeline.control.kept import kept
from ogp_pipeline.control.rebuild import rebuild_release
from ogp_pipeline.control.recorded_files import files_as_recorded
from ogp_pipeline.control.rollback import roll_back
from ogp_pipeline.errors import InputError, OutputError, PublishRefusedError
from ogp_pipeline.release.current import comparable_release, current_release
from ogp_pipeline.release.publish import CandidateRefusedError
from ogp_pipeline.settings import Settings
from ogp_pipeline.sources.folders import note_working_sources, sources_remembered
from ogp_pipeline.sources.layouts import layouts
from ogp_pipeline.store import sha256_of
from ogp_pipeline_tests.commands import CLEAN, PROGRAM
from ogp_pipeline_tests.world import MEMBERS, World, query


@pytest.fixture(scope="module")
def two_once(published_once: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A world with two releases, of which the second changed a theme; never changed, only copied."""
    world = published_once.copy_to(tmp_path_factory.mktemp("two"))
    world.ten_plans(Theme="second")
    assert world.build().publish().status == "published"
    return world


@pytest.fixture
def two(two_once: World, tmp_path: Path) -> World:
    """A copy of the world with two releases, for one test."""
    return two_once.copy_to(tmp_path)


def ids(world: World) -> list[str]:
    """The ids of the kept releases, oldest first."""
    return sorted(path.name for path in world.settings.releases_dir.glob("[0-9]*"))


def current(world: World) -> str | None:
    """The id of the release in data/ogp.duckdb."""
    found = current_release(world.settings)
    return found.release_id if found else None


def command(world: World, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command on the data folder of a world, in a process of its own."""
    whole = [str(PROGRAM), *arguments, "--data-dir", str(world.settings.data_dir)]
    return subprocess.run(whole, env=CLEAN, capture_output=True, text=True, check=False)


def files_of(folder: Path) -> dict[str, tuple[int, str]]:
    """Modification time and content of every file of a folder."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): (path.stat().st_mtime_ns, sha256_of(path)) for path in paths}


# --- rollback -------------------------------------------------------------------------------------------------------


def test_a_rollback_is_the_old_file_byte_for_byte_and_a_reader_is_not_disturbed(two: World) -> None:
    first, second = ids(two)
    database = two.settings.database
    with duckdb.connect(str(database), read_only=True) as reader:
        done = roll_back(two.settings, first)
        assert reader.execute("select distinct theme from commitments").fetchall() == [("second",)]
    assert (done.release_id, done.before, done.undone) == (first, second, (second,))
    assert sha256_of(database) == sha256_of(two.settings.releases_dir / first / "ogp.duckdb")
    assert stat.S_IMODE(database.stat().st_mode) == 0o444
    assert query(database, "select count(*) from commitments where theme = 'second'") == [(0,)]
    assert ids(two) == [first, second], "what was gone back from is still kept"
    run = two.last_run()
    assert (run["status"], run["release"], run["from"]) == ("rolled_back", first, second)
    assert entries(two.settings)[-1]["action"] == "rollback"


def test_after_a_rollback_a_refresh_of_the_same_data_publishes_nothing_until_the_hold_is_lifted(two: World) -> None:
    first, second = ids(two)
    roll_back(two.settings, "previous", reason="the themes are wrong")
    before = two.settings.database.stat()
    outcome = two.publish()
    assert (outcome.status, outcome.release_id) == ("held", first)
    assert (two.settings.database.stat().st_mtime_ns, two.settings.database.stat().st_ino) == (
        before.st_mtime_ns,
        before.st_ino,
    )
    run = two.last_run()
    assert (run["status"], run["release"], run["hold"]["reason"]) == ("held", first, "the themes are wrong")
    left = waiting(two.settings)
    assert (left.compared_with, left.same_as) == (first, second)
    assert left.changes["source"] == 50, "one theme for each commitment"
    assert "second" in (two.settings.held_dir / "CHANGES.md").read_text(encoding="utf-8")
    assert ids(two) == [first, second]

    assert lift_hold(two.settings).reason == "the themes are wrong"
    outcome = two.publish()
    assert outcome.status == "published"
    assert not two.settings.held_dir.exists()


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda path: path.unlink(), id="somebody deleted the file"),
        pytest.param(lambda path: (path.chmod(0o644), path.write_bytes(b"half")), id="a disk that lost its content"),
        pytest.param(lambda path: (path.chmod(0o644), path.write_bytes(b"")), id="empty after a power cut"),
    ],
)
def test_a_rollback_restores_a_current_file_that_is_damaged_or_missing(two: World, damage) -> None:
    _, second = ids(two)
    damage(two.settings.database)
    with pytest.raises(InputError, match=f"nobody knows which release was before it: name one.*{second}"):
        roll_back(two.settings, "previous")
    done = roll_back(two.settings, second)
    assert (done.before, done.hold, done.undone) == (None, None, ()), "the newest was restored, nothing is undone"
    assert current(two) == second
    assert two.publish().status == "unchanged"


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        pytest.param(
            lambda folder: (folder / "ogp.duckdb").write_bytes(b"x"), "has other bytes than its manifest", id="bytes"
        ),
        pytest.param(lambda folder: (folder / "ogp.duckdb").unlink(), "it has no ogp.duckdb", id="no database"),
        pytest.param(lambda folder: (folder / "manifest.json").unlink(), "it has no manifest.json", id="no manifest"),
        pytest.param(
            lambda folder: (folder / "manifest.json").write_text("{"), "manifest.json cannot be read", id="half"
        ),
        pytest.param(
            lambda folder: (folder / "manifest.json").write_text("[]"), "does not list its files", id="another JSON"
        ),
        pytest.param(
            lambda folder: (folder / "manifest.json").write_text('{"files": {"ogp.duckdb": 1}}'),
            "does not list its files",
            id="a manifest of another form",
        ),
    ],
)
def test_a_damaged_release_is_listed_as_that_and_never_gone_back_to(two: World, spoil, words: str) -> None:
    first, second = ids(two)
    folder = two.settings.releases_dir / first
    (folder / "ogp.duckdb").chmod(0o644)
    spoil(folder)
    before = files_of(two.settings.data_dir)
    with pytest.raises(PublishRefusedError, match=words):
        roll_back(two.settings, first)
    assert {k: v for k, v in files_of(two.settings.data_dir).items() if k != ".lock"} == {
        k: v for k, v in before.items() if k != ".lock"
    }, "nothing was touched, and no hold was set"
    assert [(release.release_id, words in (release.damage or "")) for release in kept(two.settings)] == [
        (first, True),
        (second, False),
    ]


@pytest.mark.parametrize("name", ["2020-01-01T000000.000000Z", "../releases", "..", "", "/etc"])
def test_a_release_that_is_not_kept_is_named_with_those_that_are(two: World, name: str) -> None:
    with pytest.raises(InputError, match="no such release is kept") as refused:
        roll_back(two.settings, name)
    assert all(kept_id in str(refused.value) for kept_id in ids(two))


def test_the_first_release_has_none_before_it(published: World) -> None:
    with pytest.raises(InputError, match="no release before the current one is kept"):
        roll_back(published.settings, "previous")


def test_a_rollback_that_was_interrupted_before_the_file_can_be_done_again(two: World) -> None:
    """The hold comes first: who is killed after it has the release of before, and no night changes that."""
    first, second = ids(two)
    set_hold(two.settings, f"rolled back to {first}", first, (second,))
    assert current(two) == second
    done = roll_back(two.settings, first)
    assert (done.is_changed, done.is_new_hold, current(two)) == (True, False, first)
    again = roll_back(two.settings, first)
    assert (again.is_changed, again.before, current(two)) == (False, first, first)
    assert standing_hold(two.settings).undone == (second,)


def test_going_forward_again_leaves_the_hold_and_the_release_counts_again(two: World) -> None:
    first, second = ids(two)
    roll_back(two.settings, first)
    assert undone(two.settings) == {second}
    done = roll_back(two.settings, second)
    assert (done.undone, done.is_new_hold, current(two)) == ((), False, second)
    assert done.hold.sentence().startswith("On hold since"), "who set it lifts it"
    assert undone(two.settings) == set()


def test_previous_follows_the_history_of_the_file_not_the_folder(two: World) -> None:
    """After going back to the first and publishing a third, the one before it is the first, not the bad second."""
    first, second = ids(two)
    roll_back(two.settings, first, with_hold=False)
    third = two.publish().release_id
    assert ids(two) == [first, second, third]
    history = query(two.settings.database, "select release_id, compared_with from meta.releases order by 1")
    assert history == [(first, None), (third, first)], "what was gone back from is no part of it"
    assert roll_back(two.settings, "previous").release_id == first


def test_a_rollback_brings_back_the_sources_of_the_release(two: World) -> None:
    """Else the next night would read those of the release that was gone back from."""
    first, _ = ids(two)
    roll_back(two.settings, first, with_hold=False)
    sources = sources_remembered(two.settings)
    note_working_sources(replace(two.settings, sources=("/data/the new folder",)))
    third = two.publish().release_id
    assert sources_remembered(two.settings) == ("/data/the new folder",)
    assert roll_back(two.settings, "previous").sources == sources
    assert sources_remembered(two.settings) == sources
    assert set(standing_hold(two.settings).undone) == {third}, "the second was gone back from before"
    note_working_sources(replace(two.settings, sources=("/data/another",)))
    assert two.publish().status == "held"
    assert sources_remembered(two.settings) == sources, "a held refresh is not what people chose"


def test_acceptances_of_what_was_gone_back_from_do_not_come_back(published: World) -> None:
    """They belong to the release that is current: its inputs are others than those of the candidate."""
    (first,) = ids(published)
    check = "marts.influence.process_row_of_another_plan"
    published.plans(*({"Country name": m, "Year AP Submitted": "2011" if m == "Chile" else "2014"} for m in MEMBERS))
    published.build().publish(accepted={check: "checked by hand"})
    roll_back(published.settings, first)
    with pytest.raises(CandidateRefusedError, match=check):
        published.publish()
    assert published.last_run()["status"] == "rolled_back", "a refusal is recorded by the asset that publishes"
    held = published.publish(accepted={check: "checked by hand"})
    assert held.status == "held"
    assert waiting(published.settings).accepted == {check: "checked by hand"}


def test_a_sample_and_real_data_replace_each_other_in_a_rollback_only_when_asked(two: World) -> None:
    first, second = ids(two)
    two.settings.database.chmod(0o644)
    with duckdb.connect(str(two.settings.database)) as connection:
        connection.execute("update meta.releases set is_synthetic = true")
    of_sample = current_release(two.settings)
    with pytest.raises(PublishRefusedError, match="--replace-release"):
        roll_back(two.settings, first)
    assert current_release(two.settings).is_synthetic
    assert standing_hold(two.settings) is None
    assert comparable_release(two.settings, of_sample, False).release_id == second
    roll_back(two.settings, first, replace_release=True)
    assert not current_release(two.settings).is_synthetic
    compared = comparable_release(two.settings, of_sample, False)
    assert compared.release_id == first, "none is compared with one that was gone back from"


# --- hold -----------------------------------------------------------------------------------------------------------


def test_a_hold_audits_the_candidate_in_full(published: World) -> None:
    set_hold(published.settings, "printing", current(published))
    published.ten_plans(**{"Potential impact": "Huge"})
    published.build()
    with pytest.raises(CandidateRefusedError, match="label_vanished"):
        published.publish()
    assert waiting(published.settings) is None, "what is refused does not wait"


def test_an_unchanged_night_under_a_hold_is_unchanged_and_says_that_it_stands(published: World) -> None:
    set_hold(published.settings, "printing", current(published))
    outcome = published.publish()
    assert (outcome.status, outcome.hold.reason) == ("unchanged", "printing")
    assert published.last_run()["hold"]["reason"] == "printing"


def test_a_hold_on_a_folder_without_a_release_makes_none(world: World) -> None:
    world.ten_plans()
    world.build()
    set_hold(world.settings, None, None)
    outcome = world.publish()
    assert (outcome.status, outcome.release_id) == ("held", None)
    assert not world.settings.database.exists()
    assert ids(world) == []
    assert not sources_remembered(world.settings), "the sources of a release that is not there"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty: the disk was full"),
        pytest.param(b"{", id="half"),
        pytest.param(b"[]", id="another JSON"),
        pytest.param(b'{"reason": "x", "undone": 3}', id="a field of another type"),
        pytest.param(b"\xff\xfe", id="not UTF-8"),
    ],
)
def test_a_hold_that_cannot_be_read_stands_until_it_is_lifted(published: World, content: bytes) -> None:
    published.settings.hold.write_bytes(content)
    assert "cannot be read" in standing_hold(published.settings).sentence()
    assert lift_hold(published.settings) is not None
    assert standing_hold(published.settings) is None


def test_a_second_hold_keeps_the_date_and_takes_a_new_reason(published: World) -> None:
    first, is_new = set_hold(published.settings, "one", None)
    again, is_new_again = set_hold(published.settings, None, None)
    other, _ = set_hold(published.settings, "two", None)
    assert (is_new, is_new_again) == (True, False)
    assert again == first
    assert (other.since, other.reason) == (first.since, "two")
    assert [entry["action"] for entry in entries(published.settings)] == ["hold", "hold"]


def test_no_data_folder_is_made_by_a_hold(tmp_path: Path, published: World) -> None:
    nowhere = replace(published.settings, data_dir=tmp_path / "no" / "such")
    with pytest.raises(InputError, match="there is no data folder"):
        set_hold(nowhere, None, None)
    assert not nowhere.data_dir.exists()


def test_retention_keeps_what_is_current_and_what_a_hold_speaks_of(two: World) -> None:
    first, second = ids(two)
    two.settings = replace(two.settings, keep_releases=1)
    roll_back(two.settings, first)
    assert two.publish().status == "held"
    assert ids(two) == [first, second]
    lift_hold(two.settings)
    third = two.publish().release_id
    assert ids(two) == [third]


def test_a_line_of_the_journal_that_was_cut_hides_no_other(published: World) -> None:
    note(published.settings, "hold", reason="one")
    with published.settings.journal.open("ab") as file:
        file.write(b'{"at": "2026')  # killed in the middle of a line
    note(published.settings, "unhold", reason="one")
    assert [entry["action"] for entry in entries(published.settings)] == ["hold", "unhold"]


# --- the commands ---------------------------------------------------------------------------------------------------


def test_releases_rollback_hold_and_unhold_as_people_run_them(two: World) -> None:
    first, second = ids(two)
    (two.settings.releases_dir / first / "report.html").unlink()
    listed = command(two, "releases")
    assert listed.returncode == 0, listed.stderr
    lines = listed.stdout.splitlines()
    assert lines[1].split()[0] == second
    assert lines[1].rstrip().endswith("current")
    assert "changes: 50 by the input" in lines[1]
    assert "real" in lines[1]
    assert lines[2].rstrip().endswith("incomplete")
    assert "the first of its kind" in lines[2]
    assert "report.html" in listed.stdout

    done = command(two, "rollback", "previous", "--reason", "the themes \x1b[31mare wrong")
    assert done.returncode == 0, done.stderr
    assert f"is the release {first} now; it was {second}" in done.stdout
    assert "ogp-pipeline unhold" in done.stdout
    assert "\x1b" not in done.stdout

    told = json.loads(command(two, "releases", "--format", "json").stdout)
    assert [(r["release_id"], r["is_current"], r["is_held"], r["is_undone"], r["is_readable"]) for r in told] == [
        (first, True, True, False, True),
        (second, False, False, True, True),
    ]
    assert command(two, "rollback", "2000-01-01").returncode == 2
    lifted = command(two, "unhold")
    assert lifted.returncode == 0
    assert "is lifted" in lifted.stdout
    assert "built anything else" in lifted.stdout
    assert "There was no hold." in command(two, "unhold").stdout
    held = command(two, "hold", "--reason", "printing")
    assert "printing" in held.stdout
    assert f"stays {first}" in held.stdout


def test_a_held_refresh_of_the_job_says_so_everywhere(two: World) -> None:
    """The nightly is this job: its output, its record and the page of its asset."""
    import dagster as dg

    first, second = ids(two)
    roll_back(two.settings, first, reason="the themes are wrong")
    before = two.settings.database.stat().st_mtime_ns
    done = command(two, "refresh", "--sources", str(two.inputs))
    assert done.returncode == 0, done.stderr
    assert f"Held: {first} stays." in done.stdout
    assert "the themes are wrong" in done.stdout
    assert f"the content of the release {second}" in done.stdout
    assert two.settings.database.stat().st_mtime_ns == before
    with dg.DagsterInstance.from_config(str(two.settings.data_dir / "dagster")) as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey(["release", "ogp_duckdb"]))
        metadata = event.asset_materialization.metadata
    assert metadata["status"].value == "held"
    assert "the themes are wrong" in metadata["hold"].value
    lifted = command(two, "unhold")
    assert f"changes since {first}: 50 source" in lifted.stdout


def test_another_run_that_works_is_waited_for(two: World) -> None:
    import fcntl

    first, _ = ids(two)
    with (two.settings.data_dir / ".lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        done = command(two, "rollback", first)
        assert done.returncode == 1
        assert "another run is working" in done.stderr
        assert command(two, "hold").returncode == 0, "a hold must come before the run that works publishes"
        assert command(two, "releases").returncode == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_written_is_told_in_words(two: World) -> None:
    two.settings.data_dir.chmod(0o555)
    try:
        done = command(two, "rollback", "previous")
    finally:
        two.settings.data_dir.chmod(0o755)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


# --- rebuild --------------------------------------------------------------------------------------------------------


def test_a_release_is_built_again_with_the_same_bytes_though_files_and_downloads_moved_on(
    published_once: World, tmp_path: Path
) -> None:
    """A workbook of two sheets, a page, a partial release with a date, files refused, repeated, missing and changed."""
    world = crowded(published_once.copy_to(tmp_path))
    release = world.build().publish().release_id
    changed = query(world.settings.database, "select count(*) from meta.sources where content_changed_at is not null")
    assert changed[0][0] == 1, "what nobody can know from the bytes alone"
    shutil.rmtree(world.inputs)  # the files are gone; the snapshots are kept
    for described in world.settings.snapshots_dir.glob("*.json"):
        described.unlink()
    before = files_of(world.settings.data_dir)
    found = rebuild_release(world.settings, world.catalog, release)
    assert found.is_identical, (found.differing, found.lacking, found.additional)
    assert found.tables > 75
    assert found.code_hash[0] == found.code_hash[1]
    assert files_of(world.settings.data_dir) == before, "the data folder is only read"


def test_what_was_known_of_a_download_is_told_as_then(published: World, tmp_path: Path) -> None:
    """No server is asked, and the record of the download, which has moved on since, is not read."""
    before = published.rows("select * from meta.sources order by source_file")
    moment = datetime(2026, 3, 1, 4, 30)
    of_download = {
        "source_file": "official/ogpirm_live_data.csv",
        "note": "the good download of 2026-03-01 is in use, because the server was silent",
        "is_stale_download": True,
        "rhythm_days": 400,
        **dict.fromkeys(("fetched_at", "checked_at", "content_changed_at"), moment),
        "released_date": moment.date(),
        "url": "https://example.org/file.csv",
    }
    rows = [{**row, **of_download} if row["source_file"] == "commitments.csv" else row for row in before]
    files = files_as_recorded(published.settings, rows, ("official", "/x"), layouts(published.catalog))
    assert [file.name for file in files] == ["official/ogpirm_live_data.csv", "process.csv"]
    there = Settings(tmp_path / "there", sources=("official", "/x"))
    build_tables(there, published.catalog, dict(published.catalog.steps())["meta__sources"], given_files=files)
    published.settings = there
    assert published.rows("select * from meta.sources order by source_file") == sorted(
        rows, key=lambda row: row["source_file"]
    )


def crowded(world: World) -> World:
    """Sources of every kind that a release can have."""
    from openpyxl import Workbook

    world.ten_plans(Theme="other")
    world.master({"Theme": "x"}, file="later/master.csv")
    shutil.copyfile(world.inputs / "later" / "master.csv", world.inputs / "the same.csv")
    world.page("notes.csv", "a,b\n1,2\n")
    world.page("pages/1.md", "no front matter")
    book = Workbook()
    for layout, sheet in (("member_list", "B#1"), ("eligibility", "A")):
        rows = book.create_sheet(sheet)
        rows.append([*world.header(layout), f"Extra {sheet}"])
    book["B#1"].append(["ALB", "Albania", "national"])
    book.save(world.inputs / "a#book.xlsx")
    world.manifest(
        "- {file: later, released: 2020-01-31, partial: true, publisher: OGP, url: 'https://x.org', licence: CC}\n"
        "- {file: gone.csv}\n"
    )
    return world


def test_what_differs_is_named_with_the_program_as_the_reason(published: World, tmp_path: Path) -> None:
    (release,) = ids(published)
    model = published.catalog["metrics.influence_stages"]
    other = replace(model, sql=f"select * from ({model.sql}) limit 3", code_hash="other")
    published.catalog = replace(published.catalog, models={**published.catalog.models, model.name: other})
    found = rebuild_release(published.settings, published.catalog, release)
    assert not found.is_identical
    assert found.differing == (model.name,)
    assert found.code_hash[0] != found.code_hash[1]


def test_rebuild_as_people_run_it_and_what_it_leaves(published: World, tmp_path: Path) -> None:
    (release,) = ids(published)
    folder = tmp_path / "rebuilt"
    done = command(published, "rebuild", release, "--into", str(folder))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"Identical: {release}")
    assert query(folder / "ogp.duckdb", "select count(*) from marts.commitments") == [(50,)]
    again = command(published, "rebuild", release, "--into", str(folder))
    assert again.returncode == 2
    assert "not an empty folder" in again.stderr


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        pytest.param(
            lambda world: [path.unlink() for path in world.settings.snapshots_dir.glob("*.csv")],
            r"commitments\.csv: its bytes are not kept any more",
            id="a snapshot that retention took",
        ),
        pytest.param(
            lambda world: [path.write_bytes(b"other") for path in world.settings.snapshots_dir.glob("*.csv")],
            r"process\.csv: its bytes are not kept any more",
            id="a snapshot with other bytes",
        ),
        pytest.param(
            lambda world: [p.unlink() for p in world.settings.releases_dir.glob("*/manifest.json")],
            "nobody knows what it was made of",
            id="no manifest",
        ),
        pytest.param(
            lambda world: [
                p.write_bytes(b"") for p in world.settings.releases_dir.glob("*/parquet/meta.sources.parquet")
            ],
            "meta.sources.parquet is missing or damaged",
            id="its list of files is damaged",
        ),
        pytest.param(
            lambda world: [p.write_text('{"files": {}}') for p in world.settings.releases_dir.glob("*/manifest.json")],
            "does not tell inputs_fingerprint",
            id="a manifest of another form",
        ),
    ],
)
def test_a_release_that_cannot_be_built_again_says_what_is_gone(published: World, spoil, words: str) -> None:
    spoil(published)
    with pytest.raises(InputError, match=words):
        rebuild_release(published.settings, published.catalog, ids(published)[0])


def test_a_release_is_not_built_into_the_data_folder(published: World) -> None:
    with pytest.raises(OutputError, match="inside the data folder"):
        rebuild_release(published.settings, published.catalog, ids(published)[0], published.settings.data_dir / "new")


@pytest.mark.parametrize(
    "arguments", [("changes",), ("figures", "--output", "figures"), ("hold",), ("query", "select 1")], ids=" ".join
)
def test_a_damaged_file_is_told_with_what_helps(world: World, arguments: tuple[str, ...]) -> None:
    """A refresh would refuse to replace what nobody can read."""
    world.settings.data_dir.mkdir(parents=True, exist_ok=True)
    world.settings.database.write_bytes(b"no database")
    done = command(world, *arguments)
    assert "ogp-pipeline doctor` says what" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr and "ogp-pipeline refresh" not in done.stdout + done.stderr


def test_a_mistyped_data_folder_is_not_made(world: World, tmp_path: Path) -> None:
    world.settings = replace(world.settings, data_dir=tmp_path / "mistyped")
    done = command(world, "rollback", "previous")
    assert done.returncode == 2 and "name the right one with --data-dir" in done.stderr
    assert not world.settings.data_dir.exists()


def test_the_sample_is_built_again_with_the_same_bytes(request: pytest.FixtureRequest, profile: str) -> None:
    if profile == "ci":
        pytest.skip("a whole refresh of the sample: with --reliability full")
    world = request.getfixturevalue("sampled_once")
    found = rebuild_release(world.settings, world.catalog, ids(world)[0])
    assert found.is_identical, (found.differing, found.lacking, found.additional)
