"""How often the permutation tests of `metrics.associations` reject, in simulated partnerships where the truth is known.

    python benchmarks/calibration.py [SEEDS]

Three worlds: no association; a cohort effect, in which later plans have both more influence and better outcomes while
within a year nothing is associated; and a planted association. It calls the functions that the pipeline calls, with
fewer shuffles for each test, and prints for each test the share of seeds with p <= 0.05, the interval of that share
(Wilson), and how often the 95 % interval of the difference holds the true one.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ogp_pipeline.statistics.logit import logit
from ogp_pipeline.statistics.plans import Plans
from ogp_pipeline.statistics.ranks import spearman
from ogp_pipeline.statistics.rules import Rules, own_rules, seed_of
from ogp_pipeline.statistics.shuffles import differences

# with 4000 seeds the error of a rate of 5 % is 0.34 %; with 199 shuffles an exact test at 5 % rejects 5 % to the dot
SEEDS, SHUFFLES = 4000, 199
OTHER_SEEDS = 1000  # of the models that are not tested by shuffling: their p values are approximations
PLANS, YEARS = 70, 6  # about as many plans as the real files of 2016 hold, over more years
BASE_SHARE, CONCENTRATION = 0.3, 6.0  # plans differ as a beta distribution of these parameters, as real plans do


@dataclass(frozen=True)
class Scenario:
    """What is true in a simulated partnership, in shares: 0.15 is fifteen percentage points.

    `cohort` is the gain in share from the first year to the last, while the chance of a level of involve or above
    rises from 0.1 to 0.7; `effect` what involve or above adds.
    """

    name: str
    cohort: float = 0.0
    effect: float = 0.0


SCENARIOS = (
    Scenario("no association"),
    Scenario("cohort effect", cohort=0.4),
    Scenario("planted association", effect=0.2),
)


@dataclass(frozen=True)
class Rate:
    """Of one test in one scenario: seeds with p <= 0.05, and seeds whose interval holds the true difference."""

    seeds: int
    rejected: int
    covered: int | None

    @property
    def share(self) -> float:
        """The share of seeds that rejected."""
        return self.rejected / self.seeds

    @property
    def bounds(self) -> tuple[float, float]:
        """Wilson's 95 % interval of that share."""
        z, n, p = 1.959964, self.seeds, self.share
        middle, reach = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return (middle - reach) / (1 + z * z / n), (middle + reach) / (1 + z * z / n)


def partnership(scenario: Scenario, seed: int) -> Plans:
    """Plans of a simulated partnership; the same seed gives the same plans."""
    generator = np.random.default_rng(seed)
    year = generator.integers(0, YEARS, PLANS)
    progress = year / (YEARS - 1)
    is_above = generator.random(PLANS) < (0.1 + 0.6 * progress if scenario.cohort else np.full(PLANS, 0.35))
    level = np.where(is_above, generator.integers(3, 5, PLANS), generator.integers(0, 3, PLANS))
    commitments = generator.integers(5, 31, PLANS)
    share = BASE_SHARE + scenario.cohort * progress + scenario.effect * is_above
    own_share = generator.beta(share * CONCENTRATION, (1 - share) * CONCENTRATION)
    return Plans(
        plan=np.arange(PLANS),
        level_rank=level,
        hits=generator.binomial(commitments, own_share),
        commitments=commitments,
        year=year.astype(float),
        plan_number=np.ones(PLANS, dtype=np.int64),
        size=commitments,
        region=np.full(PLANS, "unknown"),
        relevance=np.full(PLANS, "not_known"),
    )


def permutation_rates(scenario: Scenario, seeds: int, shuffles: int = SHUFFLES) -> dict[str, Rate]:
    """The rate of each of the four permutation tests by the name of its model, over the seeds 1 to `seeds`."""
    rules = replace(own_rules(), shuffles=shuffles)
    counts = {name: [0, 0] for name in ("pooled", "mean", "pooled_within_year", "mean_within_year")}
    for seed in range(1, seeds + 1):
        plans = partnership(scenario, seed)
        for within_year in (False, True):
            found = differences(plans, rules, seed_of(seed, scenario.name, str(within_year)), within_year)
            for share, finding in found.items():
                count = counts[share + "_within_year" * within_year]
                count[0] += finding.p_value <= rules.significance
                count[1] += finding.ci_low <= scenario.effect <= finding.ci_high
    return {f"difference_{name}": Rate(seeds, *count) for name, count in counts.items()}


def other_rates(scenario: Scenario, seeds: int, rules: Rules) -> dict[str, Rate]:
    """The rates of the rank correlation and of the logistic regressions, whose p values are approximations."""
    rejected = {"spearman": 0, "logit": 0, "logit_controls": 0}
    for seed in range(1, seeds + 1):
        plans = partnership(scenario, seed)
        found = (spearman(plans, rules), logit(plans, rules), logit(plans, rules, ("submission_year", "plan_size")))
        for name, finding in zip(rejected, found, strict=True):
            rejected[name] += finding.p_value <= rules.significance
    return {name: Rate(seeds, count, None) for name, count in rejected.items()}


def table(seeds: int) -> Iterator[str]:
    """The lines of the table."""
    yield f"{seeds} seeds, {SHUFFLES} shuffles a test, {PLANS} plans of {YEARS} years"
    yield f"{'world':<21}{'test':<32}{'rejected':>9}{'95 % interval':>18}{'interval holds truth':>22}"
    for scenario in SCENARIOS:
        rates = permutation_rates(scenario, seeds) | other_rates(scenario, min(seeds, OTHER_SEEDS), own_rules())
        for name, rate in rates.items():
            low, high = rate.bounds
            covered = "" if rate.covered is None else f"{rate.covered / rate.seeds:.1%}"
            yield f"{scenario.name:<21}{name:<32}{rate.share:>9.1%}{f'{low:.1%} to {high:.1%}':>18}{covered:>22}"


if __name__ == "__main__":
    for line in table(int(sys.argv[1]) if len(sys.argv) > 1 else SEEDS):
        print(line, flush=True)
