-- One row overall, per local member and per plan: what local monitoring bodies reported.
with
plans as (
    select plans.plan_id, plans.member_id
    from marts.action_plans as plans
    inner join marts.members as members using (member_id)
    where members.member_type is distinct from 'national'
        and plans.plan_id in (select plan_id from marts.local_reports)
),
requirements as (
    select
        plan_id,
        count(answer) as requirements_answered,
        count_if(is_met) as requirements_met
    from marts.co_creation_requirements
    group by plan_id
),
reviews as (
    select
        plan_id,
        count_if(is_reviewed_at_inception) as commitments_reviewed,
        count_if(is_verifiable) as commitments_verifiable,
        count_if(has_open_government_lens) as commitments_with_lens,
        count_if(potential_for_results = 'substantial') as commitments_substantial_potential
    from marts.local_commitments
    group by plan_id
),
results as (
    -- the denominators are those of reference.outcome_definitions: unclear, withdrawn and unassessed are outside
    select
        plan_id,
        count_if(completion in ('not_started', 'limited', 'substantial', 'complete')) as commitments_completion_assessed,
        count_if(completion = 'complete') as commitments_complete,
        count(early_results) as commitments_results_assessed,
        count_if(early_results in ('major', 'outstanding')) as commitments_major_or_outstanding
    from marts.results
    where assessor_type = 'monitoring_body' and assessment = 'end_of_commitment'
    group by plan_id
),
reports as (
    select
        plan_id,
        count(*) as reports,
        count_if(is_late) as reports_late,
        count_if(not is_late) as reports_on_time,
        count_if(kind <> 'final_learning' and is_late is null) as reports_lateness_unknown
    from marts.local_reports
    group by plan_id
),
scopes as (
    select plan_id, 'plan' as scope, plan_id as scope_id, member_id from plans
    union all
    select plan_id, 'member', member_id, member_id from plans
    union all
    select plan_id, 'overall', 'overall', null from plans
),
summed as (
    select
        scopes.scope,
        scopes.scope_id,
        any_value(scopes.member_id) as member_id,
        count(*) as plans,
        coalesce(sum(requirements_answered), 0) as requirements_answered,
        coalesce(sum(requirements_met), 0) as requirements_met,
        coalesce(sum(commitments_reviewed), 0) as commitments_reviewed,
        coalesce(sum(commitments_verifiable), 0) as commitments_verifiable,
        coalesce(sum(commitments_with_lens), 0) as commitments_with_lens,
        coalesce(sum(commitments_substantial_potential), 0) as commitments_substantial_potential,
        coalesce(sum(commitments_completion_assessed), 0) as commitments_completion_assessed,
        coalesce(sum(commitments_complete), 0) as commitments_complete,
        coalesce(sum(commitments_results_assessed), 0) as commitments_results_assessed,
        coalesce(sum(commitments_major_or_outstanding), 0) as commitments_major_or_outstanding,
        coalesce(sum(reports), 0) as reports,
        coalesce(sum(reports_late), 0) as reports_late,
        coalesce(sum(reports_on_time), 0) as reports_on_time,
        coalesce(sum(reports_lateness_unknown), 0) as reports_lateness_unknown
    from scopes
    left join requirements using (plan_id)
    left join reviews using (plan_id)
    left join results using (plan_id)
    left join reports using (plan_id)
    group by scopes.scope, scopes.scope_id
)
select
    *,
    requirements_met / nullif(requirements_answered, 0) as requirements_met_share,
    commitments_complete / nullif(commitments_completion_assessed, 0) as complete_share,
    commitments_major_or_outstanding / nullif(commitments_results_assessed, 0) as major_or_outstanding_share
from summed
order by scope, scope_id
