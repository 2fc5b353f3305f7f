-- One refused row of raw.explorer_commitments each, verbatim, with the reasons for which its identity fails.
select
    refused.*,
    list_transform(
        parsed.problems,
        lambda p: p.rule || ': ' || p."column" || ' = ' || coalesce(p.original, '')
    ) as problems
from raw.explorer_commitments as refused
inner join staging._explorer_commitments_parsed as parsed
    on parsed._source_file = refused._source_file
    and parsed._source_row = refused._source_row::integer
where parsed.is_quarantined
order by refused._source_file, parsed._source_row
