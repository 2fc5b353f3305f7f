-- One row per type of member, OGP value, whether the commitment has it, and outcome definition. Commitments whose value
-- was not reviewed or not coded stand in neither group.
select * exclude (grouping, group_code), group_code as ogp_value
from metrics._outcomes_by_year
where grouping = 'ogp_value'
order by member_type, ogp_value, answer, outcome, definition
