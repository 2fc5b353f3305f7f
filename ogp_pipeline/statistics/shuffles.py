"""Differences in share between plans at involve or above and plans below, tested by shuffling plans.

Both differences, of pooled shares and of mean plan shares, and both ways to shuffle, among all plans and within their
year of submission, are one computation: without years there is one stratum.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from ogp_pipeline.statistics.plans import Finding, Plans
from ogp_pipeline.statistics.rules import Rules

SAME = 1e-10  # statistics closer than this are equal: what differs is rounding
COUNT_UP_TO = 1000  # plans; above it drawing type by type is faster than drawing plan by plan
MOST_CELLS = 1_000_000  # of a block of shuffles by kinds of plans: 8 MB


@dataclass(frozen=True)
class Stratum:
    """Plans of one year as kinds: plans with the same hits and commitments are alike for every shuffle.

    `plans` and `above` count the plans of each kind, in all and at involve or above.
    """

    hits: np.ndarray
    commitments: np.ndarray
    plans: np.ndarray
    above: np.ndarray


def differences(plans: Plans, rules: Rules, seed: int, within_year: bool) -> dict[str, Finding]:
    """The difference in `pooled` and in `mean` share, involve or above minus below, -1 to 1.

    Within years it is the mean of the differences of the years, each weighted by n1 * n0 / n (n counts commitments
    for the pooled share and plans for the mean of shares; Mantel-Haenszel weights, the same number as a regression
    with a term for each year gives); a year with one side only says nothing and is left out.

    p value: two-sided, (c + 1) / (shuffles + 1), c the shuffles whose difference is at least as large as the one
    found. A shuffle gives the labels to the plans anew, within their year where years count. How many plans of each
    kind then get the label follows the multivariate hypergeometric distribution, and is drawn from it directly: the
    same test, at a cost that hardly grows with the number of plans.
    Interval: `_interval`.
    """
    each = plans.one_row_each()
    above = each.level_rank >= rules.involve_rank
    everywhere = each.counts(rules.involve_rank)
    if not everywhere.plans:
        return _both(Finding(everywhere, "nothing_assessed"))
    if everywhere.plans < rules.min_plans_difference:
        return _both(Finding(everywhere, "too_few_plans"))
    if not 0 < everywhere.plans_involve_or_above < everywhere.plans:
        return _both(Finding(everywhere, "one_side"))
    if within_year:
        kept = _in_mixed_years(each.year, above)
        each, above = each.take(kept), above[kept]
    counts = each.counts(rules.involve_rank)
    if not counts.plans:
        return _both(Finding(counts, "no_year_mixes"))
    fewest = min(counts.plans_below_involve, counts.plans_involve_or_above)
    if counts.plans < rules.min_plans_difference or fewest < rules.min_plans_each_side:
        return _both(Finding(counts, "too_few_plans"))
    years = each.year if within_year else np.zeros(counts.plans)
    strata = _strata(each, above, years)
    if all(_has_one_share(stratum) for stratum in strata):
        return _both(Finding(counts, "no_variation"))
    found = _statistics(strata, lambda stratum: [stratum.above[np.newaxis]])
    generator = np.random.default_rng(seed)
    shuffled = _statistics(strata, lambda stratum: _draws(stratum, rules.shuffles, generator))
    findings = {}
    for name in ("pooled", "mean"):
        estimate = float(found[name][0])
        extreme = int(np.count_nonzero(np.abs(shuffled[name]) >= abs(estimate) - SAME))
        finding = Finding(
            counts,
            estimate=estimate,
            p_value=(extreme + 1) / (rules.shuffles + 1),
            shuffles=rules.shuffles,
            seed=seed,
        )
        findings[name] = _interval(finding, each, above, years, name == "pooled", rules)
    return findings


def _both(finding: Finding) -> dict[str, Finding]:
    return {"pooled": finding, "mean": finding}


def _in_mixed_years(year: np.ndarray, above: np.ndarray) -> np.ndarray:
    """Which plans are of a year that is known and has plans on both sides."""
    mixed = [value for value in np.unique(year[~np.isnan(year)]) if 0 < above[year == value].mean() < 1]
    return np.isin(year, mixed)


def _strata(plans: Plans, above: np.ndarray, years: np.ndarray) -> list[Stratum]:
    strata = []
    for year in np.unique(years):
        inside = years == year
        pairs = np.column_stack([plans.hits[inside], plans.commitments[inside]])
        kinds, kind = np.unique(pairs, axis=0, return_inverse=True)
        count = np.bincount(kind.ravel(), minlength=len(kinds))
        count_above = np.bincount(kind.ravel()[above[inside]], minlength=len(kinds))
        strata.append(Stratum(kinds[:, 0], kinds[:, 1], count, count_above))
    return strata


def _has_one_share(stratum: Stratum) -> bool:
    return bool(np.all(stratum.hits * stratum.commitments[0] == stratum.hits[0] * stratum.commitments))


def _draws(stratum: Stratum, shuffles: int, generator: np.random.Generator) -> Iterator[np.ndarray]:
    """For each shuffle by kind how many plans of the kind get the label, in blocks of shuffles.

    Type by type each shuffle is drawn by itself, so blocks give the numbers that one block would; plan by plan one
    shuffle starts from the last, and there are few plans.
    """
    is_counted = stratum.plans.sum() <= COUNT_UP_TO
    block = shuffles if is_counted else max(1, MOST_CELLS // len(stratum.plans))
    for first in range(0, shuffles, block):
        yield generator.multivariate_hypergeometric(
            stratum.plans,
            int(stratum.above.sum()),
            size=min(block, shuffles - first),
            method="count" if is_counted else "marginals",
        )


def _statistics(strata: list[Stratum], labelled: Callable[[Stratum], Iterable[np.ndarray]]) -> dict[str, np.ndarray]:
    """The two differences for each row of labels; the definition stands at `differences`.

    `labelled` gives the labels of a stratum in blocks of rows, which are not kept.
    """
    pooled, pooled_weight, mean, mean_weight = 0.0, 0.0, 0.0, 0.0
    for stratum in strata:
        shares = stratum.hits / stratum.commitments
        hits, size, plans = stratum.plans @ stratum.hits, stratum.plans @ stratum.commitments, stratum.plans.sum()
        sums = [(above @ stratum.hits, above @ stratum.commitments, above @ shares) for above in labelled(stratum)]
        hits_above, size_above, sum_above = (np.concatenate(blocks) for blocks in zip(*sums, strict=True))
        plans_above = stratum.above.sum()
        pooled = pooled + (hits_above * (size - size_above) - (hits - hits_above) * size_above) / size
        pooled_weight = pooled_weight + size_above * (size - size_above) / size
        weight = plans_above * (plans - plans_above) / plans
        total = stratum.plans @ shares
        mean = mean + weight * (sum_above / plans_above - (total - sum_above) / (plans - plans_above))
        mean_weight += weight
    return {"pooled": pooled / pooled_weight, "mean": mean / mean_weight}


def _interval(
    finding: Finding, plans: Plans, above: np.ndarray, years: np.ndarray, is_pooled: bool, rules: Rules
) -> Finding:
    """The finding with its interval: estimate +- t * se, clipped to [-1, 1].

    The estimate is the coefficient of a regression of shares on the side and a term for each year, weighted by
    commitments where shares are pooled. se is its error clustered by plan with each residual corrected for the
    leverage of its plan (CR2, Bell and McCaffrey 2002); t has as many degrees of freedom as the smaller side has
    plans, less one, as in the cells of the figures. Of the usual choices this one covered nearest to 95 % in
    simulations with 20 to 150 plans (benchmarks/calibration.py); the plain error with m - k degrees covered 90 %.
    A permutation test has no interval of its own without assuming that the level adds the same to every plan.
    """
    smaller = min(finding.counts.plans_below_involve, finding.counts.plans_involve_or_above)
    if smaller < rules.min_plans_interval_each_side:
        return replace(finding, interval_status="too_few_plans")
    from scipy.special import stdtrit

    weights = plans.commitments.astype(float) if is_pooled else np.ones(len(above))
    side, year_weights = _centred(above.astype(float), weights, years)
    shares, _ = _centred(plans.hits / plans.commitments, weights, years)
    spread = np.sum(weights * side**2)
    leverage = weights / year_weights + weights * side**2 / spread
    scores = weights * side * (shares - finding.estimate * side)
    error = float(np.sqrt(np.sum(scores**2 / (1 - leverage))) / spread)
    if error < SAME:
        return replace(finding, interval_status="no_variation")
    reach = float(stdtrit(smaller - 1, (1 + rules.confidence) / 2)) * error
    low, high = max(-1.0, finding.estimate - reach), min(1.0, finding.estimate + reach)
    return replace(finding, ci_low=low, ci_high=high, interval_status="shown")


def _centred(values: np.ndarray, weights: np.ndarray, years: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The values minus the weighted mean of their year, and the sum of the weights of that year."""
    _, position = np.unique(years, return_inverse=True)
    sums = np.bincount(position, weights=weights)[position]
    return values - np.bincount(position, weights=weights * values)[position] / sums, sums
