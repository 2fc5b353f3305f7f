"""Another version of the program on a data folder that is there: it goes on without help, and nothing is lost."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ogp_pipeline.store import connect, literal, sha256_of
from ogp_pipeline_tests.commands import CLEAN, run
from ogp_pipeline_tests.world import World, query

CHECKOUT = Path(__file__).resolve().parents[1]
# The last state before holds, rollbacks, the history of runs and the retention of snapshots.
OLDER = "95c03bcc"
HISTORY = "select release_id, content_fingerprint, git_commit from meta.releases order by 1"


def changed_in_place(world: World, *statements: str) -> None:
    """The published release after statements on it, as if another version had made it: the file and its kept copy."""
    path = world.settings.database
    other = path.with_suffix(".other")
    shutil.copyfile(path, other)
    other.chmod(0o644)
    with connect() as connection:
        connection.execute(f"attach {literal(other.as_posix())} as release")
        connection.execute("use release")
        for statement in statements:
            connection.execute(statement)
    other.chmod(0o444)
    os.replace(other, path)
    (manifest,) = world.settings.releases_dir.glob("[0-9]*/manifest.json")
    content = json.loads(manifest.read_text(encoding="utf-8"))
    content["files"][path.name] = {"bytes": path.stat().st_size, "sha256": sha256_of(path)}
    manifest.write_text(json.dumps(content), encoding="utf-8")
    os.replace(shutil.copyfile(path, other), manifest.with_name(path.name))


@pytest.mark.parametrize(
    "statements",
    [
        pytest.param(
            (
                "update meta.releases set code_hash = 'older'",
                "alter table meta.releases drop compared_with",
                "alter table meta.releases drop git_commit",
                "drop table meta.changes",
                "drop table meta.consequences",
                "alter table meta.tables drop code_hash",
                "alter table meta.tables drop sql",
                "alter table meta.sources drop unchanged_since",
                "alter table meta.sources drop rhythm_days",
                "drop view main.data_through",
                "drop table metrics.data_through",
            ),
            id="an older one, which recorded less and had fewer tables",
        ),
        pytest.param(
            (
                "update meta.releases set code_hash = 'newer'",
                "alter table meta.releases add column signature varchar",
                "update meta.releases set signature = 'abc'",
                "create table metrics.of_the_future as select 1 as answer",
                "alter table marts.commitments add column of_the_future integer",
            ),
            id="a newer one, which is gone back from",
        ),
    ],
)
def test_a_release_of_another_version_is_followed_by_one_of_this(published: World, statements) -> None:
    changed_in_place(published, *statements)
    ((before,),) = query(published.settings.database, "select release_id from meta.releases")
    outcome = published.publish()
    assert outcome.status == "published", "the program is another, so the release is"
    rows = query(published.settings.database, "select release_id, rows_read from meta.releases order by 1")
    assert rows == [(before, 60), (outcome.release_id, 60)]
    assert query(published.settings.database, "select count(*) from commitments") == [(50,)]
    causes = query(published.settings.database, "select distinct cause from meta.changes where cause <> 'code'")
    assert causes == [], "the input is the same"
    assert published.publish().status == "unchanged"


def test_working_tables_of_another_version_are_built_anew(published: World) -> None:
    """Also when single ones cannot be read by this one: a refresh starts from the files."""
    for path in published.settings.tables_dir.glob("marts.*"):
        path.write_bytes(b"of another time")
    assert published.build().publish().status == "unchanged"


def test_a_data_folder_of_the_version_before_is_refreshed_without_help(
    world: World, tmp_path: Path, profile: str
) -> None:
    if profile == "ci":
        pytest.skip("it runs a whole refresh of an older program: --reliability full")
    archive = subprocess.run(["git", "-C", str(CHECKOUT), "archive", OLDER], capture_output=True, check=False)
    if archive.returncode:
        pytest.skip(f"the history of this checkout does not reach back to {OLDER}")
    older = tmp_path / "older"
    older.mkdir()
    subprocess.run(["tar", "-x", "-C", str(older)], input=archive.stdout, check=True)
    world.ten_plans(count=2)
    data = world.settings.data_dir
    command = "from ogp_pipeline.cli import main; main()"
    arguments = ["refresh", "--data-dir", str(data), "--sources", str(world.inputs)]
    done = subprocess.run(
        [sys.executable, "-P", "-c", command, *arguments],
        env={**CLEAN, "PYTHONPATH": str(older)},
        cwd=older,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (data / "runs.jsonl").exists(), "it was the older program"
    before = query(world.settings.database, HISTORY)
    assert len(before) == 1
    upgraded = run(data)
    assert upgraded.returncode == 0, upgraded.stdout + upgraded.stderr
    after = query(world.settings.database, HISTORY)
    assert (len(after), after[0]) == (2, before[0])
    causes = "select distinct cause from meta.changes where cause <> 'code'"
    assert query(world.settings.database, causes) == []
    assert (data / "runs.jsonl").exists()
    assert (data / "status.json").exists()
