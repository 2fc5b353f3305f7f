-- One row per raw row of the commitment coding sheet: typed columns, the plan, and every problem found.
-- The identity is member, plan, commitment, product, report status and coder.
with
identified as (
    select
        fixed.*,
        names.member_id,
        names.official_name,
        names.claimed_by,
        whole_number("Action plan number") as plan_number,
        plan_id_of(names.member_id, whole_number("Action plan number")) as plan_id,
        without_float_artefact("Commitment ID") as commitment_reference,
        label_code(labels, 'irm_product', "IRM product") as product,
        label_code(labels, 'irm_report_status', "Report status") as report_status,
        tidy("Coded by") as coded_by,
        fold(tidy("Coded by")) as coder_key,
        read_date("Report date", null, false) as report_reading,
        read_date("Coded on", null, false) as coded_reading
    from staging._irm_report_commitments_corrected as fixed
    cross join reference._label_maps as labels
    left join staging.form_member_names as names on names.name_key = fold(fixed."Member")
),
counted as (
    select
        identified.*,
        coalesce(string_split(products.commitment_variables, '|'), []) as variables,
        row_number() over (partition by _source_file, _source_row_sha256 order by _source_row::bigint) as copy,
        count(distinct _source_row_sha256) over (
            partition by _source_file, plan_id, fold(commitment_reference), identified.product, report_status, coder_key
        ) as versions
    from identified
    left join reference.irm_products as products on products.product = identified.product
),
read_rows as (
    select
        _source_file,
        _source_row::integer as _source_row,
        _source_sha256,
        plan_id,
        counted.member_id,
        plan_number,
        commitment_reference,
        product,
        report_status,
        usable_date(report_reading) as report_date,
        case when usable_date(report_reading) is not null then report_reading.precision end as report_date_precision,
        label_code(labels, 'irm_yes_no', "Promising commitment") as promising,
        label_code(labels, 'irm_yes_no', "Verifiable") as verifiable,
        label_code(labels, 'irm_potential_impact', "Potential impact") as potential_impact,
        label_code(labels, 'irm_potential_for_results', "Potential for results") as potential_for_results,
        label_code(labels, 'irm_completion', "Completion") as completion,
        label_code(labels, 'irm_early_results', "Early results") as early_results,
        -- the labels of the two scales differ, so that a label tells its scale
        case
            when label_code(labels, 'irm_early_results', "Early results") is null then null
            when label_code(labels, 'early_results', "Early results") is not null then 'early_results'
            else 'diog'
        end as early_results_scale,
        coded_by,
        coder_key,
        usable_date(coded_reading) as coded_date,
        tidy("Report URL") as report_url,
        tidy("Page") as page,
        tidy("Quote") as quote,
        list_filter(flatten([[
            form_member_problem('Member', "Member", counted.member_id, official_name, counted.claimed_by),
            plan_number_problem('Action plan number', "Action plan number"),
            case when commitment_reference is null
                then problem('Commitment ID', 'commitment_missing', 'quarantine', "Commitment ID", null)
                when is_float_artefact("Commitment ID")
                then problem('Commitment ID', 'float_artefact', 'repair', "Commitment ID", commitment_reference)
                when looks_like_a_date("Commitment ID")
                then problem('Commitment ID', 'looks_like_a_date', 'doubt', "Commitment ID", commitment_reference)
                -- numbers such as 1.a are real in the older plans: such a row is kept, and told
                when commitment_reference(plan_id, "Commitment ID").id is null and plan_id is not null
                then problem('Commitment ID', 'commitment_unreadable', 'doubt', "Commitment ID", commitment_reference) end,
            other_member_problem('Commitment ID', commitment_reference, member_of_prefix, counted.member_id, 'quarantine'),
            case when product is null
                then problem('IRM product', 'product_unreadable', 'quarantine', "IRM product", null)
                else label_problem(labels, 'IRM product', 'irm_product', "IRM product") end,
            case when coded_by is null then problem('Coded by', 'coder_missing', 'quarantine', "Coded by", null) end,
            case when copy > 1 then problem('Coded by', 'duplicate_row', 'quarantine', "Coded by", null)
                when plan_id is not null and product is not null and coded_by is not null
                    and commitment_reference is not null and versions > 1
                then problem('Coded by', 'coding_repeated', 'quarantine', "Coded by",
                             plan_id || ' ' || commitment_reference || ' ' || product) end,
            case when _source_note is not null then problem(null, 'row_width', 'doubt', _source_note, null) end,
            label_problem(labels, 'Report status', 'irm_report_status', "Report status"),
            case when tidy("Report date") is not null
                then date_problem(labels, 'Report date', "Report date", report_reading) end,
            coded_cell_problem(labels, 'Promising commitment', 'irm_yes_no', "Promising commitment"),
            outside_product_problem(labels, 'Promising commitment', 'irm_yes_no', "Promising commitment", product,
                                    list_contains(variables, 'promising')),
            coded_cell_problem(labels, 'Verifiable', 'irm_yes_no', "Verifiable"),
            outside_product_problem(labels, 'Verifiable', 'irm_yes_no', "Verifiable", product,
                                    list_contains(variables, 'verifiable')),
            coded_cell_problem(labels, 'Potential impact', 'irm_potential_impact', "Potential impact"),
            outside_product_problem(labels, 'Potential impact', 'irm_potential_impact', "Potential impact", product,
                                    list_contains(variables, 'potential_impact')),
            coded_cell_problem(labels, 'Potential for results', 'irm_potential_for_results', "Potential for results"),
            outside_product_problem(labels, 'Potential for results', 'irm_potential_for_results',
                                    "Potential for results", product, list_contains(variables, 'potential_for_results')),
            coded_cell_problem(labels, 'Completion', 'irm_completion', "Completion"),
            outside_product_problem(labels, 'Completion', 'irm_completion', "Completion", product,
                                    list_has_any(variables, ['completion_progress', 'completion_end_of_term'])),
            coded_cell_problem(labels, 'Early results', 'irm_early_results', "Early results"),
            outside_product_problem(
                labels, 'Early results', 'irm_early_results', "Early results", product,
                list_contains(variables, case when label_code(labels, 'early_results', "Early results") is not null
                                             then 'early_results' else 'diog_overall' end))
        ],
        provenance_problems(labels, "Coded on", coded_reading, "Report URL", "Page", "Quote"),
        text_problems('Quote', "Quote"),
        _corrections]), lambda p: p is not null) as found_problems
    from counted
    cross join reference._label_maps as labels
    left join (select prefix as id_prefix, member_id as member_of_prefix from staging.commitment_prefixes) as prefixes
        on prefixes.id_prefix = commitment_prefix(commitment_reference)
),
judged as (
    select
        * exclude (found_problems),
        case
            when coalesce(promising, verifiable, potential_impact, potential_for_results, completion, early_results) is null
                then list_append(found_problems, problem(null, 'nothing_coded', 'doubt', null, null))
            else found_problems
        end as found_problems
    from read_rows
)
select
    * exclude (found_problems),
    is_refused(found_problems) as is_quarantined,
    problems_of_row(found_problems) as problems
from judged
