"""What a benchmark gives: a measured value, what it is compared with in the same run, and the limit it should keep."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Measurement:
    """One line of the table.

    `value` and `compared` are in `unit` and come from the same run on the same machine; `ratio` is the first over the
    second; `limit` is what the ratio (or, without a comparison, the value) should not pass, None where none is set.
    A value that could not be measured, or was left out for lack of time, is NaN, and the note says why.
    """

    group: str  # refresh, definitions, growth, side by side, analysts
    what: str
    value: float
    unit: str  # s, ms, MiB, us/commitment
    compared_with: str | None = None
    compared: float | None = None
    limit: float | None = None
    note: str = ""
    is_left_out: bool = False

    @property
    def is_missing(self) -> bool:
        """Whether it has no value."""
        return math.isnan(self.value)

    @property
    def ratio(self) -> float | None:
        """How many times what it is compared with."""
        return self.value / self.compared if self.compared else None

    @property
    def keeps_limit(self) -> bool | None:
        """Whether the limit is kept; None where there is none."""
        if self.limit is None or self.is_missing:
            return None
        return (self.ratio if self.compared else self.value) <= self.limit


def missing(group: str, what: str, why: str) -> Measurement:
    """The line of what could not be measured."""
    return Measurement(group, what, math.nan, "s", note=why)


def left_out(group: str, what: str, minutes: float) -> Measurement:
    """The line of what would have taken longer than there was time for."""
    why = f"left out: it takes {minutes:.0f} minutes or so, for which there was no time; --minutes gives more"
    return Measurement(group, what, math.nan, "s", note=why, is_left_out=True)
