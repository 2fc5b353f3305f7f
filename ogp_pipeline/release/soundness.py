"""Whether `data/ogp.duckdb` is still what was published; nothing is published over a file that is not."""

from __future__ import annotations

import json
from pathlib import Path

from ogp_pipeline.errors import PublishRefusedError
from ogp_pipeline.release.current import release_in
from ogp_pipeline.settings import Settings
from ogp_pipeline.store import sha256_of


def refuse_unsound(settings: Settings) -> None:
    """PublishRefusedError where the published file is a link or a folder, cannot be read, or was changed.

    What is compared with it would be judged wrongly, and its history of releases would be lost.
    """
    database = settings.database
    if database.is_symlink():
        raise PublishRefusedError(
            f"{database} is a link to {database.readlink()}, and a release replaces the file of this name itself: "
            "remove the link, or let OGP_DATA_DIR name the folder it leads to"
        )
    if not database.exists():
        return
    if not database.is_file():
        raise PublishRefusedError(f"{database} is not a file: move it away and run again")
    release = release_in(database)
    if release is None:
        raise PublishRefusedError(
            f"{database} is damaged: it cannot be opened as a release: {_restore(settings, _last_kept(settings))}"
        )
    if not _has_the_bytes(database, settings.releases_dir / release.release_id / "manifest.json"):
        raise PublishRefusedError(
            f"{database} is damaged: it has other bytes than the release {release.release_id} had when it was "
            f"published: {_restore(settings, release.release_id)}"
        )


def _has_the_bytes(database: Path, manifest: Path) -> bool:
    """Whether a file has the sha256 that the manifest of its release says; so it is where no manifest can be read."""
    try:
        expected = json.loads(manifest.read_text(encoding="utf-8"))["files"]["ogp.duckdb"]["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return True
    return sha256_of(database) == expected


def _last_kept(settings: Settings) -> str | None:
    kept = [path.parent.name for path in settings.releases_dir.glob("[0-9]*/ogp.duckdb") if release_in(path)]
    return max(kept, default=None)


def _restore(settings: Settings, release_id: str | None) -> str:
    if release_id is None:
        return "no release is kept to put in its place: remove the file, and the next run publishes a first release"
    return (
        f"put it back with `ogp-pipeline rollback {release_id}` and run again (or remove the file: then the next run "
        "publishes without comparing)"
    )
