"""Builds one working table: runs its SQL, or the function its contract names, and stores the result."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ogp_pipeline.locking import only_writer
from ogp_pipeline.models import Catalog, Model
from ogp_pipeline.settings import OFFICIAL, Settings
from ogp_pipeline.store import Store, TableState

if TYPE_CHECKING:
    import duckdb

    from ogp_pipeline.sources.folders import SourceFile

SECONDS = "seconds to build"  # what a materialisation calls it; its step shows how long the table was waited for


@dataclass(frozen=True)
class Workshop:
    """What a function named by `built_by` may use besides its connection and model."""

    settings: Settings
    catalog: Catalog
    replace_release: bool
    scratch: Path  # a folder that is emptied when the step ends
    given_files: tuple[SourceFile, ...] | None = None  # read these instead of the sources of the run

    @cached_property
    def files(self) -> list[SourceFile]:
        """The files of the run's sources, looked at once per step.

        Files that publishing would refuse to mix with the current release are refused before any table is
        replaced.
        """
        if self.given_files is not None:
            return list(self.given_files)
        from ogp_pipeline.release.current import refuse_mixing
        from ogp_pipeline.sources.folders import note_working_sources, scan
        from ogp_pipeline.sources.layouts import layouts

        files = scan(self.settings, layouts(self.catalog))
        is_synthetic = any(file.entry.synthetic for file in files if file.status == "loaded")
        refuse_mixing(self.settings, is_synthetic, self.replace_release)
        note_working_sources(self.settings)
        return files

    def fetch_official_files(self) -> None:
        """Download the official files where they are a source of the run and it is not offline."""
        if self.given_files is not None:
            return
        from ogp_pipeline.sources.fetching import fetch
        from ogp_pipeline.sources.layouts import layouts

        if downloads(self.settings):
            fetch(self.settings, layouts(self.catalog))


def downloads(settings: Settings) -> bool:
    """Whether a run begins with downloading the official files."""
    from ogp_pipeline.sources.folders import chosen_sources

    return not settings.downloads.offline and OFFICIAL in chosen_sources(settings)


Builder = Callable[["duckdb.DuckDBPyConnection", Model, Workshop], str]


def builder(model: Model) -> Builder:
    """The function that `built_by` names: it returns the SELECT whose result is the table."""
    module, function = model.contract.built_by.split(":")
    return getattr(importlib.import_module(module), function)


def build_tables(
    settings: Settings,
    catalog: Catalog,
    models: tuple[Model, ...],
    replace_release: bool = False,
    given_files: tuple[SourceFile, ...] | None = None,
) -> dict[str, TableState]:
    """Build the tables of one step in order, of `given_files` or of the sources of the run; see `tables_built`."""
    return {model.name: state for model, state in tables_built(settings, catalog, models, replace_release, given_files)}


def tables_built(
    settings: Settings,
    catalog: Catalog,
    models: tuple[Model, ...],
    replace_release: bool = False,
    given_files: tuple[SourceFile, ...] | None = None,
) -> Iterator[tuple[Model, TableState]]:
    """Each table of one step as soon as it is built.

    A table that would come out as it is stays as it is (`Store.up_to_date`). The errors are those of
    `Store.session`, `Store.write` and `scan`.
    """
    store = Store(settings.tables_dir, catalog)
    with only_writer(settings.data_dir), TemporaryDirectory(prefix=".step-", dir=settings.data_dir) as scratch:
        workshop = Workshop(settings, catalog, replace_release, Path(scratch), given_files)
        for model in models:
            state = store.up_to_date(model)
            if state is None:
                with store.session(model.reads, model.macros) as connection:
                    select = model.sql or builder(model)(connection, model, workshop)
                    state = store.write(connection, model, select)
            yield model, state
