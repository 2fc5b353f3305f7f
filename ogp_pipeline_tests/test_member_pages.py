"""The pages of members: which members have one, what stands on it, and that its numbers are those of the release."""

from __future__ import annotations

import re
import shutil
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest

from ogp_pipeline.report.member_tables import minimum_words, missed_words
from ogp_pipeline.report.members import has_page, write_member_pages
from ogp_pipeline.report.words import percent
from ogp_pipeline_tests.report_world import BREAKER, SCRIPT
from ogp_pipeline_tests.world import World, query


class Page(HTMLParser):
    """What a reader finds on a page: its tables by their names, its links, its anchors, and all of its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.elements: set[str] = set()
        self.words: list[str] = []
        self._rows: list[list[str]] | None = None
        self.feed(html)
        self.text = " ".join(" ".join(self.words).replace("\N{NO-BREAK SPACE}", " ").split())

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.elements.add(tag)
        if "id" in given:
            self.anchors.add(given["id"])
        if tag == "a":
            self.links.append(given["href"])
        elif tag == "table":
            self._rows = self.tables.setdefault(given["aria-label"], [])
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "table":
            self._rows = None

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self._rows and self._rows[-1]:
            self._rows[-1][-1] += data.replace("\N{NO-BREAK SPACE}", " ")

    def rows(self, table: str) -> list[dict[str, str]]:
        """The rows of a table under the heads of their columns; cells stripped."""
        heads, *rows = [[cell.strip() for cell in row] for row in self.tables[table]]
        return [dict(zip(heads, row, strict=True)) for row in rows]


def page_of(world: World, member_id: str) -> Page:
    """The page of a member in the one release of the world."""
    (path,) = world.settings.releases_dir.glob(f"*/members/{member_id}.html")
    return Page(path.read_text(encoding="utf-8"))


def pages(world: World) -> dict[str, str]:
    """All pages of the one release of the world: member -> HTML."""
    return {path.stem: path.read_text(encoding="utf-8") for path in world.settings.releases_dir.glob("*/members/*")}


@pytest.mark.parametrize(
    "member_id, expected",
    [
        ("ALB", True),
        ("GBSC", True),  # a local member
        ("../ALB", False),  # would leave the folder
        ("AL B", False),  # not safe in an address
        ("ALB\n", False),  # a line end is no part of a name
        ("", False),
        ("A" * 300, False),  # longer than a file system takes
    ],
)
def test_the_code_of_a_member_must_be_safe_as_a_file_name(member_id, expected) -> None:
    assert has_page(member_id) is expected


@pytest.mark.parametrize(
    "minimum, would, words",
    [
        (True, True, "met"),
        (False, False, "not met"),
        (None, True, "would be met"),  # a plan of other years
        (None, False, "would not be met"),
        (None, None, ""),  # not assessed
    ],
)
def test_the_minimum_is_said_to_apply_only_where_it_did(minimum, would, words) -> None:
    plan = {"minimum_in_development": minimum, "would_in_development": would}
    assert minimum_words(plan, "development") == words


@pytest.mark.parametrize(
    "missed_by, uncoded, words",
    [
        ("relevance", None, "not relevant"),
        ("specificity", None, "too vague"),
        ("not_computable", "transformative", "no verdict: potential impact is not coded"),  # no failure is claimed
    ],
)
def test_why_a_star_was_missed(missed_by, uncoded, words) -> None:
    assert words in missed_words({"missed_by": missed_by, "uncoded": uncoded})


def test_every_member_with_a_plan_has_a_page_that_the_report_links_to(reported: World) -> None:
    with_plans = {
        row[0] for row in query(reported.settings.database, "select distinct member_id from marts.action_plans")
    }
    assert set(pages(reported)) == with_plans
    (report,) = reported.settings.releases_dir.glob("*/report.html")
    links = re.findall(r'href="members/(\w+)\.html"', report.read_text(encoding="utf-8"))
    assert sorted(links) == sorted(with_plans)


def test_pages_are_small_and_hold_no_script(sampled_once: World) -> None:
    for member_id, html in pages(sampled_once).items():
        assert len(html) < 100_000, member_id
        assert "script-src 'none'" in unescape(html) and "script" not in Page(html).elements
        assert "SYNTHETIC sample." in html


def test_links_of_a_page_lead_somewhere(sampled_once: World) -> None:
    (folder,) = sampled_once.settings.releases_dir.glob("*/members")
    links = 0
    for path in folder.iterdir():
        page = Page(path.read_text(encoding="utf-8"))
        for link in page.links:
            target, _, anchor = link.partition("#")
            assert (path.parent / target).resolve().exists() if target else anchor in page.anchors, (path.name, link)
            links += target.endswith(".html") and not target.startswith("..")
    assert links > 100  # to the pages of peers


def test_hostile_texts_are_texts(reported: World) -> None:
    for html in pages(reported).values():
        assert SCRIPT not in html and BREAKER not in html and "<img" not in html
    assert page_of(reported, "QQA").text.count(f"Alpha {SCRIPT}") >= 2  # title and heading
    assert any(row["title"] == f"1 {SCRIPT}" for row in page_of(reported, "QQA").rows("Commitments"))


@pytest.mark.parametrize("world", ["reported", "sampled_once"])
def test_outcomes_are_those_of_member_comparison(world, request: pytest.FixtureRequest) -> None:
    world = request.getfixturevalue(world)
    found = {member_id: Page(html) for member_id, html in pages(world).items()}
    rows = query(
        world.settings.database,
        "select member_id, member_name, region, words, plans, commitments, hits, share, region_members, region_plans, "
        "region_commitments, region_hits, region_share, world_members, world_plans, world_commitments, world_hits, "
        "world_share, has_few_commitments from metrics.member_comparison "
        "inner join reference.outcome_definitions using (outcome, definition)",
    )
    compared = 0
    for member_id, name, region, words, plans, commitments, hits, share, *others in rows:
        in_region, in_world, has_few = others[:5], others[5:10], others[10]
        if not commitments and not in_world[2]:
            assert words not in found[member_id].tables  # nobody is assessed on it
            continue
        lines = {line["whose commitments"]: line for line in found[member_id].rows(words)}
        assert list(lines) == [name.strip(), *([f"Others in {region}"] if region else []), "Others in the world"]
        expected = [(name.strip(), "", plans, commitments, hits, share)]
        expected += [(f"Others in {region}", *in_region)] if region else []
        expected += [("Others in the world", *in_world)]
        for key, members, n_plans, n_commitments, n_hits, n_share in expected:
            line = lines[key]
            assert line["of them so"] == f"{n_hits:,} of {n_commitments:,}"
            assert line["plans"] == f"{n_plans:,}"
            assert line["members"] == (members if members == "" else f"{members:,}")
            if n_share is None:
                assert line["share"] == ("suppressed: under 3 plans" if n_commitments else "none assessed")
            else:
                assert line["share"] == percent(n_share, 1).replace("\N{NO-BREAK SPACE}", " ")
        assert (
            not has_few or "Few commitments" in found[member_id].text or "None of this member" in found[member_id].text
        )
        compared += 1
    assert compared >= 50


def test_stars_and_missed_stars_add_up_to_the_commitments(sampled_once: World) -> None:
    starred = dict(
        query(
            sampled_once.settings.database,
            "select commitments.member_id, count_if(missed.missed_by is null) from marts.commitments as commitments "
            "left join metrics.missed_stars as missed using (commitment_id) group by commitments.member_id",
        )
    )
    for member_id, html in pages(sampled_once).items():
        page = Page(html)
        commitments = page.rows("Commitments") if "Commitments" in page.tables else []
        assert sum(row.get("starred") == "yes" for row in commitments) == starred.get(member_id, 0)
        name = "Why the others have no star by the current formula"
        missed = sum(int(row["commitments"]) for row in page.rows(name)) if name in page.tables else 0
        assert missed + starred.get(member_id, 0) == len(commitments)
    assert sum(starred.values()) > 10


def test_a_local_member_shows_what_its_monitoring_body_says_apart(sampled_once: World) -> None:
    page = page_of(sampled_once, "QZSW")
    assert "This member is local" in page.text and "the other local members" in page.text
    assert "peers" not in page.anchors  # the peer finder knows national members alone
    reports, on_time, complete = query(
        sampled_once.settings.database,
        "select reports, reports_on_time, commitments_complete || ' of ' || commitments_completion_assessed "
        "from metrics.local_monitoring where scope_id = 'QZSW'",
    )[0]
    counts = {
        row["what is counted"]: row["all plans"] for row in page.rows("Reports of the monitoring body, in numbers")
    }
    assert counts["reports"] == str(reports) and counts["reports on time"] == f"{on_time} of {reports}"
    assert counts["complete, of those assessed on completion"] == complete


def test_a_self_assessment_stands_beside_the_irm(sampled_once: World) -> None:
    rows = page_of(sampled_once, "ZZE").rows("The government's self-assessment beside the IRM")
    expected = query(
        sampled_once.settings.database,
        "select commitment_id, items_complete || ' of ' || items from metrics.self_assessments_beside_irm "
        "where member_id = 'ZZE' order by commitment_id, assessment",
    )
    assert [(row["commitment"], row["milestones complete"]) for row in rows] == expected
    assert any(row["in words"] == "only the government says complete" for row in rows)
    assert "self-assessment" not in page_of(sampled_once, "ZZA").anchors


def test_what_is_not_assessed_and_the_peers_are_those_of_the_release(sampled_once: World) -> None:
    for member_id in ("ZZA", "ZZE"):
        page = page_of(sampled_once, member_id)
        counts = query(
            sampled_once.settings.database,
            f"select (select count(*) from metrics.not_yet_assessed where member_id = '{member_id}'), "
            f"(select count(*) from metrics.peer_finder where member_id = '{member_id}' and peer_rank <= 3)",
        )[0]
        shown = len(page.rows("Not assessed in the official data")), sum(link[0].isalnum() for link in page.links)
        assert shown == counts and min(counts) > 0


def test_refused_and_doubtful_rows_are_counted(sampled_once: World) -> None:
    text = page_of(sampled_once, "QZHM").text
    assert "Rows that name this member: 2 refused rows" in text  # an unknown requirement, a report without its plan
    doubts = page_of(sampled_once, "QZHM").rows("Values that were unreadable or doubtful")
    assert {row["column"] for row in doubts} >= {"Report date"}


def test_a_release_without_a_metric_says_so(reported: World, tmp_path: Path) -> None:
    path = tmp_path / "older.duckdb"
    shutil.copyfile(reported.settings.database, path)
    path.chmod(0o644)
    tables = ("member_comparison", "missed_stars", "not_yet_assessed", "peer_finder")
    with duckdb.connect(str(path)) as connection:
        for table in tables:
            connection.execute(f"drop table metrics.{table}")
    written = write_member_pages(path, tmp_path)
    text = next(page for page in written if page.stem == "ALB").read_text(encoding="utf-8")
    for table in tables:
        assert f"Not computed in this release (metrics.{table})" in text
