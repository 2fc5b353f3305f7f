-- One row per coding, stage and year of submission: national plans that meet OGP's minimum of public influence, involve
-- in development and inform in implementation. It applied to plans of 2017 to 2021; of others it is said whether they
-- would have met it.
with
counted as (
    select
        coding,
        stage,
        submitted_year,
        is_year_of_minimum(submitted_year) as minimum_applies,
        count(*) as plans_in_year,
        count(would_meet_2017_minimum) as plans_assessed,
        count(*) filter (where would_meet_2017_minimum) as plans_would_meet_2017_minimum
    from metrics._influence_by_year
    group by all
)
select
    *,
    shown_share(plans_would_meet_2017_minimum, plans_assessed, plans_assessed) as share_would_meet_2017_minimum,
    case when minimum_applies then plans_would_meet_2017_minimum end as plans_meeting_minimum,
    case when minimum_applies then shown_share(plans_would_meet_2017_minimum, plans_assessed, plans_assessed) end
        as share_meeting_minimum,
    plans_assessed < 3 as is_suppressed
from counted
order by coding, stage, submitted_year
