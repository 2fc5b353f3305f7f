-- One row per member and outcome definition. A member has few plans, so its share is given from the first assessed
-- commitment on, and has_few_commitments marks those that one commitment would move by more than ten points.
select
    cells.* exclude (grouping, group_code, answer, share, is_suppressed),
    members.member_id,
    members.member_name,
    members.region,
    cells.hits / nullif(cells.commitments, 0) as share,
    cells.commitments = 0 as is_suppressed,
    cells.commitments < 10 as has_few_commitments
from metrics._outcomes_by_year as cells
inner join marts.members as members on members.member_id = cells.group_code
where cells.grouping = 'member'
order by members.member_id, cells.outcome, cells.definition
