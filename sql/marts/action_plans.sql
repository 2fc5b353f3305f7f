-- One row per action plan that any loaded source names.
with
releases as (
    select
        source_file,
        released_date,
        is_partial,
        layout || ' ' || coalesce(released_date::varchar, 'undated') as source_release
    from meta.sources
    where status = 'loaded'
),
commitment_rows as (
    select
        staged._source_file,
        staged.plan_id,
        staged.member_id,
        staged.plan_number,
        staged.submitted_year,
        releases.released_date,
        releases.is_partial,
        releases.source_release
    from staging.explorer_commitments as staged
    inner join releases on releases.source_file = staged._source_file
),
year_counts as (
    select _source_file, plan_id, submitted_year, count(*) as times
    from commitment_rows
    where submitted_year is not null
    group by all
),
usual_years as (
    -- the most frequent year; of two as frequent the earlier
    select
        _source_file,
        plan_id,
        submitted_year,
        count(*) over (partition by _source_file, plan_id) as distinct_years
    from year_counts
    qualify row_number() over (partition by _source_file, plan_id order by times desc, submitted_year) = 1
),
plan_releases as (
    select
        plan_id,
        any_value(member_id) as member_id,
        any_value(plan_number) as plan_number,
        _source_file as source_file,
        any_value(source_release) as source_release,
        any_value(released_date) as released_date,
        bool_or(is_partial) as is_declared_partial,
        count(*) as commitments
    from commitment_rows
    group by plan_id, _source_file
),
judged as (
    -- under half of what another release holds of the plan is not the whole plan (DESIGN.md, two releases)
    select
        *,
        not is_declared_partial
            and commitments * 2 < max(case when not is_declared_partial then commitments end) over (partition by plan_id)
            as is_suspected_partial,
        row_number() over (partition by plan_id order by released_date desc nulls last, source_file) as recency
    from plan_releases
),
ranked as (
    -- the newest release that holds the plan whole, else the newest
    select
        *,
        row_number() over (
            partition by plan_id order by is_declared_partial or is_suspected_partial, recency
        ) as choice
    from judged
),
chosen as (
    select
        *,
        is_declared_partial or is_suspected_partial as is_partial,
        -- a newer release that was passed over because it looks incomplete
        (
            select coalesce(bool_or(newer.is_suspected_partial and newer.recency < ranked.recency), false)
            from judged as newer
            where newer.plan_id = ranked.plan_id
        ) as has_suspected_partial_release
    from ranked
    where choice = 1
),
process_rows as (
    select staged.*, releases.source_release as process_release
    from staging.process_database as staged
    inner join releases on releases.source_file = staged._source_file
    qualify row_number() over (
        partition by staged.plan_id order by releases.released_date desc nulls last, staged._source_file
    ) = 1
)
select
    coalesce(chosen.plan_id, process_rows.plan_id, named.plan_id) as plan_id,
    coalesce(chosen.member_id, process_rows.member_id, named.member_id) as member_id,
    coalesce(chosen.plan_number, process_rows.plan_number, named.plan_number) as plan_number,
    coalesce(usual_years.submitted_year, process_rows.submitted_year) as submitted_year,
    null as end_year,
    null as duration_years,
    coalesce(chosen.commitments, 0) as commitments,
    coalesce(chosen.is_partial, false) as is_partial,
    coalesce(chosen.has_suspected_partial_release, false) as has_suspected_partial_release,
    chosen.source_release,
    chosen.source_file,
    coalesce(usual_years.distinct_years, 0) as submitted_years_in_source,
    process_rows.submitted_year as process_submitted_year,
    process_rows.process_release,
    process_rows._source_file as process_source_file,
    process_rows.timeline_available,
    process_rows.advance_notice,
    process_rows.awareness_raising,
    process_rows.online_consultation,
    process_rows.in_person_consultation,
    process_rows.summary_of_comments,
    process_rows.regular_forum,
    process_rows.self_assessment_published,
    process_rows.self_assessment_on_schedule,
    process_rows.multi_agency,
    process_rows.officially_mandated,
    process_rows.legally_mandated,
    process_rows.change_of_executive
from chosen
full outer join process_rows on process_rows.plan_id = chosen.plan_id
full outer join staging.named_plans as named on named.plan_id = coalesce(chosen.plan_id, process_rows.plan_id)
left join usual_years
    on usual_years.plan_id = chosen.plan_id and usual_years._source_file = chosen.source_file
order by plan_id
