"""Logistic regression of single commitments on the level of public influence, errors clustered by plan."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np

from ogp_pipeline.statistics.plans import Finding, Plans
from ogp_pipeline.statistics.rules import Rules

LEVEL = "level"
CONTROLS = ("submission_year", "region", "plan_number", "plan_size", "relevance")
RELEVANCE = "relevance"


@dataclass(frozen=True)
class Design:
    """The columns of a regression: an intercept, the level, and the controls that say something new."""

    columns: np.ndarray  # rows x coefficients
    controls_used: tuple[str, ...]
    controls_dropped: tuple[str, ...]
    level_is_collinear: bool


def logit(plans: Plans, rules: Rules, controls: tuple[str, ...] = ()) -> Finding:
    """The odds ratio of a hit per level up: the level, 0 to 5, is one linear term.

    Commitments that share plan, level, controls and outcome enter as one row with their number (frequency weights),
    which gives the same coefficients and the same clustered errors as one row for each commitment. Errors: sandwich,
    summed by plan, variance times m / (m - k); t with m - k degrees of freedom, m plans and k coefficients.

    Controls: year of submission (linear, because a term for each year takes more coefficients than some plans can
    bear; the tests within years take them as they are), region (a term for each), plan number, logarithm of the
    plan's size, relevance. One that is constant, or follows from those before it, is dropped. Plans whose year is
    not known are left out where it is a control.
    """
    if "submission_year" in controls:
        plans = plans.take(~np.isnan(plans.year))
    counts = plans.counts(rules.involve_rank)
    if not counts.plans:
        return Finding(counts, "nothing_assessed")
    if counts.plans < rules.min_plans_logit:
        return Finding(counts, "too_few_plans")
    if len(np.unique(plans.level_rank)) < 2:
        return Finding(counts, "one_level")
    hits = int(plans.hits.sum())
    if hits in (0, counts.commitments):
        return Finding(counts, "no_variation")
    design = _design(plans, controls)
    coefficients = design.columns.shape[1]
    if design.level_is_collinear:
        return Finding(counts, "collinear")
    if counts.plans < rules.min_plans_per_coefficient * coefficients:
        return Finding(counts, "too_few_plans")
    if min(hits, counts.commitments - hits) < rules.min_events_per_coefficient * coefficients:
        return Finding(counts, "too_few_events")
    return _fitted(plans, design, rules)


def _fitted(plans: Plans, design: Design, rules: Rules) -> Finding:
    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.generalized_linear_model import GLM

    counts = plans.counts(rules.involve_rank)
    outcome = np.repeat([1.0, 0.0], len(plans.plan))
    number = np.concatenate([plans.hits, plans.commitments - plans.hits])
    there = number > 0
    columns = np.vstack([design.columns, design.columns])[there]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # what they warn of is looked at below
        try:
            model = GLM(outcome[there], columns, family=Binomial(), freq_weights=number[there])
            fitted = model.fit(
                cov_type="cluster",
                cov_kwds={"groups": np.tile(plans.plan, 2)[there], "use_correction": False},
            )
        except np.linalg.LinAlgError:
            return Finding(counts, "not_converged")
        coefficient, variance = float(fitted.params[1]), float(fitted.cov_params()[1, 1])
        log_odds = columns @ fitted.params
    if not np.all(np.isfinite(log_odds)) or np.max(np.abs(log_odds)) > rules.max_log_odds:
        return Finding(counts, "separation")
    if not fitted.converged or not math.isfinite(variance) or variance < 0:
        return Finding(counts, "not_converged")
    from scipy.special import stdtr, stdtrit

    left = counts.plans - columns.shape[1]
    error = math.sqrt(variance * counts.plans / left)
    if error < 1e-10:
        return Finding(counts, "no_variation")
    reach = float(stdtrit(left, (1 + rules.confidence) / 2)) * error
    return Finding(
        counts,
        estimate=math.exp(coefficient),
        ci_low=math.exp(coefficient - reach),
        ci_high=math.exp(coefficient + reach),
        p_value=float(2 * stdtr(left, -abs(coefficient) / error)),
        interval_status="shown",
        controls_used=design.controls_used,
        controls_dropped=design.controls_dropped,
    )


def _design(plans: Plans, controls: tuple[str, ...]) -> Design:
    """Intercept, level and controls; a control of which no column says something new is dropped."""
    ones = np.ones(len(plans.plan))
    chosen = [ones]
    used, dropped = [], []
    for name in controls:
        new = [column for column in _control(plans, name) if _is_new(chosen, column)]
        kept: list[np.ndarray] = []
        for column in new:
            if _is_new([*chosen, *kept], column):
                kept.append(column)
        chosen += kept
        (used if kept else dropped).append(name)
    level = plans.level_rank.astype(float)
    columns = np.column_stack([ones, level, *chosen[1:]])
    return Design(columns, tuple(used), tuple(dropped), not _is_new(chosen, level))


def _is_new(columns: list[np.ndarray], candidate: np.ndarray) -> bool:
    """Whether a column is not a combination of others, which are there and independent."""
    spread = np.linalg.norm(candidate - candidate.mean())
    if spread < 1e-9:
        return False
    others = np.column_stack(columns)
    left = candidate - others @ np.linalg.lstsq(others, candidate, rcond=None)[0]
    return bool(np.linalg.norm(left) > 1e-8 * spread)


def _control(plans: Plans, name: str) -> list[np.ndarray]:
    """The columns of a control, numbers to a common scale so that the fit is well conditioned."""
    if name == "submission_year":
        return [_scaled(plans.year)]
    if name == "plan_number":
        return [_scaled(plans.plan_number)]
    if name == "plan_size":
        return [_scaled(np.log(plans.size))]
    return _terms(plans.region if name == "region" else plans.relevance)


def _scaled(values: np.ndarray) -> np.ndarray:
    centred = values - np.mean(values)
    spread = np.std(centred)
    return centred / spread if spread > 0 else centred


def _terms(values: np.ndarray) -> list[np.ndarray]:
    """One column for each value but the most frequent (of a tie the first), which the others are compared with."""
    names, times = np.unique(values, return_counts=True)
    usual = names[np.argmax(times)]
    return [(values == name).astype(float) for name in names if name != usual]
