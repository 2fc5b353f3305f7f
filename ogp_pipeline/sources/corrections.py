"""Applies reference/corrections.csv to the raw rows of a source: known errors of official files, one cell each."""

from __future__ import annotations

import duckdb

from ogp_pipeline.building import Workshop
from ogp_pipeline.models import Model
from ogp_pipeline.store import literal, quoted


def corrected(connection: duckdb.DuckDBPyConnection, model: Model, workshop: Workshop) -> str:
    """The raw rows with their corrections applied; `_corrections` lists each as a problem of severity repair.

    A correction names its row by `_source_row_key` and is applied only while the cell still holds the wrong value
    it expects; `correction_is_stale` of the staging table says when it does not.

    Columns that only a file has stay in the raw table: one that is called `plan_id` or `problems` must not stand
    where a model looks for what it computed itself.
    """
    raw = next(read for read in model.reads if read.startswith("raw."))
    source = raw.removeprefix("raw.")
    here = tuple(workshop.catalog[raw].contract.columns)
    uncorrected = own = ", ".join(f"raw_rows.{quoted(name)}" for name in here)
    asked = connection.execute(
        "select distinct column_name from reference.corrections where source = ? order by all", [source]
    ).fetchall()
    columns = [name for (name,) in asked if name in here]
    if not columns:
        empty = 'struct("column" varchar, rule varchar, severity varchar, original varchar, used varchar)[]'
        return f"select {own}, []::{empty} as _corrections from {raw} as raw_rows"
    own = ", ".join(
        f"coalesce(_fixes[{literal(name)}].corrected, raw_rows.{quoted(name)}) as {quoted(name)}"
        if name in columns
        else f"raw_rows.{quoted(name)}"
        for name in here
    )
    return f"""
        with row_fixes as (
            select
                {{'file': raw_rows._source_file, 'row': raw_rows._source_row}} as place,
                map_from_entries(list(
                    (column_name, struct_pack(expected := expected_value, corrected := corrected_value))
                )) as fixes
            from {raw} as raw_rows
            inner join reference.corrections as corrections
                on corrections.source = {literal(source)}
                and corrections.row_key = raw_rows._source_row_key
                and corrections.expected_value = tidy(to_json(raw_rows) ->> corrections.column_name)
            group by all
        ),
        -- the rows stay in their order: a few are looked up, and none is joined
        fixes_of_rows as (
            select map_from_entries(list((place, fixes))) as of_rows
            from row_fixes
        ),
        fixed_rows as (
            select
                {uncorrected},
                fixes_of_rows.of_rows[{{'file': raw_rows._source_file, 'row': raw_rows._source_row}}] as _fixes
            from {raw} as raw_rows
            cross join fixes_of_rows
        )
        select
            {own},
            list_transform(coalesce(map_entries(_fixes), []), lambda entry:
                problem(entry.key, 'correction', 'repair', entry.value.expected, entry.value.corrected)
            ) as _corrections
        from fixed_rows as raw_rows
    """
