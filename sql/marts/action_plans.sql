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
        staged.*,
        releases.released_date,
        releases.is_partial,
        releases.source_release
    from staging.commitments as staged
    inner join releases on releases.source_file = staged._source_file
),
plan_values as (
    select _source_file, plan_id, 'submitted_year' as field, submitted_year::varchar as value from commitment_rows
    union all
    select _source_file, plan_id, 'end_year', end_year::varchar from commitment_rows
    union all
    select _source_file, plan_id, 'duration_years', duration_years::varchar from commitment_rows
    union all
    select _source_file, plan_id, 'plan_kind', plan_kind from commitment_rows
),
usual_values as (
    -- the most frequent value; of two as frequent the lower
    select
        _source_file,
        plan_id,
        field,
        value,
        count(*) over (partition by _source_file, plan_id, field) as distinct_values
    from (select *, count(*) as times from plan_values where value is not null group by all)
    qualify row_number() over (partition by _source_file, plan_id, field order by times desc, value) = 1
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
largest_others as (
    select
        plan_releases.*,
        (
            select max(other.commitments)
            from plan_releases as other
            where other.plan_id = plan_releases.plan_id
                and other.source_file <> plan_releases.source_file
                and not other.is_declared_partial
        ) as largest_other
    from plan_releases
),
extracts as (
    -- a file with under half of the commitments of the plans it shares (at least three: one plan is no pattern)
    select source_file
    from largest_others
    where not is_declared_partial and largest_other is not null
    group by source_file
    having count(*) >= 3 and sum(commitments) * 2 < sum(largest_other)
),
judged as (
    -- under half of what another release holds of the plan is not the whole plan (DESIGN.md, two releases)
    select
        *,
        not is_declared_partial
            and (coalesce(commitments * 2 < largest_other, false)
                 or source_file in (select source_file from extracts)) as is_suspected_partial,
        row_number() over (partition by plan_id order by released_date desc nulls last, source_file) as recency
    from largest_others
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
        -- a newer release that was passed over because it looks incomplete, or the only one and incomplete
        (
            select arg_min(newer.source_file, newer.recency)
            from judged as newer
            where newer.plan_id = ranked.plan_id and newer.is_suspected_partial and newer.recency <= ranked.recency
        ) as suspected_partial_file
    from ranked
    where choice = 1
),
plan_attributes as (
    -- of the chosen release; an end or a length that it does not give is taken from the newest that does
    select
        chosen.plan_id,
        max(value) filter (where field = 'submitted_year' and usual_values._source_file = chosen.source_file)::integer
            as submitted_year,
        max(distinct_values) filter (where field = 'submitted_year' and usual_values._source_file = chosen.source_file)
            as submitted_years_in_source,
        arg_min(value, filled_from.choice) filter (where field = 'end_year')::integer as end_year,
        arg_min(value, filled_from.choice) filter (where field = 'duration_years')::double as duration_years,
        arg_min(value, filled_from.choice) filter (where field = 'plan_kind') as plan_kind
    from chosen
    inner join ranked as filled_from on filled_from.plan_id = chosen.plan_id
    inner join usual_values
        on usual_values.plan_id = chosen.plan_id and usual_values._source_file = filled_from.source_file
    group by chosen.plan_id
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
    coalesce(plan_attributes.submitted_year, process_rows.submitted_year) as submitted_year,
    plan_attributes.end_year,
    plan_attributes.duration_years,
    plan_attributes.plan_kind,
    coalesce(chosen.commitments, 0) as commitments,
    coalesce(chosen.is_partial, false) as is_partial,
    chosen.suspected_partial_file is not null as has_suspected_partial_release,
    chosen.suspected_partial_file,
    chosen.source_release,
    chosen.source_file,
    coalesce(plan_attributes.submitted_years_in_source, 0) as submitted_years_in_source,
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
left join plan_attributes on plan_attributes.plan_id = chosen.plan_id
order by plan_id
