"""A refresh that fails is told to whoever watches, once, and so is the first good one after it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from ogp_pipeline.assembly import build_defs
from ogp_pipeline.dagster_history import COMMAND_LINE, delete_old_runs, end_runs_of_dead_processes
from ogp_pipeline.nightly_status import Ended, Status, after, post, read_status, tell_end
from ogp_pipeline.release.record import history, record_run
from ogp_pipeline.schedules import JOB_NAME
from ogp_pipeline.settings import Settings
from ogp_pipeline_tests.server import Server, dripping_headers, given, redirected, running

HOOK = "/hook/SECRET"
NOW = datetime(2026, 3, 1, 3, 31, tzinfo=UTC)


def night(number: int, status: str) -> Ended:
    return Ended(f"run {number}", status, () if status in ("published", "unchanged", "held") else (f"why {number}",))


@pytest.fixture
def server() -> Server:
    with running() as server:
        server.answers[HOOK] = [given(b"ok")]
        yield server


@pytest.fixture
def settings(tmp_path: Path, server: Server) -> Settings:
    return Settings(tmp_path, webhook_url=server.url(HOOK))


@pytest.mark.parametrize(
    ("nights", "announced", "state", "failures"),
    [
        pytest.param(["published"], [None], "ok", 0, id="a first good run is no recovery"),
        pytest.param(["unchanged", "held"], [None, None], "ok", 0, id="what should be is not announced"),
        pytest.param(["refused", "machine"], ["failed", "failed"], "failing", 2, id="every failure is announced"),
        pytest.param(["error", "unchanged", "unchanged"], ["failed", "recovered", None], "ok", 0, id="recovery once"),
        pytest.param(["bad_input", "held"], ["failed", "recovered"], "ok", 0, id="under a hold a night can be good"),
        pytest.param(["killed"], ["failed"], "failing", 1, id="a run that could not say a word"),
    ],
)
def test_what_is_announced(nights: list[str], announced: list, state: str, failures: int) -> None:
    status, events = Status(), []
    for number, kind in enumerate(nights):
        status, event = after(status, night(number, kind), NOW)
        events.append(event)
    assert events == announced
    assert (status.state, status.consecutive_failures) == (state, failures)
    assert status.reasons == (() if state == "ok" else (f"why {len(nights) - 1}",))


def test_failure_and_recovery_arrive_and_the_file_says_the_same(settings: Settings, server: Server) -> None:
    tell_end(settings, Ended("1", "published", (), "2026-01-01T000000.000000Z"))
    reasons = tuple(f"row {number} of a.csv: \x1b[31mred: mend it" for number in range(8))
    tell_end(settings, Ended("2", "refused", reasons))
    tell_end(settings, Ended("3", "error", ("x" * 10_000,)))
    failing = read_status(settings)
    assert (failing.state, failing.consecutive_failures) == ("failing", 2)
    assert failing.last_good_release == "2026-01-01T000000.000000Z"
    assert failing.webhook.startswith("delivered at")
    tell_end(settings, Ended("4", "unchanged"))
    assert read_status(settings).state == "ok"
    refused, error, recovered = map(json.loads, server.posted[HOOK])
    assert (refused["event"], refused["last_status"], refused["consecutive_failures"]) == ("failed", "refused", 1)
    assert "and 3 more" in refused["text"]
    assert "\x1b" not in refused["text"]
    assert "The last release stays: 2026-01-01T000000.000000Z" in refused["text"]
    assert "2 times in a row" in error["text"]
    assert len(error["text"]) < 2_000
    assert recovered["event"] == "recovered"
    assert "well again (unchanged), after 2 failures since" in recovered["text"]
    written = settings.status_file.read_text(encoding="utf-8")
    assert "SECRET" not in written + refused["text"]


def test_a_run_is_announced_once_whoever_notices_its_end(settings: Settings, server: Server) -> None:
    for _ in range(2):
        tell_end(settings, Ended("1", "refused", ("why",)))
    assert len(server.posted[HOOK]) == 1
    assert read_status(settings).consecutive_failures == 1


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        pytest.param(given(b"no", 500), "the receiver answered 500", id="it is broken"),
        pytest.param(redirected("https://elsewhere.example.org/"), "the receiver answered 302", id="not followed"),
        pytest.param(dripping_headers, "no answer within 0.5 seconds", id="it never comes to an end"),
    ],
)
def test_a_message_that_does_not_arrive_fails_nothing_and_is_recorded(
    settings: Settings, server: Server, monkeypatch: pytest.MonkeyPatch, answer, words: str
) -> None:
    monkeypatch.setattr("ogp_pipeline.nightly_status.WEBHOOK_SECONDS", 0.5)
    server.answers[HOOK] = [answer]
    status = tell_end(settings, Ended("1", "refused", ("why",)))
    assert status.webhook.startswith("not delivered at ")
    assert words in status.webhook
    assert "SECRET" not in status.webhook
    assert read_status(settings) == status


def test_a_receiver_that_is_not_there_is_recorded(settings: Settings) -> None:
    assert "not delivered at" in post("http://127.0.0.1:9/SECRET", {})
    assert "SECRET" not in post("http://127.0.0.1:9/SECRET", {})


@pytest.mark.parametrize("content", [b"", b"[]", b'{"state": "failing", "runs": 3}', b"\xff", b"{"])
def test_a_status_that_cannot_be_read_is_written_anew(settings: Settings, content: bytes) -> None:
    settings.status_file.write_bytes(content)
    assert tell_end(settings, Ended("1", "published")).state == "ok"
    assert read_status(settings).last_status == "published"


def test_the_status_stands_where_it_was_named(tmp_path: Path) -> None:
    settings = Settings.from_environment(
        {"OGP_DATA_DIR": str(tmp_path / "data"), "OGP_STATUS_FILE": str(tmp_path / "watched" / "ogp.json")}
    )
    tell_end(settings, Ended("1", "published"))
    assert json.loads((tmp_path / "watched" / "ogp.json").read_text())["state"] == "ok"


# --- Dagster's side


@dg.op
def ends_well(context) -> None:
    if context.run_tags.get("fails"):
        raise ValueError("it was told to")


def run_named(name: str, instance: dg.DagsterInstance, **tags: str) -> dg.ExecuteInProcessResult:
    """A run of a job of this name that does nothing, or fails where it is told to."""
    job = dg.GraphDefinition(name=name, node_defs=[ends_well]).to_job(name=name)
    config = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    return job.execute_in_process(instance=instance, tags=tags, raise_on_error=False, run_config=config)


def sensor_sees(settings: Settings, instance: dg.DagsterInstance, result: dg.ExecuteInProcessResult) -> str:
    """What the sensor for this outcome says of a run."""
    definitions = build_defs(settings)
    name = "tell_success" if result.success else "tell_failure"
    kind = dg.DagsterEventType.RUN_SUCCESS if result.success else dg.DagsterEventType.RUN_FAILURE
    event = next(event for event in result.all_events if event.event_type == kind)
    context = dg.build_run_status_sensor_context(name, event, instance, result.dagster_run)
    if not result.success:
        context = context.for_run_failure()
    return definitions.resolve_sensor_def(name)(context).skip_message


def test_the_daemon_tells_the_end_of_its_runs(settings: Settings, server: Server) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        failed = run_named(JOB_NAME, instance, fails="yes")
        record_run(settings, "refused", reasons=["rows were lost"], run_id=failed.dagster_run.run_id)
        assert sensor_sees(settings, instance, failed).startswith("failing; webhook: delivered")
        killed = run_named(JOB_NAME, instance, fails="yes")  # recorded nothing: last_run.json is of another run
        sensor_sees(settings, instance, killed)
        good = run_named(JOB_NAME, instance)
        record_run(settings, "unchanged", release="a", run_id=good.dagster_run.run_id)
        assert sensor_sees(settings, instance, good).startswith("ok; webhook: delivered")
        # of the command line, which tells it itself; and of somebody who materialises one table
        for name, tags in ((JOB_NAME, COMMAND_LINE), ("__ASSET_JOB", {})):
            assert "webhook" not in sensor_sees(settings, instance, run_named(name, instance, fails="yes", **tags))
    messages = [json.loads(body) for body in server.posted[HOOK]]
    assert [(message["event"], message["last_status"]) for message in messages] == [
        ("failed", "refused"),
        ("failed", "killed"),
        ("recovered", "unchanged"),
    ]
    assert messages[0]["reasons"] == ["rows were lost"]


def test_the_end_of_a_run_is_told_though_others_came_after_it(settings: Settings, server: Server) -> None:
    """The daemon looks every half minute, or when it is started again."""
    with dg.DagsterInstance.ephemeral() as instance:
        good = run_named(JOB_NAME, instance)
        record_run(settings, "published", release="a", run_id=good.dagster_run.run_id)
        record_run(settings, "rolled_back", release="b")
        assert sensor_sees(settings, instance, good) == "ok; webhook: nothing was to be announced"
        forgotten = run_named(JOB_NAME, instance)  # it succeeded, and what it recorded is gone
        assert sensor_sees(settings, instance, forgotten).startswith("ok")
        failed = run_named(JOB_NAME, instance, fails="yes")
        record_run(settings, "refused", reasons=["rows were lost"], run_id=failed.dagster_run.run_id)
        record_run(settings, "rolled_back", release="b")
        sensor_sees(settings, instance, failed)
    assert read_status(settings).reasons == ("rows were lost",)
    assert [json.loads(body)["last_status"] for body in server.posted[HOOK]] == ["refused"]


def test_a_release_that_was_materialised_by_hand_is_a_recovery(settings: Settings) -> None:
    tell_end(settings, Ended("1", "refused", ("why",)))
    with dg.DagsterInstance.ephemeral() as instance:
        by_hand = run_named("__ASSET_JOB", instance)
        assert sensor_sees(settings, instance, by_hand).startswith("a single asset"), "it did not come to the release"
        record_run(settings, "published", release="a", run_id=by_hand.dagster_run.run_id)
        assert sensor_sees(settings, instance, by_hand).startswith("ok; webhook: delivered")


@pytest.mark.parametrize(
    ("at", "before", "state"),
    [
        pytest.param(-60, -30, "ok", id="a failure from before the last good run is no news"),
        pytest.param(-30, -60, "failing", id="one after it is"),
        pytest.param(-30, 3600, "failing", id="a clock that was ahead silences nothing"),
        pytest.param(None, -30, "failing", id="when it ended is not known"),
    ],
)
def test_the_last_run_counts(settings: Settings, at: int | None, before: int, state: str) -> None:
    def moment(seconds: int) -> str:
        return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="seconds")

    tell_end(settings, Ended("1", "published"))
    said = json.loads(settings.status_file.read_text()) | {"at": moment(before)}
    settings.status_file.write_text(json.dumps(said))
    tell_end(settings, Ended("2", "refused", ("why",), at=None if at is None else moment(at)))
    assert read_status(settings).state == state


def test_recovery_is_announced_though_the_failure_could_only_be_written_in_place(
    settings: Settings, server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    tell_end(settings, Ended("1", "published"))
    with monkeypatch.context() as broken:
        broken.setattr("ogp_pipeline.nightly_status.write_atomically", full)
        tell_end(settings, Ended("2", "machine", ("the disk is full",)))
        assert read_status(settings).state == "failing"
        settings.status_file.unlink()
        tell_end(settings, Ended("3", "machine", ("the disk is full",)))
        assert f"{settings.status_file} cannot be written" in capsys.readouterr().err
    tell_end(settings, Ended("4", "refused", ("why",)))
    tell_end(settings, Ended("5", "published"))
    events = [json.loads(body)["event"] for body in server.posted[HOOK]]
    assert events == ["failed", "failed", "failed", "recovered"]


def test_the_sensors_run_without_anyone_switching_them_on(tmp_path: Path) -> None:
    found = {sensor.name: sensor.default_status for sensor in build_defs(Settings(tmp_path)).sensors}
    assert found == dict.fromkeys(("tell_failure", "tell_success"), dg.DefaultSensorStatus.RUNNING)


def on_disk(home: Path) -> dg.DagsterInstance:
    """An instance whose history lies in files, as that of a data folder."""
    home.mkdir()
    return dg.DagsterInstance.local_temp(str(home))


def test_a_run_of_the_command_line_that_was_killed_holds_up_no_night_and_is_told(
    settings: Settings, server: Server, tmp_path: Path
) -> None:
    schedule = build_defs(settings).resolve_schedule_def("nightly")
    with on_disk(tmp_path / "dagster") as instance:
        started = instance.create_run_for_job(
            dg.GraphDefinition(name=JOB_NAME, node_defs=[ends_well]).to_job(name=JOB_NAME), tags=COMMAND_LINE
        )
        instance.run_storage.handle_run_event(
            started.run_id, dg.DagsterEvent(dg.DagsterEventType.RUN_START.value, JOB_NAME), datetime.now(UTC)
        )
        assert instance.get_run_by_id(started.run_id).status == dg.DagsterRunStatus.STARTED
        with dg.build_schedule_context(instance, scheduled_execution_time=NOW) as context:
            (request,) = schedule.evaluate_tick(context).run_requests
        assert instance.get_run_by_id(started.run_id).status == dg.DagsterRunStatus.FAILURE
        end_runs_of_dead_processes(settings, instance)
    assert request.tags["dagster/schedule_name"] == "nightly"
    (message,) = map(json.loads, server.posted[HOOK])
    assert message["last_status"] == "killed"
    assert [run["status"] for run in history(settings)] == ["killed"]


def store_check_result(instance: dg.DagsterInstance, run_id: str) -> None:
    evaluation = dg.AssetCheckEvaluation(
        asset_key=dg.AssetKey("a"), check_name="is_whole", passed=True, metadata={}, target_materialization_data=None
    )
    instance.report_dagster_event(
        dg.DagsterEvent(dg.DagsterEventType.ASSET_CHECK_EVALUATION.value, JOB_NAME, event_specific_data=evaluation),
        run_id,
    )


def runs_of_checks(instance: dg.DagsterInstance) -> list[str]:
    """The runs of which the results of checks are kept."""
    with instance.event_log_storage.index_connection() as connection:
        rows = connection.exec_driver_sql("select run_id from asset_check_executions order by id").fetchall()
    return [run_id for (run_id,) in rows]


def test_old_runs_of_dagster_are_deleted_with_their_files_and_the_last_good_one_stays(tmp_path: Path) -> None:
    settings = Settings(tmp_path, keep_runs_days=1)
    with on_disk(tmp_path / "dagster") as instance:
        old, good, failed = (
            run_named(JOB_NAME, instance, **tags).dagster_run.run_id for tags in ({}, {}, {"fails": "x"})
        )
        assert delete_old_runs(settings, instance) == 0, "they are of today"
        for run_id in (old, good):
            store_check_result(instance, run_id)
        assert runs_of_checks(instance) == [old, good]
        assert delete_old_runs(replace(settings, keep_runs_days=0), instance) == 2
        assert runs_of_checks(instance) == [good]
        assert [run.run_id for run in instance.get_runs()] == [good]
        assert instance.all_logs(good)
        home = Path(instance.root_directory)
        left = {path.stem for path in home.rglob("*") if path.stem in (old, good, failed)}
        assert left == {good}
