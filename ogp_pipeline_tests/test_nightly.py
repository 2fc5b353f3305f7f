"""What happens every night: nothing changes, sources stand still, what was kept grows old, failures are announced."""

from __future__ import annotations

import itertools
import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._utils.schedules import schedule_execution_time_iterator

from ogp_pipeline.assembly import build_defs
from ogp_pipeline.assets import RELEASE
from ogp_pipeline.errors import InputError
from ogp_pipeline.release.record import history, record_run, shorten_history
from ogp_pipeline.settings import Settings, project_file
from ogp_pipeline_tests.world import World

LONG_AGO = "2016-07-01"


def release_alone(world: World, instance: dg.DagsterInstance) -> dg.AssetMaterialization:
    """What a materialisation of the release from the working tables records."""
    job = build_defs(world.settings).resolve_job_def("__ASSET_JOB")
    config = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    result = job.execute_in_process(instance=instance, asset_selection=[RELEASE], run_config=config)
    (event,) = result.get_asset_materialization_events()
    return event.step_materialization_data.materialization


# --- a night that changes nothing


def test_the_release_is_fresh_for_26_hours_and_too_old_after_36(tmp_path: Path) -> None:
    (spec,) = (s for s in build_defs(Settings(tmp_path)).resolve_all_asset_specs() if s.key == RELEASE)
    assert spec.freshness_policy == dg.FreshnessPolicy.time_window(
        warn_window=timedelta(hours=26), fail_window=timedelta(hours=36)
    )


def test_an_unchanged_night_is_a_materialisation_and_leaves_the_file_alone(published: World) -> None:
    published.manifest(f"- {{file: commitments.csv, released: {LONG_AGO}, rhythm_days: 400}}\n")
    published.build()
    published.publish()
    before = published.settings.database.stat()
    published.build()
    with dg.DagsterInstance.ephemeral() as instance:
        recorded = release_alone(published, instance)
        (latest,) = instance.get_latest_materialization_events([RELEASE]).values()
    assert recorded.metadata["status"].value == "unchanged"
    assert datetime.now(UTC).timestamp() - latest.timestamp < 60, "by this the freshness policy is judged"
    after = published.settings.database.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    # judged by the clock, and no reason for a release
    sentence = f"commitments.csv has stood still since {LONG_AGO}, longer than its 400 days: look where it comes from"
    assert recorded.metadata["standing_still"].value == [sentence]
    assert published.last_run()["status"] == "unchanged"
    assert published.last_run()["standing_still"] == [sentence]
    assert history(published.settings)[-1] == published.last_run()


@pytest.mark.parametrize(
    ("entry", "files"),
    [
        pytest.param(f"released: {LONG_AGO}, rhythm_days: 400", ["commitments.csv"], id="its release is long ago"),
        pytest.param(f"released: {LONG_AGO}", [], id="nobody said how often it changes"),
        pytest.param(f"released: {LONG_AGO}, rhythm_days: 90000", [], id="it may stand for centuries"),
        pytest.param("rhythm_days: 1", [], id="it was first seen just now, and nothing says it is older"),
    ],
)
def test_a_source_is_held_to_its_rhythm(world: World, entry: str, files: list[str]) -> None:
    world.ten_plans(count=1)
    world.manifest(f"- {{file: commitments.csv, {entry}}}\n")
    world.build("meta__sources")
    (rule,) = (r for r in world.catalog["meta.sources"].contract.failing_rows if r.name == "source_keeps_its_rhythm")
    assert [row["source_file"] for row in world.rows(rule.sql)] == files


def test_no_rhythm_of_less_than_a_day(world: World) -> None:
    world.ten_plans(count=1)
    world.manifest("- {file: commitments.csv, rhythm_days: 0}\n")
    with pytest.raises(InputError, match=r"sources.yml: 0.rhythm_days: .* greater than or equal to 1"):
        world.build("meta__sources")


# --- what nobody has to repeat


def test_downloads_alone_are_tried_again(tmp_path: Path) -> None:
    """They are within their step, where a server says that it was a matter of the moment (`test_downloads`)."""
    definitions = build_defs(Settings(tmp_path))
    job = definitions.resolve_job_def("refresh")
    assert [node.name for node in job.nodes if node.retry_policy or node.definition.retry_policy] == []
    assert not job.tags.get("dagster/max_retries")
    assert yaml.safe_load(project_file("dagster.yaml").read_text())["run_retries"] == {"enabled": False}
    assert Settings(tmp_path).downloads.attempts > 1


def test_the_settings_of_dagster_are_understood_by_it(tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").write_bytes(project_file("dagster.yaml").read_bytes())
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert instance.freshness_enabled
        assert instance.run_monitoring_enabled
        assert instance.run_monitoring_max_runtime_seconds == 6 * 60 * 60
        assert instance.get_concurrency_config().run_queue_config.max_concurrent_runs == 1
        assert not instance.run_retries_enabled
        assert not instance.telemetry_enabled


# --- the history of runs


def test_the_history_of_runs_forgets_old_ones_and_lines_that_were_cut(tmp_path: Path) -> None:
    settings = Settings(tmp_path, keep_runs_days=10)
    old = {"status": "published", "at": (datetime.now(UTC) - timedelta(days=11)).isoformat()}
    settings.runs.write_text(json.dumps(old) + '\n{"status": "publ', encoding="utf-8")
    record_run(settings, "unchanged", release="a")
    assert [run["status"] for run in history(settings)] == ["published", "unchanged"]
    assert shorten_history(settings) == 1
    record_run(settings, "published", release="b")
    assert [run.get("release") for run in history(settings)] == ["a", "b"]
    assert shorten_history(replace(settings, keep_runs_days=1)) == 0


@pytest.mark.parametrize("cron", ["99 99 * * *", "30 3 31 13 *", "30 3 * * nosuchday"])
def test_an_hour_that_there_is_not_is_named(tmp_path: Path, cron: str) -> None:
    with pytest.raises(InputError, match="OGP_NIGHTLY_CRON is"):
        build_defs(Settings(tmp_path, nightly_cron=cron))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("OGP_KEEP_SNAPSHOT_DAYS", "0", "OGP_KEEP_SNAPSHOT_DAYS is '0': give a whole number of days"),
        ("OGP_KEEP_RUNS_DAYS", "1.5", "OGP_KEEP_RUNS_DAYS is '1.5': give a whole number of days"),
        ("OGP_KEEP_RELEASES", "many", "OGP_KEEP_RELEASES is 'many': give a whole number of releases"),
        ("OGP_WEBHOOK_URL", "http://hooks.example.org/SECRET", "OGP_WEBHOOK_URL cannot be used"),
        ("OGP_WEBHOOK_URL", "https://:80/SECRET", "OGP_WEBHOOK_URL cannot be used"),
        ("OGP_WEBHOOK_URL", "file:///SECRET", "OGP_WEBHOOK_URL cannot be used"),
    ],
)
def test_a_setting_that_cannot_be_read_is_named_and_no_secret_with_it(name: str, value: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as raised:
        Settings.from_environment({name: value})
    assert "SECRET" not in str(raised.value)


def test_the_address_of_the_webhook_is_not_shown_with_the_settings() -> None:
    settings = Settings.from_environment({"OGP_WEBHOOK_URL": "https://hooks.example.org/SECRET"})
    assert settings.webhook_url == "https://hooks.example.org/SECRET"
    assert "SECRET" not in repr(settings)


# --- retention


def test_snapshots_that_nothing_needs_go_after_their_days_and_what_is_known_of_them_stays(published: World) -> None:
    settings = published.settings
    first = {path.name for path in settings.snapshots_dir.iterdir()}
    published.ten_plans(Theme="new")
    published.build().publish()
    long_ago = (datetime.now(UTC) - timedelta(days=31)).timestamp()
    for path in settings.snapshots_dir.iterdir():
        os.utime(path, (long_ago, long_ago))
    published.publish()
    assert "removed" in published.last_run()
    assert first <= {path.name for path in settings.snapshots_dir.iterdir()}, (
        "the first release is kept, and its inputs"
    )

    published.settings = replace(settings, keep_releases=1, keep_snapshot_days=40)
    published.publish()
    assert published.last_run()["removed"] == {"releases": 1}, "young enough to stay"
    manifest = next(settings.releases_dir.glob("[0-9]*/manifest.json"))
    told = manifest.read_text(encoding="utf-8")
    manifest.write_text("{", encoding="utf-8")
    published.settings = replace(settings, keep_releases=1)
    published.publish()
    assert published.last_run()["removed"] == {}, "a release that does not say what it needs may need everything"
    manifest.write_text(told, encoding="utf-8")
    published.publish()
    assert published.last_run()["removed"] == {"snapshots": 1}, "the other file is the same in both releases"
    gone = first - {path.name for path in settings.snapshots_dir.iterdir()}
    assert {Path(name).suffix for name in gone} == {".csv"}
    # since when the other bytes are there is still known, and bytes that come back are kept again
    changed = (
        "select content_changed_at is not null as is_known from meta.sources where source_file = 'commitments.csv'"
    )
    published.build()
    assert published.rows(changed) == [{"is_known": True}]
    published.ten_plans()
    published.build("meta__sources")
    assert first <= {path.name for path in settings.snapshots_dir.iterdir()}


# --- the hour


@pytest.mark.parametrize(
    ("cron", "timezone", "first", "nights"),
    [
        pytest.param("30 3 * * *", "UTC", "2026-03-28", ["28T03:30", "29T03:30", "30T03:30"], id="UTC has one time"),
        pytest.param(
            "30 2 * * *", "Europe/Berlin", "2026-03-28", ["28T01:30", "29T01:00", "30T00:30"], id="an hour that is not"
        ),
        pytest.param(
            "30 2 * * *", "Europe/Berlin", "2026-10-24", ["24T00:30", "25T01:30", "26T01:30"], id="an hour twice"
        ),
    ],
)
def test_one_tick_each_night_also_when_the_clock_changes(
    tmp_path: Path, cron: str, timezone: str, first: str, nights: list[str]
) -> None:
    settings = Settings(tmp_path, nightly_cron=cron, nightly_timezone=timezone)
    schedule = build_defs(settings).resolve_schedule_def("nightly")
    start = datetime.fromisoformat(first).replace(tzinfo=UTC).timestamp()
    # what the daemon asks for the next tick; there is no public name of it
    every = schedule_execution_time_iterator(start, schedule.cron_schedule, schedule.execution_timezone)
    ticks = itertools.islice(every, len(nights))
    assert [tick.astimezone(UTC).strftime("%dT%H:%M") for tick in ticks] == nights
