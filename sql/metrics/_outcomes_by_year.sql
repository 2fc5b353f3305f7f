-- One row per grouping (year, region, member, policy area, OGP value), group, type of member and outcome definition:
-- what the tables outcomes_by_* show, counted once. Only plans held whole that the IRM assesses (DOMAIN.md section 5);
-- national and local members in rows of their own. A commitment stands in several groups of policy area and OGP value.
with
assessable as (
    select
        commitments.commitment_id,
        commitments.plan_id,
        commitments.member_id,
        commitments.value_access,
        commitments.value_participation,
        commitments.value_accountability,
        commitments.value_technology,
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
placed as not materialized (
    select
        groups.grouping,
        groups.group_code,
        groups.answer,
        assessable.member_type,
        assessable.plan_id,
        assessable.submitted_year,
        groups.commitment_id
    from groups
    inner join assessable using (commitment_id)
),
-- plan by plan first: different plans are then counted as rows
plans_of_groups as (
    select
        * exclude (commitment_id),
        count(*) as commitments_in_group
    from placed
    group by all
),
in_groups as (
    select
        grouping,
        group_code,
        answer,
        member_type,
        count(*) as plans_in_group,
        sum(commitments_in_group)::bigint as commitments_in_group
    from plans_of_groups
    group by all
),
plans_assessed as (
    select
        placed.* exclude (commitment_id),
        outcomes.outcome,
        outcomes.definition,
        count(*) as commitments,
        count(*) filter (where outcomes.is_hit) as hits,
        count(*) filter (where outcomes.assessment = 'end_of_term') as commitments_end_of_term,
        count(*) filter (where outcomes.assessment = 'progress') as commitments_progress
    from placed
    inner join marts.outcomes as outcomes using (commitment_id)
    group by all
),
assessed as (
    select
        grouping,
        group_code,
        answer,
        member_type,
        outcome,
        definition,
        count(*) as plans,
        sum(commitments)::bigint as commitments,
        sum(hits)::bigint as hits,
        sum(commitments_end_of_term)::bigint as commitments_end_of_term,
        sum(commitments_progress)::bigint as commitments_progress,
        min(submitted_year) as first_year,
        max(submitted_year) as last_year
    from plans_assessed
    group by all
),
cells as (
    -- every definition of every group, also where nothing is assessed
    select
        in_groups.grouping,
        in_groups.group_code,
        in_groups.answer,
        in_groups.member_type,
        definitions.outcome,
        definitions.definition,
        definitions.is_default,
        coalesce(assessed.plans, 0) as plans,
        coalesce(assessed.commitments, 0) as commitments,
        coalesce(assessed.hits, 0) as hits,
        coalesce(assessed.commitments_end_of_term, 0) as commitments_end_of_term,
        coalesce(assessed.commitments_progress, 0) as commitments_progress,
        in_groups.plans_in_group,
        in_groups.commitments_in_group,
        assessed.first_year,
        assessed.last_year
    from in_groups
    cross join reference.outcome_definitions as definitions
    left join assessed using (grouping, group_code, answer, member_type, outcome, definition)
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
