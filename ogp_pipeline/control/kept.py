"""The releases that are kept under `data/releases`: what each is, and whether it is as its manifest says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from ogp_pipeline.control.hold import standing_hold
from ogp_pipeline.control.journal import undone
from ogp_pipeline.errors import InputError
from ogp_pipeline.release.changes import CAUSES
from ogp_pipeline.release.current import attach, current_release, release_in
from ogp_pipeline.release.manifest import MANIFEST
from ogp_pipeline.settings import Settings
from ogp_pipeline.store import connect, sha256_of

DATABASE = "ogp.duckdb"
PREVIOUS = "previous"
CAUSE_WORDS = {
    "source": "by the input",
    "mixed": "by the input or the program",
    "reference": "by reference tables",
    "code": "by the program",
}
# what the newest row of meta.releases says; of a release before changes were recorded the last two are not there
FACTS = """
    select strftime(published_at, '%Y-%m-%dT%H:%M:%SZ'), is_synthetic, rows_read, sources, git_commit
    from release.meta.releases order by release_id desc limit 1
"""


@dataclass(frozen=True)
class KeptRelease:
    """One folder of `data/releases`. What the damage of a release hides is None.

    `damage` says why it cannot be opened or gone back to, `flaw` which of its other files are not as they were.
    """

    release_id: str
    folder: Path
    damage: str | None
    flaw: str | None
    size: int  # bytes of all its files
    published_at: str | None = None  # ISO, UTC
    is_synthetic: bool | None = None
    rows_read: int | None = None
    commitments: int | None = None
    sources: str | None = None
    git_commit: str | None = None
    change: str | None = None  # what changed, in one phrase
    is_current: bool = False
    is_held: bool = False
    is_undone: bool = False

    @property
    def database(self) -> Path:
        """Its DuckDB file."""
        return self.folder / DATABASE


def folders(settings: Settings) -> list[Path]:
    """The folders of the kept releases, oldest first."""
    return sorted(path for path in settings.releases_dir.glob("[0-9]*") if path.is_dir())


def kept(settings: Settings) -> list[KeptRelease]:
    """Every kept release, oldest first; a damaged one is told of and hides no other."""
    current, hold, gone_back_from = current_release(settings), standing_hold(settings), undone(settings)
    found = []
    for folder in folders(settings):
        damage = damage_of(folder)
        flaw = None if damage else flaw_of(folder)
        marks = {
            "is_current": current is not None and current.release_id == folder.name,
            "is_held": hold is not None and hold.release == folder.name,
            "is_undone": folder.name in gone_back_from,
        }
        facts = {} if damage else _facts(folder / DATABASE)
        found.append(KeptRelease(folder.name, folder, damage, flaw, size_of(folder), **facts, **marks))
    return found


def find(settings: Settings, name: str) -> Path:
    """The folder of the kept release of this id, or of `previous`: the one before the current one in its history.

    InputError names the releases that are kept.
    """
    by_name = {folder.name: folder for folder in folders(settings)}
    if name == PREVIOUS:
        name = _previous(settings, by_name)
    if name not in by_name:
        names = ", ".join(by_name) or "none"
        raise InputError(f"{name}: no such release is kept in {settings.releases_dir}; kept are {names}")
    return by_name[name]


def _previous(settings: Settings, by_name: Mapping[str, Path]) -> str:
    names = ", ".join(by_name) or "none"
    if current_release(settings) is None:
        raise InputError(
            f"{settings.database} cannot be read, so nobody knows which release was before it: name one; "
            f"kept are {names}"
        )
    before = [name for name in history(settings.database)[1:] if name in by_name]
    if not before:
        raise InputError(f"no release before the current one is kept; kept are {names}")
    return before[0]


def history(database: Path) -> list[str]:
    """The ids of a release and of those it grew from, newest first."""
    with connect() as connection:
        attach(connection, database, "release")
        rows = connection.execute("select release_id from release.meta.releases order by release_id desc").fetchall()
    return [release_id for (release_id,) in rows]


def sources_in(database: Path) -> tuple[str, ...]:
    """The sources a release was made of, in their order."""
    with connect() as connection:
        attach(connection, database, "release")
        (listed,) = connection.execute(
            "select sources from release.meta.releases order by release_id desc limit 1"
        ).fetchone()
    return tuple(listed.split(", "))


def manifest_of(folder: Path) -> Mapping[str, Any]:
    """The manifest of a release; ValueError says why it cannot be used."""
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"it has no {MANIFEST}") from None
    except (OSError, ValueError):
        raise ValueError(f"its {MANIFEST} cannot be read") from None
    files = content.get("files") if isinstance(content, dict) else None
    if not isinstance(files, dict) or not all(isinstance(told, dict) for told in files.values()):
        raise ValueError(f"its {MANIFEST} does not list its files")
    return content


def damage_of(folder: Path) -> str | None:
    """Why the DuckDB file of a release is not the one that was published; None where it is, byte for byte."""
    try:
        promised = manifest_of(folder)["files"].get(DATABASE, {}).get("sha256")
        if sha256_of(folder / DATABASE) != promised:
            return f"its {DATABASE} has other bytes than its {MANIFEST} promises"
    except ValueError as error:
        return str(error)
    except FileNotFoundError:
        return f"it has no {DATABASE}"
    except OSError as error:
        return f"its {DATABASE} cannot be read ({error.strerror})"
    release = release_in(folder / DATABASE)
    if release is None:
        return f"its {DATABASE} cannot be opened by this DuckDB"
    return None if release.release_id == folder.name else f"its {DATABASE} holds the release {release.release_id}"


def flaw_of(folder: Path, by_content: bool = False) -> str | None:
    """Which files of a release are not as its manifest says, by their sizes or by their content."""
    files = manifest_of(folder)["files"]
    wrong = [name for name, told in files.items() if not _is_as_told(folder / name, told, by_content)]
    if not wrong:
        return None
    return f"{len(wrong)} of its {len(files)} files are missing or damaged, for example {wrong[0]}"


def _is_as_told(path: Path, told: Mapping[str, Any], by_content: bool) -> bool:
    try:
        return path.stat().st_size == told.get("bytes") and (not by_content or sha256_of(path) == told.get("sha256"))
    except OSError:
        return False


def size_of(folder: Path) -> int:
    """Bytes of all files of a release that can be seen."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _facts(database: Path) -> dict[str, Any]:
    names = ("published_at", "is_synthetic", "rows_read", "sources", "git_commit")
    try:
        with connect() as connection:
            attach(connection, database, "release")
            facts = dict(zip(names, connection.execute(FACTS).fetchone(), strict=True))
            (facts["commitments"],) = connection.execute("select count(*) from release.marts.commitments").fetchone()
            facts["change"] = _change(connection)
    except duckdb.Error:
        return {}
    return facts


def _change(connection: duckdb.DuckDBPyConnection) -> str:
    try:
        (since,) = connection.execute(
            "select compared_with from release.meta.releases order by release_id desc limit 1"
        ).fetchone()
        counts = dict(connection.execute("select cause, count(*) from release.meta.changes group by cause").fetchall())
    except duckdb.Error:
        return "made before changes were recorded"
    if since is None:
        return "the first of its kind"
    told = [f"{counts[cause]:,} {CAUSE_WORDS[cause]}" for cause in CAUSES if counts.get(cause)]
    return f"changes: {', '.join(told)}" if told else "no row changed"
