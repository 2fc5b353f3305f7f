-- One row per policy column and text of the commitments master: a few different texts stand in millions of cells.
with
given as (
    select distinct header, tag
    from staging._master_commitments_corrected
    unpivot (tag for header in (columns(* exclude (
        _source_file, _source_row, _source_sha256, _source_row_sha256, _source_row_key, _source_note, _corrections
    ))))
    where header in (select header_2024 from reference.policy_areas)
)
select
    given.header,
    given.tag,
    policy_areas.policy_area,
    label_code(labels, 'flag', given.tag) as code,
    label_problem(labels, given.header, 'flag', given.tag) as doubt
from given
inner join reference.policy_areas on policy_areas.header_2024 = given.header
cross join reference._label_maps as labels
