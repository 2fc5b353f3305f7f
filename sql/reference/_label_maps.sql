-- One row: the labels of every code list as maps, keyed `<list>|<label>`.
with
folded_labels as (
    select
        list || '|' || fold_label(label) as label_key,
        min(code) as code
    from reference.labels
    group by label_key
),
numbered_codes as (
    select
        list || '|' || code as code_key,
        min(number) as number
    from reference.labels
    where number is not null
    group by code_key
)
select
    (select map_from_entries(list((list || '|' || label, code) order by list, label)) from reference.labels) as verbatim,
    (select map_from_entries(list((label_key, code) order by label_key)) from folded_labels) as folded,
    (select map_from_entries(list((code_key, number) order by code_key)) from numbered_codes) as numbers
