-- One row per type of member, policy area and outcome definition. A commitment counts in each of its areas.
with
tags as (
    select _source_file, commitment_id, policy_area, tag from staging.explorer_commitments_policy_areas
    union all
    select _source_file, commitment_id, policy_area, tag from staging.master_commitments_policy_areas
),
tagging as (
    -- an area that a release does not have, or did not code for a plan, is not one the commitment lacks
    select
        members.member_type,
        tags.policy_area,
        count(*) filter (where tags.tag = 'yes') as commitments_tagged,
        count(*) filter (where tags.tag in ('yes', 'no')) as commitments_tag_known
    from tags
    inner join marts.commitments as commitments using (commitment_id)
    inner join marts.action_plans as plans
        on plans.plan_id = commitments.plan_id and plans.source_file = tags._source_file
    inner join marts.members as members on members.member_id = commitments.member_id
    where not plans.is_partial and plans.plan_kind is distinct from 'local'
    group by all
)
select
    cells.* exclude (grouping, group_code, answer),
    areas.policy_area,
    areas.policy_area_name,
    areas.parent as parent_policy_area,
    tagging.commitments_tag_known,
    tagging.commitments_tagged / tagging.commitments_tag_known as share_tagged
from metrics._outcomes_by_year as cells
inner join reference.policy_areas as areas on areas.policy_area = cells.group_code
inner join tagging on tagging.member_type = cells.member_type and tagging.policy_area = cells.group_code
where cells.grouping = 'policy_area'
order by cells.member_type, areas.policy_area, cells.outcome, cells.definition
