"""Builds `meta.problems`: the doubts that the private staging tables of every source hold, in one table."""

from __future__ import annotations

import duckdb

from ogp_pipeline.building import Workshop
from ogp_pipeline.models import Model
from ogp_pipeline.store import literal


def problems(connection: duckdb.DuckDBPyConnection, model: Model, workshop: Workshop) -> str:
    """One row per problem of a row, of a cell, or of a file as a whole.

    A private staging table of a source holds either `problems`, a list per row (`staging._<source>_parsed`), or
    `problem`, one per cell that stands apart; of a refused row only the reasons of its refusal are told.
    """
    parts = []
    for name in model.reads:
        source = workshop.catalog.source_of(name)
        if source is None:
            continue
        columns = {row[0] for row in connection.execute(f"describe {name}").fetchall()}
        if "problems" in columns:
            parts.append(
                f"select {literal(source)} as source, _source_file, _source_row, unnest(problems) as problem "
                f"from {name}"
            )
        elif "problem" in columns:
            parts.append(
                f"select {literal(source)} as source, _source_file, _source_row, problem from {name} "
                f"semi join (select * from staging._{source}_parsed where not is_quarantined) "
                "using (_source_file, _source_row) where problem is not null"
            )
    return f"""
        with row_problems as ({" union all ".join(parts)})
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
        select layout, source_file, null, null, 'encoding', 'repair', encoding, null
        from meta.sources
        where status = 'loaded' and encoding not in ('utf-8', 'utf-16')
        union all
        select layout, source_file, header_row, null, 'header_variant', 'repair', header_variants, null
        from meta.sources
        where status = 'loaded' and header_variants <> ''
        order by all
    """
