-- One row per spelling of a member's name, folded for comparison: codes, official names, aliases, the member list.
with
members as (
    -- a member list may rename a member: its name is then the one shown
    select member_id, min(member_name) as member_name, min(member_type) as member_type
    from staging.member_list
    group by member_id
    union all
    select member_id, member_name, member_type
    from reference.members
    where member_id not in (select member_id from staging.member_list)
),
spellings as (
    select fold(member_name) as name_key, member_id, member_name from members
    union all
    select fold(member_id), member_id, member_name from members
    union all
    select fold(former.member_name), former.member_id, members.member_name
    from reference.members as former
    inner join members using (member_id)
    union all
    select fold(aliases.alias), aliases.member_id, members.member_name
    from reference.member_aliases as aliases
    inner join members using (member_id)
    union all
    select fold(unnest(listed.aliases)), listed.member_id, members.member_name
    from staging.member_list as listed
    inner join members using (member_id)
)
select
    spellings.name_key,
    -- a spelling that two members claim identifies neither
    case when count(distinct member_id) = 1 then min(member_id) end as member_id,
    min(spellings.member_name) as official_name,
    array_to_string(list_sort(list(distinct member_id)), ', ') as claimed_by,
    case when count(distinct member_id) = 1 then min(members.member_type) end as member_type
from spellings
inner join members using (member_id)
where name_key <> ''
group by name_key
order by name_key
