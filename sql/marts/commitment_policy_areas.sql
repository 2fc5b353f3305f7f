-- One row per commitment and policy area it is tagged with.
with
tags as (
    select * from staging.explorer_commitments_policy_areas
    union all
    select * from staging.master_commitments_policy_areas
)
select
    commitments.commitment_id,
    tags.policy_area,
    areas.policy_area_name,
    areas.parent as parent_policy_area
from marts.commitments as commitments
inner join marts.action_plans as plans using (plan_id)
inner join tags
    on tags.commitment_id = commitments.commitment_id and tags._source_file = plans.source_file
inner join reference.policy_areas as areas using (policy_area)
where tags.tag = 'yes'
order by commitments.commitment_id, tags.policy_area
