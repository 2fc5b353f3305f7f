"""The report as people meet it, in headless Chromium: offline, switched, on a phone, by keyboard, printed, hostile."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from ogp_pipeline_tests.report_world import SCRIPT
from ogp_pipeline_tests.world import World, query

pytestmark = pytest.mark.skipif(
    not (shutil.which("chromium") and shutil.which("chromedriver")), reason="chromium and chromedriver are not here"
)
FIGURES = ("figure_4_3", "figure_4_5", "figure_4_9")


@pytest.fixture(scope="module")
def report(reported: World) -> Path:
    """The report that publishing wrote."""
    (path,) = reported.settings.releases_dir.glob("*/report.html")
    return path


@pytest.fixture(scope="module")
def chromium(pictures) -> Iterator[webdriver.Chrome]:
    """One browser for the tests of the page."""
    with pictures.browser() as driver:
        yield driver


@pytest.fixture
def page(pictures, chromium, report: Path) -> webdriver.Chrome:
    """The report, opened anew in a wide window, with its figures drawn."""
    pictures.open_report(chromium, report, 1280, 900)
    return chromium


def choose(page: webdriver.Chrome, figure: str, definition: str, stage: str) -> None:
    """Choose by the selects of a figure, and wait until it is drawn, or is said not to be."""
    Select(page.find_element(By.ID, f"{figure}-definition")).select_by_value(definition)
    Select(page.find_element(By.ID, f"{figure}-stage")).select_by_value(stage)
    wait_until_shown(page, figure, f"{definition}|{stage}")


def wait_until_shown(page: webdriver.Chrome, figure: str, key: str) -> None:
    chart = page.find_element(By.CSS_SELECTOR, f"#{figure} [data-chart]")
    WebDriverWait(page, 20).until(lambda _: chart.get_attribute("data-drawn") == key, f"{figure} does not show {key}")


def marks(page: webdriver.Chrome, figure: str, kind: str) -> int:
    """How many marks of a kind are drawn in a figure."""
    script = "return document.querySelectorAll(`#${arguments[0]} svg .mark-${arguments[1]}.role-mark path`).length"
    return page.execute_script(script, figure, kind)


def rows_shown(page: webdriver.Chrome, figure: str) -> list[list[str]]:
    """The cells of the table of numbers of the view that is shown."""
    return page.execute_script(
        "return [...document.querySelectorAll(`#${arguments[0]} .view:not([hidden]) tbody tr`)]"
        ".map(row => [...row.children].map(cell => cell.textContent.trim()))",
        figure,
    )


def test_the_page_raises_no_error_and_asks_nobody_for_anything(pictures, chromium, report) -> None:
    chromium.get("about:blank")
    chromium.get_log("browser"), chromium.get_log("performance")  # of what was opened before
    pictures.open_report(chromium, report, 1280, 900)
    for figure in FIGURES:
        Select(chromium.find_element(By.ID, f"{figure}-stage")).select_by_index(1)
    assert chromium.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in chromium.get_log("performance")]
    asked = {event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"}
    assert report.as_uri() in asked  # the log does hear requests
    assert {address for address in asked if not address.startswith("data:")} == {report.as_uri()}


def test_the_policy_of_the_page_lets_no_request_and_no_other_script_through(page) -> None:
    page.execute_script(
        "window.refused = []; document.addEventListener('securitypolicyviolation', event =>"
        " window.refused.push(event.effectiveDirective));"
        "const script = document.createElement('script'); script.textContent = 'window.hacked = 4';"
        "document.body.append(script); const image = new Image(); image.src = 'file:///x.png';"
        "document.body.append(image); fetch('https://example.org').catch(() => {});"
    )
    WebDriverWait(page, 10).until(lambda driver: len(driver.execute_script("return window.refused")) >= 3)
    refused = set(page.execute_script("return window.refused"))
    assert refused == {"script-src-elem", "img-src", "connect-src"}
    assert page.execute_script("return window.hacked") is None
    page.get_log("browser")


def test_every_choice_draws_its_marks_and_shows_the_numbers_of_the_release(page, reported) -> None:
    cells = query(
        reported.settings.database,
        "select 'figure_' || replace(figure, '.', '_'), definition, stage, level, plans, commitments, hits, "
        "pooled_share, ci_low, ci_high, is_suppressed, mean_plan_share, share_assessed "
        "from metrics.vital_signs order by figure, is_default, definition, stage, level_rank",
    )
    views: dict[tuple, list[tuple]] = {}
    for cell in cells:
        views.setdefault(cell[:3], []).append(cell[3:])
    drawn = 0
    for (figure, definition, stage), expected in views.items():
        choose(page, figure, definition, stage)
        for row, cell in zip(rows_shown(page, figure), expected, strict=True):
            level, plans, commitments, hits, share, low, high, _, mean, assessed = cell
            assert row[0] == level.replace("_", " ")
            assert [int(text.replace(",", "")) for text in row[1:4]] == [plans, commitments, hits]
            assert number(row[4]) == (None if share is None else pytest.approx(100 * share, abs=0.051))
            if low is None:
                assert row[5].startswith(("none assessed", "suppressed", "no interval"))
            else:
                assert [float(text) for text in row[5].removesuffix(" %").split(" to ")] == [
                    pytest.approx(100 * end, abs=0.051) for end in (low, high)
                ]
            assert number(row[6]) == (None if mean is None else pytest.approx(100 * mean, abs=0.051))
            assert number(row[10]) == (None if assessed is None else pytest.approx(100 * assessed, abs=0.051))
        bars = [cell for cell in expected if cell[4] is not None]
        gaps = [cell for cell in expected if cell[7] and cell[1]]
        if len(bars) < 2:
            assert marks(page, figure, "rect") == 0
            assert "cannot be shown" in page.find_element(By.CSS_SELECTOR, f"#{figure} .view:not([hidden])").text
            continue
        drawn += 1
        ends = 2 * sum(cell[5] is not None for cell in expected)  # of the intervals
        assert marks(page, figure, "rect") == len(bars) + len(gaps) + ends
        assert marks(page, figure, "symbol") == sum(cell[1] for cell in bars)
        shown = page.find_element(By.CSS_SELECTOR, f"#{figure} [data-chart]")
        assert f"{bars[0][3]:,} of {bars[0][2]:,}" in shown.get_attribute("aria-label")
    assert drawn >= 5  # definitions of ambition and completion; early results are not coded in this world


def number(text: str) -> float | None:
    """45.1 for `45.1 %`, None for a dash; `over 99.9 %` is 100 and `under 0.1 %` nothing."""
    if text == "–":  # noqa: RUF001
        return None
    return {"o": 100.0, "u": 0.0}.get(text[0]) if text[0] in "ou" else float(text.replace("%", ""))


def test_the_default_choice_is_shown_first(page) -> None:
    for figure, key in (
        ("figure_4_3", "moderate_or_transformative|development"),
        ("figure_4_5", "complete|throughout"),
        ("figure_4_9", "major_or_outstanding|throughout"),
    ):
        wait_until_shown(page, figure, key)
        assert len(page.find_elements(By.CSS_SELECTOR, f"#{figure} .view:not([hidden])")) == 1


def test_a_figure_that_cannot_be_shown_is_replaced_by_its_sentence(page) -> None:
    figure = page.find_element(By.ID, "figure_4_9")
    assert "Not shown." in figure.text and "early results" in figure.text
    assert not figure.find_element(By.CSS_SELECTOR, "[data-chart]").is_displayed()


def test_selects_work_by_keyboard_and_what_they_show_is_said(page) -> None:
    stage = page.find_element(By.ID, "figure_4_3-stage")
    stage.send_keys(Keys.ARROW_DOWN)
    wait_until_shown(page, "figure_4_3", f"moderate_or_transformative|{stage.get_attribute('value')}")
    said = page.find_element(By.CSS_SELECTOR, "#figure_4_3 [data-said]").get_attribute("textContent")
    assert stage.get_attribute("value") != "development" and "by level of public influence" in said


def test_text_of_the_data_is_text_in_circles_tables_and_sections(page) -> None:
    # every circle is pointed at, the hostile members' among them
    texts = page.execute_script(
        "const texts = []; for (const path of document.querySelectorAll('#figure_4_3 svg .mark-symbol path')) {"
        "  const box = path.getBoundingClientRect();"
        "  path.dispatchEvent(new MouseEvent('pointermove', {bubbles: true, clientX: box.x + 1, clientY: box.y + 1}));"
        "  path.dispatchEvent(new MouseEvent('mousemove', {bubbles: true, clientX: box.x + 1, clientY: box.y + 1}));"
        "  texts.push(document.querySelector('.tip').textContent); } return texts"
    )
    assert any(f"Alpha {SCRIPT}, action plan 1" in text for text in texts)
    page.execute_script("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    assert f"Alpha {SCRIPT}" in page.find_element(By.CSS_SELECTOR, "#figure_4_3 [data-plans]").text
    assert f"Square {SCRIPT}" in page.find_element(By.ID, "engagement").text
    assert "Atlantis </script>" in page.find_element(By.ID, "quality").text
    assert page.execute_script("return window.hacked") is None
    assert page.execute_script("return document.querySelectorAll('main script, main img[src=x]').length") == 0


@pytest.mark.parametrize("width", [390, 320, 768, 1280])
def test_the_page_does_not_scroll_sideways(pictures, chromium, report, width) -> None:
    pictures.open_report(chromium, report, width, 844)
    chromium.execute_script("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    assert chromium.execute_script("return [innerWidth, document.documentElement.scrollWidth]") == [width, width]
    box, chart = chromium.execute_script(
        "return ['#figure_4_3', '#figure_4_3 svg'].map("
        "one => document.querySelector(one).getBoundingClientRect().right)"
    )
    assert chart <= box


def test_the_page_can_be_used_without_seeing_it(page) -> None:
    faults = page.execute_script(
        "const faults = []; const all = (query) => [...document.querySelectorAll(query)];"
        "if (document.documentElement.lang !== 'en') faults.push('language');"
        "for (const name of ['header', 'nav', 'main', 'footer']) if (all(name).length !== 1) faults.push(name);"
        "let level = 0; for (const heading of all('h1, h2, h3, h4')) { const own = Number(heading.tagName[1]);"
        "  if (own > level + 1) faults.push(heading.textContent); level = own; }"
        "for (const select of all('select')) if (!select.labels.length) faults.push(select.id);"
        "const ids = all('[id]').map(one => one.id); if (new Set(ids).size !== ids.length) faults.push('ids');"
        "for (const link of all('a[href^=\"#\"]'))"
        "  if (!document.getElementById(link.hash.slice(1))) faults.push(link.hash);"
        "for (const chart of all('[data-chart]:not([hidden])'))"
        "  if (!chart.getAttribute('aria-label')) faults.push('alt');"
        "for (const image of all('img')) if (!image.alt) faults.push('img');"
        "return faults"
    )
    assert faults == []
    page.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    assert page.switch_to.active_element.text == "Skip to the content"


def test_printed_the_charts_stay_and_the_controls_go(page) -> None:
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert not page.find_element(By.CSS_SELECTOR, "#figure_4_3 .controls").is_displayed()
        assert page.find_element(By.CSS_SELECTOR, "#figure_4_3 svg").is_displayed()
    finally:
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_without_scripts_the_picture_stands_in_place_of_the_chart(chromium, report) -> None:
    chromium.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        chromium.get(report.as_uri())
        found = chromium.find_elements(By.CSS_SELECTOR, "noscript img")
        assert [image.get_attribute("src")[:26] for image in found] == [
            "data:image/svg+xml;base64,"
        ] * 2  # 4.9 is not shown
        assert all(
            image.size["height"] > 200 and image.get_attribute("alt").startswith("Bar chart.") for image in found
        )
        assert "Not shown." in chromium.find_element(By.ID, "figure_4_9").text
    finally:
        chromium.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_of_a_member_works_offline_and_within_its_window(pictures, chromium, report, width) -> None:
    chromium.get("about:blank")
    chromium.get_log("browser")
    pictures.open_page(chromium, report.parent / "members" / "QQA.html", width, 844)
    assert chromium.get_log("browser") == []
    assert chromium.execute_script("return [innerWidth, document.documentElement.scrollWidth]") == [width, width]
    assert chromium.find_element(By.TAG_NAME, "h1").text == f"Alpha {SCRIPT}"
    assert f"1 {SCRIPT}" in chromium.find_element(By.ID, "commitments").text
    assert chromium.execute_script("return window.hacked") is None
    bars = chromium.find_elements(By.CSS_SELECTOR, ".own .bar rect + rect")
    assert bars and all(bar.value_of_css_property("fill") == "rgb(31, 90, 148)" for bar in bars)
    chromium.find_element(By.LINK_TEXT, "Back to the report").click()
    assert chromium.current_url == report.as_uri()
    chromium.find_element(By.CSS_SELECTOR, "#members a[href='members/ALB.html']").click()
    assert chromium.find_element(By.TAG_NAME, "h1").text == "Albania"
