"""What the measurements were taken on: the machine, how busy it was, and the versions that computed."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

LIBRARIES = ("duckdb", "dagster", "great_expectations", "pandas")
CPU_INFO = Path("/proc/cpuinfo")  # absent on systems other than Linux
GIB = 2**30


def machine() -> dict[str, str]:
    """What is told -> its words; what the system does not tell is "unknown"."""
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "memory": f"{_memory_gib()} GiB",
        "load at the start": f"{os.getloadavg()[0]:.1f} processes that wanted a core in the last minute",
        "system": _system(),
        "Python": platform.python_version(),
        "libraries": ", ".join(f"{name} {version(name)}" for name in LIBRARIES),
    }


def _processor() -> str:
    if CPU_INFO.exists():
        for line in CPU_INFO.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine() or "unknown"


def _memory_gib() -> str:
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / GIB:.0f}"


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return f"{platform.system()} {platform.release()}"
