"""What publishing does instead of a rename while a hold stands: it says what waits, and leaves everything else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from ogp_pipeline.control.hold import Waiting, keep_waiting
from ogp_pipeline.release.changes import ChangeCounts
from ogp_pipeline.release.current import kept_releases
from ogp_pipeline.settings import Settings


def leave_waiting(
    settings: Settings,
    is_synthetic: bool,
    asked: Mapping[str, str],
    content_fingerprint: str,
    changes: ChangeCounts,
    changes_file: Path,
) -> None:
    """Note a candidate that passed its audit and is not published, with what it would have changed.

    The candidate itself is not kept: the working tables hold it, and the next refresh builds it anew.
    """
    alike = [kept.release_id for kept in kept_releases(settings) if kept.content_fingerprint == content_fingerprint]
    waiting = Waiting(
        built_at=datetime.now(UTC).isoformat(timespec="seconds"),
        is_synthetic=is_synthetic,
        compared_with=changes.since,
        changes=dict(changes.by_cause),
        consequences=changes.consequences,
        accepted=dict(asked),
        same_as=alike[-1] if alike else None,  # after a rollback: the release that was gone back from
    )
    keep_waiting(settings, waiting, changes_file)
