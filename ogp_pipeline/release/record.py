"""`data/last_run.json`: what the last run did and, if it failed, why; `data/runs.jsonl`: the same of every run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from ogp_pipeline.errors import InputError, MachineError, OgpError
from ogp_pipeline.safe_text import json_text, visible
from ogp_pipeline.settings import Settings
from ogp_pipeline.store import write_atomically

STATUS_OF_ERRORS = {InputError: "bad_input", MachineError: "machine", OgpError: "refused"}  # the first that fits


def record_run(settings: Settings, status: str, **details: Any) -> dict[str, Any]:
    """Write `data/last_run.json` and return what it says.

    `status`: published, unchanged, held (by people), refused (by the gate), bad_input, machine (a full disk, a folder
    that cannot be written), error (a bug), rolled_back.
    """
    content = {"status": status, "at": datetime.now(UTC).isoformat(timespec="seconds"), **details}
    text = json_text(json.dumps(content, indent=1, ensure_ascii=False, default=str))
    write_atomically(settings.last_run, text.encode())
    _add_to_history(settings, content)
    return content


def record_other_end(settings: Settings, status: str, run_id: str, reasons: Sequence[str]) -> None:
    """Add a run to `data/runs.jsonl` that is not the last one: it was killed, or refused while another one works."""
    with suppress(OSError):
        at = datetime.now(UTC).isoformat(timespec="seconds")
        _add_to_history(settings, {"status": status, "at": at, "reasons": list(reasons), "run_id": run_id})


def _add_to_history(settings: Settings, content: Mapping[str, Any]) -> None:
    """One line of `data/runs.jsonl`, after a line end: a line that was cut stays a line of its own."""
    line = json_text(json.dumps(content, ensure_ascii=False, default=str))
    with settings.runs.open("ab") as file:
        file.write(b"\n" * bool(file.tell()) + line.encode())


def history(settings: Settings) -> list[dict[str, Any]]:
    """Every run of `data/runs.jsonl` that can be read, oldest first."""
    try:
        lines = settings.runs.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    found = []
    for line in lines:
        try:
            run = json.loads(line)
            datetime.fromisoformat(run["at"])
        except (ValueError, KeyError, TypeError):
            continue  # a line of a run that was killed
        found.append(run)
    return found


def shorten_history(settings: Settings) -> int:
    """Take the runs out of `data/runs.jsonl` that ended more than `keep_runs_days` ago; how many these were."""
    oldest = datetime.now(UTC) - timedelta(days=settings.keep_runs_days)
    runs = history(settings)
    kept = [run for run in runs if datetime.fromisoformat(run["at"]) >= oldest]
    if len(kept) < len(runs):
        lines = (json_text(json.dumps(run, ensure_ascii=False)) for run in kept)
        write_atomically(settings.runs, "\n".join(lines).encode())
    return len(runs) - len(kept)


def record_failure(settings: Settings, asset: str, error: Exception, run_id: str | None = None) -> dict[str, Any]:
    """Record why a step failed, and return what is recorded. The release that is published stays as it is.

    A machine that does not even let that be written must not hide the failure itself: `is_recorded` says so then.
    """
    status = next((word for kind, word in STATUS_OF_ERRORS.items() if isinstance(error, kind)), "error")
    reasons = error.problems if isinstance(error, OgpError) else [visible(f"{type(error).__name__}: {error}")]
    content = {"asset": asset, "reasons": reasons, "release_kept": settings.database.exists(), "run_id": run_id}
    try:
        return record_run(settings, status, **content) | {"is_recorded": True}
    except OSError:
        return {"status": status, **content, "is_recorded": False}


def last_run(settings: Settings) -> dict[str, Any]:
    """What `data/last_run.json` says; empty where there is none."""
    try:
        said = json.loads(settings.last_run.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # also half a file, or none
        return {}
    return said if isinstance(said, dict) else {}


def recorded(settings: Settings, run_id: str) -> dict[str, Any]:
    """What a run of Dagster recorded of itself, the last if it did twice; empty where it did not."""
    runs = [last_run(settings), *reversed(history(settings))]
    return next((run for run in runs if run.get("run_id") == run_id and "status" in run and "at" in run), {})
