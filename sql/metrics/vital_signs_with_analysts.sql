-- One row per outcome definition, stage and level of public influence: the figures with analysts' codings of IRM
-- reports where official data assess nothing. A variant of metrics.vital_signs, never the default.
select * exclude (coding)
from metrics._vital_signs
where coding = 'official_and_analyst'
order by outcome, definition, stage, level
