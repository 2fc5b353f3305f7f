"""What the pages of members are read from: one query per subject for all members together, none per member."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ogp_pipeline.report.reading import ReleaseReader, Row
from ogp_pipeline.store import literal, quoted

PEERS_OF_AN_AREA = 3  # the best ones; metrics.peer_finder has ten

MEMBERS = """
    select members.*
    from marts.members as members
    where member_id in (select member_id from marts.action_plans)
    order by member_id
"""
PLANS = """
    select
        plans.member_id,
        plans.plan_id,
        plans.plan_number,
        plans.submitted_year,
        plans.commitments,
        plans.is_partial,
        plans.source_release,
        levels.*
    from marts.action_plans as plans
    left join (
        select
            plan_id,
            max(level) filter (where stage = 'development') as development,
            max(level) filter (where stage = 'implementation') as implementation,
            max(level) filter (where stage = 'throughout') as throughout,
            bool_or(influence_source = 'analyst') as is_coded_by_analysts,
            bool_or(meets_minimum) filter (where stage = 'development') as minimum_in_development,
            bool_or(would_meet_2017_minimum) filter (where stage = 'development') as would_in_development,
            bool_or(meets_minimum) filter (where stage = 'implementation') as minimum_in_implementation,
            bool_or(would_meet_2017_minimum) filter (where stage = 'implementation') as would_in_implementation
        from marts.influence
        group by plan_id
    ) as levels using (plan_id)
    order by plans.member_id, plans.plan_number
"""
COMPARISON = """
    select comparison.*, definitions.words
    from metrics.member_comparison as comparison
    inner join reference.outcome_definitions as definitions using (outcome, definition)
    -- definitions for which no such member is assessed have nothing to show
    where comparison.commitments > 0 or comparison.world_commitments > 0
    order by comparison.member_id, definitions.figure, comparison.is_default desc, definitions.definition
"""
STARS = """
    select member_id, formula, count(is_starred) as computable, count_if(is_starred) as starred
    from (
        select
            member_id,
            unnest(['pre_2014', '2015', 'current_progress', 'current_end_of_term']) as formula,
            unnest([is_starred_pre_2014, is_starred_2015, is_starred_current_progress, is_starred_current_end_of_term])
                as is_starred
        from marts.commitments
    )
    group by all
    order by member_id, formula
"""
MISSED_STARS = """
    from (
        select
            member_id,
            missed_by,
            case when missed_by = 'not_computable' then first_uncoded_criterion end as uncoded,
            count(*) as commitments,
            count_if(criteria_met = 3) as narrowly
        from metrics.missed_stars
        group by all
    )
    order by member_id, missed_by = 'not_computable', commitments desc, missed_by, uncoded
"""
NOT_YET_ASSESSED = """
    select missing.*, plans.plan_number
    from metrics.not_yet_assessed as missing
    inner join marts.action_plans as plans using (plan_id)
    order by missing.member_id, plans.plan_number, missing.subject, missing.reason
"""
PEERS = f"""
    select peers.*, coalesce(areas.policy_area_name, peers.policy_area) as area
    from metrics.peer_finder as peers
    left join reference.policy_areas as areas using (policy_area)
    where peers.peer_rank <= {PEERS_OF_AN_AREA}
    order by peers.member_id, peers.own_commitments desc, area, peers.peer_rank
"""
COMMITMENTS = """
    select
        commitments.*,
        plans.plan_number,
        -- the current formula with the latest completion, as metrics.missed_stars
        case completion_basis
            when 'end_of_term' then is_starred_current_end_of_term
            when 'progress' then is_starred_current_progress
        end as is_starred
    from (
        select
            member_id, plan_id, commitment_id, coalesce(title, short_title) as title, potential_impact,
            potential_for_results, completion_latest, completion_basis, diog_overall, early_results,
            is_starred_current_progress, is_starred_current_end_of_term
        from marts.commitments
    ) as commitments
    inner join marts.action_plans as plans using (plan_id)
    order by commitments.member_id, plans.plan_number, commitments.commitment_id
"""
SELF_ASSESSMENTS = "from metrics.self_assessments_beside_irm order by member_id, commitment_id, assessment"
LOCAL_MONITORING = "from metrics.local_monitoring where member_id is not null order by member_id, scope, scope_id"
LOCAL_COMMITMENTS = """
    select commitments.*, titles.title, results.completion, results.early_results
    from marts.local_commitments as commitments
    left join marts.commitments as titles using (commitment_id)
    left join (
        select commitment_id, any_value(completion) as completion, any_value(early_results) as early_results
        from marts.results
        where assessor_type = 'monitoring_body' and is_latest
        group by commitment_id
    ) as results using (commitment_id)
    order by commitments.member_id, commitments.plan_id, commitments.commitment_id
"""


@dataclass(frozen=True)
class MemberRows:
    """The rows of one member by subject; None for a subject whose table the release does not have."""

    subjects: Mapping[str, Sequence[Row] | None]

    def of(self, subject: str) -> Sequence[Row]:
        """The rows of a subject; none where there are none."""
        return self.subjects[subject] or ()

    def has(self, subject: str) -> bool:
        """Whether the release has the table of the subject."""
        return self.subjects[subject] is not None


def read_members(release: ReleaseReader) -> Iterator[tuple[Row, MemberRows]]:
    """Each member with at least one plan, national and local, by code; and all that its page shows.

    Every query is read along as the members come, so that no more than the rows of one member are held.
    """
    queries = {
        "plans": ("marts.action_plans", PLANS),
        "comparison": ("metrics.member_comparison", COMPARISON),
        "stars": ("marts.commitments", STARS),
        "missed_stars": ("metrics.missed_stars", MISSED_STARS),
        "not_yet_assessed": ("metrics.not_yet_assessed", NOT_YET_ASSESSED),
        "peers": ("metrics.peer_finder", PEERS),
        "commitments": ("marts.commitments", COMMITMENTS),
        "self_assessments": ("metrics.self_assessments_beside_irm", SELF_ASSESSMENTS),
        "local_monitoring": ("metrics.local_monitoring", LOCAL_MONITORING),
        "local_commitments": ("marts.local_commitments", LOCAL_COMMITMENTS),
        "doubts": ("meta.problems", _doubts(release)),
        "refused": ("meta.problems", _refused(release)),
    }
    subjects = {
        subject: _InOrder(release.each_row(sql)) if release.has(table) else None
        for subject, (table, sql) in queries.items()
    }
    for member in release.rows(MEMBERS):
        rows = {subject: found and found.up_to(member["member_id"]) for subject, found in subjects.items()}
        yield member, MemberRows(rows)


class _InOrder:
    """Rows that are in the order of their members' codes, taken member by member."""

    def __init__(self, rows: Iterator[Row]) -> None:
        self.rows = rows
        self.next = next(rows, None)

    def up_to(self, member_id: str) -> list[Row]:
        """The rows of a member; those of members before it are left behind, and those of none, which come last."""
        taken = []
        while self.next is not None and self.next["member_id"] is not None and self.next["member_id"] <= member_id:
            if self.next["member_id"] == member_id:
                taken.append(self.next)
            self.next = next(self.rows, None)
        return taken


def _doubts(release: ReleaseReader) -> str:
    """Values that were unreadable, doubtful or repaired, by the member in whose staged rows they stand."""
    staged = [
        f"select distinct {literal(table.removeprefix('staging.'))} as source, _source_file as source_file, "
        f"_source_row as source_row, member_id from {table}"
        for table, names in release.columns.items()
        if table.startswith("staging.") and {"_source_file", "_source_row", "member_id"} <= set(names)
    ]
    return (
        f"with staged as ({' union all '.join(staged)}), "
        'counted as (select member_id, severity, rule, "column", count(*) as problems from meta.problems '
        "inner join staged using (source, source_file, source_row) "
        "where severity <> 'quarantine' and member_id is not null group by all) "
        "from counted order by member_id, severity = 'repair', severity = 'doubt', problems desc, rule, \"column\""
    )


def _refused(release: ReleaseReader) -> str:
    """How many refused rows name the member in one of their cells; a row that names two is nobody's."""
    cells = [
        f"select {literal(table.removeprefix('quarantine.'))} as source, _source_file as source_file, "
        f"_source_row as source_row, unnest([{', '.join(map(quoted, names_of_cells))}]::varchar[]) as cell from {table}"
        for table, names in release.columns.items()
        if table.startswith("quarantine.")
        and (names_of_cells := [name for name in names if not name.startswith("_") and name != "problems"])
    ]
    return (
        f"with cells as ({' union all '.join(cells)}), "
        "naming as (select source, source_file, source_row, min(member_id) as member_id from cells "
        "inner join staging.member_names as names on names.name_key = trim(lower(strip_accents(cells.cell))) "
        "where names.member_id is not null group by all having count(distinct member_id) = 1) "
        "select member_id, count(*) as refused from naming group by all order by member_id"
    )
