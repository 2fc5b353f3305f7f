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
        tidy(listed."Region") as region,
        list_filter(list_transform(string_split(coalesce(listed."Aliases", ''), '|'), lambda a: tidy(a)),
                    lambda a: a is not null) as aliases,
        listed._corrections,
        label_problem(labels, 'Member type', 'member_type', listed."Member type") as type_problem,
        count(*) over (partition by upper(tidy(listed."Member ID"))) as same_id
    from staging._member_list_corrected as listed
    cross join reference._label_maps as labels
),
judged as (
    select
        * exclude (type_problem, same_id, _corrections),
        list_filter(list_concat(_corrections, [
            case when not coalesce(regexp_full_match(member_id, '[A-Z]{3,4}'), false)
                then problem('Member ID', 'member_id_unreadable', 'quarantine', member_id, null) end,
            case when same_id > 1 then problem('Member ID', 'member_id_repeated', 'quarantine', member_id, null) end,
            case when member_name is null then problem('Member name', 'member_missing', 'quarantine', null, null) end,
            type_problem
        ]), lambda p: p is not null) as found_problems
    from read_rows
)
select
    * exclude (found_problems),
    is_refused(found_problems) as is_quarantined,
    problems_of_row(found_problems) as problems
from judged
