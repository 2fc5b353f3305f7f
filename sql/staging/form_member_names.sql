-- One row per spelling by which a form may name a member: those of the reference and of member lists, and the codes
-- and names of members that only a loaded release of commitments knows.
with
new_members as (
    select
        member_id,
        coalesce(min(member_name), member_id) as official_name,
        case when bool_or(plan_kind in ('local', 'legacy_local')) then 'local' else 'national' end as member_type
    from staging.master_commitments
    where member_id not in (select member_id from staging.member_names where member_id is not null)
    group by member_id
),
new_spellings as (
    select fold(member_id) as name_key, member_id, official_name, member_type from new_members
    union
    select fold(official_name), member_id, official_name, member_type from new_members
)
select name_key, member_id, official_name, claimed_by, member_type
from staging.member_names
union all
select
    name_key,
    case when count(distinct member_id) = 1 then min(member_id) end,
    min(official_name),
    array_to_string(list_sort(list(distinct member_id)), ', '),
    case when count(distinct member_id) = 1 then min(member_type) end
from new_spellings
where name_key not in (select name_key from staging.member_names)
group by name_key
order by name_key
