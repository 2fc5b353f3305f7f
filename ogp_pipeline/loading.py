"""Lets Python's garbage collector rest while a process loads what it keeps to its end."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def nothing_collected() -> Iterator[None]:
    """Load without looking for garbage: modules and definitions live as long as their process.

    To look through them again and again while they are made takes a tenth of the time.
    """
    was_collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_collecting:
            gc.enable()
