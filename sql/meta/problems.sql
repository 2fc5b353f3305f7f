-- One row per doubt about a value: repaired, doubted, unreadable, or the reason of a refused row.
with
row_problems as (
    select 'explorer_commitments' as source, _source_file, _source_row, unnest(problems) as problem
    from staging._explorer_commitments_parsed
    union all
    select 'explorer_commitments', _source_file, _source_row, problem
    from staging._explorer_commitments_policy_areas
    semi join staging.explorer_commitments using (_source_file, _source_row)
    where problem is not null
    union all
    select 'process_database', _source_file, _source_row, unnest(problems)
    from staging._process_database_parsed
    union all
    select 'member_list', _source_file, _source_row, unnest(problems)
    from staging._member_list_parsed
)
select
    source,
    _source_file as source_file,
    _source_row as source_row,
    problem."column" as "column",
    problem.rule as rule,
    problem.severity as severity,
    problem.original as original,
    problem.used as used
from row_problems
union all
select layout, source_file, null, null, 'encoding', 'repair', encoding, 'utf-8'
from meta.sources
where status = 'loaded' and encoding not in ('utf-8', 'utf-16')
union all
select layout, source_file, header_row, null, 'header_variant', 'repair', header_variants, null
from meta.sources
where status = 'loaded' and header_variants <> ''
order by all
