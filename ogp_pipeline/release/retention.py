"""What is kept and for how long: releases, the snapshots they were made of, the history of runs.

All of it is removed at the end of a run that went well, by the only writer. Whatever is cut short is removed by the
next one.
"""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ogp_pipeline.control.hold import releases_of_hold
from ogp_pipeline.control.kept import folders, manifest_of
from ogp_pipeline.release.record import shorten_history
from ogp_pipeline.settings import Settings
from ogp_pipeline.store import Store


def remove_what_is_old(settings: Settings, store: Store, current_id: str | None) -> dict[str, int]:
    """Remove what need not be kept any more; how much of each kind it was, where it was any."""
    removed = {
        "releases": remove_releases(settings, current_id),
        "snapshots": _remove_snapshots(settings, store),
        "runs": shorten_history(settings),
    }
    return {kind: count for kind, count in removed.items() if count}


def remove_releases(settings: Settings, current_id: str | None) -> int:
    """Remove all but the last ones, the current one, and those a hold speaks of; how many."""
    kept = {current_id, *releases_of_hold(settings)}
    old = [path for path in folders(settings)[: -settings.keep_releases] if path.name not in kept]
    for path in old:
        shutil.rmtree(path, ignore_errors=True)
    return len(old)


def _remove_snapshots(settings: Settings, store: Store) -> int:
    """The bytes of files that no kept release, working table or download needs, after `keep_snapshot_days`.

    What is known of them (`<sha256>.json`) stays: it says since when other bytes are there. Where a release does not
    tell what it was made of, nothing is removed.
    """
    needed = _needed(settings, store)
    if needed is None:
        return 0
    before = (datetime.now(UTC) - timedelta(days=settings.keep_snapshot_days)).timestamp()
    removed = 0
    for path in settings.snapshots_dir.glob("[0-9a-f]*"):
        if path.suffix == ".json" or path.stem in needed:
            continue
        with suppress(OSError):  # the next run tries again
            if path.stat().st_mtime < before:
                path.unlink()
                removed += 1
    return removed


def _needed(settings: Settings, store: Store) -> set[str] | None:
    """The sha256 of every input that is still needed; None where that cannot be known."""
    with store.session(["meta.sources"]) as connection:
        rows = connection.execute("select sha256 from meta.sources where sha256 is not null").fetchall()
    needed = {sha256 for (sha256,) in rows}
    try:
        for folder in folders(settings):
            needed |= {told["sha256"] for told in manifest_of(folder)["inputs"] if told["sha256"]}
        for record in settings.official_dir.glob("*.json"):
            needed.add(_download(record))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return needed


def _download(record: Path) -> str | None:
    return json.loads(record.read_text(encoding="utf-8")).get("sha256")
