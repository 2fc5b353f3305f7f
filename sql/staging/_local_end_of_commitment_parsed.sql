-- One row per raw row of the end-of-commitment reports: the commitment, dates, results, and every problem found.
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
        "Commitment" as commitment_text,
        tidy("Evaluator") as evaluator,
        tidy("Report date") as report_text,
        tidy("Date of full implementation") as implemented_text,
        tidy("Completion at the end of the commitment") as completion_text,
        tidy("Access to information - did it open government?") as access_text,
        tidy("Civic participation - did it open government?") as participation_text,
        tidy("Public accountability - did it open government?") as accountability_text,
        "Explanation of the results" as explanation_text,
        "Evidence for the results" as evidence_text
    from staging._local_end_of_commitment_corrected
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
        commitment_reference(plan_id_of(names.member_id, whole_number(plan_number_text)), commitment_text) as reference
    from given
    left join staging.form_member_names as names on names.name_key = fold(given.member)
),
date_orders as (
    -- the order that the certain dates of a file prove; two orders in one file prove nothing
    select _source_file, case when count(distinct proof) = 1 then min(proof) end as order_proved
    from (
        select _source_file, date_order_proof(implemented_text) as proof from given
        union all
        select _source_file, date_order_proof(report_text) from given
    )
    group by _source_file
),
dated as (
    select
        identified.*,
        order_proved,
        read_date(report_text, order_proved, false) as report,
        read_date(implemented_text, order_proved, false) as implemented,
        row_number() over (partition by _source_file, _source_row_sha256 order by _source_row) as copy,
        count(distinct _source_row_sha256) over (partition by _source_file, reference.id) as versions
    from identified
    inner join date_orders using (_source_file)
),
coded as (
    select
        dated.*,
        certain_day(report_text, order_proved, report) as report_date,
        certain_day(implemented_text, order_proved, implemented) as implemented_date,
        label_code(labels, 'local_completion', completion_text) as completion,
        label_code(labels, 'local_degree', access_text) as diog_access,
        label_code(labels, 'local_degree', participation_text) as diog_participation,
        label_code(labels, 'local_degree', accountability_text) as diog_accountability,
        labels,
        member_of_prefix
    from dated
    cross join reference._label_maps as labels
    left join (select prefix as id_prefix, member_id as member_of_prefix from staging.commitment_prefixes) as prefixes
        on prefixes.id_prefix = commitment_prefix(reference.id)
),
read_rows as (
    select
        _source_file,
        _source_row,
        _source_sha256,
        reference.id as commitment_id,
        reference.number as commitment_number,
        reference.basis as commitment_id_basis,
        plan_id,
        member_id,
        plan_number,
        member_type,
        evaluator,
        report_date,
        implemented_date,
        completion,
        diog_access,
        diog_participation,
        diog_accountability,
        -- a degree that was given and could not be read leaves the whole unassessed: it may have been the highest
        (access_text is not null and diog_access is null)
            or (participation_text is not null and diog_participation is null)
            or (accountability_text is not null and diog_accountability is null) as has_unreadable_degree,
        tidy(explanation_text) as explanation,
        tidy(evidence_text) as evidence,
        list_filter(flatten([_corrections, [
            form_member_problem('Member', member, member_id, official_name, claimed_by),
            plan_number_problem('Plan number', plan_number_text),
            other_member_problem('Commitment', commitment_text, member_of_prefix, member_id, 'quarantine'),
            commitment_reference_problem('Commitment', commitment_text, plan_id, reference),
            case
                when copy > 1 then problem('Commitment', 'duplicate_row', 'quarantine', commitment_text, null)
                when reference.id is not null and versions > 1
                    then problem('Commitment', 'commitment_repeated', 'quarantine', commitment_text, reference.id)
            end,
            case when _source_note is not null then problem(null, 'row_width', 'doubt', _source_note, null) end,
            case when member_type = 'national'
                then problem('Member', 'not_a_local_member', 'doubt', member, member_id) end,
            answer_missing('Evaluator', evaluator),
            answer_missing('Report date', report_text),
            -- a commitment that was not completed has no such day
            case when completion = 'complete'
                then answer_missing('Date of full implementation', implemented_text) end,
            case when implemented_date is not null and completion <> 'complete'
                then problem('Date of full implementation', 'implemented_but_not_complete', 'doubt',
                             implemented_text, completion) end,
            answer_missing('Completion at the end of the commitment', completion_text),
            answer_missing('Access to information - did it open government?', access_text),
            answer_missing('Civic participation - did it open government?', participation_text),
            answer_missing('Public accountability - did it open government?', accountability_text),
            certain_day_problem(labels, 'Report date', report_text, order_proved, report),
            certain_day_problem(labels, 'Date of full implementation', implemented_text, order_proved, implemented),
            case when report_date < implemented_date
                then problem('Report date', 'report_before_implementation', 'doubt', report_text, report_date) end,
            label_problem(labels, 'Completion at the end of the commitment', 'local_completion', completion_text),
            label_problem(labels, 'Access to information - did it open government?', 'local_degree', access_text),
            label_problem(labels, 'Civic participation - did it open government?', 'local_degree', participation_text),
            label_problem(labels, 'Public accountability - did it open government?', 'local_degree', accountability_text)
        ],
        text_problems('Explanation of the results', explanation_text),
        text_problems('Evidence for the results', evidence_text)]), lambda p: p is not null) as found_problems
    from coded
)
select
    * exclude (found_problems),
    is_refused(found_problems) as is_quarantined,
    problems_of_row(found_problems) as problems
from read_rows
