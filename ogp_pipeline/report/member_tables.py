"""The tables of a member's page: plans, stars, what is not assessed, commitments, what others report, doubts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ogp_pipeline.report.origins import rule_words
from ogp_pipeline.report.reading import Row
from ogp_pipeline.report.tables import Table, columns, table
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
    rows = [{**plan, "minimum": minimum_words(plan), "coded_by": _coded_by(plan)} for plan in plans]
    heads = {
        "plan_number": ("plan", "year"),
        "submitted_year": ("submitted", "year"),
        "commitments": ("commitments", "count"),
        "is_partial": ("loaded in part", "yes_no"),
        "development": ("influence in development", "code"),
        "implementation": ("in implementation", "code"),
        "throughout": ("throughout (lowest of the two)", "code"),
        "coded_by": ("coded by", "text"),
        "minimum": ("OGP's minimum", "text"),
        "source_release": ("source", "text"),
    }
    return table("Action plans and level of public influence", columns(heads), rows)


def minimum_words(plan: Row) -> str:
    """Whether a plan met OGP's minimum in each stage; of plans to which it did not apply, whether they would have."""
    stages = {stage: _met(plan, stage) for stage in ("development", "implementation")}
    known = {stage: words for stage, words in stages.items() if words}
    if len(known) == 2 and len(set(known.values())) == 1:
        return f"{known['development']} in both stages"
    return "; ".join(f"{words} in {stage}" for stage, words in known.items())


def _met(plan: Row, stage: str) -> str:
    if plan[f"minimum_in_{stage}"] is not None:
        return "met" if plan[f"minimum_in_{stage}"] else "not met"
    if plan[f"would_in_{stage}"] is not None:
        return "would be met" if plan[f"would_in_{stage}"] else "would not be met"
    return ""


def _coded_by(plan: Row) -> str:
    if all(plan[stage] in (None, "not_reviewed", "no_data") for stage in ("development", "implementation")):
        return ""
    return "analysts, from IRM reports" if plan["is_coded_by_analysts"] else "official coding"


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
    rows = [{**row, "basis": BASES.get(row["completion_basis"])} for row in commitments]
    heads = {
        "commitment_id": ("commitment", "text"),
        "plan_number": ("plan", "year"),
        "title": ("title", "text"),
        "potential_impact": ("potential impact", "code"),
        "potential_for_results": ("potential for results (from 2020)", "code"),
        "completion_latest": ("completion", "code"),
        "basis": ("judged at", "text"),
        "diog_overall": ("did it open government", "code"),
        "early_results": ("early results (from 2021)", "code"),
        "is_starred": ("starred", "yes_no"),
    }
    return table("Commitments", _filled(heads, rows), rows, whole="marts.commitments")


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
    scopes = [
        {**row, "name": "all plans" if row["scope"] == "member" else f"plan {int(row['scope_id'][-2:])}"}
        for row in monitoring
    ]
    numbers = {
        "name": ("", "text"),
        "reports": ("reports", "count"),
        "reports_on_time": ("on time", "count"),
        "reports_late": ("late", "count"),
        "reports_lateness_unknown": ("lateness not known", "count"),
        "requirements_met": ("co-creation requirements met", "count"),
        "requirements_answered": ("of those answered", "count"),
        "commitments_reviewed": ("commitments reviewed", "count"),
        "commitments_verifiable": ("verifiable", "count"),
        "commitments_with_lens": ("with open government lens", "count"),
        "commitments_substantial_potential": ("substantial potential", "count"),
        "commitments_complete": ("complete", "count"),
        "commitments_completion_assessed": ("of those assessed on completion", "count"),
        "commitments_major_or_outstanding": ("major or outstanding results", "count"),
        "commitments_results_assessed": ("of those assessed on results", "count"),
    }
    heads = {
        "commitment_id": ("commitment", "text"),
        "title": ("title", "text"),
        "is_verifiable": ("verifiable", "yes_no"),
        "has_open_government_lens": ("open government lens", "yes_no"),
        "potential_for_results": ("potential for results", "code"),
        "completion": ("completion", "code"),
        "early_results": ("did it open government", "code"),
    }
    tables = [
        table("Reports of the monitoring body, in numbers", columns(numbers), scopes),
        table("Commitments, as the monitoring body sees them", _filled(heads, commitments), commitments),
    ]
    return [found for found in tables if found.rows]


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


def _filled(heads: Mapping[str, tuple[str, str]], rows: Iterable[Row]) -> list:
    """Columns that say something in at least one row: no_data alone says that the variable did not exist."""
    rows = list(rows)
    used = {name: head for name, head in heads.items() if any(row[name] not in (None, "", "no_data") for row in rows)}
    return columns(used)
