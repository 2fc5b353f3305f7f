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
in_releases as (
    -- a member that only a commitment release knows: OGP's own code names it
    select
        staged.member_id,
        arg_max(staged.member_name, coalesce(sources.released_date, date '0001-01-01')) as member_name,
        case when bool_or(staged.plan_kind = 'national') then 'national'
            when bool_or(staged.plan_kind in ('local', 'legacy_local')) then 'local' else 'other' end as member_type,
        any_value(staged.region) as region,
        'commitment release: ' || min(staged._source_file) as source_note
    from staging.commitments as staged
    inner join meta.sources as sources on sources.source_file = staged._source_file
    where staged.member_name is not null
        and staged.member_id not in (select member_id from reference.members)
        and staged.member_id not in (select member_id from listed)
    group by staged.member_id
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
select member_id, member_name, member_type, region, null, null, null, source_note
from in_releases
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
