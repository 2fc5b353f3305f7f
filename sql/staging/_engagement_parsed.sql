-- One row per row of the engagement form: an initiative's period and numbers, and every problem found.
with
identified as (
    select
        fixed.*,
        names.member_id,
        names.official_name,
        names.claimed_by,
        tidy("Initiative") as initiative_name,
        read_date("First day of the call", null, false) as first_read,
        read_date("Last day of the call", null, true) as last_read,
        whole_number("Days") as given_days
    from staging._engagement_corrected as fixed
    left join staging.form_member_names as names on names.name_key = fold(fixed."Member")
),
dated as (
    select
        *,
        usable_date(first_read) as first_day,
        last_day_of(usable_date(last_read), last_read.precision) as last_day,
        case when first_read.precision = 'day' and last_read.precision = 'day'
            then usable_date(last_read) - usable_date(first_read) + 1 end as counted_days
    from identified
),
counted as (
    select
        *,
        row_number() over (partition by _source_file, _source_row_sha256 order by _source_row::bigint) as copy,
        count(distinct _source_row_sha256) over (
            partition by _source_file, member_id, fold(initiative_name), first_day
        ) as versions
    from dated
),
read_rows as (
    select
        _source_file,
        _source_row::integer as _source_row,
        _source_sha256,
        initiative_name as initiative,
        counted.member_id,
        case when whole_number("Plan number") between 1 and 99 then whole_number("Plan number") end as plan_number,
        plan_id_of(member_id, whole_number("Plan number")) as plan_id,
        case
            when regexp_full_match(tidy("Commitment ID"), 'AP_[A-Z]{3,4}\d{2}-.+') then tidy("Commitment ID")
            else ogp_commitment_id("Commitment ID")
        end as commitment_id,
        first_day,
        last_day,
        -- the days that are told count before those between the first and the last
        case when given_days > 0 then given_days when counted_days > 0 then counted_days end as days,
        read_count(labels, "Proposals received") as proposals_received,
        read_count(labels, "Proposals received") is not null and is_minimum_count("Proposals received")
            as proposals_received_is_minimum,
        read_count(labels, "Proposals taken up") as proposals_taken_up,
        read_count(labels, "Proposals taken up") is not null and is_minimum_count("Proposals taken up")
            as proposals_taken_up_is_minimum,
        tidy("URL") as url,
        list_filter(list_concat(_corrections, [
            form_member_problem('Member', "Member", counted.member_id, official_name, counted.claimed_by),
            case when initiative_name is null then problem('Initiative', 'initiative_missing', 'quarantine', null, null) end,
            case when copy > 1 then problem('Initiative', 'duplicate_row', 'quarantine', "Initiative", null)
                when member_id is not null and initiative_name is not null and versions > 1
                then problem('Initiative', 'initiative_repeated', 'quarantine', "Initiative", null) end,
            case when tidy("Plan number") is not null
                    and coalesce(whole_number("Plan number") not between 1 and 99, true)
                then problem('Plan number', 'plan_number_unreadable', 'unreadable', "Plan number", null) end,
            case when tidy("Commitment ID") is null
                then problem('Commitment ID', 'commitment_missing', 'unreadable', "Commitment ID", null)
                when ogp_commitment_id("Commitment ID") is null
                    and not regexp_full_match(tidy("Commitment ID"), 'AP_[A-Z]{3,4}\d{2}-.+')
                then problem('Commitment ID', 'commitment_id_unreadable', 'unreadable', "Commitment ID", null) end,
            other_member_problem('Commitment ID', "Commitment ID", member_of_prefix, counted.member_id, 'doubt'),
            date_problem(labels, 'First day of the call', tidy("First day of the call"), first_read),
            date_problem(labels, 'Last day of the call', tidy("Last day of the call"), last_read),
            case when last_day < first_day
                then problem('Last day of the call', 'period_reversed', 'doubt', "Last day of the call", null) end,
            case when tidy("Days") is not null and coalesce(given_days <= 0, true)
                then problem('Days', 'days_unreadable', 'unreadable', "Days", null)
                when given_days <> counted_days and counted_days > 0
                then problem('Days', 'days_disagree', 'doubt', "Days", counted_days || ' days between the first and the last')
            end,
            count_problem(labels, 'Proposals received', "Proposals received"),
            count_problem(labels, 'Proposals taken up', "Proposals taken up"),
            case when read_count(labels, "Proposals taken up") > read_count(labels, "Proposals received")
                    and not is_minimum_count("Proposals received")
                then problem('Proposals taken up', 'more_taken_up_than_received', 'doubt',
                             "Proposals taken up" || ' of ' || "Proposals received", null) end,
            case when _source_note is not null then problem(null, 'row_width', 'doubt', _source_note, null) end
        ]), lambda p: p is not null) as found_problems
    from counted
    cross join reference._label_maps as labels
    left join (select prefix as id_prefix, member_id as member_of_prefix from staging.commitment_prefixes) as prefixes
        on prefixes.id_prefix = commitment_prefix("Commitment ID")
)
select
    * exclude (found_problems),
    is_refused(found_problems) as is_quarantined,
    problems_of_row(found_problems) as problems
from read_rows
