"""Kill -9 at any moment of a refresh: the published file is whole, the old or the new one, and the next run succeeds.

A killed run is executed again from the step in which it was killed, as Dagster does, and killed again later, so that
one pass over a refresh takes many kills; at its end a run comes through and publishes.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from ogp_pipeline.models import Catalog
from ogp_pipeline.store import sha256_of
from ogp_pipeline_tests.commands import CLEAN, PROGRAM, run
from ogp_pipeline_tests.reliability.releases import (
    EDITION_OF,
    EDITIONS,
    content_of,
    content_of_tables,
    hidden_files,
    living,
    marked,
    wait_until,
    write_edition,
)
from ogp_pipeline_tests.world import World, query

# kills at random moments of each pass, passes, kills within the last moments of each publish
KILLS = {"ci": (8, 1, 2), "full": (22, 4, 4), "nightly": (40, 10, 10)}
KILLS_OF_THE_COMMAND_LINE = {"ci": 1, "full": 4, "nightly": 20}


class Refresher:
    """The process that forks a child for each refresh (see `refresher`)."""

    def __init__(self, world: World) -> None:
        self.notes = world.inputs.parent / "steps"
        self.mark = str(world.inputs.parent)
        command = [sys.executable, "-m", "ogp_pipeline_tests.reliability.refresher"]
        self.process = subprocess.Popen(
            [*command, str(world.settings.data_dir), str(world.inputs)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **marked(self.mark)},
            text=True,
        )
        self.own = {self.process.pid}

    def start(self, first: int) -> int:
        """Start a refresh at a step; the process that does it, once it does."""
        self.notes.unlink(missing_ok=True)
        child = int(self._ask(str(first)))
        wait_until(lambda: self.notes.exists() and self.notes.read_text().endswith("\n"))
        return child

    def judge(self) -> None:
        """Ask Great Expectations of the working tables what every child asks of them again."""
        assert self._ask("judge") == "judged"
        self.own |= living(self.mark)  # with the process in which Great Expectations is asked

    def end(self) -> int:
        """How the child ended: 0 well, 1 by an error, -9 killed."""
        return int(self.process.stdout.readline())

    def step(self) -> int:
        """The step the child came to."""
        return int(self.notes.read_text().rsplit("\n", 2)[-2].split()[0])

    def orphans(self) -> set[int]:
        """The processes that children started and that live."""
        return living(self.mark) - self.own

    def _ask(self, request: str) -> str:
        self.process.stdin.write(f"{request}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()


class Killed:
    """A world, the refreshes of it that were killed, and what its published file was found to be after each."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.refresher = Refresher(world)
        self.publishing = len(world.catalog.steps())  # the number of the last step
        self.contents = {EDITIONS[0]: content_of(world.settings.database)}
        self.starts = self._measure(EDITIONS[1])
        self.edition = EDITIONS[1]  # of what is published
        self.known: dict[str, str] = {}  # sha256 of a file that was found whole -> its edition
        self.found: Counter[str] = Counter()
        self.longest_orphan = 0.0  # seconds that a child of a killed process outlived it

    def _measure(self, edition: str) -> list[float]:
        """Publish an edition; when each step began, and when the last one ended, in seconds."""
        write_edition(self.world, edition)
        begin = time.monotonic()
        starts = [0.0]
        for step, _ in self.world.catalog.steps():
            self.world.build(step)
            starts.append(time.monotonic() - begin)
        self.contents[edition] = content_of_tables(self.world)
        self.refresher.judge()
        begin = time.monotonic()
        self.refresher.start(self.publishing)
        assert self.refresher.end() == 0
        return [*starts, starts[-1] + time.monotonic() - begin]

    def pass_over(self, moments: list[float], aimed: int, rng: random.Random) -> None:
        """Refresh from other sources with a kill at each moment (seconds from its start), and let it come through."""
        old = self.edition
        self.edition = next(edition for edition in EDITIONS if edition != old)
        write_edition(self.world, self.edition)
        step = 0
        for moment in sorted(moments):
            child = self.refresher.start(step)
            begin = time.monotonic()
            delay = max(0.0, moment - self.starts[step])
            wait_until(lambda: self._is_over(child) or time.monotonic() - begin >= delay)  # noqa: B023
            if self._kill(child, old, "at random"):
                return
            step = self.refresher.step()
        for _ in range(aimed):
            child = self.refresher.start(step)
            wait_until(lambda: self._is_over(child) or self._is_about_to_rename())  # noqa: B023
            begin, delay = time.monotonic(), rng.uniform(0, 0.06)
            wait_until(lambda: time.monotonic() - begin >= delay, pause=0)  # noqa: B023
            if self._kill(child, old, "around the rename"):
                return
            step = self.refresher.step()
        self.refresher.start(step)
        self._come_through()

    def _is_over(self, child: int) -> bool:
        return self.refresher.step() > self.publishing

    def _is_about_to_rename(self) -> bool:
        return any(self.world.settings.releases_dir.glob(".candidate-*/manifest.json"))

    def _kill(self, child: int, old: str, when: str) -> bool:
        """Kill a refresh, look at what is published; whether it had come through before."""
        # the process alone, as the system does where memory is short: what it started must end by itself
        os.kill(child, signal.SIGKILL)
        ended = self.refresher.end()
        begin, orphans = time.monotonic(), bool(self.refresher.orphans())
        wait_until(lambda: not self.refresher.orphans(), pause=0.01)
        if orphans:
            self.found["second processes that a kill orphaned"] += 1
            self.longest_orphan = max(self.longest_orphan, time.monotonic() - begin)
        if ended == 0:
            self._check()
            return True
        assert ended == -signal.SIGKILL
        self.found[f"kills {when}"] += 1
        self.found["after it the old release" if self._whole() == old else "after it the new release"] += 1
        return False

    def _come_through(self) -> None:
        assert self.refresher.end() == 0
        self._check()

    def _whole(self) -> str:
        """The edition of the published file, which is exactly a release of it."""
        database = self.world.settings.database
        sha256 = sha256_of(database)
        if sha256 not in self.known:
            edition = query(database, EDITION_OF)[0][0]
            assert content_of(database) == self.contents[edition]
            releases = self.world.settings.releases_dir.glob("*/ogp.duckdb")  # also a candidate that is not kept yet
            assert sha256 in {sha256_of(path) for path in releases}
            self.known[sha256] = edition
        return self.known[sha256]

    def _check(self) -> None:
        """A run came through: the new edition is published, every kept release was, and nothing is left over."""
        settings = self.world.settings
        assert self._whole() == self.edition
        assert hidden_files(settings.data_dir) == []
        published = {row[0] for row in query(settings.database, "select release_id from meta.releases")}
        kept = {path.name for path in settings.releases_dir.iterdir()}
        assert kept <= published
        assert max(published) in kept
        self.found["runs that came through afterwards"] += 1


@pytest.fixture
def killed(published: World) -> Iterator[Killed]:
    killed = Killed(published)
    yield killed
    killed.refresher.process.kill()
    killed.refresher.process.communicate()


def test_the_published_file_is_whole_after_a_kill_at_any_moment(killed: Killed, profile: str, figure) -> None:
    at_random, passes, aimed = KILLS[profile]
    rng = random.Random(2016)
    while killed.found["kills at random"] < at_random * passes:
        killed.pass_over([rng.uniform(0, killed.starts[-1]) for _ in range(at_random)], aimed, rng)
    kills = killed.found["kills at random"] + killed.found["kills around the rename"]
    found = killed.found["after it the old release"] + killed.found["after it the new release"]
    assert kills == found >= at_random * passes
    assert killed.found["kills around the rename"] >= 1
    for what, count in sorted(killed.found.items()):
        figure(f"kill -9 of a refresh: {what}", count)
    figure("kill -9 of a refresh: published file whole, the old or the new", f"{found} of {kills}")
    figure("kill -9 of a refresh: longest life of an orphan, seconds", f"{killed.longest_orphan:.2f}")


def test_the_command_line_is_killed(published: World, catalog: Catalog, profile: str, figure, tmp_path: Path) -> None:
    world, settings = published, published.settings
    before, content = sha256_of(settings.database), content_of(settings.database)
    write_edition(world, EDITIONS[1])
    rng = random.Random(2012)
    mark, said = str(tmp_path), tmp_path / "said"
    environment = {**CLEAN, **marked(mark)}
    command = [str(PROGRAM), "refresh", "--data-dir", str(settings.data_dir), "--sources", str(world.inputs)]
    for number in range(KILLS_OF_THE_COMMAND_LINE[profile]):
        with said.open("w") as told:
            process = subprocess.Popen(command, env=environment, stdout=told, stderr=subprocess.STDOUT)
        # every second one is killed in the middle of the job, the others also while it starts
        wait_until(lambda: number % 2 or said.stat().st_size > 0 or process.poll() is not None, pause=0.01)  # noqa: B023
        begin, delay = time.monotonic(), rng.uniform(0, 4)
        wait_until(lambda: time.monotonic() - begin >= delay, pause=0.01)  # noqa: B023
        process.kill()
        assert process.wait() == -signal.SIGKILL, said.read_text()
        wait_until(lambda: not living(mark), pause=0.01)
        assert sha256_of(settings.database) == before
        assert content_of(settings.database) == content
    kills = number + 1
    figure("kill -9 of `ogp-pipeline refresh`: old release whole", f"{kills} of {kills}")
    if profile == "ci":
        return
    done = run(settings.data_dir, "--sources", str(world.inputs))
    assert done.returncode == 0, done.stderr
    assert query(settings.database, EDITION_OF) == [(EDITIONS[1],)]
    assert hidden_files(settings.data_dir) == []
    with dg.DagsterInstance.from_config(str(settings.data_dir / "dagster")) as instance:
        statuses = Counter(run.status for run in instance.get_runs(dg.RunsFilter(job_name="refresh")))
    assert set(statuses) <= {dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE}
    assert statuses[dg.DagsterRunStatus.FAILURE] >= kills // 2
    figure("killed runs that Dagster was told of by the next one", statuses[dg.DagsterRunStatus.FAILURE])
