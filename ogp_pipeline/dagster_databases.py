"""Keeps the SQLite files of Dagster open while a run writes to them.

Dagster opens and closes a file several times for each event. Whoever closes one last folds its log into it and deletes
the log, unless somebody else has it open: a connection that does nothing takes a quarter off what Dagster costs.
A storage that is no SQLite file has none of these files, and is left as it is.
"""

from __future__ import annotations

import atexit
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import dagster as dg

_open: dict[Path, sqlite3.Connection] = {}


def keep_open(instance: dg.DagsterInstance, run_id: str) -> None:
    """Keep the files that a run writes to open until `let_go`, or until another run takes their place.

    A file that does not exist yet, or cannot be read, is passed over: what is wrong with it Dagster says itself.
    """
    history = Path(instance.root_directory) / "history"
    wanted = [history / "runs.db", history / "runs" / "index.db", history / "runs" / f"{run_id}.db"]
    for path in _open.keys() - wanted:
        _open.pop(path).close()
    for path in wanted:
        if path not in _open and path.is_file():
            with suppress(sqlite3.Error):
                connection = sqlite3.connect(path, check_same_thread=False)
                connection.execute("select count(*) from sqlite_master").fetchall()  # only who has read counts
                _open[path] = connection


@atexit.register
def let_go() -> None:
    """Close the files that are kept open: whoever closes one last leaves a single file without a log."""
    while _open:
        _open.popitem()[1].close()
