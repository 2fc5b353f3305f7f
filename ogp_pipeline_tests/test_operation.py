"""Every night: who hears of how a run ended, what an unchanged night leaves alone, and what is thrown away when."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import dagster as dg
import pytest

from ogp_pipeline.assets import RELEASE
from ogp_pipeline.control.rebuild import rebuild_release
from ogp_pipeline.definitions import build_defs
from ogp_pipeline.errors import InputError
from ogp_pipeline.operation.retention import forget_runs, forget_snapshots
from ogp_pipeline.operation.standing import after_run, runs, standing
from ogp_pipeline.release.record import record_failure, record_run
from ogp_pipeline.settings import Settings, project_file
from ogp_pipeline_tests.commands import run
from ogp_pipeline_tests.world import World, query

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


class Receiver(HTTPServer):
    """A webhook on this machine: what it was sent, and what it answers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: list[dict] = []
        self.answer = 200

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/services/T0/secret"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.received.append(json.loads(body))
        self.send_response(self.server.answer)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def ended(settings: Settings, status: str):
    """A run that ended this way, told as a run tells it."""
    started = datetime.now(UTC)
    if status == "killed":
        return after_run(settings, False, started + timedelta(seconds=2))
    if status in ("published", "unchanged", "held"):
        record_run(settings, status, release=f"release {status}")
    else:
        record_failure(settings, "marts.x", InputError("file.csv, row 3: mend it"))
    return after_run(settings, status in ("published", "unchanged", "held"), started)


def test_failures_and_the_recovery_are_announced_and_good_nights_are_not(tmp_path: Path, receiver: Receiver) -> None:
    settings = Settings(tmp_path / "data", webhook_url=receiver.address)
    steps = [
        # status of the run, announcements so far, state, failures in a row
        ("published", 0, "ok", 0),
        ("unchanged", 0, "ok", 0),
        ("bad_input", 1, "failing", 1),
        ("killed", 2, "failing", 2),  # last_run.json is of an earlier run: it could not say anything
        ("unchanged", 3, "ok", 0),  # the recovery, once
        ("held", 3, "ok", 0),
    ]
    for status, announced, state, failures in steps:
        now = ended(settings, status)
        assert (len(receiver.received), now.state, now.failures_in_a_row) == (announced, state, failures), status
        assert standing(settings) == now
    failed, killed, recovered = receiver.received
    assert "file.csv, row 3: mend it" in failed["text"] and failed["release"] == "release unchanged"
    assert killed["status"] == "killed" and "2 failures in a row" in killed["text"]
    assert "works again after 2 failures" in recovered["text"]
    assert [each["status"] for each in runs(settings)] == [status for status, *_ in steps]


def test_since_is_the_first_run_that_ended_that_way(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "data")
    first = ended(settings, "bad_input")
    second = ended(settings, "bad_input")
    assert second.since == first.since == first.at
    assert second.announced == "OGP_WEBHOOK_URL is not set"


@pytest.mark.parametrize("answer", [500, 404, 302])
def test_a_webhook_that_fails_fails_nothing_and_its_secret_is_told_nowhere(
    answer: int, tmp_path: Path, receiver: Receiver
) -> None:
    receiver.answer = answer
    settings = Settings(tmp_path / "data", webhook_url=receiver.address)
    now = ended(settings, "bad_input")
    assert now.announced == f"failed: the webhook of 127.0.0.1 answered {answer}"
    assert "secret" not in settings.status_file.read_text() + repr(settings)


def test_a_webhook_that_is_not_there_fails_nothing(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "data", webhook_url="http://127.0.0.1:9/secret")
    assert ended(settings, "bad_input").announced.startswith("failed: ConnectError")


@pytest.mark.parametrize(
    ("address", "is_good"),
    [
        ("https://hooks.example/T0", True),
        ("http://127.0.0.1:9000/x", True),
        ("http://localhost/x", True),
        ("http://hooks.example/T0", False),  # anybody on the way could read it
        ("ftp://hooks.example/T0", False),
        ("hooks.example/T0", False),
        ("https://", False),
        ("http://[", False),
    ],
)
def test_where_a_webhook_may_be(address: str, is_good: bool) -> None:
    if is_good:
        assert Settings.from_environment({"OGP_WEBHOOK_URL": address}).webhook_url == address
        return
    with pytest.raises(InputError, match="OGP_WEBHOOK_URL") as raised:
        Settings.from_environment({"OGP_WEBHOOK_URL": address})
    assert "T0" not in str(raised.value), "an address is a secret"


def test_the_command_line_announces_a_failure_and_the_recovery(published: World, receiver: Receiver) -> None:
    """From cron no daemon is needed; a second run of the same data is unchanged and leaves the file alone."""
    before = published.settings.database.stat()
    environment = {"OGP_WEBHOOK_URL": receiver.address}
    table = published.inputs / "commitments.csv"
    content = table.read_bytes()
    table.write_bytes(b"Country,Comm No\n")
    failed = run(published.settings.data_dir, "--sources", str(published.inputs), **environment)
    assert failed.returncode == 2
    table.write_bytes(content)
    good = run(published.settings.data_dir, "--sources", str(published.inputs), **environment)
    assert good.returncode == 0, good.stderr
    assert "Unchanged" in good.stdout
    assert [each["state"] for each in receiver.received] == ["failing", "ok"]
    after = published.settings.database.stat()
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)


def test_a_run_of_the_daemon_is_announced_by_its_sensors(published: World, receiver: Receiver) -> None:
    """The sensors of the definitions, given the run that Dagster would give them; a run of the command line is not."""
    settings = replace(published.settings, webhook_url=receiver.address)
    definitions = build_defs(settings)
    job = definitions.resolve_job_def("refresh")
    sensors = {sensor.name: sensor for sensor in definitions.sensors}
    assert all(sensor.default_status is dg.DefaultSensorStatus.RUNNING for sensor in sensors.values())
    (published.inputs / "commitments.csv").write_bytes(b"Country,Comm No\n")
    with dg.DagsterInstance.ephemeral() as instance:
        for tags, announced in [({"ogp_pipeline/started_by": "command line"}, 0), ({}, 1)]:
            result = job.execute_in_process(instance=instance, raise_on_error=False, run_config=QUIET, tags=tags)
            event = next(event for event in result.all_events if event.event_type_value == "PIPELINE_FAILURE")
            context = dg.build_run_status_sensor_context(
                sensor_name="announce_failure",
                dagster_event=event,
                dagster_instance=instance,
                dagster_run=result.dagster_run,
            )
            sensors["announce_failure"](context.for_run_failure())
            assert len(receiver.received) == announced
    assert receiver.received[0]["status"] == "bad_input"
    assert "lacks the required" in receiver.received[0]["text"]


def test_an_unchanged_night_keeps_the_release_fresh(published: World) -> None:
    """Freshness is judged by the latest materialisation, and an unchanged publish is one."""
    before = published.settings.database.stat()
    definitions = build_defs(published.settings)
    spec = next(spec for spec in definitions.resolve_all_asset_specs() if spec.key == RELEASE)
    policy = spec.freshness_policy
    assert policy.warn_window.to_timedelta() == timedelta(hours=26)
    assert policy.fail_window.to_timedelta() == timedelta(hours=36)
    with dg.DagsterInstance.ephemeral() as instance:
        result = definitions.resolve_job_def("__ASSET_JOB").execute_in_process(
            instance=instance, asset_selection=[RELEASE], run_config=QUIET
        )
        event = instance.get_latest_materialization_event(RELEASE)
    assert result.success
    assert event.asset_materialization.metadata["status"].value == "unchanged"
    assert published.last_run()["status"] == "unchanged"
    after = published.settings.database.stat()
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)


def test_dagster_itself_judges_freshness_and_watches_runs(tmp_path: Path) -> None:
    """The file that is copied into DAGSTER_HOME is one that Dagster reads, with what the nightly needs switched on."""
    (tmp_path / "dagster.yaml").write_bytes(project_file("dagster.yaml").read_bytes())
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert instance.get_settings("freshness") == {"enabled": True}
        assert instance.run_monitoring_enabled
        assert not instance.run_retries_enabled, "a run that failed is not repeated by itself"
        assert instance.get_settings("retention")["schedule"]


def test_downloads_are_tried_again_and_nothing_else(tmp_path: Path) -> None:
    """Bad input stays bad: no step has a retry policy. Downloads have theirs in DownloadRules (test_downloads)."""
    settings = Settings(tmp_path)
    job = build_defs(settings).resolve_job_def("refresh")
    assert [node.name for node in job.graph.node_defs if getattr(node, "retry_policy", None)] == []
    assert settings.downloads.attempts > 1


def test_a_source_that_stands_still_for_too_long_is_warned_of(world: World) -> None:
    """Its rhythm is the folder's own word; a warning publishes nothing anew and stops nothing."""
    world.commitments({}, file="slow/commitments.csv")
    world.commitments({"Action Plan Number": "2"}, file="slower/commitments.csv")
    world.plans({})
    world.manifest(
        "- {file: slow, released: 2016-07-01, rhythm_days: 400}\n"
        "- {file: slower, released: 2016-07-01, rhythm_days: 40000}\n"
    )
    world.build()
    rule = next(
        rule for rule in world.catalog["meta.sources"].contract.failing_rows if rule.name == "source_keeps_its_rhythm"
    )
    assert [row["source_file"] for row in world.rows(rule.sql)] == ["slow/commitments.csv"]
    assert not rule.in_contract, "people see it by its name"
    assert world.publish().status == "published"
    told = query(world.settings.database, "select status from meta.checks where \"check\" = 'source_keeps_its_rhythm'")
    assert told == [("failed",)]
    assert world.build("meta__sources").publish().status == "unchanged"


@pytest.mark.parametrize("text", ["0", "-1", "0.5", "many"])
def test_a_rhythm_that_is_none_is_one_error(text: str, world: World) -> None:
    world.commitments({})
    world.manifest(f"- {{file: commitments.csv, rhythm_days: {text}}}\n")
    with pytest.raises(InputError, match=r"rhythm_days.*"):
        world.build("meta__sources")


def test_what_a_kept_release_was_built_from_is_never_forgotten(published: World) -> None:
    """Old bytes go when no kept release, table or download needs them; then every release can still be built again."""
    settings = replace(published.settings, keep_releases=1, keep_snapshot_days=1)
    published.settings = settings
    first = {path.name for path in settings.snapshots_dir.iterdir()}
    published.ten_plans(Theme="another")
    assert published.build().publish().status == "published"
    later = datetime.now(UTC) + timedelta(days=2)
    assert forget_snapshots(settings, datetime.now(UTC)) == [], "they are not old yet"

    removed = forget_snapshots(settings, later)

    assert {path.name for path in removed} <= first
    assert len(removed) == 1, "the commitments changed, the process database did not"
    assert removed[0].with_suffix(".json").exists(), "it says since when the file is as it is"
    current = standing_release(settings)
    assert rebuild_release(settings, published.catalog, current).is_identical


def test_nothing_is_forgotten_where_something_cannot_be_read(published: World) -> None:
    settings = replace(published.settings, keep_snapshot_days=1)
    before = sorted(settings.snapshots_dir.iterdir())
    (release,) = settings.releases_dir.glob("[0-9]*")
    (release / "parquet" / "meta.sources.parquet").write_bytes(b"half")
    assert forget_snapshots(settings, datetime.now(UTC) + timedelta(days=400)) == []
    assert sorted(settings.snapshots_dir.iterdir()) == before


def standing_release(settings: Settings) -> str:
    return query(settings.database, "select max(release_id) from meta.releases")[0][0]


def test_old_runs_of_dagster_are_forgotten_but_the_last(tmp_path: Path) -> None:
    @dg.op
    def nothing() -> None:
        """Nothing."""

    @dg.job(config=QUIET)
    def refresh() -> None:
        nothing()

    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        ids = [refresh.execute_in_process(instance=instance).run_id for _ in range(3)]
        now = datetime.now(UTC)
        assert forget_runs(instance, now, days=1) == 0, "none is old"
        assert forget_runs(instance, now + timedelta(days=2), days=1) == 2
        assert [run.run_id for run in instance.get_runs()] == [ids[-1]]
        assert not instance.all_logs(ids[0])


@pytest.mark.parametrize("name", ["OGP_KEEP_RELEASES", "OGP_KEEP_SNAPSHOT_DAYS", "OGP_KEEP_RUN_DAYS"])
@pytest.mark.parametrize("text", ["0", "-1", "ten", "1.5", "²"])
def test_a_count_that_is_none_names_its_variable(name: str, text: str) -> None:
    with pytest.raises(InputError, match=name):
        Settings.from_environment({name: text})
