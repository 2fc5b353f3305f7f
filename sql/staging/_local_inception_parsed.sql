-- One row per raw row of the co-creation requirements: the plan, the requirement, the answer, and every problem found.
-- What holds for the report as a whole (evaluator, dates) may stand in one row of its plan or in all of them.
with
given as (
    select
        _source_file,
        _source_row::integer as _source_row,
        _source_sha256,
        _source_row_sha256,
        _source_note,
        _corrections,
        tidy("Member") as member,
        "Plan number" as plan_number_text,
        tidy("Plan submission date") as submission_text,
        tidy("Evaluator") as evaluator_given,
        tidy("Report date") as report_text,
        tidy("Co-creation requirement") as requirement_text,
        tidy("Requirement met?") as answer_text,
        "Explanation of the answer" as explanation_text,
        "Evidence for the answer" as evidence_text
    from staging._local_inception_corrected
),
identified as (
    select
        given.*,
        names.member_id,
        names.official_name,
        names.claimed_by,
        names.member_type,
        whole_number(plan_number_text) as plan_number,
        plan_id_of(names.member_id, whole_number(plan_number_text)) as plan_id,
        label_code(labels, 'local_requirement', requirement_text) as requirement
    from given
    cross join reference._label_maps as labels
    left join staging.form_member_names as names on names.name_key = fold(given.member)
),
date_orders as (
    -- the order that the certain dates of a file prove; two orders in one file prove nothing
    select _source_file, case when count(distinct proof) = 1 then min(proof) end as order_proved
    from (
        select _source_file, date_order_proof(submission_text) as proof from given
        union all
        select _source_file, date_order_proof(report_text) from given
    )
    group by _source_file
),
dated as (
    select
        identified.*,
        order_proved,
        read_date(submission_text, order_proved, false) as submission,
        read_date(report_text, order_proved, false) as report,
        row_number() over (partition by _source_file, _source_row_sha256 order by _source_row) as copy,
        count(distinct _source_row_sha256) over (partition by _source_file, plan_id, requirement) as versions
    from identified
    inner join date_orders using (_source_file)
),
certain as (
    select
        *,
        certain_day(submission_text, order_proved, submission) as plan_submitted_day,
        certain_day(report_text, order_proved, report) as report_day
    from dated
),
of_the_report as (
    -- one answer of the whole report is the report's; two different ones are no answer
    select
        *,
        max(evaluator_given) over whole_report as some_evaluator,
        max(submission_text) over whole_report as some_submission,
        max(report_text) over whole_report as some_report_date,
        min(fold(evaluator_given)) over whole_report <> max(fold(evaluator_given)) over whole_report as has_two_evaluators,
        min(plan_submitted_day) over whole_report <> max(plan_submitted_day) over whole_report as has_two_submissions,
        min(report_day) over whole_report <> max(report_day) over whole_report as has_two_report_dates,
        min(plan_submitted_day) over whole_report as first_submission,
        min(report_day) over whole_report as first_report_date
    from certain
    window whole_report as (partition by _source_file, coalesce(plan_id, _source_row::varchar))
),
read_rows as (
    select
        _source_file,
        _source_row,
        _source_sha256,
        plan_id,
        member_id,
        plan_number,
        member_type,
        requirement,
        case when not coalesce(has_two_submissions, false) then first_submission end as plan_submitted_date,
        coalesce(evaluator_given, case when not has_two_evaluators then some_evaluator end) as evaluator,
        case when not coalesce(has_two_report_dates, false) then first_report_date end as report_date,
        label_code(labels, 'local_answer', answer_text) as answer,
        tidy(explanation_text) as explanation,
        tidy(evidence_text) as evidence,
        list_filter(flatten([_corrections, [
            form_member_problem('Member', member, member_id, official_name, claimed_by),
            plan_number_problem('Plan number', plan_number_text),
            case
                when requirement_text is null
                    then problem('Co-creation requirement', 'requirement_missing', 'quarantine', null, null)
                when requirement is null
                    then problem('Co-creation requirement', 'requirement_unknown', 'quarantine', requirement_text, null)
                else label_problem(labels, 'Co-creation requirement', 'local_requirement', requirement_text)
            end,
            case
                when copy > 1
                    then problem('Co-creation requirement', 'duplicate_row', 'quarantine', requirement_text, null)
                when plan_id is not null and requirement is not null and versions > 1
                    then problem('Co-creation requirement', 'requirement_repeated', 'quarantine', requirement_text, plan_id)
            end,
            case when _source_note is not null then problem(null, 'row_width', 'doubt', _source_note, null) end,
            case when member_type = 'national'
                then problem('Member', 'not_a_local_member', 'doubt', member, member_id) end,
            answer_missing('Evaluator', some_evaluator),
            answer_missing('Plan submission date', some_submission),
            answer_missing('Report date', some_report_date),
            answer_missing('Requirement met?', answer_text),
            case when has_two_evaluators
                then problem('Evaluator', 'disagrees_in_report', 'doubt', evaluator_given, evaluator_given) end,
            case when has_two_submissions
                then problem('Plan submission date', 'disagrees_in_report', 'unreadable', submission_text, null) end,
            case when has_two_report_dates
                then problem('Report date', 'disagrees_in_report', 'unreadable', report_text, null) end,
            certain_day_problem(labels, 'Plan submission date', submission_text, order_proved, submission),
            certain_day_problem(labels, 'Report date', report_text, order_proved, report),
            case when report_date < plan_submitted_date
                then problem('Report date', 'report_before_plan', 'doubt', report_text, report_date) end,
            label_problem(labels, 'Requirement met?', 'local_answer', answer_text)
        ],
        text_problems('Explanation of the answer', explanation_text),
        text_problems('Evidence for the answer', evidence_text)]), lambda p: p is not null) as found_problems
    from of_the_report
    cross join reference._label_maps as labels
)
select
    * exclude (found_problems),
    is_refused(found_problems) as is_quarantined,
    problems_of_row(found_problems) as problems
from read_rows
