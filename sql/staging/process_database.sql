-- The rows of the source process_database whose identity is known.
select * exclude (problems, is_quarantined)
from staging._process_database_parsed
where not is_quarantined
order by _source_file, _source_row
