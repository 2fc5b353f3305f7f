"""The files of `sql/**`, table by table: which contract and which SELECT say what a table is.

Every source has the same raw, staging and quarantine tables. What they share stands once, in
`sql/each_source/<schema>.<table>.yml` and `.sql`, in which `{source}` is the name of the source. A source's own
contract adds to the shared one, its own SELECT stands in place of the shared one. A shared contract without
`{source}` in its name adds its checks to that one table, once for every source. Finding and reading the files
belongs here; parsing SQL and validating contracts does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

EACH_SOURCE = "each_source"
SOURCE = "{source}"


@dataclass(frozen=True)
class SqlFile:
    """One file; of a shared one, with the source that fills it in."""

    path: Path
    source: str | None = None

    @property
    def where(self) -> str:
        """As an error message names it."""
        return f"{self.path.parent.name}/{self.path.name}"

    def read(self) -> str:
        """Its text. UnicodeDecodeError where it is not UTF-8."""
        text = self.path.read_text(encoding="utf-8")
        return text if self.source is None else text.replace(SOURCE, self.source)


@dataclass(frozen=True)
class TableFiles:
    """The files of one table. `contracts` holds the shared contracts, then the table's own."""

    schema: str
    table: str
    contracts: tuple[SqlFile, ...]
    select: SqlFile | None

    @property
    def name(self) -> str:
        """`marts.commitments`."""
        return f"{self.schema}.{self.table}"

    @property
    def contract(self) -> SqlFile:
        """The contract a reader should open: the table's own where it has one."""
        return self.contracts[-1]


def table_files(sql_dir: Path) -> Iterator[TableFiles]:
    """The files of every table that has a contract, in the order of their names."""
    contracts: dict[str, list[SqlFile]] = {}
    for path in sorted(sql_dir.glob(f"{EACH_SOURCE}/*.yml")):
        for raw in sorted(sql_dir.glob("raw/*.yml")):
            contracts.setdefault(path.stem.replace(SOURCE, raw.stem), []).append(SqlFile(path, raw.stem))
    for path in sorted(sql_dir.glob("*/*.yml")):
        if path.parent.name != EACH_SOURCE:
            contracts.setdefault(_name(path), []).append(SqlFile(path))
    for name, files in sorted(contracts.items()):
        schema, table = name.split(".", 1)
        selects = [SqlFile(sql_dir / schema / f"{table}.sql")]
        selects += [SqlFile(file.path.with_suffix(".sql"), file.source) for file in files if file.source]
        select = next((file for file in selects if file.path.exists()), None)
        yield TableFiles(schema, table, tuple(files), select)


def without_contract(sql_dir: Path) -> list[Path]:
    """The SELECTs that belong to no contract."""
    named = {files.name for files in table_files(sql_dir)}
    return [
        path
        for path in sorted(sql_dir.glob("*/*.sql"))
        if not path.with_suffix(".yml").exists() and (path.parent.name == EACH_SOURCE or _name(path) not in named)
    ]


def _name(path: Path) -> str:
    return f"{path.parent.name}.{path.stem}"
