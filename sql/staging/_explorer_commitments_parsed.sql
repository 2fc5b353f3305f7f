-- One row per raw row of the Explorer commitment layout: typed columns, the id, and every problem found.
with
identified as (
    select
        fixed.*,
        names.member_id,
        names.official_name,
        names.claimed_by,
        whole_number(fixed."Action Plan Number") as plan_number,
        without_float_artefact(fixed."Comm No") as commitment_number,
        plan_id_of(names.member_id, whole_number(fixed."Action Plan Number")) as plan_id,
        -- ids must not move when rows do: the order within a plan and number is that of the content
        sha256(coalesce(tidy(fixed."Commitment Title"), '') || chr(31) || coalesce(tidy(fixed."Full Text"), '')) as text_hash
    from staging._explorer_commitments_corrected as fixed
    left join staging.member_names as names on names.name_key = fold(fixed."Country")
),
ranked as (
    select
        *,
        dense_rank() over same_number as rank_in_number,
        count(distinct text_hash || _source_row_sha256) over (partition by _source_file, plan_id, commitment_number)
            as distinct_in_number,
        row_number() over (partition by _source_file, _source_row_sha256 order by _source_row::bigint) as copy
    from identified
    window same_number as (
        partition by _source_file, plan_id, commitment_number order by text_hash, _source_row_sha256
    )
),
named as (
    select
        *,
        commitment_id_of(plan_id, commitment_number, rank_in_number, distinct_in_number) as commitment_id
    from ranked
),
claimed as (
    -- of the numbers 1, 1 and 1-1 two become -1-1: an id that two rows claim names neither
    select
        *,
        count(distinct _source_row_sha256) over (partition by _source_file, commitment_id) as claims,
        order_proved_by(
            plan_id,
            min(least(date_order_proof("Start Date"), date_order_proof("End Date"))) over same_plan,
            max(greatest(date_order_proof("Start Date"), date_order_proof("End Date"))) over same_plan
        ) as order_proved
    from named
    window same_plan as (partition by _source_file, plan_id)
),
dates as (
    select *, read_date(value, order_proved, is_end) as reading
    from (
        select "Start Date" as value, false as is_end, order_proved from claimed
        union
        select "End Date", true, order_proved from claimed
    )
),
read_rows as (
    select
        ranked._source_file,
        ranked._source_row::integer as _source_row,
        ranked._source_sha256,
        ranked._source_note,
        ranked._corrections,
        ranked.commitment_id,
        plan_id,
        ranked.member_id,
        ranked.official_name,
        ranked.claimed_by,
        ranked.copy,
        plan_number,
        commitment_number,
        tidy("Commitment Title") as title,
        tidy("Short Title") as short_title,
        tidy("Full Text") as full_text,
        tidy("Theme") as theme,
        usable_date(starts.reading) as start_date,
        nullif("Start Date", '') as start_date_text,
        case when usable_date(starts.reading) is not null then starts.reading.precision end as start_date_precision,
        is_ambiguous_date("Start Date") as start_date_is_ambiguous,
        last_day_of(usable_date(ends.reading), ends.reading.precision) as end_date,
        nullif("End Date", '') as end_date_text,
        case when usable_date(ends.reading) is not null then ends.reading.precision end as end_date_precision,
        is_ambiguous_date("End Date") as end_date_is_ambiguous,
        tidy("Lead Institution") as lead_institution,
        tidy("Supporting Institution(s)") as supporting_institutions,
        plausible_year("Year of submission") as submitted_year,
        plausible_year("Report publication year (progress report)") as progress_report_year,
        plausible_year("Report publication year (end of term)") as end_of_term_report_year,
        label_code(labels, 'flag', "Value -Info") as value_access,
        label_code(labels, 'flag', "Value -Part") as value_participation,
        label_code(labels, 'flag', "Value -Acc") as value_accountability,
        label_code(labels, 'flag', "Value -Tech") as value_technology,
        label_code(labels, 'flag', "_Relevant") as ogp_relevant,
        label_code(labels, 'specificity', "Specificity") as specificity,
        label_code(labels, 'potential_impact', "Potential impact") as potential_impact,
        label_code(labels, 'completion', "Completion (progress report)") as completion_progress,
        label_code(labels, 'completion', "Completion (end of term)") as completion_end_of_term,
        label_code(labels, 'diog', "Did it open government (end of term only)") as diog_overall,
        label_code(labels, 'flag', "Starred (pre-June 2014 assessments)") as ogp_starred_pre_2014,
        label_code(labels, 'flag', "Starred (2015 only)") as ogp_starred_2015,
        label_code(labels, 'flag', "Starred (current formula) progress report") as ogp_starred_current_progress,
        label_code(labels, 'flag', "Starred (current formula) end of term") as ogp_starred_current_end_of_term,
        label_code(labels, 'change_in_completion', "Change in completion") as ogp_change_in_completion,
        case when label_code(labels, 'cluster_status', "Cluster") is null then tidy("Cluster") end as cluster,
        case
            when tidy("Cluster") is not null then coalesce(label_code(labels, 'cluster_status', "Cluster"), 'in_cluster')
        end as cluster_status,
        list_concat(
            [
                member_problem('Country', "Country", ranked.member_id, ranked.official_name, ranked.claimed_by),
                plan_number_problem('Action Plan Number', "Action Plan Number"),
                case when commitment_number is null
                    then problem('Comm No', 'commitment_number_missing', 'quarantine', "Comm No", null)
                    when commitment_number in ('NA', 'NR', 'ND')
                    then problem('Comm No', 'commitment_number_not_given', 'doubt', "Comm No", commitment_number)
                    when is_float_artefact("Comm No")
                    then problem('Comm No', 'float_artefact', 'repair', "Comm No", commitment_number)
                    when looks_like_a_date("Comm No")
                    then problem('Comm No', 'looks_like_a_date', 'doubt', "Comm No", commitment_number) end,
                case when copy > 1 then problem('Comm No', 'duplicate_row', 'quarantine', "Comm No", null)
                    when commitment_id is not null and claims > 1
                    then problem('Comm No', 'commitment_id_repeated', 'quarantine', "Comm No", commitment_id) end,
                case when _source_note is not null then problem(null, 'row_width', 'doubt', _source_note, null) end,
                case when plausible_year("Year of submission") is null
                    then problem('Year of submission', 'year_unreadable', 'unreadable', "Year of submission", null) end,
                report_year_problem(labels, 'Report publication year (progress report)',
                                    "Report publication year (progress report)"),
                report_year_problem(labels, 'Report publication year (end of term)',
                                    "Report publication year (end of term)"),
                date_problem(labels, 'Start Date', "Start Date", starts.reading),
                date_problem(labels, 'End Date', "End Date", ends.reading),
                case when looks_like_a_date("Cluster")
                    then problem('Cluster', 'looks_like_a_date', 'doubt', "Cluster", "Cluster") end
            ],
            [
                label_problem(labels, 'Value -Info', 'flag', "Value -Info"),
                label_problem(labels, 'Value -Part', 'flag', "Value -Part"),
                label_problem(labels, 'Value -Acc', 'flag', "Value -Acc"),
                label_problem(labels, 'Value -Tech', 'flag', "Value -Tech"),
                label_problem(labels, '_Relevant', 'flag', "_Relevant"),
                label_problem(labels, 'Specificity', 'specificity', "Specificity"),
                twin_problem(labels, 'Specificity', 'specificity', "Specificity", '_Specificity', "_Specificity"),
                label_problem(labels, 'Potential impact', 'potential_impact', "Potential impact"),
                twin_problem(labels, 'Potential impact', 'potential_impact', "Potential impact",
                             '_Pot Impact Coded', "_Pot Impact Coded"),
                label_problem(labels, 'Completion (progress report)', 'completion', "Completion (progress report)"),
                twin_problem(labels, 'Completion (progress report)', 'completion', "Completion (progress report)",
                             '_CompletionProgress', "_CompletionProgress"),
                label_problem(labels, 'Completion (end of term)', 'completion', "Completion (end of term)"),
                twin_problem(labels, 'Completion (end of term)', 'completion', "Completion (end of term)",
                             '_CompletionEndTerm', "_CompletionEndTerm"),
                label_problem(labels, 'Did it open government (end of term only)', 'diog',
                              "Did it open government (end of term only)"),
                twin_problem(labels, 'Did it open government (end of term only)', 'diog',
                             "Did it open government (end of term only)", '_OpenGovt', "_OpenGovt"),
                label_problem(labels, 'Change in completion', 'change_in_completion', "Change in completion"),
                change_twin_problem(labels, "Change in completion", "_ChangeCompletion",
                                    "Completion (progress report)", "Completion (end of term)"),
                label_problem(labels, 'Starred (pre-June 2014 assessments)', 'flag', "Starred (pre-June 2014 assessments)"),
                label_problem(labels, 'Starred (2015 only)', 'flag', "Starred (2015 only)"),
                label_problem(labels, 'Starred (current formula) progress report', 'flag',
                              "Starred (current formula) progress report"),
                label_problem(labels, 'Starred (current formula) end of term', 'flag',
                              "Starred (current formula) end of term")
            ]
        ) as problems_of_values,
        flatten([
            text_problems('Theme', "Theme"),
            text_problems('Commitment Title', "Commitment Title"),
            text_problems('Short Title', "Short Title"),
            text_problems('Full Text', "Full Text"),
            text_problems('Lead Institution', "Lead Institution"),
            text_problems('Supporting Institution(s)', "Supporting Institution(s)")
        ]) as problems_of_texts
    from claimed as ranked
    cross join reference._label_maps as labels
    left join dates as starts
        on starts.value is not distinct from "Start Date" and not starts.is_end
        and starts.order_proved is not distinct from ranked.order_proved
    left join dates as ends
        on ends.value is not distinct from "End Date" and ends.is_end
        and ends.order_proved is not distinct from ranked.order_proved
),
judged as (
    select
        * exclude (_source_note, official_name, claimed_by, copy, _corrections, problems_of_values, problems_of_texts),
        list_filter(flatten([problems_of_values, problems_of_texts, _corrections]), lambda p: p is not null) as found_problems
    from read_rows
)
select
    * exclude (found_problems),
    is_refused(found_problems) as is_quarantined,
    problems_of_row(found_problems) as problems
from judged
