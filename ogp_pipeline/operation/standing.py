"""`data/status.json`: how the pipeline stands, since when, and what was announced; `data/runs.jsonl`: every run.

Written after every run of the job, by whoever ran it. A failure is announced each time, a recovery once.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from ogp_pipeline.operation.webhook import post
from ogp_pipeline.release.record import last_run
from ogp_pipeline.safe_text import json_text, visible
from ogp_pipeline.settings import Settings
from ogp_pipeline.store import write_atomically

OK, FAILING = "ok", "failing"
REASONS_SHOWN = 10
RUNS_KEPT = 2_000  # lines of data/runs.jsonl: five years of nights
KILLED = "its process ended without a word: it was killed, or the machine stopped"


@dataclass(frozen=True)
class Standing:
    """How the pipeline stands after a run. Times are UTC, ISO 8601."""

    state: str  # ok or failing
    since: str  # when the first run ended that way, without another in between
    at: str  # of the last run
    status: str  # of the last run, as in last_run.json; killed where the run could not say
    release: str | None  # that analysts open now, as far as the last good run knew
    last_good_at: str | None
    failures_in_a_row: int
    reasons: tuple[str, ...]
    announced: str  # what became of the announcement: sent, failed and why, or why there is none


def after_run(settings: Settings, succeeded: bool, started_at: datetime, reason: str = KILLED) -> Standing:
    """Note how a run of the job ended, tell the webhook where somebody must hear of it, and return the standing.

    `started_at` (UTC) tells whether `last_run.json` is of this run; where it is not, the run failed for `reason`.
    """
    before = standing(settings)
    told = last_run(settings)
    is_own = bool(told) and _moment(told.get("at")) >= started_at.replace(microsecond=0)
    at = told["at"] if is_own else datetime.now(UTC).isoformat(timespec="seconds")
    status = told["status"] if is_own else ("unknown" if succeeded else "killed")
    reasons = () if succeeded else tuple(told.get("reasons", ()) if is_own else (reason,))
    state = OK if succeeded else FAILING
    now = Standing(
        state=state,
        since=before.since if before and before.state == state else at,
        at=at,
        status=status,
        release=told.get("release") if succeeded and is_own else before and before.release,
        last_good_at=at if succeeded else before and before.last_good_at,
        failures_in_a_row=0 if succeeded else (before.failures_in_a_row if before else 0) + 1,
        reasons=tuple(visible(str(line)) for line in reasons),
        announced="",
    )
    is_recovery = succeeded and before is not None and before.state == FAILING
    announced = "nobody has to hear of it"
    if not succeeded or is_recovery:
        announced = post(settings.webhook_url, announcement(settings, now, before))
    now = Standing(**{**asdict(now), "announced": announced})
    _write(settings, now)
    return now


def standing(settings: Settings) -> Standing | None:
    """What `data/status.json` says; None where there is none that can be read."""
    try:
        found = json.loads(settings.status_file.read_text(encoding="utf-8"))
        return Standing(**{**found, "reasons": tuple(found["reasons"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def runs(settings: Settings) -> list[dict[str, Any]]:
    """Every run that is noted and can be read, oldest first."""
    try:
        lines = settings.runs_file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    found = []
    for line in lines:
        try:
            found.append(json.loads(line))
        except ValueError:
            continue  # of a process that was killed
    return found


def announcement(settings: Settings, now: Standing, before: Standing | None) -> dict[str, Any]:
    """What the webhook is sent: `text` for people, as chat programs show it, the rest for programs."""
    where = f"{socket.gethostname()}, {settings.data_dir}"
    if now.state == OK:
        count = before.failures_in_a_row if before else 0
        text = f"OGP Vital Signs works again after {_counted(count)} ({now.status}, release {now.release}; {where})."
    else:
        kept = f"Release {now.release} stays" if now.release else "The last release stays, if there is one"
        text = (
            f"OGP Vital Signs failed ({now.status}; {_counted(now.failures_in_a_row)} in a row since {now.since}; "
            f"{where}). {kept}. {_shown(now.reasons)}"
        )
    return {
        "text": text,
        **{name: value for name, value in asdict(now).items() if name != "announced"},
        "reasons": list(now.reasons[:REASONS_SHOWN]),
        "host": socket.gethostname(),
        "data_dir": str(settings.data_dir),
    }


def _counted(failures: int) -> str:
    return f"{failures} failure{'s' * (failures != 1)}"


def _shown(reasons: Sequence[str]) -> str:
    more = len(reasons) - REASONS_SHOWN
    return " | ".join(reasons[:REASONS_SHOWN]) + (f" | and {more} more" if more > 0 else "")


def _write(settings: Settings, now: Standing) -> None:
    text = json_text(json.dumps(asdict(now), indent=1, ensure_ascii=False))
    write_atomically(settings.status_file, text.encode())
    line = {"at": now.at, "status": now.status, "release": now.release, "reasons": list(now.reasons[:REASONS_SHOWN])}
    lines = [json_text(json.dumps(each, ensure_ascii=False)) for each in [*runs(settings), line][-RUNS_KEPT:]]
    write_atomically(settings.runs_file, ("\n".join(lines) + "\n").encode())


def _moment(text: object) -> datetime:
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
