"""Machines that stand in the way: disks that are full or read only, limits of the system, folders of other users."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ogp_pipeline.settings import Settings
from ogp_pipeline_tests.commands import CLEAN, PROGRAM
from ogp_pipeline_tests.world import World

NOBODY = 65534


class Disk:
    """A small file system in memory, mounted over a folder; only root can."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def resize(self, bytes_: int) -> None:
        """Let it hold this much."""
        self._mount("remount", f"size={bytes_}")

    def used(self) -> int:
        """Bytes that are taken."""
        found = os.statvfs(self.folder)
        return (found.f_blocks - found.f_bfree) * found.f_frsize

    def leave(self, bytes_: int) -> None:
        """Let there be room for so many bytes more."""
        self.resize(self.used() + bytes_)

    def close(self, is_closed: bool = True) -> None:
        """Let nobody write, root neither; or let them again."""
        self._mount("remount", "ro" if is_closed else "rw")

    def _mount(self, *options: str) -> None:
        done = subprocess.run(["mount", "-o", ",".join(options), str(self.folder)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


@contextmanager
def disk_for(world: World) -> Iterator[Disk]:
    """A disk of its own for the data folder of a world; the test is skipped, and says why, where none can be had."""
    data_dir = world.settings.data_dir
    kept = data_dir.with_name("kept")
    mount = ["mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", str(data_dir)]
    data_dir.rename(kept)
    data_dir.mkdir()
    try:
        done = subprocess.run(mount, capture_output=True, text=True)
        why = done.stderr.strip()
    except FileNotFoundError as error:
        why = str(error)
    if why:
        pytest.skip(f"no file system can be mounted here, which this test needs (as root it can): {why}")
    try:
        shutil.copytree(kept, data_dir, dirs_exist_ok=True)
        yield Disk(data_dir)
    finally:
        subprocess.run(["umount", "--lazy", str(data_dir)], check=True)


def commanded(
    settings: Settings, command: str, *arguments: str, before: Callable[[], None] | None = None
) -> subprocess.CompletedProcess[str]:
    """`ogp-pipeline COMMAND` on a data folder, after something was done to its process."""
    return subprocess.run(
        [str(PROGRAM), command, *arguments, "--data-dir", str(settings.data_dir)],
        env={**CLEAN, "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        preexec_fn=before,
    )


def refreshed(world: World, **how: Any) -> subprocess.CompletedProcess[str]:
    """`ogp-pipeline refresh` of a world, as `commanded`."""
    return commanded(world.settings, "refresh", "--sources", str(world.inputs), **how)


@contextmanager
def another_user() -> Iterator[None]:
    """Be nobody for the block where this is root, to whom no folder is closed; else who it is, as is enough."""
    if os.geteuid() != 0:
        yield
        return
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


def no_file_above(bytes_: int) -> Callable[[], None]:
    """What to do to a process so that it can write no larger file, as `ulimit -f` does."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_, bytes_))

    return limit
