-- Functions the models share. They read no tables.

-- One doubt about one value of one row (meta.problems). Severities: repair (mended and used), doubt (used,
-- though the source contradicts itself), unreadable (became NULL), quarantine (the row was refused).
create or replace macro problem(column_name, rule, severity, original, used) as
    struct_pack("column" := column_name, rule := rule, severity := severity,
                original := original::varchar, used := used::varchar);

-- A row is refused when its identity fails, and only then. Of a refused row only the reasons are told: what
-- else is wrong in it touches no figure.
create or replace macro is_refused(problems) as
    len(list_filter(problems, lambda p: p.severity = 'quarantine')) > 0;
create or replace macro problems_of_row(problems) as
    case
        when is_refused(problems) then list_filter(problems, lambda p: p.severity = 'quarantine')
        else problems
    end;

-- Loss in bulk (the limits and how they were chosen: sql/each_source).
create or replace macro is_bulk_loss(unreadable, given, is_form) as
    case
        when is_form then unreadable >= 10 and unreadable > 0.50 * given
        else (unreadable >= 3 and unreadable > 0.05 * given) or (unreadable >= 2 and unreadable > 0.20 * given)
    end;
create or replace macro is_bulk_refusal(refused, raw_rows, is_form) as
    case
        when is_form then refused >= 10 and refused > 0.50 * raw_rows
        else refused > 3 and refused > 0.10 * raw_rows
    end;

-- Text as an analyst reads it: NBSP is a space, <br/> a line break, spaces collapsed, blank is NULL.
create or replace macro tidy(value) as
    nullif(trim(regexp_replace(regexp_replace(regexp_replace(
        value, '[\x{00A0}\x{2007}\x{202F}\t ]+', ' ', 'g'), '\r\n?', E'\n', 'g'), ' ?<br */?> ?', E'\n', 'gi'),
        E' \n'), '');

-- Text for comparison: case, accents, kinds of apostrophe and runs of white space do not matter.
create or replace macro fold(value) as
    trim(regexp_replace(replace(lower(strip_accents(value)), '’', ''''), '[\x{00A0}\x{2007}\x{202F}\s]+', ' ', 'g'));

-- A title for comparison: folded, and without the commitment's own number where the title begins with it, as half of
-- the titles of the 2016 release do (`3.2 Open data`, `Commitment 3.2: Open data`, `Measure n°3.2 - Open data`).
create or replace macro title_key(title, number) as
    coalesce(
        nullif(regexp_replace(
            fold(title),
            '^([a-z]+ )?(n[°o.]* ?)?' || regexp_escape(coalesce(fold(number), '-')) || ' ?[-–:.)]* ?', ''), ''),
        fold(title));

-- How alike two such titles are, 0 to 1: 1 less the share of characters to edit. Titles whose lengths differ by more
-- than a fifth cannot reach 0.8, below which nobody asks.
create or replace macro title_similarity(one, other) as
    case
        when one = other then 1.0
        when one is null or other is null
            or abs(len(one) - len(other)) > 0.2 * greatest(len(one), len(other)) then 0.0
        else 1 - levenshtein(one, other)::double / greatest(len(one), len(other))
    end::double;

-- A label for comparison: as fold, and without the prefix of the 2016 release (`c. Substantial`).
create or replace macro fold_label(value) as regexp_replace(fold(value), '^[a-z][.)] *', '');

-- The code of a label: verbatim first, else folded. `labels` is the row of reference._label_maps. The list comes first:
-- it is the same for all rows, so that only its own few labels are searched for each.
create or replace macro label_code(labels, list, value) as
    coalesce(labels.verbatim[list][value], labels.folded[list][fold_label(value)]);

create or replace macro label_problem(labels, column_name, list, value) as
    case
        when value is null or labels.verbatim[list][value] is not null then null
        when labels.folded[list][fold_label(value)] is not null
            then problem(column_name, 'label_variant', 'repair', value, labels.folded[list][fold_label(value)])
        when trim(value) = '' then problem(column_name, 'blank', 'unreadable', value, null)
        else problem(column_name, 'label_unknown', 'unreadable', value, null)
    end;

-- The numeric twin of a label is compared and never used in its place (DOMAIN.md section 3).
create or replace macro twin_problem(labels, column_name, list, value, twin_column, twin) as
    case
        when label_code(labels, list, value) is null or twin is null then null
        when labels.numbers[list][label_code(labels, list, value)] is null then null
        when labels.numbers[list][label_code(labels, list, value)] = trim(twin) then null
        else problem(twin_column, 'twin_disagrees', 'doubt', twin, column_name || ' = ' || value)
    end;

-- `Change In Completion` and its twin: the twin counts the steps between the two completions.
create or replace macro change_twin_problem(labels, label, twin, progress, end_of_term) as
    case
        when twin is null or label_code(labels, 'change_in_completion', label) is null then null
        when label_code(labels, 'change_in_completion', label) in ('no_data', 'not_reviewed', 'not_applicable') then
            case when trim(twin) <> trim(label)
                then problem('_ChangeCompletion', 'twin_disagrees', 'doubt', twin, 'Change In Completion = ' || label) end
        when whole_number(labels.numbers['completion'][label_code(labels, 'completion', end_of_term)])
            - whole_number(labels.numbers['completion'][label_code(labels, 'completion', progress)])
            = try_cast(trim(twin) as integer) then null
        else problem('_ChangeCompletion', 'twin_disagrees', 'doubt', twin, 'Change In Completion = ' || label)
    end;

-- `CL0070, CL0069` as the name of a cluster: its ids in order; NULL where there is none.
create or replace macro cluster_ids(value) as
    case when regexp_matches(value, '[A-Za-z]{2,4}\d{2,6}')
        then array_to_string(list_sort(list_distinct(regexp_extract_all(upper(value), '[A-Z]{2,4}\d{2,6}'))), ', ') end;

-- Every repair of a free text: a list, for a cell can need several.
create or replace macro text_problems(column_name, value) as [
    case when contains(value, chr(65533))
        then problem(column_name, 'replacement_character', 'doubt', left(value, 200), left(tidy(value), 200)) end,
    case when regexp_matches(value, '<br */?>', 'i')
        then problem(column_name, 'html_break', 'repair', left(value, 200), left(tidy(value), 200)) end,
    case when regexp_matches(value, '[\x{00A0}\x{2007}\x{202F}]')
        then problem(column_name, 'no_break_space', 'repair', left(value, 200), left(tidy(value), 200)) end
];

-- `2.2999999999999998` is commitment 2.3: what a spreadsheet made of a decimal.
create or replace macro is_float_artefact(value) as regexp_full_match(trim(value), '\d+\.\d{9,}');
create or replace macro without_float_artefact(value) as
    case
        when is_float_artefact(value)
            then regexp_replace(regexp_replace(format('{:.6f}', value::double), '0+$', ''), '\.$', '')
        else tidy(value)
    end;

-- A whole number written `2`, `2.0` or ` 2 `; NULL where it is anything else.
create or replace macro whole_number(value) as
    case when regexp_full_match(trim(value), '\d{1,9}(\.0+)?') then split_part(trim(value), '.', 1)::integer end;

-- Dates -------------------------------------------------------------------------------------------------
-- The two readings of `06/01/2014` and `6/1/14`; NULL where the text is no such date or the reading is no day.
create or replace macro full_year(digits) as
    case when length(digits) = 2 then 2000 + digits::integer when digits <> '' then digits::integer end;
create or replace macro date_numbers(value) as
    regexp_extract(trim(value), '^(\d{1,2})[/.-](\d{1,2})[/.-](\d{4}|\d{2})$', ['first', 'second', 'year']);
create or replace macro day_of(year, month, day) as
    try_cast(lpad(year::varchar, 4, '0') || '-' || lpad(month::varchar, 2, '0') || '-' || lpad(day::varchar, 2, '0') as date);
create or replace macro read_day_first(value) as
    day_of(full_year(date_numbers(value).year), date_numbers(value).second, date_numbers(value).first);
create or replace macro read_month_first(value) as
    day_of(full_year(date_numbers(value).year), date_numbers(value).first, date_numbers(value).second);
create or replace macro is_ambiguous_date(value) as
    coalesce(read_day_first(value) <> read_month_first(value), false);
-- What a date proves of the order its plan writes dates in.
create or replace macro date_order_proof(value) as
    case
        when read_day_first(value) is not null and read_month_first(value) is null then 'day_first'
        when read_month_first(value) is not null and read_day_first(value) is null then 'month_first'
    end;

-- The order that all certain dates of a plan prove; two orders in one plan prove nothing.
create or replace macro order_proved_by(plan_id, first_proof, last_proof) as
    case when plan_id is not null and first_proof = last_proof then first_proof end;

create or replace macro looks_like_a_date(value) as
    regexp_matches(trim(value), '^\d{1,2}[/.-]\d{1,2}[/.-]\d{4}$');

create or replace macro month_number(name) as
    list_position(['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
                  lower(left(name, 3)));
create or replace macro month_pattern() as
    '(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?';

-- A date text that names its month, tidy and in small letters: `jul-12`, `july 2020`, `30 june 2014`, `june 30, 2014`.
create or replace macro named_month(text) as
    regexp_extract(text, '^' || month_pattern() || '(?:[ ,/-]+(\d{4})| ?[-/’''](\d{2}))$', ['month', 'long', 'short']);
create or replace macro named_day(text) as
    regexp_extract(text, '^(\d{1,2})(?:st|nd|rd|th)?(?: of)?[ -]+' || month_pattern() || '[ ,-]+(\d{4}|\d{2})$',
                   ['day', 'month', 'year']);
create or replace macro named_month_day(text) as
    regexp_extract(text, '^' || month_pattern() || ' +(\d{1,2})(?:st|nd|rd|th)?[ ,]+(\d{4})$',
                   ['month', 'day', 'year']);

-- `Quarter 1 2014`, `Q1 2014`, `II quarter of 2019`, `2nd quarter 2015`, `2014 Q3`
create or replace macro quarter_parts(text) as
    case
        when regexp_matches(text, '^(?:quarter|q) ?[1-4],? (?:of )?\d{4}$')
            then regexp_extract(text, '^(?:quarter|q) ?([1-4]),? (?:of )?(\d{4})$', ['quarter', 'year'])
        when regexp_matches(text, '^\d{4},? ?q[1-4]$')
            then regexp_extract(regexp_replace(text, '^(\d{4}),? ?q([1-4])$', '\2 \1'), '^(\d) (\d{4})$', ['quarter', 'year'])
        else regexp_extract(text, '^(i|ii|iii|iv|1st|2nd|3rd|4th|first|second|third|fourth) quarter(?: of|,)? (\d{4})$', ['quarter', 'year'])
    end;
create or replace macro quarter_number(text) as
    case
        when text in ('1', 'i', '1st', 'first') then 1
        when text in ('2', 'ii', '2nd', 'second') then 2
        when text in ('3', 'iii', '3rd', 'third') then 3
        when text in ('4', 'iv', '4th', 'fourth') then 4
    end;

-- Years in which an action plan can start or end; anything else is a typing error.
create or replace macro is_plausible_year(year) as year between 2005 and 2045;
create or replace macro plausible_year(value) as
    case when is_plausible_year(whole_number(value)) then whole_number(value) end;
create or replace macro report_year_problem(labels, column_name, value) as
    case
        when value is null or plausible_year(value) is not null then null
        when label_code(labels, 'date_missing', value) is not null then null
        else problem(column_name, 'year_unreadable', 'unreadable', value, null)
    end;

-- The first day and the precision of a date text: {first_day, precision, rule}. `order_proved` is the order
-- that other dates of the plan prove; `rule` names what is unreadable or was repaired. DOMAIN.md section 11.
-- The two lists of one hold what is asked again and again: a macro's argument is written out wherever it is named.
create or replace macro read_date(value, order_proved, is_end) as
    list_transform(list_transform([date_numbers(value)], lambda numbers: {
        'trimmed': trim(value), 'tidied': tidy(value), 'small': lower(tidy(value)), 'year': numbers.year,
        'day_first': day_of(full_year(numbers.year), numbers.second, numbers.first),
        'month_first': day_of(full_year(numbers.year), numbers.first, numbers.second)
    }), lambda d:
    case
        -- 7/15/1905: the year 2023, typed into a cell that shows days since 1899-12-30 as dates
        when d.year = '1905'
                and is_plausible_year(coalesce(d.month_first, d.day_first) - date '1899-12-30') then {
            'first_day': day_of(coalesce(d.month_first, d.day_first) - date '1899-12-30', 1, 1),
            'precision': 'year', 'rule': 'year_as_date'}
        when regexp_matches(d.trimmed, '^1905-\d{2}-\d{2}') and is_plausible_year(try_cast(left(d.trimmed, 10) as date) - date '1899-12-30') then {
            'first_day': day_of(try_cast(left(d.trimmed, 10) as date) - date '1899-12-30', 1, 1),
            'precision': 'year', 'rule': 'year_as_date'}
        when d.year <> '' then {
            'first_day': case
                when d.day_first <> d.month_first and order_proved = 'day_first' then d.day_first
                when d.day_first <> d.month_first and order_proved = 'month_first' then d.month_first
                when d.day_first <> d.month_first and day(d.day_first) = 1 then d.day_first
                when d.day_first <> d.month_first and day(d.month_first) = 1 then d.month_first
                when d.day_first <> d.month_first then null
                else coalesce(d.day_first, d.month_first)
            end,
            'precision': 'day',
            'rule': case
                when d.day_first is null and d.month_first is null then 'date_impossible'
                else 'date_ambiguous'
            end}
        when regexp_matches(d.trimmed, '^\d{4}-\d{1,2}-\d{1,2}([ T]\d{2}:\d{2}(:\d{2})?(\.0+)?)?$') then {
            'first_day': day_of(split_part(d.trimmed, '-', 1), split_part(d.trimmed, '-', 2),
                                regexp_extract(split_part(d.trimmed, '-', 3), '^\d{1,2}')),
            'precision': 'day', 'rule': 'date_impossible'}
        when named_day(d.small).year <> '' then {
            'first_day': day_of(full_year(named_day(d.small).year), month_number(named_day(d.small).month), named_day(d.small).day),
            'precision': 'day', 'rule': 'date_impossible'}
        when named_month_day(d.small).year <> '' then {
            'first_day': day_of(full_year(named_month_day(d.small).year), month_number(named_month_day(d.small).month),
                                named_month_day(d.small).day),
            'precision': 'day', 'rule': 'date_impossible'}
        when named_month(d.small).month <> '' then {
            -- a year of two digits only behind a dash: `July 12` is no year
            'first_day': day_of(full_year(named_month(d.small).long || named_month(d.small).short), month_number(named_month(d.small).month), 1),
            'precision': 'month', 'rule': 'date_impossible'}
        when regexp_matches(d.trimmed, '^\d{1,2}[/.]\d{4}$') then {
            'first_day': day_of(right(d.trimmed, 4), regexp_extract(d.trimmed, '^\d{1,2}'), 1),
            'precision': 'month', 'rule': 'date_impossible'}
        when quarter_parts(d.small).year <> '' then {
            'first_day': day_of(quarter_parts(d.small).year, quarter_number(quarter_parts(d.small).quarter) * 3 - 2, 1),
            'precision': 'quarter', 'rule': 'date_impossible'}
        when regexp_matches(d.trimmed, '^\d{4}(\.0)?$') then {
            'first_day': day_of(left(d.trimmed, 4), 1, 1), 'precision': 'year', 'rule': 'date_impossible'}
        when regexp_matches(d.trimmed, '^[34]\d{4}(\.0+)?$') then {
            'first_day': date '1899-12-30' + left(d.trimmed, 5)::integer, 'precision': 'day', 'rule': 'excel_serial'}
        when regexp_matches(d.tidied, '^\d{4} ?[-–/] ?\d{4}$') then {
            'first_day': day_of(case when is_end then right(d.tidied, 4) else left(d.tidied, 4) end, 1, 1),
            'precision': 'year', 'rule': 'date_coarsened'}
        when regexp_matches(d.tidied, '^[^\d]*[^\d\s][^\d]*\b\d{4}$') then {
            'first_day': day_of(right(d.tidied, 4), 1, 1), 'precision': 'year', 'rule': 'date_coarsened'}
        else {'first_day': null::date, 'precision': null, 'rule': 'date_unreadable'}
    end)[1];

-- A period's last day, from its first day and its precision.
create or replace macro last_day_of(first_day, precision) as
    case precision
        when 'year' then (first_day + interval 1 year - interval 1 day)::date
        when 'quarter' then (first_day + interval 3 month - interval 1 day)::date
        when 'month' then (first_day + interval 1 month - interval 1 day)::date
        else first_day
    end;

-- Missing kinds: whether a code was given by a reviewer at all.
create or replace macro is_coded(code) as
    code is not null and code not in ('not_reviewed', 'no_data', 'not_applicable');

-- Identity ----------------------------------------------------------------------------------------------
create or replace macro member_of_plan_id(plan_id) as nullif(regexp_extract(plan_id, '^AP_([A-Z]{3,4})\d{2}$', 1), '');
create or replace macro plan_id_of(member_id, plan_number) as
    case when plan_number between 1 and 99 then 'AP_' || member_id || lpad(plan_number::varchar, 2, '0') end;
-- Why a row's member is not known, or a note that it was written by another name than the one shown.
-- `member_id`, `official_name` and `claimed_by` are those of staging.member_names for the folded value.
create or replace macro member_problem(column_name, value, member_id, official_name, claimed_by) as
    case
        when fold(coalesce(value, '')) = '' then problem(column_name, 'member_missing', 'quarantine', value, null)
        when claimed_by is null then problem(column_name, 'member_unknown', 'quarantine', value, null)
        when member_id is null then problem(column_name, 'member_claimed_twice', 'quarantine', value, claimed_by)
        when value <> official_name then problem(column_name, 'member_alias', 'repair', value, member_id)
    end;
create or replace macro plan_number_problem(column_name, value) as
    case
        when coalesce(whole_number(value) not between 1 and 99, true)
            then problem(column_name, 'plan_number_unreadable', 'quarantine', value, null)
        when value <> whole_number(value)::varchar
            then problem(column_name, 'number_variant', 'repair', value, whole_number(value))
    end;
-- OGP's own id of a commitment, `US0113`; NULL where the text is none.
create or replace macro ogp_commitment_id(value) as
    case when regexp_full_match(upper(trim(value)), '[A-Z]{2,4}\d{4}') then upper(trim(value)) end;
create or replace macro commitment_prefix_problem(column_name, commitment_id, member_id, claimed_by) as
    case
        when commitment_id is null or member_id is not null then null
        when claimed_by is null then problem(column_name, 'commitment_prefix_unknown', 'quarantine', commitment_id, null)
        else problem(column_name, 'commitment_prefix_claimed_twice', 'quarantine', commitment_id, claimed_by)
    end;
-- The letters of a commitment id that is OGP's own; NULL for a number in the plan. Whose they are: commitment_prefixes.
create or replace macro commitment_prefix(commitment_id) as
    nullif(regexp_extract(upper(trim(commitment_id)), '^([A-Z]{2,4})\d{2,6}$', 1), '');
create or replace macro other_member_problem(column_name, commitment_id, member_of_prefix, member_id, severity) as
    case when member_of_prefix <> member_id
        then problem(column_name, 'commitment_of_another_member', severity, commitment_id, member_of_prefix) end;
-- The number of the action plan in the path of a page, `/national-action-plan/5/US0113/`.
create or replace macro plan_number_in_path(path) as
    whole_number(nullif(regexp_extract(path, '/national-action-plan/(\d+)(/|$)', 1), ''));
-- `<plan_id>-<number>`, among repeats `-<k>`: DOMAIN.md section 1.
create or replace macro commitment_id_of(plan_id, number, rank_in_number, distinct_in_number) as
    plan_id || '-' || number || case when distinct_in_number > 1 then '-' || rank_in_number else '' end;

-- A date text read: its first day where the year can be that of an action plan.
create or replace macro usable_date(reading) as
    case when is_plausible_year(year(reading.first_day)) then reading.first_day end;
create or replace macro date_problem(labels, column_name, value, reading) as
    case
        when value is null or label_code(labels, 'date_missing', value) is not null then null
        when trim(value) = '' then problem(column_name, 'blank', 'unreadable', value, null)
        when reading.first_day is null then problem(column_name, reading.rule, 'unreadable', value, null)
        when not is_plausible_year(year(reading.first_day))
            then problem(column_name, 'date_implausible', 'unreadable', value, null)
        when reading.rule in ('excel_serial', 'date_coarsened', 'year_as_date')
            then problem(column_name, reading.rule, 'repair', value, reading.first_day)
    end;

-- A starred commitment meets all its criteria; NULL where one of them was not coded (DOMAIN.md section 3).
create or replace macro star(is_relevant, is_ambitious, is_mostly_done, is_verifiable) as
    case
        when is_relevant is null or is_ambitious is null or is_mostly_done is null or is_verifiable is null then null
        else is_relevant and is_ambitious and is_mostly_done and is_verifiable
    end;

-- Truth values of codes, for the comparison with OGP's own columns.
create or replace macro hits(code, hit_codes, miss_codes) as
    case when list_contains(hit_codes, code) then true when list_contains(miss_codes, code) then false end;
create or replace macro yes_as_boolean(code) as case code when 'yes' then true when 'no' then false end;
create or replace macro yes_no_text(value) as case when value then 'yes' when not value then 'no' end;
create or replace macro given_flag(code) as case when code in ('yes', 'no') then code end;
-- Any of the first three OGP values; NULL where they were not coded.
create or replace macro any_yes(first, second, third) as
    case
        when 'yes' in (first, second, third) then true
        when first = 'no' and second = 'no' and third = 'no' then false
    end;
-- Shares ------------------------------------------------------------------------------------------------
-- A share of the whole; under 3 plans it would point at single plans and is NULL (DOMAIN.md section 5).
create or replace macro shown_share(part, whole, plans) as
    case when plans >= 3 then part / nullif(whole, 0) end;
-- OGP's minimum of public influence applied to plans of these years (DOMAIN.md section 4).
create or replace macro is_year_of_minimum(year) as year between 2017 and 2021;

-- Cells of a form filled in by hand -----------------------------------------------------------------------
-- An empty cell of a coded column says that nothing was coded, and so do `NA` and the like, which are recorded.
create or replace macro coded_cell_problem(labels, column_name, list, value) as
    case
        when tidy(value) is null then null
        when label_code(labels, list, value) is null and label_code(labels, 'irm_not_coded', value) is not null
            then problem(column_name, 'not_coded', 'repair', value, null)
        else label_problem(labels, column_name, list, value)
    end;
-- A value that a report of its IRM product does not code (reference.irm_products): kept and listed, never used.
create or replace macro outside_product_problem(labels, column_name, list, value, product, is_of_product) as
    case
        when product is null or is_of_product or label_code(labels, list, value) is null then null
        else problem(column_name, 'product_does_not_code', 'doubt', value, 'not used: a ' || product || ' does not code it')
    end;
-- Who coded it, where and when: what is missing is listed, and the coding counts all the same.
create or replace macro provenance_problems(labels, coded_on, coded_on_reading, report_url, page, quote) as [
    case when tidy(coded_on) is null or label_code(labels, 'date_missing', coded_on) is not null
        then problem('Coded on', 'provenance_missing', 'doubt', coded_on, null)
        else date_problem(labels, 'Coded on', coded_on, coded_on_reading) end,
    case when tidy(report_url) is null then problem('Report URL', 'provenance_missing', 'doubt', report_url, null)
        when not regexp_matches(tidy(report_url), '^https?://[^\s/]+\.\S+$', 'i')
        then problem('Report URL', 'url_form', 'doubt', report_url, tidy(report_url)) end,
    case when tidy(page) is null then problem('Page', 'provenance_missing', 'doubt', page, null) end,
    case when tidy(quote) is null then problem('Quote', 'provenance_missing', 'doubt', quote, null) end
];

-- A form asks for the code of a member or for its name: the code is no other name that was mended.
create or replace macro form_member_problem(column_name, value, member_id, official_name, claimed_by) as
    case
        when value = member_id then null
        else member_problem(column_name, value, member_id, official_name, claimed_by)
    end;

-- Deadlines are counted in days: a date in a form is used only where it is one day and can be read one way, for
-- a guess would make a report late that was not (DOMAIN.md section 7).
create or replace macro certain_day(value, order_proved, reading) as
    case
        when reading.precision = 'day' and (order_proved is not null or not is_ambiguous_date(value))
            then usable_date(reading)
    end;
create or replace macro certain_day_problem(labels, column_name, value, order_proved, reading) as
    case
        when order_proved is null and is_ambiguous_date(value)
            then problem(column_name, 'date_ambiguous', 'unreadable', value, null)
        when usable_date(reading) is not null and reading.precision <> 'day'
            then problem(column_name, 'date_not_to_the_day', 'unreadable', value, null)
        else date_problem(labels, column_name, value, reading)
    end;

-- A commitment as a form names it: OGP's id, or its number in the plan (alone or behind the plan's id). The id and
-- which of the two it came from; NULLs where it is neither.
create or replace macro commitment_reference(plan_id, value) as
    case
        when regexp_full_match(upper(tidy(value)), '[A-Z]{2,4}\d{4}')
            then {'id': upper(tidy(value)), 'number': null::varchar, 'basis': 'ogp_id'}
        when regexp_full_match(
            regexp_replace(without_float_artefact(value), '^' || plan_id || '-', '', 'i'), '[1-9]\d{0,2}([.]\d{1,2})?')
            then {
                'id': plan_id || '-' || regexp_replace(
                    regexp_replace(without_float_artefact(value), '^' || plan_id || '-', '', 'i'), '[.]0+$', ''),
                'number': regexp_replace(
                    regexp_replace(without_float_artefact(value), '^' || plan_id || '-', '', 'i'), '[.]0+$', ''),
                'basis': 'number_in_plan'}
        else {'id': null::varchar, 'number': null::varchar, 'basis': null::varchar}
    end;
create or replace macro commitment_reference_problem(column_name, value, plan_id, reference) as
    case
        when tidy(value) is null then problem(column_name, 'commitment_missing', 'quarantine', value, null)
        when reference.id is null and plan_id is null then null
        when reference.id is null then problem(column_name, 'commitment_unreadable', 'quarantine', value, null)
        when trim(value) not in (reference.id, coalesce(reference.number, ''))
            then problem(column_name, 'number_variant', 'repair', value, reference.id)
    end;

-- A cell of a form that its meaning asks for and that is empty.
create or replace macro answer_missing(column_name, value) as
    case when value is null then problem(column_name, 'answer_missing', 'doubt', null, null) end;

-- Core eligibility: points from 0 to 4, or not_applicable (DOMAIN.md section 9).
create or replace macro eligibility_score(labels, value) as
    coalesce(label_code(labels, 'eligibility_score', whole_number(value)::varchar),
             label_code(labels, 'eligibility_score', value));
create or replace macro eligibility_score_problem(labels, column_name, value) as
    case
        when coalesce(trim(value), '') = '' then problem(column_name, 'score_missing', 'unreadable', value, null)
        when eligibility_score(labels, value) is null then problem(column_name, 'score_unreadable', 'unreadable', value, null)
        when whole_number(value)::varchar <> value
            then problem(column_name, 'number_variant', 'repair', value, whole_number(value))
    end;

-- A count as people write it: `180,705`, `180 705`, `more than 1,700`, `1700+`. The words that make it a minimum are
-- labels of the list `minimum_words`.
create or replace macro count_parts(value) as
    regexp_extract(fold(value), '^([^0-9]*)([0-9][0-9,.'' ]*)(\+?)$', ['words', 'digits', 'plus']);
create or replace macro digits_number(digits) as
    case
        when regexp_full_match(digits, '\d{1,3}([,.'' ]\d{3}){1,4}') then regexp_replace(digits, '\D', '', 'g')::bigint
        when regexp_full_match(digits, '\d{1,15}(\.0{1,2})?') then split_part(digits, '.', 1)::bigint
    end;
create or replace macro is_minimum_count(value) as
    count_parts(value).plus <> '' or trim(count_parts(value).words) <> '';
create or replace macro read_count(labels, value) as
    case
        when trim(count_parts(value).words) = ''
            or label_code(labels, 'minimum_words', trim(count_parts(value).words)) is not null
            then digits_number(trim(count_parts(value).digits))
    end;
create or replace macro count_problem(labels, column_name, value) as
    case
        when tidy(value) is null then problem(column_name, 'count_missing', 'unreadable', value, null)
        when read_count(labels, value) is null then problem(column_name, 'count_unreadable', 'unreadable', value, null)
    end;

-- Numbers as a title or a sentence writes them. A share that is not all or nothing is not rounded to it.
create or replace macro percent(share) as
    case
        when share > 0 and share < 0.005 then 'under 1 %'
        when share < 1 and share >= 0.995 then 'over 99 %'
        else round(100 * share)::bigint || ' %'
    end;
create or replace macro counted(number, noun) as
    format('{:,}', number::bigint) || ' ' || noun || case when number = 1 then '' else 's' end;
create or replace macro year_span(first_year, last_year) as
    case when first_year = last_year then first_year::varchar else first_year || '-' || last_year end;
