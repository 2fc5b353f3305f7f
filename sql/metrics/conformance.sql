-- One row per rule: how many of OGP's own derived values we reproduce, over all and over positives.
select
    rule,
    count(*) as rows_compared,
    count_if(agrees) as rows_agreeing,
    count_if(is_positive) as positives_compared,
    count_if(is_positive and agrees) as positives_agreeing
from metrics._conformance
group by rule
order by rule
