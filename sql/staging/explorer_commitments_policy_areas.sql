-- One row per staged commitment and policy area whose tag says anything but no, of the 2016 layout.
select
    commitments._source_file,
    commitments._source_row,
    commitments.commitment_id,
    tags.policy_area,
    tags.tag
from staging.explorer_commitments as commitments
inner join staging._explorer_commitments_policy_areas as tags using (_source_file, _source_row)
where tags.tag is distinct from 'no'
order by commitments._source_file, commitments.commitment_id, tags.policy_area
