"""How releases are named by their time, so that names sort as releases follow each other, whatever a clock does."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

FORM = "%Y-%m-%dT%H%M%S.%fZ"


def moment_of_release(now: datetime, earlier: Iterable[str]) -> datetime:
    """The moment by which a new release is named: now, or where the clock was moved back just after the last one.

    `earlier` are the ids of the releases before; a name that is no id is passed over.
    """
    last = max((moment for moment in map(moment_named, earlier) if moment), default=None)
    return now if last is None or now > last else last + timedelta(microseconds=1)


def release_id_of(moment: datetime) -> str:
    """The id of a release that is made at a moment (UTC)."""
    return moment.strftime(FORM)


def moment_named(release_id: str) -> datetime | None:
    """The moment (UTC) that the id of a release names; None where it is no id."""
    try:
        return datetime.strptime(release_id, FORM).replace(tzinfo=UTC)
    except ValueError:
        return None


def warning_of_clock(release_id: str, at: str) -> str | None:
    """What to say where the clock, which read `at` (ISO 8601) after the release, is behind the release's name."""
    named = moment_named(release_id)
    if named is None or named.replace(microsecond=0) <= datetime.fromisoformat(at):
        return None
    return (
        f"The clock of this machine says {at}, which is before the release {release_id}: releases go on being named in "
        "their order, after the last one, until the clock is past it. Set the clock."
    )
