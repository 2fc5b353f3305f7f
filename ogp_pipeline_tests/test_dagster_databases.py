"""Dagster's files stay open while a run writes to them, and are single files again afterwards."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from ogp_pipeline.dagster_databases import keep_open, let_go

RUN = "a8a3c8a6-8f0f-4f5e-8b0b-0d8f4f3c9a01"


def logs(home: Path) -> set[str]:
    """The databases whose log lies beside them: somebody has them open."""
    return {path.name.removesuffix("-wal") for path in home.rglob("*.db-wal")}


def note(instance: dg.DagsterInstance, run_id: str) -> None:
    run = instance.create_run_for_job(job_def=no_op, run_id=run_id)
    instance.report_engine_event("noted", run)


@dg.job
def no_op() -> None:
    """Nothing."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "dagster"


def test_the_files_of_a_run_are_kept_open_and_let_go(home: Path) -> None:
    home.mkdir()
    with dg.DagsterInstance.from_ref(dg.DagsterInstance.local_temp(str(home)).get_ref()) as instance:
        note(instance, RUN)
        assert logs(home) == set()  # Dagster itself opens and closes them each time
        keep_open(instance, RUN)
        note(instance, RUN.replace("a", "b"))
        assert logs(home) == {"runs.db", "index.db", f"{RUN}.db"}
        assert "noted" in {entry.dagster_event.message for entry in instance.all_logs(RUN)}
        let_go()
        assert logs(home) == set()


def test_another_run_takes_the_place_of_the_last(home: Path) -> None:
    home.mkdir()
    other = RUN.replace("a", "b")
    with dg.DagsterInstance.from_ref(dg.DagsterInstance.local_temp(str(home)).get_ref()) as instance:
        for run_id in (RUN, other):
            note(instance, run_id)
            keep_open(instance, run_id)
            keep_open(instance, run_id)  # again: nothing changes
        assert logs(home) == {"runs.db", "index.db", f"{other}.db"}
    let_go()


def test_what_is_no_file_or_no_database_is_passed_over(home: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        keep_open(instance, RUN)  # a storage in memory
    home.mkdir()
    (home / "history").mkdir()
    (home / "history" / "runs.db").write_bytes(b"not a database, but long enough to be read as one" * 100)
    with dg.DagsterInstance.ephemeral(str(home)) as instance:
        keep_open(instance, RUN)
    assert logs(home) == set()
    let_go()
