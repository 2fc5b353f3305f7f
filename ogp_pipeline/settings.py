"""Where things are and how the pipeline is set; the only module that reads the environment."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from ogp_pipeline.errors import InputError

PACKAGE_DIR = Path(str(resources.files("ogp_pipeline")))
SAMPLE = "sample"
OFFICIAL = "official"
THIS_MACHINE = ("127.0.0.1", "::1", "localhost")
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
    keep_snapshot_days: int = 30  # of input files that no kept release was made of
    keep_runs_days: int = 90  # of Dagster's history and of runs.jsonl
    webhook_url: str | None = field(default=None, repr=False)  # often a secret: it is never shown
    named_status_file: Path | None = None
    nightly_cron: str = "30 3 * * *"
    nightly_timezone: str = "UTC"
    downloads: DownloadRules = DownloadRules()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Settings from `OGP_*` variables; InputError names the variable that cannot be read."""
        sources = environment.get("OGP_SOURCES", "").strip()
        status_file = environment.get("OGP_STATUS_FILE")
        cron = environment.get("OGP_NIGHTLY_CRON") or cls.nightly_cron
        if not re.fullmatch(r"[\d*/,\-]+( [\d*/,\-A-Za-z]+){4}", cron):
            raise InputError(f"OGP_NIGHTLY_CRON is {cron!r}: give five fields, for example '30 3 * * *'")
        timezone = environment.get("OGP_NIGHTLY_TIMEZONE") or cls.nightly_timezone
        if timezone != cls.nightly_timezone and timezone not in available_timezones():  # to list them takes 40 ms
            raise InputError(f"OGP_NIGHTLY_TIMEZONE is {timezone!r}: give a name like 'UTC' or 'Europe/Berlin'")
        return cls(
            data_dir=Path(environment.get("OGP_DATA_DIR") or "data").expanduser().absolute(),
            sources=split_sources(sources) if sources else None,
            keep_releases=_count(environment, "OGP_KEEP_RELEASES", cls.keep_releases, "releases"),
            keep_snapshot_days=_count(environment, "OGP_KEEP_SNAPSHOT_DAYS", cls.keep_snapshot_days, "days"),
            keep_runs_days=_count(environment, "OGP_KEEP_RUNS_DAYS", cls.keep_runs_days, "days"),
            webhook_url=_webhook_url(environment.get("OGP_WEBHOOK_URL", "").strip()),
            named_status_file=Path(status_file).expanduser().absolute() if status_file else None,
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
    def runs(self) -> Path:
        """What every run of the last months did, one line each."""
        return self.data_dir / "runs.jsonl"

    @property
    def status_file(self) -> Path:
        """Whether the nightly is well, for whoever watches over it."""
        return self.named_status_file or self.data_dir / "status.json"

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


def _count(environment: Mapping[str, str], name: str, default: int, unit: str) -> int:
    """A whole number of at least 1; InputError names the variable."""
    text = environment.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and len(text) < 6) or int(text) < 1:
        raise InputError(f"{name} is {text!r}: give a whole number of {unit}, 1 or more")
    return int(text)


def _webhook_url(text: str) -> str | None:
    """The address of the webhook, over https; over http only where it never leaves this machine.

    InputError does not repeat it: what follows the name of the server is usually a secret.
    """
    if not text:
        return None
    try:
        address = urlsplit(text)
        is_good = bool(address.hostname) and (
            address.scheme == "https" or (address.scheme == "http" and address.hostname in THIS_MACHINE)
        )
        is_good = is_good and text.isascii() and text.isprintable() and (address.port is None or address.port > 0)
    except ValueError:
        is_good = False
    if not is_good:
        raise InputError(
            "OGP_WEBHOOK_URL cannot be used: give an address that begins with https:// (http:// for 127.0.0.1 alone)"
        )
    return text


def split_sources(text: str) -> tuple[str, ...]:
    """A comma-separated list of `sample`, `official` and folders -> its entries; folders become absolute paths.

    A folder that is called like one of the words is named with its path: `./official`.
    """
    entries = [entry.strip() for entry in text.split(",") if entry.strip()]
    if not entries:
        raise InputError("no source was named: give `sample`, `official` or folders, separated by commas")
    return tuple(entry if entry in SOURCE_WORDS else str(Path(entry).expanduser().absolute()) for entry in entries)
