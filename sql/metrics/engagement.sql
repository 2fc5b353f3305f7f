-- One row per engagement case: how many proposals came in a day and which share was taken up, beside the IRM's coding
-- of the commitment. The numbers show engagement; they are no evidence for the figures (DOMAIN.md section 10).
with
plan_levels as (
    select
        plan_id,
        max(case when stage = 'development' then level end) as influence_development,
        max(case when stage = 'implementation' then level end) as influence_implementation,
        max(case when stage = 'throughout' then level end) as influence_throughout
    from marts.influence
    where influence_source = 'official'
    group by plan_id
),
coded_cases as (
    select
        cases.*,
        commitments.commitment_id is not null as is_commitment_loaded,
        commitments.start_date,
        commitments.potential_impact,
        commitments.potential_for_results,
        commitments.completion_latest,
        commitments.completion_basis,
        commitments.diog_overall,
        commitments.early_results,
        plan_levels.influence_development,
        plan_levels.influence_implementation,
        plan_levels.influence_throughout,
        concat_ws(
            ', ',
            case when is_coded(commitments.potential_impact)
                then 'potential impact ' || replace(commitments.potential_impact, '_', ' ') end,
            case when is_coded(commitments.potential_for_results)
                then 'potential for results ' || replace(commitments.potential_for_results, '_', ' ') end,
            case when is_coded(commitments.completion_latest)
                then 'completion ' || replace(commitments.completion_latest, '_', ' ')
                    || ' (' || replace(commitments.completion_basis, '_', ' ') || ')' end,
            case when is_coded(commitments.diog_overall)
                then 'did it open government: ' || replace(commitments.diog_overall, '_', ' ') end,
            case when is_coded(commitments.early_results)
                then 'early results ' || replace(commitments.early_results, '_', ' ') end
        ) as coding,
        concat_ws(
            ', ',
            case when is_coded(plan_levels.influence_development)
                then replace(plan_levels.influence_development, '_', ' ') || ' in development' end,
            case when is_coded(plan_levels.influence_implementation)
                then replace(plan_levels.influence_implementation, '_', ' ') || ' in implementation' end
        ) as levels
    from marts.engagement_cases as cases
    left join marts.commitments as commitments using (commitment_id)
    left join plan_levels on plan_levels.plan_id = cases.plan_id
)
select
    case_id,
    initiative,
    member_id,
    commitment_id,
    plan_id,
    days,
    proposals_received,
    proposals_taken_up,
    proposals_received / days as proposals_per_day,
    case when proposals_per_day is not null then proposals_received_is_minimum end as proposals_per_day_is_minimum,
    case when proposals_taken_up <= proposals_received and proposals_received > 0
        then proposals_taken_up / proposals_received end as uptake_share,
    case
        when uptake_share is null then null
        when proposals_taken_up_is_minimum and proposals_received_is_minimum then 'unknown'
        when proposals_taken_up_is_minimum then 'lower_bound'
        when proposals_received_is_minimum then 'upper_bound'
        else 'exact'
    end as uptake_share_is,
    is_commitment_loaded,
    potential_impact,
    potential_for_results,
    completion_latest,
    completion_basis,
    diog_overall,
    early_results,
    influence_development,
    influence_implementation,
    influence_throughout,
    concat_ws(
        ' ',
        case
            when commitment_id is null then 'No commitment is named.'
            when not is_commitment_loaded then 'The commitment is in no loaded release, so its coding is not known here.'
            when coding = '' then 'The IRM has not coded the commitment in the loaded release.'
            else 'IRM coding of the commitment: ' || coding || '.'
        end,
        case when levels = '' then 'The level of public influence in its plan is not known here.'
            else 'Public influence in its plan: ' || levels || '.' end,
        case when last_day < start_date then 'The proposals came in before the commitment began.' end,
        'One case of engagement; it is no evidence for figures 4.3, 4.5 and 4.9.'
    ) as note,
    url,
    source_note
from coded_cases
order by case_id
