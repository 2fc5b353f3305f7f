"""Whether the nightly is well: `data/status.json` for whoever watches, and a message to a webhook when it is not.

A failed refresh is announced every time, the first good one after it once. A run is announced once, whoever notices
its end: the command line itself, or Dagster's daemon for runs of its own.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from ogp_pipeline.release.record import recorded
from ogp_pipeline.safe_text import json_text, visible
from ogp_pipeline.settings import Settings
from ogp_pipeline.store import write_atomically

OK, FAILING = "ok", "failing"
SUCCEEDED = "succeeded"  # Dagster says so; what the run recorded of itself is gone
GOOD = ("published", "unchanged", "held", SUCCEEDED)
KILLED = "killed"  # it could not say itself how it ended
WEBHOOK_SECONDS = 10
REASONS_SHOWN, REASON_LENGTH = 5, 500  # of a message; receivers cut longer ones off
RUNS_REMEMBERED = 20  # whose end was told already


@dataclass(frozen=True)
class Ended:
    """How a refresh ended. `status` as in `last_run.json`, or `killed` where it could not say so itself.

    `at` is when it ended, ISO and UTC; None where that is not known, and then it is taken for the last one.
    """

    run_id: str
    status: str
    reasons: Sequence[str] = ()
    release: str | None = None
    at: str | None = None

    @property
    def is_good(self) -> bool:
        """It did what it should."""
        return self.status in GOOD


@dataclass(frozen=True)
class Status:
    """What `data/status.json` says. Times are ISO, UTC; `webhook` is how the last message to it went."""

    state: str = OK
    since: str | None = None  # when it came into this state
    at: str | None = None  # when the last run ended
    last_status: str | None = None
    reasons: tuple[str, ...] = ()  # of the last failure, while it is failing
    consecutive_failures: int = 0
    last_good_at: str | None = None
    last_good_release: str | None = None
    webhook: str | None = None
    runs: tuple[str, ...] = ()  # the last ones whose end is told here


def ended(settings: Settings, run_id: str, said: str | None) -> Ended:
    """How a run ended: as it recorded itself, whatever ran since; else `killed`, with what others say of it.

    Where they say nothing (None), it is known to have succeeded.
    """
    run = recorded(settings, run_id)
    if run:
        return Ended(run_id, run["status"], tuple(run.get("reasons") or ()), run.get("release"), run["at"])
    return Ended(run_id, SUCCEEDED) if said is None else Ended(run_id, KILLED, (said,))


def read_status(settings: Settings) -> Status:
    """The status; that of a new data folder where there is none, or none that can be read."""
    try:
        content = json.loads(settings.status_file.read_text(encoding="utf-8"))
        known = {name: content[name] for name in Status.__dataclass_fields__ if name in content}
        status = Status(**known)
        return replace(
            status,
            reasons=tuple(map(str, status.reasons)),
            runs=tuple(map(str, status.runs)),
            consecutive_failures=int(status.consecutive_failures),
        )
    except (OSError, ValueError, TypeError):
        return Status()


def after(before: Status, ended: Ended, now: datetime) -> tuple[Status, str | None]:
    """The status after a run, and what is announced of it: `failed`, `recovered` or nothing."""
    at = now.astimezone(UTC).isoformat(timespec="seconds")
    state = OK if ended.is_good else FAILING
    is_turn = state != before.state or before.since is None
    status = replace(
        before,
        state=state,
        since=at if is_turn else before.since,
        at=at,
        last_status=ended.status,
        reasons=() if ended.is_good else tuple(visible(reason) for reason in ended.reasons),
        consecutive_failures=0 if ended.is_good else before.consecutive_failures + 1,
        last_good_at=at if ended.is_good else before.last_good_at,
        last_good_release=(ended.release or before.last_good_release) if ended.is_good else before.last_good_release,
        runs=(*before.runs, ended.run_id)[-RUNS_REMEMBERED:],
    )
    if not ended.is_good:
        return status, "failed"
    return status, "recovered" if before.state == FAILING else None


def tell_end(settings: Settings, ended: Ended) -> Status:
    """Write the status after a run and announce what is to be announced; a run that was told already is not again.

    Nor is one that ended before the last that was told: the daemon looks for ends now and then. Never raises for what
    a receiver or the disk does: a message that does not arrive must not fail a run.
    """
    before = read_status(settings)
    now = datetime.now(UTC)
    if ended.run_id in before.runs or _is_earlier(ended.at, before.at, now):
        return before
    status, event = after(before, ended, now)
    _write(settings, status)  # first: whoever watches the file does not wait for a receiver
    if event and settings.webhook_url:
        status = replace(status, webhook=post(settings.webhook_url, message(settings, status, event, before)))
        _write(settings, status)
    return status


def _is_earlier(at: str | None, before: str | None, now: datetime) -> bool:
    """Whether a time lies before another, which is no time to come: a clock that was moved back must not silence."""
    try:
        return bool(at and before) and datetime.fromisoformat(at) < datetime.fromisoformat(before) <= now
    except (ValueError, TypeError):
        return False


def message(settings: Settings, status: Status, event: str, before: Status) -> dict[str, Any]:
    """What is posted: `text` for a chat, the same as fields for a program."""
    where = f"{settings.data_dir} on {socket.gethostname()}"
    release = status.last_good_release or "none yet"
    if event == "failed":
        shown = [reason[:REASON_LENGTH] for reason in status.reasons[:REASONS_SHOWN]]
        more = len(status.reasons) - len(shown)
        times = status.consecutive_failures
        count = "" if times == 1 else f", {times} times in a row since {status.since}"
        told = [f"ogp_pipeline: the refresh of {where} failed ({status.last_status}{count})"]
        told += [f"- {reason}" for reason in shown] + ([f"- and {more} more"] if more > 0 else [])
        told.append(f"The last release stays: {release}. Reasons: {settings.last_run}")
    else:
        failures = before.consecutive_failures
        told = [
            f"ogp_pipeline: the refresh of {where} is well again ({status.last_status}), after {failures} "
            f"failure{'s' * (failures != 1)} since {before.since}. Release: {release}."
        ]
    fields = asdict(replace(status, reasons=status.reasons[:REASONS_SHOWN]))
    fields = {name: value for name, value in fields.items() if name not in ("runs", "webhook")}
    return {"text": "\n".join(told), "event": event, "data_folder": str(settings.data_dir), **fields}


def post(url: str, content: dict[str, Any]) -> str:
    """Post JSON and say how it went, without the address: it is often a secret. Redirects are not followed.

    A receiver that answers byte by byte is never silent for long, so that the wait as a whole has its limit.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    faults: list[str] = []
    sender = threading.Thread(target=lambda: faults.append(_fault_of_sending(url, content)), daemon=True)
    sender.start()
    sender.join(WEBHOOK_SECONDS)
    fault = faults[0] if faults else f"no answer within {WEBHOOK_SECONDS} seconds"
    return f"not delivered at {now}: {fault}" if fault else f"delivered at {now}"


def _fault_of_sending(url: str, content: dict[str, Any]) -> str:
    """Why a message did not arrive; empty where it did."""
    import httpx

    try:
        # `trust_env`: a proxy of the environment would be shown the address
        with httpx.Client(timeout=WEBHOOK_SECONDS, follow_redirects=False, trust_env=False) as client:
            request = client.build_request("POST", url, json=content)
            answer = client.send(request, stream=True)  # what it answers at length is not wanted
            answer.close()
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        return type(error).__name__
    return "" if answer.is_success else f"the receiver answered {answer.status_code}"


def _write(settings: Settings, status: Status) -> None:
    content = json_text(json.dumps(asdict(status), indent=1, ensure_ascii=False)).encode()
    path = settings.status_file
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)
    except OSError:
        # of a full disk the old file has its room: without this night the next good one would announce no recovery
        try:
            with path.open("r+b") as file:
                file.write(content)
                file.truncate()
        except OSError as error:
            print(f"{path} cannot be written: {error.strerror or error}", file=sys.stderr)
