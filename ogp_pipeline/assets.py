"""The Dagster layer over the models: one asset per public table, and the release.

Thin: names, groups, links and metadata for people, and calls of the plain functions that do the work.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from typing import Any

import dagster as dg

from ogp_pipeline.ahead import Built, ahead_of_run, give_up, stop_ahead
from ogp_pipeline.ahead import build as build_step
from ogp_pipeline.building import SECONDS
from ogp_pipeline.checks import cell_text, check_results, check_specs, failing_rows
from ogp_pipeline.dagster_databases import keep_open
from ogp_pipeline.errors import OgpError
from ogp_pipeline.judging import judge
from ogp_pipeline.machine import told_as_machine_error
from ogp_pipeline.models import Catalog, Model
from ogp_pipeline.schedules import JOB_NAME
from ogp_pipeline.settings import Settings
from ogp_pipeline.store import Store

OWNERS = ["team:vital-signs"]
RELEASE = dg.AssetKey(["release", "ogp_duckdb"])
# One night and two hours for the run itself; a night that is missed and half a day to notice.
FRESHNESS = dg.FreshnessPolicy.time_window(warn_window=timedelta(hours=26), fail_window=timedelta(hours=36))
PREVIEW_ROWS = 10
GROUPS = {
    "reference": "reference",
    "raw": "ingest",
    "staging": "ingest",
    "quarantine": "ingest",
    "meta": "ingest",
    "marts": "marts",
    "metrics": "metrics",
}


class RunOptions(dg.ConfigurableResource):
    """What a run is allowed to do beyond the rules; set in the launchpad or by the command line.

    `accept` lets critical checks through by name, each with its reason: {"marts.x.check": "reason"}.
    """

    accept: dict[str, str] = {}  # noqa: RUF012 - a pydantic field, copied per instance
    replace_release: bool = False


def asset_key(name: str) -> dg.AssetKey:
    """`marts.commitments` -> `marts/commitments`."""
    return dg.AssetKey(name.split("."))


def table_assets(settings: Settings, catalog: Catalog) -> list[dg.AssetsDefinition]:
    """One definition per step of the catalog: the tables of one source together, marts and metrics one each."""
    return [_step(settings, catalog, step, models) for step, models in catalog.steps()]


def _step(settings: Settings, catalog: Catalog, step: str, models: tuple[Model, ...]) -> dg.AssetsDefinition:
    public = [model for model in models if not model.contract.private]
    inside = {model.name for model in models}

    @dg.multi_asset(
        name=step,
        specs=[_spec(model, catalog, inside) for model in public],
        check_specs=[spec for model in public for spec in check_specs(model)],
        can_subset=True,
    )
    def build(
        context: dg.AssetExecutionContext, options: RunOptions
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        keep_open(context.instance, context.run.run_id)
        selected = [model for model in public if asset_key(model.name) in context.selected_asset_keys]
        asked = context.selected_asset_check_keys
        store = Store(settings.tables_dir, catalog)
        checked = {check.asset_key for check in asked}
        with _failures_for_people(settings, step, context.run.run_id), _nothing_ahead_of_a_failure(context.run.run_id):
            ahead = None
            if _is_of_everything(context.run, catalog):
                ahead = ahead_of_run(context.run.run_id, settings, catalog, options.replace_release, step)
            built = ahead.take(step) if ahead else None
            with nullcontext() if built else judge() as one:
                built = built or build_step(
                    settings,
                    catalog,
                    one,
                    _with_private(models, selected),
                    [model for model in public if asset_key(model.name) in checked],
                    options.replace_release,
                )
                for model in public:
                    key = asset_key(model.name)
                    if model in selected:
                        yield dg.MaterializeResult(asset_key=key, metadata=_facts(store, model, built))
                    if key in checked:  # the checks of a table can be run without building it anew
                        names = {check.name for check in asked if check.asset_key == key}
                        results = check_results(model, built.verdicts[model.name]())
                        yield from (result for result in results if result.check_name in names)

    return build


def _is_of_everything(run: dg.DagsterRun, catalog: Catalog) -> bool:
    """It is the job that refreshes, which works in one process, with every table selected."""
    keys = {asset_key(model.name) for model in catalog.public}
    steps = {step for step, _ in catalog.steps()}
    return (
        run.job_name == JOB_NAME
        and (not run.asset_selection or keys <= run.asset_selection)
        and (not run.step_keys_to_execute or steps <= set(run.step_keys_to_execute))
    )


@contextmanager
def _nothing_ahead_of_a_failure(run_id: str) -> Iterator[None]:
    """Where a step fails, or the run is stopped, no other table is built before its own step is run."""
    try:
        yield
    except BaseException:
        give_up(run_id)
        raise


def _with_private(models: Sequence[Model], selected: Sequence[Model]) -> tuple[Model, ...]:
    """The selected models of a step, in order, with the private ones they are built through or that follow."""
    wanted = {model.name for model in selected}
    read_inside = {read for model in models for read in model.reads}
    for model in reversed(models):
        if model.name in wanted:
            wanted |= {other.name for other in models if other.contract.private and other.name in model.reads}
    # made for other steps: it follows what it is made of
    wanted |= {m.name for m in models if m.contract.private and m.name not in read_inside and wanted & set(m.reads)}
    return tuple(model for model in models if model.name in wanted)


def _spec(model: Model, catalog: Catalog, inside: set[str]) -> dg.AssetSpec:
    return dg.AssetSpec(
        key=asset_key(model.name),
        deps=[asset_key(read) for read in sorted(_public_reads(model, catalog, inside) - {model.name})],
        description=_description(model),
        group_name=GROUPS[model.schema],
        kinds={"duckdb", "sql" if model.sql else "python"},
        owners=OWNERS,
        code_version=model.code_hash[:12],
        metadata={
            "dagster/column_schema": _column_schema(model),
            "dagster/code_references": _links(model),
            "dagster/table_name": f"ogp.{model.name}",
        },
    )


def _description(model: Model) -> str:
    contract = model.contract
    words = [contract.description, f"**Grain:** {contract.grain}"]
    words += [f"**Before you use it:** {contract.usage_warning}"] if contract.usage_warning else []
    return "\n\n".join(words)


def _links(model: Model) -> dg.CodeReferencesMetadataValue:
    """Links from the asset's page to its SQL file and its contract."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)  # code references are beta in Dagster 1.13
        return dg.CodeReferencesMetadataValue(
            code_references=[
                dg.LocalFileCodeReference(file_path=str(path), line_number=1, label=path.name)
                for path in dict.fromkeys([model.path, model.contract_path])
            ]
        )


def _public_reads(model: Model, catalog: Catalog, inside: set[str]) -> set[str]:
    """The assets a table comes after. A private table stands for what it reads, or for the step it belongs to."""
    reads: set[str] = set()
    for name in model.comes_after:
        if not catalog[name].contract.private:
            reads.add(name)
        elif name in inside:
            reads |= _public_reads(catalog[name], catalog, inside)
        else:
            reads |= {other.name for other in catalog.step_of(name) if not other.contract.private}
    return reads


def _column_schema(model: Model) -> dg.TableSchema:
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=name,
                type=column.type,
                description=column.description,
                constraints=dg.TableColumnConstraints(
                    nullable=not (column.required or name in model.contract.key),
                    unique=column.unique or model.contract.key == (name,),
                ),
            )
            for name, column in model.contract.columns.items()
        ]
    )


def _facts(store: Store, model: Model, built: Built) -> dict[str, Any]:
    """What a materialisation records: numbers are drawn over time, the preview shows what was computed."""
    columns, rows = _columns_and_preview(store, model)
    state = built.states[model.name]
    facts: dict[str, Any] = {
        "dagster/row_count": state.rows,
        "columns": len(columns),
        SECONDS: round(built.seconds[model.name], 3),
        "fingerprint": state.fingerprint,
        "built from": dg.MetadataValue.json(state.inputs),
    }
    if model.contract.extras:  # columns that the contract does not name: those of this run's files
        facts["dagster/column_schema"] = dg.TableSchema(
            [dg.TableColumn(name, kind, description=_meaning(model, name)) for name, kind in columns]
        )
    if rows:
        names = [name for name, _ in columns]
        facts["preview"] = dg.MetadataValue.table(
            [dg.TableRecord(dict(zip(names, map(cell_text, row), strict=True))) for row in rows],
            schema=dg.TableSchema([dg.TableColumn(name, "string") for name in names]),
        )
    return facts


def _columns_and_preview(store: Store, model: Model) -> tuple[list[tuple[str, str]], list[tuple]]:
    """The columns of a table with their types, and the rows that are shown: the first ones of a metric."""
    if model.schema != "metrics" and not model.contract.extras:  # it holds what its contract says, and none is shown
        return [(name, column.type) for name, column in model.contract.columns.items()], []
    with store.session([model.name]) as connection:
        columns = connection.execute(f"describe {model.name}").fetchall()
        shown = connection.execute(f"from {model.name} limit {PREVIEW_ROWS if model.schema == 'metrics' else 0}")
        return [(name, kind) for name, kind, *_ in columns], shown.fetchall()


def _meaning(model: Model, column: str) -> str:
    promised = model.contract.columns.get(column)
    return promised.description if promised else "Verbatim text of the official file."


def release_asset(settings: Settings, catalog: Catalog) -> dg.AssetsDefinition:
    """The last asset: publishes `data/ogp.duckdb`, or refuses with every reason."""

    @dg.asset(
        key=RELEASE,
        deps=[asset_key(model.name) for model in catalog.public],
        group_name="release",
        kinds={"duckdb"},
        owners=OWNERS,
        freshness_policy=FRESHNESS,  # a night that changes nothing is a materialisation too
        description=(
            "The DuckDB file analysts open, replaced whole and only when every critical check of its candidate "
            "passes. Materialised alone it publishes what the working tables hold, or names what is stale."
        ),
    )
    def ogp_duckdb(context: dg.AssetExecutionContext, options: RunOptions) -> dg.MaterializeResult:
        from ogp_pipeline.control.hold import hold_words
        from ogp_pipeline.release.publish import publish

        keep_open(context.instance, context.run.run_id)
        with _failures_for_people(settings, "release.ogp_duckdb", context.run.run_id):
            stop_ahead()
            outcome = publish(settings, catalog, options.accept, options.replace_release, context.run.run_id)
            warned = [verdict for verdict in outcome.verdicts if not verdict.passed]
            return dg.MaterializeResult(
                metadata={
                    "status": outcome.status,
                    "release": outcome.release_id,
                    "SYNTHETIC": outcome.is_synthetic,
                    "path": dg.MetadataValue.path(str(outcome.database)),
                    "checks": len(outcome.verdicts),
                    **({"standing_still": dg.MetadataValue.json(list(outcome.still))} if outcome.still else {}),
                    **({"hold": hold_words(settings, outcome.hold)} if outcome.hold else {}),
                    **(_overview(settings, outcome.release_id) if outcome.release_id else {}),
                    **failing_rows(warned),
                }
            )

    return ogp_duckdb


def _overview(settings: Settings, release_id: str) -> dict[str, Any]:
    """Figures, changes, reach of the data and links of a release, as its page shows them."""
    from ogp_pipeline.release.figures import figure_tables
    from ogp_pipeline.release.overview import overview

    seen = overview(settings.database, settings.releases_dir / release_id)
    rows = [{name: cell_text(value) for name, value in row.items()} for row in seen.data_through]
    links = {f"open {name}": dg.MetadataValue.path(str(path)) for name, path in seen.places.items()}
    links |= {f"source of {layout}": dg.MetadataValue.url(address) for layout, address in seen.addresses.items()}
    return {
        "pictures": dg.MetadataValue.md(seen.pictures),
        "figures": dg.MetadataValue.md(figure_tables(settings.database)),
        "changes": dg.MetadataValue.md(seen.changes),
        "data_through": dg.MetadataValue.table(
            [dg.TableRecord(row) for row in rows],
            schema=dg.TableSchema([dg.TableColumn(name, "string") for name in (rows[0] if rows else ())]),
        ),
        **links,
    }


@contextmanager
def _failures_for_people(settings: Settings, asset: str, run_id: str) -> Iterator[None]:
    """Record why a step failed in `data/last_run.json` and show it in Dagster as a message, not a traceback."""
    try:
        with told_as_machine_error(settings.data_dir):
            yield
    except dg.Failure:
        raise
    except Exception as error:
        from ogp_pipeline.release.record import record_failure

        recorded = record_failure(settings, asset, error, run_id)
        if not isinstance(error, OgpError):
            raise  # a bug keeps its traceback
        refusing = [verdict for verdict in getattr(error, "verdicts", []) if verdict.refuses]
        raise dg.Failure(
            description=str(error) + ("" if recorded["is_recorded"] else f"\n{settings.last_run} cannot be written"),
            metadata={
                "status": recorded["status"],
                # as data, not as markup: reasons quote what stands in the files
                "reasons": dg.MetadataValue.json(error.problems),
                **failing_rows(refusing),
            },
            allow_retries=False,
        ) from error
