"""Going back to a kept release: `data/ogp.duckdb` becomes a copy of it, in one rename."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ogp_pipeline.control.hold import Hold, forget_waiting, set_hold, standing_hold
from ogp_pipeline.control.journal import note, undone
from ogp_pipeline.control.kept import DATABASE, damage_of, find, flaw_of, folders, history, sources_in
from ogp_pipeline.errors import InputError, PublishRefusedError
from ogp_pipeline.locking import only_writer
from ogp_pipeline.release.current import Release, current_release, refuse_mixing, release_in, replace_database
from ogp_pipeline.release.record import record_run
from ogp_pipeline.settings import SOURCE_WORDS, Settings
from ogp_pipeline.sources.folders import recall_sources, sources_remembered
from ogp_pipeline.store import sha256_of


@dataclass(frozen=True)
class RolledBack:
    """What a rollback did.

    `before` is the release that was current, None where none could be read. `undone` are the newer releases that
    are no longer wanted; `hold` keeps refreshes from publishing them again. `sources` are those that refreshes read
    from now on, where they changed.
    """

    release_id: str
    before: str | None
    is_changed: bool  # False where the file was this release already
    undone: tuple[str, ...]
    hold: Hold | None
    is_new_hold: bool
    sources: tuple[str, ...] | None
    flaw: str | None  # what is wrong with files of the release that nobody opens by way of data/ogp.duckdb


def roll_back(
    settings: Settings, name: str, with_hold: bool = True, replace_release: bool = False, reason: str | None = None
) -> RolledBack:
    """Let the kept release `name` (or `previous`) be the current one.

    First of all a hold is set where newer releases are gone back from, so that a refresh of the same data does not
    publish them again, and the data folder remembers the sources of the release; last the file is replaced. Who is
    interrupted in between still has the release of before, and can do it again. InputError where no such release is
    kept, PublishRefusedError where it is damaged or would replace real data by a sample or the reverse.
    """
    if not settings.data_dir.is_dir():  # the lock would make it
        raise InputError(f"there is no data folder {settings.data_dir}: name the right one with --data-dir")
    with only_writer(settings.data_dir):
        folder = find(settings, name)
        target = _whole(folder)
        refuse_mixing(settings, target.is_synthetic, replace_release)
        before = current_release(settings)
        newer = _newer(settings, folder.name)
        hold, is_new_hold = standing_hold(settings), False
        if newer and with_hold:
            why = reason or f"rolled back to {folder.name}"
            hold, is_new_hold = set_hold(settings, why if hold is None or reason else None, folder.name, newer)
        sources = _restore_sources(settings, folder / DATABASE)
        is_changed = not _is_there(settings, folder)
        if is_changed:
            replace_database(settings, folder / DATABASE)
            forget_waiting(settings)  # it was compared with the release of before
        facts = {"release": folder.name, "from": before.release_id if before else None, "undone": list(newer)}
        note(settings, "rollback", **facts, history=_kept_history(settings, folder), reason=reason)
        record_run(
            settings,
            "rolled_back",
            **facts,
            database=str(settings.database),
            is_synthetic=target.is_synthetic,
            hold=hold.sentence() if hold else None,
        )
        return RolledBack(
            folder.name,
            before.release_id if before else None,
            is_changed,
            newer,
            hold,
            is_new_hold,
            sources,
            flaw_of(folder),
        )


def _whole(folder: Path) -> Release:
    """The release of a folder; PublishRefusedError where it is not as it was published."""
    if damage := damage_of(folder):
        raise PublishRefusedError(
            f"{folder.name} is damaged: {damage}: name another release (`ogp-pipeline releases` lists them), or build "
            f"it again with `ogp-pipeline rebuild {folder.name} --into FOLDER`"
        )
    return release_in(folder / DATABASE)


def _newer(settings: Settings, release_id: str) -> tuple[str, ...]:
    """The kept releases after this one that nobody went back from before."""
    before = undone(settings)
    return tuple(f.name for f in folders(settings) if f.name > release_id and f.name not in before)


def _kept_history(settings: Settings, folder: Path) -> list[str]:
    names = {other.name for other in folders(settings)}
    return [name for name in history(folder / DATABASE) if name in names]


def _is_there(settings: Settings, folder: Path) -> bool:
    """Whether `data/ogp.duckdb` is this release already, byte for byte, and closed to writing."""
    path = settings.database
    if not path.is_file() or path.stat().st_mode & 0o777 != 0o444:
        return False
    return sha256_of(path) == sha256_of(folder / DATABASE)


def _restore_sources(settings: Settings, database: Path) -> tuple[str, ...] | None:
    """Let the data folder remember the sources of a release; them, where it remembered others before."""
    listed = sources_in(database)
    if not all(entry in SOURCE_WORDS or Path(entry).is_absolute() for entry in listed):
        return None  # a comma in the name of a folder: better the memory of before than a wrong one
    if sources_remembered(settings) == listed:
        return None
    recall_sources(settings, listed)
    return listed
