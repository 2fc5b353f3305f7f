"""The figures of the reliability tests: each test records what it counted, and one table at the end prints them all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ogp_pipeline_tests.reliability.releases import EDITIONS, build_edition
from ogp_pipeline_tests.world import World

FIGURE = "figure"


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str, object], None]:
    """`figure("kills after which the file was whole", "100 of 100")`: one line of the table at the end."""

    def record(what: str, value: object) -> None:
        request.node.user_properties.append((FIGURE, (what, str(value))))

    return record


@pytest.fixture(scope="session")
def changed_once(published_once: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A world that is published in the first edition and whose working tables are of the second; only copied."""
    world = published_once.copy_to(tmp_path_factory.mktemp("changed"))
    build_edition(world, EDITIONS[1])
    return world


@pytest.fixture
def changed(changed_once: World, tmp_path: Path) -> World:
    """A copy of that world, for one test: it would publish something."""
    return changed_once.copy_to(tmp_path)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table, also of failed tests: a figure that was counted is told."""
    lines = []
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            found = [value for name, value in getattr(report, "user_properties", []) if name == FIGURE]
            if report.when == "call":
                lines += [(report.nodeid.split("::")[0].split("/")[-1], *each, outcome) for each in found]
    if not lines:
        return
    terminalreporter.section("reliability figures")
    for module, what, value, outcome in sorted(lines):
        terminalreporter.write_line(f"{module:<28} {what:<62} {value}{'' if outcome == 'passed' else '  FAILED'}")
