"""The project's own catalog, kept as Python keeps the code it compiled: parsing `sql/` takes longer than all else.

The kept file lies in the `__pycache__` folder of the package. Its first line, the seal, is a sha256 over everything
the catalog follows from and over the rest of the file, which is the catalog as JSON. Where the seal does not fit,
because a file was edited, a package upgraded or the kept file damaged, `sql/` is parsed anew.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path

from pydantic import TypeAdapter

from ogp_pipeline import IMPORTED_AT
from ogp_pipeline.models import Catalog
from ogp_pipeline.settings import PACKAGE_DIR, project_file

PARSERS = ("duckdb", "pydantic", "pyyaml")


@cache
def own_catalog() -> Catalog:
    """The catalog of the project's `sql/`; ContractError lists every fault at once."""
    kept = Path(importlib.util.cache_from_source(str(PACKAGE_DIR / "sql.py"))).with_suffix(".catalog")
    return kept_or_parsed(project_file("sql"), kept)


def kept_or_parsed(sql_dir: Path, kept: Path) -> Catalog:
    """The catalog of a `sql/` folder, read from the file `kept` or parsed and kept there.

    ContractError lists every fault at once; faults are never kept. No kept file, one that is not of these files, and
    a folder that cannot be written are no faults.
    """
    origin = _origin(sql_dir)
    catalog = _read(kept, origin)
    if catalog is None:
        from ogp_pipeline.parsing import parse_catalog

        catalog = parse_catalog(sql_dir)
        if origin == _origin(sql_dir) and _follows_from_origin(catalog):
            _keep(catalog, kept, origin)
    return catalog


def _read(kept: Path, origin: bytes) -> Catalog | None:
    """The catalog that was kept; None where there is none of this origin."""
    try:
        seal, _, content = kept.read_bytes().partition(b"\n")
    except OSError:
        return None
    return TypeAdapter(Catalog).validate_json(content) if seal == _seal(origin, content) else None


def _keep(catalog: Catalog, kept: Path, origin: bytes) -> None:
    from ogp_pipeline.store import write_atomically

    adapter = TypeAdapter(Catalog)
    content = adapter.dump_json(catalog, exclude_unset=True)
    if adapter.validate_json(content) == catalog:  # a date in a rule would come back as a text
        with suppress(OSError):
            write_atomically(kept, _seal(origin, content) + b"\n" + content)


def _seal(origin: bytes, content: bytes) -> bytes:
    return hashlib.sha256(origin + content).hexdigest().encode()


def _origin(sql_dir: Path) -> bytes:
    """A hash of all that a catalog follows from: every file that is read for it, the code, and what parses."""
    found = hashlib.sha256(repr([(name, version(name)) for name in PARSERS]).encode())
    for path in (*_files(sql_dir, ".sql", ".yml"), *_files(PACKAGE_DIR, ".py", ".csv")):
        with open(path, "rb", buffering=0) as file:
            content = file.read()
        found.update(f"{path}\0{len(content)}\0".encode())
        found.update(content)
    return found.digest()


def _files(folder: Path, *suffixes: str) -> Iterator[str]:
    """The paths of files, as texts: to make a Path of each takes longer than to read it."""
    for place, folders, names in os.walk(folder):  # half the time of Path.rglob
        folders.sort()
        yield from (f"{place}{os.sep}{name}" for name in sorted(names) if name.endswith(suffixes))


def _follows_from_origin(catalog: Catalog) -> bool:
    """Whether its hash tells all: every builder is of this package, and no code changed after it was imported."""
    builders = (model.contract.built_by for model in catalog)
    return all(name is None or name.startswith("ogp_pipeline.") for name in builders) and all(
        os.stat(path).st_mtime < IMPORTED_AT for path in _files(PACKAGE_DIR, ".py")
    )
