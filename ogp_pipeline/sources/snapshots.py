"""The exact bytes of every input, kept under `data/snapshots` by their sha256 with where they came from."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ogp_pipeline.errors import InputError
from ogp_pipeline.settings import Settings
from ogp_pipeline.sources.looked_at import LookedAt
from ogp_pipeline.store import sha256_of, sync, write_atomically

_hashed: LookedAt[str] = LookedAt()


def snapshot_path(settings: Settings, sha256: str, suffix: str) -> Path:
    """Where the bytes of this sha256 are kept; `suffix` is that of the file they came in."""
    return settings.snapshots_dir / f"{sha256}{suffix.lower()}"


def is_whole(snapshot: Path, sha256: str) -> bool:
    """Whether a snapshot is there and holds the bytes its name promises."""
    return snapshot.is_file() and _hashed.once(snapshot, "sha256", lambda: sha256_of(snapshot)) == sha256


def is_described(snapshot: Path) -> bool:
    """Whether what stands beside a snapshot says when it was kept."""
    try:
        return "kept_at" in json.loads(snapshot.with_suffix(".json").read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError):  # absent, half a file, no text
        return False


def keep(settings: Settings, path: Path, sha256: str, name: str, origin: Mapping[str, Any]) -> Path:
    """Keep the bytes of a file, with its origin beside them, and return where they are kept.

    InputError where the file no longer has the bytes of `sha256`.
    """
    snapshot = snapshot_path(settings, sha256, path.suffix)
    if not is_whole(snapshot, sha256):
        snapshot.parent.mkdir(parents=True, exist_ok=True)
        temporary = snapshot.with_name(f".{snapshot.name}.{os.getpid()}.tmp")
        try:
            shutil.copyfile(path, temporary)
            if sha256_of(temporary) != sha256:
                raise InputError(f"{name}: it changed while it was read: run again when it is complete")
            sync(temporary)
            os.replace(temporary, snapshot)
        finally:
            temporary.unlink(missing_ok=True)
    if not is_described(snapshot):  # also where the process that kept it was killed before it could say so
        description = {
            "file": name,
            "bytes": snapshot.stat().st_size,
            "kept_at": datetime.now(UTC).isoformat(),
            **origin,
        }
        write_atomically(snapshot.with_suffix(".json"), json.dumps(description, indent=1).encode())
    return snapshot


@dataclass(frozen=True)
class FirstKept:
    """When some bytes of a file were first kept (UTC); `is_change`: other bytes of that name had been kept before."""

    at: datetime
    is_change: bool


def first_kept(settings: Settings) -> dict[tuple[str, str], FirstKept]:
    """Since when each content of each file is known: (name, sha256) -> when it was first kept.

    Of a file that was seen with one content alone nobody knows since when it is as it is.
    """
    kept: dict[str, list[tuple[datetime, str]]] = {}
    for path in sorted(settings.snapshots_dir.glob("*.json")):
        try:
            described = json.loads(path.read_text(encoding="utf-8"))
            moment = datetime.fromisoformat(described["kept_at"]).astimezone(UTC)
            kept.setdefault(file_of(described["file"]), []).append((moment, path.stem))
        except (json.JSONDecodeError, KeyError, TypeError, ValueError):
            continue  # it is written anew when its file is read again
    return {
        (name, sha256): FirstKept(moment, is_change=position > 0)
        for name, moments in kept.items()
        for position, (moment, sha256) in enumerate(sorted(moments))
    }


def file_of(name: str) -> str:
    """The file of a source by its name, which for a workbook ends in `#sheet`."""
    return name.partition("#")[0]
