"""The official files that can be downloaded, and what is known of the last download of each.

Their addresses are data (`reference/official_files.yml`); downloading is `fetching`, reading is `folders`.
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Literal

import yaml
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from ogp_pipeline.contracts import load_yaml, validation_line
from ogp_pipeline.errors import InputError
from ogp_pipeline.settings import OFFICIAL, DownloadRules, Settings
from ogp_pipeline.sources.snapshots import is_whole, snapshot_path
from ogp_pipeline.store import write_atomically


class OfficialFile(BaseModel):
    """One entry of `reference/official_files.yml`; the head of that file says what each field means."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str = Field(pattern=r"^[a-z0-9_]+\.(csv|xlsx)$")
    url: str = Field(min_length=1)
    layout: str = Field(min_length=1)
    is_verified: bool
    publisher: str = Field(min_length=1)
    licence: str = Field(min_length=1)
    rhythm_days: int | None = Field(default=None, ge=1)
    released: date | None = None
    released_at_latest: date | None = None
    partial: bool = False

    @model_validator(mode="after")
    def _one_rule_of_release(self) -> OfficialFile:
        if self.released and self.released_at_latest:
            raise ValueError("released and released_at_latest: give one of the two")
        return self

    @property
    def name(self) -> str:
        """The `_source_file` of its rows."""
        return f"{OFFICIAL}/{self.file}"


class Download(BaseModel):
    """What is known of an official file: the last good download, and how the last attempt ended.

    `status`: fetched, unchanged (the server says so, or the content is the same), kept (the attempt failed and the
    last good download stays in use) or failed (there is none). `fetched_at` and what stands before it tell of the
    good download and are None where there is none; `checked_at` is the last attempt. Times are UTC.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    rows: int | None = None
    etag: str | None = None
    last_modified: str | None = None
    content_changed_at: AwareDatetime | None = None
    fetched_at: AwareDatetime | None = None
    checked_at: AwareDatetime
    status: Literal["fetched", "unchanged", "kept", "failed"]
    failure: str | None = None

    @property
    def note(self) -> str | None:
        """That the last good download is in use, and why; None where all is well."""
        if self.status != "kept":
            return None
        return f"the good download of {self.fetched_at:%Y-%m-%d} is in use, because {self.failure}"


def official_files(rules: DownloadRules) -> tuple[OfficialFile, ...]:
    """The official files; InputError lists every fault of their list at once."""
    path = rules.official_files
    try:
        listed = load_yaml(path.read_text(encoding="utf-8"))
        files = tuple(TypeAdapter(list[OfficialFile]).validate_python(listed))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path}: not readable: {' '.join(str(error).split())}: mend it") from error
    except ValidationError as error:
        raise InputError(
            [f"{validation_line(path.name, item)}: change that entry" for item in error.errors()]
        ) from error
    names = [file.file for file in files]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError([f"{path.name}: {name} is listed twice: give one of them another name" for name in twice])
    return files


def last_download(settings: Settings, official: OfficialFile) -> Download | None:
    """What is known of an official file; None where nothing is, or its record cannot be read."""
    try:
        return Download.model_validate_json(_record(settings, official).read_text(encoding="utf-8"))
    except (FileNotFoundError, UnicodeDecodeError, ValidationError):
        return None  # a damaged record is no worse than none: the file is downloaded anew


def record_download(settings: Settings, official: OfficialFile, download: Download) -> None:
    """Write what is known of an official file."""
    write_atomically(_record(settings, official), download.model_dump_json(indent=1).encode())


def kept_file(settings: Settings, official: OfficialFile, download: Download | None) -> Path | None:
    """The bytes of the last good download; None where there is none or they are damaged."""
    if download is None or download.sha256 is None:
        return None
    snapshot = snapshot_path(settings, download.sha256, Path(official.file).suffix)
    return snapshot if is_whole(snapshot, download.sha256) else None


def released_date(official: OfficialFile, changed: datetime) -> date:
    """The release date of a download, by which it goes before older releases and behind newer ones.

    The one its publisher states, else the day its content changed, at most `released_at_latest`.
    """
    if official.released:
        return official.released
    return min(changed.date(), official.released_at_latest or date.max)


def _record(settings: Settings, official: OfficialFile) -> Path:
    return settings.official_dir / f"{official.file}.json"
