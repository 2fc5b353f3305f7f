"""What the tests of faults share: two states of one world, what a release holds, and what a killed run leaves."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from ogp_pipeline.store import sha256_of
from ogp_pipeline_tests.world import COMMITMENT, World, query

# A cell of the first commitment, by which a release shows what it was built from.
CELL = "Lead Institution"
# The first edition is what `World.ten_plans` writes, so that the world of `published` is of it.
EDITIONS = (COMMITMENT["Lead Institution"], "Ministry of the Exterior")
EDITION_OF = "select lead_institution from marts.commitments where commitment_id = 'AP_ALB01-1'"


def write_edition(world: World, edition: str) -> None:
    """Write the sources of ten plans with one cell as the edition has it."""
    rows = world.ten_plans()
    world.commitments({**rows[0], CELL: edition}, *rows[1:])


def build_edition(world: World, edition: str) -> None:
    """Write an edition and build the tables that are not of it yet, as `build` would build all."""
    write_edition(world, edition)
    for step, models in world.catalog.steps():
        stale = {fault.split()[0] for fault in world.store.faults()}
        if step == "meta__sources" or "raw" in {m.schema for m in models} or stale & {m.name for m in models}:
            world.build(step)


class TablesOfEditions:
    """The working tables of both editions, so that a test can change from one to the other without building.

    `world` is published in the first edition, and its working tables are of the second one afterwards.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.kept = {edition: world.inputs.parent / f"tables {edition}" for edition in EDITIONS}
        shutil.copytree(world.settings.tables_dir, self.kept[EDITIONS[0]])
        build_edition(world, EDITIONS[1])
        shutil.copytree(world.settings.tables_dir, self.kept[EDITIONS[1]])

    def use(self, edition: str) -> None:
        """Let the working tables be those of an edition."""
        shutil.rmtree(self.world.settings.tables_dir)
        shutil.copytree(self.kept[edition], self.world.settings.tables_dir)


def content_of(database: Path) -> dict[str, tuple[int, int]]:
    """Rows and an order-free hash of every table of a release but those of meta, which tell of the run."""
    names = query(
        database,
        "select schema_name || '.' || table_name from duckdb_tables() "
        "where database_name = 'release' and schema_name <> 'meta' order by 1",
    )
    return {name: (rows, found) for name, rows, found in query(database, _hashes([name for (name,) in names]))}


def content_of_tables(world: World) -> dict[str, tuple[int, int]]:
    """The same of the working tables: what a release of them must hold."""
    names = [model.name for model in world.catalog.public if model.schema != "meta"]
    with world.store.session(names) as connection:
        return {name: (rows, found) for name, rows, found in connection.execute(_hashes(names)).fetchall()}


def _hashes(tables: Sequence[str]) -> str:
    return " union all ".join(
        f"select '{name}', count(*), coalesce(bit_xor(hash(t)), 0)::hugeint from {name} as t" for name in tables
    )


def release_id_of(database: Path) -> str:
    """The id of the release in a file."""
    return query(database, "select max(release_id) from meta.releases")[0][0]


def same_bytes(database: Path, release: Path) -> bool:
    """Whether the published file is a copy of a kept one."""
    return sha256_of(database) == sha256_of(release / "ogp.duckdb")


def hidden_files(data_dir: Path) -> list[str]:
    """What lies in a data folder under a hidden name, but for the lock; Dagster's own folder is Dagster's."""
    found = [path.relative_to(data_dir) for path in data_dir.rglob(".*")]
    return sorted(str(path) for path in found if path.parts[0] not in (".lock", "dagster"))


# The name by which a process and all that it starts are known: whoever is killed leaves no child behind.
MARK = "OGP_TESTS_MARK"


def marked(mark: str) -> dict[str, str]:
    """What to add to the environment of a process to find it and its children again."""
    return {MARK: mark}


def living(mark: str) -> set[int]:
    """The processes with a mark that live; a zombie has no environment any more."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile, or is another user's
            if f"{MARK}={mark}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                found.add(int(folder.name))
    return found - {os.getpid()}


def wait_until(holds: Callable[[], bool], patience: float = 300, pause: float = 0.001) -> None:
    """Look again and again, for another process works on its own; far longer than it takes (seconds), then fail."""
    end = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < end, "it did not come to that"
        if pause:
            time.sleep(pause)
