-- One row per raw row: the fields of a member with every problem found in it.
with
read_rows as (
    select
        listed._source_file,
        listed._source_row,
        listed._source_sha256,
        upper(tidy(listed."Member ID")) as member_id,
        tidy(listed."Member name") as member_name,
        label_code(labels, 'member_type', listed."Member type") as member_type,
        coalesce(regions.region, tidy(listed."Region")) as region,
        list_filter(list_transform(string_split(coalesce(listed."Aliases", ''), '|'), lambda a: tidy(a)),
                    lambda a: a is not null) as aliases,
        plausible_year(listed."Joined year") as joined_year,
        label_code(labels, 'member_status', listed."Status") as status,
        case when regexp_full_match(trim(listed."Status since"), '\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?')
            then trim(listed."Status since") end as status_since,
        case when regexp_full_match(upper(trim(listed."ISO alpha-2")), '[A-Z]{2}')
            then upper(trim(listed."ISO alpha-2")) end as iso_alpha2,
        case when regexp_full_match(upper(trim(listed."Commitment prefix")), '[A-Z]{2,4}')
            then upper(trim(listed."Commitment prefix")) end as commitment_prefix,
        listed._corrections,
        tidy(listed."Region") as given_region,
        tidy(listed."Joined year") as given_joined_year,
        tidy(listed."Status") as given_status,
        tidy(listed."Status since") as given_status_since,
        tidy(listed."ISO alpha-2") as given_iso_alpha2,
        tidy(listed."Commitment prefix") as given_prefix,
        label_problem(labels, 'Member type', 'member_type', listed."Member type") as type_problem,
        label_problem(labels, 'Status', 'member_status', tidy(listed."Status")) as status_problem,
        count(*) over (partition by upper(tidy(listed."Member ID"))) as same_id
    from staging._member_list_corrected as listed
    cross join reference._label_maps as labels
    left join reference.regions as regions on fold(regions.spelling) = fold(listed."Region")
),
judged as (
    select
        * exclude (type_problem, status_problem, same_id, _corrections, given_region, given_joined_year, given_status,
                   given_status_since, given_iso_alpha2, given_prefix),
        list_filter(list_concat(_corrections, [
            case when not coalesce(regexp_full_match(member_id, '[A-Z]{3,4}'), false)
                then problem('Member ID', 'member_id_unreadable', 'quarantine', member_id, null) end,
            case when same_id > 1 then problem('Member ID', 'member_id_repeated', 'quarantine', member_id, null) end,
            case when member_name is null then problem('Member name', 'member_missing', 'quarantine', null, null) end,
            type_problem,
            case when given_region <> region then problem('Region', 'region_variant', 'repair', given_region, region)
                when given_region not in (select region from reference.regions)
                then problem('Region', 'region_unknown', 'doubt', given_region, region) end,
            case when given_joined_year is not null and joined_year is null
                then problem('Joined year', 'year_unreadable', 'unreadable', given_joined_year, null) end,
            status_problem,
            case when given_status_since is not null and status_since is null
                then problem('Status since', 'date_unreadable', 'unreadable', given_status_since, null) end,
            case when given_iso_alpha2 is not null and iso_alpha2 is null
                then problem('ISO alpha-2', 'code_unreadable', 'unreadable', given_iso_alpha2, null) end,
            case when given_prefix is not null and commitment_prefix is null
                then problem('Commitment prefix', 'code_unreadable', 'unreadable', given_prefix, null) end
        ]), lambda p: p is not null) as found_problems
    from read_rows
)
select
    * exclude (found_problems),
    is_refused(found_problems) as is_quarantined,
    problems_of_row(found_problems) as problems
from judged
