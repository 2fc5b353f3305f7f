"""Where things are and how the pipeline is set; the only module that reads the environment."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from zoneinfo import available_timezones

from ogp_pipeline.errors import InputError

PACKAGE_DIR = Path(str(resources.files("ogp_pipeline")))
SAMPLE = "sample"
OFFICIAL = "official"
SOURCE_WORDS = (SAMPLE, OFFICIAL)  # every other source is a folder


def project_file(name: str) -> Path:
    """Path of a file or folder that lies at the top of a checkout and inside the package of an installed wheel."""
    installed = PACKAGE_DIR / name
    return installed if installed.exists() else PACKAGE_DIR.parent / name


@dataclass(frozen=True)
class DownloadRules:
    """How official files are downloaded. No variable of the environment sets any of it.

    `trusted_servers` (`host:port`) may answer over plain http and at a private address, and `authority` is a file
    with a certificate to trust: both are for a server that the caller runs himself, and empty in every run.
    """

    offline: bool = False  # use what is kept and ask nobody
    show_progress: bool = False  # a bar, where there is a terminal to draw it on
    official_files: Path = PACKAGE_DIR / "reference" / "official_files.yml"
    connect_seconds: float = 10
    read_seconds: float = 30  # the longest silence of a server
    total_seconds: float = 300  # for one file, with all its attempts and the waits between them
    # 309 commitments of the master have 1.4 MB, so 6,000 have 28: seven times that is a mistake or an attack
    max_bytes: int = 200 * 2**20
    attempts: int = 4
    first_wait_seconds: float = 1  # before the second attempt; it doubles from there
    longest_wait_seconds: float = 60
    max_redirects: int = 5
    sleep: Callable[[float], None] = time.sleep
    trusted_servers: frozenset[str] = frozenset()
    authority: Path | None = None


@dataclass(frozen=True)
class Settings:
    """Every setting of a run.

    `sources` is None when nobody named any: then the data folder's memory decides, and the sample where it
    remembers nothing (`ogp_pipeline.sources.folders.chosen_sources`).
    """

    data_dir: Path
    sources: tuple[str, ...] | None = None
    keep_releases: int = 10
    nightly_cron: str = "30 3 * * *"
    nightly_timezone: str = "UTC"
    downloads: DownloadRules = DownloadRules()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Settings from `OGP_*` variables; InputError names the variable that cannot be read."""
        sources = environment.get("OGP_SOURCES", "").strip()
        keep = environment.get("OGP_KEEP_RELEASES", "10")
        if not (keep.isascii() and keep.isdigit()) or int(keep) < 1:
            raise InputError(f"OGP_KEEP_RELEASES is {keep!r}: give a whole number of releases, 1 or more")
        cron = environment.get("OGP_NIGHTLY_CRON") or cls.nightly_cron
        if not re.fullmatch(r"[\d*/,\-]+( [\d*/,\-A-Za-z]+){4}", cron):
            raise InputError(f"OGP_NIGHTLY_CRON is {cron!r}: give five fields, for example '30 3 * * *'")
        timezone = environment.get("OGP_NIGHTLY_TIMEZONE") or cls.nightly_timezone
        if timezone not in available_timezones():
            raise InputError(f"OGP_NIGHTLY_TIMEZONE is {timezone!r}: give a name like 'UTC' or 'Europe/Berlin'")
        return cls(
            data_dir=Path(environment.get("OGP_DATA_DIR") or "data").expanduser().absolute(),
            sources=split_sources(sources) if sources else None,
            keep_releases=int(keep),
            nightly_cron=cron,
            nightly_timezone=timezone,
        )

    @property
    def tables_dir(self) -> Path:
        """Working tables, one Parquet file each."""
        return self.data_dir / "tables"

    @property
    def snapshots_dir(self) -> Path:
        """The exact bytes of every input, named by their sha256."""
        return self.data_dir / "snapshots"

    @property
    def official_dir(self) -> Path:
        """What is known of the download of each official file, one small file each."""
        return self.data_dir / "official"

    @property
    def releases_dir(self) -> Path:
        """The kept releases, one folder each, named by the UTC time of their publishing."""
        return self.data_dir / "releases"

    @property
    def database(self) -> Path:
        """The published file that analysts open."""
        return self.data_dir / "ogp.duckdb"

    @property
    def last_run(self) -> Path:
        """What the last run did, and why it failed if it did."""
        return self.data_dir / "last_run.json"

    @property
    def hold(self) -> Path:
        """While this file is there nothing is published."""
        return self.data_dir / "hold.json"

    @property
    def held_dir(self) -> Path:
        """What the last refresh under a hold would have published."""
        return self.data_dir / "held"

    @property
    def journal(self) -> Path:
        """What people did with the releases: rollbacks and holds, one line each."""
        return self.data_dir / "journal.jsonl"

    @property
    def remembered_sources(self) -> Path:
        """The sources the data folder was last built from."""
        return self.data_dir / "sources.json"


def split_sources(text: str) -> tuple[str, ...]:
    """A comma-separated list of `sample`, `official` and folders -> its entries; folders become absolute paths.

    A folder that is called like one of the words is named with its path: `./official`.
    """
    entries = [entry.strip() for entry in text.split(",") if entry.strip()]
    if not entries:
        raise InputError("no source was named: give `sample`, `official` or folders, separated by commas")
    return tuple(entry if entry in SOURCE_WORDS else str(Path(entry).expanduser().absolute()) for entry in entries)
