-- One row per plan and co-creation requirement that a local monitoring body answered.
with
releases as (
    select source_file, released_date, layout || ' ' || coalesce(released_date::varchar, 'undated') as source_release
    from meta.sources
    where status = 'loaded'
)
select
    staged.plan_id,
    staged.requirement,
    staged.member_id,
    staged.answer,
    staged.answer = 'yes' as is_met,
    staged.explanation,
    staged.evidence,
    staged.evaluator,
    staged.report_date,
    releases.source_release,
    staged._source_file as source_file,
    staged._source_row as source_row
from staging.local_inception as staged
inner join releases on releases.source_file = staged._source_file
qualify row_number() over (
    partition by staged.plan_id, staged.requirement
    order by releases.released_date desc nulls last, staged._source_file
) = 1
order by staged.plan_id, staged.requirement
