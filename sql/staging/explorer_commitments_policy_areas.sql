-- One row per staged commitment and policy area of the 2016 layout, whatever the tag says.
select
    commitments._source_file,
    commitments._source_row,
    commitments.commitment_id,
    tags.policy_area,
    tags.tag
from staging.explorer_commitments as commitments
inner join staging._explorer_commitments_policy_areas as tags using (_source_file, _source_row)
order by commitments._source_file, commitments.commitment_id, tags.policy_area
