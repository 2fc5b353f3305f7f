-- One row per report of a local monitoring body: of several files that hold it the newest, with all that it found.
with
releases as (
    select source_file, released_date, layout || ' ' || coalesce(released_date::varchar, 'undated') as source_release
    from meta.sources
    where status = 'loaded'
),
inception_files as (
    -- the whole report stands in every row of it
    select
        staged.plan_id,
        staged._source_file,
        list_sort(list(distinct staged.evaluator)) as evaluators,
        any_value(staged.plan_submitted_date) as plan_submitted_date,
        any_value(staged.report_date) as report_date
    from staging.local_inception as staged
    group by staged.plan_id, staged._source_file
),
inceptions as (
    select
        files.*,
        releases.source_release
    from inception_files as files
    inner join releases on releases.source_file = files._source_file
    qualify row_number() over (
        partition by files.plan_id order by releases.released_date desc nulls last, files._source_file
    ) = 1
),
end_of_commitments as (
    select
        commitments.commitment_id,
        commitments.plan_id,
        staged.* exclude (commitment_id, plan_id),
        releases.source_release
    from staging.local_end_of_commitment as staged
    inner join marts.local_commitments as commitments
        on list_contains(commitments.named_as, staged.commitment_id)
        and list_contains(commitments.named_plans, staged.plan_id)
    inner join releases on releases.source_file = staged._source_file
    qualify row_number() over (
        partition by commitments.commitment_id
        order by releases.released_date desc nulls last, staged._source_file, staged._source_row
    ) = 1
),
learning as (
    select
        staged.*,
        releases.source_release
    from staging.local_learning as staged
    inner join releases on releases.source_file = staged._source_file
    qualify row_number() over (
        partition by staged.plan_id order by releases.released_date desc nulls last, staged._source_file
    ) = 1
)
select
    plan_id || '-inception' as report_id,
    'inception' as kind,
    plan_id,
    null as commitment_id,
    nullif(array_to_string(evaluators, '; '), '') as evaluator,
    plan_submitted_date as counted_from_date,
    (plan_submitted_date + interval 2 month)::date as due_date,
    report_date,
    null as completion,
    null as diog_access,
    null as diog_participation,
    null as diog_accountability,
    false as has_unreadable_degree,
    null as explanation,
    null as evidence,
    null as learned_about_co_creation,
    null as learned_about_implementation,
    null as learned_about_monitoring,
    null as overall_lesson,
    source_release,
    _source_file as source_file
from inceptions
union all
-- an inception report of which only the reviews of commitments came
select
    plan_id || '-inception', 'inception', plan_id, null, null, null, null, null, null, null, null, null, false,
    null, null, null, null, null, null, min(source_release), min(source_file)
from marts.local_commitments
where is_reviewed_at_inception and plan_id not in (select plan_id from inceptions)
group by plan_id
union all
select
    commitment_id || '-end_of_commitment',
    'end_of_commitment',
    plan_id,
    commitment_id,
    evaluator,
    implemented_date,
    (implemented_date + interval 1 month)::date,
    report_date,
    completion,
    diog_access,
    diog_participation,
    diog_accountability,
    has_unreadable_degree,
    explanation,
    evidence,
    null,
    null,
    null,
    null,
    source_release,
    _source_file
from end_of_commitments
union all
select
    plan_id || '-final_learning',
    'final_learning',
    plan_id,
    null,
    evaluator,
    null,
    null,
    report_date,
    null,
    null,
    null,
    null,
    false,
    null,
    null,
    learned_about_co_creation,
    learned_about_implementation,
    learned_about_monitoring,
    overall_lesson,
    source_release,
    _source_file
from learning
