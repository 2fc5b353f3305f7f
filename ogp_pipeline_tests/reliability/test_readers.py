"""Four analysts query through one publish after another: no error, and every connection sees one whole release."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ogp_pipeline_tests.commands import CLEAN
from ogp_pipeline_tests.reliability.releases import EDITIONS, TablesOfEditions, release_id_of, wait_until
from ogp_pipeline_tests.world import World

PUBLISHES = {"ci": 4, "full": 50, "nightly": 200}
# How often each of the four asks everything within one connection: who opens the file again and again meets a rename
# while opening it, who keeps it open meets renames while asking.
ROUNDS = (1, 1, 5, 50)
PATIENCE = 120  # seconds that a reader may take to come to the last release


class Readers:
    """The four processes; `seen` are the files in which they note new releases."""

    def __init__(self, world: World) -> None:
        folder = world.inputs.parent
        self.stop = folder / "stop"
        self.seen = [folder / f"seen {number}" for number in range(len(ROUNDS))]
        command = [sys.executable, "-m", "ogp_pipeline_tests.reliability.reader", str(world.settings.database)]
        self.processes = [
            subprocess.Popen(
                [*command, str(rounds), str(seen), str(self.stop)],
                cwd=Path(__file__).resolve().parents[2],
                env=CLEAN,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for rounds, seen in zip(ROUNDS, self.seen, strict=True)
        ]

    def have_all_seen(self, release_id: str) -> bool:
        """Whether every reader that lives came to a release; also where one failed, which is told at the end."""
        return any(process.poll() is not None for process in self.processes) or all(
            seen.exists() and release_id in seen.read_text(encoding="utf-8").split() for seen in self.seen
        )

    def finish(self) -> list[dict]:
        """Stop them; what each counted. None may have failed."""
        self.stop.touch()
        told = [process.communicate(timeout=PATIENCE) for process in self.processes]
        assert [errors for _, errors in told if errors] == []
        return [json.loads(printed) for printed, _ in told]


@pytest.fixture
def readers(published: World) -> Iterator[Readers]:
    readers = Readers(published)
    yield readers
    for process in readers.processes:
        process.kill()
        process.communicate()


def test_readers_see_whole_releases_through_publishes(published: World, readers: Readers, profile: str, figure) -> None:
    tables = TablesOfEditions(published)
    database = published.settings.database
    expected = {release_id_of(database): EDITIONS[0]}  # release -> its edition
    wait_until(lambda: readers.have_all_seen(release_id_of(database)), PATIENCE, pause=0.02)
    begin = time.monotonic()
    for number in range(1, PUBLISHES[profile] + 1):
        edition = EDITIONS[number % 2]
        tables.use(edition)
        outcome = published.publish()
        assert outcome.status == "published"
        expected[outcome.release_id] = edition
    seconds = time.monotonic() - begin
    wait_until(lambda: readers.have_all_seen(outcome.release_id), PATIENCE, pause=0.02)
    told = readers.finish()
    seen = {release: edition for each in told for release, edition in each["editions"].items()}
    assert seen.items() <= expected.items()
    assert {min(expected), max(expected)} <= seen.keys()
    for each in told:
        assert each["queries"] > 10
    figure("readers at once", len(told))
    figure("publishes during them", f"{len(expected) - 1} in {seconds:.0f} s")
    figure("queries, errors", f"{sum(each['queries'] for each in told):,}, 0")
    figure("connections that saw one whole release", f"{sum(each['connections'] for each in told):,} of all")
    figure("releases seen", f"{len(seen)} of {len(expected)}")
