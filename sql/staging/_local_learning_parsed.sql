-- One row per raw row of the final learning exercises: the plan, what was learned, and every problem found.
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
        tidy("Evaluator") as evaluator,
        tidy("Report date") as report_text,
        "What was learned about co-creation" as co_creation_text,
        "What was learned about implementation" as implementation_text,
        "What was learned about monitoring" as monitoring_text,
        "Overall lesson for the next plan" as overall_text
    from staging._local_learning_corrected
),
identified as (
    select
        given.*,
        names.member_id,
        names.official_name,
        names.claimed_by,
        names.member_type,
        whole_number(plan_number_text) as plan_number,
        plan_id_of(names.member_id, whole_number(plan_number_text)) as plan_id
    from given
    left join staging.form_member_names as names on names.name_key = fold(given.member)
),
date_orders as (
    select _source_file, case when count(distinct proof) = 1 then min(proof) end as order_proved
    from (select _source_file, date_order_proof(report_text) as proof from given)
    group by _source_file
),
dated as (
    select
        identified.*,
        order_proved,
        read_date(report_text, order_proved, false) as report,
        row_number() over (partition by _source_file, _source_row_sha256 order by _source_row) as copy,
        count(distinct _source_row_sha256) over (partition by _source_file, plan_id) as versions
    from identified
    inner join date_orders using (_source_file)
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
        evaluator,
        certain_day(report_text, order_proved, report) as report_date,
        tidy(co_creation_text) as learned_about_co_creation,
        tidy(implementation_text) as learned_about_implementation,
        tidy(monitoring_text) as learned_about_monitoring,
        tidy(overall_text) as overall_lesson,
        list_filter(flatten([_corrections, [
            form_member_problem('Member', member, member_id, official_name, claimed_by),
            plan_number_problem('Plan number', plan_number_text),
            case
                when copy > 1 then problem('Plan number', 'duplicate_row', 'quarantine', plan_number_text, null)
                when plan_id is not null and versions > 1
                    then problem('Plan number', 'plan_repeated', 'quarantine', plan_number_text, plan_id)
            end,
            case when _source_note is not null then problem(null, 'row_width', 'doubt', _source_note, null) end,
            case when member_type = 'national'
                then problem('Member', 'not_a_local_member', 'doubt', member, member_id) end,
            answer_missing('Evaluator', evaluator),
            answer_missing('Report date', report_text),
            answer_missing('Overall lesson for the next plan', tidy(overall_text)),
            certain_day_problem(labels, 'Report date', report_text, order_proved, report)
        ],
        text_problems('What was learned about co-creation', co_creation_text),
        text_problems('What was learned about implementation', implementation_text),
        text_problems('What was learned about monitoring', monitoring_text),
        text_problems('Overall lesson for the next plan', overall_text)]), lambda p: p is not null) as found_problems
    from dated
    cross join reference._label_maps as labels
)
select
    * exclude (found_problems),
    is_refused(found_problems) as is_quarantined,
    problems_of_row(found_problems) as problems
from read_rows
