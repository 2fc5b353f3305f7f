-- One row per commitment and OGP value: whether it opened government, as the local monitoring body reports.
with
degrees as (
    select commitment_id, plan_id, 'access' as ogp_value, diog_access as degree, report_id, source_release
    from marts._local_reports
    union all
    select commitment_id, plan_id, 'participation', diog_participation, report_id, source_release
    from marts._local_reports
    union all
    select commitment_id, plan_id, 'accountability', diog_accountability, report_id, source_release
    from marts._local_reports
)
select
    commitment_id,
    ogp_value,
    plan_id,
    degree,
    degree <> 'not_applicable' as is_applicable,
    report_id,
    source_release
from degrees
where degree is not null
order by commitment_id, ogp_value
