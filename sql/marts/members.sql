-- One row per member of the partnership: the reference table, extended or replaced by a member list.
-- Of a synthetic sample only the fictional members are members.
with
listed as (
    select
        member_id,
        member_name,
        member_type,
        region,
        'member list: ' || _source_file as source_note
    from staging.member_list
    qualify row_number() over (partition by member_id order by _source_file) = 1
),
synthetic as (
    select coalesce(bool_or(is_synthetic), false) as is_synthetic
    from meta.sources
    where status = 'loaded'
)
select
    member_id,
    member_name,
    member_type,
    region,
    null as joined_year,
    null as status,
    null as status_since,
    source_note
from listed
union all
select
    members.member_id,
    members.member_name,
    members.member_type,
    members.region,
    members.joined_year,
    members.status,
    members.status_since,
    members.source_note
from reference.members
cross join synthetic
where not synthetic.is_synthetic
    and members.member_id not in (select member_id from listed)
order by member_id
