"""What the report reads and says, without a browser: words, data of the charts, and releases that lack tables."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb
import pytest

from ogp_pipeline.report import write_report
from ogp_pipeline.report.charts import figure_data
from ogp_pipeline.report.page import TEMPLATES, as_json
from ogp_pipeline.report.reading import open_release
from ogp_pipeline.report.tables import significant
from ogp_pipeline.report.views import View, read_figures
from ogp_pipeline.report.words import caveats, comparison, listed, percent, span, why_not_drawn
from ogp_pipeline_tests.report_world import BREAKER, SCRIPT
from ogp_pipeline_tests.world import World

LEVELS = ("no_consultation", "inform", "consult", "involve", "collaborate", "empower")


@pytest.mark.parametrize(
    "share, digits, words",
    [
        (0.451, 0, "45 %"),
        (0, 0, "0 %"),
        (1, 0, "100 %"),
        (0.998, 0, "over 99 %"),  # 100 % would say that nothing is missing
        (0.002, 0, "under 1 %"),  # 0 % would say that there is none
        (0.4514, 1, "45.1 %"),
        (0.9999, 1, "over 99.9 %"),
        (None, 0, "–"),  # noqa: RUF001
    ],
)
def test_percent(share, digits, words) -> None:
    assert percent(share, digits).replace("\N{NO-BREAK SPACE}", " ") == words


@pytest.mark.parametrize(
    "items, words", [([], "none"), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_listed(items, words) -> None:
    assert listed(items) == words


@pytest.mark.parametrize("years, words", [(None, "no year"), ((2014, 2014), "2014"), ((2012, 2014), "2012 to 2014")])
def test_span(years, words) -> None:
    assert span(years) == words


@pytest.mark.parametrize(
    "value, words",
    [(0.1234, "0.123"), (0.0001, "< 0.001"), (-0.0001, "> -0.001"), (0.0, "0.000"), (1234.5, "1,234.500")],
)
def test_a_p_value_is_never_written_as_nothing(value, words) -> None:
    assert significant(value) == words


def view(*plans: int, progress: int | None = None) -> View:
    """Six cells with these plans; each plan has ten assessed commitments of twelve, four of them hits."""
    cells = []
    for rank, number in enumerate((*plans, *[0] * (6 - len(plans)))):
        shown = number >= 3
        cells.append(
            {
                "level": LEVELS[rank],
                "level_rank": rank,
                "outcome": "completion",
                "definition": "complete",
                "words": "Complete at the latest assessment",
                "stage": "throughout",
                "is_default": True,
                "plans": number,
                "plans_at_level": number + 1,
                "commitments": 10 * number,
                "commitments_at_level": 12 * number,
                "hits": 4 * number,
                "pooled_share": 0.4 if shown else None,
                "commitments_progress": None if progress is None else 10 * number * (rank == progress),
                "first_year": 2012 + rank if number else None,
                "last_year": 2012 + rank if number else None,
            }
        )
    return View(cells, [])


@pytest.mark.parametrize(
    "plans, drawn",
    [
        ((3, 3), True),  # two levels are a comparison
        ((9, 2, 2), False),  # the others are suppressed
        ((), False),  # nothing at all
        ((0, 0, 0, 4, 0, 4), True),  # not beside each other
    ],
)
def test_a_figure_is_drawn_from_two_levels_on(plans, drawn) -> None:
    assert view(*plans).is_drawn is drawn


@pytest.mark.parametrize(
    "plans, part",
    [
        ((9, 2), "only no consultation has as many. Of 17 plans"),  # 9 + 2 + one more at each of six levels
        ((), "no level has as many. Of 6 plans"),
        ((1,), "1 plan has commitments assessed"),  # grammar of one
    ],
)
def test_why_a_figure_is_not_drawn(plans, part) -> None:
    assert part in why_not_drawn(view(*plans))


@pytest.mark.parametrize(
    "plans, part",
    [
        ((3, 0, 0, 3), "40 % of 30 commitments in 3 plans at involve or above, 40 % of 30"),
        ((3, 3, 0, 2), "Only 2 plans of involve or above can be compared"),  # a side under three plans is suppressed
        ((2, 0, 0, 3, 3), "Only 2 plans of a lower level"),
    ],
)
def test_comparison_needs_three_plans_on_each_side(plans, part) -> None:
    assert part in comparison(view(*plans)).replace("\N{NO-BREAK SPACE}", " ")


def test_caveats_stand_with_their_numbers() -> None:
    said = " ".join(caveats(view(3, 4, progress=1))).replace("\N{NO-BREAK SPACE}", " ")
    for part in (
        "Assessed on this outcome: 83 % of 84 commitments",
        "57 % of these commitments (40 of 70) were judged at mid-term",
        "no consultation 3 and inform 4",
        "submitted in 2012 to 2013",
        "lowest of the two stages",
    ):
        assert part in said


@pytest.mark.parametrize("text", [BREAKER, "<!--<script>", "a\u2028b\u2029c", "&lt;", "]]>", "\U0001f600", "é"])
def test_json_in_a_script_element_cannot_end_it(text) -> None:
    written = str(as_json({"text": text}))
    assert written.isascii() and not set("<>&") & set(written)
    assert json.loads(written) == {"text": text}


def test_publishing_writes_the_report_and_the_pictures(reported: World) -> None:
    (folder,) = reported.settings.releases_dir.iterdir()
    assert (folder / "report.html").stat().st_size < 2_000_000  # a page that opens on a phone
    for figure in ("figure_4_3", "figure_4_5", "figure_4_9"):
        assert (folder / "figures" / f"{figure}.svg").read_text(encoding="utf-8").startswith("<svg")
        assert (folder / "figures" / f"{figure}.png").read_bytes().startswith(b"\x89PNG")


def test_no_markup_of_the_data_stands_in_the_page(reported: World) -> None:
    (folder,) = reported.settings.releases_dir.iterdir()
    text = (folder / "report.html").read_text(encoding="utf-8")
    assert SCRIPT not in text and BREAKER not in text and "<img src=x" not in text
    assert "Square &lt;script&gt;" in text  # the engagement case, as text
    assert "Atlantis &lt;/script&gt;" in text  # the refused row, as written
    assert "\u2028" not in text.split('id="chart-data"')[1]


def test_the_plans_drawn_are_those_of_the_cells(reported: World) -> None:
    with open_release(reported.settings.database) as release:
        figures = read_figures(release)
    views = [view for figure in figures for view in figure.views]
    assert len(views) == 24  # 8 definitions at 3 stages
    compared = 0
    for one in views:
        for cell in one.cells:
            plans = [plan for plan in one.plans if plan["level"] == cell["level"]]
            counts = (len(plans), *(sum(plan[name] for plan in plans) for name in ("commitments", "hits")))
            expected = (cell["plans"], cell["commitments"], cell["hits"])
            # the plans of a suppressed cell are what is suppressed: they are not in the page
            assert counts == ((0, 0, 0) if cell["is_suppressed"] else expected)
            compared += not cell["is_suppressed"]
    assert compared >= 10


def test_a_suppressed_share_is_not_in_the_data_of_the_page(reported: World) -> None:
    with open_release(reported.settings.database) as release:
        default = read_figures(release)[0].default
    cells = {cell["place"]: cell for cell in figure_data(default)["cells"]}
    collaborate = cells[4]
    assert collaborate["is_suppressed"] and collaborate["share"] is None and "%" not in collaborate["tooltip"]
    assert cells[1]["low"] is not None and cells[2]["low"] is None  # five plans have an interval, four have none


def release_with(world: World, folder: Path, *statements: str) -> str:
    """The report of a copy of the world's release to which `statements` were done."""
    path = folder / "changed.duckdb"
    shutil.copyfile(world.settings.database, path)
    path.chmod(0o644)
    with duckdb.connect(str(path)) as connection:
        for statement in statements:
            connection.execute(statement)
    (report, *_) = write_report(path, folder)
    return report.read_text(encoding="utf-8")


TABLES_OF_LATER_RELEASES = (
    "metrics.associations",
    "metrics.vital_signs_sensitivity",
    "metrics.figures",
    "metrics.influence_by_year",
    "metrics.outcomes_by_year",
)


def test_a_release_without_a_table_says_so(reported: World, tmp_path: Path) -> None:
    text = release_with(reported, tmp_path, *(f"drop table if exists {name}" for name in TABLES_OF_LATER_RELEASES))
    for name in ("metrics.associations", "metrics.vital_signs_sensitivity"):
        assert f"Not computed in this release ({name})" in text
    assert "metrics.influence_by_year and metrics.outcomes_by_year" in text


def test_tests_sensitivity_and_summaries_are_shown_where_they_are(reported: World, tmp_path: Path) -> None:
    text = release_with(
        reported,
        tmp_path,
        *(f"drop table if exists {name}" for name in TABLES_OF_LATER_RELEASES),
        "drop table if exists reference.sensitivity_choices",
        """create table metrics.associations as
        select figure, outcome, definition, stage, is_default, 'difference_pooled_within_year' as model,
               case when is_default and figure <> '4.9' then 'primary' else 'exploratory' end as test_role,
               'share_difference' as estimate_kind,
               case figure when '4.9' then 'not_estimable' else 'estimated' end as status,
               case figure when '4.9' then 'too_few_plans' end as reason, 0.1234 as estimate,
               0.01 as ci_low, 0.2 as ci_high, 0.00004 as p_value,
               case when is_default then case figure when '4.3' then 0.02 else 0.5 end end as q_value,
               17 as plans, 80 as commitments, figure || ' is associated with <b>it</b>' as sentence
        from metrics.vital_signs group by all""",
        """create table metrics.figures as
        select figure, 'title <b>of</b> ' || figure as title, 'sentence of ' || figure as sentence,
               'input for ' || figure as missing_input, figure = '4.3' as conclusion_stable,
               11 as choices_compared, 7 as choices_agreeing
        from metrics.vital_signs group by all""",
        """create table metrics.vital_signs_sensitivity as
        select figure, choice, level, plans, commitments, 0.25 as share_below_involve, 0.5 as share_involve_or_above,
               0.25 as difference, 'higher' as direction, choice = 'pooled' as agrees_with_default,
               'computed' as choice_status
        from metrics.vital_signs cross join (select unnest(['pooled', 'plan_mean']) as choice) where is_default""",
    )
    for part in (
        "4.3 is associated with &lt;b&gt;it&lt;/b&gt;",
        "title &lt;b&gt;of&lt;/b&gt; 4.5",
        "input for 4.9",
        "More ambition: higher at involve or above, by more than chance would give",  # q 0.02
        "more completion: no association beyond chance is found",  # q 0.5
        "stronger early results: cannot be shown",
        "&lt; 0.001",  # the p-value
        "plan mean",
        "the direction is the same in every way of counting",
        "the direction depends on the way of counting",
    ):
        assert part in text, part


@pytest.mark.parametrize("is_synthetic", [True, False], ids=["sample", "others"])
def test_the_banner_stands_on_the_sample_alone(reported: World, tmp_path: Path, is_synthetic: bool) -> None:
    marks = [f"update {name} set is_synthetic = {is_synthetic}" for name in ("meta.sources", "meta.releases")]
    text = release_with(reported, tmp_path, *marks)
    assert ("SYNTHETIC sample." in text) is is_synthetic
    assert ("SYNTHETIC SAMPLE" in (tmp_path / "figures" / "figure_4_3.svg").read_text(encoding="utf-8")) is is_synthetic
    assert ("do not cite a SYNTHETIC release" in text) is is_synthetic


def contrast(one: str, other: str) -> float:
    """The contrast of two colours by WCAG 2."""

    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(
    "ink, paper",
    [
        ("#1b1f24", "#f5f7f9"),  # text on a panel
        ("#4d5660", "#f5f7f9"),  # quiet text on a panel
        ("#0b4f8a", "#f5f7f9"),  # a link on a panel
        ("#1b1f24", "#fdf3e7"),  # a figure that is not shown
        ("#ffffff", "#7a1f00"),  # the banner
        ("#4d5660", "#ffffff"),  # notes below a level
    ],
)
def test_text_can_be_told_from_its_ground(ink, paper) -> None:
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8").replace("#fff;", "#ffffff;")
    assert ink in style and paper in style  # the colours are those of the page
    assert contrast(ink, paper) >= 4.5
