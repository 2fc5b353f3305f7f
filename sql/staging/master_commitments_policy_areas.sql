-- One row per staged commitment and policy area of the commitments master, whatever the tag says.
select
    commitments._source_file,
    commitments._source_row,
    commitments.commitment_id,
    tags.policy_area,
    tags.tag
from staging.master_commitments as commitments
inner join staging._master_commitments_policy_areas as tags using (_source_file, _source_row)
order by commitments._source_file, commitments.commitment_id, tags.policy_area
