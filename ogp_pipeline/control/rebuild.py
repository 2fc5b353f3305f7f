"""Builds a kept release again from the snapshots of its files and says which tables differ.

The data folder is only read, and not locked: releases and snapshots never change, and a night must not fail because
somebody looks. The tables are built in a folder of their own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ogp_pipeline.building import build_tables
from ogp_pipeline.control.kept import DATABASE, find, manifest_of
from ogp_pipeline.control.recorded_files import files_as_recorded, recorded_rows
from ogp_pipeline.errors import InputError, OutputError
from ogp_pipeline.models import Catalog
from ogp_pipeline.release.publish import PACKAGES, fingerprints_of, git_commit, publish, version
from ogp_pipeline.settings import Settings
from ogp_pipeline.sources.folders import note_working_sources
from ogp_pipeline.sources.layouts import layouts
from ogp_pipeline.store import Store, TableState, sha256_of

SOURCES_FILE, RELEASES_FILE = "parquet/meta.sources.parquet", "parquet/meta.releases.parquet"
HASHES = ("inputs_fingerprint", "content_fingerprint", "code_hash")
SHOWN = 20


@dataclass(frozen=True)
class Rebuilt:
    """A release and what building it again gave.

    `tables` are those compared, `differing` those whose Parquet bytes are others, `lacking` those that only the
    release has and `additional` those that only this program makes. `versions` are the packages that made the release
    in another version than is installed: name -> (then, now).
    """

    release_id: str
    inputs_fingerprint: tuple[str, str]  # then, now
    content_fingerprint: tuple[str, str]
    code_hash: tuple[str, str]
    git_commit: tuple[str | None, str | None]
    versions: Mapping[str, tuple[str, str]]
    tables: int
    differing: tuple[str, ...]
    lacking: tuple[str, ...]
    additional: tuple[str, ...]
    folder: str | None  # where the tables and a release of them are; None where nothing was kept

    @property
    def is_identical(self) -> bool:
        """Whether all tables are the same, byte for byte, and so the fingerprints."""
        same = all(then == now for then, now in (self.inputs_fingerprint, self.content_fingerprint))
        return same and not (self.differing or self.lacking or self.additional)


def rebuild_release(settings: Settings, catalog: Catalog, name: str, into: Path | None = None) -> Rebuilt:
    """Build the kept release `name` again and compare; with `into`, keep the tables there and publish them there.

    InputError where no such release is kept, its manifest or list of files is damaged, or a snapshot is gone;
    OutputError where `into` is no folder to be used.
    """
    folder = find(settings, name)
    manifest = _usable_manifest(folder)
    release = recorded_rows(folder / RELEASES_FILE)[-1]  # those before it are its history
    sources = tuple(release["sources"].split(", "))
    files = files_as_recorded(settings, recorded_rows(folder / SOURCES_FILE), sources, layouts(catalog))
    with _workplace(settings, into) as place:
        there = Settings(place, sources=sources)
        for _, models in catalog.steps():
            build_tables(there, catalog, models, given_files=files)
        store = Store(there.tables_dir, catalog)
        states = {model.name: store.state(model.name) for model in catalog}
        found = _compared(folder.name, manifest, catalog, states, into)
        if into is not None:
            note_working_sources(there)
            publish(there, catalog, {item["check"]: item["reason"] for item in json.loads(release["accepted"])})
    return found


def _compared(
    release_id: str,
    manifest: Mapping[str, Any],
    catalog: Catalog,
    states: Mapping[str, TableState],
    into: Path | None,
) -> Rebuilt:
    made_by_publishing = {model.name for model in catalog.release_tables}
    then = {name: told["fingerprint"] for name, told in manifest["tables"].items() if name not in made_by_publishing}
    now = {model.name: states[model.name].fingerprint for model in catalog.public}
    hashes = fingerprints_of(catalog, states)
    versions = {package: (manifest["packages"].get(package, "none"), version(package)) for package in PACKAGES}
    return Rebuilt(
        release_id=release_id,
        **{name: (manifest[name], hashes[name]) for name in HASHES},
        git_commit=(manifest["git_commit"], git_commit()),
        versions={package: pair for package, pair in versions.items() if pair[0] != pair[1]},
        tables=len(then.keys() & now.keys()),
        differing=tuple(name for name in now if name in then and then[name] != now[name]),
        lacking=tuple(name for name in then if name not in now),
        additional=tuple(name for name in now if name not in then),
        folder=str(into) if into else None,
    )


def _usable_manifest(folder: Path) -> Mapping[str, Any]:
    """The manifest with all that is needed of it; the two tables it vouches for are as they were."""
    advice = "name another release: `ogp-pipeline releases` lists them"
    try:
        manifest = manifest_of(folder)
    except ValueError as error:
        raise InputError(f"{folder.name}: {error}, so nobody knows what it was made of: {advice}") from None
    missing = [name for name in (*HASHES, "git_commit", "packages", "tables") if name not in manifest]
    if missing:
        raise InputError(f"{folder.name}: its manifest does not tell {', '.join(missing)}: {advice}")
    for name in (SOURCES_FILE, RELEASES_FILE):
        path = folder / name
        if not path.is_file() or sha256_of(path) != manifest["files"].get(name, {}).get("sha256"):
            raise InputError(f"{folder.name}: its {name} is missing or damaged: {advice}")
    return manifest


@contextmanager
def _workplace(settings: Settings, into: Path | None) -> Iterator[Path]:
    """The folder to build in: `into`, which must be new or empty and outside the data folder, or one for the moment."""
    if into is None:
        with TemporaryDirectory(prefix="ogp-rebuild-") as folder:
            yield Path(folder)
        return
    place = into.expanduser().absolute()
    if place.resolve().is_relative_to(settings.data_dir.resolve()):
        raise OutputError(f"{into} is inside the data folder {settings.data_dir}: name a folder outside it")
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise OutputError(f"{into} is not an empty folder: name a new one")
    yield place


def as_text(found: Rebuilt) -> str:
    """What differs and what may be the reason, to read."""
    if found.is_identical:
        lines = [
            f"Identical: {found.release_id} was built again from its snapshots; all {found.tables} tables have the "
            "same bytes.",
            f"  content fingerprint {found.content_fingerprint[0]}",
            f"  inputs fingerprint  {found.inputs_fingerprint[0]}",
        ]
    else:
        same = found.tables - len(found.differing)
        lines = [f"Different: of {found.release_id} {same} of {found.tables} tables have the same bytes."]
        for words, names in (
            ("other content", found.differing),
            ("only in the release", found.lacking),
            ("only made by this program", found.additional),
        ):
            lines += [f"  {words}: {name}" for name in names[:SHOWN]]
            lines += [f"  {words}: and {len(names) - SHOWN} more"] if len(names) > SHOWN else []
    lines += _reasons(found)
    if found.folder:
        lines.append(f"Kept in {found.folder}: open {Path(found.folder) / DATABASE}")
    return "\n".join(lines) + "\n"


def _reasons(found: Rebuilt) -> list[str]:
    """What is another program now than then; what is the same cannot be the reason."""
    lines = []
    if found.code_hash[0] != found.code_hash[1]:
        then, now = (commit or "an installed package" for commit in found.git_commit)
        lines.append(f"The program is another: that release was made by {then}, this is {now}.")
    lines += [f"  {package} {then}, now {now}" for package, (then, now) in found.versions.items()]
    if not found.is_identical and not lines:
        lines.append("The program and its packages are the same, so this is a fault of it: please report it.")
    elif not found.is_identical:
        lines.append("With that program and those packages the tables should be identical.")
    return lines


def as_json(found: Rebuilt) -> str:
    """Everything; of a pair the first is then, the second now."""
    return json.dumps({"is_identical": found.is_identical, **asdict(found)}, indent=1) + "\n"


FORMATS: dict[str, Callable[[Rebuilt], str]] = {"text": as_text, "json": as_json}
