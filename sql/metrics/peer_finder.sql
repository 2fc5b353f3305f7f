-- One row per national member, policy area in which it has commitments, and peer: the ten other national members with
-- the most starred, then complete, commitments there.
with
national as (
    select
        commitments.*,
        coalesce(
            case completion_basis
                when 'end_of_term' then is_starred_current_end_of_term
                when 'progress' then is_starred_current_progress
            end,
            false
        ) as is_starred,
        coalesce(commitments.completion_latest = 'complete', false) as is_complete,
        plans.submitted_year
    from marts.commitments as commitments
    inner join marts.action_plans as plans using (plan_id)
    inner join marts.members as members on members.member_id = commitments.member_id
    -- no rates here: commitments of plans that are loaded in part can be learned from as well
    where members.member_type = 'national'
),
in_areas as (
    select
        national.member_id,
        areas.policy_area,
        count(*) as commitments,
        count(*) filter (where national.is_starred) as commitments_starred,
        count(*) filter (where national.is_complete) as commitments_complete,
        count(*) filter (where national.is_starred and national.is_complete) as commitments_starred_and_complete,
        list(
            national.commitment_id
            order by national.is_starred desc, national.is_complete desc, national.submitted_year desc nulls last,
                national.commitment_id
        ) filter (where national.is_starred or national.is_complete) as examples,
        max(national.submitted_year) filter (where national.is_starred or national.is_complete) as latest_year
    from national
    inner join marts.commitment_policy_areas as areas using (commitment_id)
    group by all
),
peers as (
    select
        in_areas.* rename (member_id as peer_id),
        members.member_name as peer_name,
        members.region as peer_region,
        count(*) over (partition by in_areas.policy_area) as peers_in_area
    from in_areas
    inner join marts.members as members on members.member_id = in_areas.member_id
    where len(in_areas.examples) > 0
),
learners as (
    select
        in_areas.member_id,
        in_areas.policy_area,
        in_areas.commitments as own_commitments,
        len(in_areas.examples) > 0 as is_peer,
        members.region
    from in_areas
    inner join marts.members as members on members.member_id = in_areas.member_id
),
-- the members of a region find the same peers, each but itself: one more than ten is enough for all of them
shortlists as (
    select
        regions.region,
        peers.*,
        coalesce(regions.region = peers.peer_region, false) as is_same_region
    from (select distinct region from learners) as regions
    cross join peers
    qualify row_number() over (
        partition by regions.region, peers.policy_area
        order by commitments_starred desc, commitments_complete desc, is_same_region desc, peer_id
    ) <= 11
),
ranked as (
    select
        learners.member_id,
        learners.own_commitments,
        shortlists.* exclude (region, peer_region, peers_in_area),
        row_number() over (
            partition by learners.member_id, learners.policy_area
            order by commitments_starred desc, commitments_complete desc, is_same_region desc, peer_id
        ) as peer_rank,
        shortlists.peers_in_area - coalesce(learners.is_peer, false)::integer as peers_found
    from learners
    inner join shortlists
        on shortlists.policy_area = learners.policy_area
        and shortlists.region is not distinct from learners.region
    where shortlists.peer_id <> learners.member_id
)
select
    * exclude (examples, commitments),
    commitments as peer_commitments,
    array_to_string(examples[:3], ', ') as example_commitment_ids
from ranked
where peer_rank <= 10
order by member_id, policy_area, peer_id
