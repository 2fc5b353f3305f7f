-- One row per raw row of the plan coding sheet: typed columns, the plan, and every problem found.
-- The identity is member, plan, product, report status and coder: without a coder two codings could not be told apart.
with
identified as (
    select
        fixed.*,
        names.member_id,
        names.official_name,
        names.claimed_by,
        whole_number("Action plan number") as plan_number,
        plan_id_of(names.member_id, whole_number("Action plan number")) as plan_id,
        label_code(labels, 'irm_product', "IRM product") as product,
        label_code(labels, 'irm_report_status', "Report status") as report_status,
        tidy("Coded by") as coded_by,
        fold(tidy("Coded by")) as coder_key,
        read_date("Report date", null, false) as report_reading,
        read_date("Coded on", null, false) as coded_reading
    from staging._irm_report_plans_corrected as fixed
    cross join reference._label_maps as labels
    left join staging.form_member_names as names on names.name_key = fold(fixed."Member")
),
counted as (
    select
        identified.*,
        coalesce(list_contains(string_split(products.stages, '|'), 'development'), false) as is_on_development,
        coalesce(list_contains(string_split(products.stages, '|'), 'implementation'), false) as is_on_implementation,
        row_number() over (partition by _source_file, _source_row_sha256 order by _source_row::bigint) as copy,
        count(distinct _source_row_sha256) over (
            partition by _source_file, plan_id, identified.product, report_status, coder_key
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
        member_id,
        plan_number,
        product,
        report_status,
        usable_date(report_reading) as report_date,
        case when usable_date(report_reading) is not null then report_reading.precision end as report_date_precision,
        label_code(labels, 'irm_influence_level', "Level of public influence during development") as development_level,
        label_code(labels, 'irm_influence_level', "Level of public influence during implementation") as implementation_level,
        label_code(labels, 'irm_yes_no', "Minimum requirements met during development") as minimum_development,
        label_code(labels, 'irm_yes_no', "Minimum requirements met during implementation") as minimum_implementation,
        coded_by,
        coder_key,
        usable_date(coded_reading) as coded_date,
        tidy("Report URL") as report_url,
        tidy("Page") as page,
        tidy("Quote") as quote,
        list_filter(flatten([[
            form_member_problem('Member', "Member", member_id, official_name, claimed_by),
            plan_number_problem('Action plan number', "Action plan number"),
            case when product is null
                then problem('IRM product', 'product_unreadable', 'quarantine', "IRM product", null)
                else label_problem(labels, 'IRM product', 'irm_product', "IRM product") end,
            case when coded_by is null then problem('Coded by', 'coder_missing', 'quarantine', "Coded by", null) end,
            case when copy > 1 then problem('Coded by', 'duplicate_row', 'quarantine', "Coded by", null)
                when plan_id is not null and product is not null and coded_by is not null and versions > 1
                then problem('Coded by', 'coding_repeated', 'quarantine', "Coded by", plan_id || ' ' || product) end,
            case when _source_note is not null then problem(null, 'row_width', 'doubt', _source_note, null) end,
            label_problem(labels, 'Report status', 'irm_report_status', "Report status"),
            case when tidy("Report date") is not null
                then date_problem(labels, 'Report date', "Report date", report_reading) end,
            coded_cell_problem(labels, 'Level of public influence during development', 'irm_influence_level',
                               "Level of public influence during development"),
            outside_product_problem(labels, 'Level of public influence during development', 'irm_influence_level',
                                    "Level of public influence during development", product, is_on_development),
            coded_cell_problem(labels, 'Level of public influence during implementation', 'irm_influence_level',
                               "Level of public influence during implementation"),
            outside_product_problem(labels, 'Level of public influence during implementation', 'irm_influence_level',
                                    "Level of public influence during implementation", product, is_on_implementation),
            coded_cell_problem(labels, 'Minimum requirements met during development', 'irm_yes_no',
                               "Minimum requirements met during development"),
            outside_product_problem(labels, 'Minimum requirements met during development', 'irm_yes_no',
                                    "Minimum requirements met during development", product, is_on_development),
            coded_cell_problem(labels, 'Minimum requirements met during implementation', 'irm_yes_no',
                               "Minimum requirements met during implementation"),
            outside_product_problem(labels, 'Minimum requirements met during implementation', 'irm_yes_no',
                                    "Minimum requirements met during implementation", product, is_on_implementation)
        ],
        provenance_problems(labels, "Coded on", coded_reading, "Report URL", "Page", "Quote"),
        text_problems('Quote', "Quote"),
        _corrections]), lambda p: p is not null) as found_problems
    from counted
    cross join reference._label_maps as labels
),
judged as (
    select
        * exclude (found_problems),
        case
            when coalesce(development_level, implementation_level, minimum_development, minimum_implementation) is null
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
