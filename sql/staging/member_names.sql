-- One row per spelling of a member's name, folded for comparison: official names, aliases, the member list.
with
members as (
    select member_id, member_name from reference.members
    union
    select member_id, member_name from staging.member_list
),
spellings as (
    select fold(member_name) as name_key, member_id, member_name from members
    union all
    select fold(aliases.alias), aliases.member_id, members.member_name
    from reference.member_aliases as aliases
    inner join members using (member_id)
    union all
    select fold(unnest(aliases)), member_id, member_name from staging.member_list
)
select
    name_key,
    -- a spelling that two members claim identifies neither
    case when count(distinct member_id) = 1 then min(member_id) end as member_id,
    min(member_name) as official_name,
    array_to_string(list_sort(list(distinct member_id)), ', ') as claimed_by
from spellings
where name_key <> ''
group by name_key
order by name_key
