"""What a figure can show: for each outcome definition and stage the cells of metrics.vital_signs and their plans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from ogp_pipeline.report.reading import ReleaseReader, Row

# With more circles than this a column is a blur and the page heavy; the bars and the table stay.
MOST_PLANS = 1500
INVOLVE = 3  # level_rank from which OGP speaks of involving the public

CELLS = """
    select cells.*, definitions.words
    from metrics.vital_signs as cells
    inner join reference.outcome_definitions as definitions using (outcome, definition)
    order by cells.figure, cells.is_default desc, cells.outcome, cells.definition, cells.stage, cells.level_rank
"""
# The plans behind the cells, by the rules of metrics.vital_signs (DOMAIN.md section 5): national plans held whole,
# official coding. Plans of a suppressed cell are left out: their shares are what is suppressed.
PLANS = """
    select
        outcomes.outcome,
        outcomes.definition,
        influence.stage,
        influence.official_level as level,
        cells.level_rank,
        plans.plan_id,
        members.member_name,
        plans.plan_number,
        plans.submitted_year,
        count(*) as commitments,
        count_if(outcomes.is_hit) as hits
    from marts.outcomes as outcomes
    inner join marts.commitments as commitments using (commitment_id)
    inner join marts.action_plans as plans using (plan_id)
    inner join marts.members as members on members.member_id = plans.member_id
    inner join marts.influence as influence using (plan_id)
    inner join metrics.vital_signs as cells
        on cells.outcome = outcomes.outcome and cells.definition = outcomes.definition
            and cells.stage = influence.stage and cells.level = influence.official_level
    where members.member_type = 'national' and not plans.is_partial and not cells.is_suppressed
    group by all
    order by outcomes.outcome, outcomes.definition, influence.stage, plans.plan_id
"""


@dataclass(frozen=True)
class View:
    """A figure at one definition and stage: its six cells in the order of the levels, and the plans that are drawn."""

    cells: Sequence[Row]
    plans: Sequence[Row]

    @property
    def first(self) -> Row:
        """Any cell, for what all cells share."""
        return self.cells[0]

    @property
    def key(self) -> str:
        """Names the view in the page: `definition|stage`."""
        return f"{self.first['definition']}|{self.first['stage']}"

    @property
    def is_default(self) -> bool:
        """It is what the figure shows at first."""
        return self.first["is_default"]

    @property
    def drawable(self) -> Sequence[Row]:
        """The cells with a share that may be shown."""
        return [cell for cell in self.cells if cell["pooled_share"] is not None]

    @property
    def is_drawn(self) -> bool:
        """One bar compares nothing: a figure needs two levels."""
        return len(self.drawable) >= 2

    def total(self, column: str) -> int:
        """The sum of a count over the cells."""
        return sum(cell[column] or 0 for cell in self.cells)

    @property
    def years(self) -> tuple[int, int] | None:
        """First and last year of submission of the plans in the cells; None where there are none."""
        found = [cell[name] for cell in self.cells for name in ("first_year", "last_year") if cell[name]]
        return (min(found), max(found)) if found else None

    def side(self, involved: bool) -> tuple[int, int, int]:
        """Plans, commitments and hits of the levels from involve up, or of those below."""
        cells = [cell for cell in self.cells if (cell["level_rank"] >= INVOLVE) == involved]
        return tuple(sum(cell[name] for cell in cells) for name in ("plans", "commitments", "hits"))


@dataclass(frozen=True)
class Figure:
    """A figure with all of its views, the default one first."""

    number: str
    views: Sequence[View]
    summary: Row | None  # its row of metrics.figures, where the release has it

    @property
    def default(self) -> View:
        """The definition and stage the figure shows at first."""
        return next(view for view in self.views if view.is_default)

    @property
    def html_id(self) -> str:
        """`figure_4_5`: the name of its element and of its pictures."""
        return f"figure_{self.number.replace('.', '_')}"

    @property
    def definitions(self) -> dict[str, str]:
        """The definitions that can be chosen, with their words; the default one first."""
        return {view.first["definition"]: view.first["words"] for view in self.views}

    @property
    def stages(self) -> list[str]:
        """The stages that can be chosen, the default one first."""
        return list(dict.fromkeys(view.first["stage"] for view in self.views))


def read_figures(release: ReleaseReader) -> list[Figure]:
    """The figures of a release, in their order."""
    plans: dict[tuple, list[Row]] = {}
    for row in release.rows(PLANS):
        plans.setdefault((row["outcome"], row["definition"], row["stage"]), []).append(row)
    summaries = {row["figure"]: row for row in release.rows_of("metrics.figures", "from metrics.figures") or ()}
    figures = []
    for number, cells_of_figure in groupby(release.rows(CELLS), key=lambda cell: cell["figure"]):
        groups: dict[tuple, list[Row]] = {}
        for cell in cells_of_figure:
            groups.setdefault((cell["outcome"], cell["definition"], cell["stage"]), []).append(cell)
        views = [View(cells, _few(plans.get(key, []))) for key, cells in groups.items()]
        figures.append(Figure(number, views, summaries.get(number)))
    return figures


def _few(plans: list[Row]) -> list[Row]:
    return plans if len(plans) <= MOST_PLANS else []
