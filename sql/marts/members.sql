-- One row per member of the partnership: the reference table, extended or replaced by a member list.
-- Of a synthetic sample only the fictional members are members.
with
listed as (
    select
        listed.*,
        'member list: ' || listed._source_file as source_note
    from staging.member_list as listed
    inner join meta.sources as sources on sources.source_file = listed._source_file
    qualify row_number() over (
        partition by listed.member_id order by sources.released_date desc nulls last, listed._source_file
    ) = 1
),
in_releases as (
    -- a member that only a commitment release knows: OGP's own code names it
    select
        staged.member_id,
        coalesce(arg_max(staged.member_name, coalesce(sources.released_date, date '0001-01-01')), staged.member_id) as member_name,
        case when bool_or(staged.plan_kind = 'national') then 'national'
            when bool_or(staged.plan_kind in ('local', 'legacy_local')) then 'local' else 'other' end as member_type,
        any_value(coalesce(regions.region, staged.region)) as region,
        'commitment release: ' || min(staged._source_file) as source_note
    from staging.commitments as staged
    inner join meta.sources as sources on sources.source_file = staged._source_file
    left join reference.regions as regions on fold(regions.spelling) = fold(staged.region)
    where staged.member_id not in (select member_id from reference.members)
        and staged.member_id not in (select member_id from listed)
    group by staged.member_id
),
synthetic as (
    select coalesce(bool_or(is_synthetic), false) as is_synthetic
    from meta.sources
    where status = 'loaded'
),
latest_status as (
    select member_id, status, since
    from reference.member_status_history
    qualify row_number() over (partition by member_id order by since desc) = 1
),
facts as (
    select members.*, latest_status.status, latest_status.since as status_since
    from reference.members as members
    left join latest_status using (member_id)
    cross join synthetic
    where not synthetic.is_synthetic
)
-- where a list leaves a cell empty the fact of the reference table stands
select
    member_id,
    coalesce(listed.member_name, facts.member_name) as member_name,
    coalesce(listed.member_type, facts.member_type) as member_type,
    coalesce(listed.region, facts.region) as region,
    coalesce(listed.iso_alpha2, facts.iso_alpha2) as iso_alpha2,
    coalesce(listed.commitment_prefix, facts.commitment_prefix) as commitment_prefix,
    coalesce(listed.joined_year, facts.joined_year) as joined_year,
    coalesce(facts.is_founder, false) as is_founder,
    coalesce(listed.status, facts.status) as status,
    -- a status that the list gives stands with the list's date, given or not
    case when listed.status is not null then listed.status_since else facts.status_since end as status_since,
    concat_ws('; ', listed.source_note, facts.source_note) as source_note
from listed
full outer join facts using (member_id)
union all
select member_id, member_name, member_type, region, null, null, null, false, null, null, source_note
from in_releases
order by member_id
