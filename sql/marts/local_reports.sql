-- One row per report of a local monitoring body that came, with its deadline.
select
    reports.report_id,
    reports.kind,
    reports.plan_id,
    plans.member_id,
    reports.commitment_id,
    reports.evaluator,
    reports.counted_from_date,
    reports.due_date,
    reports.report_date,
    date_diff('day', reports.due_date, reports.report_date) as days_late,
    reports.report_date > reports.due_date as is_late,
    reports.explanation,
    reports.evidence,
    reports.learned_about_co_creation,
    reports.learned_about_implementation,
    reports.learned_about_monitoring,
    reports.overall_lesson,
    reports.source_release,
    reports.source_file
from marts._local_reports as reports
inner join marts.action_plans as plans using (plan_id)
order by reports.report_id
