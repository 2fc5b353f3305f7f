"""What lies in the sources of a run: every file recognised, refused with a reason, or reported as an error.

Choosing the sources, reading `sources.yml`, keeping the exact bytes of what is loaded. Reading rows into
tables is `raw_tables`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from ogp_pipeline.contracts import load_yaml, validation_line
from ogp_pipeline.errors import InputError
from ogp_pipeline.sample import write_sample
from ogp_pipeline.settings import OFFICIAL, SAMPLE, Settings
from ogp_pipeline.sources.layouts import HEADER_WITHIN_ROWS, Header, Layout, find_header, nearest
from ogp_pipeline.sources.official import Download, kept_file, last_download, official_files, released_date
from ogp_pipeline.sources.readers import SUFFIXES, Grid, grids
from ogp_pipeline.sources.snapshots import keep
from ogp_pipeline.store import sha256_of, write_atomically

MANIFEST = "sources.yml"
SOURCES_OF_TABLES = "sources.json"  # beside the working tables
COMMITMENT_LAYOUTS = ("explorer_commitments", "master_commitments")


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
    `sources.yml` or among the official files and not there).
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
    download: Download | None = None  # of an official file
    rhythm_days: int | None = None  # the longest time an official file is expected to stay as it is

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
    """The sources of a run: those named, else those the data folder remembers, else the sample.

    InputError where the sample is named beside others.
    """
    named = settings.sources
    sources = named or _read_sources(settings.remembered_sources) or working_sources(settings) or (SAMPLE,)
    if SAMPLE in sources and len(sources) > 1:
        raise InputError(
            "the synthetic sample cannot be mixed with real files: name `sample` alone, or `official` and folders"
        )
    return sources


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
    errors: list[str] = []
    found: list[SourceFile] = []
    prefixes = _prefixes(sources)
    for source in prefixes:
        if source == OFFICIAL:
            found += _scan_official(settings, known, errors)
            continue
        if source == SAMPLE:
            folder = settings.data_dir / SAMPLE
            write_sample(folder)
        else:
            folder = Path(source)
        if not folder.is_dir():
            errors.append(f"{folder}: there is no such folder: name an existing one, `official` or `sample`")
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
    """With several sources their names tell their files apart; a name that is taken is numbered.

    A folder that is named twice is looked at once. The files of `official` have that prefix also when it is alone.
    """
    folders = {_identity(source): source for source in reversed(sources)}
    different = [source for source in dict.fromkeys(sources) if source in folders.values()]
    if len(different) == 1 and different != [OFFICIAL]:
        return {different[0]: ""}
    prefixes = {source: f"{OFFICIAL}/" for source in different if source == OFFICIAL}
    return prefixes | _folder_prefixes([source for source in different if source != OFFICIAL], taken_before=prefixes)


def _folder_prefixes(different: Sequence[str], taken_before: Mapping[str, str]) -> dict[str, str]:
    names = [Path(source).name for source in different]
    prefixes: dict[str, str] = {}
    for position, (source, name) in enumerate(zip(different, names, strict=True), start=1):
        wanted = name if names.count(name) == 1 else f"{name}-{position}"
        taken = {
            *taken_before.values(),
            *prefixes.values(),
            *(f"{other}/" for other in names if other != name),
        }
        numbered = (f"{wanted}-{k}/" for k in range(2, 2 * len(names) + 2))
        prefixes[source] = next(prefix for prefix in (f"{wanted}/", *numbered) if prefix not in taken)
    return prefixes


def _identity(source: str) -> str:
    """Equal for two names of the same folder."""
    return source if source == OFFICIAL else str(Path(source).resolve())


def _scan_official(settings: Settings, known: Sequence[Layout], errors: list[str]) -> list[SourceFile]:
    """The last good downloads. Without any of commitments nothing is worth building: an error for every file."""
    found, missing = [], []
    has_commitments = False
    for official in official_files(settings.downloads):
        download = last_download(settings, official)
        entry = ManifestEntry(
            file=official.file,
            released=released_date(official, download.content_changed_at) if download and download.sha256 else None,
            **official.model_dump(include={"partial", "publisher", "url", "licence"}),
        )
        kept = kept_file(settings, official, download)
        path = kept or settings.official_dir / official.file
        file = SourceFile(
            official.name, path, "refused", "", entry, download=download, rhythm_days=official.rhythm_days
        )
        if kept is None:
            reason = (download and download.failure) or "it was not downloaded yet, or what was kept of it is damaged"
            missing.append(f"{official.name}, {official.url}: {reason}")
            found.append(replace(file, status="missing", reason=reason))
        else:
            has_commitments |= official.layout in COMMITMENT_LAYOUTS
            found += scan_file(file, known, errors)
    if not has_commitments:
        advice = "no commitments among the official files: look at the reasons and run `ogp-pipeline fetch` again"
        errors += [*missing, advice]
    return found


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
            found += scan_file(file, known, errors)
    for entry in entries:
        if not (folder / entry.file).exists():
            reason = f"{MANIFEST} names it and it is not in the folder"
            found.append(SourceFile(prefix + entry.file, folder / entry.file, "missing", reason, entry))
    return found


def scan_file(file: SourceFile, known: Sequence[Layout], errors: list[str]) -> list[SourceFile]:
    """A file, or each sheet of it, recognised by its columns; what keeps it from being read goes to `errors`."""
    try:
        sheets = grids(file.path, file.name)
    except InputError as error:
        errors += error.problems
        return []
    file = replace(file, sha256=sha256_of(file.path), size=file.path.stat().st_size)
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
            errors.append(
                f"{name}, header in row {header.index + 1}: the layout {header.layout.name} lacks the required "
                f"column{'s' if len(lacking) > 1 else ''} {', '.join(lacking)}: put them back under these names"
            )
            continue
        rows = sum(1 for _ in sheet.data_rows())
        below = sum(1 for _ in grid.rows()) - header.index - 1
        found.append(replace(sheet, status="loaded", rows=rows, skipped_rows=below - rows))
    return found


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
    origin = {"path": str(file.path), **file.entry.model_dump(mode="json", exclude={"file"})}
    snapshot = keep(settings, file.path, file.sha256, file.name, origin)
    return replace(file, grid=replace(file.grid, path=snapshot))


def _stripped(cells: Sequence[str]) -> tuple[str, ...]:
    """The cells without surrounding spaces and without blank cells at the end."""
    row = [cell.strip() for cell in cells]
    while row and not row[-1]:
        row.pop()
    return tuple(row)
