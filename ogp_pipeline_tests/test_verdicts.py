"""What this process has judged is known again by its content, and by nothing less."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from ogp_pipeline.models import Catalog, Model
from ogp_pipeline.quality import Verdict
from ogp_pipeline.store import TableState
from ogp_pipeline.verdicts import remember, remembered

TABLE = "marts.commitments"
VERDICT = Verdict(TABLE, "a_check_of_this_test", "contract", "critical", False, 3, "Why.")
States = dict[str, TableState | None]


def states_of(model: Model) -> States:
    names = (model.name, *model.checks_read)
    return {name: TableState(name, 1, f"fingerprint of {name}", "code", {}, "now") for name in names}


def with_other_content(states: States, table: str) -> States:
    return {**states, table: replace(states[table], fingerprint="another")}


@pytest.mark.parametrize(
    ("change", "is_known"),
    [
        pytest.param(lambda model, states: (model, states), True, id="the same"),
        pytest.param(
            lambda model, states: (model, {**states, "marts.results": None}),
            True,
            id="a table that no check reads does not matter",
        ),
        pytest.param(lambda model, states: (model, with_other_content(states, TABLE)), False, id="another table"),
        pytest.param(
            lambda model, states: (model, with_other_content(states, model.checks_read[0])),
            False,
            id="compared with another table",
        ),
        pytest.param(
            lambda model, states: (model, {TABLE: states[TABLE]}), False, id="what it is compared with is gone"
        ),
        pytest.param(lambda model, states: (replace(model, code_hash="new"), states), False, id="another contract"),
        pytest.param(lambda model, states: (replace(model, macros="new"), states), False, id="other macros"),
    ],
)
def test_only_the_same_question_is_known(
    change: Callable[[Model, States], tuple[Model, States]], is_known: bool, catalog: Catalog
) -> None:
    model = catalog[TABLE]
    assert model.checks_read and "marts.results" not in model.checks_read
    remember(model, states_of(model), [VERDICT])
    known = remembered(*change(model, states_of(model)))
    assert known == ((VERDICT,) if is_known else None)


def test_what_is_not_known_whole_is_not_kept(catalog: Catalog) -> None:
    model = replace(catalog[TABLE], code_hash="of this test")
    remember(model, {TABLE: states_of(model)[TABLE]}, [VERDICT])
    assert remembered(model, states_of(model)) is None
