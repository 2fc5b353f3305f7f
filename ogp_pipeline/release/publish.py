"""The only gate: a candidate is built beside the current release, audited, and renamed over it."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from ogp_pipeline.aside import aside
from ogp_pipeline.control.hold import Hold, forget_waiting, standing_hold
from ogp_pipeline.errors import PublishRefusedError
from ogp_pipeline.locking import only_writer
from ogp_pipeline.models import Catalog
from ogp_pipeline.quality import Verdict
from ogp_pipeline.release.audit import accept, audit, check_names_exist
from ogp_pipeline.release.candidate import build_tables_of_release, finish, release_row
from ogp_pipeline.release.change_causes import made_now
from ogp_pipeline.release.change_words import write_changes
from ogp_pipeline.release.changes import ChangeCounts, record_changes
from ogp_pipeline.release.current import (
    Release,
    comparable_release,
    current_release,
    refuse_mixing,
)
from ogp_pipeline.release.exports import write_exports
from ogp_pipeline.release.held import leave_waiting
from ogp_pipeline.release.manifest import write_manifest
from ogp_pipeline.release.moments import moment_of_release
from ogp_pipeline.release.record import record_run
from ogp_pipeline.release.retention import remove_releases, remove_what_is_old
from ogp_pipeline.release.rhythm import standing_still
from ogp_pipeline.release.soundness import refuse_unsound
from ogp_pipeline.release.workplace import let_be_current, remove_candidates, workplace
from ogp_pipeline.report import prepare_report, write_report
from ogp_pipeline.settings import PACKAGE_DIR, Settings
from ogp_pipeline.sources.folders import remember_sources, working_sources
from ogp_pipeline.store import Store, TableState, literal, sha256_of

# those whose version can change what a release holds
PACKAGES = (
    "ogp-pipeline",
    "duckdb",
    "dagster",
    "great-expectations",
    "pandas",
    "openpyxl",
    "pydantic",
    "pyyaml",
    "httpx",
    "altair",
    "vl-convert-python",
    "scipy",
    "statsmodels",
)


@dataclass(frozen=True)
class Outcome:
    """What publishing did. `status` is published, unchanged or held (checked and left, because a hold stands).

    `release_id` is the release that is current now; None where there is none.
    """

    status: str
    release_id: str | None
    is_synthetic: bool
    database: Path
    verdicts: Sequence[Verdict]
    counts: Mapping[str, int] = field(default_factory=dict)
    changes: ChangeCounts = field(default_factory=ChangeCounts)
    hold: Hold | None = None
    still: Sequence[str] = ()  # the sources that have stood still for longer than their rhythm, one sentence each


class CandidateRefusedError(PublishRefusedError):
    """The audit refused the candidate; `verdicts` are all of its checks."""

    def __init__(self, verdicts: Sequence[Verdict]) -> None:
        self.verdicts = list(verdicts)
        refusing = [verdict for verdict in verdicts if verdict.refuses]
        advice = "mend the input, or let a failure through by name: --accept CHECK --reason TEXT"
        super().__init__([*(verdict.sentence() for verdict in refusing), advice])


def publish(
    settings: Settings,
    catalog: Catalog,
    accepted: Mapping[str, str] | None = None,
    replace_release: bool = False,
    run_id: str | None = None,
) -> Outcome:
    """Publish the working tables as a release, or say that nothing changed.

    Only one publisher at a time; only tables that belong together; only a candidate whose every critical check
    passes or is accepted by name (`accepted`: check -> reason); only then the old file is replaced, whole.
    PublishRefusedError otherwise, and the old file is untouched. Under a hold the candidate is judged all the
    same, what it would change is kept in `data/held`, and the old file is untouched too. `run_id` is Dagster's, for
    `last_run.json`.
    """
    check_names_exist(accepted or {}, catalog)
    with only_writer(settings.data_dir):
        refuse_unsound(settings)
        remove_candidates(settings)
        forget_waiting(settings)
        store = Store(settings.tables_dir, catalog)
        refuse_mixture(store)
        is_synthetic = _is_synthetic(store)
        refuse_mixing(settings, is_synthetic, replace_release)
        current = current_release(settings)
        states = {model.name: store.state(model.name) for model in catalog}
        fingerprints = fingerprints_of(catalog, states)
        if current and _is_same(current, fingerprints):
            hold = standing_hold(settings)
            outcome = Outcome("unchanged", current.release_id, is_synthetic, settings.database, (), hold=hold)
        else:
            remove_releases(settings, current.release_id if current else None)  # first: it may make the room
            outcome = _replace_release(settings, store, states, fingerprints, is_synthetic, current, accepted or {})
        outcome = replace(outcome, still=standing_still(store))
        removed = remove_what_is_old(settings, store, outcome.release_id)
        if outcome.status != "held":
            remember_sources(settings)
        record_run(
            settings,
            outcome.status,
            release=outcome.release_id,
            database=str(outcome.database),
            is_synthetic=is_synthetic,
            accepted={verdict.name: verdict.accepted_reason for verdict in outcome.verdicts if verdict.accepted_reason},
            **outcome.counts,
            compared_with=outcome.changes.since,
            changes=dict(outcome.changes.by_cause),
            consequences=outcome.changes.consequences,
            hold=asdict(outcome.hold) if outcome.hold else None,
            standing_still=list(outcome.still),
            removed=removed,
            run_id=run_id,
        )
        return outcome


def refuse_mixture(store: Store) -> None:
    """PublishRefusedError unless every working table was built from the others as they are now."""
    faults = store.faults()
    if not faults:
        faults = _raw_tables_of_other_files(store)
    if faults:
        raise PublishRefusedError(["the working tables do not belong together", *faults])


def _raw_tables_of_other_files(store: Store) -> list[str]:
    """A raw table must hold the files that meta.sources lists as loaded, byte for byte, and no others."""
    sources = store.catalog.sources
    read = " union ".join(
        f"select {literal(source)} as layout, _source_file as source_file, _source_sha256 as sha256 from raw.{source}"
        for source in sources
    )
    listed = (
        "select layout, source_file, sha256 from meta.sources "
        "where status = 'loaded' and rows > 0 and layout in (select unnest(?))"
    )
    with store.session(["meta.sources", *(f"raw.{source}" for source in sources)]) as connection:
        other = connection.execute(
            f"with read as ({read}), listed as ({listed}) select distinct layout from "
            "((from read except from listed) union all (from listed except from read)) order by layout",
            [list(sources)],
        ).fetchall()
    return [
        f"raw.{source} was read from other files than meta.sources lists: "
        f"materialise meta.sources and raw.{source} and what follows from them"
        for (source,) in other
    ]


def _replace_release(
    settings: Settings,
    store: Store,
    states: Mapping[str, TableState],
    fingerprints: Mapping[str, str],
    is_synthetic: bool,
    current: Release | None,
    asked: Mapping[str, str],
) -> Outcome:
    catalog = store.catalog
    comparable = current if current and current.is_synthetic == is_synthetic else None
    now = moment_of_release(datetime.now(UTC), _earlier(settings, current))
    with workplace(settings) as folder, aside("report") as second_process:
        calls = [second_process.begin(prepare_report)]  # while the candidate is built and judged
        candidate = folder / "ogp.duckdb"
        build_tables_of_release(candidate, store)
        verdicts = audit(candidate, catalog, states, comparable)
        same_inputs = current and current.inputs_fingerprint == fingerprints["inputs_fingerprint"]
        verdicts = accept(verdicts, asked, current.accepted if same_inputs else {})
        if any(verdict.refuses for verdict in verdicts):
            raise CandidateRefusedError(verdicts)
        counts = _counts(catalog, states)
        versions = {name: version(name) for name in PACKAGES}
        before = comparable_release(settings, current, is_synthetic)
        made = made_now(catalog, states, versions)
        changes = record_changes(candidate, catalog, made, before.path if before else None)
        row = release_row(
            published_at=now,
            is_synthetic=is_synthetic,
            sources=working_sources(settings),
            fingerprints=fingerprints,
            verdicts=verdicts,
            counts=counts,
            git_commit=git_commit(),
            versions=versions,
            compared_with=changes.since,
        )
        finish(candidate, catalog, states, verdicts, row, current.path if current else None)
        changes_file = write_changes(candidate, folder, before.path if before else None)
        if hold := standing_hold(settings):
            content = fingerprints["content_fingerprint"]
            leave_waiting(settings, is_synthetic, asked, content, changes, changes_file)
            stays = current.release_id if current else None
            return Outcome("held", stays, is_synthetic, settings.database, verdicts, counts, changes, hold)
        calls.append(second_process.begin(write_report, candidate, folder))
        write_exports(candidate, folder, settings.tables_dir)
        for call in calls:
            second_process.result(call)
        write_manifest(candidate, folder)  # the last of all: it lists every other file
        let_be_current(settings, folder, row["release_id"])
    return Outcome("published", row["release_id"], is_synthetic, settings.database, verdicts, counts, changes)


def _earlier(settings: Settings, current: Release | None) -> list[str]:
    """The ids of the releases that are there."""
    kept = [path.name for path in settings.releases_dir.glob("[0-9]*")]
    return kept + ([current.release_id] if current else [])


def fingerprints_of(catalog: Catalog, states: Mapping[str, TableState]) -> dict[str, str]:
    """The three hashes by which two releases are compared (columns of meta.releases)."""
    return {
        "content_fingerprint": _digest(
            {model.name: states[model.name].fingerprint for model in catalog.public if model.schema != "meta"}
        ),
        "inputs_fingerprint": _digest(
            {model.name: states[model.name].fingerprint for model in catalog.public if model.schema == "raw"}
        ),
        "code_hash": _digest(
            {
                "package": version("ogp-pipeline"),
                **{model.name: model.code_hash for model in (*catalog, *catalog.release_tables)},
                **{path.name: sha256_of(path) for path in sorted((PACKAGE_DIR / "release").glob("*.py"))},
                **{f"report/{path.name}": sha256_of(path) for path in _files_of_the_report()},
            }
        ),
    }


def _files_of_the_report() -> list[Path]:
    """Modules, templates and words: a release is unchanged only when its report and dictionary would be too."""
    beside = ("dictionary.py", "safe_text.py", "reference/rule_words.csv")
    files = [*(PACKAGE_DIR / "report").rglob("*"), *(PACKAGE_DIR / name for name in beside)]
    return sorted(path for path in files if path.suffix in (".py", ".html", ".css", ".js", ".csv"))


def _digest(ingredients: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(dict(sorted(ingredients.items()))).encode()).hexdigest()


def _is_same(current: Release, fingerprints: Mapping[str, str]) -> bool:
    return (current.content_fingerprint, current.code_hash) == (
        fingerprints["content_fingerprint"],
        fingerprints["code_hash"],
    )


def _is_synthetic(store: Store) -> bool:
    with store.session(["meta.sources"]) as connection:
        return connection.execute(
            "select coalesce(bool_or(is_synthetic), false) from meta.sources where status = 'loaded'"
        ).fetchone()[0]


def _counts(catalog: Catalog, states: Mapping[str, TableState]) -> dict[str, int]:
    return {
        "rows_read": sum(states[m.name].rows for m in catalog if m.schema == "raw"),
        "rows_quarantined": sum(states[m.name].rows for m in catalog if m.schema == "quarantine"),
    }


def git_commit() -> str | None:
    """The commit of the checkout the code runs from; None for an installed wheel."""
    if not (PACKAGE_DIR.parent / ".git").exists():
        return None
    checkout = PACKAGE_DIR.parent
    # it may belong to another user than the one that runs the pipeline
    command = ["git", "-c", f"safe.directory={checkout}", "-C", str(checkout), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def version(package: str) -> str:
    """The version of an installed package; `unknown` where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "unknown"
