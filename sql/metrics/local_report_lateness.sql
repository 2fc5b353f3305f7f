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
)
select
    * exclude (plans_lateness_known),
    shown_share(reports_late, reports_late + reports_on_time, plans_lateness_known) as late_share,
    plans_lateness_known < 3 as is_suppressed
from summed
order by scope, scope_id, kind
