"""Judges tables: puts their suites to Great Expectations, and runs the SQL that returns failing rows.

Great Expectations takes 3 seconds to import and 10 ms for each rule, so it is asked in a process of its own, which
works while this one goes on: `begin` asks, and what it returns waits for the verdicts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ogp_pipeline.aside import Aside, aside, begin_ahead
from ogp_pipeline.asking import answers_to, import_great_expectations
from ogp_pipeline.contracts import code_lists
from ogp_pipeline.models import Catalog, Model
from ogp_pipeline.quality import CONTRACT_CHECK, SAMPLE_ROWS, Rule, Verdict, suite_rules
from ogp_pipeline.remembered_expectations import counts_rows
from ogp_pipeline.store import Store, literal, quoted
from ogp_pipeline.suspect_rows import can_be_picked, suspect_rows
from ogp_pipeline.verdicts import remember

if TYPE_CHECKING:
    import duckdb

CHECKS = "checks"  # the kind of work


class Judge:
    """Takes tables while the verdicts on those before are still being found."""

    def __init__(self, helper: Aside) -> None:
        self._helper = helper

    def begin(
        self, connection: duckdb.DuckDBPyConnection, model: Model, catalog: Catalog
    ) -> Callable[[], list[Verdict]]:
        """Judge one table that `connection` can see, with all that its checks read, under its own name.

        The connection is used no more when this returns. What is returned waits for the verdicts and gives every one.
        """
        found_by_suite = self._begin_suite(connection, model, suite_rules(model.contract, code_lists()))
        found_by_sql = [*_foreign_keys(connection, model, catalog), *_listed_rules(connection, model)]
        return lambda: [*found_by_suite(), *found_by_sql]

    def _begin_suite(
        self, connection: duckdb.DuckDBPyConnection, model: Model, rules: Sequence[Rule]
    ) -> Callable[[], list[Verdict]]:
        """Run a suite over the columns it needs. A rule that raises, or gets no answer, is a failed verdict.

        Of a large table the rules that can be asked about some of its rows are asked about those that they could
        refuse.
        """
        if not rules:
            return list
        is_large = connection.execute(f"select count(*) from {model.name}").fetchone()[0] >= MANY_ROWS
        picked = [rule for rule in rules if is_large and can_be_picked(rule, model)]
        others = [rule for rule in rules if rule not in picked]
        begun = []
        if picked:
            begun.append(self._begin_rules(connection, model, picked, suspect_rows(connection, model, picked)))
        if others:
            repeated = _repeated_texts(connection, model, others) if is_large else {}
            begun.append(self._begin_rules(connection, model, others, "true", repeated))

        def found() -> list[Verdict]:
            by_name = {verdict.check: verdict for verdicts in begun for verdict in verdicts()}
            return [by_name[rule.check] for rule in rules]

        return found

    def _begin_rules(
        self,
        connection: duckdb.DuckDBPyConnection,
        model: Model,
        rules: Sequence[Rule],
        condition: str,
        repeated: Mapping[str, Sequence[str]] = MappingProxyType({}),
    ) -> Callable[[], tuple[Verdict, ...]]:
        """Ask rules about the rows that meet a condition; `repeated`: column -> its few texts."""
        columns = _columns_needed(model, rules)
        # lists cannot be compared by pandas: only whether they are given matters
        selected = [
            f"case when {quoted(name)} is not null then 'given' end as {quoted(name)}"
            if "[" in model.contract.columns[name].type
            else f"{quoted(name)}::enum({', '.join(map(literal, repeated[name]))}) as {quoted(name)}"
            if name in repeated
            else quoted(name)
            for name in columns
        ]
        # a suite that reads no column still needs a row for each of the table's
        text = ", ".join(selected) or "1 as row"
        frame = connection.execute(f"select {text} from {model.name} as suspect where {condition}").df()
        question = _question(frame, model, rules)
        if question in _answered:
            return lambda: _answered[question]
        asked = [rule for rule in rules if len(frame) or not _holds_for_no_rows(rule, columns)]
        call = self._helper.begin(verdicts_on, frame, model.name, model.contract.key, asked) if asked else None

        def found() -> tuple[Verdict, ...]:
            answers = () if call is None else self._helper.result(call)
            verdicts = {rule.check: answer for rule, answer in zip(asked, answers, strict=True)}
            _answered[question] = tuple(verdicts.get(rule.check) or _held(model, rule) for rule in rules)
            return _answered[question]

        return found


def get_ready() -> None:
    """Start what judges, so that it is there when the first table is."""
    begin_ahead(CHECKS, import_great_expectations)


@contextmanager
def judge() -> Iterator[Judge]:
    """What judges tables, for a block. Verdicts that the block did not ask for before it ends are not found."""
    get_ready()
    with aside(CHECKS) as helper:
        yield Judge(helper)


def begin_checks(one: Judge, store: Store, model: Model) -> Callable[[], list[Verdict]]:
    """Begin every check on the working table of a model; what is returned waits for the verdicts."""
    from ogp_pipeline.parsing import macros_called

    macros = macros_called(model.macros, *(rule.sql for rule in model.contract.failing_rows))
    states = {name: store.state(name) for name in (model.name, *model.checks_read)}
    with store.session(states, macros) as connection:
        found = one.begin(connection, model, store.catalog)

    def verdicts() -> list[Verdict]:
        verdicts = found()
        remember(model, states, verdicts)
        return verdicts

    return verdicts


def evaluate(connection: duckdb.DuckDBPyConnection, model: Model, catalog: Catalog) -> list[Verdict]:
    """Every verdict on one table that `connection` can see, with all that its checks read, under its own name."""
    with judge() as one:
        return one.begin(connection, model, catalog)()


def verdicts_on(frame: Any, table: str, key: Sequence[str], rules: Sequence[Rule]) -> list[Verdict]:
    """The verdict of Great Expectations on each rule, in order: a frame of `table`, whose rows are named by `key`."""
    return [_verdict(table, rule, answer) for rule, answer in zip(rules, answers_to(frame, rules, key), strict=True)]


def _held(model: Model, rule: Rule) -> Verdict:
    return Verdict(model.name, rule.check, rule.group, rule.severity, True, 0, rule.why)


def _foreign_keys(connection: duckdb.DuckDBPyConnection, model: Model, catalog: Catalog) -> Iterator[Verdict]:
    for column, parent in model.contract.foreign_keys.items():
        sql = (
            f"select distinct {quoted(column)} from {model.name} where {quoted(column)} is not null "
            f"and {quoted(column)} not in (select {quoted(column)} from {parent} where {quoted(column)} is not null)"
            if column in catalog[parent].contract.columns
            else f"select 'no column {column} in {parent}' as fault"
        )
        why = f"Every {column} must stand in {parent}."
        yield _rows_verdict(connection, model, f"foreign_key_{column}", CONTRACT_CHECK, "critical", sql, why)


def _listed_rules(connection: duckdb.DuckDBPyConnection, model: Model) -> Iterator[Verdict]:
    for rule in model.contract.failing_rows:
        group = CONTRACT_CHECK if rule.in_contract else rule.name
        yield _rows_verdict(connection, model, rule.name, group, rule.severity, rule.sql, rule.why)


def _columns_needed(model: Model, rules: Sequence[Rule]) -> list[str]:
    """The columns that rules look at, and the key by which rows are named."""
    needed = set(model.contract.key).union(*(_columns_of(rule) for rule in rules))
    return [name for name in model.contract.columns if name in needed]


# Of so many rows a column of few texts is handed over as categories: 1 to 2 bytes for each instead of some 65.
MANY_ROWS, FEW_TEXTS = 200_000, 1_000


def _repeated_texts(connection: duckdb.DuckDBPyConnection, model: Model, rules: Sequence[Rule]) -> dict[str, list[str]]:
    """The texts of each column of a large table that holds few different ones and is compared with no other column."""
    compared = set().union(*(_columns_of(rule) for rule in rules if rule.type not in HOLDS_FOR_NO_ROWS))
    found = {}
    for name in _columns_needed(model, rules):
        if model.contract.columns[name].type == "VARCHAR" and name not in compared:
            asked = quoted(name)
            texts = connection.execute(
                f"select distinct {asked} from {model.name} where {asked} is not null limit {FEW_TEXTS + 1}"
            ).fetchall()
            if 0 < len(texts) <= FEW_TEXTS:
                found[name] = sorted(text for (text,) in texts)
    return found


# What a table without rows keeps whatever its columns are; most layouts are absent from most runs.
HOLDS_FOR_NO_ROWS = {
    "expect_column_values_to_be_unique",
    "expect_compound_columns_to_be_unique",
    "expect_column_values_to_not_be_null",
    "expect_column_values_to_be_in_set",
}


def _holds_for_no_rows(rule: Rule, columns: Sequence[str]) -> bool:
    return rule.type in HOLDS_FOR_NO_ROWS and _columns_of(rule) <= set(columns)


def _columns_of(rule: Rule) -> set[str]:
    return {
        name
        for argument, value in rule.arguments.items()
        if argument.startswith("column")
        for name in ([value] if isinstance(value, str) else value)
    }


# Within a process the same question about the same values is asked once: the audit of a release looks at the tables
# that the steps before it looked at, and Great Expectations needs 10 ms for each rule.
_answered: dict[str, tuple[Verdict, ...]] = {}


def _question(frame: Any, model: Model, rules: Sequence[Rule]) -> str:
    """What identifies a validation: the table's name and key, the rules, and every value they can see."""
    from pandas.util import hash_pandas_object

    asked = hashlib.sha256(repr((model.name, model.contract.key, rules, frame.dtypes.to_dict())).encode())
    asked.update(hash_pandas_object(frame, index=False).to_numpy().tobytes())
    return asked.hexdigest()


def _verdict(table: str, rule: Rule, result: Any) -> Verdict:
    common = {
        "table": table,
        "check": rule.check,
        "group": rule.group,
        "severity": rule.severity,
        "why": rule.why,
    }
    if result is None or isinstance(result, Exception):
        error = "Great Expectations gave no answer" if result is None else " ".join(str(result).split())
        return Verdict(**common, passed=False, failing_rows=None, error=error)
    # an expectation that errors says success=False and hides the reason in exception_info
    raised = _raised(result.exception_info)
    found = result.result or {}
    sample = tuple(
        {name: str(value) for name, value in row.items()}
        for row in (found.get("unexpected_index_list") or [])[:SAMPLE_ROWS]
    )
    if not sample and not result.success and "observed_value" in found:
        sample = ({"observed": str(found["observed_value"])},)
    return Verdict(
        **common,
        passed=bool(result.success) and raised is None,
        failing_rows=found.get("unexpected_count", 0 if result.success and counts_rows(rule.type) else None),
        sample=sample if not result.success else (),
        error=raised,
    )


def _raised(exception_info: Mapping[str, Any] | None) -> str | None:
    """The message of an exception inside Great Expectations; its info is flat or keyed by metric."""
    info = exception_info or {}
    entries = [info] if "raised_exception" in info else list(info.values())
    messages = [str(entry.get("exception_message")) for entry in entries if entry.get("raised_exception")]
    return "; ".join(messages) or None


def _rows_verdict(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    check: str,
    group: str,
    severity: str,
    sql: str,
    why: str,
) -> Verdict:
    """The verdict of a SELECT that returns the rows that break a rule."""
    import duckdb

    common = {"table": model.name, "check": check, "group": group, "severity": severity, "why": why}
    try:
        cursor = connection.execute(f"select *, count(*) over () from ({sql}) limit {SAMPLE_ROWS}")
        names = [column[0] for column in cursor.description[:-1]]
        rows = cursor.fetchall()
    except duckdb.Error as error:
        return Verdict(**common, passed=False, failing_rows=None, error=str(error))
    count = rows[0][-1] if rows else 0
    sample = tuple(dict(zip(names, map(_plain, row[:-1]), strict=True)) for row in rows)
    return Verdict(**common, passed=count == 0, failing_rows=count, sample=sample)


def _plain(value: Any) -> Any:
    return value if isinstance(value, (int, float, bool, type(None))) else str(value)
