-- The rows of the source {source} whose identity is known.
select * exclude (problems, is_quarantined)
from staging._{source}_parsed
where not is_quarantined
order by _source_file, _source_row
