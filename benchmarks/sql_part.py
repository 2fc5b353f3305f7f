"""The SQL part of a refresh over the working tables of a data folder: python -m benchmarks.sql_part WAY FOLDER INTO.

Every SELECT of sql/ is run once and its result is written as Parquet into INTO, in the order of the catalog, each over
the working tables of FOLDER. WAY is `store`, as the pipeline runs and writes them, or `duckdb`: the same statements by
one plain connection, nothing cast, sorted or noted. Prints the seconds from the first to the last as JSON, each
table's too; the import of the pipeline and the reading of its catalog are not counted.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from ogp_pipeline.models import Catalog, Model, load_catalog
from ogp_pipeline.store import Store, literal, prepare


def by_store(catalog: Catalog, tables: Path, into: Path) -> Callable[[Model], None]:
    """As a step of the pipeline builds a table; `into` becomes a folder of links to the tables of `tables`."""
    for path in tables.iterdir():
        (into / path.name).symlink_to(path)
    store = Store(into, catalog)

    def build(model: Model) -> None:
        with store.session(model.reads, model.macros) as connection:
            store.write(connection, model, model.sql)

    return build


def by_duckdb(catalog: Catalog, tables: Path, into: Path) -> Callable[[Model], None]:
    """One connection with the macros and a view of every table."""
    connection = duckdb.connect()
    prepare(connection, catalog.macros)
    for model in catalog:
        source = literal((tables / f"{model.name}.parquet").as_posix())
        connection.execute(f"create view {model.name} as select * from read_parquet({source})")

    def build(model: Model) -> None:
        target = literal((into / f"{model.name}.parquet").as_posix())
        connection.execute(f"copy ({model.sql}) to {target} (format parquet, compression zstd)")

    return build


WAYS = {"store": by_store, "duckdb": by_duckdb}


def main(way: str, tables: Path, into: Path) -> dict[str, object]:
    """Run all of it; the seconds of all and of each table."""
    catalog = load_catalog()
    models = [model for model in catalog if model.sql]
    into.mkdir()
    start = time.perf_counter()
    build = WAYS[way](catalog, tables, into)
    seconds = {}
    for model in models:
        begun = time.perf_counter()
        build(model)
        seconds[model.name] = time.perf_counter() - begun
    return {"seconds": time.perf_counter() - start, "statements": len(models), "each": seconds}


if __name__ == "__main__":
    chosen, data_dir, target = sys.argv[1:4]
    print(json.dumps(main(chosen, Path(data_dir).resolve() / "tables", Path(target).resolve())))
