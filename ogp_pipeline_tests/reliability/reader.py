"""An analyst who never stops asking: opens the published file, asks several tables, closes it, and begins again.

`python -m ogp_pipeline_tests.reliability.reader DATABASE ROUNDS SEEN STOP`: asks every question ROUNDS times within one
connection, adds a line to the file SEEN for every release that is seen for the first time, and ends when the file STOP
is there. At its end it prints what it counted. It knows nothing but DuckDB, as an analyst does.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from pathlib import Path

import duckdb

RELEASE = "select max(release_id) from meta.releases"
# Each in a statement of its own; all tell which edition of the sources the release was built from.
EDITION = (
    "select lead_institution from marts.commitments where commitment_id = 'AP_ALB01-1'",
    "select lead_institution from staging.commitments where commitment_id = 'AP_ALB01-1'",
    "select lead_institution from commitments_flat where commitment_id = 'AP_ALB01-1'",
)
ROWS = ("select count(*) from marts.commitments", "select count(*) from commitments_flat")


def main() -> None:
    """Ask until it is stopped."""
    database, rounds, seen, stop = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4])
    os.nice(10)  # the publisher is what is waited for
    editions: dict[str, str] = {}  # release -> what it says
    counted: Counter[str] = Counter()
    while not stop.exists():
        with duckdb.connect(database, read_only=True) as connection:
            counted["connections"] += 1
            (begun,) = ask(connection, RELEASE)
            for _ in range(rounds):
                said = {ask(connection, question) for question in EDITION}
                rows = {ask(connection, question) for question in ROWS}
                counted["queries"] += len(EDITION) + len(ROWS) + 1
                assert ask(connection, RELEASE) == (begun,), "the release changed within a connection"
                assert len(said) == 1, f"{begun} holds two editions: {said}"
                assert rows == {(50,)}, f"{begun} has lost rows: {rows}"
                ((edition,),) = said
                assert editions.setdefault(begun, edition) == edition, f"{begun} is not always the same"
        if len(editions) > counted["releases"]:
            counted["releases"] = len(editions)
            with seen.open("a", encoding="utf-8") as file:
                file.write(f"{begun}\n")
    print(json.dumps({"editions": editions, **counted}))


def ask(connection: duckdb.DuckDBPyConnection, question: str) -> tuple:
    """The one row that answers."""
    return connection.execute(question).fetchone()


if __name__ == "__main__":
    main()
