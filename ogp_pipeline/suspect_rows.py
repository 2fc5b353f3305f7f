"""Which rows of a large table a rule can refuse at all: no others need to be handed to Great Expectations.

A frame of millions of rows takes gigabytes and minutes, and nearly all of its rows are plainly good. What is picked
here holds every row that the rule refuses, and may hold more: whether it is refused Great Expectations says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ogp_pipeline.models import Model
from ogp_pipeline.store import literal, quoted

if TYPE_CHECKING:
    import duckdb

    from ogp_pipeline.quality import Rule

# Kind of rule -> the arguments with which it judges row by row, or by rows that are the same, and no shares of rows.
PLAIN_ARGUMENTS = {
    "expect_column_values_to_be_unique": {"column"},
    "expect_compound_columns_to_be_unique": {"column_list"},
    "expect_column_values_to_not_be_null": {"column"},
    "expect_column_values_to_be_in_set": {"column", "value_set"},
}


def can_be_picked(rule: Rule, model: Model) -> bool:
    """Whether the rows that a rule can refuse are known before it is asked."""
    if set(rule.arguments) != PLAIN_ARGUMENTS.get(rule.type):
        return False
    types = {name: column.type for name, column in model.contract.columns.items()}
    judged = [types.get(name, "") for name in _columns_of(rule)]
    if rule.type == "expect_column_values_to_be_in_set":
        return judged == ["VARCHAR"] and all(isinstance(value, str) for value in rule.arguments["value_set"])
    return all(judged) and not any("[" in kind for kind in judged)


def _columns_of(rule: Rule) -> Sequence[str]:
    return [rule.arguments["column"]] if "column" in rule.arguments else rule.arguments["column_list"]


def suspect_rows(connection: duckdb.DuckDBPyConnection, model: Model, rules: Sequence[Rule]) -> str:
    """The condition, in SQL, on the rows of a table that one of the rules could refuse."""
    tests = (_could_refuse(connection, model.name, rule) for rule in rules)
    return " or ".join(f"({test})" for test in tests if test) or "false"


def _could_refuse(connection: duckdb.DuckDBPyConnection, table: str, rule: Rule) -> str | None:
    columns = [quoted(name) for name in _columns_of(rule)]
    if rule.type == "expect_column_values_to_not_be_null":
        return f"{columns[0]} is null"
    if rule.type == "expect_column_values_to_be_in_set":
        return f"{columns[0]} not in ({', '.join(map(literal, rule.arguments['value_set']))})"
    if _is_rising(connection, table, columns):
        return None
    same = " and ".join(f"again.{column} is not distinct from suspect.{column}" for column in columns)
    return (
        f"exists (select 1 from (select {', '.join(columns)} from {table} group by all having count(*) > 1) as again "
        f"where {same})"
    )


def _is_rising(connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str]) -> bool:
    """Whether each row is above the one before it, as in a table that is sorted by its key: then no two are the same.

    One look at the rows in the order in which they lie takes next to no memory; to group them takes it for each.
    """
    is_above = "false"
    for number, column in reversed(list(enumerate(columns))):
        is_above = f"{column} > before_{number} or ({column} = before_{number} and ({is_above}))"
    before = ", ".join(f"lag({column}) over () as before_{number}" for number, column in enumerate(columns))
    return connection.execute(
        f"select coalesce(bool_and(coalesce({is_above}, false)), true) "
        f"from (select {', '.join(columns)}, {before}, lag(true) over () as is_later from {table}) where is_later"
    ).fetchone()[0]
