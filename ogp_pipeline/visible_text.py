"""Text of a source as it may be shown on a terminal."""

from __future__ import annotations

import unicodedata

SPELLED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
JOINERS = set("\u200c\u200d")  # invisible too, but scripts and emoji need them
SPELLED_KINDS = ("Cc", "Cf", "Cs", "Zl", "Zp")  # control, format (marks of direction among them), broken, separators


def visible(text: str) -> str:
    """The text with control characters, marks of writing direction, hidden and broken characters spelled out."""
    return "".join(
        SPELLED.get(letter) or f"\\u{ord(letter):04x}"
        if unicodedata.category(letter) in SPELLED_KINDS and letter not in JOINERS
        else letter
        for letter in text
    )
