"""What lies in the sources of a run: every file recognised, refused with a reason, or reported as an error.

Choosing the sources, reading `sources.yml`, keeping the exact bytes of what is loaded. What becomes of one file
is `source_files`, reading rows into tables is `raw_tables`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import yaml
from pydantic import TypeAdapter, ValidationError

from ogp_pipeline.contracts import load_yaml, validation_line
from ogp_pipeline.errors import InputError
from ogp_pipeline.safe_text import unicode_name
from ogp_pipeline.sample import write_sample
from ogp_pipeline.settings import OFFICIAL, SAMPLE, Settings
from ogp_pipeline.sources.layouts import Layout
from ogp_pipeline.sources.looked_at import LookedAt
from ogp_pipeline.sources.official import kept_file, last_download, official_files, released_date
from ogp_pipeline.sources.snapshots import keep
from ogp_pipeline.sources.source_files import UNREADABLE, ManifestEntry, SourceFile, scan_file
from ogp_pipeline.store import write_atomically

MANIFEST = "sources.yml"
MANIFEST_BYTES = 1_000_000  # some 5,000 entries
LEADS_ELSEWHERE = "a link that leads out of the folder, to a folder or to nothing"
SOURCES_OF_TABLES = "sources.json"  # beside the working tables
_scanned: LookedAt[list[SourceFile]] = LookedAt()
COMMITMENT_LAYOUTS = ("explorer_commitments", "master_commitments")


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
    recall_sources(settings, working_sources(settings) or chosen_sources(settings))


def recall_sources(settings: Settings, sources: Sequence[str]) -> None:
    """Let the user interface and the nightly use these sources from now on."""
    content = json.dumps({"sources": list(sources)}, indent=1)
    if not settings.remembered_sources.exists() or settings.remembered_sources.read_text("utf-8") != content:
        write_atomically(settings.remembered_sources, content.encode())


def sources_remembered(settings: Settings) -> tuple[str, ...]:
    """The sources the data folder remembers; empty where there are none yet, or they cannot be read."""
    try:
        return _read_sources(settings.remembered_sources)
    except InputError:
        return ()


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
    prefixes = name_prefixes(sources)
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
        found += _scan_folder(folder, prefixes[source], known)
    found = _without_duplicates(found)
    errors += [f"{file.name}: {file.reason}" for file in found if file.status == UNREADABLE]
    if not errors and not any(file.layout in COMMITMENT_LAYOUTS and file.rows for file in found):
        errors.append(
            f"no commitments in {', '.join(sources)}: give a folder with a file of the layout "
            + " or ".join(COMMITMENT_LAYOUTS)
        )
        errors += [
            f"{file.name}: {file.reason or 'a header and no rows below it'}"
            for file in found
            if file.status != "ignored" and not (file.status == "loaded" and file.rows)
        ]
    if errors:
        raise InputError(errors)
    return [_kept(file, settings) if file.status == "loaded" else file for file in found]


def look_at(paths: Sequence[Path], known: Sequence[Layout]) -> list[SourceFile]:
    """Files and folders as a run would see them, where they lie: nothing is kept and no commitments are needed.

    What would end a run is a file of the status `unreadable`, one for each reason.
    """
    found: list[SourceFile] = []
    for path in {path.resolve(): path for path in reversed(paths)}.values():
        if path.is_dir():
            found += _scan_folder(path, f"{unicode_name(path.as_posix()).rstrip('/')}/", known)
        else:
            name = unicode_name(path.as_posix())
            found += scan_file(SourceFile(name, path, "refused", "", ManifestEntry(file="")), known)
    return _without_duplicates(sorted(found, key=lambda file: file.name))


def name_prefixes(sources: Sequence[str]) -> dict[str, str]:
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
    names = [unicode_name(Path(source).name) for source in different]
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
            **official.model_dump(include={"partial", "publisher", "url", "licence", "rhythm_days"}),
        )
        kept = kept_file(settings, official, download)
        path = kept or settings.official_dir / official.file
        file = SourceFile(official.name, path, "refused", "", entry, download=download)
        if kept is None:
            reason = (download and download.failure) or "it was not downloaded yet, or what was kept of it is damaged"
            missing.append(f"{official.name}, {official.url}: {reason}")
            found.append(replace(file, status="missing", reason=reason))
        else:
            has_commitments |= official.layout in COMMITMENT_LAYOUTS
            found += _scan_once(file, known)
    if not has_commitments:
        advice = "no commitments among the official files: look at the reasons and run `ogp-pipeline fetch` again"
        errors += [*missing, advice]
    return found


def _scan_folder(folder: Path, prefix: str, known: Sequence[Layout]) -> list[SourceFile]:
    entries, faults = _manifest(folder)
    manifest = SourceFile(prefix + MANIFEST, folder / MANIFEST, UNREADABLE, "", ManifestEntry(file=MANIFEST))
    found = [replace(manifest, reason=fault) for fault in faults]
    root = folder.resolve()
    for path in sorted(path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()):
        relative = unicode_name(path.relative_to(folder).as_posix())
        if relative == MANIFEST or any(part.startswith((".", "~$")) for part in Path(relative).parts):
            continue
        file = SourceFile(prefix + relative, path, "refused", "", _entry_of(relative, entries))
        if path.is_symlink() and not _leads_to_a_file_inside(path, root):
            reason = f"{LEADS_ELSEWHERE} is not followed: put the file itself there"
            found.append(replace(file, reason=reason))
        else:
            found += _scan_once(file, known)
    for entry in entries:
        if not (folder / entry.file).exists():
            reason = f"{MANIFEST} names it and it is not in the folder"
            found.append(SourceFile(prefix + entry.file, folder / entry.file, "missing", reason, entry))
    return found


def _scan_once(file: SourceFile, known: Sequence[Layout]) -> list[SourceFile]:
    """The file as `scan_file` finds it, or found it in this process: every step of a run looks at all files."""
    contracts = [layout.contract for layout in known]
    return list(_scanned.once(file.path, (file, contracts), lambda: scan_file(file, known)))


def _leads_to_a_file_inside(link: Path, root: Path) -> bool:
    return link.is_file() and link.resolve().is_relative_to(root)


def _manifest(folder: Path) -> tuple[list[ManifestEntry], list[str]]:
    """The entries of `sources.yml`, and its faults where it cannot be read."""
    path = folder / MANIFEST
    if path.is_symlink() and not _leads_to_a_file_inside(path, folder.resolve()):
        return [], [f"{LEADS_ELSEWHERE} is not read: put the file itself there"]
    if not path.exists():
        return [], []
    if not path.is_file():
        return [], ["no ordinary file: write it anew or remove it"]
    if path.stat().st_size > MANIFEST_BYTES:
        return [], [f"larger than {MANIFEST_BYTES:,} bytes: name folders in it instead of each file"]
    try:
        return TypeAdapter(list[ManifestEntry]).validate_python(load_yaml(path.read_text(encoding="utf-8")) or []), []
    except yaml.YAMLError as error:
        return [], [f"not readable as YAML: {' '.join(str(error).split())}: mend it or remove it"]
    except UnicodeDecodeError as error:
        return [], [f"not UTF-8 ({error}): save it as UTF-8"]
    except OSError as error:
        return [], [f"cannot be opened ({error.strerror}): make it readable or remove it"]
    except ValidationError as error:
        lines = (validation_line(MANIFEST, item).removeprefix(f"{MANIFEST}: ") for item in error.errors())
        return [], [f"{line}: change or remove that entry" for line in lines]


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
