"""Contracts as checks: each kind of broken promise is caught, counted, shown with its key, and told in words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ogp_pipeline import judging
from ogp_pipeline.judging import evaluate
from ogp_pipeline.models import Catalog
from ogp_pipeline.quality import SAMPLE_ROWS, Verdict, check_groups, code_lists, suite_rules
from ogp_pipeline.store import connect, literal, prepare, quoted
from ogp_pipeline_tests.test_contracts_and_models import catalog_of

FILES = {
    "marts/plans.sql": "select 'AP_ALB01' as plan_id",
    "marts/plans.yml": """
description: Plans.
grain: One row per plan.
key: [plan_id]
columns:
  plan_id: {type: VARCHAR, description: Plan.}
""",
    "marts/levels.sql": "select 1",
    "marts/levels.yml": """
description: Levels.
grain: One row per plan and stage.
key: [plan_id, stage]
columns:
  plan_id: {type: VARCHAR, description: Plan.}
  stage: {type: VARCHAR, codes: stage, description: Stage.}
  level: {type: VARCHAR, required: true, codes: influence_level, description: Level.}
  url: {type: VARCHAR, unique: true, description: Address.}
  first_year: {type: INTEGER, description: First year.}
  last_year: {type: INTEGER, description: Last year.}
  links: {type: 'VARCHAR[]', required: true, description: Links.}
foreign_keys: {plan_id: marts.plans}
expectations:
  - type: expect_column_values_to_be_between
    name: first_year_range
    column: first_year
    min_value: 2011
    severity: warning
    why: The partnership was founded in 2011.
  - type: expect_column_pair_values_a_to_be_greater_than_b
    name: ends_after_start
    column_A: last_year
    column_B: first_year
    or_equal: true
    ignore_row_if: either_value_is_missing
    severity: critical
    why: Nothing ends before it starts.
failing_rows:
  - name: plan_has_development
    severity: critical
    sql: >
      select plan_id from marts.plans
      where plan_id not in (select plan_id from marts.levels where stage = 'development')
    why: Every plan has a development row.
""",
}
GOOD = {
    "plan_id": "AP_ALB01",
    "stage": "development",
    "level": "involve",
    "url": None,
    "first_year": 2014,
    "last_year": None,
    "links": ["https://example.org"],
}


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Catalog:
    """Two tables with a promise of every kind."""
    return catalog_of(tmp_path_factory.mktemp("quality"), FILES)


def cell(value: Any, kind: str) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]::{kind}"
    return f"null::{kind}" if value is None else f"{literal(value)}::{kind}"


def verdicts(catalog: Catalog, rows: Sequence[dict[str, Any]], plans: Sequence[str]) -> dict[str, Verdict]:
    """Check name -> its verdict on `marts.levels` with these rows, each saying only what differs from a good one."""
    model = catalog["marts.levels"]
    columns = {name: column.type for name, column in model.contract.columns.items()}
    with connect() as connection:
        prepare(connection, model.macros)
        connection.execute("create table marts.plans (plan_id varchar)")
        connection.execute("insert into marts.plans select unnest(?::varchar[])", [list(plans)])
        typed = ", ".join(f"{quoted(name)} {kind}" for name, kind in columns.items())
        connection.execute(f"create table marts.levels ({typed})")
        for row in rows:
            cells = ", ".join(cell({**GOOD, **row}[name], kind) for name, kind in columns.items())
            connection.execute(f"insert into marts.levels values ({cells})")
        found = evaluate(connection, model, catalog)
    assert len({verdict.check for verdict in found}) == len(found)
    return {verdict.check: verdict for verdict in found}


def failed(
    catalog: Catalog, rows: Sequence[dict[str, Any]], plans: Sequence[str] = ("AP_ALB01",)
) -> dict[str, Verdict]:
    return {name: verdict for name, verdict in verdicts(catalog, rows, plans).items() if not verdict.passed}


CHECKS = {
    "key_is_unique": ("contract", "critical"),
    "plan_id_is_given": ("contract", "critical"),
    "stage_is_given": ("contract", "critical"),
    "stage_is_a_code": ("contract", "critical"),
    "level_is_given": ("contract", "critical"),
    "level_is_a_code": ("contract", "critical"),
    "url_is_unique": ("contract", "critical"),
    "links_is_given": ("contract", "critical"),
    "foreign_key_plan_id": ("contract", "critical"),
    "first_year_range": ("first_year_range", "warning"),
    "ends_after_start": ("ends_after_start", "critical"),
    "plan_has_development": ("plan_has_development", "critical"),
}


@pytest.fixture(params=[judging.MANY_ROWS, 0], ids=["texts", "categories"])
def any_size(request, monkeypatch):
    """Great Expectations is handed the texts of small tables and the categories of large ones, with one verdict."""
    monkeypatch.setattr(judging, "MANY_ROWS", request.param)


def test_every_promise_is_a_check(small):
    found = verdicts(small, [{}], ["AP_ALB01"])
    assert {name: (verdict.group, verdict.severity) for name, verdict in found.items()} == CHECKS
    assert all(verdict.passed and verdict.error is None and verdict.sample == () for verdict in found.values())
    groups = [name for name, _ in check_groups(small["marts.levels"])]
    assert groups == list(dict.fromkeys(verdict.group for verdict in found.values()))


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([], id="no rows"),
        pytest.param([{"first_year": None}], id="a value that need not be given"),
        pytest.param([{"last_year": 2014}], id="equal where equal is allowed"),
        pytest.param([{}, {"stage": "implementation"}], id="one half of the key repeated"),
        pytest.param([{"url": None}, {"stage": "implementation", "url": None}], id="NULL twice in a unique column"),
    ],
)
@pytest.mark.usefixtures("any_size")
def test_what_keeps_its_promises(small, rows):
    assert failed(small, rows, ["AP_ALB01"] if rows else []) == {}


class Fault(NamedTuple):
    rows: list[dict[str, Any]]
    check: str
    failing_rows: int
    sample: dict[str, Any] | None
    why: str


KEY = {"plan_id": "AP_ALB01", "stage": "development"}


@pytest.mark.parametrize(
    "fault",
    [
        Fault([{}, {}, {"stage": "implementation"}], "key_is_unique", 2, KEY, "a compound key twice"),
        Fault([{"level": None}], "level_is_given", 1, KEY, "a required value is missing"),
        Fault([{"links": None}], "links_is_given", 1, KEY, "a required list is missing"),
        Fault([{"level": "Involve"}], "level_is_a_code", 1, KEY, "a label in place of its code"),
        Fault([{"level": "advise"}], "level_is_a_code", 1, KEY, "no such code"),
        Fault([{"url": "x"}, {"url": "x", "stage": "implementation"}], "url_is_unique", 2, KEY, "a unique value twice"),
        Fault([{"first_year": 2010}], "first_year_range", 1, KEY, "below the minimum"),
        Fault([{"last_year": 2013}], "ends_after_start", 1, KEY, "ends before it starts"),
        Fault(
            [{}, {"plan_id": "AP_ALB02"}], "foreign_key_plan_id", 1, {"plan_id": "AP_ALB02"}, "a plan that is not there"
        ),
        Fault(
            [{"stage": "implementation"}], "plan_has_development", 1, {"plan_id": "AP_ALB01"}, "a rule across tables"
        ),
    ],
    ids=lambda fault: fault.why,
)
@pytest.mark.usefixtures("any_size")
def test_a_broken_promise_is_caught(small, fault):
    found = failed(small, fault.rows)
    assert list(found) == [fault.check]
    verdict = found[fault.check]
    assert (verdict.failing_rows, verdict.error, verdict.status) == (fault.failing_rows, None, "failed")
    assert fault.sample.items() <= verdict.sample[0].items(), "the first failing row, with its key"
    assert len(verdict.sample) == fault.failing_rows


@pytest.mark.usefixtures("any_size")
def test_a_key_that_is_missing_is_caught_and_the_others_are_still_checked(small):
    found = failed(small, [{}, {"plan_id": None, "level": "advise"}, {"first_year": 1, "stage": "throughout"}])
    assert {"plan_id_is_given", "level_is_a_code", "first_year_range"} <= set(found)


def single_key(folder: Path, rows: Sequence[str | None], **more: str) -> dict[str, Verdict]:
    """Verdicts on `marts.plans`, a table with a key of one column."""
    catalog = catalog_of(folder, {**FILES, **more})
    with connect() as connection:
        prepare(connection, "")
        connection.execute("create table marts.plans (plan_id varchar)")
        connection.execute("insert into marts.plans select unnest(?::varchar[])", [list(rows)])
        return {verdict.check: verdict for verdict in evaluate(connection, catalog["marts.plans"], catalog)}


def test_a_key_of_one_column(tmp_path):
    found = single_key(tmp_path, ["a", "b", "b", None])
    assert (found["key_is_unique"].passed, found["key_is_unique"].failing_rows) == (False, 2)
    assert [dict(row) for row in found["key_is_unique"].sample] == [{"plan_id": "b"}, {"plan_id": "b"}]
    assert (found["plan_id_is_given"].passed, found["plan_id_is_given"].failing_rows) == (False, 1)


def rule(**fields: Any) -> dict[str, str]:
    """The contract of `marts.plans` with one more expectation, or one more rule where it holds SQL."""
    place = "failing_rows" if "sql" in fields else "expectations"
    contract = (
        FILES["marts/plans.yml"] + f"{place}:\n  - {json.dumps({'severity': 'critical', 'why': 'W', **fields})}\n"
    )
    return {"marts/plans.yml": contract}


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        pytest.param(
            rule(name="check", sql="select 1 / plan_id::integer as x from marts.plans"), "'a'", id="a cast in a rule"
        ),
        pytest.param(rule(name="check", sql="select nothing from marts.plans"), "nothing", id="a column in a rule"),
        pytest.param(rule(name="check", sql="select error('stop') from marts.plans"), "stop", id="an error in a rule"),
        pytest.param(
            rule(name="check", type="expect_column_values_to_be_unique", column="nothing"),
            "nothing",
            id="an expectation on a column that is not there",
        ),
        pytest.param(
            rule(name="check", type="expect_column_mean_to_be_between", column="plan_id", min_value=1),
            "",
            id="an expectation on texts that is made for numbers",
        ),
    ],
)
def test_a_check_that_raises_counts_as_failed(tmp_path, more, reason):
    found = single_key(tmp_path, ["a"], **more)
    verdict = found["check"]
    assert not verdict.passed and verdict.refuses and verdict.error and reason in verdict.error
    assert verdict.failing_rows is None
    assert "could not run: " in verdict.sentence()
    assert found["key_is_unique"].passed, "the other checks ran"


def test_an_expectation_about_the_whole_table_shows_what_it_observed(tmp_path):
    more = rule(name="check", type="expect_table_row_count_to_be_between", min_value=10)
    verdict = single_key(tmp_path, ["a", "b"], **more)["check"]
    assert not verdict.passed and verdict.error is None
    assert verdict.failing_rows is None and verdict.sample == ({"observed": "2"},)


def test_a_suite_that_reads_no_column_still_counts_the_rows(tmp_path):
    keyless = FILES["marts/plans.yml"].replace("key: [plan_id]\n", "")
    more = rule(name="check", type="expect_table_row_count_to_be_between", min_value=2, max_value=2)
    more["marts/plans.yml"] = more["marts/plans.yml"].replace(FILES["marts/plans.yml"], keyless)
    files = {name: text for name, text in FILES.items() if "levels" not in name}
    catalog = catalog_of(tmp_path, files | more)
    with connect() as connection:
        prepare(connection, "")
        connection.execute("create table marts.plans as select unnest(['a', 'b']) as plan_id")
        (verdict,) = evaluate(connection, catalog["marts.plans"], catalog)
    assert verdict.passed


@pytest.mark.parametrize("check", ["level_is_a_code", "foreign_key_plan_id", "first_year_range"])
def test_at_most_twenty_rows_are_shown_and_all_are_counted(small, check):
    rows = [{"plan_id": f"AP_X{number:02}", "level": "advise", "first_year": 1} for number in range(SAMPLE_ROWS + 5)]
    verdict = failed(small, rows)[check]
    assert SAMPLE_ROWS == 20
    assert verdict.failing_rows == 25 and len(verdict.sample) == 20
    assert all(row["plan_id"].startswith("AP_X") for row in verdict.sample)
    assert len({row["plan_id"] for row in verdict.sample}) == 20
    json.dumps([dict(row) for row in verdict.sample])


def test_a_whole_number_is_shown_as_one(small):
    """Beside a NULL pandas makes decimals of whole numbers; the failing row is shown as the table holds it."""
    found = failed(small, [{"first_year": 2010}, {"stage": "implementation", "first_year": None}])
    assert found["first_year_range"].sample[0]["first_year"] == "2010"


def test_the_sentence_of_a_verdict(small):
    verdict = failed(small, [{"first_year": 2010}])["first_year_range"]
    sentence = verdict.sentence()
    assert sentence.startswith("marts.levels.first_year_range (1 row), for example {")
    assert "AP_ALB01" in sentence and "2010" in sentence
    assert sentence.endswith("The partnership was founded in 2011.")
    assert not verdict.refuses, "a warning does not stand against a release"


def test_codes_come_from_the_reference_table():
    assert set(code_lists()["stage"]) == {"development", "implementation", "throughout"}
    assert {"no_consultation", "empower", "not_reviewed", "no_data"} <= set(code_lists()["influence_level"])


def test_every_suite_of_the_project_is_known_to_great_expectations(catalog):
    """On empty tables every expectation runs: none is misspelt, lacks an argument or names a missing column."""
    broken = {}
    for model in catalog.public:
        with connect() as connection:
            prepare(connection, catalog.macros)
            for name in {model.name, *model.checks_read}:
                columns = catalog[name].contract.columns.items()
                typed = ", ".join(f"{quoted(column)} {each.type}" for column, each in columns)
                connection.execute(f"create table {name} ({typed})")
            found = evaluate(connection, model, catalog)
            broken |= {verdict.name: verdict.error for verdict in found if verdict.error}
            assert len(found) >= len(suite_rules(model.contract, code_lists()))
    assert broken == {}


@pytest.mark.parametrize(
    "more",
    [
        pytest.param(rule(name="check", type="expect_the_moon"), id="no such expectation"),
        pytest.param(rule(name="check", type="expect_column_values_to_be_between", min_value=1), id="no column"),
        pytest.param(
            rule(name="check", type="expect_column_values_to_be_in_set", column="plan_id", value_set=1),
            id="an argument of another type",
        ),
        pytest.param(
            rule(name="check", type="expect_column_values_to_be_unique", column="plan_id", colour="red"),
            id="an argument it does not know",
        ),
    ],
)
def test_an_expectation_that_cannot_be_made_counts_as_failed(tmp_path, more):
    found = single_key(tmp_path, ["a"], **more)
    assert not found["check"].passed and found["check"].error
    assert found["key_is_unique"].passed, "the other checks ran"


def test_a_null_among_the_parents_does_not_hide_an_orphan(small):
    """`not in` a list that holds NULL is never true."""
    found = failed(small, [{}], plans=["AP_ALB02", None])
    assert found["foreign_key_plan_id"].failing_rows == 1


def test_a_remembered_configuration_follows_the_expectation():
    from great_expectations.expectations.registry import get_expectation_impl

    from ogp_pipeline.remembered_expectations import remembering

    own, ours = (
        get_expectation_impl(kind)(column="level", value_set=["inform"])
        for kind in ("expect_column_values_to_be_in_set", remembering("expect_column_values_to_be_in_set"))
    )
    assert ours.configuration is ours.configuration
    assert ours.configuration.kwargs == own.configuration.kwargs
    for other in (ours.copy(update={"column": "stage"}), ours):
        other.column = "stage"
        assert other.configuration.kwargs == {"column": "stage", "value_set": ["inform"]}
