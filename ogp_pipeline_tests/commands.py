"""The command line in processes of their own, as people run it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(sys.executable).with_name("ogp-pipeline")
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("OGP_", "DAGSTER_"))}


def run(data_dir: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`ogp-pipeline refresh` on a data folder, in a process of its own with nothing set but `environment`."""
    command = [str(PROGRAM), "refresh", "--data-dir", str(data_dir), *arguments]
    return subprocess.run(command, env={**CLEAN, **environment}, capture_output=True, text=True, check=False)
