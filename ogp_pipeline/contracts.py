"""What a table promises: the pydantic model of `sql/<schema>/<table>.yml`.

Reading and validating contracts belongs here; what they are used for (casts, checks, comments) does not.
"""

from __future__ import annotations

import csv
from functools import cache, reduce
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from ogp_pipeline.settings import PACKAGE_DIR

NAME = r"^[A-Za-z0-9_]+$"
Severity = Literal["critical", "warning"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Column(_Strict):
    """One column: its DuckDB type and meaning, and what must hold for its values."""

    type: str = "VARCHAR"
    description: str = Field(min_length=1)
    required: bool = False
    unique: bool = False
    codes: str | None = None  # a list in reference.labels
    codes_in: str | None = Field(default=None, pattern=r"^[a-z_]+\.[a-z_0-9]+\.[a-z_0-9]+$")  # column that lists them
    unit: str | None = None  # what its numbers count or measure; every number has one
    source: str | None = None  # where its values come from, where the table's own `source` does not say
    choices: str | None = None  # raw layouts: the list whose labels a template offers in this column
    example: str | None = None  # raw layouts: what a filled-in cell looks like
    derived: bool = False  # follows from columns that stand elsewhere in public tables: see Contract
    provenance: bool = False  # says where in which file the row stands: moves when rows or files do, see Contract


class Expectation(BaseModel):
    """A Great Expectations expectation by its own name and arguments, with a severity and a reason."""

    model_config = ConfigDict(extra="allow", frozen=True)

    type: str = Field(pattern=r"^expect_[a-z0-9_]+$")
    severity: Severity
    why: str = Field(min_length=1)
    name: str | None = Field(default=None, pattern=NAME)
    in_contract: bool = False  # as for FailingRows

    @property
    def arguments(self) -> dict[str, Any]:
        """The expectation's own arguments."""
        return dict(self.model_extra or {})

    @property
    def check(self) -> str:
        """The name of the check: the one given, else made of the expectation and the columns it reads."""
        if self.name:
            return self.name
        columns = [v for k, v in self.arguments.items() if k in ("column", "column_A", "column_B")]
        return "_".join([self.type.removeprefix("expect_column_").removeprefix("expect_"), *columns])


class FailingRows(_Strict):
    """A rule as a SELECT that returns the rows that break it; no rows means it holds."""

    name: str = Field(pattern=NAME)
    severity: Severity
    sql: str = Field(min_length=1)
    why: str = Field(min_length=1)
    in_contract: bool = False  # counts in the table's `contract` check in Dagster instead of being one of its own


class Contract(_Strict):
    """What `sql/<schema>/<table>.yml` says.

    `built_by` names a function `module:function` for tables that SQL cannot compute, `reads` what it reads.
    `extras` lets columns pass that are not named (raw layouts). `private` keeps a table out of releases and
    checks. `in_release` marks the tables of `meta` that are written while a release is built; they are no assets.
    `reads` may hold patterns such as `staging._*`: the private tables of the sources. `in_order` says that the rows
    come in the order of the key, so that they need not be sorted, which for wide rows costs more than all else.

    `source` says where the values of the table come from and by which rule, for every column that does not say so
    itself; `usage_warning` what a reader must know before counting or comparing rows. Both stand in the data
    dictionary, in the comments of the DuckDB file and beside the exports.

    A raw layout says more: `recognised_by` lists the headers that tell it from all others, `row_key` those by
    which reference/corrections.csv names a row, `template`, `sheet` and `sheet_order` the form whose sheet it is (a
    sheet that nobody filled in is no fault).

    What two releases differ in (meta.changes) is told at the home of each fact. `derived` marks a table (every
    metric is), `derived_rows` rows by the values of a column, and a column's own `derived` a column that follows
    from facts elsewhere. A column of `provenance` is not compared. `rows_from` names for each staged table the
    columns that tie its rows to a row of this table: whether an edit of the source can have changed the row is
    judged by those rows; without it by all rows of all sources the table is made from. `presence_from` does the
    same for whether a row is there at all. `compared` names the columns of a staged table that stand in no mart:
    their cells are compared too.
    """

    description: str = Field(min_length=1)
    grain: str = Field(min_length=1)
    key: tuple[str, ...] = ()
    source: str | None = None
    usage_warning: str | None = None
    columns: dict[str, Column] = Field(default_factory=dict)
    foreign_keys: dict[str, str] = Field(default_factory=dict)
    expectations: tuple[Expectation, ...] = ()
    failing_rows: tuple[FailingRows, ...] = ()
    built_by: str | None = Field(default=None, pattern=r"^[a-z_.]+:[a-z_]+$")
    reads: tuple[str, ...] = ()
    extras: bool = False
    in_order: bool = False
    private: bool = False
    in_release: bool = False
    recognised_by: tuple[str, ...] = ()
    row_key: tuple[str, ...] = ()
    template: str | None = None
    sheet: str | None = None
    sheet_order: int = 1  # place of the sheet among those of its template
    derived: bool = False
    compared: tuple[str, ...] = ()
    derived_rows: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    rows_from: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    presence_from: dict[str, tuple[str, ...]] = Field(default_factory=dict)

    @field_validator("key", "reads", "recognised_by", "row_key", "compared", mode="before")
    @classmethod
    def _as_tuple(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    @field_validator("derived_rows", "rows_from", "presence_from", mode="before")
    @classmethod
    def _as_tuples(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: tuple(items) if isinstance(items, list) else items for name, items in value.items()}

    @model_validator(mode="after")
    def _consistent(self) -> Contract:
        problems = []
        if not self.private and not self.columns:
            problems.append("columns: a table that is not private names its columns")
        # the columns of a private table are what its SELECT gives, and its key the order of its rows
        places = [
            ("key", self.key if self.columns else ()),
            ("foreign_keys", tuple(self.foreign_keys)),
            ("row_key", self.row_key),
        ]
        places.append(("compared", self.compared))
        places.append(("derived_rows", tuple(self.derived_rows)))
        places += [(f"rows_from {staged}", names) for staged, names in self.rows_from.items()]
        places += [(f"presence_from {staged}", names) for staged, names in self.presence_from.items()]
        for place, names in places:
            problems += [f"{place}: {name} is not among the columns" for name in names if name not in self.columns]
        checks = [rule.check for rule in self.expectations] + [rule.name for rule in self.failing_rows]
        problems += [f"check {name} is named twice" for name in sorted({c for c in checks if checks.count(c) > 1})]
        if "contract" in checks:
            problems.append("check `contract` is the name of the contract's own check: choose another")
        if bool(self.template) != bool(self.sheet):
            problems.append("template and sheet: a form is named with both")
        if self.private and (self.expectations or self.failing_rows):
            problems.append("a private table carries no checks: move them to the table that is published")
        if problems:
            raise ValueError("; ".join(problems))
        return self


@cache
def code_lists() -> dict[str, tuple[str, ...]]:
    """The codes of each list of reference/labels.csv."""
    lists: dict[str, dict[str, None]] = {}
    with (PACKAGE_DIR / "reference" / "labels.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            lists.setdefault(row["list"], {})[row["code"]] = None
    return {name: tuple(codes) for name, codes in lists.items()}


class _UniqueKeys(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # the one in C is five times as fast
    """YAML in which a key given twice is an error instead of a silent loss."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key is no plain text", key.start_mark)
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value} is given twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def load_yaml(text: str) -> Any:
    """Plain YAML data; yaml.YAMLError where it cannot be read, holds a key twice or asks for objects."""
    try:
        return yaml.load(text, Loader=_UniqueKeys)
    # a value that looks like a date or number and is none (2016-13-45, a number of 5,000 digits, !!int x)
    except (ValueError, LookupError, AttributeError, RecursionError) as error:
        raise yaml.YAMLError(f"a value that is no date or number ({error}): put it in quotes") from error


def read_contract(*texts: tuple[str, str]) -> tuple[Contract | None, list[str]]:
    """The contract that the (name, text) of its files give together, and its errors, one line each.

    A later file adds columns, foreign keys and checks to those before it; every other entry of it stands in the
    place of theirs. None where the contract cannot be read.
    """
    entries: list[Any] = []
    for name, text in texts:
        try:
            entries.append(load_yaml(text))
        except yaml.YAMLError as error:
            return None, [f"{name}: not readable as YAML: {str(error).replace(chr(10), ' ')}"]
    try:
        return Contract.model_validate(reduce(_merged, entries)), []
    except ValidationError as error:
        return None, [validation_line(texts[-1][0], item) for item in error.errors()]


def _merged(shared: Any, own: Any) -> Any:
    if not isinstance(shared, dict) or not isinstance(own, dict):
        return own
    merged = {**shared, **own}
    for name in ("columns", "foreign_keys"):
        if name in shared and isinstance(own.get(name), dict):
            merged[name] = {**shared[name], **own[name]}
    for name in ("expectations", "failing_rows"):
        if name in shared and isinstance(own.get(name), list):
            merged[name] = [*shared[name], *own[name]]
    return merged


def validation_line(where: str, item: Any) -> str:
    """One pydantic error as one line: where, which entry, what is wrong."""
    entry = ".".join(str(part) for part in item["loc"]) or "the whole file"
    return f"{where}: {entry}: {item['msg'].removeprefix('Value error, ')}"
