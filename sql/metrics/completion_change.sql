-- One row per type of member, completion at mid-term and completion at the end of the term: commitments of plans held
-- whole that the IRM coded at both; the full grid.
with
steps as (
    -- withdrawn, unclear and no evidence are no step on the way to complete
    select
        labels.code,
        any_value(case when list_contains(string_split(definitions.assessed_codes, '|'), labels.code)
            then labels.number::integer end) as step
    from reference.labels as labels
    inner join reference.outcome_definitions as definitions on definitions.definition = 'complete'
    where labels.list = 'completion' and is_coded(labels.code)
    group by labels.code
),
of_whole_plans as (
    select
        members.member_type,
        plans.plan_id,
        plans.submitted_year,
        commitments.completion_progress,
        commitments.completion_end_of_term
    from marts.commitments as commitments
    inner join marts.action_plans as plans using (plan_id)
    inner join marts.members as members on members.member_id = commitments.member_id
    where not plans.is_partial and plans.plan_kind is distinct from 'local'
),
coded_twice as (
    select * from of_whole_plans where is_coded(completion_progress) and is_coded(completion_end_of_term)
),
totals as (
    select member_type, completion_progress, count(*) as commitments_at_mid_term, count(distinct plan_id) as plans
    from coded_twice
    group by all
)
select
    types.member_type,
    at_mid_term.code as completion_progress,
    at_end.code as completion_end_of_term,
    case
        when at_mid_term.step is null or at_end.step is null then 'not_comparable'
        when at_end.step > at_mid_term.step then 'improved'
        when at_end.step < at_mid_term.step then 'worsened'
        else 'same'
    end as change,
    count(distinct coded_twice.plan_id) as plans,
    count(coded_twice.plan_id) as commitments,
    coalesce(any_value(totals.commitments_at_mid_term), 0) as commitments_at_mid_term,
    coalesce(any_value(totals.plans), 0) as plans_at_mid_term,
    shown_share(count(coded_twice.plan_id), any_value(totals.commitments_at_mid_term), any_value(totals.plans))
        as share_of_mid_term,
    coalesce(any_value(totals.plans), 0) < 3 as is_suppressed,
    min(coded_twice.submitted_year) as first_year,
    max(coded_twice.submitted_year) as last_year
from (select distinct member_type from of_whole_plans) as types
cross join steps as at_mid_term
cross join steps as at_end
left join totals
    on totals.member_type = types.member_type and totals.completion_progress = at_mid_term.code
left join coded_twice
    on coded_twice.member_type = types.member_type
    and coded_twice.completion_progress = at_mid_term.code
    and coded_twice.completion_end_of_term = at_end.code
group by types.member_type, at_mid_term.code, at_mid_term.step, at_end.code, at_end.step
order by types.member_type, completion_progress, completion_end_of_term
