"""Puts the rules of a suite to Great Expectations and takes its answers.

It is imported only here and in remembered_expectations, inside functions. What a rule is and what an answer means is
decided in quality.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from ogp_pipeline.remembered_expectations import remembering

if TYPE_CHECKING:
    from ogp_pipeline.quality import Rule


def import_great_expectations() -> None:
    """Import it and set it up, which takes longer than most questions."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    _batch_definition(gx, ProgressBarsConfig)


def answers_to(frame: Any, rules: Sequence[Rule], key: Sequence[str]) -> list[Any]:
    """The validation result of each rule, in order; for a rule that cannot be asked its error.

    Every rule is asked whether it holds, and those that do not are asked again for their rows: to have each collect
    rows that it does not find takes twice as long.
    """
    validator = _validator(frame)
    answers = _asked(validator, rules, {"result_format": "BOOLEAN_ONLY"})
    open_ones = [position for position, answer in enumerate(answers) if not _is_settled(rules[position], answer)]
    if open_ones:
        details = {
            "result_format": "COMPLETE",
            "unexpected_index_column_names": list(key),
            "return_unexpected_index_query": False,
        }
        again = _asked(validator, [rules[position] for position in open_ones], details)
        for position, answer in zip(open_ones, again, strict=True):
            answers[position] = answer
    return answers


def _is_settled(rule: Rule, answer: Any) -> bool:
    """The rule holds for every row; one that asks for `mostly` may hold although some rows break it."""
    return getattr(answer, "success", False) and "mostly" not in rule.arguments


def _validator(frame: Any) -> Any:
    """What judges a frame, however often it is asked; `Batch.validate` loads and hashes the frame twice each time."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig
    from great_expectations.validator.v1_validator import Validator

    return Validator(_batch_definition(gx, ProgressBarsConfig), batch_parameters={"dataframe": frame})


def _asked(validator: Any, rules: Sequence[Rule], result_format: Mapping[str, Any]) -> list[Any]:
    from great_expectations import ExpectationSuite
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    validator.result_format = result_format
    suite = ExpectationSuite(name="contract")
    answers: dict[int, Any] = {}
    for position, rule in enumerate(rules):
        try:
            configured = ExpectationConfiguration(
                type=remembering(rule.type),
                kwargs=dict(rule.arguments),
                meta={"position": position},
                severity=rule.severity,
            )
            suite.add_expectation_configuration(configured)
        except Exception as error:  # whatever it raises, a rule that cannot be asked must count as failed
            answers[position] = error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas deprecations inside Great Expectations
        result = validator.validate_expectation_suite(suite)
    answers |= {item.expectation_config.meta["position"]: item for item in result.results}
    return [answers.get(position) for position in range(len(rules))]


@cache
def _batch_definition(gx: Any, progress_bars: Any) -> Any:
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = progress_bars(globally=False, metric_calculations=False)
    asset = context.data_sources.add_pandas("tables").add_dataframe_asset("table")
    return asset.add_batch_definition_whole_dataframe("whole")
