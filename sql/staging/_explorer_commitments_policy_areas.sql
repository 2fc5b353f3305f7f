-- One row per commitment row and policy column of the 2016 layout whose tag is repaired or cannot be read.
with
tags as (
    select _source_file, _source_row, header, tag
    from staging._explorer_commitments_corrected
    unpivot (tag for header in (columns(* exclude (
        _source_file, _source_row, _source_sha256, _source_row_sha256, _source_row_key, _source_note, _corrections
    ))))
    where header in (select header from staging._explorer_commitments_policy_tags where doubt is not null)
)
select
    tags._source_file,
    tags._source_row,
    readings.policy_area,
    readings.doubt as problem
from tags
inner join staging._explorer_commitments_policy_tags as readings using (header, tag)
where readings.doubt is not null
