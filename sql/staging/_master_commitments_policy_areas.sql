-- One row per commitment row and policy column of the commitments master: the tag and whether it could be read.
with
tags as (
    select _source_file, _source_row, header, tag
    from staging._master_commitments_corrected
    unpivot (tag for header in (columns(* exclude (
        _source_file, _source_row, _source_sha256, _source_row_sha256, _source_row_key, _source_note, _corrections
    ))))
)
select
    tags._source_file,
    tags._source_row,
    policy_areas.policy_area,
    label_code(labels, 'flag', tags.tag) as tag,
    label_problem(labels, tags.header, 'flag', tags.tag) as problem
from tags
inner join reference.policy_areas on policy_areas.header_2024 = tags.header
cross join reference._label_maps as labels
