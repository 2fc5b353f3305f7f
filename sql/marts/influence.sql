-- One row per action plan and stage: the level of public influence. The official coding wins; where it assesses
-- nothing, final IRM reports as analysts coded them give the level.
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
official as (
    select plan_id, submitted_year, 'development' as stage, development as official_level,
        development_participation as participation
    from read_levels
    union all
    select plan_id, submitted_year, 'implementation', implementation, implementation_participation
    from read_levels
),
codings as (
    -- of each variable one product speaks at most: the others are superseded, drafts or outside their product
    select
        plan_id,
        product,
        status,
        agreed_value,
        case when variable in ('development_level', 'minimum_development') then 'development' else 'implementation' end
            as stage,
        variable in ('development_level', 'implementation_level') as is_level
    from marts.irm_codings
    where commitment_id = '' and status in ('agreed', 'single', 'disagreement')
),
each_stage as (
    select
        official.*,
        official_levels.level_rank as official_rank,
        read_as.agreed_value as analyst_level,
        read_as.status as analyst_status,
        read_as.product as analyst_product,
        case minimum.agreed_value when 'yes' then true when 'no' then false end as reported_minimum_met,
        official_levels.level_rank is null and read_as.status is not null as is_analyst,
        case
            when official_levels.level_rank is not null or read_as.status is null then official.official_level
            else coalesce(read_as.agreed_value, 'no_data')
        end as level
    from official
    left join levels as official_levels on official_levels.level = official.official_level
    left join codings as read_as
        on read_as.plan_id = official.plan_id and read_as.stage = official.stage and read_as.is_level
    left join codings as minimum
        on minimum.plan_id = official.plan_id and minimum.stage = official.stage and not minimum.is_level
),
ranked_stages as (
    select each_stage.*, levels.level_rank
    from each_stage
    left join levels using (level)
),
throughout as (
    -- our reading: the lower of the two stages where both are assessed
    select
        plan_id,
        any_value(submitted_year) as submitted_year,
        case when count(official_rank) = 2 then min(official_rank) end as official_rank,
        case when count(level_rank) = 2 then min(level_rank) end as level_rank,
        bool_or(is_analyst) as is_analyst,
        case
            when bool_or(not reported_minimum_met) then false
            when count(reported_minimum_met) = 2 then true
        end as reported_minimum_met
    from ranked_stages
    group by plan_id
),
ranked as (
    select plan_id, submitted_year, stage, level, level_rank, participation, is_analyst, official_level, analyst_level,
        analyst_status, analyst_product, reported_minimum_met
    from ranked_stages
    union all
    select
        throughout.plan_id,
        throughout.submitted_year,
        'throughout',
        coalesce(lower_of_two.level, 'no_data'),
        throughout.level_rank,
        null,
        throughout.is_analyst,
        coalesce(lower_official.level, 'no_data'),
        null,
        null,
        null,
        throughout.reported_minimum_met
    from throughout
    left join levels as lower_of_two on lower_of_two.level_rank = throughout.level_rank
    left join levels as lower_official on lower_official.level_rank = throughout.official_rank
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
    case when is_year_of_minimum(submitted_year) then would_meet_2017_minimum end as meets_minimum,
    would_meet_2017_minimum,
    participation,
    case when is_analyst then 'analyst' else 'official' end as influence_source,
    official_level,
    analyst_level,
    analyst_status,
    analyst_product,
    reported_minimum_met
from judged
order by plan_id, stage
