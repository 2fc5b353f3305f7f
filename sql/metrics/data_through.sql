-- One row per layout of the files that were loaded: how far its data reach and when they last changed.
with
reached as (
    select
        layout,
        max(submitted_year) as latest_submitted_year,
        -- NULLs are passed over: a commitment can have either report
        max(greatest(progress_report_year, end_of_term_report_year)) as latest_report_year
    from staging.commitments
    group by layout
    union all
    select 'process_database', max(submitted_year), null
    from staging.process_database
    having count(*) > 0
),
loaded as (
    select
        layout,
        count(*) as files,
        sum(rows) as rows,
        max(released_date) as released_date,
        -- never the time of a run: equal inputs give equal rows every night
        max(coalesce(content_changed_at::date, released_date)) as content_changed_date,
        bool_or(is_synthetic) as is_synthetic
    from meta.sources
    where status = 'loaded'
    group by layout
)
select
    loaded.layout,
    loaded.files,
    loaded.rows,
    reached.latest_submitted_year,
    reached.latest_report_year,
    loaded.released_date,
    loaded.content_changed_date,
    loaded.is_synthetic
from loaded
left join reached using (layout)
order by loaded.layout
