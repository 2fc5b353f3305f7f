"""What was found out about a file in this process, for as long as the file stays as it was.

Every step of a run that reads sources looks at all of them. A file is looked at again only when the system says that it
may hold other bytes: another file, size or time of change. Not here: what is found out.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

Found = TypeVar("Found")

# A file that changed so shortly before can change again within the same tick of the clock of a file system.
SETTLED_AFTER_SECONDS = 2.0


@dataclass
class LookedAt(Generic[Found]):
    """Remembers the last answer about each file, with the question it answers."""

    _known: dict[Path, tuple[tuple[int, ...], Any, Found]] = field(default_factory=dict)

    def once(self, path: Path, question: Any, look: Callable[[], Found]) -> Found:
        """The answer of `look` to `question` about the file; the earlier one where the same was asked of the same file.

        What `look` raises passes and nothing is remembered.
        """
        state = _state(path)
        if state is not None and path in self._known:
            known_state, known_question, answer = self._known[path]
            if known_state == state and known_question == question:
                return answer
        self._known.pop(path, None)
        answer = look()
        if state is not None and _state(path) == state and _is_settled(state):
            self._known[path] = (state, question, answer)
        return answer


def _state(path: Path) -> tuple[int, ...] | None:
    """What changes whenever the bytes do, the time of change in nanoseconds last; None where there is no file."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _is_settled(state: tuple[int, ...]) -> bool:
    return time.time() - state[-1] / 1e9 > SETTLED_AFTER_SECONDS
