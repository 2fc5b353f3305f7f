"""What an analyst would write to get figures 4.3 and 4.5 from the two files of 2016, in pandas.

    python benchmarks/pandas_script.py COMMITMENTS PROCESS

It prints the cells as JSON. It has no checks, keeps no doubts and publishes nothing; the names and the numbering it
mends are those its author would have stumbled over in these files. It uses nothing of the pipeline.
"""

from __future__ import annotations

import csv
import json
import sys

import pandas as pd

LEVELS = ["no consultation", "inform", "consult", "involve", "collaborate", "empower"]
OTHER_NAMES = {
    "macedonia": "north macedonia",
    "republic of korea": "south korea",
    "korea, republic of": "south korea",
    "slovak republic": "slovakia",
    "uk": "united kingdom",
    "united states of america": "united states",
    "usa": "united states",
}


def read(path, first_header):
    """The rows below the last header row, as text."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    start = max(position for position, row in enumerate(rows) if row[:1] == [first_header])
    names = [name or f"blank {position}" for position, name in enumerate(rows[start])]
    return pd.DataFrame([row for row in rows[start + 1 :] if any(row)], columns=names)


def label(column):
    """`c. Substantial` -> `substantial`."""
    return column.str.strip().str.lower().str.replace(r"^[a-e]\. *", "", regex=True)


def plan_of(table, country):
    """Country and plan number as one key."""
    return label(table[country]).replace(OTHER_NAMES) + " " + table["Action Plan Number"].str.strip()


def levels_of(process):
    """The level of each plan in development and throughout, the lower of the two stages."""
    is_of_2014 = (process["Country name"] == "Lithuania") & (process["Year AP Submitted"] == "2014")
    process.loc[is_of_2014, "Action Plan Number"] = "2"  # it describes the second plan
    years = process["Year AP Submitted"].astype(int)
    development = label(process["IAP2 level during development"]).replace("na", "no consultation")
    implementation = label(process["IAP2 level during imp."])
    implementation = implementation.mask((implementation == "na") & (years >= 2013), "no consultation")
    ranks = pd.DataFrame(
        {
            "development": development.map(rank_of),
            "implementation": implementation.map(rank_of),
        }
    )
    throughout = ranks.min(axis=1, skipna=False)
    return pd.DataFrame(
        {"plan": plan_of(process, "Country name"), "development": ranks["development"], "throughout": throughout}
    )


def rank_of(level):
    """0 for no consultation to 5 for empower; missing where the stage is not assessed."""
    return LEVELS.index(level) if level in LEVELS else None


def cells(commitments, levels, stage, is_assessed, is_hit):
    """Plans, commitments, hits and share of each level; no share under three plans."""
    judged = commitments.assign(is_hit=is_hit)[is_assessed].merge(levels.dropna(subset=[stage]), on="plan")
    found = judged.groupby(stage).agg(plans=("plan", "nunique"), commitments=("plan", "size"), hits=("is_hit", "sum"))
    found = found.reindex(range(len(LEVELS)), fill_value=0)
    found["share"] = (found["hits"] / found["commitments"]).where(found["plans"] >= 3)
    return [
        [LEVELS[rank].replace(" ", "_"), int(row.plans), int(row.commitments), int(row.hits), share_of(row.share)]
        for rank, row in found.iterrows()
    ]


def share_of(value):
    """A share, or None."""
    return None if pd.isna(value) else float(value)


def figures(commitments_path, process_path):
    """Figures 4.3 and 4.5 as lists of (level, plans, commitments, hits, share)."""
    commitments = read(commitments_path, "Country").drop_duplicates()
    commitments["plan"] = plan_of(commitments, "Country")
    levels = levels_of(read(process_path, "Country name"))
    impact = label(commitments["Potential impact"])
    at_end = label(commitments["Completion (end of term)"])
    latest = label(commitments["Completion (progress report)"]).where(at_end.isin(["nr", "nd", "na"]), at_end)
    return {
        "4.3": cells(
            commitments,
            levels,
            "development",
            impact.isin(["none", "worsens", "minor", "moderate", "transformative"]),
            impact.isin(["moderate", "transformative"]),
        ),
        "4.5": cells(
            commitments,
            levels,
            "throughout",
            latest.isin(["not started", "limited", "substantial", "complete"]),
            latest == "complete",
        ),
    }


if __name__ == "__main__":
    print(json.dumps(figures(sys.argv[1], sys.argv[2])))
