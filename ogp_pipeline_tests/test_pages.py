"""What people see in Dagster's pages, in headless Chromium: the graph, checks with failing rows, the job."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from urllib.request import Request, urlopen

import pytest

from ogp_pipeline_tests.commands import CLEAN, PROGRAM
from ogp_pipeline_tests.world import World, query

pytestmark = pytest.mark.skipif(
    not (shutil.which("chromium") and shutil.which("chromedriver")), reason="chromium and chromedriver are not here"
)


@pytest.fixture(scope="module")
def opened(pictures, catalog, tmp_path_factory) -> Iterator[tuple]:
    """A world refreshed from the command line with one refused row, its user interface and a browser on it."""
    world = World(tmp_path_factory.mktemp("pages"), catalog)
    rows = world.ten_plans()
    world.commitments(*rows, {"Country": "<b>Atlantis</b>", "Comm No": "1"})
    command = [str(PROGRAM), "refresh", "--data-dir", str(world.settings.data_dir), "--sources", str(world.inputs)]
    subprocess.run(command, env=CLEAN, check=True, capture_output=True)
    with pictures.user_interface(world.settings.data_dir) as address, pictures.browser() as driver:
        yield world, address, driver


def test_the_asset_graph_shows_every_group(opened, pictures) -> None:
    _, address, driver = opened
    text = pictures.open_asset_graph(driver, address)
    assert all(group in text for group in pictures.GROUPS)
    assert driver.execute_script("return [innerWidth, innerHeight]") == [1600, 1000]
    # every collapsed group's label lies inside the page and is not cut off
    labels = driver.execute_script(
        "return [...document.querySelectorAll('foreignObject')].map(g => {"
        "  const box = g.getBoundingClientRect();"
        "  return [g.textContent.trim(), box.left, box.top, box.right, box.bottom]; })"
    )
    shown = {label.split("\n")[0]: box for label, *box in labels if label}
    assert set(pictures.GROUPS) <= set(shown)
    for left, top, right, bottom in (shown[group] for group in pictures.GROUPS):
        assert left >= 0 and top >= 0 and right <= 1600 and bottom <= 1000
        assert bottom - top >= 10


def test_a_check_shows_its_failing_rows_with_their_keys(opened, pictures) -> None:
    _, address, driver = opened
    pictures.open_checks(driver, address, "quarantine/explorer_commitments", "contract")
    text = pictures.wait_for_text(driver, "member_unknown", "_source_row", "52")
    assert "<b>Atlantis</b>" in text  # text from data is text, never markup


def test_the_page_of_the_release_shows_its_figures(opened, pictures) -> None:
    _, address, driver = opened
    driver.get(f"{address}/assets/release/ogp_duckdb?view=overview")
    pictures.wait_for_text(driver, "data_through", "changes")
    driver.find_element("xpath", "//*[contains(text(), 'Show Markdown')]").click()
    drawn = (
        "return [...document.querySelectorAll('img')].filter("
        "i => i.src.startsWith('data:image/svg+xml') && i.naturalWidth > 300).length"
    )
    end = time.monotonic() + 30
    while driver.execute_script(drawn) < 3 and time.monotonic() < end:
        time.sleep(0.5)
    assert driver.execute_script(drawn) == 3


def test_the_command_lines_run_stands_on_the_jobs_page(opened, pictures) -> None:
    _, address, driver = opened
    driver.get(f"{address}/locations/ogp_pipeline/jobs/refresh/runs")
    text = pictures.wait_for_text(driver, "Success")
    assert "refresh" in text


def test_the_nightly_schedule_is_running(opened, pictures) -> None:
    _, address, _ = opened
    answer = graphql(
        address,
        """{ scheduleOrError(scheduleSelector: {repositoryName: "__repository__",
             repositoryLocationName: "ogp_pipeline", scheduleName: "nightly"})
             { ... on Schedule { executionTimezone scheduleState { status } } } }""",
    )
    schedule = answer["scheduleOrError"]
    assert schedule["scheduleState"]["status"] == "RUNNING"
    assert schedule["executionTimezone"] == "UTC"


def test_the_job_started_in_the_user_interface_keeps_the_real_file_real(opened) -> None:
    world, address, _ = opened
    before = world.settings.database.stat().st_mtime_ns
    answer = graphql(
        address,
        """mutation { launchRun(executionParams: {mode: "default", runConfigData: {}, selector: {
             repositoryName: "__repository__", repositoryLocationName: "ogp_pipeline", jobName: "refresh"}})
             { __typename ... on LaunchRunSuccess { run { runId } } } }""",
    )
    run_id = answer["launchRun"]["run"]["runId"]
    status = ""
    end = time.monotonic() + 180
    while status not in ("SUCCESS", "FAILURE", "CANCELED") and time.monotonic() < end:
        time.sleep(1)
        status = graphql(address, f'{{ runOrError(runId: "{run_id}") {{ ... on Run {{ status }} }} }}')["runOrError"][
            "status"
        ]
    assert status == "SUCCESS"
    assert world.last_run()["status"] == "unchanged"
    assert world.settings.database.stat().st_mtime_ns == before
    assert query(world.settings.database, "select bool_or(is_synthetic) from meta.sources") == [(False,)]


def graphql(address: str, text: str) -> dict:
    """The data that Dagster's GraphQL answers, as its pages ask it."""
    request = Request(
        f"{address}/graphql", json.dumps({"query": text}).encode(), {"Content-Type": "application/json"}, method="POST"
    )
    with urlopen(request, timeout=60) as response:
        return json.load(response)["data"]
