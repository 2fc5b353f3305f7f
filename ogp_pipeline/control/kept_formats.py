"""The kept releases as people read them, and as programs do."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from ogp_pipeline.control.hold import hold_words, standing_hold
from ogp_pipeline.control.kept import KeptRelease
from ogp_pipeline.release.current import current_release
from ogp_pipeline.safe_text import visible
from ogp_pipeline.settings import Settings

HEADINGS = ("release", "published (UTC)", "rows read", "commitments", "data", "size", "what changed", "marks")
RIGHT = {"rows read", "commitments", "size"}


def as_text(settings: Settings, found: Sequence[KeptRelease]) -> str:
    """A table, newest first, and whether `data/ogp.duckdb` is one of them."""
    lines = []
    if found:
        rows = [HEADINGS, *(_cells(release) for release in reversed(found))]
        widths = [max(len(row[place]) for row in rows) for place in range(len(HEADINGS))]
        lines += [_line(row, widths) for row in rows]
    else:
        lines.append(f"No release is kept in {settings.releases_dir}: run `ogp-pipeline refresh` first")
    lines += [f"{release.release_id} is damaged: {release.damage}" for release in found if release.damage]
    lines += [f"{release.release_id}: {release.flaw}" for release in found if release.flaw]
    lines += _of_the_current(settings, found)
    if hold := standing_hold(settings):
        lines += ["", hold_words(settings, hold)]
    return "\n".join(visible(line) for part in lines for line in part.split("\n")) + "\n"


def as_json(settings: Settings, found: Sequence[KeptRelease]) -> str:
    """A list, oldest first."""
    return json.dumps([_plain(release) for release in found], indent=1) + "\n"


FORMATS: dict[str, Callable[[Settings, Sequence[KeptRelease]], str]] = {"text": as_text, "json": as_json}


def _of_the_current(settings: Settings, found: Sequence[KeptRelease]) -> list[str]:
    if any(release.is_current for release in found):
        return []
    current = current_release(settings)
    if current is not None:
        return [f"{settings.database} is the release {current.release_id}, which is not kept"]
    if not found:
        return []
    state = "cannot be read" if settings.database.exists() else "is missing"
    return [f"{settings.database} {state}: restore a release with `ogp-pipeline rollback RELEASE`"]


def _cells(release: KeptRelease) -> tuple[str, ...]:
    kinds = {True: "SYNTHETIC", False: "real", None: "?"}
    marks = [
        *(["current"] if release.is_current else []),
        *(["held"] if release.is_held else []),
        *(["rolled back"] if release.is_undone else []),
        *(["damaged"] if release.damage else ["incomplete"] if release.flaw else []),
    ]
    return (
        release.release_id,
        (release.published_at or "?").replace("T", " ").rstrip("Z"),
        _number(release.rows_read),
        _number(release.commitments),
        kinds[release.is_synthetic],
        f"{release.size / 1e6:,.1f} MB",
        release.change or "?",
        ", ".join(marks),
    )


def _number(value: int | None) -> str:
    return "?" if value is None else f"{value:,}"


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = (
        cell.rjust(width) if heading in RIGHT else cell.ljust(width)
        for cell, width, heading in zip(row, widths, HEADINGS, strict=True)
    )
    return "  ".join(cells).rstrip()


def _plain(release: KeptRelease) -> dict[str, Any]:
    return {**asdict(release), "folder": str(release.folder), "is_readable": release.damage is None}
