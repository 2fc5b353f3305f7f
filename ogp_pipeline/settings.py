"""Where things are and how the pipeline is set; the only module that reads the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from zoneinfo import available_timezones

from ogp_pipeline.errors import InputError

PACKAGE_DIR = Path(str(resources.files("ogp_pipeline")))


def project_file(name: str) -> Path:
    """Path of a file or folder that lies at the top of a checkout and inside the package of an installed wheel."""
    installed = PACKAGE_DIR / name
    return installed if installed.exists() else PACKAGE_DIR.parent / name


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
    def remembered_sources(self) -> Path:
        """The sources the data folder was last built from."""
        return self.data_dir / "sources.json"


def split_sources(text: str) -> tuple[str, ...]:
    """`"sample"` or a comma-separated list of folders -> its entries; folders become absolute paths."""
    entries = [entry.strip() for entry in text.split(",") if entry.strip()]
    if not entries:
        raise InputError("no source was named: give `sample` or a comma-separated list of folders")
    return tuple(entry if entry == "sample" else str(Path(entry).expanduser().absolute()) for entry in entries)
