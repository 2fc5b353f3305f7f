"""Working tables: one Parquet file each under `data/tables`, replaced whole.

Where a working table lies, reading several in one session, writing one atomically and knowing what it was
built from belong here. Beside each Parquet file lies a `.json` that says what it is: rows, fingerprint (the
sha256 of the Parquet bytes), the hash of the code, the fingerprints of the tables it was built from, and what
ran the code.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from itertools import count
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING
from uuid import uuid4

from ogp_pipeline.errors import MissingTableError, OgpError
from ogp_pipeline.models import SCHEMAS, Catalog, Model

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class TableState:
    """What is known of a working table: see the module docstring."""

    table: str
    rows: int
    fingerprint: str
    code_hash: str
    inputs: dict[str, str]  # table -> its fingerprint when this one was built
    written_at: str
    made_with: str = ""  # what ran the code; blank where that was not noted


# A million commitments are sorted and joined in it; the texts of a query come on top of it.
MEMORY = "1500MB"
SPILL_PREFIX = ".spill-"


@cache
def made_with() -> str:
    """What runs the SQL of a table and writes it: the version of DuckDB and a hash of this module."""
    import duckdb

    return f"duckdb {duckdb.__version__}, store {sha256_of(Path(__file__))[:12]}"


class TableError(OgpError):
    """A model's SQL does not give what its contract promises."""

    heading = "a table does not keep its contract"


def connect(spill_into: Path | None = None) -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB that never loads extensions from outside.

    With `spill_into`, the data folder or that of a candidate, it holds at most MEMORY, and what is more than that lies
    in a folder there until the connection closes; what a killed process leaves is removed by the next run.
    """
    import duckdb

    config = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
    if spill_into is None:
        return duckdb.connect(config=config)
    # no two connections may share one; the process says which of them are in use
    spill = spill_into / f"{SPILL_PREFIX}{os.getpid()}-{uuid4().hex}"
    return duckdb.connect(config=config | {"memory_limit": MEMORY, "temp_directory": spill.as_posix()})


_engines: dict[tuple[int, Path], tuple[duckdb.DuckDBPyConnection, Lock]] = {}


def _engine(data_dir: Path) -> tuple[duckdb.DuckDBPyConnection, Lock]:
    """The one DuckDB that the sessions on a data folder share: to start another takes ten times as long as a session.

    It keeps no bytes of the working tables: they are replaced while it lives. A process that was forked has one of its
    own, and never closes the other: the threads of that one did not come along. A process keeps four of them.
    """
    process = os.getpid()
    found = _engines.get((process, data_dir))
    if found:
        return found
    own = [key for key in _engines if key[0] == process]
    for key in own[: max(0, len(own) - 3)]:
        _engines.pop(key, None)
    engine = connect(data_dir)
    engine.execute("set enable_external_file_cache = false")
    shared = _engines[process, data_dir] = engine, Lock()
    return shared


_workspaces = count(1)


@contextmanager
def _workspace(data_dir: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to an empty database in memory of its own, which is gone afterwards: nothing is seen of others."""
    engine, lock = _engine(data_dir)
    name = f"workspace_{next(_workspaces)}"
    with lock:
        connection = engine.cursor()
    try:
        connection.execute(f"attach ':memory:' as {name}")
        connection.execute(f"use {name}")
        yield connection
    finally:
        connection.close()
        with lock:
            engine.execute(f"detach database if exists {name}")


def quoted(name: str) -> str:
    """An SQL identifier: `Value -Info` -> `"Value -Info"`."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """An SQL string literal."""
    return "'" + str(text).replace("'", "''") + "'"


def sha256_of(path: Path) -> str:
    """The sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_atomically(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write a file so that a reader sees the old or the new content, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(mode)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


class Store:
    """The working tables of one data folder."""

    def __init__(self, tables_dir: Path, catalog: Catalog) -> None:
        self.tables_dir = tables_dir
        self.catalog = catalog

    def path(self, name: str) -> Path:
        """The Parquet file of a working table."""
        return self.tables_dir / f"{name}.parquet"

    def state(self, name: str) -> TableState | None:
        """What is known of a working table; None where it is missing, or its two files do not belong together."""
        try:
            state = TableState(**json.loads(self.path(name).with_suffix(".json").read_text(encoding="utf-8")))
            return state if sha256_of(self.path(name)) == state.fingerprint else None
        except (FileNotFoundError, IsADirectoryError, ValueError, TypeError):  # absent, no text, no JSON, other fields
            return None

    def up_to_date(self, model: Model) -> TableState | None:
        """The state of a working table that building it anew would not change; None where it is to be built.

        That is known of tables of SQL alone: the same code, run by the same program on the same tables. What a
        function builds may come from files.
        """
        state = None if model.sql is None else self.state(model.name)
        if state is None or (state.code_hash, state.made_with) != (model.code_hash, made_with()):
            return None
        read = {name: self.state(name) for name in model.reads}
        now = {name: known.fingerprint for name, known in read.items() if known is not None}
        return state if now == state.inputs and len(now) == len(read) else None

    @contextmanager
    def session(self, reads: Iterable[str], macros: str = "") -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection in which the tables of `reads` are there under their own names, with the macros given.

        MissingTableError names every one that is missing and what to materialise.
        """
        import duckdb

        reads = sorted(set(reads))
        missing = [name for name in reads if not self.path(name).exists()]
        if missing:
            raise MissingTableError([f"{name} has not been built yet: materialise {name}" for name in missing])
        with _workspace(self.tables_dir.parent) as connection:
            prepare(connection, macros)
            for name in reads:
                source = literal(self.path(name).as_posix())
                try:
                    connection.execute(f"create view {name} as select * from read_parquet({source})")
                except duckdb.Error as error:
                    raise MissingTableError(f"{name} is damaged: materialise {self.asset_of(name)}") from error
            yield connection

    def write(self, connection: duckdb.DuckDBPyConnection, model: Model, select: str) -> TableState:
        """Cast a SELECT to the model's contract and replace its working table with the result.

        `connection` is a session on `model.reads`. TableError names the columns that are missing, not promised
        or do not cast.
        """
        import duckdb

        states = {read: self.state(read) for read in model.reads}
        for read, state in states.items():
            if state is None:
                raise MissingTableError(f"{read} is missing or damaged: materialise {read}")
        target = self.path(model.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
        try:
            shaped = cast_to_contract(connection, model, select)
            destination = literal(temporary.as_posix())
            if model.sql and self._is_of_an_absent_source(model, states):
                connection.execute("pragma disable_optimizer")  # to plan it well takes longer than to run it on no rows
            try:
                rows = _run(connection, f"copy ({shaped}) to {destination} (format parquet, compression zstd)")
            except duckdb.ConversionException as error:
                raise TableError(f"{model.name}: a value does not fit its column's type: {error}") from error
            except (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException) as error:
                raise _does_not_run(model, error) from error
            sync(temporary)
            state = TableState(
                table=model.name,
                rows=rows,
                fingerprint=sha256_of(temporary),
                code_hash=model.code_hash,
                inputs={read: state.fingerprint for read, state in states.items()},
                written_at=datetime.now(UTC).isoformat(timespec="seconds"),
                made_with=made_with(),
            )
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)
        write_atomically(target.with_suffix(".json"), json.dumps(asdict(state), indent=1).encode())
        return state

    def _is_of_an_absent_source(self, model: Model, read: Mapping[str, TableState]) -> bool:
        """What a table reads of its own source holds no row; `read` are the states of the tables it reads."""
        source = self.catalog.source_of(model.name)
        own = [state.rows for name, state in read.items() if source and self.catalog.source_of(name) == source]
        return bool(own) and not any(own)

    def faults(self) -> list[str]:
        """Why the working tables are not one whole: each line names a table and what to materialise.

        A table is stale when its SQL or contract changed since it was built, or when a table it reads has
        other content now than it had then.
        """
        states = {model.name: self.state(model.name) for model in self.catalog}
        lines = []
        for model in self.catalog:
            state = states[model.name]
            if state is None:
                lines.append(f"{model.name} is missing or damaged: materialise {self.asset_of(model.name)}")
                continue
            if state.code_hash != model.code_hash:
                lines.append(f"{model.name} was built by older code: materialise {self.asset_of(model.name)}")
            older = [
                read
                for read in model.reads
                if states.get(read) is not None and state.inputs.get(read) != states[read].fingerprint
            ]
            if older:
                lines.append(
                    f"{model.name} was built from an older {', '.join(older)}: "
                    f"materialise {self.asset_of(model.name)} and what follows from it"
                )
        return lines

    def asset_of(self, name: str) -> str:
        """The asset to materialise for a table: itself, or for a private one what is read from it or it is made of."""
        model = self.catalog[name]
        if not model.contract.private:
            return name
        step = self.catalog.step_of(name)
        made_through = {name}  # the private tables between this one and the public ones
        for other in step:
            if other.contract.private and made_through & set(other.reads):
                made_through.add(other.name)
        made_of = set(model.reads)  # the tables this one is made of, also through private ones
        for other in reversed(step):
            if other.contract.private and other.name in made_of:
                made_of |= set(other.reads)
        public = [other for other in step if not other.contract.private]
        readers = [other.name for other in public if made_through & set(other.reads)]
        origins = [other.name for other in public if other.name in made_of]
        return max(readers or origins or [name], key=lambda asset: asset.startswith("staging."))


def prepare(connection: duckdb.DuckDBPyConnection, macros: str) -> None:
    """Create the schemas and the macros that are called."""
    for schema in SCHEMAS:
        connection.execute(f"create schema if not exists {schema}")
    if macros:
        connection.execute(macros)


def cast_to_contract(connection: duckdb.DuckDBPyConnection, model: Model, select: str) -> str:
    """The SELECT with the columns of the contract, in its order and types, sorted by its key."""
    import duckdb

    if model.contract.private and not model.contract.columns:
        return f"select * from ({select}) {_order(model)}"
    try:
        found = [row[0] for row in connection.execute(f"describe ({select})").fetchall()]
    except duckdb.Error as error:
        raise _does_not_run(model, error) from error
    promised = model.contract.columns
    lacking = [name for name in promised if name not in found]
    unnamed = [name for name in found if name not in promised]
    faults = [f"{model.name}: column {name} is promised and not computed" for name in lacking]
    if not model.contract.extras:
        faults += [f"{model.name}: column {name} is computed and not promised" for name in unnamed]
    if faults:
        raise TableError([f"{fault}: change {model.path.name} or its contract" for fault in faults])
    columns = [f"cast({quoted(name)} as {column.type}) as {quoted(name)}" for name, column in promised.items()]
    columns += [quoted(name) for name in unnamed]
    return f"select {', '.join(columns)} from ({select}) {_order(model)}"


def _order(model: Model) -> str:
    """The clause that puts rows into the order of the key; blank where they come in it."""
    if model.contract.in_order:
        return ""
    return f"order by {', '.join(quoted(name) for name in model.contract.key) or 'all'}"


def _run(connection: duckdb.DuckDBPyConnection, copy: str) -> int:
    """Run a COPY and count its rows; what nearly fits into MEMORY is sorted and joined on the disk.

    DuckDB begins in memory what it thinks will fit, and that it does not can come to light when nothing can be put
    away any more. One thread holds less at a time than two. The rows and their order are the same either way.
    """
    import duckdb

    try:
        return connection.execute(copy).fetchone()[0]
    except duckdb.OutOfMemoryException:
        connection.execute("set threads = 1")
        connection.execute("set debug_force_external = true")
        try:
            return connection.execute(copy).fetchone()[0]
        finally:
            connection.execute("reset debug_force_external")
            connection.execute("reset threads")


def _does_not_run(model: Model, error: duckdb.Error) -> TableError:
    return TableError(f"{model.name}: {model.path.name} does not run: {error}")


def sync(path: Path) -> None:
    """Force what was written to a file or folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
