-- One row per commitment, assessor and assessment: what was found. IRM rows come from the commitments.
with
irm as (
    select
        commitment_id,
        'progress' as assessment,
        completion_progress as completion,
        null as early_results_scale,
        null as early_results,
        1 as order_in_term
    from marts.commitments
    where is_coded(completion_progress)
    union all
    select
        commitment_id,
        'end_of_term',
        completion_end_of_term,
        case when is_coded(diog_overall) then 'diog' when is_coded(early_results) then 'early_results' end,
        case when is_coded(diog_overall) then diog_overall when is_coded(early_results) then early_results end,
        2
    from marts.commitments
    where is_coded(completion_end_of_term) or is_coded(diog_overall) or is_coded(early_results)
)
select
    commitment_id,
    'irm' as assessor_type,
    assessment,
    '' as period,
    completion,
    early_results_scale,
    early_results,
    row_number() over (partition by commitment_id order by order_in_term desc) = 1 as is_latest
from irm
order by commitment_id, assessor_type, assessment, period
