"""What a finding says in words that a journalist can use: "is associated with", never a cause."""

from __future__ import annotations

from ogp_pipeline.statistics.plans import Counts, Finding
from ogp_pipeline.statistics.rules import Rules

STAGES = {
    "development": "during the development of the plan",
    "implementation": "during implementation",
    "throughout": "throughout the plan (lowest of the two stages)",
}
EXPLORATORY = "One of many comparisons: a reason to look closer, no finding."


def not_estimable(stage: str, definition_words: str, reason_words: str, counts: Counts) -> str:
    """Why nothing can be said; `reason_words` completes "because"."""
    subject = f"Public influence {STAGES[stage]} and {_quoted(definition_words)}"
    return f"{subject}: nothing can be said, because {reason_words} ({_plans(counts.plans)})."


def estimated(
    model: str, stage: str, definition_words: str, finding: Finding, q_value: float | None, rules: Rules
) -> str:
    """What was found, how sure it is and what stands behind it.

    Whether the association counts as clear is decided by the q value of a primary test and by the p value of any
    other, which is marked as exploratory.
    """
    is_clear = (finding.p_value if q_value is None else q_value) < rules.significance
    claim = _claim(model, STAGES[stage], _quoted(definition_words), finding.estimate, is_clear)
    counts = finding.counts
    behind = (
        f"{counts.commitments:,} commitments of {_plans(counts.plans)}, "
        f"{counts.plans_involve_or_above:,} of them at involve or above"
    )
    chance = f"without any association as much or more would be seen with probability {_probability(finding.p_value)}"
    if q_value is not None:
        chance += f", q {_probability(q_value)} over the primary tests"
    text = f"{claim} ({behind}{_interval(model, finding, rules)}; {chance})."
    return text if q_value is not None else f"{text} {EXPLORATORY}"


def _claim(model: str, where: str, what: str, estimate: float, is_clear: bool) -> str:
    verb = "is associated with" if is_clear else "is not clearly associated with"
    if model == "spearman":
        subject, measure = f"More public influence {where}", f"a rank correlation of {estimate:+.2f}"
        share, direction = f"share of {what} in a plan", _direction(estimate)
    elif model.startswith("difference"):
        average = "average plan's share" if "mean" in model else "share"
        years = ", among plans of the same year" if model.endswith("within_year") else ""
        subject, share, direction = f"Involve or above {where}", f"{average} of {what}{years}", _direction(estimate)
        measure = f"{abs(estimate) * 100:.1f} percentage points {direction} than below involve"
    else:
        others = ", all controls being equal" if model == "logit_controls" else ""
        subject, share = f"Each level of public influence up {where}", f"odds of {what}{others}"
        direction, measure = _direction(estimate - 1), f"the odds {estimate:.2f} times as high"
    if is_clear:
        article = "" if share.startswith("odds") else "a "
        return f"{subject} {verb} {article}{direction} {share}: {measure}"
    return f"{subject} {verb} the {share}: what was found is {measure}"


def _plans(count: int) -> str:
    return f"{count:,} plan{'s' * (count != 1)}"


def _quoted(definition_words: str) -> str:
    return f'"{definition_words[0].lower()}{definition_words[1:]}"'


def _direction(difference: float) -> str:
    return "higher" if difference > 0 else "lower"


def _interval(model: str, finding: Finding, rules: Rules) -> str:
    if finding.ci_low is None:
        return ""
    low, high = finding.ci_low, finding.ci_high
    if model.startswith("difference"):
        shown = f"{low * 100:+.1f} to {high * 100:+.1f} points"
    else:
        sign = "+" if model == "spearman" else ""
        shown = f"{low:{sign}.2f} to {high:{sign}.2f}"
    return f"; {rules.confidence:.0%} interval {shown}".replace("%", " %")


def _probability(value: float) -> str:
    return "under 0.001" if value < 0.001 else f"{value:.3f}" if value < 0.1 else f"{value:.2f}"
