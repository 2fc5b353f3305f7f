-- One row: the labels of every code list as maps, by list and then by label.
with
verbatim_labels as (
    select
        list,
        map_from_entries(list((label, code) order by label)) as codes
    from reference.labels
    group by list
),
folded_labels as (
    select
        list,
        fold_label(label) as label_key,
        min(code) as code
    from reference.labels
    group by list, label_key
),
folded_lists as (
    select
        list,
        map_from_entries(list((label_key, code) order by label_key)) as codes
    from folded_labels
    group by list
),
numbered_codes as (
    select
        list,
        code,
        min(number) as number
    from reference.labels
    where number is not null
    group by list, code
),
numbered_lists as (
    select
        list,
        map_from_entries(list((code, number) order by code)) as numbers
    from numbered_codes
    group by list
)
select
    (select map_from_entries(list((list, codes) order by list)) from verbatim_labels) as verbatim,
    (select map_from_entries(list((list, codes) order by list)) from folded_lists) as folded,
    (select map_from_entries(list((list, numbers) order by list)) from numbered_lists) as numbers
