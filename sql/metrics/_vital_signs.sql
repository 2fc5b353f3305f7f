-- One row per coding, outcome definition, stage and level of public influence: figures 4.3, 4.5 and 4.9, once by
-- official coding and once with what analysts read in IRM reports where official data assess nothing.
-- Only national plans held whole, and only commitments assessed (DOMAIN.md section 5).
with
codings as (
    select unnest(['official', 'official_and_analyst']) as coding
),
grid as (
    select
        codings.coding,
        definitions.outcome,
        definitions.definition,
        definitions.figure,
        definitions.scale,
        stages.code as stage,
        levels.code as level,
        levels.number::integer as level_rank,
        definitions.is_default and stages.code = definitions.default_stage as is_default
    from codings
    cross join reference.outcome_definitions as definitions
    cross join reference.labels as stages
    cross join reference.labels as levels
    where stages.list = 'stage' and levels.list = 'influence_level' and levels.number is not null
),
level_totals as (
    select coding, stage, level, count(*) as plans_at_level, sum(commitments) as commitments_at_level
    from marts._influence
    group by coding, stage, level
),
plan_outcomes as (
    select
        codings.coding,
        commitments.plan_id,
        outcomes.outcome,
        outcomes.definition,
        count(*) as commitments,
        count_if(outcomes.is_hit) as hits,
        count_if(outcomes.assessment = 'end_of_term') as commitments_end_of_term,
        count_if(outcomes.assessment = 'progress') as commitments_progress,
        count_if(outcomes.coding_source = 'analyst') as commitments_analyst_coded
    from marts._outcomes as outcomes
    inner join codings on codings.coding = 'official_and_analyst' or outcomes.coding_source = 'official'
    inner join marts.commitments as commitments using (commitment_id)
    group by all
),
plan_cells as (
    select
        plan_outcomes.* exclude (plan_id),
        plan_levels.stage,
        plan_levels.level,
        plan_levels.is_analyst_level,
        plan_levels.submitted_year,
        plan_outcomes.hits / plan_outcomes.commitments as plan_share,
        sum(plan_outcomes.hits) over cell / sum(plan_outcomes.commitments) over cell as pooled_share
    from marts._influence as plan_levels
    inner join plan_outcomes using (coding, plan_id)
    window cell as (partition by plan_levels.coding, outcome, definition, stage, level)
),
cells as (
    select
        coding,
        outcome,
        definition,
        stage,
        level,
        count(*) as plans,
        sum(commitments) as commitments,
        sum(hits) as hits,
        any_value(pooled_share) as pooled_share,
        -- in a fixed order, so that equal inputs give equal bits
        list_avg(list(plan_share order by plan_share)) as mean_plan_share,
        list_sum(list(pow(hits - pooled_share * commitments, 2) order by hits, commitments)) as squares,
        sum(commitments_end_of_term) as commitments_end_of_term,
        sum(commitments_progress) as commitments_progress,
        min(submitted_year) as first_year,
        max(submitted_year) as last_year,
        count_if(is_analyst_level) as plans_analyst_coded,
        sum(commitments_analyst_coded) as commitments_analyst_coded
    from plan_cells
    group by all
),
errors as (
    select
        *,
        -- ratio estimator over plans; below 1e-12 it is rounding
        case
            when plans > 1 and sqrt(plans / (plans - 1) * squares) / commitments < 1e-12 then 0
            when plans > 1 then sqrt(plans / (plans - 1) * squares) / commitments
        end as standard_error
    from cells
),
judged as (
    select
        grid.*,
        errors.* exclude (coding, outcome, definition, stage, level, squares),
        coalesce(level_totals.plans_at_level, 0) as plans_at_level,
        coalesce(level_totals.commitments_at_level, 0) as commitments_at_level,
        quantiles.quantile_975,
        case
            when errors.plans is null then 'empty'
            when errors.plans < 3 then 'suppressed'
            when errors.plans < 5 then 'too_few_plans'
            when errors.standard_error = 0 then 'no_variation'
            else 'shown'
        end as interval_status
    from grid
    left join errors using (coding, outcome, definition, stage, level)
    left join level_totals using (coding, stage, level)
    left join reference.student_t as quantiles
        on quantiles.degrees_of_freedom = least(errors.plans - 1, (select max(degrees_of_freedom) from reference.student_t))
)
select
    coding,
    outcome,
    definition,
    stage,
    level,
    figure,
    is_default,
    level_rank,
    coalesce(plans, 0) as plans,
    coalesce(commitments, 0) as commitments,
    coalesce(hits, 0) as hits,
    case when plans >= 3 then pooled_share end as pooled_share,
    case when plans >= 3 then mean_plan_share end as mean_plan_share,
    case when plans >= 3 then standard_error end as standard_error,
    case when interval_status = 'shown' then greatest(0, pooled_share - quantile_975 * standard_error) end as ci_low,
    case when interval_status = 'shown' then least(1, pooled_share + quantile_975 * standard_error) end as ci_high,
    interval_status,
    coalesce(plans, 0) < 3 as is_suppressed,
    -- ambition is coded once, not at mid-term and at the end
    case when outcome <> 'ambition' then coalesce(commitments_end_of_term, 0) end as commitments_end_of_term,
    case when outcome <> 'ambition' then coalesce(commitments_progress, 0) end as commitments_progress,
    case when commitments_at_level > 0 then coalesce(commitments, 0) / commitments_at_level end as share_assessed,
    first_year,
    last_year,
    plans_at_level,
    commitments_at_level,
    coalesce(plans_analyst_coded, 0) as plans_analyst_coded,
    coalesce(commitments_analyst_coded, 0) as commitments_analyst_coded
from judged
order by coding, outcome, definition, stage, level
