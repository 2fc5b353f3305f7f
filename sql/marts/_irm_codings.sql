-- One row per value that a coder read in a report: of two files the newer gives the coder's row.
with
releases as (
    select source_file, released_date, layout || ' ' || coalesce(released_date::varchar, 'undated') as source_release
    from meta.sources
    where status = 'loaded'
),
identified as (
    select plan_id, commitment_id
    from marts.commitments
),
numbered as (
    -- a number that two commitments of a plan carry names neither
    select plan_id, commitment_number, min(commitment_id) as commitment_id
    from marts.commitments
    group by plan_id, commitment_number
    having count(*) = 1
),
referred as (
    -- OGP's id, whatever its case, or a number; of an id of the 2016 release the number in it
    select
        *,
        case
            when regexp_full_match(commitment_reference, '[A-Za-z]{2,4}\d{4}') then upper(commitment_reference)
            when starts_with(commitment_reference, plan_id || '-') then commitment_reference
            else plan_id || '-' || commitment_reference
        end as written_id,
        case
            when starts_with(commitment_reference, plan_id || '-') then substr(commitment_reference, length(plan_id) + 2)
            else commitment_reference
        end as written_number
    from staging.irm_report_commitments
),
plan_rows as (
    select
        coded.* exclude (development_level, implementation_level, minimum_development, minimum_implementation),
        '' as commitment_id,
        null as is_commitment_loaded,
        [
            {'variable': 'development_level', 'value': development_level, 'stage': 'development'},
            {'variable': 'implementation_level', 'value': implementation_level, 'stage': 'implementation'},
            {'variable': 'minimum_development', 'value': minimum_development, 'stage': 'development'},
            {'variable': 'minimum_implementation', 'value': minimum_implementation, 'stage': 'implementation'}
        ] as cells
    from staging.irm_report_plans as coded
),
commitment_rows as (
    select
        coded.* exclude (commitment_reference, written_id, written_number, promising, verifiable, potential_impact,
                         potential_for_results, completion, early_results, early_results_scale),
        coalesce(by_id.commitment_id, by_number.commitment_id, coded.written_id) as commitment_id,
        coalesce(by_id.commitment_id, by_number.commitment_id) is not null as is_commitment_loaded,
        [
            {'variable': 'promising', 'value': promising, 'stage': null},
            {'variable': 'verifiable', 'value': verifiable, 'stage': null},
            {'variable': 'potential_impact', 'value': potential_impact, 'stage': null},
            {'variable': 'potential_for_results', 'value': potential_for_results, 'stage': null},
            {
                'variable': case
                    when list_contains(string_split(products.commitment_variables, '|'), 'completion_progress')
                        then 'completion_progress'
                    else 'completion_end_of_term'
                end,
                'value': completion,
                'stage': null
            },
            {
                'variable': case when early_results_scale = 'diog' then 'diog_overall' else 'early_results' end,
                'value': early_results,
                'stage': null
            }
        ] as cells
    from referred as coded
    inner join reference.irm_products as products on products.product = coded.product
    left join identified as by_id
        on by_id.plan_id = coded.plan_id and by_id.commitment_id = coded.written_id
    left join numbered as by_number
        on by_number.plan_id = coded.plan_id and by_number.commitment_number = coded.written_number
),
newest as (
    select coded.*, releases.source_release
    from (
        select * from plan_rows
        union all by name
        select * from commitment_rows
    ) as coded
    inner join releases on releases.source_file = coded._source_file
    qualify rank() over (
        partition by plan_id, commitment_id, product, report_status, coder_key
        order by releases.released_date desc nulls last, _source_file
    ) = 1
),
read_values as (
    select
        * exclude (cells),
        unnest(cells) as cell
    from newest
)
select
    read_values.plan_id,
    read_values.commitment_id,
    read_values.is_commitment_loaded,
    read_values.product,
    products.product_order,
    cell.variable,
    cell.value,
    coalesce(read_values.report_status = 'final', false) as is_final,
    list_contains(
        string_split(case when cell.stage is null then products.commitment_variables else products.stages end, '|'),
        coalesce(cell.stage, cell.variable)
    ) as is_of_product,
    read_values.report_date,
    read_values.coded_by,
    read_values.coder_key,
    read_values.coded_date,
    read_values.report_url,
    read_values.page,
    read_values.quote,
    read_values.source_release,
    read_values._source_file,
    read_values._source_row
from read_values
inner join reference.irm_products as products on products.product = read_values.product
where cell.value is not null
order by all
