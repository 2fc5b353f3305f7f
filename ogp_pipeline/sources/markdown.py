"""Markdown pages with YAML front matter as rows of text: one page is one row, the front matter's keys its columns.

Cutting a page into front matter and text, and reading the front matter without letting YAML turn a value into
anything but text, belong here; what the keys mean does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from ogp_pipeline.errors import SetAsideError

SUFFIXES = (".md",)
TEXT_COLUMN = "Page text"  # the column of what stands below the front matter
FENCE = "---"
# the longest real page holds 10 kB; a megabyte of prose is a book, and YAML of that size takes seconds
BYTES_LIMIT = 1_000_000
FRONT_MATTER_BEGINS = 2  # line 1 is the fence
PLAIN_TAGS = (None, "tag:yaml.org,2002:str")
# only the events are used: neither loader makes numbers, dates or objects of them
LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


@dataclass(frozen=True)
class Page:
    """A page as a table of one row. `values` are the front matter's values as text, in the order of `keys`."""

    keys: tuple[str, ...]
    values: tuple[str, ...]
    text: str

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """The header in line 1, and the row in line 2, where the front matter begins."""
        yield 1, [TEXT_COLUMN, *self.keys]
        yield FRONT_MATTER_BEGINS, [self.text, *self.values]


def refuse_huge(path: Path) -> None:
    """SetAsideError where the file is too large for a page."""
    size = path.stat().st_size
    if size > BYTES_LIMIT:
        raise SetAsideError(f"a page of {size:,} bytes, more than {BYTES_LIMIT:,}: give it as CSV or XLSX")


def read_page(path: Path, encoding: str) -> Page:
    """A page and its front matter; SetAsideError, with the line and what to do, where it has none to read."""
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        lines = re.split(r"(?<=\n)|(?<=\r)(?!\n)", file.read())
    if lines[0].rstrip() != FENCE:
        raise SetAsideError(f"no front matter: line 1 is not {FENCE}: begin and end it with lines of {FENCE}")
    end = next((index for index, line in enumerate(lines[1:], start=1) if line.rstrip() == FENCE), None)
    if end is None:
        raise SetAsideError(f"the front matter is never closed: end it with a line of {FENCE}")
    keys, values = _front_matter("".join(lines[1:end]))
    if not any(value.strip() for value in values):
        raise SetAsideError("the front matter gives no values: write them behind its keys")
    return Page(keys, values, "".join(lines[end + 1 :]))


def _front_matter(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    pairs: dict[str, str] = {}
    try:
        for key, value in _pairs(text):
            line = key.start_mark.line + FRONT_MATTER_BEGINS
            if not _is_text(key):
                raise SetAsideError(f"line {line}: a key is no plain text: write `key: value`")
            if key.value in pairs:
                raise SetAsideError(f"line {line}: {key.value} is given twice: keep one of them")
            if not _is_text(value):
                raise SetAsideError(f"line {line}: {key.value} is {_kind(value)}: write it as one text in quotes")
            pairs[key.value] = value.value
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + FRONT_MATTER_BEGINS}: " if mark else ""
        told = getattr(error, "problem", None) or getattr(error, "reason", None) or "an error"
        raise SetAsideError(
            f"{where}the front matter is not readable as YAML ({told}): put quotes around its values"
        ) from error
    return tuple(pairs), tuple(pairs.values())


def _pairs(text: str) -> Iterator[tuple[yaml.Event, yaml.Event]]:
    """The keys and values of a flat mapping as YAML events; stops where a caller finds the first of another kind."""
    opening = (yaml.StreamStartEvent, yaml.DocumentStartEvent)
    events = (event for event in yaml.parse(text, Loader=LOADER) if not isinstance(event, opening))
    first = next(events)
    if not isinstance(first, yaml.MappingStartEvent) or first.tag is not None:
        raise SetAsideError("the front matter is no list of `key: value`: write one pair in each line")
    for key in events:
        if isinstance(key, yaml.MappingEndEvent):
            break
        if isinstance(key, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            yield key, key
            return
        yield key, next(events)
    closing = (yaml.DocumentEndEvent, yaml.StreamEndEvent)
    if any(not isinstance(event, closing) for event in events):
        raise SetAsideError("the front matter holds a second YAML document: keep one")


def _is_text(event: yaml.Event) -> bool:
    return isinstance(event, yaml.ScalarEvent) and event.tag in PLAIN_TAGS


def _kind(event: yaml.Event) -> str:
    if isinstance(event, yaml.AliasEvent):
        return "a reference to another value"
    if event.tag not in PLAIN_TAGS:
        return f"tagged {event.tag}"
    return "a list" if isinstance(event, yaml.SequenceStartEvent) else "a group of keys"
