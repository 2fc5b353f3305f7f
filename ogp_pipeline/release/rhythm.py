"""Which sources stand still for longer than they are expected to: judged by the clock, at every run.

An unchanged night makes no release and judges no candidate, and the warning must be there all the same. The clock
stands in no table, or no night would be unchanged.
"""

from __future__ import annotations

from ogp_pipeline.safe_text import visible
from ogp_pipeline.store import Store

SOURCES, RULE = "meta.sources", "source_keeps_its_rhythm"


def standing_still(store: Store) -> tuple[str, ...]:
    """One sentence for each source of the working tables that has stood still for longer than its rhythm."""
    rule = next(rule for rule in store.catalog[SOURCES].contract.failing_rows if rule.name == RULE)
    with store.session([SOURCES]) as connection:
        rows = connection.execute(
            f"select source_file, unchanged_since::date, rhythm_days from ({rule.sql}) order by source_file"
        ).fetchall()
    return tuple(
        visible(f"{file} has stood still since {since}, longer than its {days:,} days: look where it comes from")
        for file, since, days in rows
    )
