-- One row per staged commitment and policy area of the 2016 layout, whatever the tag says.
with
tags as (
    select _source_file, _source_row, header, tag
    from staging._explorer_commitments_corrected
    unpivot (tag for header in (columns(* exclude (
        _source_file, _source_row, _source_sha256, _source_row_sha256, _source_row_key, _source_note, _corrections
    ))))
    where header in (select header from staging._explorer_commitments_policy_tags)
),
-- two numbers are sorted in a third of the time of the three texts of the key, of which there are millions
placed as (
    select
        _source_file,
        _source_row,
        commitment_id,
        row_number() over (order by _source_file, commitment_id) as place
    from staging.explorer_commitments
),
readings as (
    select
        header,
        tag,
        policy_area,
        code,
        dense_rank() over (order by policy_area) as area_place
    from staging._explorer_commitments_policy_tags
)
select
    placed._source_file,
    placed._source_row,
    placed.commitment_id,
    readings.policy_area,
    readings.code as tag
from tags
inner join readings using (header, tag)
inner join placed using (_source_file, _source_row)
order by placed.place, readings.area_place
