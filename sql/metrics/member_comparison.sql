-- One row per member and outcome definition: its share beside that of the other members of its region and of the world,
-- itself left out of both. National members are compared with national ones, local with local.
with
sums as (
    select
        *,
        sum(plans) over in_region - plans as region_plans,
        sum(commitments) over in_region - commitments as region_commitments,
        sum(hits) over in_region - hits as region_hits,
        count(*) filter (where commitments > 0) over in_region - (commitments > 0)::integer as region_members,
        sum(plans) over in_world - plans as world_plans,
        sum(commitments) over in_world - commitments as world_commitments,
        sum(hits) over in_world - hits as world_hits,
        count(*) filter (where commitments > 0) over in_world - (commitments > 0)::integer as world_members
    from metrics.outcomes_by_member
    window
        in_region as (partition by member_type, region, outcome, definition),
        in_world as (partition by member_type, outcome, definition)
),
shares as (
    select
        *,
        -- a member whose region is not known has no region to stand beside
        case when region is not null then shown_share(region_hits, region_commitments, region_plans) end
            as region_share,
        shown_share(world_hits, world_commitments, world_plans) as world_share
    from sums
)
select
    member_id,
    member_name,
    member_type,
    region,
    outcome,
    definition,
    is_default,
    plans,
    commitments,
    hits,
    share,
    is_suppressed,
    has_few_commitments,
    first_year,
    last_year,
    region_members,
    region_plans,
    region_commitments,
    region_hits,
    region_share,
    share - region_share as difference_from_region,
    world_members,
    world_plans,
    world_commitments,
    world_hits,
    world_share,
    share - world_share as difference_from_world
from shares
order by member_id, outcome, definition
