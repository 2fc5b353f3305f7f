-- One row per outcome definition, stage and level of public influence: figures 4.3, 4.5 and 4.9, official coding only.
select * exclude (coding, plans_analyst_coded, commitments_analyst_coded)
from metrics._vital_signs
where coding = 'official'
order by outcome, definition, stage, level
