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
-- of a monitoring body the highest degree among the values that apply is the overall one (DOMAIN.md section 7)
monitoring_body as (
    select
        commitments.commitment_id,
        commitments.plan_id,
        'monitoring_body' as assessor_type,
        'inception' as assessment,
        '' as period,
        null as completion,
        null as early_results_scale,
        null as early_results,
        reports.report_date as assessed_date,
        1 as order_in_term,
        commitments.source_release
    from marts.local_commitments as commitments
    left join marts._local_reports as reports
        on reports.plan_id = commitments.plan_id and reports.kind = 'inception'
    where commitments.is_reviewed_at_inception
    union all
    select
        commitment_id,
        plan_id,
        'monitoring_body',
        'end_of_commitment',
        '',
        completion,
        case when highest.degree is not null then 'diog' end,
        highest.degree,
        report_date,
        2,
        source_release
    from marts._local_reports
    cross join lateral (
        select case
            when has_unreadable_degree then null
            else list_filter(
                ['outstanding', 'major', 'marginal', 'did_not_change', 'worsens'],
                lambda degree: degree in (diog_access, diog_participation, diog_accountability)
            )[1]
        end as degree
    ) as highest
    where kind = 'end_of_commitment' and (completion is not null or highest.degree is not null)
),
government as (
    select
        commitment_id,
        plan_id,
        'government' as assessor_type,
        assessment,
        period,
        completion,
        null as early_results_scale,
        null as early_results,
        reported_date as assessed_date,
        case assessment when 'self_assessment_mid_term' then 1 else 2 end as order_in_term,
        source_release
    from marts.self_assessments
    where completion is not null
),
found as (
    select * from irm
    union all
    select * from monitoring_body
    union all
    select * from government
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
        order by found.order_in_term desc, found.assessed_date desc nulls last, found.assessment, found.period desc
    ) = 1 as is_latest,
    commitments.commitment_id is not null as is_commitment_loaded,
    found.source_release,
    found.coding_source
from by_source as found
left join marts.commitments as commitments using (commitment_id)
order by found.commitment_id, found.assessor_type, found.assessment, found.period
