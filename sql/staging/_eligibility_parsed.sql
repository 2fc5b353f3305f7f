-- One row per row of the eligibility form: the scores of a member in a year, and every problem found.
with
identified as (
    select fixed.*, names.member_id, names.official_name, names.claimed_by, names.member_type, plausible_year(fixed."Year") as score_year
    from staging._eligibility_corrected as fixed
    left join staging.form_member_names as names on names.name_key = fold(fixed."Member")
),
counted as (
    select
        *,
        row_number() over (partition by _source_file, _source_row_sha256 order by _source_row::bigint) as copy,
        count(distinct _source_row_sha256) over (partition by _source_file, member_id, score_year) as versions
    from identified
),
read_rows as (
    select
        _source_file,
        _source_row::integer as _source_row,
        _source_sha256,
        member_id,
        score_year as year,
        eligibility_score(labels, "Fiscal transparency score") as fiscal_transparency,
        eligibility_score(labels, "Access to information score") as access_to_information,
        eligibility_score(labels, "Asset disclosure score") as asset_disclosure,
        eligibility_score(labels, "Citizen engagement score") as citizen_engagement,
        label_code(labels, 'yes_or_no', "Values check passed") as values_check,
        tidy("Source URL") as url,
        list_filter(list_concat(_corrections, [
            form_member_problem('Member', "Member", member_id, official_name, claimed_by),
            case when member_type = 'local'
                then problem('Member', 'not_a_country', 'doubt', "Member", member_id) end,
            case when score_year is null then problem('Year', 'year_unreadable', 'quarantine', "Year", null) end,
            case when copy > 1 then problem('Member', 'duplicate_row', 'quarantine', "Member", null)
                when member_id is not null and score_year is not null and versions > 1
                then problem('Member', 'member_year_repeated', 'quarantine', "Member", null) end,
            eligibility_score_problem(labels, 'Fiscal transparency score', "Fiscal transparency score"),
            eligibility_score_problem(labels, 'Access to information score', "Access to information score"),
            eligibility_score_problem(labels, 'Asset disclosure score', "Asset disclosure score"),
            eligibility_score_problem(labels, 'Citizen engagement score', "Citizen engagement score"),
            label_problem(labels, 'Values check passed', 'yes_or_no', tidy("Values check passed")),
            case when len(list_filter(
                    ["Fiscal transparency score", "Access to information score", "Asset disclosure score",
                     "Citizen engagement score"],
                    lambda score: eligibility_score(labels, score) = 'not_applicable')) > rules.value
                then problem(null, 'too_many_not_applicable', 'doubt', null, 'the points are not computed') end,
            case when _source_note is not null then problem(null, 'row_width', 'doubt', _source_note, null) end
        ]), lambda p: p is not null) as found_problems
    from counted
    cross join reference._label_maps as labels
    cross join (select value from reference.eligibility_rules where rule = 'not_applicable_criteria') as rules
)
select
    * exclude (found_problems),
    is_refused(found_problems) as is_quarantined,
    problems_of_row(found_problems) as problems
from read_rows
