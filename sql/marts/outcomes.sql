-- One row per commitment and outcome definition on which it was officially assessed.
select * exclude (coding_source)
from marts._outcomes
where coding_source = 'official'
order by commitment_id, outcome, definition
