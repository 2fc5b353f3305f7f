-- One row per staged commitment and file, whatever the layout of its release, in one shape.
with
explorer as (
    select
        * exclude (_source_sha256),
        'explorer_commitments' as layout,
        null as member_name,
        null as region,
        null as plan_kind,
        null as end_year,
        null as duration_years,
        'no_data' as verifiable,
        'no_data' as potential_for_results,
        'no_data' as diog_access,
        'no_data' as diog_participation,
        'no_data' as diog_accountability,
        'no_data' as early_results,
        'no_data' as carried_forward,
        null as url,
        'no_data' as ogp_ambition_assessed,
        'no_data' as ogp_completion_assessed,
        'no_data' as ogp_diog_assessed,
        'no_data' as ogp_midterm_only,
        'no_data' as ogp_raw_completion,
        'no_data' as ogp_high_completion,
        'no_data' as ogp_high_ambition,
        'no_data' as ogp_high_diog
    from staging.explorer_commitments
),
master as (
    select
        * exclude (_source_sha256),
        'master_commitments' as layout,
        'no_data' as ogp_starred_pre_2014
    from staging.master_commitments
)
select * from explorer
union all by name
select * from master
order by _source_file, commitment_id
