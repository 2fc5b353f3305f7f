"""Contracts turned into checks: which there are, what each asks, and what a verdict says.

Asking them is the work of judging. What a verdict leads to (a Dagster check, a refused release) is decided elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ogp_pipeline.contracts import Contract, code_lists
from ogp_pipeline.models import Model

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
