"""The thresholds of the models, as `reference.association_rules` states them, and the seed of each test."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields

from ogp_pipeline.errors import InputError
from ogp_pipeline.settings import PACKAGE_DIR

FILE = PACKAGE_DIR / "reference" / "association_rules.csv"


@dataclass(frozen=True)
class Rules:
    """Each field is the rule of its name in reference/association_rules.csv, where its reason stands."""

    shuffles: int
    seed: int
    confidence: float
    significance: float
    involve_rank: int
    min_plans_spearman: int
    min_plans_difference: int
    min_plans_each_side: int
    min_plans_interval_each_side: int
    min_plans_logit: int
    min_plans_per_coefficient: int
    min_events_per_coefficient: int
    max_log_odds: float


def rules_of(values: Mapping[str, float]) -> Rules:
    """The rules from their names and numbers; InputError names every one that is missing, unknown or impossible."""
    kinds = {field.name: field.type for field in fields(Rules)}
    problems = [f"rule {name} is missing: add its row" for name in kinds if name not in values]
    problems += [f"rule {name} is not known: remove its row" for name in values if name not in kinds]
    for name in kinds.keys() & values.keys():
        value = values[name]
        if kinds[name] == "int" and value != int(value):
            problems.append(f"rule {name}, column value: {value} is no whole number: correct it")
        if value <= 0 or (name in ("confidence", "significance") and value >= 1):
            problems.append(f"rule {name}, column value: {value} is out of bounds: correct it")
    if problems:
        raise InputError([f"{FILE.name}: {problem}" for problem in sorted(problems)])
    return Rules(**{name: int(values[name]) if kind == "int" else values[name] for name, kind in kinds.items()})


def own_rules() -> Rules:
    """The rules of the project's own file."""
    with FILE.open(encoding="utf-8", newline="") as file:
        return rules_of({row["rule"]: float(row["value"]) for row in csv.DictReader(file)})


def seed_of(seed: int, *names: str) -> int:
    """The seed of one test: 32 bits of the sha256 of the stated seed and the names of the test."""
    digest = hashlib.sha256("|".join([str(seed), *names]).encode()).digest()
    return int.from_bytes(digest[:4], "big")
