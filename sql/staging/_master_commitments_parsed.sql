-- One row per raw row of the commitments master: typed columns, the id, and every problem found.
with
keyed as (
    select
        master.*,
        nullif(upper(tidy("Commitment Unique Identifier")), '') as id_text,
        upper(tidy("Action Plan ID")) as plan_text,
        case when regexp_full_match(upper(tidy("Code")), '[A-Z]{3,4}') then upper(tidy("Code")) end as code_given,
        case when regexp_full_match(upper(tidy("Action Plan ID")), 'AP_[A-Z]{3,4}\d{2}') then upper(tidy("Action Plan ID")) end
            as plan_given,
        case when whole_number("Action Plan Number") between 1 and 99 then whole_number("Action Plan Number") end as number_given,
        names.member_id as member_by_name,
        names.official_name,
        names.claimed_by
    from staging._master_commitments_corrected as master
    left join staging.member_names as names on names.name_key = fold(master."Country/Locality")
),
identified as (
    -- OGP's own codes name the member and the plan; the name is what people read
    select
        *,
        case when regexp_full_match(id_text, '[A-Z]{2,4}\d{2,6}') then id_text end as commitment_id,
        member_of_plan_id(plan_given) as member_of_plan,
        coalesce(code_given, member_of_plan_id(plan_given), member_by_name) as member_id,
        coalesce(number_given, right(plan_given, 2)::integer) as plan_number
    from keyed
),
placed as not materialized (
    select
        *,
        coalesce(plan_given, plan_id_of(member_id, plan_number)) as plan_id
    from identified
),
-- beside the rows and not in them: what is counted over several rows is held in memory, and a row has 170 cells
compared as (
    select
        _source_file,
        _source_row,
        "Start Date",
        "End Date",
        row_number() over (partition by _source_file, _source_row_sha256 order by _source_row) as copy,
        count(distinct _source_row_sha256) over (partition by _source_file, commitment_id) as claims,
        order_proved_by(
            plan_id,
            min(least(date_order_proof("Start Date"), date_order_proof("End Date"))) over same_plan,
            max(greatest(date_order_proof("Start Date"), date_order_proof("End Date"))) over same_plan
        ) as order_proved
    from placed
    window same_plan as (partition by _source_file, plan_id)
),
counted as (
    select placed.*, compared.copy, compared.claims, compared.order_proved
    from placed
    left join compared using (_source_file, _source_row)
),
dates as (
    select *, read_date(value, order_proved, is_end) as reading
    from (
        select "Start Date" as value, false as is_end, order_proved from compared
        union
        select "End Date", true, order_proved from compared
    )
),
read_rows as (
    select
        counted._source_file,
        counted._source_row,
        counted._source_sha256,
        counted._source_note,
        counted._corrections,
        counted.commitment_id,
        plan_id,
        counted.member_id,
        tidy("Country/Locality") as member_name,
        tidy("Region") as region,
        label_code(labels, 'plan_kind', "National Or Local") as plan_kind,
        plan_number,
        without_float_artefact("Commitment Number") as commitment_number,
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
        plausible_year("Year Of Submission") as submitted_year,
        plausible_year("Action Plan End Year") as end_year,
        case when regexp_full_match(trim("Action Plan Duration (Years)"), '\d{1,2}(\.\d+)?')
            then trim("Action Plan Duration (Years)")::double end as duration_years,
        plausible_year("Report Publication Year (Progress Report)") as progress_report_year,
        plausible_year("Report Publication Year (End Of Term)") as end_of_term_report_year,
        label_code(labels, 'flag', "OGP Value Access To Information") as value_access,
        label_code(labels, 'flag', "OGP Value Civic Participation") as value_participation,
        label_code(labels, 'flag', "OGP Value Public Accountability") as value_accountability,
        label_code(labels, 'flag', "OGP Value Technology") as value_technology,
        label_code(labels, 'flag', "_Relevant") as ogp_relevant,
        label_code(labels, 'specificity', "Specificity") as specificity,
        label_code(labels, 'verifiable', "Verifiable") as verifiable,
        label_code(labels, 'potential_impact', "Potential Impact") as potential_impact,
        label_code(labels, 'potential_for_results', "Potential for Results") as potential_for_results,
        label_code(labels, 'completion', "Completion (Progress Report)") as completion_progress,
        label_code(labels, 'completion', "Completion (End Of Term)") as completion_end_of_term,
        label_code(labels, 'diog', "Did It Open Government (Overall)") as diog_overall,
        label_code(labels, 'diog_value', "Did It Open Government (Access To Information)") as diog_access,
        label_code(labels, 'diog_value', "Did It Open Government (Civic Participation)") as diog_participation,
        label_code(labels, 'diog_value', "Did It Open Government: Public Accountability") as diog_accountability,
        label_code(labels, 'early_results', "Early Results") as early_results,
        label_code(labels, 'flag', "Carried Forward") as carried_forward,
        coalesce(cluster_ids("Cluster Commitment ID(s)"),
                 case when label_code(labels, 'cluster_status', "Cluster") is null then without_float_artefact("Cluster") end)
            as cluster,
        case
            when cluster_ids("Cluster Commitment ID(s)") is not null then 'in_cluster'
            when label_code(labels, 'flag', "Cluster (AP Review)") = 'no' then 'not_in_cluster'
            when tidy("Cluster") is not null then coalesce(label_code(labels, 'cluster_status', "Cluster"), 'in_cluster')
        end as cluster_status,
        tidy("URL") as url,
        label_code(labels, 'flag', "Starred (2015 Only)") as ogp_starred_2015,
        label_code(labels, 'flag', "Starred (Current Formula) Progress Report") as ogp_starred_current_progress,
        label_code(labels, 'flag', "Starred (Current Formula) End of Term") as ogp_starred_current_end_of_term,
        label_code(labels, 'change_in_completion', "Change In Completion") as ogp_change_in_completion,
        label_code(labels, 'flag', "Ambition Assessed") as ogp_ambition_assessed,
        label_code(labels, 'flag', "Comp Assessed") as ogp_completion_assessed,
        label_code(labels, 'flag', "DIOG Assessed") as ogp_diog_assessed,
        label_code(labels, 'flag', "Midterm Only") as ogp_midterm_only,
        label_code(labels, 'raw_completion', "Raw Completion") as ogp_raw_completion,
        label_code(labels, 'flag', "High Completion") as ogp_high_completion,
        label_code(labels, 'flag', "High Ambition") as ogp_high_ambition,
        label_code(labels, 'flag', "High DIOG") as ogp_high_diog,
        [
            case
                when member_id is null and fold(coalesce("Country/Locality", '')) = ''
                    then problem('Country/Locality', 'member_missing', 'quarantine', "Country/Locality", null)
                when member_id is null and claimed_by is not null
                    then problem('Country/Locality', 'member_claimed_twice', 'quarantine', "Country/Locality", claimed_by)
                when member_id is null
                    then problem('Country/Locality', 'member_unknown', 'quarantine', "Country/Locality", null)
                when member_by_name <> member_id and (code_given is null or member_of_plan is null)
                    then problem('Country/Locality', 'member_contradicts', 'quarantine', "Country/Locality", member_id)
                when member_by_name <> member_id
                    then problem('Country/Locality', 'member_contradicts', 'doubt', "Country/Locality", member_id)
                when member_by_name is null
                    then problem('Country/Locality', 'member_name_unknown', 'doubt', "Country/Locality", member_id)
                when "Country/Locality" <> official_name
                    then problem('Country/Locality', 'member_alias', 'repair', "Country/Locality", member_id)
            end,
            case when code_given is null then problem('Code', 'member_code_unreadable', 'doubt', "Code", member_id) end,
            case
                when member_id is null then null
                when plan_id is null
                    then problem('Action Plan Number', 'plan_number_unreadable', 'quarantine', "Action Plan Number", null)
                when plan_id <> plan_id_of(member_id, plan_number)
                    then problem('Action Plan ID', 'plan_contradicts', 'quarantine', "Action Plan ID", null)
                when plan_given is null
                    then problem('Action Plan ID', 'plan_id_unreadable', 'repair', "Action Plan ID", plan_id)
                when number_given is null
                    then problem('Action Plan Number', 'plan_number_unreadable', 'doubt', "Action Plan Number", plan_number)
            end,
            case
                when id_text is null
                    then problem('Commitment Unique Identifier', 'commitment_id_missing', 'quarantine', null, null)
                when commitment_id is null
                    then problem('Commitment Unique Identifier', 'commitment_id_unreadable', 'quarantine',
                                 "Commitment Unique Identifier", null)
                when copy > 1
                    then problem('Commitment Unique Identifier', 'duplicate_row', 'quarantine', commitment_id, null)
                when claims > 1
                    then problem('Commitment Unique Identifier', 'commitment_id_repeated', 'quarantine', commitment_id, null)
                when "Commitment Unique Identifier" <> commitment_id
                    then problem('Commitment Unique Identifier', 'id_variant', 'repair',
                                 "Commitment Unique Identifier", commitment_id)
            end,
            other_member_problem('Commitment Unique Identifier', counted.commitment_id, member_of_prefix, counted.member_id, 'doubt'),
            case
                when tidy("Commitment Number") is null
                    then problem('Commitment Number', 'blank', 'unreadable', "Commitment Number", null)
                when is_float_artefact("Commitment Number")
                    then problem('Commitment Number', 'float_artefact', 'repair', "Commitment Number",
                                 without_float_artefact("Commitment Number"))
                when looks_like_a_date("Commitment Number")
                    then problem('Commitment Number', 'looks_like_a_date', 'doubt', "Commitment Number",
                                 tidy("Commitment Number"))
            end,
            case when is_float_artefact("Cluster")
                then problem('Cluster', 'float_artefact', 'repair', "Cluster", without_float_artefact("Cluster")) end,
            case when not list_contains(string_split(cluster_ids("Cluster Commitment ID(s)"), ', '), commitment_id)
                then problem('Cluster Commitment ID(s)', 'cluster_without_itself', 'doubt',
                             "Cluster Commitment ID(s)", commitment_id) end,
            case when cluster_ids("Cluster Commitment ID(s)") is null and tidy("Cluster Commitment ID(s)") is not null
                and label_code(labels, 'cluster_status', "Cluster Commitment ID(s)") is null
                then problem('Cluster Commitment ID(s)', 'cluster_ids_unreadable', 'unreadable',
                             "Cluster Commitment ID(s)", null) end,
            case when _source_note is not null then problem(null, 'row_width', 'doubt', _source_note, null) end,
            case when plausible_year("Year Of Submission") is null
                then problem('Year Of Submission', 'year_unreadable', 'unreadable', "Year Of Submission", null) end,
            report_year_problem(labels, 'Action Plan End Year', "Action Plan End Year"),
            case
                when "Action Plan Duration (Years)" is null
                    or label_code(labels, 'date_missing', "Action Plan Duration (Years)") is not null then null
                when not regexp_full_match(trim("Action Plan Duration (Years)"), '\d{1,2}(\.\d+)?')
                    then problem('Action Plan Duration (Years)', 'number_unreadable', 'unreadable',
                                 "Action Plan Duration (Years)", null)
                when abs(plausible_year("Action Plan End Year") - plausible_year("Year Of Submission")
                         - trim("Action Plan Duration (Years)")::double) > 1
                    then problem('Action Plan Duration (Years)', 'duration_disagrees', 'doubt',
                                 "Action Plan Duration (Years)",
                                 "Year Of Submission" || ' to ' || "Action Plan End Year")
            end,
            report_year_problem(labels, 'Report Publication Year (Progress Report)', "Report Publication Year (Progress Report)"),
            report_year_problem(labels, 'Report Publication Year (End Of Term)', "Report Publication Year (End Of Term)"),
            date_problem(labels, 'Start Date', "Start Date", starts.reading),
            date_problem(labels, 'End Date', "End Date", ends.reading)
        ] as problems_of_identity,
        [
            label_problem(labels, 'National Or Local', 'plan_kind', "National Or Local"),
            label_problem(labels, 'OGP Value Access To Information', 'flag', "OGP Value Access To Information"),
            label_problem(labels, 'OGP Value Civic Participation', 'flag', "OGP Value Civic Participation"),
            label_problem(labels, 'OGP Value Public Accountability', 'flag', "OGP Value Public Accountability"),
            label_problem(labels, 'OGP Value Technology', 'flag', "OGP Value Technology"),
            label_problem(labels, '_Relevant', 'flag', "_Relevant"),
            label_problem(labels, 'Specificity', 'specificity', "Specificity"),
            twin_problem(labels, 'Specificity', 'specificity', "Specificity", '_Specificity', "_Specificity"),
            label_problem(labels, 'Verifiable', 'verifiable', "Verifiable"),
            label_problem(labels, 'Potential Impact', 'potential_impact', "Potential Impact"),
            twin_problem(labels, 'Potential Impact', 'potential_impact', "Potential Impact",
                         '_Potential Impact', "_Potential Impact"),
            label_problem(labels, 'Potential for Results', 'potential_for_results', "Potential for Results"),
            twin_problem(labels, 'Potential for Results', 'potential_for_results', "Potential for Results",
                         '_Potential for Results', "_Potential for Results"),
            label_problem(labels, 'Completion (Progress Report)', 'completion', "Completion (Progress Report)"),
            twin_problem(labels, 'Completion (Progress Report)', 'completion', "Completion (Progress Report)",
                         '_CompletionProgress', "_CompletionProgress"),
            label_problem(labels, 'Completion (End Of Term)', 'completion', "Completion (End Of Term)"),
            twin_problem(labels, 'Completion (End Of Term)', 'completion', "Completion (End Of Term)",
                         '_CompletionEndTerm', "_CompletionEndTerm"),
            label_problem(labels, 'Change In Completion', 'change_in_completion', "Change In Completion"),
            change_twin_problem(labels, "Change In Completion", "_ChangeCompletion",
                                "Completion (Progress Report)", "Completion (End Of Term)"),
            label_problem(labels, 'Early Results', 'early_results', "Early Results"),
            twin_problem(labels, 'Early Results', 'early_results', "Early Results", '_Early Results', "_Early Results"),
            label_problem(labels, 'Did It Open Government (Overall)', 'diog', "Did It Open Government (Overall)"),
            twin_problem(labels, 'Did It Open Government (Overall)', 'diog', "Did It Open Government (Overall)",
                         '_OpenGovernment', "_OpenGovernment"),
            label_problem(labels, 'Did It Open Government (Access To Information)', 'diog_value',
                          "Did It Open Government (Access To Information)"),
            twin_problem(labels, 'Did It Open Government (Access To Information)', 'diog_value',
                         "Did It Open Government (Access To Information)", '_DIOGATI', "_DIOGATI"),
            label_problem(labels, 'Did It Open Government (Civic Participation)', 'diog_value',
                          "Did It Open Government (Civic Participation)"),
            twin_problem(labels, 'Did It Open Government (Civic Participation)', 'diog_value',
                         "Did It Open Government (Civic Participation)", '_DIOGCP', "_DIOGCP"),
            label_problem(labels, 'Did It Open Government: Public Accountability', 'diog_value',
                          "Did It Open Government: Public Accountability"),
            twin_problem(labels, 'Did It Open Government: Public Accountability', 'diog_value',
                         "Did It Open Government: Public Accountability", '_DIOGPA', "_DIOGPA"),
            label_problem(labels, 'Carried Forward', 'flag', "Carried Forward"),
            label_problem(labels, 'Cluster (AP Review)', 'flag', "Cluster (AP Review)"),
            label_problem(labels, 'Starred (2015 Only)', 'flag', "Starred (2015 Only)"),
            label_problem(labels, 'Starred (Current Formula) Progress Report', 'flag',
                          "Starred (Current Formula) Progress Report"),
            label_problem(labels, 'Starred (Current Formula) End of Term', 'flag', "Starred (Current Formula) End of Term"),
            label_problem(labels, 'Ambition Assessed', 'flag', "Ambition Assessed"),
            label_problem(labels, 'Comp Assessed', 'flag', "Comp Assessed"),
            label_problem(labels, 'DIOG Assessed', 'flag', "DIOG Assessed"),
            label_problem(labels, 'Midterm Only', 'flag', "Midterm Only"),
            label_problem(labels, 'Raw Completion', 'raw_completion', "Raw Completion"),
            label_problem(labels, 'High Completion', 'flag', "High Completion"),
            label_problem(labels, 'High Ambition', 'flag', "High Ambition"),
            label_problem(labels, 'High DIOG', 'flag', "High DIOG")
        ] as problems_of_values,
        flatten([
            text_problems('Theme', "Theme"),
            text_problems('Commitment Title', "Commitment Title"),
            text_problems('Short Title', "Short Title"),
            text_problems('Full Text', "Full Text"),
            text_problems('Lead Institution', "Lead Institution"),
            text_problems('Supporting Institution(s)', "Supporting Institution(s)")
        ]) as problems_of_texts
    from counted
    cross join reference._label_maps as labels
    left join (select prefix as id_prefix, member_id as member_of_prefix from staging.commitment_prefixes) as prefixes
        on prefixes.id_prefix = commitment_prefix(counted.commitment_id)
    left join dates as starts
        on starts.value is not distinct from "Start Date" and not starts.is_end
        and starts.order_proved is not distinct from counted.order_proved
    left join dates as ends
        on ends.value is not distinct from "End Date" and ends.is_end
        and ends.order_proved is not distinct from counted.order_proved
),
judged as (
    select
        * exclude (_source_note, _corrections, problems_of_identity, problems_of_values, problems_of_texts),
        list_filter(flatten([problems_of_identity, problems_of_values, problems_of_texts, _corrections]),
                    lambda p: p is not null) as found_problems
    from read_rows
)
select
    * exclude (found_problems),
    is_refused(found_problems) as is_quarantined,
    problems_of_row(found_problems) as problems
from judged
