-- One row per coding, plan and stage: the level of public influence of national plans with a year of submission, once
-- by official coding and once with what analysts read in IRM reports where official data assess nothing.
with
codings as (
    select unnest(['official', 'official_and_analyst']) as coding
),
national_plans as (
    select plans.plan_id, plans.submitted_year
    from marts.action_plans as plans
    inner join marts.members as members using (member_id)
    where members.member_type = 'national'
        -- as metrics.influence_stages: not those that only a part of a release, a form or a self-assessment names
        and (plans.process_source_file is not null or (plans.commitments > 0 and not plans.is_partial))
        and plans.submitted_year is not null
),
coded as (
    select
        codings.coding,
        influence.plan_id,
        influence.stage,
        national_plans.submitted_year,
        case codings.coding when 'official' then influence.official_level else influence.level end as level,
        -- analysts are heard only where official coding assesses nothing
        case when codings.coding <> 'official' or influence.influence_source = 'official'
            then influence.would_meet_2017_minimum end as would_meet_2017_minimum
    from marts.influence as influence
    inner join national_plans using (plan_id)
    cross join codings
)
select coded.*, levels.number::integer as level_rank
from coded
inner join reference.labels as levels on levels.list = 'influence_level' and levels.code = coded.level
