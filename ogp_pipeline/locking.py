"""One writer per data folder: a lock that the system lets go when its process ends, however it ends."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ogp_pipeline.errors import PublishRefusedError

_held: set[Path] = set()  # the folders this process has locked: a run locks once, its steps inside it


@contextmanager
def only_writer(data_dir: Path) -> Iterator[None]:
    """Lock the data folder for the block; PublishRefusedError where another process works in it."""
    data_dir.mkdir(parents=True, exist_ok=True)
    path = data_dir.resolve() / ".lock"
    if path in _held:
        yield
        return
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise PublishRefusedError(
                f"another run is working in {data_dir}: wait until it is done and run again"
            ) from error
        _held.add(path)
        try:
            yield
        finally:
            _held.discard(path)
