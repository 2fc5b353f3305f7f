-- One row per prefix of OGP's commitment ids: the member whose commitments it marks.
with
prefixes as (
    select coalesce(commitment_prefix, iso_alpha2) as prefix, member_id
    from reference.members
    union all
    select coalesce(commitment_prefix, iso_alpha2), member_id
    from staging.member_list
)
select
    prefix,
    -- a prefix that two members claim identifies neither
    case when count(distinct member_id) = 1 then min(member_id) end as member_id,
    array_to_string(list_sort(list(distinct member_id)), ', ') as claimed_by
from prefixes
where prefix is not null
group by prefix
order by prefix
