"""Takes the pictures of the README from the real thing: the figures, and Dagster's pages in headless Chromium.

    python docs/take_pictures.py [SOURCES]

Refreshes a data folder of its own from SOURCES (default: the synthetic sample), starts the user interface on
it, and writes PNG files into docs/images.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

IMAGES = Path(__file__).parent / "images"
PROGRAM = Path(sys.executable).with_name("ogp-pipeline")
WIDTH, HEIGHT = 1600, 1000
SWITCHES = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars"
)
MEMBER_PICTURE = ("report_member.png", 1280, 1600)
REPORT_PICTURES = (("report_desktop.png", 1280, 1600), ("report_phone.png", 390, 1600))
GROUPS = ("reference", "ingest", "marts", "metrics", "release")


@contextmanager
def browser() -> Iterator[webdriver.Chrome]:
    """Headless Chromium with a page of 1600 x 1000 pixels."""
    options = Options()
    options.binary_location = "/usr/bin/chromium"
    for switch in SWITCHES.split():
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    try:
        driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False},
        )
        yield driver
    finally:
        driver.quit()


@contextmanager
def user_interface(data_dir: Path) -> Iterator[str]:
    """`ogp-pipeline ui` on a data folder; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(PROGRAM), "ui", "--data-dir", str(data_dir), "--port", str(port)]
    log = (data_dir / "ui.log").open("w")
    process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_until_up(address, process, seconds=120)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=60)
        log.close()


def _wait_until_up(address: str, process: subprocess.Popen, seconds: int) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the user interface ended with status {process.returncode}")
        try:
            with urlopen(f"{address}/server_info", timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.5)
    raise RuntimeError(f"the user interface did not answer within {seconds} seconds")


def wait_for_text(driver: webdriver.Chrome, *texts: str, seconds: int = 60) -> str:
    """The text of the page once all of `texts` stand in it."""
    find = lambda page: page.find_element(By.TAG_NAME, "body").text  # noqa: E731
    WebDriverWait(driver, seconds, ignored_exceptions=()).until(
        lambda page: all(text in find(page) for text in texts), f"not on the page: {texts}"
    )
    return find(driver)


def open_page(driver: webdriver.Chrome, path: Path, width: int, height: int) -> None:
    """A page of a release, such as that of a member, in a window of `width` x `height` pixels."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    driver.get(path.as_uri())


def open_report(driver: webdriver.Chrome, report: Path, width: int, height: int) -> None:
    """The report of a release in a window of `width` x `height` pixels, once its figures are drawn."""
    open_page(driver, report, width, height)
    undrawn = "[data-figure] [data-chart]:not([data-drawn]), [data-figure] [data-chart][data-drawn='']"
    WebDriverWait(driver, 60).until(lambda page: not page.find_elements(By.CSS_SELECTOR, undrawn))


def open_asset_graph(driver: webdriver.Chrome, address: str) -> str:
    """The graph of all assets with its groups collapsed; the text of the page."""
    driver.get(f"{address}/asset-groups")
    text = wait_for_text(driver, *GROUPS)
    WebDriverWait(driver, 60).until(lambda page: len(page.find_elements(By.CSS_SELECTOR, "foreignObject")) >= 5)
    return text


def open_checks(driver: webdriver.Chrome, address: str, asset: str, check: str) -> str:
    """The page of one check of an asset; the text of the page."""
    driver.get(f"{address}/assets/{asset}?view=checks&checkDetail={check}")
    return wait_for_text(driver, check, "failing rows")


def main(sources: str) -> None:
    """Refresh, look, and write the pictures."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder) / "data"
        refresh = [str(PROGRAM), "refresh", "--data-dir", str(data_dir), "--sources", sources]
        subprocess.run(refresh, check=True, stdout=subprocess.DEVNULL)
        subprocess.run([str(PROGRAM), "figures", "--data-dir", str(data_dir), "--output", folder], check=True)
        (IMAGES / "figure_4_5.png").write_bytes((Path(folder) / "figure_4_5.png").read_bytes())
        (report,) = (data_dir / "releases").glob("*/report.html")
        with browser() as driver:
            for name, width, height in REPORT_PICTURES:
                open_report(driver, report, width, height)
                driver.save_screenshot(str(IMAGES / name))
            name, width, height = MEMBER_PICTURE
            open_page(driver, max((report.parent / "members").glob("*.html")), width, height)
            driver.save_screenshot(str(IMAGES / name))
        with user_interface(data_dir) as address, browser() as driver:
            open_asset_graph(driver, address)
            time.sleep(3)  # the graph moves into place
            driver.save_screenshot(str(IMAGES / "asset_graph.png"))
            open_checks(driver, address, "marts/action_plans", "submitted_year_disagrees")
            time.sleep(1)
            driver.save_screenshot(str(IMAGES / "checks.png"))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "sample")
