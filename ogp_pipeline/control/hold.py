"""A hold: refreshes build and check, and leave `data/ogp.duckdb` as it is until somebody lifts it.

`data/hold.json` is the hold; only people write it. `data/held/` says what the last refresh would have published;
only publishing writes it. So neither can undo the other, whatever happens at the same moment.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ogp_pipeline.control.journal import note
from ogp_pipeline.errors import InputError
from ogp_pipeline.safe_text import visible
from ogp_pipeline.settings import Settings
from ogp_pipeline.store import write_atomically

NO_REASON = "no reason was given"
CHANGES = "CHANGES.md"


@dataclass(frozen=True)
class Hold:
    """Why and since when (ISO, UTC) nothing is published, and which release was current then."""

    reason: str
    since: str | None
    release: str | None = None
    undone: tuple[str, ...] = ()  # the releases that were rolled back when it was set

    def sentence(self) -> str:
        """The hold in one line, with what lifts it."""
        since = f" since {self.since}" if self.since else ""
        return f"On hold{since} ({visible(self.reason)}): nothing is published until `ogp-pipeline unhold`"


@dataclass(frozen=True)
class Waiting:
    """What the last refresh under a hold built, checked and left: it would be published next."""

    built_at: str
    is_synthetic: bool
    compared_with: str | None
    changes: dict[str, int] = field(default_factory=dict)  # rows of meta.changes by cause
    consequences: int = 0
    accepted: dict[str, str] = field(default_factory=dict)  # check -> reason, given for that refresh
    same_as: str | None = None  # the kept release that has the same content


def standing_hold(settings: Settings) -> Hold | None:
    """The hold that stands; None where none does. One that cannot be read stands: it is safer to publish nothing."""
    try:
        content = json.loads(settings.hold.read_text(encoding="utf-8"))
        return Hold(
            str(content["reason"]), content.get("since"), content.get("release"), tuple(content.get("undone") or ())
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Hold(f"{settings.hold} cannot be read, so its reason is not known", None)


def releases_of_hold(settings: Settings) -> set[str]:
    """The releases a hold speaks of, which are kept while it stands."""
    hold = standing_hold(settings)
    return {name for name in (hold.release, *hold.undone) if name} if hold else set()


def set_hold(
    settings: Settings, reason: str | None, release: str | None, undone: tuple[str, ...] = ()
) -> tuple[Hold, bool]:
    """Set a hold and return it with whether it is new; one that stands keeps its date, and its reason unless given.

    InputError where there is no data folder.
    """
    if not settings.data_dir.is_dir():
        raise InputError(f"there is no data folder {settings.data_dir}: name the right one with --data-dir")
    before = standing_hold(settings)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    hold = Hold(
        reason=reason or (before.reason if before else NO_REASON),
        since=(before.since if before else None) or now,
        release=release,
        undone=undone or (before.undone if before else ()),
    )
    if hold != before:
        write_atomically(settings.hold, json.dumps(asdict(hold), indent=1, ensure_ascii=False).encode())
        note(settings, "hold", reason=hold.reason, release=release)
    return hold, before is None


def lift_hold(settings: Settings) -> Hold | None:
    """Lift the hold and return what stood; None where none did."""
    before = standing_hold(settings)
    if before is not None:
        settings.hold.unlink(missing_ok=True)
        note(settings, "unhold", reason=before.reason, since=before.since)
    return before


def keep_waiting(settings: Settings, waiting: Waiting, changes: Path) -> None:
    """Say what was built and left, with its list of changes."""
    settings.held_dir.mkdir(parents=True, exist_ok=True)
    write_atomically(settings.held_dir / CHANGES, changes.read_bytes())
    write_atomically(
        settings.held_dir / "candidate.json", json.dumps(asdict(waiting), indent=1, ensure_ascii=False).encode()
    )


def forget_waiting(settings: Settings) -> None:
    """Nothing waits any more: it was published, or the release it was compared with is not the current one."""
    shutil.rmtree(settings.held_dir, ignore_errors=True)


def waiting(settings: Settings) -> Waiting | None:
    """What waits to be published; None where nothing does or it cannot be read."""
    try:
        return Waiting(**json.loads((settings.held_dir / "candidate.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def waiting_lines(settings: Settings) -> list[str]:
    """What would be published next, in words; empty where nothing waits."""
    found = waiting(settings)
    if found is None:
        return []
    lines = [f"Built and checked on {found.built_at}, and not published: {_changes(found)}."]
    if found.same_as:
        lines.append(f"It has the content of the release {found.same_as}.")
    lines.append(f"Every change: {settings.held_dir / CHANGES}")
    if found.accepted:
        again = " ".join(f"--accept {check} --reason TEXT" for check in found.accepted)
        lines.append(f"Its refresh accepted failures, which were not kept: give them again with {again}")
    return lines


def hold_words(settings: Settings, hold: Hold) -> str:
    """A hold that stands, and what waits behind it."""
    return "\n".join([hold.sentence(), *waiting_lines(settings)])


def held_summary(settings: Settings, run: dict[str, Any]) -> str:
    """The end of a refresh that published nothing because of a hold."""
    stays = f"Held: {run['release']} stays." if run.get("release") else "Held: there is no release, and none is made."
    hold = standing_hold(settings)
    told = hold_words(settings, hold) if hold else "The hold was lifted meanwhile: the next refresh publishes."
    return "\n".join([stays, told, f"  {settings.last_run}"])


def _changes(found: Waiting) -> str:
    if found.compared_with is None:
        return "it would be the first release of its kind"
    told = ", ".join(f"{count:,} {cause}" for cause, count in found.changes.items() if count)
    return f"changes since {found.compared_with}: {told or 'none in the rows'}, {found.consequences:,} that follow"
