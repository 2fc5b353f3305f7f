-- One row per grouping (year, region, member, policy area, OGP value), group, type of member and outcome definition:
-- what the tables outcomes_by_* show, counted once. Only plans held whole that the IRM assesses (DOMAIN.md section 5);
-- national and local members in rows of their own. A commitment stands in several groups of policy area and OGP value.
with
assessable as (
    select
        commitments.*,
        plans.submitted_year,
        members.member_type,
        coalesce(members.region, 'not known') as region
    from marts.commitments as commitments
    inner join marts.action_plans as plans using (plan_id)
    inner join marts.members as members on members.member_id = commitments.member_id
    -- local plans from 2021 on are assessed by monitoring bodies: metrics.local_monitoring
    where not plans.is_partial and plans.plan_kind is distinct from 'local'
),
values_of_commitments as (
    select commitment_id, 'access' as ogp_value, value_access as answer from assessable
    union all
    select commitment_id, 'participation', value_participation from assessable
    union all
    select commitment_id, 'accountability', value_accountability from assessable
    union all
    select commitment_id, 'technology', value_technology from assessable
),
groups as (
    select commitment_id, 'year' as grouping, submitted_year::varchar as group_code, 'yes' as answer
    from assessable
    where submitted_year is not null
    union all
    select commitment_id, 'region', region, 'yes' from assessable
    union all
    select commitment_id, 'member', member_id, 'yes' from assessable
    union all
    select commitment_id, 'policy_area', policy_area, 'yes' from marts.commitment_policy_areas
    union all
    -- neither yes nor no: the value was not reviewed, or there are no data
    select commitment_id, 'ogp_value', ogp_value, answer from values_of_commitments where answer in ('yes', 'no')
),
cells as (
    select
        groups.grouping,
        groups.group_code,
        groups.answer,
        assessable.member_type,
        definitions.outcome,
        definitions.definition,
        definitions.is_default,
        count(distinct case when outcomes.commitment_id is not null then assessable.plan_id end) as plans,
        count(outcomes.commitment_id) as commitments,
        count(*) filter (where outcomes.is_hit) as hits,
        count(*) filter (where outcomes.assessment = 'end_of_term') as commitments_end_of_term,
        count(*) filter (where outcomes.assessment = 'progress') as commitments_progress,
        count(distinct assessable.plan_id) as plans_in_group,
        count(*) as commitments_in_group,
        min(assessable.submitted_year) filter (where outcomes.commitment_id is not null) as first_year,
        max(assessable.submitted_year) filter (where outcomes.commitment_id is not null) as last_year
    from groups
    inner join assessable using (commitment_id)
    cross join reference.outcome_definitions as definitions
    left join marts.outcomes as outcomes
        on outcomes.commitment_id = groups.commitment_id
        and outcomes.outcome = definitions.outcome
        and outcomes.definition = definitions.definition
    group by all
)
select
    * exclude (commitments_end_of_term, commitments_progress),
    -- ambition is coded once, not at mid-term and at the end
    case when outcome <> 'ambition' then commitments_end_of_term end as commitments_end_of_term,
    case when outcome <> 'ambition' then commitments_progress end as commitments_progress,
    shown_share(hits, commitments, plans) as share,
    plans < 3 as is_suppressed,
    commitments / commitments_in_group as share_assessed
from cells
