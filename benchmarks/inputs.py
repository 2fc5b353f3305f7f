"""What is measured on: the real files beside the project, or the sample where they are absent; and releases of them."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from benchmarks.processes import PYTHON, TOP, Cost, run, tell

REAL_DATA = TOP.parent / "shared" / "data"
PROGRAM = Path(PYTHON).with_name("ogp-pipeline")
FILES_OF_2016 = ("explorer-2016/ogpirm_live_data.csv", "process-2016/ogp_process_database_july_2016.csv")


@dataclass(frozen=True)
class Sources:
    """What a refresh reads: the word for --sources, and how the table names it."""

    option: str
    words: str


@dataclass(frozen=True)
class Files2016:
    """The commitment release and the process database of 2016, in a folder that holds nothing else."""

    folder: Path
    commitments: Path
    process: Path
    words: str

    @property
    def sources(self) -> Sources:
        """For a refresh."""
        return Sources(str(self.folder), self.words)


@cache
def workplace() -> Path:
    """A folder for everything that benchmarks write; the system removes it."""
    return Path(tempfile.mkdtemp(prefix="ogp-benchmarks-"))


def clear_workplace() -> None:
    """Remove what the benchmarks wrote."""
    shutil.rmtree(workplace(), ignore_errors=True)


def all_files() -> Sources:
    """The real files; where they are absent, the sample."""
    if REAL_DATA.is_dir():
        return Sources(str(REAL_DATA), "the real files")
    return Sources("sample", "the sample: ../shared/data is not here")


@cache
def files_of_2016() -> Files2016:
    """Copies of the two files of 2016; where the real ones are absent, those of the sample and its member list."""
    folder = workplace() / "files_of_2016"
    folder.mkdir()
    if REAL_DATA.is_dir():
        paths = [REAL_DATA / name for name in FILES_OF_2016]
        words = "the real files of 2016"
    else:
        from ogp_pipeline.sample import EXPLORER_FILE, MEMBERS_FILE, PROCESS_FILE, write_sample

        write_sample(workplace() / "sample")
        paths = [workplace() / "sample" / name for name in (EXPLORER_FILE, PROCESS_FILE, MEMBERS_FILE)]
        words = "the sample's files of 2016: ../shared/data is not here"
        entries = "".join(f"- file: {path.name}\n  synthetic: true\n" for path in paths)
        (folder / "sources.yml").write_text(entries, encoding="utf-8")
    commitments, process, *_ = (Path(shutil.copy(path, folder / path.name)) for path in paths)
    return Files2016(folder, commitments, process, words)


def refresh(sources: Sources, data_dir: Path) -> Cost:
    """`ogp-pipeline refresh` in a process of its own."""
    tell(f"  refresh of {sources.words} into {data_dir.name}")
    return run([PROGRAM, "refresh", "--data-dir", data_dir, "--sources", sources.option])


def fresh_refresh(sources: Sources) -> tuple[Path, Cost]:
    """The same into a data folder that is not there yet: that folder, and the cost."""
    data_dir = Path(tempfile.mkdtemp(prefix="data-", dir=workplace()))
    return data_dir, refresh(sources, data_dir)


@cache
def release_of_all_files() -> tuple[Path, Cost]:
    """A data folder with a release of all files, and what the refresh cost; made once for all benchmarks."""
    return fresh_refresh(all_files())
