"""Markdown pages: what their front matter gives, and every way in which one is set aside without ending the run."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import NamedTuple

import pytest

from ogp_pipeline.errors import SetAsideError
from ogp_pipeline.sources.folders import scan
from ogp_pipeline.sources.layouts import layouts
from ogp_pipeline.sources.markdown import BYTES_LIMIT, TEXT_COLUMN
from ogp_pipeline.sources.readers import grids


def read(folder: Path, content: bytes | str) -> dict[str, str]:
    """The one row of a page with this content."""
    path = folder / "page.md"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    [grid] = grids(path, "page.md")
    (header_line, header), (line, row) = grid.rows()
    assert (header_line, line) == (1, 2)
    return dict(zip(header, row, strict=True))


class Read(NamedTuple):
    content: bytes | str
    expected: dict[str, str]
    why: str


@pytest.mark.parametrize(
    "case",
    [
        Read("---\na: Yes\n---\n", {"a": "Yes"}, "YAML would make it true"),
        Read("---\na: 2023-08-01\n---\n", {"a": "2023-08-01"}, "YAML would make it a date"),
        Read("---\na: 1.10\n---\n", {"a": "1.10"}, "YAML would make it 1.1"),
        Read("---\na: US0113.0\n---\n", {"a": "US0113.0"}, "an id that looks like a number"),
        Read("---\na: 0o17\n---\n", {"a": "0o17"}, "YAML would make it 15"),
        Read("---\na: null\nb: ~\nc: x\n---\n", {"a": "null", "b": "~", "c": "x"}, "YAML would make them nothing"),
        Read("---\na:\nb: x\n---\n", {"a": "", "b": "x"}, "a key without a value is a blank cell"),
        Read('---\na: "one\n\n  two"\n---\n', {"a": "one\ntwo"}, "a text in quotes over several lines"),
        Read("---\na: |\n  one\n  two\n---\n", {"a": "one\ntwo\n"}, "a block text"),
        Read("---\n# note\na: x # more\n---\n", {"a": "x"}, "comments are no part of a value"),
        Read("---\r\na: x\r\n---\r\nText\r\n", {"a": "x", TEXT_COLUMN: "Text\r\n"}, "line ends of Windows"),
        Read("---\ra: x\r---\rText", {"a": "x", TEXT_COLUMN: "Text"}, "line ends of old Macs"),
        Read("---  \na: x\n--- \nText", {"a": "x", TEXT_COLUMN: "Text"}, "spaces behind the fences"),
        Read("---\na: x\n---", {"a": "x", TEXT_COLUMN: ""}, "nothing below, not even a line end"),
        Read("---\na: x\n---\nOne\n---\nTwo", {TEXT_COLUMN: "One\n---\nTwo"}, "a rule in the text is no fence"),
        Read(codecs.BOM_UTF8 + b"---\na: \xc3\xa9\n---\n", {"a": "é"}, "UTF-8 with a byte order mark"),
        Read(b"---\na: caf\xe9\n---\n", {"a": "café"}, "Windows-1252"),
        Read("---\na: é\n---\n".encode("utf-16"), {"a": "é"}, "UTF-16"),
        Read("---\na: !!str 5\n---\n", {"a": "5"}, "a tag that asks for text"),
    ],
    ids=lambda case: case.why,
)
def test_what_a_page_gives(tmp_path, case):
    row = read(tmp_path, case.content)
    assert {name: row[name] for name in case.expected} == case.expected


def test_a_key_named_as_the_text_does_not_replace_it(tmp_path):
    path = tmp_path / "page.md"
    path.write_text(f"---\n{TEXT_COLUMN}: x\n---\nText", encoding="utf-8")
    [grid] = grids(path, "page.md")
    assert [cells for _, cells in grid.rows()] == [[TEXT_COLUMN, TEXT_COLUMN], ["Text", "x"]]


class Bad(NamedTuple):
    content: bytes | str
    reason: str
    why: str


DEEP = "---\na: " + "[" * 20_000 + "\n---\n"
BOMB = "---\na: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n---\n"
BAD = [
    Bad("# Read me\n", "line 1 is not ---", "a README without front matter"),
    Bad("", "line 1 is not ---", "an empty file"),
    Bad("a: x\n---\n", "line 1 is not ---", "the first fence is missing"),
    Bad("---\na: x\n", "never closed", "the second fence is missing"),
    Bad("---\n---\n", "no list of `key: value`", "nothing between the fences"),
    Bad("---\na:\nb: ''\n---\nText\n", "gives no values", "keys alone"),
    Bad("---\njust words\n---\n", "no list of `key: value`", "no pairs"),
    Bad("---\n- a\n- b\n---\n", "no list of `key: value`", "a list"),
    Bad("---\na: x\na: y\n---\n", "line 3: a is given twice", "a key twice"),
    Bad("---\na: [x, y]\n---\n", "line 2: a is a list", "a list as value"),
    Bad("---\nb: x\na:\n  c: y\n---\n", "line 3: a is a group of keys", "nested keys"),
    Bad("---\n? [x]\n: y\n---\n", "a key is no plain text", "a list as key"),
    Bad("---\n{[x]: y}\n---\n", "a key is no plain text", "a list as key, in braces"),
    Bad("---\na: &a x\nb: *a\n---\n", "line 3: b is a reference", "a reference"),
    Bad(BOMB, "is a list", "references of references, which would grow without end"),
    Bad(DEEP, "is a list", "lists 20,000 deep"),
    Bad("---\n<<: {a: x}\n---\n", "is a group of keys", "a merge key"),
    Bad("---\na: !!python/object/apply:os.getcwd []\n---\n", "tagged", "asks for a call"),
    Bad("---\na: !!python/name:os.getcwd ''\n---\n", "tagged", "asks for a function"),
    Bad("---\na: !!int 5\n---\n", "tagged", "asks for another type"),
    Bad("---\n!!python/object:os.x {a: x}\n---\n", "no list of `key: value`", "the whole asks for an object"),
    Bad("---\na: x: y\n---\n", "line 2: the front matter is not readable as YAML", "a colon in a bare value"),
    Bad('---\na: "x\n---\n', "not readable as YAML", "a quote that is never closed"),
    Bad("---\na: x\n\tb: y\n---\n", "not readable as YAML", "a tab as indentation"),
    Bad("---\na: x\x00y\n---\n", "not readable as YAML", "a zero byte"),
    Bad("---\na: x\n...\nb: y\n---\n", "not readable as YAML|second YAML document", "an end mark inside"),
    Bad("---\na: x\n--- # more\nb: y\n---\n", "second YAML document", "two documents"),
    Bad("---\na: x\n---\n" + "x" * BYTES_LIMIT, "more than 1,000,000", "a huge page"),
    Bad(b"PK\x03\x04" + b"\x00\xff" * 50, "line 1 is not ---", "a workbook under the wrong name"),
]


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.why)
def test_pages_that_are_set_aside(tmp_path, case):
    with pytest.raises(SetAsideError, match=case.reason) as error:
        read(tmp_path, case.content)
    [told] = error.value.problems
    assert ": " in told and "\n" not in told  # what is wrong, then what to do


def test_no_page_ends_the_run(world):
    world.commitments({})
    for number, case in enumerate(BAD):
        world.page(f"pages/{number:02}.md", case.content)
    world.page("pages/good.md", "---\ncommitment_id: AL0001\ncommitment_link: x\ncommitment_theme_slug: y\n---\n")
    world.page("pages/other.md", "---\ntitle: About\nauthor: Me\n---\n")
    world.page("pages/lacking.md", "---\ncommitment_link: x\ncommitment_theme_slug: y\ncommitment_detail_sub: z\n---\n")
    found = {file.name: file for file in scan(world.settings, layouts(world.catalog))}
    assert len(found) == len(BAD) + 4
    assert {file.status for name, file in found.items() if name[6:8].isdigit()} == {"refused"}
    assert all(
        file.reason and file.sha256 and file.size is not None for file in found.values() if file.status == "refused"
    )
    good = found["pages/good.md"]
    assert (good.status, good.layout, good.rows) == ("loaded", "self_assessment_commitments", 1)
    assert "no known layout" in found["pages/other.md"].reason
    lacking = found["pages/lacking.md"]
    assert lacking.status == "refused" and "lacks the required column commitment_id" in lacking.reason
