-- One row per pair of levels: national plans by level in development and in implementation, by official coding only.
with
levels as (
    select code, number::integer as level_rank
    from reference.labels
    where list = 'influence_level'
),
plan_pairs as (
    select
        plans.plan_id,
        -- of a plan that is loaded in part the levels are known and the commitments are not all there
        case when plans.is_partial then 0 else plans.commitments end as commitments,
        max(case when influence.stage = 'development' then influence.official_level end) as development_level,
        max(case when influence.stage = 'implementation' then influence.official_level end) as implementation_level
    from marts.action_plans as plans
    inner join marts.members as members using (member_id)
    inner join marts.influence as influence on influence.plan_id = plans.plan_id
    where members.member_type = 'national'
        -- not those that only a part of a release, a form or a self-assessment names
        and (plans.process_source_file is not null or (plans.commitments > 0 and not plans.is_partial))
    group by all
)
select
    developed.code as development_level,
    implemented.code as implementation_level,
    case
        when developed.level_rank is null or implemented.level_rank is null then 'no_data'
        when developed.level_rank <= implemented.level_rank then developed.code
        else implemented.code
    end as throughout_level,
    count(plan_pairs.plan_id) as plans,
    coalesce(sum(plan_pairs.commitments), 0) as commitments
from levels as developed
cross join levels as implemented
left join plan_pairs
    on plan_pairs.development_level = developed.code and plan_pairs.implementation_level = implemented.code
group by all
order by development_level, implementation_level
