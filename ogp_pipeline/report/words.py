"""What a view of a figure says in words: titles, sentences, caveats with the numbers of the release."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ogp_pipeline.report.views import Figure, View

STAGES = {
    "development": "during development (co-creation)",
    "implementation": "during implementation",
    "throughout": "throughout (lowest of the two stages)",
}
CELL_NOTES = {
    "empty": "none assessed",
    "suppressed": "suppressed: under 3 plans",
    "too_few_plans": "no interval: under 5 plans",
    "no_variation": "no interval: no variation",
    "shown": "",
}
NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"


def percent(share: float | None, digits: int = 0) -> str:
    """0.451 -> `45 %`; a dash where there is none. Only nothing is 0 % and only all is 100 %."""
    if share is None:
        return "–"  # noqa: RUF001
    least = 0.5 * 10 ** -(digits + 2)
    if 0 < share < least:
        return f"under {2 * least * 100:.{digits}f}{NO_BREAK_SPACE}%"
    if 1 - least <= share < 1:
        return f"over {100 - 2 * least * 100:.{digits}f}{NO_BREAK_SPACE}%"
    return f"{100 * share:.{digits}f}{NO_BREAK_SPACE}%"


def count(number: int, thing: str) -> str:
    """`1 plan`, `1,200 plans`."""
    return f"{number:,} {thing if number == 1 else thing + 's'}"


def listed(items: Iterable[str]) -> str:
    """`a, b and c`."""
    items = list(items)
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else "none"


def plain(code: Any) -> str:
    """A code as words: `no_consultation` -> `no consultation`; a dash for nothing."""
    return "–" if code is None or code == "" else str(code).replace("_", " ")  # noqa: RUF001


def span(years: tuple[int, int] | None) -> str:
    """`2012 to 2014`, `2014`."""
    if years is None:
        return "no year"
    return str(years[0]) if years[0] == years[1] else f"{years[0]} to {years[1]}"


def title(view: View) -> str:
    """What the data of a view are: definition, stage, share judged at mid-term, years of the plans."""
    head = f"{view.first['words']}, by level of public influence {STAGES[view.first['stage']]}"
    if not view.total("commitments"):
        return f"{head}; no assessed commitments"
    parts = [head]
    if view.total("commitments_progress"):
        parts.append(f"{percent(view.total('commitments_progress') / view.total('commitments'))} of it mid-term")
    return "; ".join([*parts, f"plans of {span(view.years)}"])


def title_of(figure: Figure, view: View) -> str:
    """The title of a view; for the default one that of metrics.figures, where the release has it."""
    if view.is_default and figure.summary and figure.summary["title"]:
        return figure.summary["title"]
    return f"Figure {figure.number}: {title(view)}"


def sentence_of(figure: Figure, view: View) -> str:
    """What a view shows in one sentence, or why it cannot be drawn."""
    if view.is_default and figure.summary and figure.summary["sentence"]:
        return figure.summary["sentence"]
    return comparison(view) if view.is_drawn else why_not_drawn(view)


def comparison(view: View) -> str:
    """Involve or above beside the levels below, with counts; each side needs three plans."""
    sides = []
    for involved, name in ((True, "involve or above"), (False, "a lower level")):
        plans, commitments, hits = view.side(involved)
        if plans < 3:
            return f"Only {count(plans, 'plan')} of {name} can be compared, so no sentence sums this figure up."
        sides.append(
            f"{percent(hits / commitments)} of {count(commitments, 'commitment')} in {count(plans, 'plan')} at {name}"
        )
    return f"{view.first['words']}: {sides[0]}, {sides[1]}."


def why_not_drawn(view: View) -> str:
    """Why a view with fewer than two levels that may be shown is not drawn."""
    drawable = [plain(cell["level"]) for cell in view.drawable]
    have = f"only {drawable[0]} has" if drawable else "no level has"
    return (
        f"This cannot be shown: a comparison needs two levels with 3 plans or more each, and {have} as many. "
        f"Of {count(view.total('plans_at_level'), 'plan')} with a level of public influence "
        f"{STAGES[view.first['stage']]}, {count(view.total('plans'), 'plan')} "
        f"{'has' if view.total('plans') == 1 else 'have'} commitments assessed on this outcome."
    )


def caveats(view: View) -> list[str]:
    """What must be known beside a view (DOMAIN.md section 5), with its own numbers."""
    commitments, at_level = view.total("commitments"), view.total("commitments_at_level")
    lines = [
        "A level is associated with an outcome; nothing here shows a cause. The same reviewers code influence and "
        "outcomes.",
    ]
    if at_level:
        lines.append(
            f"Assessed on this outcome: {percent(commitments / at_level)} of {count(at_level, 'commitment')} of the "
            f"plans with a level; unclear, withdrawn and unassessed commitments are outside the denominator."
        )
    if commitments and view.first["commitments_progress"] is not None:
        progress = view.total("commitments_progress")
        lines.append(
            f"{percent(progress / commitments)} of these commitments ({progress:,} of {commitments:,}) were judged at "
            "mid-term, which understates the final result."
            if progress
            else "All of these commitments were judged at the end of the term."
        )
    if commitments:
        by_level = listed(f"{plain(cell['level'])} {cell['plans']:,}" for cell in view.cells if cell["plans"])
        lines.append(
            f"Few plans stand behind each level: {by_level}. Under 3 plans a share is suppressed, under 5 no interval "
            "is given."
        )
        lines.append(f"The plans were submitted in {span(view.years)}; other years are not covered.")
    if view.first["stage"] == "throughout":
        lines.append("Throughout is a reading of this pipeline: the lowest of the two stages, where both are assessed.")
    return lines


def alternative(figure: Figure, view: View) -> str:
    """The text alternative of a drawn view: every bar in words."""
    bars = [
        f"{plain(cell['level'])}: {percent(cell['pooled_share'])} ({cell['hits']:,} of {cell['commitments']:,})"
        if cell["pooled_share"] is not None
        else f"{plain(cell['level'])}: {CELL_NOTES[cell['interval_status']]}"
        for cell in view.cells
    ]
    return f"Bar chart. {title_of(figure, view)}. {'; '.join(bars)}."
