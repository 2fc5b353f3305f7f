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
pairs as (
    select
        learners.member_id,
        learners.policy_area,
        peers.member_id as peer_id,
        learners.commitments as own_commitments,
        peers.* exclude (member_id, policy_area),
        coalesce(own.region = other.region, false) as is_same_region,
        other.member_name as peer_name
    from in_areas as learners
    inner join in_areas as peers using (policy_area)
    inner join marts.members as own on own.member_id = learners.member_id
    inner join marts.members as other on other.member_id = peers.member_id
    where peers.member_id <> learners.member_id and len(peers.examples) > 0
),
ranked as (
    select
        *,
        row_number() over (
            partition by member_id, policy_area
            order by commitments_starred desc, commitments_complete desc, is_same_region desc, peer_id
        ) as peer_rank,
        count(*) over (partition by member_id, policy_area) as peers_found
    from pairs
)
select
    * exclude (examples, commitments),
    commitments as peer_commitments,
    array_to_string(examples[:3], ', ') as example_commitment_ids
from ranked
where peer_rank <= 10
order by member_id, policy_area, peer_id
