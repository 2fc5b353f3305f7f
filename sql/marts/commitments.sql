-- One row per commitment of the release chosen for its plan.
with
chosen as (
    select
        staged.*,
        plans.source_release,
        case
            when value_access = 'no_data' and value_participation = 'no_data' and value_accountability = 'no_data'
                then yes_as_boolean(ogp_relevant)
            else any_yes(value_access, value_participation, value_accountability)
        end as is_relevant,
        coalesce(hits(specificity, ['medium', 'high'], ['none', 'low']), yes_as_boolean(verifiable)) as is_verifiable,
        -- the latest assessment: end of term whenever it is coded at all; where its label cannot be read the
        -- commitment is unassessed, for mid-term is another assessment
        case
            when completion_end_of_term is null then null
            when is_coded(completion_end_of_term) then completion_end_of_term
            else completion_progress
        end as completion_latest,
        case
            when completion_end_of_term is null then null
            when is_coded(completion_end_of_term) then 'end_of_term'
            when is_coded(completion_progress) then 'progress'
        end as completion_basis
    from staging.commitments as staged
    inner join marts.action_plans as plans
        on plans.plan_id = staged.plan_id and plans.source_file = staged._source_file
),
star_inputs as (
    select
        *,
        case when is_coded(potential_impact) then potential_impact in ('moderate', 'transformative') end as is_ambitious,
        case when is_coded(potential_impact) then potential_impact = 'transformative' end as is_transformative,
        case when is_coded(completion_progress) then completion_progress in ('substantial', 'complete') end
            as is_mostly_done_at_mid_term,
        case when is_coded(completion_end_of_term) then completion_end_of_term in ('substantial', 'complete') end
            as is_mostly_done_at_end
    from chosen
)
select
    commitment_id,
    plan_id,
    member_id,
    commitment_number,
    title,
    short_title,
    full_text,
    theme,
    start_date,
    start_date_text,
    start_date_precision,
    start_date_is_ambiguous,
    end_date,
    end_date_text,
    end_date_precision,
    end_date_is_ambiguous,
    lead_institution,
    supporting_institutions,
    value_access,
    value_participation,
    value_accountability,
    value_technology,
    is_relevant,
    ogp_relevant,
    specificity,
    verifiable,
    is_verifiable,
    potential_impact,
    potential_for_results,
    completion_progress,
    completion_end_of_term,
    completion_latest,
    completion_basis,
    diog_overall,
    diog_access,
    diog_participation,
    diog_accountability,
    early_results,
    star(is_relevant, is_ambitious, is_mostly_done_at_mid_term, true) as is_starred_pre_2014,
    star(is_relevant, is_ambitious, is_mostly_done_at_mid_term, is_verifiable) as is_starred_2015,
    star(is_relevant, is_transformative, is_mostly_done_at_mid_term, is_verifiable) as is_starred_current_progress,
    star(is_relevant, is_transformative, is_mostly_done_at_end, is_verifiable) as is_starred_current_end_of_term,
    cluster,
    cluster_status,
    carried_forward,
    progress_report_year,
    end_of_term_report_year,
    url,
    source_release
from star_inputs
order by commitment_id
