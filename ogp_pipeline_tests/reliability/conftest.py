"""The figures of the reliability tests: each test records what it counted, and one table at the end prints them all."""

from __future__ import annotations

from collections.abc import Callable

import pytest

FIGURE = "figure"


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str, object], None]:
    """`figure("kills after which the file was whole", "100 of 100")`: one line of the table at the end."""

    def record(what: str, value: object) -> None:
        request.node.user_properties.append((FIGURE, (what, str(value))))

    return record


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
