"""`datapackage.json`: the CSV files of a release as a Frictionless Data Package.

https://specs.frictionlessdata.io: every file with its size, hash and schema; sources and licences as they are known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ogp_pipeline.dictionary import ColumnEntry, TableEntry
from ogp_pipeline.release.csv_files import DIALECT, field_type
from ogp_pipeline.release.facts import ReleaseFacts, SourceFact
from ogp_pipeline.store import sha256_of

TITLE = "Open Government Partnership: commitments, public influence and the figures of Vital Signs"
DESCRIPTION = (
    "Action plans, commitments and their assessments, read from the official files of the Open Government Partnership "
    "(OGP), with every doubt recorded, and the figures 4.3, 4.5 and 4.9 of Vital Signs computed from them. A level of "
    "public influence is associated with an outcome; nothing here shows a cause. The same tables are in parquet/ and, "
    "with comments, in ogp.duckdb. An empty cell is a missing value unless the column says otherwise in missingValues; "
    "codes such as not_reviewed, no_data and not_applicable are values and not missing."
)
LICENCE_PAGES = {
    "CC0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "CC-BY-4.0": "https://creativecommons.org/licenses/by/4.0/",
    "MIT": "https://opensource.org/license/mit",
}
UNCONFIRMED = "unconfirmed"
LICENCE_NOTE = (
    "No licence is named for the package as a whole: `sources` says what is known of each file. OGP's publications are "
    "CC BY 4.0; the licence of its databases is unconfirmed. Ask OGP before republishing what comes from them."
)


def data_package(
    facts: ReleaseFacts,
    tables: Sequence[TableEntry],
    files: Mapping[str, Path],
    missing_values: Mapping[str, Mapping[str, list[str]]],
) -> dict[str, Any]:
    """The descriptor. `files` are the CSV files and `missing_values` what means NULL in each column, by table."""
    package: dict[str, Any] = {
        "profile": "data-package",
        "name": "ogp-vital-signs-synthetic" if facts.is_synthetic else "ogp-vital-signs",
        "title": facts.marked(TITLE),
        "description": facts.marked(DESCRIPTION),
        "version": facts.release_id,
        "created": facts.published_at,
        "is_synthetic": facts.is_synthetic,
        "keywords": ["open government", "OGP", "action plans", "public participation"],
        "sources": [_source(source) for source in facts.sources if source.status == "loaded"],
        **_licences(facts.sources),
        "resources": [
            _resource(facts, table, files[table.name], missing_values[table.name], files) for table in tables
        ],
    }
    return package


def _source(source: SourceFact) -> dict[str, Any]:
    parts = (source.publisher or "publisher not stated", source.source_file)
    entry: dict[str, Any] = {"title": ": ".join(parts), "licence": source.licence or UNCONFIRMED}
    if source.url:
        entry["path"] = source.url
    if source.released_date:
        entry["version"] = source.released_date
    return entry


def _licences(sources: Sequence[SourceFact]) -> dict[str, Any]:
    """A licence of the whole only where every file has it."""
    named = {source.licence or UNCONFIRMED for source in sources if source.status == "loaded"}
    if len(named) == 1 and named <= LICENCE_PAGES.keys():
        (name,) = named
        return {"licenses": [{"name": name, "path": LICENCE_PAGES[name]}]}
    return {"licence_note": LICENCE_NOTE}


def _resource(
    facts: ReleaseFacts,
    table: TableEntry,
    path: Path,
    missing: Mapping[str, list[str]],
    files: Mapping[str, Path],
) -> dict[str, Any]:
    words = [table.description, table.grain]
    words += [f"Usage warning: {table.usage_warning}"] if table.usage_warning else []
    words += [f"Source: {table.source_rule}"] if table.source_rule else []
    return {
        "profile": "tabular-data-resource",
        "name": table.name,
        "path": f"{path.parent.name}/{path.name}",
        "title": facts.marked(table.name),
        "description": " ".join(words),
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": path.stat().st_size,
        "hash": f"sha256:{sha256_of(path)}",
        "dialect": DIALECT,
        "schema": _schema(table, missing, files),
    }


def _schema(table: TableEntry, missing: Mapping[str, list[str]], files: Mapping[str, Path]) -> dict[str, Any]:
    schema: dict[str, Any] = {"fields": [_field(column, missing[column.name]) for column in table.columns]}
    schema["missingValues"] = [""]
    if table.key:
        schema["primaryKey"] = list(table.key)
    foreign = [
        {"fields": [column.name], "reference": {"resource": column.references, "fields": [column.name]}}
        for column in table.columns
        if column.references in files
    ]
    return schema | ({"foreignKeys": foreign} if foreign else {})


def _field(column: ColumnEntry, missing: list[str]) -> dict[str, Any]:
    kind = field_type(column.type)
    constraints: dict[str, Any] = {"required": True} if column.is_required else {}
    if column.is_unique:
        constraints["unique"] = True
    if column.codes and kind == "string":
        constraints["enum"] = list(column.codes)
    said = {"unit": column.unit, "codes_in": column.codes_in, "source_rule": column.source_rule}
    return {
        "name": column.name,
        "type": kind,
        "description": column.description,
        **({"missingValues": missing} if missing != [""] else {}),
        **({"constraints": constraints} if constraints else {}),
        **{key: value for key, value in said.items() if value},
    }
