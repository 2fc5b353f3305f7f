-- One row per commitment, assessor and assessment: what was found. IRM rows come from the commitments.
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
    select * from government
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
    found.source_release
from found
left join marts.commitments as commitments using (commitment_id)
order by found.commitment_id, found.assessor_type, found.assessment, found.period
