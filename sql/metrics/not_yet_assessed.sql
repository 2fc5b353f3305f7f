-- One row per plan, subject and reason: what the official data do not assess yet, of how many commitments, why, and for
-- how long. Years are counted to the latest year the loaded data speak of, not to today.
with
data_through as (
    select max(year) as data_through_year
    from (
        select max(submitted_year) as year from marts.action_plans
        union all
        select max(greatest(coalesce(progress_report_year, 0), coalesce(end_of_term_report_year, 0)))
        from marts.commitments
    )
),
plans as (
    select
        plans.*,
        members.member_type,
        case when plans.is_partial then 0 else plans.commitments end as commitments_in_plan
    from marts.action_plans as plans
    inner join marts.members as members using (member_id)
    -- as metrics.influence_stages: not those that only a part of a release, a form or a self-assessment names
    where (plans.process_source_file is not null or (plans.commitments > 0 and not plans.is_partial))
        -- a monitoring body, not the IRM, assesses these
        and plans.plan_kind is distinct from 'local'
),
levels as (
    -- of national plans alone: no official file codes the influence in local ones
    select
        influence.plan_id,
        'influence_' || influence.stage as subject,
        influence.official_level as reason,
        null::bigint as commitments,
        influence.is_assessed as has_analyst_coding
    from marts.influence as influence
    inner join plans using (plan_id)
    where plans.member_type = 'national'
        and influence.stage <> 'throughout'
        and influence.official_level in ('not_reviewed', 'no_data')
),
codes as (
    select commitment_id, plan_id, 'ambition' as subject, potential_impact as code from marts.commitments
    union all
    select commitment_id, plan_id, 'ambition', potential_for_results from marts.commitments
    union all
    select commitment_id, plan_id, 'completion', completion_latest from marts.commitments
    union all
    -- an end of term that is still to be reviewed says more than a mid-term that never was
    select commitment_id, plan_id, 'completion', completion_end_of_term from marts.commitments
    where not is_coded(completion_end_of_term)
    union all
    select commitment_id, plan_id, 'early_results', diog_overall from marts.commitments
    union all
    select commitment_id, plan_id, 'early_results', early_results from marts.commitments
),
reasons as (
    -- of two scales the one that says most: coded and outside the outcome, then unreadable, then not coded
    select
        codes.commitment_id,
        codes.plan_id,
        codes.subject,
        arg_min(
            coalesce(codes.code, 'unreadable'),
            case
                when is_coded(codes.code) then 1
                when codes.code is null then 2
                when codes.code = 'not_reviewed' then 3
                when codes.code = 'not_applicable' then 4
                else 5
            end
        ) as reason
    from codes
    inner join plans using (plan_id)
    where not plans.is_partial
        and (codes.commitment_id, codes.subject) not in (select (commitment_id, outcome) from marts.outcomes)
    group by all
),
missing as (
    select
        reasons.plan_id,
        reasons.subject,
        reasons.reason,
        count(*) as commitments,
        bool_or(analysts.commitment_id is not null) as has_analyst_coding
    from reasons
    left join (
        select distinct commitment_id, outcome from marts._outcomes where coding_source = 'analyst'
    ) as analysts
        on analysts.commitment_id = reasons.commitment_id and analysts.outcome = reasons.subject
    group by all
    union all
    select plan_id, subject, reason, commitments, has_analyst_coding from levels
)
select
    missing.plan_id,
    missing.subject,
    missing.reason,
    plans.member_id,
    plans.member_type,
    plans.submitted_year,
    plans.end_year,
    missing.commitments,
    plans.commitments_in_plan,
    missing.commitments / nullif(plans.commitments_in_plan, 0) as share_of_plan,
    missing.has_analyst_coding,
    data_through.data_through_year,
    data_through.data_through_year - plans.submitted_year as years_since_submission
from missing
inner join plans using (plan_id)
cross join data_through
order by missing.plan_id, missing.subject, missing.reason
