-- One row per coding, plan and stage at which the plan has a level of public influence: the plans the figures speak
-- of, once by official coding and once with what analysts read in IRM reports where official data assess nothing.
-- Only national plans held whole (DOMAIN.md section 5).
with
codings as (
    select unnest(['official', 'official_and_analyst']) as coding
),
coded_levels as (
    select
        codings.coding,
        influence.plan_id,
        influence.stage,
        case codings.coding when 'official' then influence.official_level else influence.level end as level,
        codings.coding <> 'official' and influence.influence_source = 'analyst' as is_analyst_level
    from marts.influence as influence
    cross join codings
)
select
    coded_levels.*,
    levels.number::integer as level_rank,
    plans.submitted_year,
    plans.commitments
from coded_levels
inner join reference.labels as levels
    on levels.list = 'influence_level' and levels.code = coded_levels.level and levels.number is not null
inner join marts.action_plans as plans using (plan_id)
inner join marts.members as members using (member_id)
where members.member_type = 'national' and not plans.is_partial
