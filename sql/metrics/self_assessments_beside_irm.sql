-- One row per commitment that a government assessed and assessment: its word beside the IRM's.
with
government as (
    -- of several reporting periods the latest
    select *
    from marts.self_assessments
    qualify row_number() over (
        partition by commitment_id, assessment order by reported_date desc nulls last, period desc
    ) = 1
),
judged as (
    select
        government.commitment_id,
        government.assessment,
        government.member_id,
        government.plan_id,
        government.title,
        government.period,
        government.completion as government_completion,
        government.items,
        government.items_complete,
        case when is_coded(commitments.completion_latest) then commitments.completion_latest end as irm_completion,
        case when is_coded(commitments.completion_latest) then commitments.completion_basis end as irm_basis,
        case government.assessment
            when 'self_assessment_mid_term' then commitments.completion_progress
            when 'self_assessment_end_of_term' then commitments.completion_end_of_term
        end as irm_code_at_same_stage,
        commitments.commitment_id is not null as is_commitment_loaded
    from government
    left join marts.commitments as commitments using (commitment_id)
),
compared as (
    -- both have the level complete; below it their scales differ
    select
        *,
        government_completion = 'complete' as government_says_complete,
        case when irm_completion in ('not_started', 'limited', 'substantial', 'complete')
            then irm_completion = 'complete' end as irm_says_complete,
        case when irm_code_at_same_stage in ('not_started', 'limited', 'substantial', 'complete')
            then irm_code_at_same_stage = 'complete' end as irm_says_complete_at_same_stage
    from judged
)
select
    commitment_id,
    assessment,
    member_id,
    plan_id,
    title,
    period,
    government_completion,
    items,
    items_complete,
    irm_completion,
    irm_basis,
    case assessment
        when 'self_assessment_mid_term' then irm_basis = 'progress'
        when 'self_assessment_end_of_term' then irm_basis = 'end_of_term'
    end as is_same_stage,
    government_says_complete = irm_says_complete as agree_on_complete,
    case
        when government_says_complete is null then 'government_unassessed'
        when irm_says_complete is null then 'irm_unassessed'
        when government_says_complete and irm_says_complete then 'both_complete'
        when government_says_complete then 'only_government_complete'
        when irm_says_complete then 'only_irm_complete'
        else 'neither_complete'
    end as comparison,
    is_commitment_loaded,
    case when is_coded(irm_code_at_same_stage) then irm_code_at_same_stage end as irm_completion_at_same_stage,
    government_says_complete = irm_says_complete_at_same_stage as agree_at_same_stage
from compared
order by commitment_id, assessment
