-- One row per commitment and outcome definition on which it was assessed.
with
coded_values as (
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
)
select
    coded_values.commitment_id,
    definitions.outcome,
    definitions.definition,
    definitions.scale,
    list_contains(string_split(definitions.hit_codes, '|'), coded_values.code)
        and (not definitions.requires_relevant or coalesce(coded_values.is_relevant, false)) as is_hit,
    coded_values.code,
    coded_values.assessment
from coded_values
inner join reference.outcome_definitions as definitions using (scale)
where list_contains(string_split(definitions.assessed_codes, '|'), coded_values.code)
order by coded_values.commitment_id, definitions.outcome, definitions.definition
