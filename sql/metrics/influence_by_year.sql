-- One row per coding, year of submission, stage and level: how the level of public influence of national plans moved.
with
grid as (
    select years.coding, years.submitted_year, stages.code as stage, levels.code as level,
        levels.number::integer as level_rank
    from (select distinct coding, submitted_year from metrics._influence_by_year) as years
    cross join reference.labels as stages
    cross join reference.labels as levels
    where stages.list = 'stage' and levels.list = 'influence_level'
),
years as (
    select
        coding,
        submitted_year,
        stage,
        count(*) as plans_in_year,
        count(level_rank) as plans_assessed,
        count(*) filter (where level_rank >= 3) as plans_involve_or_above
    from metrics._influence_by_year
    group by all
),
levels as (
    select coding, submitted_year, stage, level, count(*) as plans
    from metrics._influence_by_year
    group by all
)
select
    grid.coding,
    grid.submitted_year,
    grid.stage,
    grid.level,
    grid.level_rank,
    coalesce(levels.plans, 0) as plans,
    years.plans_in_year,
    years.plans_assessed,
    years.plans_involve_or_above,
    -- a level that is none has no share of the assessed
    case when grid.level_rank is not null
        then shown_share(coalesce(levels.plans, 0), years.plans_assessed, years.plans_assessed) end
        as share_of_assessed,
    shown_share(years.plans_involve_or_above, years.plans_assessed, years.plans_assessed) as share_involve_or_above,
    years.plans_assessed < 3 as is_suppressed
from grid
inner join years using (coding, submitted_year, stage)
left join levels using (coding, submitted_year, stage, level)
order by grid.coding, grid.submitted_year, grid.stage, grid.level
