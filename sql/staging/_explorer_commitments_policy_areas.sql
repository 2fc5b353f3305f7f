-- One row per commitment row and policy column of the 2016 layout: the tag and whether it could be read.
with
tags as (
    select _source_file, _source_row, header, tag
    from staging._explorer_commitments_corrected
    unpivot (tag for header in (columns(* exclude (
        _source_file, _source_row, _source_sha256, _source_row_sha256, _source_row_key, _source_note, _corrections
    ))))
    where header in (select header_2016 from reference.policy_areas)
),
readings as (
    -- a few different texts stand in millions of cells
    select
        given.header,
        given.tag,
        policy_areas.policy_area,
        label_code(labels, 'flag', given.tag) as code,
        label_problem(labels, given.header, 'flag', given.tag) as problem
    from (select distinct header, tag from tags) as given
    inner join reference.policy_areas on policy_areas.header_2016 = given.header
    cross join reference._label_maps as labels
)
select
    tags._source_file,
    tags._source_row,
    readings.policy_area,
    readings.code as tag,
    readings.problem
from tags
inner join readings using (header, tag)
