-- One row per plan or commitment, IRM product and variable: what its coders read, and whether that is used.
with
considered as (
    -- where a final report of the product was coded, its drafts say no more
    select
        *,
        bool_or(is_final) over same_value as has_final,
        count_if(not is_final) over same_value as draft_codings
    from marts._irm_codings
    window same_value as (partition by plan_id, commitment_id, product, variable)
),
summed_up as (
    select
        plan_id,
        commitment_id,
        product,
        variable,
        any_value(is_commitment_loaded) as is_commitment_loaded,
        any_value(product_order) as product_order,
        any_value(is_of_product) as is_of_product,
        any_value(has_final) as is_final,
        any_value(draft_codings) as draft_codings,
        list(coded_by order by coder_key, value, _source_file, _source_row) as coders,
        list(value order by coder_key, value, _source_file, _source_row) as coded_values,
        count(distinct coder_key) as distinct_coders,
        count(distinct value) as distinct_values,
        min(value) as first_value,
        bool_and(coded_date is not null and report_url is not null and page is not null and quote is not null)
            as has_provenance,
        arg_min(report_url, (coder_key, value, _source_file, _source_row)) as report_url,
        arg_min(page, (coder_key, value, _source_file, _source_row)) as page,
        arg_min(quote, (coder_key, value, _source_file, _source_row)) as quote,
        max(report_date) as report_date,
        max(coded_date) as coded_date,
        max(source_release) as source_release
    from considered
    where is_final = has_final
    group by plan_id, commitment_id, product, variable
),
judged as (
    select
        *,
        case
            when not is_of_product then 'outside_product'
            when not is_final then 'draft_only'
            -- a later report speaks also where its coders disagree: an earlier one must not settle it
            when product_order < max(case when is_of_product and is_final then product_order end) over (
                partition by plan_id, commitment_id, variable
            ) then 'superseded'
            when distinct_values > 1 then 'disagreement'
            when distinct_coders > 1 then 'agreed'
            else 'single'
        end as status
    from summed_up
)
select
    plan_id,
    commitment_id,
    product,
    variable,
    status,
    case when status in ('agreed', 'single') then first_value end as agreed_value,
    coders,
    coded_values,
    is_final,
    draft_codings,
    is_commitment_loaded,
    has_provenance,
    report_url,
    page,
    quote,
    report_date,
    coded_date,
    source_release
from judged
order by plan_id, commitment_id, product, variable
