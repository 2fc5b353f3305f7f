"""Tells a fault of the machine, a full disk or a folder that cannot be written, from a bug, and says what to do."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ogp_pipeline.errors import MachineError, OgpError

ROOM = (
    "make room, for example by deleting folders of `releases/` that are not the current one (`ogp-pipeline releases` "
    "lists them; OGP_KEEP_RELEASES keeps fewer), and run again; `df -h` and `df -i` say what is left of the disk"
)
RIGHTS = "let the user that runs the pipeline write there, or name another folder (OGP_DATA_DIR or --data-dir)"
DISK = "look at the disk and at the messages of the system, and run again on a sound one"
IN_THE_WAY = "move away what lies there and run again"

# What the system says, and what people can do about it. Any other error of the system is a bug.
ADVICE = {
    errno.ENOSPC: ROOM,
    errno.EDQUOT: ROOM,
    errno.EFBIG: "let files of this user be larger (`ulimit -f`) and run again",
    errno.EROFS: RIGHTS,
    errno.EACCES: RIGHTS,
    errno.EPERM: RIGHTS,
    errno.EIO: DISK,
    errno.ENOLCK: "put the data folder on a disk whose files can be locked (`flock`)",
    errno.EISDIR: IN_THE_WAY,
    errno.ENOTDIR: IN_THE_WAY,
    errno.EEXIST: IN_THE_WAY,
    errno.EMFILE: "let this user open more files (`ulimit -n`) and run again",
    errno.ENOMEM: "give the machine more memory and run again",
}
# SQLite, in which Dagster keeps its history, has words of its own for the same.
WORDS_OF_SQLITE = {
    "database or disk is full": errno.ENOSPC,
    "attempt to write a readonly database": errno.EROFS,
    "unable to open database file": errno.EACCES,
    "disk i/o error": errno.EIO,
}
# What it says of a file that is none of its own any more.
DAMAGE_OF_SQLITE = ("file is not a database", "database disk image is malformed")


@contextmanager
def told_as_machine_error(data_dir: Path) -> Iterator[None]:
    """Raise what the machine does to the block as a MachineError; every other error passes as it is."""
    try:
        yield
    except OgpError:
        raise
    except Exception as error:
        sentence = machine_fault(error, data_dir)
        if sentence is None:
            raise
        raise MachineError(sentence) from error


def machine_fault(error: BaseException, data_dir: Path) -> str | None:
    """What is wrong with the machine, in a sentence that ends with what to do; None where `error` is something else.

    The error itself counts and every error it was raised from. Where it does not name a file, the sentence names
    `data_dir`.
    """
    import sqlite3

    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        if isinstance(cause, sqlite3.DatabaseError) and any(words in str(cause) for words in DAMAGE_OF_SQLITE):
            home = os.environ.get("DAGSTER_HOME") or data_dir / "dagster"
            return (
                f"{home}: Dagster's history is damaged ({cause}): move it away and run again; releases and tables lie "
                "elsewhere and lose nothing"
            )
        number = _number(cause)
        if number is not None:
            place = getattr(cause, "filename", None) or data_dir
            return f"{place}: {os.strerror(number)}: {ADVICE[number]}"
        cause = cause.__cause__ or cause.__context__
    return None


def _number(error: BaseException) -> int | None:
    """The number of the system's error, if it is one of those above."""
    import sqlite3

    if isinstance(error, OSError):
        return error.errno if error.errno in ADVICE else None
    if isinstance(error, sqlite3.Error):
        said = str(error).lower()
        return next((number for words, number in WORDS_OF_SQLITE.items() if words in said), None)
    import duckdb

    if isinstance(error, duckdb.Error):  # it has only the system's words
        said = str(error)
        return next((number for number in ADVICE if os.strerror(number) in said), None)
    return None
