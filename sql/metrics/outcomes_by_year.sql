-- One row per type of member, year of submission and outcome definition: commitments assessed and those that meet it.
select
    * exclude (grouping, group_code, answer, first_year, last_year),
    group_code::integer as submitted_year
from metrics._outcomes_by_year
where grouping = 'year'
order by member_type, submitted_year, outcome, definition
