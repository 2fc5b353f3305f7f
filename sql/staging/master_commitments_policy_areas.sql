-- One row per staged commitment and policy area of the commitments master, whatever the tag says.
with
tags as (
    select _source_file, _source_row, header, tag
    from staging._master_commitments_corrected
    unpivot (tag for header in (columns(* exclude (
        _source_file, _source_row, _source_sha256, _source_row_sha256, _source_row_key, _source_note, _corrections
    ))))
    where header in (select header from staging._master_commitments_policy_tags)
)
select
    commitments._source_file,
    commitments._source_row,
    commitments.commitment_id,
    readings.policy_area,
    readings.code as tag
from tags
inner join staging._master_commitments_policy_tags as readings using (header, tag)
inner join staging.master_commitments as commitments using (_source_file, _source_row)
order by commitments._source_file, commitments.commitment_id, readings.policy_area
