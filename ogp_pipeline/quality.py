"""Contracts turned into verdicts: Great Expectations suites over tables, and SQL that returns failing rows.

Great Expectations (3 seconds to import) is imported only in asking and remembered_expectations, inside functions;
so is duckdb, which Dagster needs no more to learn which checks there are.
What a verdict leads to (a Dagster check, a refused release) is decided elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ogp_pipeline.asking import answers_to
from ogp_pipeline.contracts import Contract, code_lists
from ogp_pipeline.models import Catalog, Model
from ogp_pipeline.remembered_expectations import counts_rows
from ogp_pipeline.store import literal, quoted
from ogp_pipeline.suspect_rows import can_be_picked, suspect_rows

if TYPE_CHECKING:
    import duckdb

CONTRACT_CHECK = "contract"
SAMPLE_ROWS = 20


@dataclass(frozen=True)
class Verdict:
    """The outcome of one check on one table.

    `group` is the Dagster check it belongs to: `contract` for key, required values, codes and foreign keys,
    else the check's own name. `failing_rows` is None where a check does not count rows. A check that could not
    run has `passed` False and `error` set.
    """

    table: str
    check: str
    group: str
    severity: str
    passed: bool
    failing_rows: int | None
    why: str
    sample: tuple[Mapping[str, Any], ...] = ()
    error: str | None = None
    accepted_reason: str | None = None

    @property
    def name(self) -> str:
        """`<schema>.<table>.<check>`: what `--accept` takes."""
        return f"{self.table}.{self.check}"

    @property
    def refuses(self) -> bool:
        """It stands against a release: critical, failed and not accepted."""
        return not self.passed and self.severity == "critical" and self.accepted_reason is None

    @property
    def status(self) -> str:
        """passed, failed, or accepted: failed and let through."""
        return "passed" if self.passed else "accepted" if self.accepted_reason else "failed"

    def sentence(self) -> str:
        """One line for people: the check, how many rows, an example, why it matters."""
        count = "" if self.failing_rows is None else f" ({self.failing_rows} row{'s' * (self.failing_rows != 1)})"
        example = f", for example {json.dumps(self.sample[0], default=str, ensure_ascii=False)}" if self.sample else ""
        error = f": could not run: {self.error}" if self.error else ""
        return f"{self.name}{count}{error}{example}. {' '.join(self.why.split())}"


@dataclass(frozen=True)
class Rule:
    """One expectation of a suite: what Great Expectations is asked, and what its answer means here."""

    check: str
    group: str
    severity: str
    why: str
    type: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


def check_groups(model: Model) -> list[tuple[str, str]]:
    """The checks of a table as Dagster shows them: (name, why).

    A reference table without rules of its own has none: it is a file of the repository, its structure is judged
    when a release is audited, and every check costs the event log time (DESIGN.md, decision 6).
    """
    contract = model.contract
    in_contract = any(rule.in_contract for rule in (*contract.expectations, *contract.failing_rows))
    structure = [(CONTRACT_CHECK, "Key, required values, codes and foreign keys hold.")]
    return [
        *(structure if in_contract or model.schema != "reference" else []),
        *((rule.check, rule.why) for rule in contract.expectations if not rule.in_contract),
        *((rule.name, rule.why) for rule in contract.failing_rows if not rule.in_contract),
    ]


def check_names(contract: Contract) -> list[str]:
    """Every single check of a table by name: its suite, its foreign keys, its rules."""
    return [
        *(rule.check for rule in suite_rules(contract, code_lists())),
        *(f"foreign_key_{column}" for column in contract.foreign_keys),
        *(rule.name for rule in contract.failing_rows),
    ]


def evaluate(connection: duckdb.DuckDBPyConnection, model: Model, catalog: Catalog) -> list[Verdict]:
    """Every verdict on one table that `connection` can see, with all that its checks read, under its own name."""
    rules = suite_rules(model.contract, code_lists())
    verdicts = _validate(connection, model, rules)
    for column, parent in model.contract.foreign_keys.items():
        sql = (
            f"select distinct {quoted(column)} from {model.name} where {quoted(column)} is not null "
            f"and {quoted(column)} not in (select {quoted(column)} from {parent} where {quoted(column)} is not null)"
            if column in catalog[parent].contract.columns
            else f"select 'no column {column} in {parent}' as fault"
        )
        why = f"Every {column} must stand in {parent}."
        verdicts.append(_rows_verdict(connection, model, f"foreign_key_{column}", CONTRACT_CHECK, "critical", sql, why))
    for rule in model.contract.failing_rows:
        group = CONTRACT_CHECK if rule.in_contract else rule.name
        verdicts.append(_rows_verdict(connection, model, rule.name, group, rule.severity, rule.sql, rule.why))
    return verdicts


def suite_rules(contract: Contract, codes: Mapping[str, Sequence[str]]) -> list[Rule]:
    """The Great Expectations suite of a contract. KeyError where a column names an unknown code list."""
    rules = []

    def contract_rule(check: str, why: str, kind: str, **arguments: Any) -> None:
        rules.append(Rule(check, CONTRACT_CHECK, "critical", why, kind, arguments))

    if contract.key:
        why = f"{', '.join(contract.key)} is the key: one row each."
        if len(contract.key) == 1:
            contract_rule("key_is_unique", why, "expect_column_values_to_be_unique", column=contract.key[0])
        else:
            contract_rule("key_is_unique", why, "expect_compound_columns_to_be_unique", column_list=list(contract.key))
    for name, column in contract.columns.items():
        slug = "".join(c if c.isalnum() else "_" for c in name).strip("_").lower()
        # of a raw layout a required column is one that the file must have, and reading it has seen to that
        if (column.required and not contract.recognised_by) or name in contract.key:
            why = f"{name} is required."
            contract_rule(f"{slug}_is_given", why, "expect_column_values_to_not_be_null", column=name)
        if column.unique:
            contract_rule(f"{slug}_is_unique", f"{name} is unique.", "expect_column_values_to_be_unique", column=name)
        if column.codes:
            contract_rule(
                f"{slug}_is_a_code",
                f"{name} is one of the codes of the list {column.codes}.",
                "expect_column_values_to_be_in_set",
                column=name,
                value_set=sorted(codes[column.codes]),
            )
    for rule in contract.expectations:
        group = CONTRACT_CHECK if rule.in_contract else rule.check
        rules.append(Rule(rule.check, group, rule.severity, rule.why, rule.type, rule.arguments))
    return rules


def _validate(connection: duckdb.DuckDBPyConnection, model: Model, rules: Sequence[Rule]) -> list[Verdict]:
    """Run a suite over the columns it needs. A rule that raises, or gets no answer, is a failed verdict.

    Of a large table the rules that can be asked about some of its rows are asked about those that they could refuse.
    """
    if not rules:
        return []
    is_large = connection.execute(f"select count(*) from {model.name}").fetchone()[0] >= MANY_ROWS
    picked = [rule for rule in rules if is_large and can_be_picked(rule, model)]
    others = [rule for rule in rules if rule not in picked]
    found = {}
    if picked:
        found |= _judged(connection, model, picked, suspect_rows(connection, model, picked))
    if others:
        repeated = _repeated_texts(connection, model, others) if is_large else {}
        found |= _judged(connection, model, others, "true", repeated)
    return [found[rule.check] for rule in rules]


def _judged(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    rules: Sequence[Rule],
    condition: str,
    repeated: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> dict[str, Verdict]:
    """The verdict of each rule on the rows that meet a condition; `repeated`: column -> its few texts."""
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
    if question not in _answered:
        asked = [rule for rule in rules if len(frame) or not _holds_for_no_rows(rule, columns)]
        results = answers_to(frame, asked, model.contract.key) if asked else []
        verdicts = {rule.check: _verdict(model, rule, result) for rule, result in zip(asked, results, strict=True)}
        _answered[question] = tuple(
            verdicts.get(rule.check) or Verdict(model.name, rule.check, rule.group, rule.severity, True, 0, rule.why)
            for rule in rules
        )
    return {verdict.check: verdict for verdict in _answered[question]}


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


def _verdict(model: Model, rule: Rule, result: Any) -> Verdict:
    common = {
        "table": model.name,
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
