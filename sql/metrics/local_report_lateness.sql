-- One row overall and per local member, and kind of report with a deadline: how late the reports of monitoring bodies
-- came (DOMAIN.md section 7). Each report with its days stands in marts.local_reports.
with
reports as (
    select reports.*
    from marts.local_reports as reports
    inner join marts.members as members using (member_id)
    where members.member_type is distinct from 'national' and reports.kind <> 'final_learning'
),
scoped as (
    select 'member' as scope, member_id as scope_id, * from reports
    union all
    select 'overall', 'overall', * from reports
),
summed as (
    select
        scope,
        scope_id,
        kind,
        case scope when 'member' then any_value(member_id) end as member_id,
        count(distinct plan_id) as plans,
        count(*) as reports,
        count(*) filter (where is_late) as reports_late,
        count(*) filter (where not is_late) as reports_on_time,
        count(*) filter (where is_late is null) as reports_lateness_unknown,
        count(distinct case when is_late is not null then plan_id end) as plans_lateness_known,
        median(days_late) as median_days_late,
        min(days_late) as least_days_late,
        max(days_late) as most_days_late
    from scoped
    group by scope, scope_id, kind
),
-- the kinds stand there also where no report came, so that nobody takes an empty answer for all in time
every_kind as (
    select unnest(['inception', 'end_of_commitment']) as kind
),
complete as (
    select * from summed where scope = 'member'
    union all by name
    select
        'overall' as scope,
        'overall' as scope_id,
        every_kind.kind,
        null as member_id,
        coalesce(overall.plans, 0) as plans,
        coalesce(overall.reports, 0) as reports,
        coalesce(overall.reports_late, 0) as reports_late,
        coalesce(overall.reports_on_time, 0) as reports_on_time,
        coalesce(overall.reports_lateness_unknown, 0) as reports_lateness_unknown,
        coalesce(overall.plans_lateness_known, 0) as plans_lateness_known,
        overall.median_days_late,
        overall.least_days_late,
        overall.most_days_late
    from every_kind
    left join summed as overall on overall.kind = every_kind.kind and overall.scope = 'overall'
)
select
    * exclude (plans_lateness_known),
    shown_share(reports_late, reports_late + reports_on_time, plans_lateness_known) as late_share,
    plans_lateness_known < 3 as is_suppressed
from complete
order by scope, scope_id, kind
