"""What a finished candidate says of itself: the newest row of `meta.releases`, its sources, its tables."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ogp_pipeline.release.current import attach
from ogp_pipeline.store import connect

SYNTHETIC_NOTICE = "SYNTHETIC: made from the generated sample of a fictional partnership, no real government."


@dataclass(frozen=True)
class SourceFact:
    """One file that the run looked at, as `meta.sources` has it; dates as ISO texts."""

    source_file: str
    layout: str | None
    status: str
    publisher: str | None
    url: str | None
    licence: str | None
    released_date: str | None
    is_partial: bool
    sha256: str | None
    bytes: int | None
    rows: int | None


@dataclass(frozen=True)
class ReleaseFacts:
    """One release. `published_at` is UTC, with a Z."""

    release_id: str
    published_at: str
    is_synthetic: bool
    content_fingerprint: str
    inputs_fingerprint: str
    code_hash: str
    git_commit: str | None
    versions: Mapping[str, str]
    sources: tuple[SourceFact, ...]

    def marked(self, text: str) -> str:
        """The text, marked where the release is SYNTHETIC."""
        return f"SYNTHETIC SAMPLE. {text}" if self.is_synthetic else text


@contextmanager
def release_session(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection that sees the tables of a release under their own names."""
    with connect() as connection:
        attach(connection, database, "release")
        connection.execute("use release")
        yield connection


def release_facts(connection: duckdb.DuckDBPyConnection) -> ReleaseFacts:
    """The facts of the newest release in the file that a `release_session` has open."""
    row = connection.execute(
        "select release_id, strftime(published_at, '%Y-%m-%dT%H:%M:%SZ'), is_synthetic, content_fingerprint, "
        "inputs_fingerprint, code_hash, git_commit, versions from meta.releases order by release_id desc limit 1"
    ).fetchone()
    sources = connection.execute(
        "select source_file, layout, status, publisher, url, licence, released_date::varchar, is_partial, sha256, "
        "bytes, rows from meta.sources order by source_file"
    ).fetchall()
    return ReleaseFacts(*row[:7], json.loads(row[7]), tuple(SourceFact(*source) for source in sources))
