-- One row per commitment, outcome definition and who coded it: official outcomes, and those of analysts where
-- official data code nothing on that outcome.
with
official_values as (
    select commitment_id, is_relevant, 'potential_impact' as scale, potential_impact as code, null as assessment
    from marts.commitments
    union all
    select commitment_id, is_relevant, 'potential_for_results', potential_for_results, null
    from marts.commitments
    union all
    select commitment_id, is_relevant, 'completion', completion_latest, completion_basis
    from marts.commitments
    union all
    select commitment_id, is_relevant, 'diog', diog_overall, 'end_of_term'
    from marts.commitments
    union all
    select commitment_id, is_relevant, 'early_results', early_results, 'end_of_term'
    from marts.commitments
),
outcomes_of_scales as (
    select distinct scale, outcome
    from reference.outcome_definitions
),
officially_coded as (
    -- a withdrawn or unclear commitment is coded too: it stays outside the denominator
    select distinct official_values.commitment_id, outcomes_of_scales.outcome
    from official_values
    inner join outcomes_of_scales using (scale)
    where is_coded(official_values.code)
),
analyst_codings as (
    select
        commitment_id,
        agreed_value as code,
        case
            when variable in ('completion_progress', 'completion_end_of_term') then 'completion'
            when variable = 'diog_overall' then 'diog'
            else variable
        end as scale,
        case variable
            when 'completion_progress' then 'progress'
            when 'completion_end_of_term' then 'end_of_term'
            when 'diog_overall' then 'end_of_term'
            when 'early_results' then 'end_of_term'
        end as assessment
    from marts.irm_codings
    where is_commitment_loaded and status in ('agreed', 'single', 'disagreement')
    -- the latest completion: end of term whenever it was coded, also where its coders disagree
    qualify row_number() over (partition by commitment_id, scale order by assessment) = 1
),
analyst_values as (
    select
        codings.commitment_id,
        commitments.is_relevant,
        codings.scale,
        codings.code,
        codings.assessment
    from analyst_codings as codings
    inner join marts.commitments as commitments using (commitment_id)
    inner join outcomes_of_scales using (scale)
    anti join officially_coded
        on officially_coded.commitment_id = codings.commitment_id
        and officially_coded.outcome = outcomes_of_scales.outcome
),
coded_values as (
    select *, 'official' as coding_source from official_values
    union all
    select *, 'analyst' from analyst_values
)
select
    coded_values.commitment_id,
    definitions.outcome,
    definitions.definition,
    definitions.scale,
    list_contains(string_split(definitions.hit_codes, '|'), coded_values.code)
        and (not definitions.requires_relevant or coalesce(coded_values.is_relevant, false)) as is_hit,
    coded_values.code,
    coded_values.assessment,
    coded_values.coding_source
from coded_values
inner join reference.outcome_definitions as definitions using (scale)
where list_contains(string_split(definitions.assessed_codes, '|'), coded_values.code)
