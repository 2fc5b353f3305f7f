-- The members of the optional member list whose identity is known.
select * exclude (problems, is_quarantined)
from staging._member_list_parsed
where not is_quarantined
order by _source_file, _source_row
