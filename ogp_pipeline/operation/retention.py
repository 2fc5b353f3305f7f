"""What is thrown away when: bytes of inputs that no kept release was built from, and old runs of Dagster.

Releases themselves are counted where they are published (`OGP_KEEP_RELEASES`).
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from ogp_pipeline.settings import Settings
from ogp_pipeline.store import connect

if TYPE_CHECKING:
    import dagster as dg


def forget_snapshots(settings: Settings, now: datetime) -> list[Path]:
    """Remove the bytes of inputs that nothing refers to and that were kept longer ago than `keep_snapshot_days`.

    Kept is whatever a kept release, the working tables or the last good download of an official file is made of, so
    that every kept release can be built again. What is said of a snapshot (`.json`) stays: it tells since when a file
    is as it is. Nothing is removed where one of the places that may refer to it cannot be read.
    """
    before = now - timedelta(days=settings.keep_snapshot_days)
    old = [path for path in settings.snapshots_dir.glob("*") if path.suffix != ".json" and _kept_at(path) < before]
    if not old:
        return []
    try:
        needed = _referred_to(settings)
    except (OSError, ValueError, KeyError, TypeError, duckdb.Error):
        return []
    removed = [path for path in old if path.name.partition(".")[0] not in needed]
    for path in removed:
        path.unlink(missing_ok=True)
    return removed


def _kept_at(snapshot: Path) -> datetime:
    """When a snapshot was kept, as it says, else as its file says."""
    try:
        described = json.loads(snapshot.with_suffix(".json").read_text(encoding="utf-8"))
        return datetime.fromisoformat(described["kept_at"]).astimezone(UTC)
    except (OSError, ValueError, KeyError, TypeError):
        return datetime.fromtimestamp(snapshot.stat().st_mtime, UTC)


def _referred_to(settings: Settings) -> set[str]:
    """The sha256 of every input of a kept release, of the working tables and of the downloads in use."""
    found = {
        sha256
        for path in settings.official_dir.glob("*.json")
        if (sha256 := json.loads(path.read_text(encoding="utf-8")).get("sha256"))
    }
    releases = [path for path in settings.releases_dir.glob("[0-9]*") if path.is_dir()]
    tables = [path / "parquet" / "meta.sources.parquet" for path in releases]
    tables += [path for path in [settings.tables_dir / "meta.sources.parquet"] if path.exists()]
    with connect() as connection:
        for table in tables:
            rows = connection.execute("select distinct sha256 from read_parquet(?)", [table.as_posix()]).fetchall()
            found |= {sha256 for (sha256,) in rows if sha256}
    return found


def forget_runs(instance: dg.DagsterInstance, now: datetime, days: int) -> int:
    """Remove the runs of Dagster, with their events and logs, that ended more than so many days ago; how many.

    The newest run of each job is kept however old it is: by it people see when something last happened, and freshness
    is judged by its materialisations.
    """
    import dagster as dg

    ended = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
    old = instance.get_run_records(
        dg.RunsFilter(statuses=ended, updated_before=now - timedelta(days=days)), order_by="update_timestamp"
    )
    kept = set()
    for job in {record.dagster_run.job_name for record in old}:
        newest = instance.get_run_records(dg.RunsFilter(job_name=job, statuses=ended), limit=1)
        kept |= {record.dagster_run.run_id for record in newest}
    removed = 0
    for record in old:
        run_id = record.dagster_run.run_id
        if run_id in kept:
            continue
        instance.compute_log_manager.delete_logs(prefix=[run_id])
        instance.delete_run(run_id)
        removed += 1
    return removed
