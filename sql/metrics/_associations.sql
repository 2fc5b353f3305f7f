-- One row per outcome definition, stage, plan and relevance of its commitments: what the models of
-- metrics.associations are fitted to. Official coding, national plans held whole (DOMAIN.md section 5).
-- Commitments that share these values are one row with their number: no model needs them one by one.
with
plan_levels as (
    select
        influence.plan_id,
        influence.stage,
        levels.number::integer as level_rank,
        plans.submitted_year,
        plans.plan_number,
        plans.commitments as plan_size,
        coalesce(members.region, 'unknown') as region
    from marts.influence as influence
    inner join reference.labels as levels
        on levels.list = 'influence_level' and levels.code = influence.official_level and levels.number is not null
    inner join marts.action_plans as plans using (plan_id)
    inner join marts.members as members using (member_id)
    where members.member_type = 'national' and not plans.is_partial
),
plan_outcomes as (
    select
        commitments.plan_id,
        outcomes.outcome,
        outcomes.definition,
        case
            when commitments.is_relevant then 'relevant'
            when not commitments.is_relevant then 'not_relevant'
            else 'not_known'
        end as relevance,
        count(*) as commitments,
        count_if(outcomes.is_hit) as hits
    from marts.outcomes as outcomes
    inner join marts.commitments as commitments using (commitment_id)
    group by all
)
select
    plan_outcomes.outcome,
    plan_outcomes.definition,
    plan_levels.stage,
    plan_outcomes.plan_id,
    plan_outcomes.relevance,
    plan_levels.level_rank,
    plan_levels.submitted_year,
    plan_levels.plan_number,
    plan_levels.plan_size,
    plan_levels.region,
    plan_outcomes.commitments,
    plan_outcomes.hits::bigint as hits
from plan_outcomes
inner join plan_levels using (plan_id)
order by outcome, definition, stage, plan_id, relevance
