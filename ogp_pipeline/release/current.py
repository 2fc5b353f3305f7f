"""What is published now, and what stands against replacing it."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ogp_pipeline.control.journal import undone
from ogp_pipeline.errors import PublishRefusedError
from ogp_pipeline.settings import Settings
from ogp_pipeline.store import connect, literal, sync


@dataclass(frozen=True)
class Release:
    """The published release, as its own `meta.releases` tells it."""

    path: Path
    release_id: str
    is_synthetic: bool
    content_fingerprint: str
    inputs_fingerprint: str
    code_hash: str
    accepted: dict[str, str]  # check -> reason


def current_release(settings: Settings) -> Release | None:
    """The release in `data/ogp.duckdb`; None where there is none that can be read."""
    return release_in(settings.database)


def why_none(settings: Settings) -> str:
    """Why there is no current release, and what to do."""
    if settings.database.exists():
        return (
            f"{settings.database} cannot be read as a release: `ogp-pipeline rollback RELEASE` brings back a kept one "
            "(`ogp-pipeline releases`), `ogp-pipeline doctor` says what else to do"
        )
    return f"there is no release in {settings.data_dir}: run `ogp-pipeline refresh` first"


def release_in(path: Path) -> Release | None:
    """The release in a file; None where there is none that can be read."""
    if not path.exists():
        return None
    try:
        with connect() as connection:
            attach(connection, path, "current_release")
            row = connection.execute(
                "select release_id, is_synthetic, content_fingerprint, inputs_fingerprint, code_hash, accepted "
                "from current_release.meta.releases order by release_id desc limit 1"
            ).fetchone()
    except duckdb.Error:
        return None
    if row is None:
        return None
    accepted = {item["check"]: item["reason"] for item in json.loads(row[5])}
    return Release(path, *row[:5], accepted)


def kept_releases(settings: Settings) -> list[Release]:
    """The releases in `data/releases` that can be read, oldest first."""
    paths = sorted(settings.releases_dir.glob("[0-9]*/ogp.duckdb"))
    return [release for release in map(release_in, paths) if release is not None]


def comparable_release(settings: Settings, current: Release | None, is_synthetic: bool) -> Release | None:
    """What a new release is compared with: the current one, else the last kept, of the same kind (SYNTHETIC or not).

    A release that somebody went back from is none to compare with.
    """
    if current is None or current.is_synthetic == is_synthetic:
        return current
    kept = [release for release in kept_releases(settings) if release.release_id not in undone(settings)]
    alike = [release for release in kept if release.is_synthetic == is_synthetic]
    return alike[-1] if alike else None


def attach(connection: duckdb.DuckDBPyConnection, path: Path, name: str) -> None:
    """Attach a release, read only."""
    connection.execute(f"attach {literal(path.as_posix())} as {name} (read_only)")


def refuse_mixing(settings: Settings, is_synthetic: bool, replace_release: bool) -> None:
    """A SYNTHETIC candidate never replaces a real release, nor the reverse, unless that is asked for."""
    release = current_release(settings)
    if release is None or release.is_synthetic == is_synthetic or replace_release:
        return
    new, old = ("a SYNTHETIC sample", "real data") if is_synthetic else ("real data", "a SYNTHETIC sample")
    raise PublishRefusedError(
        f"{settings.database} holds a release of {old} and the sources of this run are {new}: "
        "use another data folder (OGP_DATA_DIR or --data-dir), or replace it with --replace-release "
        "(make refresh ARGS=--replace-release)"
    )


def replace_database(settings: Settings, database: Path) -> None:
    """Let `data/ogp.duckdb` be a copy of a release: a reader sees the old or the new file, never a part.

    A copy, not a link: whoever forces a write into the published file must not reach the kept release. The caller
    is the only writer, so that other copies that were begun are those of killed ones and are removed.
    """
    for leftover in settings.data_dir.glob(f".{settings.database.name}.*.tmp"):
        leftover.unlink(missing_ok=True)
    temporary = settings.database.with_name(f".{settings.database.name}.{os.getpid()}.tmp")
    try:
        shutil.copyfile(database, temporary)
        temporary.chmod(0o444)
        sync(temporary)
        os.replace(temporary, settings.database)
        sync(settings.data_dir)
    finally:
        temporary.unlink(missing_ok=True)
