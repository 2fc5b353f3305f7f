"""The tables of a member's page: plans, stars, what is not assessed, commitments, what others report, doubts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ogp_pipeline.report.origins import rule_words
from ogp_pipeline.report.reading import Row
from ogp_pipeline.report.tables import Column, Table, columns, table
from ogp_pipeline.report.words import plain

FORMULAS = {
    "pre_2014": "used before June 2014",
    "2015": "of 2015",
    "current_progress": "current, at mid-term",
    "current_end_of_term": "current, at the end of the term",
}
CRITERIA = {
    "relevance": "relevance to OGP values",
    "transformative": "potential impact",
    "completion": "completion",
    "specificity": "specificity",
}
MISSED = {
    "relevance": "not relevant to OGP values",
    "transformative": "relevant, but its potential impact is not transformative",
    "completion": "relevant and transformative, but not substantially done at the latest assessment",
    "specificity": "relevant, transformative and substantially done, but too vague to be verified",
}
NOT_CODED = ("not_reviewed", "no_data", "not_applicable")
# what is counted in metrics.local_monitoring: words, column, and the column it is a part of
MONITORED = (
    ("reports", "reports", None),
    ("reports on time", "reports_on_time", "reports"),
    ("reports after their deadline", "reports_late", "reports"),
    ("reports whose lateness is not known", "reports_lateness_unknown", "reports"),
    ("co-creation requirements met, of those answered", "requirements_met", "requirements_answered"),
    ("commitments verifiable, of those reviewed", "commitments_verifiable", "commitments_reviewed"),
    ("with an open government lens", "commitments_with_lens", "commitments_reviewed"),
    ("of substantial potential for results", "commitments_substantial_potential", "commitments_reviewed"),
    ("complete, of those assessed on completion", "commitments_complete", "commitments_completion_assessed"),
    ("major or outstanding, of those assessed", "commitments_major_or_outstanding", "commitments_results_assessed"),
)
BASES = {"progress": "mid-term", "end_of_term": "end of term"}
ANSWERS = {
    "both_complete": "both say complete",
    "neither_complete": "neither says complete",
    "only_government_complete": "only the government says complete",
    "only_irm_complete": "only the IRM says complete",
    "government_unassessed": "the government does not say",
    "irm_unassessed": "the IRM has not assessed it",
}


def plans_table(plans: Sequence[Row]) -> Table:
    """The plans of a member with their levels of influence and OGP's minimum; empty columns are left out."""
    rows = [
        {
            **plan,
            "minimum_development": minimum_words(plan, "development"),
            "minimum_implementation": minimum_words(plan, "implementation"),
            "loaded": "in part" if plan["is_partial"] else "",
            "coded_by": "analysts" if has_level(plan) and plan["is_coded_by_analysts"] else "",
            "source": plain(plan["source_release"]).replace(" commitments", ""),
        }
        for plan in plans
    ]
    heads = {
        "plan_number": ("plan", "year"),
        "submitted_year": ("submitted", "year"),
        "development": ("influence in development", "code"),
        "minimum_development": ("OGP's minimum", "text"),
        "implementation": ("influence in implementation", "code"),
        "minimum_implementation": ("OGP's minimum", "text"),
        "throughout": ("throughout (lowest of the two)", "code"),
        "commitments": ("commitments", "count"),
        "loaded": ("loaded", "text"),
        "coded_by": ("coded by", "text"),
        "source": ("source", "text"),
    }
    return table("Action plans and level of public influence", _filled(heads, rows), rows)


def minimum_words(plan: Row, stage: str) -> str:
    """Whether a plan met OGP's minimum in a stage; of plans to which it did not apply, whether they would have."""
    if plan[f"minimum_in_{stage}"] is not None:
        return "met" if plan[f"minimum_in_{stage}"] else "not met"
    if plan[f"would_in_{stage}"] is not None:
        return "would be met" if plan[f"would_in_{stage}"] else "would not be met"
    return ""


def has_level(plan: Row) -> bool:
    """Whether the influence in a plan is coded in at least one stage."""
    return any(plan[stage] not in (None, *NOT_CODED) for stage in ("development", "implementation"))


def stars_table(stars: Sequence[Row]) -> Table:
    """How many commitments have a star by each formula whose inputs are coded."""
    rows = [{**row, "words": FORMULAS[row["formula"]]} for row in stars if row["computable"]]
    heads = {
        "words": ("formula", "text"),
        "computable": ("commitments with all its inputs", "count"),
        "starred": ("starred", "count"),
    }
    return table("Stars by formula", columns(heads), sorted(rows, key=lambda row: list(FORMULAS).index(row["formula"])))


def missed_table(missed: Sequence[Row]) -> Table:
    """Why commitments have no star by the current formula."""
    rows = [{**row, "words": missed_words(row)} for row in missed]
    heads = {
        "words": ("first criterion that is not met", "text"),
        "commitments": ("commitments", "count"),
        "narrowly": ("of them meeting the three others", "count"),
    }
    return table("Why the others have no star by the current formula", columns(heads), rows)


def missed_words(row: Row) -> str:
    """The first criterion that was failed, or the first that was not coded."""
    if row["missed_by"] == "not_computable":
        return f"no verdict: {CRITERIA.get(row['uncoded'], 'a criterion')} is not coded"
    return MISSED[row["missed_by"]]


def not_assessed_table(missing: Sequence[Row]) -> Table:
    """What the official data do not assess, by plan, subject and reason."""
    rows = [{**row, "analysts": "yes" if row["has_analyst_coding"] else ""} for row in missing]
    heads = {
        "plan_number": ("plan", "year"),
        "submitted_year": ("submitted", "year"),
        "subject": ("not assessed", "code"),
        "reason": ("because", "code"),
        "commitments": ("commitments", "count"),
        "share_of_plan": ("of the plan", "share"),
        "years_since_submission": ("years since submission", "count"),
        "analysts": ("coded by analysts", "text"),
    }
    return table("Not assessed in the official data", _filled(heads, rows), rows, whole="metrics.not_yet_assessed")


def commitments_table(commitments: Sequence[Row]) -> Table:
    """The commitments with their codes; a scale on which none of them is coded is left out."""
    rows = [{**row, "completion": _completion(row)} for row in commitments]
    heads = {
        "commitment_id": ("commitment", "text"),
        "plan_number": ("plan", "year"),
        "title": ("title", "text"),
        "potential_impact": ("potential impact", "code"),
        "potential_for_results": ("potential for results (from 2020)", "code"),
        "completion": ("completion", "code"),
        "diog_overall": ("did it open government", "code"),
        "early_results": ("early results (from 2021)", "code"),
        "is_starred": ("starred", "yes_no"),
    }
    return table("Commitments", _filled(heads, rows, NOT_CODED), rows, whole="marts.commitments")


def _completion(row: Row) -> str | None:
    basis = BASES.get(row["completion_basis"])
    return f"{row['completion_latest']} ({basis})" if basis else row["completion_latest"]


def self_assessment_table(found: Sequence[Row]) -> Table:
    """What the government says of its commitments, beside the IRM."""
    rows = [
        {
            **row,
            "stage": plain(row["assessment"]).removeprefix("self assessment "),
            "milestones": f"{row['items_complete']:,} of {row['items']:,}",
            "basis": BASES.get(row["irm_basis"]),
            "words": ANSWERS.get(row["comparison"], plain(row["comparison"])),
        }
        for row in found
    ]
    heads = {
        "commitment_id": ("commitment", "text"),
        "title": ("title", "text"),
        "stage": ("self-assessment", "text"),
        "government_completion": ("the government says", "code"),
        "milestones": ("milestones complete", "text"),
        "irm_completion": ("the IRM says", "code"),
        "basis": ("judged at", "text"),
        "words": ("in words", "text"),
    }
    whole = "metrics.self_assessments_beside_irm"
    return table("The government's self-assessment beside the IRM", _filled(heads, rows), rows, whole=whole)


def local_tables(monitoring: Sequence[Row], commitments: Sequence[Row]) -> list[Table]:
    """What the monitoring body of a local member reported: in numbers, and by commitment; none where it did not."""
    heads = {
        "commitment_id": ("commitment", "text"),
        "title": ("title", "text"),
        "is_verifiable": ("verifiable", "yes_no"),
        "has_open_government_lens": ("open government lens", "yes_no"),
        "potential_for_results": ("potential for results", "code"),
        "completion": ("completion", "code"),
        "early_results": ("did it open government", "code"),
    }
    by_commitment = table("Commitments, as the monitoring body sees them", _filled(heads, commitments), commitments)
    return [*([_monitoring_table(monitoring)] if monitoring else []), *([by_commitment] if commitments else [])]


def _monitoring_table(scopes: Sequence[Row]) -> Table:
    """A line for each thing that is counted, a column for all plans and for each plan."""
    heads = {"what": ("what is counted", "text")}
    for scope in scopes:
        name = "all plans" if scope["scope"] == "member" else f"plan {int(scope['scope_id'][-2:])}"
        heads[scope["scope_id"]] = (name, "number")
    rows = [
        {"what": words, **{scope["scope_id"]: _of(scope[part], scope.get(whole)) for scope in scopes}}
        for words, part, whole in MONITORED
    ]
    return Table(
        "Reports of the monitoring body, in numbers", columns(heads), [[row[name] for name in heads] for row in rows]
    )


def _of(part: int, whole: int | None) -> str:
    return f"{part:,}" if whole is None else f"{part:,} of {whole:,}"


def doubts_table(doubts: Sequence[Row]) -> Table:
    """Values of the member's rows that could not be read or are doubtful."""
    words = rule_words()
    rows = [{**row, "why": words.get(row["rule"], plain(row["rule"]))} for row in doubts]
    heads = {
        "severity": ("what became of it", "code"),
        "column": ("column", "text"),
        "why": ("what was the matter", "text"),
        "problems": ("values", "count"),
    }
    return table("Values that were unreadable or doubtful", columns(heads), rows, whole="meta.problems")


def _filled(
    heads: Mapping[str, tuple[str, str]], rows: Sequence[Row], says_nothing: Sequence[str] = ("no_data",)
) -> list[Column]:
    """The columns that say something in at least one row: no_data alone says that the variable did not exist."""
    nothing = {None, "", *says_nothing}
    return columns({name: head for name, head in heads.items() if any(row[name] not in nothing for row in rows)})
