"""Where a candidate is built, how it becomes the current release, and what is done about those that never did."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ogp_pipeline.release.current import current_release, release_in, replace_database
from ogp_pipeline.settings import Settings
from ogp_pipeline.store import sync


def let_be_current(settings: Settings, folder: Path, release_id: str) -> None:
    """Let `data/ogp.duckdb` be the candidate, in one rename, and keep its folder as a release.

    In this order: what is kept was published. Who is killed in between leaves a published candidate, which the next
    one keeps.
    """
    candidate = folder / "ogp.duckdb"
    candidate.chmod(0o444)
    sync(candidate)
    replace_database(settings, candidate)
    _keep(settings, folder, release_id)


def _keep(settings: Settings, folder: Path, release_id: str) -> None:
    os.replace(folder, settings.releases_dir / release_id)
    sync(settings.releases_dir)


@contextmanager
def workplace(settings: Settings) -> Iterator[Path]:
    """A hidden folder beside the releases; what is left in it when the block ends is removed."""
    folder = settings.releases_dir / f".candidate-{os.getpid()}"
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        remove_candidates(settings)


def remove_candidates(settings: Settings) -> None:
    """Remove the candidates that are no release, also those of publishers that were killed.

    One that is published already is kept: its publisher did not come to it.
    """
    leftovers = list(settings.releases_dir.glob(".candidate-*"))
    current = current_release(settings) if leftovers else None
    for leftover in leftovers:
        release = release_in(leftover / "ogp.duckdb")
        if current and release and release.release_id == current.release_id:
            _keep(settings, leftover, release.release_id)
        else:
            shutil.rmtree(leftover, ignore_errors=True)
