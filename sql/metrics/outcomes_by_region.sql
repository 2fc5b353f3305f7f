-- One row per type of member, region and outcome definition: commitments assessed and those that meet it.
select * exclude (grouping, group_code, answer), group_code as region
from metrics._outcomes_by_year
where grouping = 'region'
order by member_type, region, outcome, definition
