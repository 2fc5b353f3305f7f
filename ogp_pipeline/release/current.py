"""What is published now, and what stands against replacing it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ogp_pipeline.errors import PublishRefusedError
from ogp_pipeline.settings import Settings
from ogp_pipeline.store import connect, literal


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
    if not settings.database.exists():
        return None
    try:
        with connect() as connection:
            attach(connection, settings.database, "current_release")
            row = connection.execute(
                "select release_id, is_synthetic, content_fingerprint, inputs_fingerprint, code_hash, accepted "
                "from current_release.meta.releases order by release_id desc limit 1"
            ).fetchone()
    except duckdb.Error:
        return None
    if row is None:
        return None
    accepted = {item["check"]: item["reason"] for item in json.loads(row[5])}
    return Release(settings.database, *row[:5], accepted)


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
