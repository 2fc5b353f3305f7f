"""One line of an examination: what was looked at, how it is, and what to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ogp_pipeline.settings import Settings

OK, WARN, FAIL = "ok", "warn", "fail"


@dataclass(frozen=True)
class Line:
    """`state` is ok, warn (somebody should look) or fail (the nightly will not run, or a release is not whole).

    `advice` is what to do; blank where nothing is to be done.
    """

    topic: str
    state: str
    finding: str
    advice: str = ""


Check = Callable[[Settings], list[Line]]


def ok(topic: str, finding: str) -> list[Line]:
    """All is well."""
    return [Line(topic, OK, finding)]


def warn(topic: str, finding: str, advice: str) -> list[Line]:
    """Somebody should look."""
    return [Line(topic, WARN, finding, advice)]


def fail(topic: str, finding: str, advice: str) -> list[Line]:
    """The nightly will not run, or a release is not whole."""
    return [Line(topic, FAIL, finding, advice)]


def shortened(names: list[str], most: int = 3) -> str:
    """The first of some names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
