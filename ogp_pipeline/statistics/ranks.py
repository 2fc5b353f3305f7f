"""The rank correlation of the level of public influence and the share of a plan."""

from __future__ import annotations

import math

import numpy as np

from ogp_pipeline.statistics.plans import Finding, Plans
from ogp_pipeline.statistics.rules import Rules


def spearman(plans: Plans, rules: Rules) -> Finding:
    """Spearman's correlation of level and plan share, every plan counted once; -1 to 1, mean ranks for ties.

    p value: two-sided, t approximation with m - 2 degrees of freedom (`scipy.stats.spearmanr`).
    Interval: Fisher's z with the standard error of Bonett and Wright (2000), sqrt((1 + r^2 / 2) / (m - 3)).
    """
    each = plans.one_row_each()
    counts = each.counts(rules.involve_rank)
    shares = each.hits / each.commitments
    if not counts.plans:
        return Finding(counts, "nothing_assessed")
    if counts.plans < rules.min_plans_spearman:
        return Finding(counts, "too_few_plans")
    if len(np.unique(each.level_rank)) < 2:
        return Finding(counts, "one_level")
    if np.all(each.hits * each.commitments[0] == each.hits[0] * each.commitments):
        return Finding(counts, "no_variation")
    from scipy.special import ndtri
    from scipy.stats import spearmanr

    correlation, p_value = (float(value) for value in spearmanr(each.level_rank, shares))
    if 1 - abs(correlation) < 1e-12:
        return Finding(counts, estimate=correlation, p_value=p_value, interval_status="no_variation")
    reach = ndtri((1 + rules.confidence) / 2) * math.sqrt((1 + correlation**2 / 2) / (counts.plans - 3))
    low, high = (math.tanh(math.atanh(correlation) + sign * reach) for sign in (-1, 1))
    return Finding(counts, None, correlation, low, high, p_value, "shown")
