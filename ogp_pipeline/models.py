"""The tables of the pipeline: what each is made of, what it depends on, and the catalog of all.

Reading `sql/**` into them does not belong here (`parsing`), nor storing tables and running checks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from ogp_pipeline.contracts import Contract
from ogp_pipeline.errors import ContractError

SCHEMAS = ("reference", "raw", "staging", "quarantine", "marts", "metrics", "meta")
SOURCE_SCHEMAS = ("raw", "staging", "quarantine")


@dataclass(frozen=True)
class Model:
    """One table: its contract and, unless a function builds it, its SQL.

    `reads` are the tables its rows come from. `checks_read` are the tables its checks compare it with: they
    come before it in the graph, but a change in them does not make its rows stale.
    """

    name: str
    contract: Contract
    path: Path  # the .sql file, or the .yml where a function builds the table
    contract_path: Path
    sql: str | None
    reads: tuple[str, ...]
    checks_read: tuple[str, ...]
    macros: str  # those of sql/macros.sql that its SQL and its checks call
    code_hash: str

    @property
    def comes_after(self) -> tuple[str, ...]:
        """Every table that must be there before this one is built and checked."""
        return tuple(sorted({*self.reads, *self.checks_read}))

    @property
    def is_derived(self) -> bool:
        """All it says follows from other public tables; so it is with every metric."""
        return self.contract.derived or self.schema == "metrics"

    @property
    def schema(self) -> str:
        """`marts` of `marts.commitments`."""
        return self.name.split(".")[0]

    @property
    def table(self) -> str:
        """`commitments` of `marts.commitments`."""
        return self.name.split(".")[1]


@dataclass(frozen=True)
class Catalog:
    """Every working table by name, in an order in which each comes after all it reads.

    `release_tables` are the tables of `meta` that exist in a release only.
    """

    models: Mapping[str, Model]
    release_tables: tuple[Model, ...]
    macros: str

    def __getitem__(self, name: str) -> Model:
        return self.models[name]

    def __iter__(self) -> Iterator[Model]:
        return iter(self.models.values())

    @cached_property
    def public(self) -> tuple[Model, ...]:
        """The models that are assets and go into a release."""
        return tuple(model for model in self if not model.contract.private)

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """The names of the official layouts: one raw table each."""
        return tuple(model.table for model in self if model.schema == "raw")

    def made_from(self, name: str) -> frozenset[str]:
        """Every table that the rows of a table come from, directly or through others."""
        found: set[str] = set()
        ahead = list(self[name].reads)
        while ahead:
            read = ahead.pop()
            if read not in found:
                found.add(read)
                ahead += self[read].reads
        return frozenset(found)

    def whole_code_hash(self, name: str) -> str:
        """A hash of the code of a table and of all tables it is made from.

        Facts of reference/*.csv are no code: a table that holds them does not count.
        """
        names = sorted(
            each
            for each in {name, *self.made_from(name)}
            if each == name or not (self[each].schema == "reference" and self[each].contract.built_by)
        )
        return hashlib.sha256("\0".join(f"{each} {self[each].code_hash}" for each in names).encode()).hexdigest()

    def source_of(self, name: str) -> str | None:
        """The source a raw, staging or quarantine table belongs to, by its name; None for all others."""
        schema, table = name.split(".")
        if schema not in SOURCE_SCHEMAS:
            return None
        bare = table.lstrip("_")
        matches = [source for source in self.sources if bare == source or bare.startswith(f"{source}_")]
        return max(matches, key=len, default=None)

    def step_of(self, name: str) -> tuple[Model, ...]:
        """The models that are built in one step with a table."""
        return next(models for _, models in self.steps() if any(model.name == name for model in models))

    def steps(self) -> tuple[tuple[str, tuple[Model, ...]], ...]:
        """The units of materialisation: (name, its models in order).

        The tables of one source are one step, the reference tables another; every other table is its own.
        """
        return self._steps

    def steps_before(self) -> dict[str, tuple[str, ...]]:
        """Each step, in order, with those it comes after."""
        return _steps_before(dict(self.steps()))

    @cached_property
    def _steps(self) -> tuple[tuple[str, tuple[Model, ...]], ...]:
        grouped: dict[str, list[Model]] = {}
        for model in self:
            source = self.source_of(model.name)
            own = f"{model.schema}__{model.table.lstrip('_')}"  # metrics._x is built with metrics.x
            step = source or ("reference" if model.schema == "reference" else own)
            grouped.setdefault(step, []).append(model)
        return tuple((step, tuple(grouped[step])) for step in in_order(_steps_before(grouped)))


def _steps_before(steps: Mapping[str, Sequence[Model]]) -> dict[str, tuple[str, ...]]:
    """Each step, of these models, with those it comes after."""
    step_of = {model.name: step for step, models in steps.items() for model in models}
    return {
        step: tuple(sorted({step_of[read] for model in models for read in model.comes_after} - {step}))
        for step, models in steps.items()
    }


def load_catalog(sql_dir: Path | None = None) -> Catalog:
    """Read `sql/**` into a Catalog; ContractError lists every fault at once.

    The project's own `sql/` is read once in a process, and parsed only where something in it changed.
    """
    if sql_dir is None:
        from ogp_pipeline.parsed_catalog import own_catalog

        return own_catalog()
    from ogp_pipeline.parsing import parse_catalog

    return parse_catalog(sql_dir)


def in_order(before: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """The names in an order in which each comes after those named before it."""
    try:
        return tuple(TopologicalSorter(before).static_order())
    except CycleError as error:
        raise ContractError(f"tables depend on each other in a circle: {' -> '.join(error.args[1])}") from error
