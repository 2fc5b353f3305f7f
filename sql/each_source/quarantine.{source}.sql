-- One refused row of raw.{source} each, verbatim, with the reasons for which its identity fails.
select
    refused.*,
    list_transform(
        parsed.problems,
        lambda p: p.rule || ': ' || p."column" || ' = ' || coalesce(p.original, '')
    ) as problems
from raw.{source} as refused
inner join staging._{source}_parsed as parsed
    on parsed._source_file = refused._source_file
    and parsed._source_row = refused._source_row
where parsed.is_quarantined
order by refused._source_file, refused._source_row
