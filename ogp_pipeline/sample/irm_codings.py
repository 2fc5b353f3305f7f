"""What two fictional analysts read in fictional IRM reports on the later plans: the sheets of the form `irm-report`.

Here: which report which coder read, and what stands in each row. Levels of public influence are drawn by a stream of
their own, apart from every outcome: no association is planted.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from ogp_pipeline.sample.dirt import Row
from ogp_pipeline.sample.later import LaterPlan
from ogp_pipeline.sample.names import ALIASES

FIRST, SECOND = "R. Oakmere", "T. Fennick"
FINAL, DRAFT = "Final", "For Public Comment"
DEVELOPMENT = "Level of public influence during development"
IMPLEMENTATION = "Level of public influence during implementation"
MINIMUM_DEVELOPMENT = "Minimum requirements met during development"
MINIMUM_IMPLEMENTATION = "Minimum requirements met during implementation"
LEVELS = ("No consultation", "Inform", "Consult", "Involve", "Collaborate", "Empower")
DEVELOPMENT_MINIMUM, IMPLEMENTATION_MINIMUM = LEVELS.index("Involve"), LEVELS.index("Inform")

POTENTIAL_IMPACT = ("None", "Minor", "Moderate", "Transformative", "Unclear")
POTENTIAL_FOR_RESULTS = ("Unclear", "Modest", "Substantial")
COMPLETION = ("Not started", "Limited", "Substantial", "Complete", "Withdrawn")
OPEN_GOVERNMENT = ("Worsens", "Did not change", "Marginal", "Major", "Outstanding", "No early results to report yet")
EARLY_RESULTS = ("No notable results", "Moderate", "Significant")


def plan_codings(seed: int, later: list[LaterPlan]) -> Iterator[Row]:
    """The rows of the plan sheet. Cases that need a further member are left out where there are too few."""
    draws = Random(f"{seed} forms: levels")
    older, newer = _by_era(later)
    for position, plan in enumerate(older[:4]):
        cells = _development(draws)
        yield _plan_row(plan, "Design report", FIRST, cells)
        if position < 3:
            yield _plan_row(plan, "Design report", SECOND, cells)
        if position == 2:  # the two disagree on this one alone
            other = _level_after(cells[DEVELOPMENT])
            yield _plan_row(plan, "Implementation report", FIRST, {IMPLEMENTATION: cells[DEVELOPMENT]})
            yield _plan_row(plan, "Implementation report", SECOND, {IMPLEMENTATION: other})
        else:
            yield _plan_row(plan, "Implementation report", FIRST, _implementation(draws))
        if position == 0:  # a draft that the final report replaced
            draft = {DEVELOPMENT: _level_after(cells[DEVELOPMENT])}
            yield _plan_row(plan, "Design report", FIRST, draft, status=DRAFT)
    for plan in older[4:5]:  # the end-of-term report speaks after the progress report
        yield _plan_row(plan, "Progress report", FIRST, _development(draws) | _implementation(draws))
        yield _plan_row(plan, "End-of-term report", FIRST, _implementation(draws))
    for position, plan in enumerate(newer[:4]):
        cells = _development(draws)
        yield _plan_row(plan, "Action plan review", FIRST, cells)
        yield _plan_row(plan, "Action plan review", SECOND, cells)
        if position > 0:
            yield _plan_row(plan, "Results report", FIRST, _implementation(draws))
    for plan in newer[4:5]:
        yield _plan_row(plan, "Action plan review", FIRST, _development(draws), status=DRAFT)
    plan = newer[0]
    yield _plan_row(plan, "Results report", SECOND, _development(draws))  # it speaks about implementation alone
    cells = _implementation(draws)
    yield _plan_row(plan, "Results report", FIRST, cells) | {"Member": _other_name(plan), "Page": "", "Quote": ""}
    yield _plan_row(plan, "Results report", "", cells)


def level_codings(draws: Random, plan: LaterPlan) -> Iterator[Row]:
    """Both levels of a national plan from its two reports; one plan in four was read by both coders, who may differ."""
    products = (
        ("Design report", "Implementation report") if plan.year < 2020 else ("Action plan review", "Results report")
    )
    cells = _development(draws), _implementation(draws)
    is_read_twice, differ = draws.random() < 0.25, draws.random() < 0.1
    for product, read in zip(products, cells, strict=True):
        yield _plan_row(plan, product, FIRST, read)
    if is_read_twice:
        yield _plan_row(plan, products[1], SECOND, _implementation(draws) if differ else cells[1])


def commitment_codings(seed: int, later: list[LaterPlan]) -> Iterator[Row]:
    """The rows of the commitment sheet: three commitments each of a few plans, from the second commitment on."""
    draws = Random(f"{seed} forms: commitments")
    older, newer = _by_era(later)
    for plan in older[:2]:
        for position in (1, 2, 3):
            cells = {"Verifiable": draws.choice(("Yes", "No")), "Potential impact": draws.choice(POTENTIAL_IMPACT)}
            yield _commitment_row(plan, position, "Design report", FIRST, cells)
            if position == 1 and plan is older[0]:
                cells = cells | {"Verifiable": "No" if cells["Verifiable"] == "Yes" else "Yes"}
            yield _commitment_row(plan, position, "Design report", SECOND, cells)
            results = {"Completion": draws.choice(COMPLETION), "Early results": draws.choice(OPEN_GOVERNMENT)}
            yield _commitment_row(plan, position, "Implementation report", FIRST, results)
    for plan in older[4:5]:
        for product, label in (("Progress report", "Limited"), ("End-of-term report", "Substantial")):
            yield _commitment_row(plan, 1, product, FIRST, {"Completion": label})
    for plan in newer[:2]:
        for position in (1, 2, 3):
            review = {
                "Promising commitment": draws.choice(("Yes", "No")),
                "Verifiable": draws.choice(("Yes", "No")),
                "Potential for results": draws.choice(POTENTIAL_FOR_RESULTS),
            }
            results = {"Completion": draws.choice(COMPLETION), "Early results": draws.choice(EARLY_RESULTS)}
            yield _commitment_row(plan, position, "Action plan review", FIRST, review)
            yield _commitment_row(plan, position, "Results report", FIRST, results)
            yield _commitment_row(plan, position, "Results report", SECOND, results)
    plan = newer[0]
    yield _commitment_row(plan, 4, "Action plan review", FIRST, {"Completion": "Complete"})  # not of this product
    no_quote = _commitment_row(plan, 4, "Results report", FIRST, {"Completion": "Complete"}) | {"Quote": ""}
    yield no_quote | {"Commitment ID": "5"}  # by its number in the plan
    yield _commitment_row(plan, 4, "Results report", "", {"Completion": "Complete"})


def _by_era(later: list[LaterPlan]) -> tuple[list[LaterPlan], list[LaterPlan]]:
    """The national plans to 2019 and from 2020 on, in which the IRM used other products and scales."""
    nationals = [plan for plan in later if plan.kind == "National"]
    return [plan for plan in nationals if plan.year < 2020], [plan for plan in nationals if plan.year >= 2020]


def _development(draws: Random) -> Row:
    level = draws.choice(LEVELS)
    return {DEVELOPMENT: level, MINIMUM_DEVELOPMENT: _yes_no(LEVELS.index(level) >= DEVELOPMENT_MINIMUM)}


def _implementation(draws: Random) -> Row:
    level = draws.choice(LEVELS)
    return {IMPLEMENTATION: level, MINIMUM_IMPLEMENTATION: _yes_no(LEVELS.index(level) >= IMPLEMENTATION_MINIMUM)}


def _yes_no(holds: bool) -> str:
    return "Yes" if holds else "No"


def _level_after(level: str) -> str:
    return LEVELS[(LEVELS.index(level) + 1) % len(LEVELS)]


def _other_name(plan: LaterPlan) -> str:
    """How another file calls the member, where it has more than one name."""
    return next(filter(None, ALIASES.get(plan.member_name, ())), plan.member_name)


def _plan_row(plan: LaterPlan, product: str, coder: str, cells: Row, status: str = FINAL) -> Row:
    return _report(plan, product, coder, status) | cells


def _commitment_row(plan: LaterPlan, position: int, product: str, coder: str, cells: Row) -> Row:
    return _report(plan, product, coder, FINAL) | {"Commitment ID": plan.commitment_ids[position]} | cells


def _report(plan: LaterPlan, product: str, coder: str, status: str) -> Row:
    is_early = product in ("Design report", "Action plan review")
    slug = product.lower().replace(" ", "-")
    return {
        "Member": plan.member_name,
        "Action plan number": str(plan.number),
        "IRM product": product,
        "Report status": status,
        "Report date": f"{plan.year + (1 if is_early else 3)}-03-31",
        "Coded by": coder,
        "Coded on": "2024-05-17" if coder == FIRST else "2024-05-24",
        "Report URL": f"https://partnership.example/irm/{plan.plan_id}/{slug}.pdf",
        "Page": "12; 15",
        "Quote": "The reviewers give their reasons on this page. (SYNTHETIC)",
    }
