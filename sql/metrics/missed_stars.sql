-- One row per commitment without a star: the first criterion of the current formula that it fails, in the order of the
-- formula: relevance, transformative potential impact, completion, specificity (DOMAIN.md section 3).
with
criteria as (
    select
        commitments.*,
        -- the formula with the latest completion
        'current_' || completion_basis as formula,
        case when is_coded(potential_impact) then potential_impact = 'transformative' end as is_transformative,
        case when is_coded(completion_latest) then completion_latest in ('substantial', 'complete') end
            as is_substantial_or_complete,
        case
            when completion_basis = 'end_of_term' then is_starred_current_end_of_term
            when completion_basis = 'progress' then is_starred_current_progress
        end as is_starred
    from marts.commitments as commitments
)
select
    criteria.commitment_id,
    criteria.plan_id,
    criteria.member_id,
    members.member_type,
    plans.submitted_year,
    plans.is_partial,
    criteria.title,
    criteria.formula,
    case
        -- where one criterion was not coded the formula gives no verdict
        when criteria.is_starred is null then 'not_computable'
        when not criteria.is_relevant then 'relevance'
        when not criteria.is_transformative then 'transformative'
        when not criteria.is_substantial_or_complete then 'completion'
        else 'specificity'
    end as missed_by,
    case
        when criteria.is_relevant is null then 'relevance'
        when criteria.is_transformative is null then 'transformative'
        when criteria.is_substantial_or_complete is null then 'completion'
        when criteria.is_verifiable is null then 'specificity'
    end as first_uncoded_criterion,
    criteria.is_relevant,
    criteria.is_transformative,
    criteria.is_substantial_or_complete,
    criteria.is_verifiable,
    len(list_filter(
        [criteria.is_relevant, criteria.is_transformative, criteria.is_substantial_or_complete, criteria.is_verifiable],
        lambda is_met: is_met
    )) as criteria_met,
    case when criteria.completion_basis = 'end_of_term' then criteria.is_starred_current_progress end
        as was_starred_at_mid_term
from criteria
inner join marts.action_plans as plans using (plan_id)
inner join marts.members as members on members.member_id = criteria.member_id
where criteria.is_starred is distinct from true
order by criteria.commitment_id
