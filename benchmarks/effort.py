"""How much the benchmarks try: how often each figure is measured, and until when."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

REPEATED_FROM = 60  # minutes


@dataclass(frozen=True)
class Effort:
    """`minutes` from now on; `is_quick` is a look of a few minutes at smaller sizes."""

    minutes: float = 20
    is_quick: bool = False
    start: float = field(default_factory=time.monotonic)

    def times(self, many: int, few: int = 1) -> int:
        """`many` where there is time to repeat what takes long, else `few`."""
        return many if self.is_thorough else 1 if self.is_quick else few

    @property
    def is_thorough(self) -> bool:
        """Whether there is time to repeat what takes long."""
        return self.minutes >= REPEATED_FROM and not self.is_quick

    @property
    def minutes_left(self) -> float:
        """Negative where the time is over."""
        return self.minutes - (time.monotonic() - self.start) / 60

    def fits(self, seconds: float) -> bool:
        """Whether there is time for what takes so long."""
        return seconds / 60 <= self.minutes_left
