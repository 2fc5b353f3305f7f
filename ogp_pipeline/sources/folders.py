"""What lies in the sources of a run: every file recognised, refused with a reason, or reported as an error.

Choosing the sources, reading `sources.yml`, keeping the exact bytes of what is loaded. Reading rows into
tables is `raw_tables`.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from ogp_pipeline.contracts import load_yaml, validation_line
from ogp_pipeline.errors import InputError, SetAsideError
from ogp_pipeline.sample import write_sample
from ogp_pipeline.settings import Settings
from ogp_pipeline.sources.layouts import HEADER_WITHIN_ROWS, Header, Layout, find_header, nearest
from ogp_pipeline.sources.readers import SUFFIXES, Grid, grids
from ogp_pipeline.store import sha256_of, write_atomically

MANIFEST = "sources.yml"
SAMPLE = "sample"
SOURCES_OF_TABLES = "sources.json"  # beside the working tables
COMMITMENT_LAYOUTS = ("explorer_commitments",)


class ManifestEntry(BaseModel):
    """One entry of `sources.yml`: what is known of a file, or of every file in a folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str
    released: date | None = None
    partial: bool = False
    synthetic: bool = False
    publisher: str | None = None
    url: str | None = None
    licence: str | None = None


@dataclass(frozen=True)
class SourceFile:
    """One file, or one sheet of a workbook (`name#sheet`), and what became of it.

    `status`: loaded, refused (no known layout), duplicate (the same bytes twice), missing (named in
    `sources.yml` and not there).
    """

    name: str  # path inside its source folder: the `_source_file` of every row
    path: Path
    status: str
    reason: str
    entry: ManifestEntry
    sha256: str | None = None
    size: int | None = None
    grid: Grid | None = None
    header: Header | None = None
    rows: int = 0
    skipped_rows: int = 0  # blank rows and repeated header blocks

    @property
    def layout(self) -> str | None:
        """The name of the layout it was recognised as."""
        return self.header.layout.name if self.header else None

    def data_rows(self) -> Iterator[tuple[int, list[str]]]:
        """The rows below the header, without blank rows and repetitions of the header block."""
        block: set[tuple[str, ...]] = set()
        for position, (number, cells) in enumerate(self.grid.rows()):
            row = _stripped(cells)
            if position <= self.header.index:
                block.add(row)
            elif row and row not in block:
                yield number, cells


def chosen_sources(settings: Settings) -> tuple[str, ...]:
    """The sources of a run: those named, else those the data folder remembers, else the sample."""
    if settings.sources:
        return settings.sources
    return _read_sources(settings.remembered_sources) or working_sources(settings) or (SAMPLE,)


def working_sources(settings: Settings) -> tuple[str, ...]:
    """The sources that the working tables were last read from; empty where there are none yet."""
    return _read_sources(settings.tables_dir / SOURCES_OF_TABLES)


def note_working_sources(settings: Settings) -> None:
    """Note which sources the working tables are read from, once they could be read."""
    content = json.dumps({"sources": list(chosen_sources(settings))}, indent=1)
    write_atomically(settings.tables_dir / SOURCES_OF_TABLES, content.encode())


def remember_sources(settings: Settings) -> None:
    """Let the user interface and the nightly use the sources of the published release from now on."""
    content = json.dumps({"sources": list(working_sources(settings) or chosen_sources(settings))}, indent=1)
    if not settings.remembered_sources.exists() or settings.remembered_sources.read_text("utf-8") != content:
        write_atomically(settings.remembered_sources, content.encode())


def _read_sources(path: Path) -> tuple[str, ...]:
    if not path.exists():
        return ()
    try:
        return tuple(str(source) for source in json.loads(path.read_text(encoding="utf-8"))["sources"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not readable ({error}): remove it and name the sources again") from error


def scan(settings: Settings, known: Sequence[Layout]) -> list[SourceFile]:
    """Look at every file of the chosen sources. InputError lists every error of every file at once."""
    sources = chosen_sources(settings)
    if SAMPLE in sources and len(sources) > 1:
        raise InputError("the synthetic sample cannot be mixed with real files: name `sample` alone, or folders")
    errors: list[str] = []
    found: list[SourceFile] = []
    prefixes = _prefixes(sources)
    for source in prefixes:
        if source == SAMPLE:
            folder = settings.data_dir / SAMPLE
            write_sample(folder)
        else:
            folder = Path(source)
        if not folder.is_dir():
            errors.append(f"{folder}: there is no such folder: name an existing one, or `sample`")
            continue
        found += _scan_folder(folder, prefixes[source], known, errors)
    found = _without_duplicates(found)
    if not errors and not any(file.layout in COMMITMENT_LAYOUTS and file.rows for file in found):
        errors.append(
            f"no commitments in {', '.join(sources)}: give a folder with a file of the layout "
            + " or ".join(COMMITMENT_LAYOUTS)
        )
        errors += [
            f"{file.name}: {file.reason or 'a header and no rows below it'}"
            for file in found
            if file.status != "loaded" or not file.rows
        ]
    if errors:
        raise InputError(errors)
    return [_kept(file, settings) if file.status == "loaded" else file for file in found]


def _prefixes(sources: Sequence[str]) -> dict[str, str]:
    """With several folders their names tell their files apart; a name that is taken is numbered.

    A folder that is named twice is looked at once.
    """
    folders = {str(Path(source).resolve()): source for source in reversed(sources)}
    different = [source for source in dict.fromkeys(sources) if source in folders.values()]
    if len(different) == 1:
        return {different[0]: ""}
    names = [Path(source).name for source in different]
    prefixes: dict[str, str] = {}
    for position, (source, name) in enumerate(zip(different, names, strict=True), start=1):
        wanted = name if names.count(name) == 1 else f"{name}-{position}"
        taken = {*prefixes.values(), *(f"{other}/" for other in names if other != name)}
        numbered = (f"{wanted}-{k}/" for k in range(2, 2 * len(names) + 2))
        prefixes[source] = next(prefix for prefix in (f"{wanted}/", *numbered) if prefix not in taken)
    return prefixes


def _scan_folder(folder: Path, prefix: str, known: Sequence[Layout], errors: list[str]) -> list[SourceFile]:
    entries = _manifest(folder, prefix + MANIFEST, errors)
    found = []
    root = folder.resolve()
    for path in sorted(path for path in folder.rglob("*") if path.is_file() or path.is_symlink()):
        relative = path.relative_to(folder).as_posix()
        if relative == MANIFEST or any(part.startswith((".", "~$")) for part in Path(relative).parts):
            continue
        file = SourceFile(prefix + relative, path, "refused", "", _entry_of(relative, entries))
        if path.is_symlink() and not (path.is_file() and path.resolve().is_relative_to(root)):
            reason = "a link that leads out of the folder, to a folder or to nothing is not followed"
            found.append(replace(file, reason=reason))
        elif path.suffix.lower() not in SUFFIXES:
            found.append(replace(file, reason=f"{path.suffix or 'no suffix'}: not one of {', '.join(SUFFIXES)}"))
        else:
            found += _scan_file(file, known, errors)
    for entry in entries:
        if not (folder / entry.file).exists():
            reason = f"{MANIFEST} names it and it is not in the folder"
            found.append(SourceFile(prefix + entry.file, folder / entry.file, "missing", reason, entry))
    return found


def _scan_file(file: SourceFile, known: Sequence[Layout], errors: list[str]) -> list[SourceFile]:
    try:
        sheets = grids(file.path, file.name)
    except InputError as error:
        errors += error.problems
        return []
    except SetAsideError as error:
        return [replace(_weighed(file), reason="; ".join(error.problems))]
    file = _weighed(file)
    found = []
    for grid in sheets:
        name = file.name if grid.sheet is None else f"{file.name}#{grid.sheet}"
        first = grid.first_rows(HEADER_WITHIN_ROWS)
        header = find_header(first, known)
        sheet = replace(file, name=name, grid=grid, header=header)
        if header is None:
            found.append(replace(sheet, reason=nearest(first, known)))
            continue
        lacking = header.layout.lacks(header.cells)
        if lacking:
            told = (
                f"the layout {header.layout.name} lacks the required "
                f"column{'s' if len(lacking) > 1 else ''} {', '.join(lacking)}: put them back under these names"
            )
            if grid.page is not None:  # one row is lost, not a table
                found.append(replace(sheet, reason=told))
            else:
                errors.append(f"{name}, header in row {header.index + 1}: {told}")
            continue
        rows = sum(1 for _ in sheet.data_rows())
        below = sum(1 for _ in grid.rows()) - header.index - 1
        found.append(replace(sheet, status="loaded", rows=rows, skipped_rows=below - rows))
    return found


def _weighed(file: SourceFile) -> SourceFile:
    return replace(file, sha256=sha256_of(file.path), size=file.path.stat().st_size)


def _manifest(folder: Path, name: str, errors: list[str]) -> list[ManifestEntry]:
    path = folder / MANIFEST
    if not path.exists():
        return []
    try:
        return TypeAdapter(list[ManifestEntry]).validate_python(load_yaml(path.read_text(encoding="utf-8")) or [])
    except yaml.YAMLError as error:
        errors.append(f"{name}: not readable as YAML: {' '.join(str(error).split())}: mend it or remove it")
    except UnicodeDecodeError as error:
        errors.append(f"{name}: not UTF-8 ({error}): save it as UTF-8")
    except ValidationError as error:
        errors += [f"{validation_line(name, item)}: change or remove that entry" for item in error.errors()]
    return []


def _entry_of(relative: str, entries: Sequence[ManifestEntry]) -> ManifestEntry:
    """The manifest entry of a file: the one naming it, else the one naming the nearest folder around it."""
    around = [
        entry
        for entry in entries
        if relative == entry.file.rstrip("/") or relative.startswith(entry.file.rstrip("/") + "/")
    ]
    return max(around, key=lambda entry: len(entry.file), default=ManifestEntry(file=relative))


def _without_duplicates(found: list[SourceFile]) -> list[SourceFile]:
    first: dict[tuple[str, str | None], str] = {}
    kept = []
    for file in found:
        identity = (file.sha256, file.grid.sheet if file.grid else None)
        if file.status == "loaded" and identity in first:
            file = replace(file, status="duplicate", reason=f"the same bytes as {first[identity]}")
        elif file.status == "loaded":
            first[identity] = file.name
        kept.append(file)
    return kept


def _kept(file: SourceFile, settings: Settings) -> SourceFile:
    """Keep the exact bytes under `data/snapshots`, and read the file from there."""
    snapshot = settings.snapshots_dir / f"{file.sha256}{file.path.suffix.lower()}"
    if not snapshot.exists() or sha256_of(snapshot) != file.sha256:
        snapshot.parent.mkdir(parents=True, exist_ok=True)
        temporary = snapshot.with_name(f".{snapshot.name}.{os.getpid()}.tmp")
        shutil.copyfile(file.path, temporary)
        os.replace(temporary, snapshot)
        if sha256_of(snapshot) != file.sha256:
            raise InputError(f"{file.name}: it changed while it was read: run again when it is complete")
        origin = {
            "file": file.name,
            "path": str(file.path),
            "bytes": file.size,
            "kept_at": datetime.now(UTC).isoformat(timespec="seconds"),
            **file.entry.model_dump(mode="json", exclude={"file"}),
        }
        write_atomically(snapshot.with_suffix(".json"), json.dumps(origin, indent=1).encode())
    return replace(file, grid=replace(file.grid, path=snapshot))


def _stripped(cells: Sequence[str]) -> tuple[str, ...]:
    """The cells without surrounding spaces and without blank cells at the end."""
    row = [cell.strip() for cell in cells]
    while row and not row[-1]:
        row.pop()
    return tuple(row)
