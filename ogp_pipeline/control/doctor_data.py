"""What the doctor asks of the data folder: last run, hold, sources, the current release, kept ones, snapshots."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ogp_pipeline.control.examination import Line, fail, ok, shortened, warn
from ogp_pipeline.control.hold import standing_hold
from ogp_pipeline.control.kept import DATABASE, damage_of, flaw_of, folders, manifest_of
from ogp_pipeline.nightly_status import FAILING, read_status
from ogp_pipeline.release.current import current_release
from ogp_pipeline.settings import SOURCE_WORDS, Settings
from ogp_pipeline.sources.folders import chosen_sources
from ogp_pipeline.store import sha256_of

LATE = timedelta(hours=36)  # a night that is missed and half a day: the freshness policy fails then too
GOOD = ("published", "unchanged", "held", "rolled_back")


def last_run(settings: Settings) -> list[Line]:
    """How the last run ended, and when."""
    try:
        run = json.loads(settings.last_run.read_text(encoding="utf-8"))
        status, at = str(run["status"]), datetime.fromisoformat(run["at"]).astimezone(UTC)
    except FileNotFoundError:
        return warn("last run", "there was none", "run `ogp-pipeline refresh`")
    except (OSError, ValueError, KeyError, TypeError):
        return warn(
            "last run", f"{settings.last_run} cannot be read", "run `ogp-pipeline refresh`, which writes it anew"
        )
    told = f"{status} on {at:%Y-%m-%d %H:%M} UTC"
    if status not in GOOD:
        reasons = run.get("reasons")
        first = f": {reasons[0]}" if isinstance(reasons, list) and reasons else ""
        return warn("last run", told + first, f"all reasons: {settings.last_run}")
    if datetime.now(UTC) - at > LATE:
        return warn("last run", f"{told}, more than {LATE.total_seconds() / 3600:.0f} hours ago", "see the schedule")
    return ok("last run", told)


def status(settings: Settings) -> list[Line]:
    """What whoever watches the nightly was told."""
    if not settings.status_file.exists():
        return ok("status", "no run was told of yet")
    said = read_status(settings)
    if said.at is None:
        return warn("status", f"{settings.status_file} cannot be read", "delete it: the next run writes it anew")
    if said.webhook and not said.webhook.startswith("delivered"):
        return warn("status", f"the last message to the webhook was {said.webhook}", "see OGP_WEBHOOK_URL")
    if said.state == FAILING:
        first = f": {said.reasons[0]}" if said.reasons else ""
        told = f"failing since {said.since}, {said.consecutive_failures} in a row ({said.last_status}{first})"
        return warn("status", told, "mend it and run `ogp-pipeline refresh`")
    return ok("status", f"well since {said.since}")


def hold(settings: Settings) -> list[Line]:
    """Whether people keep releases back."""
    found = standing_hold(settings)
    return (
        warn("hold", found.sentence(), "`ogp-pipeline unhold` when the reason is gone") if found else ok("hold", "none")
    )


def sources(settings: Settings) -> list[Line]:
    """The folders that the next refresh reads are there."""
    chosen = chosen_sources(settings)
    gone = [source for source in chosen if source not in SOURCE_WORDS and not Path(source).is_dir()]
    if gone:
        advice = "put them back, or name other ones: ogp-pipeline refresh --sources FOLDER"
        return fail("sources", f"the next refresh reads folders that are not there: {shortened(gone)}", advice)
    return ok("sources", f"the next refresh reads {', '.join(chosen)}")


def current(settings: Settings) -> list[Line]:
    """The file that analysts open is a whole release that is kept."""
    path = settings.database
    restore = "restore a whole one: ogp-pipeline rollback RELEASE (`ogp-pipeline releases` lists them)"
    kept = folders(settings)
    if not path.exists():
        if kept:
            return fail("current release", f"{path} is missing", restore)
        return warn("current release", "there is none yet", "run `ogp-pipeline refresh`")
    found = current_release(settings)
    if found is None:
        return fail("current release", f"{path} cannot be opened", restore)
    folder = settings.releases_dir / found.release_id
    if not folder.is_dir():
        advice = "the next refresh that changes something keeps its own; until then there is no way back to it"
        return warn("current release", f"{found.release_id} is not kept under {settings.releases_dir}", advice)
    if damage := damage_of(folder):
        return fail("current release", f"the kept copy of {found.release_id} is damaged: {damage}", restore)
    if sha256_of(path) != sha256_of(folder / DATABASE):
        advice = f"somebody changed it or the disk did: ogp-pipeline rollback {found.release_id}"
        return fail("current release", f"{path} has other bytes than the release {found.release_id}", advice)
    if stat.S_IMODE(path.stat().st_mode) != 0o444:
        return warn("current release", f"{path} can be written", f"chmod 444 {path}")
    return ok("current release", f"{found.release_id} opens and is as it was published")


def kept(settings: Settings) -> list[Line]:
    """Every kept release is whole, file by file."""
    found = folders(settings)
    damaged = [folder.name for folder in found if damage_of(folder)]
    if damaged:
        advice = (
            "none of these can be gone back to: build it again with ogp-pipeline rebuild RELEASE --into FOLDER, or "
            "remove its folder"
        )
        return fail("kept releases", f"damaged: {shortened(damaged)}", advice)
    flaws = [f"{folder.name}: {flaw}" for folder in found if (flaw := flaw_of(folder, by_content=True))]
    if flaws:
        return warn("kept releases", shortened(flaws), "their DuckDB files are whole; do not use the others of these")
    return ok("kept releases", f"{len(found)}, each whole" if found else "none yet")


def snapshots(settings: Settings) -> list[Line]:
    """Every snapshot holds the bytes its name promises, and those that the kept releases were made of are there."""
    paths = [path for path in settings.snapshots_dir.glob("[0-9a-f]*") if path.suffix != ".json"]
    damaged = [path.name for path in paths if sha256_of(path) != path.stem]
    whole = {path.stem for path in paths} - {Path(name).stem for name in damaged}
    poor = [folder.name for folder in folders(settings) if _needed(folder) - whole]
    if damaged:
        advice = "remove them: a refresh that reads the same file keeps it anew"
        return fail("snapshots", f"other bytes than their names promise: {shortened(damaged)}", advice)
    if poor:
        return warn(
            "snapshots",
            f"some of what these releases were made of is not kept: {shortened(poor)}",
            "they can be opened and gone back to, not built again; put the files back if they must be",
        )
    return ok("snapshots", f"{len(paths)}, each whole")


def _needed(folder: Path) -> set[str]:
    """The snapshots a release was made of; none where its manifest cannot be read, which is told elsewhere."""
    try:
        inputs = manifest_of(folder).get("inputs", [])
        return {told["sha256"] for told in inputs if told["status"] == "loaded"}
    except (ValueError, TypeError, KeyError):
        return set()
