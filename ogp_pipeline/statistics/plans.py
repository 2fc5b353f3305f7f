"""The plans that a model is fitted to, and what a model says of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Plans:
    """One row per plan and relevance of its commitments, all assessed on one outcome at one stage; arrays of a length.

    `plan` numbers the plans from 0, `level_rank` is 0 to 5, `year` the year of submission (NaN where not known),
    `size` all commitments of the plan, assessed or not, `relevance` relevant, not_relevant or not_known.
    """

    plan: np.ndarray
    level_rank: np.ndarray
    hits: np.ndarray
    commitments: np.ndarray
    year: np.ndarray
    plan_number: np.ndarray
    size: np.ndarray
    region: np.ndarray
    relevance: np.ndarray

    def take(self, rows: np.ndarray) -> Plans:
        """The rows of a mask or of positions."""
        return Plans(**{name: values[rows] for name, values in vars(self).items()})

    def one_row_each(self) -> Plans:
        """The same with one row per plan: hits and commitments added up, `relevance` without meaning."""
        _, first, position = np.unique(self.plan, return_index=True, return_inverse=True)
        added = {
            name: np.bincount(position, weights=getattr(self, name), minlength=len(first)).astype(np.int64)
            for name in ("hits", "commitments")
        }
        return Plans(**{**vars(self.take(first)), **added})

    def counts(self, involve_rank: float) -> Counts:
        """How many plans and commitments, and how many plans below involve and from it on."""
        plans = self.one_row_each()
        above = int(np.count_nonzero(plans.level_rank >= involve_rank))
        return Counts(len(plans.plan), int(plans.commitments.sum()), len(plans.plan) - above, above)


@dataclass(frozen=True)
class Counts:
    """What stands behind a finding: plans, commitments, and the plans of either side."""

    plans: int
    commitments: int
    plans_below_involve: int
    plans_involve_or_above: int


@dataclass(frozen=True)
class Finding:
    """What one model says: an estimate, or the reason (a code of `association_reason`) why there is none.

    `counts` are of the plans that the model compares. The interval and the p value are NaN-free: None where there
    is none, and `interval_status` says why.
    """

    counts: Counts
    reason: str | None = None
    estimate: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    p_value: float | None = None
    interval_status: str = "not_estimable"
    shuffles: int | None = None
    seed: int | None = None
    controls_used: tuple[str, ...] = ()
    controls_dropped: tuple[str, ...] = ()
