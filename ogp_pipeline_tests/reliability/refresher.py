"""A process that has imported everything and forks a child for each refresh, so that a kill costs no imports.

`python -m ogp_pipeline_tests.reliability.refresher DATA INPUTS` reads one request for a child from each line of its
input: the number of the step to begin with (0 for a whole refresh; a run that failed is executed again from the step
that failed), or `judge`, which asks Great Expectations about the working tables as they are, here and not in a child:
what it answered is not asked again. It prints the process of a child at once, and how it ended when it has.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from pathlib import Path

from ogp_pipeline.building import build_tables
from ogp_pipeline.judging import evaluate
from ogp_pipeline.models import Catalog, load_catalog
from ogp_pipeline.release.publish import publish
from ogp_pipeline.settings import Settings
from ogp_pipeline.store import Store


def main() -> None:
    """Serve requests until the input ends."""
    settings = Settings(Path(sys.argv[1]), sources=(sys.argv[2],))
    catalog = load_catalog()
    for request in sys.stdin:
        if request.strip() == "judge":
            judge(settings, catalog)
            print("judged", flush=True)
            continue
        child = os.fork()
        if child == 0:
            os.setsid()
            os._exit(refresh(settings, catalog, int(request)))
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def judge(settings: Settings, catalog: Catalog) -> None:
    """Evaluate every contract on the working tables."""
    store = Store(settings.tables_dir, catalog)
    for model in catalog.public:
        with store.session({model.name, *model.checks_read}, model.macros) as connection:
            evaluate(connection, model, catalog)


def refresh(settings: Settings, catalog: Catalog, first: int) -> int:
    """Build the steps from `first` on and publish, noting when each begins; 0, or 1 with the traceback shown."""
    steps = catalog.steps()
    noted = settings.data_dir.parent / "steps"
    try:
        with noted.open("w", encoding="utf-8") as notes:
            for number in range(first, len(steps) + 1):
                notes.write(f"{number} {time.monotonic()}\n")
                notes.flush()
                if number < len(steps):
                    build_tables(settings, catalog, steps[number][1])
                else:
                    publish(settings, catalog)
            notes.write(f"{len(steps) + 1} {time.monotonic()}\n")
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    main()
