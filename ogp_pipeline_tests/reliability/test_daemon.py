"""Dagster's own daemon ticks the nightly, runs it, and tells its failure, with nobody at the keyboard."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ogp_pipeline.settings import project_file
from ogp_pipeline_tests.commands import CLEAN
from ogp_pipeline_tests.server import given, running

LONGEST_SECONDS = 420  # a tick within a minute, a run that ends in its first steps, a sensor within half a minute


def test_a_night_that_fails_is_told_by_the_daemon(tmp_path: Path, profile: str, figure) -> None:
    """Every minute is night here, and the folder of the sources is not there."""
    if profile == "ci":
        pytest.skip("it waits for a tick of a real daemon: --reliability full")
    home, data = tmp_path / "home", tmp_path / "data"
    home.mkdir()
    shutil.copyfile(project_file("dagster.yaml"), home / "dagster.yaml")
    begun = time.monotonic()
    with running() as server:
        server.answers["/hook"] = [given(b"ok")]
        environment = {
            **CLEAN,
            "DAGSTER_HOME": str(home),
            "OGP_DATA_DIR": str(data),
            "OGP_SOURCES": str(tmp_path / "absent"),
            "OGP_NIGHTLY_CRON": "* * * * *",
            "OGP_WEBHOOK_URL": server.url("/hook"),
        }
        program = str(Path(sys.executable).with_name("dagster-daemon"))
        daemon = subprocess.Popen(
            [program, "run", "-w", str(project_file("workspace.yaml"))],
            env=environment,
            cwd=project_file("workspace.yaml").parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            said = []
            for line in daemon.stdout:  # it says something every few seconds
                said.append(line)
                if server.posted["/hook"] or time.monotonic() - begun > LONGEST_SECONDS:
                    break
        finally:
            os.killpg(daemon.pid, signal.SIGTERM)
            daemon.communicate()
        posted = [json.loads(body) for body in server.posted["/hook"]]
    assert posted, "".join(said[-50:])
    assert (posted[0]["event"], posted[0]["last_status"]) == ("failed", "bad_input")
    assert str(tmp_path / "absent") in posted[0]["text"]
    assert json.loads((data / "status.json").read_text())["state"] == "failing"
    figure("a failing night is announced by a real daemon", f"{time.monotonic() - begun:.0f} s after its start")
