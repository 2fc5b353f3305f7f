-- The rows of the source explorer_commitments whose identity is known.
select * exclude (problems, is_quarantined)
from staging._explorer_commitments_parsed
where not is_quarantined
order by _source_file, _source_row
