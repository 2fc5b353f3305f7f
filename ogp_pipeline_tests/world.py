"""A small world for tests: files in the official layouts, built and published by the functions a run calls."""

from __future__ import annotations

import atexit
import csv
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from ogp_pipeline.building import build_tables
from ogp_pipeline.models import Catalog, Model, load_catalog
from ogp_pipeline.release.current import attach
from ogp_pipeline.release.publish import Outcome, publish
from ogp_pipeline.sample.layouts import EXPLORER_HEADER, PROCESS_HEADER
from ogp_pipeline.settings import Settings
from ogp_pipeline.sources.layouts import Layout
from ogp_pipeline.store import Store, connect

COMMITMENT = {
    "Country": "Albania",
    "Action Plan Number": "1",
    "Comm No": "1",
    "Commitment Title": "Publish the budget",
    "Full Text": "The ministry publishes the budget.",
    "Theme": "NA",
    "Start Date": "Not Specified",
    "End Date": "Not Specified",
    "Lead Institution": "Ministry of Finance",
    "Cluster": "NR",
    "Specificity": "c. high",
    "_Specificity": "3",
    "Value -Info": "1",
    "Value -Part": "0",
    "Value -Acc": "0",
    "Value -Tech": "0",
    "_Relevant": "1",
    "Potential impact": "Moderate",
    "_Pot Impact Coded": "2",
    "Completion (progress report)": "c. Substantial",
    "_CompletionProgress": "4",
    "Completion (end of term)": "ND",
    "_CompletionEndTerm": "ND",
    "Did it open government (end of term only)": "ND",
    "_OpenGovt": "ND",
    "Year of submission": "2014",
    "Starred (pre-June 2014 assessments)": "ND",
    "Starred (2015 only)": "ND",
    "Starred (current formula) progress report": "ND",
    "Starred (current formula) end of term": "ND",
    "Change in completion": "ND",
    "_ChangeCompletion": "ND",
    "Report publication year (progress report)": "2016",
    "Report publication year (end of term)": "NR",
}
PLAN = {
    "Country name": "Albania",
    "Action Plan Number": "1",
    "Year AP Submitted": "2014",
    "IAP2 level during development": "Involve",
    "IAP2 level during imp.": "Inform",
    "Invitation-only or open participation during dev. consultation": "Open",
    "Invitation-only or open participation during imp. consultation": "Open",
    "Consultation during action plan implementation (regular forum)": "Yes",
    "_Regular forum": "1",
}


MASTER = {
    "Commitment Unique Identifier": "AL0001",
    "Country/Locality": "Albania",
    "Code": "ALB",
    "Region": "Europe",
    "National Or Local": "National",
    "Action Plan Number": "5",
    "Action Plan ID": "AP_ALB05",
    "Commitment Number": "1",
    "Year Of Submission": "2018",
    "Action Plan End Year": "2020",
    "Action Plan Duration (Years)": "2",
    "Commitment Title": "Publish the budget",
    "Full Text": "The ministry publishes the budget.",
    "Start Date": "NA",
    "End Date": "NA",
    "Lead Institution": "Ministry of Finance",
    "Specificity": "ND",
    "_Specificity": "ND",
    "Verifiable": "Yes",
    "OGP Value Access To Information": "1",
    "_Relevant": "1",
    "Potential Impact": "Moderate",
    "_Potential Impact": "2",
    "Potential for Results": "ND",
    "_Potential for Results": "ND",
    "Completion (Progress Report)": "ND",
    "_CompletionProgress": "ND",
    "Completion (End Of Term)": "Substantial",
    "_CompletionEndTerm": "4",
    "Change In Completion": "ND",
    "_ChangeCompletion": "ND",
    "Early Results": "ND",
    "_Early Results": "ND",
    "Did It Open Government (Overall)": "Marginal",
    "_OpenGovernment": "2",
    "Did It Open Government (Access To Information)": "ND",
    "_DIOGATI": "ND",
    "Did It Open Government (Civic Participation)": "ND",
    "_DIOGCP": "ND",
    "Did It Open Government: Public Accountability": "ND",
    "_DIOGPA": "ND",
    "Starred (2015 Only)": "ND",
    "Starred (Current Formula) Progress Report": "ND",
    "Starred (Current Formula) End of Term": "0",
    "Report Publication Year (Progress Report)": "2019",
    "Report Publication Year (End Of Term)": "2021",
    "Cluster": "ND",
    "Cluster (AP Review)": "ND",
    "Cluster Commitment ID(s)": "ND",
    "Ambition Assessed": "1",
    "Comp Assessed": "1",
    "DIOG Assessed": "1",
    "Midterm Only": "0",
    "Raw Completion": "4",
    "High Completion": "1",
    "High Ambition": "1",
    "High DIOG": "0",
    "URL": "https://example.org/AL0001",
}


MEMBERS = ("Albania", "Armenia", "Canada", "Chile", "Croatia", "Denmark", "Georgia", "Israel", "Italy", "Mexico")


class World:
    """Write source files with `commitments` and `plans`, then `build` the tables and `publish` them."""

    def __init__(self, folder: Path, catalog: Catalog) -> None:
        self.catalog = catalog
        self.inputs = folder / "inputs"
        self.inputs.mkdir(exist_ok=True)
        self.settings = Settings(folder / "data", sources=(str(self.inputs),))

    @property
    def store(self) -> Store:
        """The working tables."""
        return Store(self.settings.tables_dir, self.catalog)

    def commitments(self, *rows: Mapping[str, str], file: str = "commitments.csv") -> Path:
        """Write a file of the Explorer layout; each row says only what differs from an ordinary commitment."""
        filled = []
        for number, row in enumerate(rows, start=1):
            filled.append({"Comm No": str(number), **row})
        return self._write(file, EXPLORER_HEADER, [{**COMMITMENT, **row} for row in filled], other="0")

    def plans(self, *rows: Mapping[str, str], file: str = "process.csv") -> Path:
        """Write a file of the process database; each row says only what differs from an ordinary plan."""
        return self._write(file, PROCESS_HEADER, [{**PLAN, **row} for row in rows], other="NR")

    def master(self, *rows: Mapping[str, str], file: str = "master.csv") -> Path:
        """Write a file of the commitments master; each row says only what differs from an ordinary commitment."""
        filled = [{"Commitment Unique Identifier": f"AL{number:04}", **row} for number, row in enumerate(rows, start=1)]
        return self._write(file, self.header("master_commitments"), [{**MASTER, **row} for row in filled], other="0")

    def header(self, layout: str) -> list[str]:
        """The headers of a layout as its contract writes them."""
        return list(Layout(layout, self.catalog[f"raw.{layout}"].contract).headers.values())

    def form(self, layout: str, *rows: Mapping[str, str], file: str | None = None) -> Path:
        """Write a file of any layout by its contract; columns a row does not name are empty."""
        header = self.header(layout)
        unknown = {name for row in rows for name in row} - set(header)
        assert not unknown, f"{layout} has no columns {sorted(unknown)}"
        return self._write(file or f"{layout}.csv", header, rows, other="")

    def page(self, file: str, content: bytes | str) -> Path:
        """Write a Markdown page as it is."""
        path = self.inputs / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def ten_plans(self, count: int = 5, **changes: str) -> list[dict[str, str]]:
        """Write ten plans of `count` commitments each; `changes` go into every commitment. The rows written."""
        rows = [
            {"Country": member, "Comm No": str(number), "Commitment Title": f"{member} {number}", **changes}
            for member in MEMBERS
            for number in range(1, count + 1)
        ]
        self.commitments(*rows)
        self.plans(*({"Country name": member} for member in MEMBERS))
        return rows

    def copy_to(self, folder: Path) -> World:
        """The same world in another folder, with its inputs and its data."""
        shutil.copytree(self.inputs.parent, folder, dirs_exist_ok=True)
        copied = World(folder, self.catalog)
        (copied.settings.remembered_sources).unlink(missing_ok=True)
        return copied

    def manifest(self, text: str) -> None:
        """Write `sources.yml`."""
        (self.inputs / "sources.yml").write_text(text, encoding="utf-8")

    def _write(self, file: str, header: Sequence[str], rows: Sequence[Mapping[str, str]], other: str) -> Path:
        path = self.inputs / file
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as target:
            writer = csv.writer(target)
            writer.writerow(header)
            writer.writerows([row.get(name, other) if name else "" for name in header] for row in rows)
        return path

    def build(self, *steps: str, replace_release: bool = False) -> World:
        """Build every table, or the steps named, in order.

        What is not there is first taken from a world of ten plans that every test shares: the tables of forms that
        nobody filled in come out as they are there, and stay.
        """
        for name, models in self.catalog.steps():
            if not steps or name in steps:
                self._take_over(models)  # once there is a folder of tables
                build_tables(self.settings, self.catalog, models, replace_release)
        return self

    def _take_over(self, models: Sequence[Model]) -> None:
        is_own = self.catalog is load_catalog()
        for model in models:
            path = self.store.path(model.name)
            if is_own and model.sql is not None and path.parent.is_dir() and not path.exists():
                for file in (path, path.with_suffix(".json")):
                    shutil.copyfile(_tables_of_ten_plans() / file.name, file)

    def build_for(self, *tables: str) -> World:
        """Build the steps of these tables and of all they and their checks read, and no others."""
        wanted = set(tables)
        steps = self.catalog.steps()
        for _, models in reversed(steps):
            if wanted & {model.name for model in models}:
                wanted |= {name for model in models for name in (model.name, *model.comes_after)}
        return self.build(*(name for name, models in steps if models[0].name in wanted))

    def publish(self, **options: Any) -> Outcome:
        """Publish what the working tables hold."""
        return publish(self.settings, self.catalog, **options)

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """The rows of a query over the working tables it names, as dictionaries."""
        reads = [model.name for model in self.catalog if model.name in sql]
        with self.store.session(reads, self.catalog.macros) as connection:
            cursor = connection.execute(sql)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def last_run(self) -> dict[str, Any]:
        """What `data/last_run.json` says."""
        return json.loads(self.settings.last_run.read_text(encoding="utf-8"))


@cache
def _tables_of_ten_plans() -> Path:
    """The working tables of ten plans, built once by each process that runs tests."""
    folder = tempfile.TemporaryDirectory(prefix="ogp-ten-plans-")
    atexit.register(folder.cleanup)
    world = World(Path(folder.name), load_catalog())
    world.ten_plans()
    for _, models in world.catalog.steps():
        build_tables(world.settings, world.catalog, models)
    return world.settings.tables_dir


def query(path: Path, sql: str) -> list[tuple]:
    """Rows of a query over a release, from a connection of its own."""
    with connect() as connection:
        attach(connection, path, "release")
        connection.execute("use release")
        return connection.execute(sql).fetchall()
