"""Text that stands in files, shown so that it commands nothing: no terminal, no spreadsheet, no Markdown page."""

from __future__ import annotations

import json
import re
import unicodedata

SPELLED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
LINES = set("\n\r\t\u2028\u2029")
JOINERS = set("\u200c\u200d")  # invisible too, but scripts and emoji need them
SPELLED_KINDS = ("Cc", "Cf", "Cs", "Zl", "Zp")  # control, format (marks of direction among them), broken, separators


def visible(text: str) -> str:
    """The text with control characters, marks of writing direction, hidden and broken characters spelled out."""
    if text.isprintable():  # as nearly every text is, told a hundred times as fast
        return text
    return "".join(
        SPELLED.get(letter) or f"\\u{ord(letter):04x}"
        if unicodedata.category(letter) in SPELLED_KINDS and letter not in JOINERS
        else letter
        for letter in text
    )


def of_a_page(text: str) -> str:
    """The same for a page or a cell that may have lines: line ends and tabs stay what they are."""
    if text.isprintable():
        return text
    return "".join(letter if letter in LINES else visible(letter) for letter in text)


def json_text(text: str) -> str:
    """JSON of the same values in which JSON's own escapes stand for what would command a terminal or turn a text."""
    return "\n".join(map(_escaped, text.split("\n")))


def _escaped(line: str) -> str:
    if line.isprintable():
        return line
    return "".join(letter if visible(letter) == letter else json.dumps(letter)[1:-1] for letter in line)


def unicode_name(name: str) -> str:
    """The name of a file with bytes that are no UTF-8 spelled out: Python keeps them as broken characters, which no
    table can hold."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def spreadsheet_cell(value: object) -> object:
    """A value for a CSV file: a text in it never begins a formula of a spreadsheet."""
    if not isinstance(value, str):
        return value
    shown = visible(value)
    return "'" + shown if shown.startswith(("=", "+", "-", "@")) else shown


def markdown(text: str) -> str:
    """The text as it is, inside a line of a Markdown page: nothing in it is markup, HTML, a formula or a link."""
    escaped = re.sub(r"([\\`*_{}\[\]<>#!|&~:@$])", r"\\\1", visible(text))
    return re.sub(r"(?i)(www)\.", r"\1\\.", escaped)
