"""Builds `metrics.associations`: every model for every outcome definition and stage, with its q values and words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import duckdb
import numpy as np

from ogp_pipeline.building import Workshop
from ogp_pipeline.models import Model
from ogp_pipeline.statistics import words
from ogp_pipeline.statistics.logit import CONTROLS, RELEVANCE, logit
from ogp_pipeline.statistics.plans import Finding, Plans
from ogp_pipeline.statistics.ranks import spearman
from ogp_pipeline.statistics.rules import Rules, rules_of, seed_of
from ogp_pipeline.statistics.shuffles import differences
from ogp_pipeline.store import quoted

SIGNIFICANT_DIGITS = 6  # of every number: below lies what differs between processors and libraries
ESTIMATE_KINDS = {"spearman": "rank_correlation", "logit": "odds_ratio", "logit_controls": "odds_ratio"}
PLAN_VALUES = {  # field of Plans -> column of metrics._associations
    "plan": "dense_rank() over (order by plan_id) - 1",
    "level_rank": "level_rank",
    "hits": "hits",
    "commitments": "commitments",
    "year": "submitted_year",
    "plan_number": "plan_number",
    "size": "plan_size",
    "region": "region",
    "relevance": "relevance",
}


@dataclass(frozen=True)
class Setting:
    """One outcome definition at one stage: what all models are fitted to."""

    outcome: str
    definition: str
    stage: str
    figure: str
    is_default: bool
    requires_relevant: bool
    definition_words: str


def associations(connection: duckdb.DuckDBPyConnection, model: Model, workshop: Workshop) -> str:
    """The SELECT of the table: one row per outcome definition, stage and model; all of them, whatever is loaded.

    Errors: InputError of `rules_of`.
    """
    rules = rules_of(dict(connection.execute("select rule, value from reference.association_rules").fetchall()))
    models = _codes(connection, "association_model")
    reasons = _codes(connection, "association_reason")
    primary = set(
        connection.execute("select outcome, definition, stage, model from reference.primary_tests").fetchall()
    )
    found = {
        (setting, name): finding
        for setting in _settings(connection)
        for name, finding in findings(_plans(connection, setting), setting, rules).items()
        if name in models
    }
    is_primary = {key: (key[0].outcome, key[0].definition, key[0].stage, key[1]) in primary for key in found}
    judged = [key for key in found if is_primary[key] and found[key].p_value is not None]
    q_values = dict(zip(judged, benjamini_hochberg([found[key].p_value for key in judged]), strict=True))
    rows = [
        _row(*key, finding, is_primary[key], q_values.get(key), len(judged), reasons, rules)
        for key, finding in found.items()
    ]
    columns = ", ".join(f"{quoted(name)} {column.type}" for name, column in model.contract.columns.items())
    connection.execute(f"create temp table computed ({columns})")
    if rows:
        marks = ", ".join("?" for _ in model.contract.columns)
        values = [row[name] for row in rows for name in model.contract.columns]
        connection.execute(f"insert into computed values {', '.join([f'({marks})'] * len(rows))}", values)
    return "select * from computed"


def findings(plans: Plans, setting: Setting, rules: Rules) -> dict[str, Finding]:
    """What each model says of the plans of one setting.

    A definition that asks for relevance has relevance in its outcome, so it is no control there.
    """
    names = (setting.outcome, setting.definition, setting.stage)
    with ThreadPoolExecutor(2) as threads:  # drawing does not hold the interpreter
        seeds = [seed_of(rules.seed, *names, shuffled) for shuffled in ("all_plans", "within_year")]
        everywhere, of_years = threads.map(partial(differences, plans, rules), seeds, (False, True))
    controls = tuple(name for name in CONTROLS if not (setting.requires_relevant and name == RELEVANCE))
    return {
        "spearman": spearman(plans, rules),
        "difference_pooled": everywhere["pooled"],
        "difference_pooled_within_year": of_years["pooled"],
        "difference_mean": everywhere["mean"],
        "difference_mean_within_year": of_years["mean"],
        "logit": logit(plans, rules),
        "logit_controls": logit(plans, rules, controls),
    }


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """The q value of each p value: the smallest false discovery rate at which it is still discovered, at most 1."""
    if not p_values:
        return []
    order = np.argsort(p_values)
    ranked = np.asarray(p_values, dtype=float)[order] * len(p_values) / np.arange(1, len(p_values) + 1)
    q_values = np.empty(len(p_values))
    q_values[order] = np.minimum(np.minimum.accumulate(ranked[::-1])[::-1], 1)
    return q_values.tolist()


def _codes(connection: duckdb.DuckDBPyConnection, code_list: str) -> dict[str, str]:
    """Code -> meaning of a list of reference.labels."""
    select = "select code, meaning from reference.labels where list = ? order by code"
    return dict(connection.execute(select, [code_list]).fetchall())


def _settings(connection: duckdb.DuckDBPyConnection) -> list[Setting]:
    rows = connection.execute(
        "select definitions.outcome, definitions.definition, stages.code, definitions.figure, "
        "definitions.is_default and stages.code = definitions.default_stage, definitions.requires_relevant, "
        "definitions.words from reference.outcome_definitions as definitions "
        "cross join reference.labels as stages where stages.list = 'stage' order by all"
    ).fetchall()
    return [Setting(*row) for row in rows]


def _plans(connection: duckdb.DuckDBPyConnection, setting: Setting) -> Plans:
    columns = ", ".join(f"{source} as {name}" for name, source in PLAN_VALUES.items())
    found = connection.execute(
        f"select {columns} from metrics._associations where outcome = ? and definition = ? and stage = ? "
        "order by plan_id, relevance",
        [setting.outcome, setting.definition, setting.stage],
    ).fetchnumpy()
    text = {name: np.asarray(found[name], dtype=str) for name in ("region", "relevance")}
    year = np.ma.filled(np.ma.asarray(found["year"]).astype(float), np.nan)
    numbers = {name: np.asarray(found[name], dtype=np.int64) for name in PLAN_VALUES if name not in (*text, "year")}
    return Plans(**numbers, **text, year=year)


def _row(
    setting: Setting,
    model: str,
    finding: Finding,
    is_primary: bool,
    q_value: float | None,
    tests_in_family: int,
    reasons: Mapping[str, str],
    rules: Rules,
) -> dict[str, Any]:
    is_estimated = finding.reason is None
    reason_words = None if is_estimated else reasons[finding.reason]
    about = (setting.stage, setting.definition_words)
    return {
        "outcome": setting.outcome,
        "definition": setting.definition,
        "stage": setting.stage,
        "model": model,
        "figure": setting.figure,
        "is_default": setting.is_default,
        "test_role": "primary" if is_primary else "exploratory",
        "estimate_kind": ESTIMATE_KINDS.get(model, "share_difference"),
        "status": "estimated" if is_estimated else "not_estimable",
        "reason": finding.reason,
        "reason_words": reason_words,
        "estimate": _rounded(finding.estimate),
        "ci_low": _rounded(finding.ci_low),
        "ci_high": _rounded(finding.ci_high),
        "interval_status": finding.interval_status,
        "p_value": _rounded(finding.p_value),
        "q_value": _rounded(q_value),
        "tests_in_family": tests_in_family if is_primary else None,
        **vars(finding.counts),
        "shuffles": finding.shuffles,
        "seed": finding.seed,
        "controls_used": "|".join(finding.controls_used) or None,
        "controls_dropped": "|".join(finding.controls_dropped) or None,
        "sentence": words.estimated(model, *about, finding, q_value, rules)
        if is_estimated
        else words.not_estimable(*about, reason_words, finding.counts),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{SIGNIFICANT_DIGITS}g}")
