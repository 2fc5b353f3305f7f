-- One row per row of a government's self-assessment form: the milestone, its status, and every problem found.
with
identified as (
    select
        fixed.*,
        names.member_id,
        names.official_name,
        names.claimed_by,
        whole_number("Plan number") as plan_number,
        plan_id_of(names.member_id, whole_number("Plan number")) as plan_id,
        case
            when regexp_full_match(tidy("Commitment ID"), 'AP_[A-Z]{3,4}\d{2}-.+') then tidy("Commitment ID")
            else ogp_commitment_id("Commitment ID")
        end as given_id,
        without_float_artefact("Commitment number") as commitment_number,
        label_code(labels, 'self_assessment', "Self-assessment") as assessment,
        coalesce(tidy("Period"), '') as reporting_period,
        coalesce(tidy("Milestone or sub-commitment"), '') as item,
        label_code(labels, 'item_status', "Status of the milestone") as status,
        label_problem(labels, 'Status of the milestone', 'item_status', "Status of the milestone") as status_problem,
        read_date("Reported on", null, false) as reported
    from staging._self_assessment_corrected as fixed
    cross join reference._label_maps as labels
    left join staging.form_member_names as names on names.name_key = fold(fixed."Member")
),
keyed as (
    select
        * exclude (commitment_number),
        -- an id that cannot be read is no reason to take the number in its place
        case when tidy("Commitment ID") is null then commitment_number end as commitment_number,
        case when tidy("Commitment ID") is null then plan_id || '-' || commitment_number else given_id end as commitment_id
    from identified
),
counted as (
    select
        *,
        row_number() over (partition by _source_file, _source_row_sha256 order by _source_row::bigint) as copy,
        count(distinct _source_row_sha256) over (
            partition by _source_file, plan_id, commitment_id, assessment, reporting_period, fold(item)
        ) as versions
    from keyed
),
read_rows as (
    select
        _source_file,
        _source_row::integer as _source_row,
        _source_sha256,
        commitment_id,
        commitment_number,
        counted.member_id,
        plan_number,
        plan_id,
        assessment,
        reporting_period as period,
        item,
        status,
        tidy("Status of the milestone") as status_text,
        tidy("Progress made") as progress_text,
        tidy("Evidence") as evidence,
        tidy("Challenges met") as challenges,
        usable_date(reported) as reported_date,
        list_filter(flatten([[
            form_member_problem('Member', "Member", counted.member_id, official_name, counted.claimed_by),
            plan_number_problem('Plan number', "Plan number"),
            case when tidy("Commitment ID") is not null and given_id is null
                then problem('Commitment ID', 'commitment_id_unreadable', 'quarantine', "Commitment ID", null)
                when commitment_id is null and plan_id is not null
                then problem('Commitment ID', 'commitment_missing', 'quarantine', null, null) end,
            -- the id names the commitment; a number beside it is not needed, and told where it is none
            case when given_id is not null
                    and not regexp_full_match(without_float_artefact("Commitment number"), '[0-9]+([.-][0-9]+)*[A-Za-z]?')
                then problem('Commitment number', 'number_beside_id', 'doubt', "Commitment number", given_id) end,
            case when assessment is null
                then problem('Self-assessment', 'assessment_unreadable', 'quarantine', "Self-assessment", null) end,
            case when copy > 1
                then problem('Milestone or sub-commitment', 'duplicate_row', 'quarantine', item, null)
                when commitment_id is not null and assessment is not null and versions > 1
                then problem('Milestone or sub-commitment', 'milestone_repeated', 'quarantine', item, null) end,
            other_member_problem('Commitment ID', given_id, member_of_prefix, counted.member_id, 'quarantine'),
            case when starts_with(given_id, 'AP_') and not starts_with(given_id, plan_id || '-')
                then problem('Commitment ID', 'commitment_of_another_plan', 'doubt', "Commitment ID", plan_id) end,
            case when tidy("Status of the milestone") is null
                then problem('Status of the milestone', 'status_missing', 'unreadable', "Status of the milestone", null)
                else status_problem end,
            date_problem(labels, 'Reported on', nullif(trim("Reported on"), ''), reported),
            case when _source_note is not null then problem(null, 'row_width', 'doubt', _source_note, null) end
        ],
        text_problems('Progress made', "Progress made"),
        text_problems('Evidence', "Evidence"),
        text_problems('Challenges met', "Challenges met"),
        _corrections]), lambda p: p is not null) as found_problems
    from counted
    cross join reference._label_maps as labels
    left join (select prefix as id_prefix, member_id as member_of_prefix from staging.commitment_prefixes) as prefixes
        on prefixes.id_prefix = commitment_prefix(given_id)
)
select
    * exclude (found_problems),
    is_refused(found_problems) as is_quarantined,
    problems_of_row(found_problems) as problems
from read_rows
