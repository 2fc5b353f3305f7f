"""Hostile text in every field of every layout, and what it is in everything that comes out: text.

The world is `hostile.py`. One release is made of it and every file of it is looked at; with `--reliability full` a
second one is made by the command line, so that its changes and Dagster's own pages are looked at too.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import duckdb
import pytest

from ogp_pipeline.checks import check_results
from ogp_pipeline.judging import begin_checks, judge
from ogp_pipeline.models import Catalog
from ogp_pipeline.release.publish import CandidateRefusedError
from ogp_pipeline.release.record import record_failure
from ogp_pipeline.store import connect
from ogp_pipeline.summary import input_summary, release_summary
from ogp_pipeline.validation import Report, validate_files
from ogp_pipeline.validation_formats import FORMATS
from ogp_pipeline_tests.commands import run
from ogp_pipeline_tests.reliability.hostile import (
    CELL_OF_10_MB,
    CONTROLS,
    FILE_NAME,
    HEADERS,
    SPREADSHEET_STARTS,
    TEXTS,
    member_name,
    texts,
    write_hostile_world,
)
from ogp_pipeline_tests.world import World

needs_chromium = pytest.mark.skipif(
    not (shutil.which("chromium") and shutil.which("chromedriver")), reason="chromium and chromedriver are not here"
)
EDIT = " <script>window.hacked = 8</script> ![x](http://127.0.0.1:9/8.png)"
REASON = "<script>window.hacked = 1</script>\x1b[31m\u202e =1+1 | **x**"


class Hostile(NamedTuple):
    """A published world: what the gate said of it, and how many cells of each layout are hostile."""

    world: World
    cells: dict[str, int]
    refused: CandidateRefusedError
    release: Path  # its folder


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory, catalog: Catalog, profile: str) -> Hostile:
    """Refused by the gate at first, as it should be, then let through check by check."""
    world = World(tmp_path_factory.mktemp("hostile"), catalog)
    cells = write_hostile_world(world, cell_of_10_mb=profile != "ci")
    world.build()
    with pytest.raises(CandidateRefusedError) as refused:
        world.publish()
    accepted = {verdict.name: REASON for verdict in refused.value.verdicts if verdict.refuses}
    assert world.publish(accepted=accepted).status == "published"
    (release,) = world.settings.releases_dir.glob("[0-9]*")
    return Hostile(world, cells, refused.value, release)


@pytest.fixture(scope="module")
def findings(hostile: Hostile) -> Report:
    """What `validate` says of its files."""
    return validate_files([hostile.world.inputs])


@contextlib.contextmanager
def opened(hostile: Hostile) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(hostile.world.settings.database), read_only=True) as connection:
        yield connection


def commands_in(text: str) -> set[str]:
    """The characters of a text that act on a terminal, or on the text around it."""
    return set(text) & CONTROLS


def test_every_layout_carries_every_text_into_the_release(hostile: Hostile, figure) -> None:
    """Else the tests below would look at nothing."""
    with opened(hostile) as connection:
        for layout, cells in hostile.cells.items():
            raw, refused = connection.execute(
                f"select (select count(*) from raw.{layout}), (select count(*) from quarantine.{layout})"
            ).fetchone()
            assert 0 < refused < raw, f"{layout}: {refused} of {raw} rows refused"
            assert cells >= len(TEXTS) * 7
        held = connection.execute("select string_agg(full_text, '') from marts.commitments").fetchone()[0]
        expected = [text.replace("\0", "\ufffd") for text in texts()]
        tidied = " ".join(held.split())
        assert [text for text in expected if " ".join(text.split()) not in tidied] == []
        names = {row[0] for row in connection.execute("select member_name from marts.members").fetchall()}
        assert len({" ".join(member_name(k).replace("\0", "\ufffd").split()) for k in range(len(TEXTS))} & names) >= 20
    figure("texts: hostile cells in all layouts, read to the letter", f"{sum(hostile.cells.values()):,}")


def test_nothing_of_it_was_run_as_sql(hostile: Hostile) -> None:
    """Headers, file and sheet names, cells: all tables are there, and the headers are columns to the letter."""
    with opened(hostile) as connection:
        tables = connection.execute("select count(*) from information_schema.tables where table_schema = 'marts'")
        assert tables.fetchone()[0] >= len([m for m in hostile.world.catalog.public if m.schema == "marts"])
        columns = [row[0] for row in connection.execute("describe raw.explorer_commitments").fetchall()]
        wanted = [header.replace("\0", "\ufffd") for header in HEADERS]
        assert set(wanted) - {"problems", "_source_file"} <= set(columns)
        # a column of a file that is called like one that a model computes does not stand in its place
        ids = connection.execute(
            "select count(*) from staging.explorer_commitments where commitment_id like '%script%'"
        )
        assert ids.fetchone()[0] == 0
        files = {row[0] for row in connection.execute("select source_file from meta.sources").fetchall()}
        assert FILE_NAME.format(layout="explorer_commitments") in files


def test_what_a_terminal_shows_commands_nothing(hostile: Hostile, findings: Report, figure) -> None:
    """What the commands print: the end of a refresh, the refusal, validate; `changes` and `query` are tested apart."""
    settings = hostile.world.settings
    shown = {
        "the files and rows of a refresh": input_summary(settings, hostile.world.catalog),
        "the end of a refresh": release_summary(settings),
        "the refusal": str(hostile.refused),
        "validate": FORMATS["text"](findings),
    }
    for what, text in shown.items():
        assert commands_in(text) == set(), what
    assert len(str(hostile.refused).splitlines()) == len(hostile.refused.problems) + 1
    figure("texts: characters on a terminal, none of which commands it", f"{sum(map(len, shown.values())):,}")


def test_the_record_of_the_run_commands_nothing(hostile: Hostile, tmp_path: Path) -> None:
    settings = World(tmp_path, hostile.world.catalog).settings
    settings.data_dir.mkdir()
    record_failure(settings, "x", hostile.refused)
    refused = settings.last_run.read_text("utf-8")
    record_failure(settings, "x", ValueError(REASON))
    for text in (refused, settings.last_run.read_text("utf-8"), hostile.world.settings.last_run.read_text("utf-8")):
        assert commands_in(text) == set()
        json.loads(text)


def test_no_cell_of_the_workbook_is_a_formula(hostile: Hostile, figure) -> None:
    """The XML itself: no formula, no link, and what begins like one says that it is text also when it is edited."""
    cells = starts = 0
    with zipfile.ZipFile(hostile.release / "ogp.xlsx") as archive:
        styles = ElementTree.fromstring(archive.read("xl/styles.xml"))
        quoted = {
            str(place)
            for place, style in enumerate(styles.find("{*}cellXfs"))
            if style.get("quotePrefix") in ("1", "true")
        }
        assert not [name for name in archive.namelist() if "vba" in name.lower() or "externalLink" in name]
        shared = _shared_texts(archive)
        for name in archive.namelist():
            if not name.startswith("xl/worksheets/sheet"):
                continue
            for _, node in ElementTree.iterparse(archive.open(name)):
                tag = node.tag.rpartition("}")[2]
                assert tag not in ("f", "hyperlink"), name
                if tag == "c":
                    cells += 1
                    text = _text_of(node, shared)
                    if text is not None and text.startswith(SPREADSHEET_STARTS):
                        starts += 1
                        assert node.get("s") in quoted, (name, node.get("r"), text[:40])
                    node.clear()
    assert starts > 100
    figure("texts: cells of ogp.xlsx, none a formula; begin like one", f"{cells:,}; {starts:,}")


def _shared_texts(archive: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in archive.namelist():
        return []
    return ["".join(node.itertext()) for node in ElementTree.fromstring(archive.read("xl/sharedStrings.xml"))]


def _text_of(cell: ElementTree.Element, shared: list[str]) -> str | None:
    if cell.get("t") == "s":
        return shared[int(cell.findtext("{*}v"))]
    return "".join(cell.itertext()) if cell.get("t") in ("inlineStr", "str") else None


def test_csv_files_hold_the_data_to_the_letter(hostile: Hostile) -> None:
    """The decision of docs/security.md: they are for programs. A spreadsheet opens ogp.xlsx."""
    path = hostile.release / "csv" / "marts.commitments.csv"
    with connect() as connection:
        found = connection.execute(
            "select full_text from read_csv(?, all_varchar = true, header = true, max_line_size = 100000000) "
            "order by commitment_id",
            [str(path)],
        ).fetchall()
    with opened(hostile) as connection:
        assert connection.execute("select full_text from marts.commitments order by commitment_id").fetchall() == found


@pytest.mark.parametrize("form", ["csv", "json"])
def test_findings_for_a_spreadsheet_begin_no_formula(findings: Report, form: str) -> None:
    """`validate --format csv` is read by people who filled in a form, in the program they filled it in."""
    text = FORMATS[form](findings)
    if form == "json":
        json.loads(text)
        assert text.isascii()
        return
    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    assert len(cells) > 10_000
    assert [cell for cell in cells if cell.startswith(SPREADSHEET_STARTS)] == []
    assert not any(commands_in(cell) for cell in cells)


@pytest.mark.parametrize("name", ["report.html", "CHANGES.md", "datapackage.json", "manifest.json", "members/*.html"])
def test_pages_and_papers_hold_text_alone(hostile: Hostile, name: str) -> None:
    for path in hostile.release.glob(name):
        text = path.read_text("utf-8")
        if path.suffix == ".html":  # the scripts of the page are ours, and their own text
            scripts = re.findall(r"<script(?: [^>]*)?>(.*?)</script>", text, re.S)
            assert not any("window.hacked" in script for script in scripts if "vega" not in script)
            text = re.sub(r"<script(?: [^>]*)?>.*?</script>", "", text, flags=re.S)
        assert commands_in(text) == set(), path.name
        if path.suffix == ".json":
            json.loads(text)
            continue
        assert not re.search(r"<(script|img src=x|svg onload|b onclick|link rel=stylesheet href=//127)", text), (
            path.name
        )


def test_comments_in_the_file_are_those_of_the_contracts(hostile: Hostile) -> None:
    """Nothing that stands in a data file becomes a comment, but the marks of columns that only a file has."""
    with opened(hostile) as connection:
        comments = connection.execute(
            "select comment from duckdb_tables() union all select comment from duckdb_columns() "
            "where schema_name not in ('raw', 'quarantine')"
        ).fetchall()
    assert not any("hacked" in text or commands_in(text) for (text,) in comments if text)


def test_dagster_gets_text_that_is_not_markup(hostile: Hostile, figure) -> None:
    """Its page renders the type `md`; a check's words, its failing rows and their columns are of other types."""
    import dagster as dg

    values = 0
    store = hostile.world.store
    for name in ("quarantine.member_list", "quarantine.explorer_commitments", "meta.problems"):
        model = hostile.world.catalog[name]
        with judge() as one:
            verdicts = begin_checks(one, store, model)()
        for result in check_results(model, verdicts):
            assert not commands_in(result.description or "")
            for value in result.metadata.values():
                assert not isinstance(value, (dg.MarkdownMetadataValue, dg.UrlMetadataValue))
                assert not commands_in(str(value.value))
                values += 1
    assert values > 20
    figure("texts: values of Dagster's metadata looked at, none is markup", values)


# --- in a browser


@pytest.fixture(scope="module")
def chromium(pictures) -> Iterator[object]:
    with pictures.browser() as driver:
        yield driver


@needs_chromium
def test_no_page_runs_a_script_or_asks_anybody(hostile: Hostile, chromium, figure, profile: str) -> None:
    pages = [hostile.release / "report.html", *sorted((hostile.release / "members").glob("QQ*.html"))]
    assert len(pages) == len(TEXTS) + 1
    for path in pages:
        chromium.get_log("performance")
        chromium.get(path.as_uri())
        _nothing_happened(chromium, {path.as_uri()})
        body = chromium.find_element("tag name", "body").get_attribute("textContent")
        assert "window.hacked = 1" in body or "Member" in body
    figure("texts: pages opened in a browser, none ran a script or asked anybody", len(pages))


def _nothing_happened(chromium, allowed: set[str]) -> None:
    """No script of the data ran, no dialog is open, nobody else was asked."""
    assert chromium.execute_script("return window.hacked") is None
    events = [json.loads(entry["message"])["message"] for entry in chromium.get_log("performance")]
    kinds = [event["method"] for event in events]
    assert "Page.javascriptDialogOpening" not in kinds
    asked = {event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"}
    assert {address for address in asked - allowed if not address.startswith("data:")} == set()


# --- a second release, by the command line


@pytest.fixture(scope="module")
def edited(hostile: Hostile, profile: str, tmp_path_factory: pytest.TempPathFactory) -> World:
    """The world with its commitments edited and refreshed in a process of its own."""
    if profile == "ci":
        pytest.skip("a whole refresh: with --reliability full")
    world = hostile.world.copy_to(tmp_path_factory.mktemp("edited"))
    path = world.inputs / FILE_NAME.format(layout="explorer_commitments")
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    title = header.index("Commitment Title")
    for row in rows:
        row[title] += EDIT
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    accepted = [verdict.name for verdict in hostile.refused.verdicts if verdict.refuses]
    options = [option for name in accepted for option in ("--accept", name, "--reason", REASON)]
    done = run(world.settings.data_dir, "--sources", str(world.inputs), *options)
    assert done.returncode == 0, done.stderr[-3000:]
    assert not commands_in(done.stdout + done.stderr)
    return world


def test_changes_are_text_on_paper_and_on_a_terminal(edited: World) -> None:
    from ogp_pipeline.release.change_list import FORMATS as CHANGES
    from ogp_pipeline.release.change_list import list_changes
    from ogp_pipeline.safe_text import markdown

    found = list_changes(edited.settings, edited.catalog)
    assert sum(found.counts.by_cause.values()) > 20
    assert not commands_in(CHANGES["text"](found))
    newest = sorted(edited.settings.releases_dir.glob("[0-9]*"))[-1]
    paper = (newest / "CHANGES.md").read_text("utf-8")
    assert markdown(EDIT) in paper
    assert not re.search(r"(?<!\\)<", paper)
    assert not commands_in(paper)


@needs_chromium
def test_dagsters_own_pages_show_it_as_text(edited: World, pictures, figure) -> None:
    """The pages that show what checks found, and the page of the release, whose changes are Markdown."""
    pages = ("quarantine/member_list?view=checks", "meta/problems?view=checks", "release/ogp_duckdb", "raw/member_list")
    with pictures.user_interface(edited.settings.data_dir) as address, pictures.browser() as driver:
        for page in pages:
            driver.get_log("performance")
            driver.get(f"{address}/assets/{page}")
            pictures.wait_for_text(driver, page.split("?")[0].split("/")[-1])
            _settled(driver)
            assert driver.execute_script("return window.hacked") is None
            log = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
            asked = [e["params"]["request"]["url"] for e in log if e["method"] == "Network.requestWillBeSent"]
            assert not [url for url in asked if "127.0.0.1:9/" in url]
            # Dagster makes a link of an address that stands in a text: one that is what it says it is, and no other
            links = driver.execute_script("return [...document.links].map(link => [link.href, link.textContent])")
            assert not [link for link, _ in links if not link.startswith(("http", "vscode:", "file:"))]
            assert not [link for link, words in links if "127.0.0.1:9/" in link and "127.0.0.1:9/" not in words]
            assert not driver.find_elements("css selector", "[onerror], [onclick], [onload]")
    figure("texts: pages of Dagster opened, none ran a script", len(pages))


def _settled(driver) -> None:
    """Wait until the text of the page stays as it is."""
    from selenium.webdriver.support.ui import WebDriverWait

    seen: list[str] = [""]

    def is_same(page) -> bool:
        text = page.find_element("tag name", "body").text
        seen.append(text)
        return seen[-1] == seen[-2] and len(text) > 200

    WebDriverWait(driver, 60, poll_frequency=1.5).until(is_same)


def test_the_longest_cell_goes_through_whole(hostile: Hostile, profile: str) -> None:
    if profile == "ci":
        pytest.skip("a cell of 10 MB: with --reliability full")
    with opened(hostile) as connection:
        longest = connection.execute("select max(length(full_text)) from marts.commitments").fetchone()[0]
        assert longest == len(CELL_OF_10_MB)
    assert max(path.stat().st_size for path in hostile.release.glob("**/*.html")) < 9_000_000
