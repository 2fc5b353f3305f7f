"""The verdicts that this process has come to, by the content they are about.

In a run every table is judged when it is built and again in the candidate of a release. What is byte for byte the
same, and compared with the same, is judged once; a release that is made by itself judges everything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ogp_pipeline.models import Model
from ogp_pipeline.store import TableState

if TYPE_CHECKING:
    from ogp_pipeline.quality import Verdict

_Question = tuple[str, str, str, tuple[tuple[str, str], ...]]
_known: dict[_Question, tuple[Verdict, ...]] = {}


def remember(model: Model, states: Mapping[str, TableState | None], verdicts: Sequence[Verdict]) -> None:
    """Keep the verdicts on a table; `states` has it and all that its checks read."""
    question = _question(model, states)
    if question is not None:
        _known[question] = tuple(verdicts)


def remembered(model: Model, states: Mapping[str, TableState | None]) -> tuple[Verdict, ...] | None:
    """The verdicts on a table of this content; None where this process has not judged it."""
    question = _question(model, states)
    return None if question is None else _known.get(question)


def _question(model: Model, states: Mapping[str, TableState | None]) -> _Question | None:
    """The code that judges, and the fingerprints of what is judged; None where one of the tables is not known."""
    tables = sorted({model.name, *model.checks_read})
    found = [states.get(name) for name in tables]
    if None in found:
        return None
    return model.name, model.code_hash, model.macros, tuple((state.table, state.fingerprint) for state in found)
