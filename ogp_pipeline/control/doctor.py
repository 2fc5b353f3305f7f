"""Asks whether the nightly can run and the releases are whole; whatever is broken, the answer is a line, no crash."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict

from ogp_pipeline.control import doctor_data, doctor_machine
from ogp_pipeline.control.examination import FAIL, OK, WARN, Check, Line, fail
from ogp_pipeline.errors import OgpError
from ogp_pipeline.safe_text import visible
from ogp_pipeline.settings import Settings

CHECKS: dict[str, Check] = {
    "python": doctor_machine.python,
    "packages": doctor_machine.packages,
    "folders": doctor_machine.writable,
    "file system": doctor_machine.file_system,
    "disk": doctor_machine.disk,
    "clock": doctor_machine.clock,
    "lock": doctor_machine.lock,
    "schedule": doctor_machine.schedule,
    "sources": doctor_data.sources,
    "last run": doctor_data.last_run,
    "status": doctor_data.status,
    "hold": doctor_data.hold,
    "current release": doctor_data.current,
    "kept releases": doctor_data.kept,
    "snapshots": doctor_data.snapshots,
}


def examine(settings_of: Callable[[], Settings]) -> list[Line]:
    """One line for each check; only that of the settings where they cannot be read."""
    try:
        settings = settings_of()
    except OgpError as error:
        return fail("settings", "; ".join(error.problems), "set it otherwise, or unset it")
    return [line for topic, check in CHECKS.items() for line in _lines(topic, check, settings)]


def _lines(topic: str, check: Check, settings: Settings) -> list[Line]:
    try:
        return check(settings)
    except OgpError as error:
        return fail(topic, "; ".join(error.problems), "mend what it names")
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        return fail(topic, f"{place}{error.strerror or error}", "make it readable for who runs this")
    except Exception as error:  # a broken file can break any library that reads it, and the other checks still count
        first = str(error).strip().split("\n")[0]
        return fail(topic, f"it cannot be found out ({type(error).__name__}: {first})", "look at what it names")


def as_text(lines: Sequence[Line]) -> str:
    """One line for each check, with what to do below it."""
    width = max(len(line.topic) for line in lines)
    told = []
    for line in lines:
        told.append(f"{line.state:<4}  {line.topic:<{width}}  {visible(line.finding)}")
        if line.advice:
            told.append(f"{'':<{width + 8}}-> {visible(line.advice)}")
    counts = {state: sum(line.state == state for line in lines) for state in (OK, WARN, FAIL)}
    return "\n".join([*told, "", ", ".join(f"{count} {state}" for state, count in counts.items())]) + "\n"


def as_json(lines: Sequence[Line]) -> str:
    """A list of topic, state, finding and advice."""
    return json.dumps([asdict(line) for line in lines], indent=1) + "\n"


FORMATS: dict[str, Callable[[Sequence[Line]], str]] = {"text": as_text, "json": as_json}
