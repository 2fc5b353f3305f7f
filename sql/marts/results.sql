-- One row per commitment, assessor and assessment: what was found. IRM rows come from the commitments; an assessment
-- of which official data know nothing is as analysts coded it from a final report.
with
irm as (
    select
        commitment_id,
        plan_id,
        'irm' as assessor_type,
        'progress' as assessment,
        '' as period,
        completion_progress as completion,
        null as early_results_scale,
        null as early_results,
        null::date as assessed_date,
        1 as order_in_term,
        source_release
    from marts.commitments
    where is_coded(completion_progress)
    union all
    select
        commitment_id,
        plan_id,
        'irm',
        'end_of_term',
        '',
        completion_end_of_term,
        case when is_coded(diog_overall) then 'diog' when is_coded(early_results) then 'early_results' end,
        case when is_coded(diog_overall) then diog_overall when is_coded(early_results) then early_results end,
        null,
        2,
        source_release
    from marts.commitments
    where is_coded(completion_end_of_term) or is_coded(diog_overall) or is_coded(early_results)
),
found as (
    select * from irm
),
analyst_codings as (
    select
        *,
        case variable when 'completion_progress' then 'progress' else 'end_of_term' end as assessment
    from marts.irm_codings
    where status in ('agreed', 'single')
        and variable in ('completion_progress', 'completion_end_of_term', 'diog_overall', 'early_results')
),
analyst as (
    select
        commitment_id,
        plan_id,
        'irm' as assessor_type,
        assessment,
        '' as period,
        max(agreed_value) filter (where variable in ('completion_progress', 'completion_end_of_term')) as completion,
        -- of two scales the one of the later product
        arg_max(case variable when 'diog_overall' then 'diog' else variable end, product_order)
            filter (where variable in ('diog_overall', 'early_results')) as early_results_scale,
        arg_max(agreed_value, product_order) filter (where variable in ('diog_overall', 'early_results')) as early_results,
        null::date as assessed_date,
        case assessment when 'progress' then 1 else 2 end as order_in_term,
        max(source_release) as source_release
    from analyst_codings
    inner join reference.irm_products using (product)
    group by commitment_id, plan_id, assessment
),
by_source as (
    select *, 'official' as coding_source
    from found
    union all
    select *, 'analyst'
    from analyst
    anti join irm using (commitment_id, assessment)
)
select
    found.commitment_id,
    found.assessor_type,
    found.assessment,
    found.period,
    found.plan_id,
    found.completion,
    found.early_results_scale,
    found.early_results,
    found.assessed_date,
    row_number() over (
        partition by found.commitment_id, found.assessor_type
        order by found.assessed_date desc nulls last, found.order_in_term desc, found.assessment, found.period desc
    ) = 1 as is_latest,
    commitments.commitment_id is not null as is_commitment_loaded,
    found.source_release,
    found.coding_source
from by_source as found
left join marts.commitments as commitments using (commitment_id)
order by found.commitment_id, found.assessor_type, found.assessment, found.period
