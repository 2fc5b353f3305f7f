"""What the page says of the question itself: the answer in words, the tests behind it, and what it depends on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ogp_pipeline.report.reading import ReleaseReader, Row
from ogp_pipeline.report.tables import columns, table
from ogp_pipeline.report.views import Figure
from ogp_pipeline.report.words import listed, plain, sentence_of, title_of

QUESTIONS = {
    "ambition": "more ambition",
    "completion": "more completion",
    "early_results": "stronger early results",
}
NOT_COMPUTED = "not computed in this release"


@dataclass(frozen=True)
class Answer:
    """The answer on one outcome: whether it can be given at all, and the sentences that give it."""

    figure: Figure
    heading: str
    verdict: str
    sentences: Sequence[str]


def answers(release: ReleaseReader, figures: Sequence[Figure]) -> dict[str, Any]:
    """What the section with the answer shows: one sentence over all, and an answer for each figure."""
    primary = {row["figure"]: row for row in associations(release, "test_role = 'primary'") or ()}
    tested = release.has("metrics.associations")
    limit = significance(release)
    found = [_answer(figure, primary.get(figure.number), tested, limit) for figure in figures]
    return {"answers": found, "summary": _summary(found)}


def _answer(figure: Figure, test: Row | None, tested: bool, limit: float) -> Answer:
    view = figure.default
    sentences = [sentence_of(figure, view)]
    if test is not None and test["sentence"]:
        sentences.append(test["sentence"])
    elif not tested and view.is_drawn:
        sentences.append(f"Whether this is more than chance is {NOT_COMPUTED}.")
    return Answer(
        figure, QUESTIONS.get(view.first["outcome"], view.first["outcome"]), _verdict(view, test, limit), sentences
    )


def _verdict(view: Any, test: Row | None, limit: float) -> str:
    if not view.is_drawn:
        return "cannot be shown"
    if test is None:
        return "shown, not tested"
    if test["status"] != "estimated":
        return "shown, cannot be tested"
    value = test["q_value"] if test["q_value"] is not None else test["p_value"]
    if value is None or value >= limit:
        return "no association beyond chance is found"
    # a ratio has its middle at one, a difference and a correlation at nothing
    is_higher = test["estimate"] > (1 if test["estimate_kind"] == "odds_ratio" else 0)
    return f"{'higher' if is_higher else 'lower'} at involve or above, by more than chance would give"


def significance(release: ReleaseReader) -> float:
    """From this p or q on nothing beyond chance is found: the rule by which the sentences of the tests are written."""
    rows = release.rows_of(
        "reference.association_rules", "from reference.association_rules where rule = 'significance'"
    )
    return float(rows[0]["value"]) if rows else 0.0


def _summary(found: Sequence[Answer]) -> str:
    by_verdict: dict[str, list[str]] = {}
    for answer in found:
        by_verdict.setdefault(answer.verdict, []).append(answer.heading)
    return "; ".join(f"{listed(headings)}: {verdict}" for verdict, headings in by_verdict.items())


def associations(release: ReleaseReader, where: str = "true") -> list[Row] | None:
    """Rows of metrics.associations; None where the release has none."""
    return release.rows_of(
        "metrics.associations",
        f"from metrics.associations where {where} "
        "order by figure, is_default desc, outcome, definition, stage, test_role desc, model",
    )


def association_tables(release: ReleaseReader, figures: Sequence[Figure]) -> dict[str, Any]:
    """The three tests fixed beforehand, and all others, which explore."""
    rows = associations(release)
    if rows is None:
        return {"primary": None, "missing": "metrics.associations"}
    models = meanings(release, "association_model")
    shown = [
        {
            **row,
            "model": models.get(row["model"], plain(row["model"])),
            "interval": _interval(row),
            "reading": f"{plain(row['definition'])}, {row['stage']}",
            "result": row["sentence"] if row["status"] == "estimated" else row.get("reason_words") or row["reason"],
        }
        for row in rows
    ]
    return {
        "primary": table(
            "The tests that were fixed beforehand",
            columns(
                {
                    "figure": ("figure", "text"),
                    "result": ("in words", "text"),
                    "model": ("model", "text"),
                    "estimate": ("estimate", "number"),
                    "interval": ("95 % interval", "text"),
                    "p_value": ("p", "number"),
                    "q_value": ("q", "number"),
                    "plans": ("plans", "count"),
                    "commitments": ("commitments", "count"),
                }
            ),
            [row for row in shown if row["test_role"] == "primary"],
        ),
        "exploratory": table(
            "All other tests: they explore, and some would look like a finding by chance alone",
            columns(
                {
                    "figure": ("figure", "text"),
                    "reading": ("definition and stage", "text"),
                    "model": ("model", "text"),
                    "estimate_kind": ("estimate is a", "code"),
                    "estimate": ("estimate", "number"),
                    "interval": ("95 % interval", "text"),
                    "p_value": ("p", "number"),
                    "plans": ("plans", "count"),
                    "result": ("in words", "text"),
                }
            ),
            [row for row in shown if row["test_role"] != "primary"],
            whole="metrics.associations",
        ),
    }


def meanings(release: ReleaseReader, list_name: str) -> Mapping[str, str]:
    """The words of the codes of a list, from reference.labels."""
    rows = release.rows("select code, meaning from reference.labels where list = ? and meaning <> ''", [list_name])
    return {row["code"]: row["meaning"] for row in rows}


def _interval(row: Row) -> str:
    if row["ci_low"] is None or row["ci_high"] is None:
        return ""
    return f"{_bound(row['ci_low'])} to {_bound(row['ci_high'])}"


def _bound(value: float) -> str:
    """A bound with three decimals, or with its first digit where that would make it nothing: 0.252, 0.0003."""
    return f"{value:.1g}" if 0 < abs(value) < 0.0005 else f"{value:,.3f}"


def sensitivity_tables(release: ReleaseReader, figures: Sequence[Figure]) -> dict[str, Any]:
    """For each figure: its conclusion under every way of counting."""
    if not release.has("metrics.vital_signs_sensitivity"):
        return {"tables": None, "missing": "metrics.vital_signs_sensitivity"}
    choices = release.rows_of("reference.sensitivity_choices", "from reference.sensitivity_choices order by position")
    words = {row["choice"]: row["words"] for row in choices or ()}
    order = {choice: place for place, choice in enumerate(words)}
    # what is said of a choice is repeated on its six levels
    rows = release.rows(
        "select figure, choice, choice_status, share_below_involve, share_involve_or_above, difference, direction, "
        "agrees_with_default, sum(plans)::bigint as plans, sum(commitments)::bigint as commitments "
        "from metrics.vital_signs_sensitivity group by all order by figure, choice"
    )
    statuses = meanings(release, "sensitivity_status")
    heads = {
        "words": ("way of counting", "text"),
        "share_below_involve": ("below involve", "share"),
        "share_involve_or_above": ("involve or above", "share"),
        "difference": ("difference", "points"),
        "direction": ("at involve or above it is", "code"),
        "agrees": ("agrees with the figure", "text"),
        "plans": ("plans", "count"),
        "commitments": ("commitments", "count"),
    }
    tables, without = [], []
    for figure in figures:
        own = sorted(
            (row for row in rows if row["figure"] == figure.number), key=lambda row: order.get(row["choice"], 0)
        )
        named = [
            {
                **row,
                "words": words.get(row["choice"], plain(row["choice"])),
                "agrees": {True: "yes", False: "no"}.get(row["agrees_with_default"])
                if row["choice_status"] == "computed"
                else statuses.get(row["choice_status"], plain(row["choice_status"])),
            }
            for row in own
        ]
        if all(row["difference"] is None for row in own):
            without.append(figure.number)
            continue
        stable = figure.summary["conclusion_stable"] if figure.summary else None
        verdict = {
            True: "the direction is the same in every way of counting",
            False: "the direction depends on the way of counting",
        }.get(stable, "no direction")
        tables.append(table(f"{title_of(figure, figure.default)}: {verdict}", columns(heads), named))
    return {"tables": tables, "without": listed(without) if without else ""}


def trend_tables(release: ReleaseReader, figures: Sequence[Figure]) -> dict[str, Any]:
    """How the level of influence and the outcomes of national plans moved by year of submission."""
    influence = release.rows_of(
        "metrics.influence_by_year",
        # what is said of a year and stage is repeated on its levels
        "select distinct submitted_year, stage, plans_in_year, plans_assessed, plans_involve_or_above, "
        "share_involve_or_above from metrics.influence_by_year where coding = 'official' "
        "order by stage, submitted_year",
    )
    outcomes = release.rows_of(
        "metrics.outcomes_by_year",
        "select years.*, definitions.words from metrics.outcomes_by_year as years "
        "inner join reference.outcome_definitions as definitions using (outcome, definition) "
        "where member_type = 'national' and definitions.is_default order by figure, submitted_year",
    )
    found = []
    if influence is not None:
        heads = {
            "stage": ("stage", "code"),
            "submitted_year": ("submitted in", "year"),
            "plans_in_year": ("plans", "count"),
            "plans_assessed": ("with a level", "count"),
            "plans_involve_or_above": ("involve or above", "count"),
            "share_involve_or_above": ("share", "share"),
        }
        whole = "metrics.influence_by_year"
        found.append(
            table("Level of public influence of national plans, by year", columns(heads), influence, whole=whole)
        )
    if outcomes is not None:
        heads = {
            "words": ("outcome", "text"),
            "submitted_year": ("submitted in", "year"),
            "plans": ("plans", "count"),
            "commitments": ("assessed", "count"),
            "hits": ("of them so", "count"),
            "share": ("share", "share"),
            "share_assessed": ("share assessed", "share"),
        }
        whole = "metrics.outcomes_by_year"
        found.append(table("Outcomes of national plans, by year", columns(heads), outcomes, whole=whole))
    missing = [name for name in ("metrics.influence_by_year", "metrics.outcomes_by_year") if not release.has(name)]
    return {"tables": found, "missing": listed(missing) if missing else ""}
