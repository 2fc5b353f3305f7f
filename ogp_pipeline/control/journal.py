"""`data/journal.jsonl`: what people did with the releases, one line each; nothing is ever taken out of it."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import Any

from ogp_pipeline.settings import Settings


def note(settings: Settings, action: str, **details: Any) -> None:
    """Add one line: `action` is hold, unhold or rollback."""
    entry = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "action": action, **details}
    with settings.journal.open("ab") as file:
        # a line of a writer that was killed in the middle of it stays a line of its own
        begin = b"\n" if file.tell() and not _ends_a_line(settings) else b""
        file.write(begin + json.dumps(entry, ensure_ascii=False).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def entries(settings: Settings) -> list[dict[str, Any]]:
    """Every line that can be read, oldest first."""
    try:
        lines = settings.journal.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    found = []
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            found.append(entry)
    return found


def undone(settings: Settings) -> set[str]:
    """The ids of the releases that somebody went back from and that no later rollback made good again."""
    found: set[str] = set()
    for entry in entries(settings):
        if entry.get("action") == "rollback":
            found |= set(entry.get("undone") or ())
            found -= {entry.get("release"), *(entry.get("history") or ())}
    return found


def _ends_a_line(settings: Settings) -> bool:
    with settings.journal.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
