"""Makes the virtual environment of dbt from its pinned requirements: python -m benchmarks.dbt_environment."""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks.processes import PYTHON, TOP, BenchmarkError, run, tell

HOME = TOP / "benchmarks" / ".dbt-venv"
REQUIREMENTS = TOP / "benchmarks" / "dbt" / "requirements.txt"
READY = HOME / "requirements.txt"  # a copy of what was installed, written last


def dbt_program() -> Path:
    """The dbt command, installed first where it is not there or its requirements changed.

    BenchmarkError where it cannot be installed, for example without a package index.
    """
    wanted = REQUIREMENTS.read_text(encoding="utf-8")
    if not (READY.exists() and READY.read_text(encoding="utf-8") == wanted):
        tell("  installing dbt into benchmarks/.dbt-venv")
        shutil.rmtree(HOME, ignore_errors=True)
        run([PYTHON, "-m", "venv", HOME])
        pip = [HOME / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        run([*pip, "-r", REQUIREMENTS])
        READY.write_text(wanted, encoding="utf-8")
    program = HOME / "bin" / "dbt"
    if not program.exists():
        raise BenchmarkError(f"{program} is not there: remove {HOME} and run again")
    return program


if __name__ == "__main__":
    print(dbt_program())
