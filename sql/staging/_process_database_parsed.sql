-- One row per raw row of the process database: typed columns, the plan, and every problem found.
with
identified as (
    select
        fixed.*,
        names.member_id,
        names.official_name,
        names.claimed_by,
        whole_number("Action Plan Number") as plan_number,
        plan_id_of(names.member_id, whole_number("Action Plan Number")) as plan_id
    from staging._process_database_corrected as fixed
    left join staging.member_names as names on names.name_key = fold(fixed."Country name")
),
counted as (
    select
        *,
        row_number() over (partition by _source_file, _source_row_sha256 order by _source_row::bigint) as copy,
        count(distinct _source_row_sha256) over (partition by _source_file, plan_id) as versions
    from identified
),
read_rows as (
    select
        counted._source_file,
        counted._source_row::integer as _source_row,
        counted._source_sha256,
        plan_id,
        member_id,
        plan_number,
        plausible_year("Year AP Submitted") as submitted_year,
        label_code(labels, 'influence_level_label', "IAP2 level during development") as development_label,
        label_code(labels, 'influence_level_label', "IAP2 level during imp.") as implementation_label,
        label_code(labels, 'participation', "Invitation-only or open participation during dev. consultation")
            as development_participation,
        label_code(labels, 'participation', "Invitation-only or open participation during imp. consultation")
            as implementation_participation,
        label_code(labels, 'yes_no', "Step 1: Timeline and process: Prior availability") as timeline_available,
        label_code(labels, 'yes_no', "Step 2: Advance notice") as advance_notice,
        label_code(labels, 'yes_no', "Step 3: Awareness-raising activities") as awareness_raising,
        label_code(labels, 'yes_no', "Step 4: Online consultations") as online_consultation,
        label_code(labels, 'yes_no', "Step 5: In-person consultations") as in_person_consultation,
        label_code(labels, 'yes_no', "Step 6: Summary of comments") as summary_of_comments,
        label_code(labels, 'yes_no', "Consultation during action plan implementation (regular forum)") as regular_forum,
        label_code(labels, 'yes_no', "Was annual progress report published?") as self_assessment_published,
        label_code(labels, 'yes_no', "Was it done according to schedule?") as self_assessment_on_schedule,
        label_code(labels, 'flag', "Multi-agency (1) vs. Single (0)") as multi_agency,
        label_code(labels, 'flag', "Officially Mandated") as officially_mandated,
        label_code(labels, 'flag', "Legally mandated") as legally_mandated,
        label_code(labels, 'flag', "Change of executive") as change_of_executive,
        list_filter(flatten([[
            member_problem('Country name', "Country name", member_id, official_name, claimed_by),
            plan_number_problem('Action Plan Number', "Action Plan Number"),
            case when copy > 1 then problem('Action Plan Number', 'duplicate_row', 'quarantine', "Action Plan Number", null)
                when plan_id is not null and versions > 1
                then problem('Action Plan Number', 'plan_repeated', 'quarantine', "Action Plan Number", plan_id) end,
            case when _source_note is not null then problem(null, 'row_width', 'doubt', _source_note, null) end,
            case when plausible_year("Year AP Submitted") is null
                then problem('Year AP Submitted', 'year_unreadable', 'unreadable', "Year AP Submitted", null) end,
            label_problem(labels, 'IAP2 level during development', 'influence_level_label', "IAP2 level during development"),
            label_problem(labels, 'IAP2 level during imp.', 'influence_level_label', "IAP2 level during imp."),
            label_problem(labels, 'Invitation-only or open participation during dev. consultation', 'participation',
                          "Invitation-only or open participation during dev. consultation"),
            label_problem(labels, 'Invitation-only or open participation during imp. consultation', 'participation',
                          "Invitation-only or open participation during imp. consultation"),
            label_problem(labels, 'Step 1: Timeline and process: Prior availability', 'yes_no',
                          "Step 1: Timeline and process: Prior availability"),
            twin_problem(labels, 'Step 1: Timeline and process: Prior availability', 'yes_no',
                         "Step 1: Timeline and process: Prior availability", '_Timelineavailability', "_Timelineavailability"),
            label_problem(labels, 'Step 2: Advance notice', 'yes_no', "Step 2: Advance notice"),
            twin_problem(labels, 'Step 2: Advance notice', 'yes_no', "Step 2: Advance notice",
                         '_Advance notice', "_Advance notice"),
            label_problem(labels, 'Step 3: Awareness-raising activities', 'yes_no', "Step 3: Awareness-raising activities"),
            twin_problem(labels, 'Step 3: Awareness-raising activities', 'yes_no', "Step 3: Awareness-raising activities",
                         '_Awareness-Raising', "_Awareness-Raising"),
            label_problem(labels, 'Step 4: Online consultations', 'yes_no', "Step 4: Online consultations"),
            twin_problem(labels, 'Step 4: Online consultations', 'yes_no', "Step 4: Online consultations",
                         '_Online consultation', "_Online consultation"),
            label_problem(labels, 'Step 5: In-person consultations', 'yes_no', "Step 5: In-person consultations"),
            twin_problem(labels, 'Step 5: In-person consultations', 'yes_no', "Step 5: In-person consultations",
                         '_In-person consultations', "_In-person consultations"),
            label_problem(labels, 'Step 6: Summary of comments', 'yes_no', "Step 6: Summary of comments"),
            twin_problem(labels, 'Step 6: Summary of comments', 'yes_no', "Step 6: Summary of comments",
                         '_Summary of comments', "_Summary of comments"),
            label_problem(labels, 'Consultation during action plan implementation (regular forum)', 'yes_no',
                          "Consultation during action plan implementation (regular forum)"),
            twin_problem(labels, 'Consultation during action plan implementation (regular forum)', 'yes_no',
                         "Consultation during action plan implementation (regular forum)", '_Regular forum', "_Regular forum"),
            label_problem(labels, 'Was annual progress report published?', 'yes_no', "Was annual progress report published?"),
            twin_problem(labels, 'Was annual progress report published?', 'yes_no',
                         "Was annual progress report published?", '_Self assessment published', "_Self assessment published"),
            label_problem(labels, 'Was it done according to schedule?', 'yes_no', "Was it done according to schedule?"),
            label_problem(labels, 'Multi-agency (1) vs. Single (0)', 'flag', "Multi-agency (1) vs. Single (0)"),
            label_problem(labels, 'Officially Mandated', 'flag', "Officially Mandated"),
            label_problem(labels, 'Legally mandated', 'flag', "Legally mandated"),
            label_problem(labels, 'Change of executive', 'flag', "Change of executive")
        ],
        text_problems('Timeline: links', "Timeline: links"),
        text_problems('Awareness-raising activities: Links', "Awareness-raising activities: Links"),
        text_problems('Online consultations: Link', "Online consultations: Link"),
        text_problems('Summary of comments: Link', "Summary of comments: Link"),
        _corrections]), lambda p: p is not null) as found_problems
    from counted
    cross join reference._label_maps as labels
)
select
    * exclude (found_problems),
    is_refused(found_problems) as is_quarantined,
    problems_of_row(found_problems) as problems
from read_rows
