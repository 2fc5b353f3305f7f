"""The data dictionary: complete, the same wherever it stands, and searchable."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner
from jinja2 import Environment, FileSystemLoader

from ogp_pipeline.cli import main
from ogp_pipeline.dictionary import ColumnEntry, TableEntry, entries, entries_of_release, lacking, markdown
from ogp_pipeline.models import Catalog
from ogp_pipeline.release.facts import release_session
from ogp_pipeline.report.dictionary import dictionary_context
from ogp_pipeline.settings import PACKAGE_DIR
from ogp_pipeline_tests.world import World, query

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "data_dictionary.md"
LOOKS_LIKE_A_CODE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
# a column with more values than this is no code list
FEW = 40
# single words that are no codes, and why
NO_CODES: dict[str, str] = {}


def test_every_public_table_and_column_is_explained(catalog: Catalog) -> None:
    todo = lacking(entries(catalog))
    assert not todo, "the data dictionary is not complete; in sql/:\n" + "\n".join(todo)


COLUMN = ColumnEntry("a", 1, "BIGINT", "Meaning.", "plans", (), None, False, False, False, None, "Rule.")
TABLE = TableEntry("marts", "t", "What.", "Grain.", ("a",), None, "Rule.", (COLUMN,))


@pytest.mark.parametrize(
    ("table", "lines"),
    [
        pytest.param(TABLE, [], id="complete"),
        pytest.param(replace(TABLE, source_rule=None), ["marts.t: add `source:`"], id="no rule"),
        pytest.param(
            replace(TABLE, columns=(replace(COLUMN, unit=None),)),
            ["marts.t: a (BIGINT): add `unit:`"],
            id="a number without a unit",
        ),
    ],
)
def test_what_is_lacking_is_a_list_of_things_to_do(table: TableEntry, lines: list[str]) -> None:
    found = lacking([table])
    assert len(found) == len(lines)
    assert all(line.startswith(start) for line, start in zip(found, lines, strict=True))


def test_every_coded_text_names_its_codes(sampled_once: World, catalog: Catalog) -> None:
    """By the data: a text column of a mart or metric with few values that all look like codes has a code list."""
    todo = []
    with release_session(sampled_once.settings.database) as connection:
        for model in catalog.public:
            for name, column in model.contract.columns.items():
                if model.schema not in ("marts", "metrics") or column.type != "VARCHAR" or column.codes:
                    continue
                if column.codes_in or f"{model.name}.{name}" in NO_CODES:
                    continue
                values = connection.execute(
                    f'select distinct "{name}" from {model.name} where "{name}" <> \'\' limit {FEW + 1}'
                ).fetchall()
                if 0 < len(values) <= FEW and all(LOOKS_LIKE_A_CODE.fullmatch(value) for (value,) in values):
                    shown = ", ".join(sorted(value for (value,) in values)[:5])
                    todo.append(f"{model.name}: {name} ({shown}): add `codes:` (a list of labels.csv) or `codes_in:`")
    assert not todo, "columns that hold codes and do not say which:\n" + "\n".join(todo)


def test_codes_in_names_the_column_that_lists_them(sampled_once: World, catalog: Catalog) -> None:
    named = [
        (model.name, name, column.codes_in)
        for model in catalog.public
        for name, column in model.contract.columns.items()
        if column.codes_in
    ]
    assert named
    unlisted = []
    with release_session(sampled_once.settings.database) as connection:
        for table, name, codes_in in named:
            listed, column = codes_in.rsplit(".", 1)
            unlisted += connection.execute(
                f'select distinct \'{table}\', "{name}" from {table} where "{name}" is not null '
                f'and "{name}" not in (select "{column}" from {listed})'
            ).fetchall()
    assert unlisted == []


def test_the_document_is_current(catalog: Catalog) -> None:
    current = DOCUMENT.exists() and DOCUMENT.read_text(encoding="utf-8") == markdown(catalog)
    assert current, "docs/data_dictionary.md is not current: ogp-pipeline dictionary -o docs/data_dictionary.md"


def test_markdown_of_a_table_shows_text_as_it_is() -> None:
    from ogp_pipeline.dictionary import _table_markdown

    hostile = replace(TABLE, description="<script>a|b*c*</script>", columns=(replace(COLUMN, name="a|b"),))
    text = _table_markdown(hostile)
    assert "\\<script\\>a\\|b\\*c\\*" in text
    assert "| `a\\|b` | BIGINT | plans |" in text


def test_the_command_writes_it(tmp_path: Path, catalog: Catalog) -> None:
    target = tmp_path / "dictionary.md"
    result = CliRunner().invoke(main, ["dictionary", "-o", str(target)])
    assert result.exit_code == 0
    assert target.read_text(encoding="utf-8") == markdown(catalog) == CliRunner().invoke(main, ["dictionary"]).output


def test_the_command_says_where_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = CliRunner().invoke(main, ["dictionary", "-o", str(tmp_path / "file" / "dictionary.md")])
    assert result.exit_code == 2
    assert "cannot be written" in result.output


# --- in the release


def test_a_release_describes_every_column_it_has(sampled_once: World) -> None:
    lacking_of_release = query(
        sampled_once.settings.database,
        "select table_schema, table_name, column_name from meta.columns "
        "where description is null or unit is null or source_rule is null",
    )
    assert lacking_of_release == []


def test_a_release_says_what_the_contracts_say(published_once: World, catalog: Catalog) -> None:
    with release_session(published_once.settings.database) as connection:
        released = {entry.name: entry for entry in entries_of_release(connection)}
    for entry in entries(catalog):
        told = released[entry.name]
        assert replace(told, columns=()) == replace(entry, columns=())
        # a raw table has the extra columns of its files behind those of its contract
        assert told.columns[: len(entry.columns)] == entry.columns or catalog[entry.name].contract.extras


@pytest.mark.parametrize(
    ("what", "sql"),
    [
        ("table", "select comment from duckdb_tables() where schema_name = 'marts' and table_name = 'results'"),
        ("view", "select comment from duckdb_views() where schema_name = 'main' and view_name = 'results'"),
    ],
)
def test_comments_warn_and_name_the_source(published_once: World, what: str, sql: str) -> None:
    ((comment,),) = query(published_once.settings.database, sql)
    assert "Usage warning: National, local and government-reported" in comment
    assert "Source: IRM: marts.commitments" in comment


def test_the_comment_of_a_column_names_unit_codes_and_source(published_once: World) -> None:
    ((comment,),) = query(
        published_once.settings.database,
        "select comment from duckdb_columns() where schema_name = 'marts' and table_name = 'influence' "
        "and column_name = 'stage'",
    )
    assert "Unit: code. Codes: development, implementation, throughout. Source: " in comment


# --- in the report


def fragment(context: dict) -> str:
    """The part of the page that shows the dictionary."""
    environment = Environment(loader=FileSystemLoader(PACKAGE_DIR / "report" / "templates"), autoescape=True)
    return environment.get_template("sections/dictionary.html").render(item={"dictionary": context})


@pytest.fixture(scope="module")
def context(published_once: World) -> dict:
    with release_session(published_once.settings.database) as connection:
        return dictionary_context(connection)


def test_the_page_shows_every_table_and_column(context: dict) -> None:
    text = fragment(context)
    assert text.count("<details open") == context["table_count"] > 90
    assert text.count('<th scope="row">') == context["column_count"] > 1_000
    assert context["schemas"][0]["name"] == "metrics"


def test_text_of_the_page_is_never_markup() -> None:
    hostile = "<script>alert(1)</script>"
    column = replace(
        COLUMN, name=hostile, description=hostile, unit=hostile, codes=(hostile,), source_rule=hostile + "2"
    )
    table = replace(TABLE, description=hostile, usage_warning=hostile, source_rule=hostile, columns=(column,))
    schemas = [{"name": "marts", "words": hostile, "tables": [{"entry": table, "rows": 1}]}]
    text = fragment({"schemas": schemas, "table_count": 1, "column_count": 1})
    assert hostile not in text
    assert text.count("&lt;script&gt;alert(1)") >= 8


BROWSER = pytest.mark.skipif(
    not (shutil.which("chromium") and shutil.which("chromedriver")), reason="chromium and chromedriver are not here"
)


@pytest.fixture(scope="module")
def driver(published_once: World, pictures: ModuleType) -> Iterator:
    """Chromium with the report of a release open."""
    (report,) = published_once.settings.releases_dir.glob("*/report.html")
    with pictures.browser() as browser:
        browser.get(report.as_uri())
        yield browser


SHOWN = "return [...document.querySelectorAll('#dictionary details:not([hidden])')].map(d => d.id)"
OPEN = "return document.querySelectorAll('#dictionary details[open]').length"


@BROWSER
def test_the_search_finds_tables_and_columns_from_the_keyboard(driver, context: dict) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    assert len(driver.execute_script(SHOWN)) == context["table_count"]
    assert driver.execute_script(OPEN) == 0, "folded until somebody asks"
    box = driver.find_element(By.ID, "dictionary-words")
    box.send_keys("Would MEET minimum")
    assert "table-marts.influence" in driver.execute_script(SHOWN)
    rows = driver.find_elements(By.CSS_SELECTOR, "#table-marts\\.influence tbody tr:not([hidden]) code")
    assert [row.text for row in rows] == ["would_meet_2017_minimum"]
    assert "columns found" in driver.find_element(By.ID, "dictionary-found").text
    box.send_keys(Keys.ESCAPE)
    assert len(driver.execute_script(SHOWN)) == context["table_count"]
    box.send_keys("no such word anywhere")
    assert driver.execute_script(SHOWN) == []
    assert driver.find_element(By.ID, "dictionary-found").text == "0 tables and 0 columns found"
    box.send_keys(Keys.ESCAPE)
    assert [entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE"] == []


@BROWSER
def test_a_link_to_a_table_opens_it(driver) -> None:
    driver.execute_script("location.hash = '#table-marts.members'")
    assert driver.execute_async_script(
        "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => "
        "done(document.getElementById('table-marts.members').open)))"
    )
