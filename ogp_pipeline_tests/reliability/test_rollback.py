"""A rollback that is killed: analysts open the old or the new release, byte for byte, and it can be done again."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import time
from collections.abc import Callable

import duckdb

from ogp_pipeline.store import sha256_of
from ogp_pipeline_tests.commands import CLEAN, PROGRAM
from ogp_pipeline_tests.world import World

KILLS = {"ci": 8, "full": 60, "nightly": 300}
SEED = 5


def with_a_later_release(world: World) -> tuple[str, str]:
    """Keep a copy of the release under a later id, with a manifest that is true of it; the two ids."""
    (first,) = world.settings.releases_dir.glob("[0-9]*")
    second = first.with_name("2999-01-01T000000.000000Z")
    shutil.copytree(first, second)
    database = second / "ogp.duckdb"
    database.chmod(0o644)
    with duckdb.connect(str(database)) as connection:
        connection.execute("update meta.releases set release_id = ?", [second.name])
    manifest = json.loads((second / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"]["ogp.duckdb"] = {"bytes": database.stat().st_size, "sha256": sha256_of(database)}
    (second / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return first.name, second.name


def test_a_killed_rollback_leaves_one_whole_release(
    published: World, profile: str, figure: Callable[[str, object], None]
) -> None:
    releases = with_a_later_release(published)
    folder, database = published.settings.releases_dir, published.settings.database
    hashes = {name: sha256_of(folder / name / "ogp.duckdb") for name in releases}
    start = time.monotonic()
    assert rollback(published, releases[1]).wait() == 0
    whole = time.monotonic() - start
    chance = random.Random(SEED)
    found = []
    for number in range(KILLS[profile]):
        target = releases[number % 2]
        process = rollback(published, target)
        time.sleep(chance.uniform(0.3, 1.1) * whole)  # before it the program only loads
        process.kill()
        process.wait()
        found.append(sha256_of(database) in hashes.values())
        again = rollback(published, target)
        assert again.wait() == 0, again.stderr.read()
        assert sha256_of(database) == hashes[target]
        assert not list(published.settings.data_dir.glob(".ogp.duckdb.*.tmp")), "what a killed one left is removed"
        assert database.stat().st_mode & 0o777 == 0o444
    figure("kills of a rollback after which the file was one release whole", f"{sum(found)} of {len(found)}")
    assert all(found)


def rollback(world: World, release: str) -> subprocess.Popen[bytes]:
    """The command in a process of its own."""
    command = [str(PROGRAM), "rollback", release, "--data-dir", str(world.settings.data_dir)]
    return subprocess.Popen(command, env=CLEAN, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
