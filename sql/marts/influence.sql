-- One row per action plan and stage: the level of public influence.
with
levels as (
    select code as level, number::integer as level_rank
    from reference.labels
    where list = 'influence_level' and number is not null
),
read_levels as (
    -- the three readings of NA in the IAP2 columns (DOMAIN.md section 2)
    select
        plans.plan_id,
        plans.submitted_year,
        case
            when process.plan_id is null then 'no_data'
            when development_label = 'not_applicable' then 'no_consultation'
            else coalesce(development_label, 'no_data')
        end as development,
        case
            when process.plan_id is null then 'no_data'
            when implementation_label = 'not_applicable' and process.submitted_year >= 2013 then 'no_consultation'
            when implementation_label = 'not_applicable' then 'no_data'
            else coalesce(implementation_label, 'no_data')
        end as implementation,
        coalesce(process.development_participation, 'no_data') as development_participation,
        coalesce(process.implementation_participation, 'no_data') as implementation_participation
    from marts.action_plans as plans
    left join staging.process_database as process
        on process.plan_id = plans.plan_id and process._source_file = plans.process_source_file
),
stages as (
    select plan_id, submitted_year, 'development' as stage, development as level,
        development_participation as participation
    from read_levels
    union all
    select plan_id, submitted_year, 'implementation', implementation, implementation_participation
    from read_levels
    union all
    -- our reading: the lower of the two stages where both are assessed
    select
        read_levels.plan_id,
        read_levels.submitted_year,
        'throughout',
        case
            when developed.level_rank is null or implemented.level_rank is null then 'no_data'
            when developed.level_rank <= implemented.level_rank then developed.level
            else implemented.level
        end,
        null
    from read_levels
    left join levels as developed on developed.level = read_levels.development
    left join levels as implemented on implemented.level = read_levels.implementation
),
ranked as (
    select stages.*, levels.level_rank
    from stages
    left join levels using (level)
),
judged as (
    -- OGP's minimum: involve in development and inform in implementation
    select
        *,
        case stage
            when 'development' then level_rank >= 3
            when 'implementation' then level_rank >= 1
            else case
                when level_rank is not null then
                    max(case when stage = 'development' then level_rank end) over (partition by plan_id) >= 3
                    and max(case when stage = 'implementation' then level_rank end) over (partition by plan_id) >= 1
            end
        end as would_meet_2017_minimum
    from ranked
)
select
    plan_id,
    stage,
    level,
    level_rank,
    level_rank is not null as is_assessed,
    case when submitted_year between 2017 and 2021 then would_meet_2017_minimum end as meets_minimum,
    would_meet_2017_minimum,
    participation,
    'official' as influence_source
from judged
order by plan_id, stage
