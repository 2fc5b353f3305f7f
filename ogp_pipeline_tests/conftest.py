"""Fixtures: a catalog, small worlds of official-layout files, and the real files where they lie beside the project."""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from ogp_pipeline.models import Catalog, load_catalog
from ogp_pipeline_tests.commands import run
from ogp_pipeline_tests.report_world import write_reported_world
from ogp_pipeline_tests.world import World

REAL_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

PROFILES = ("ci", "full", "nightly")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--reliability ci`: a reduced set with every test; `full`: what the figures are told of; `nightly`: the most."""
    parser.addoption("--reliability", choices=PROFILES, default="ci", help="how much the reliability tests try")


# the modules that take minutes come first: one of them alone at the end would leave a processor idle
LONGEST = (
    *("test_cli", "test_mutation", "test_release", "test_kills", "test_broken_files", "test_changes", "test_control"),
    *("test_pages", "test_vital_signs", "test_engagement", "test_releases_of_plans", "test_benchmarks"),
    *("test_broken_machine", "test_readers", "test_self_assessments", "test_report_content", "test_exports"),
    *("test_nightly", "test_master", "test_downloads", "test_cookbook", "test_dagster", "test_two_at_once"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest modules first; the tests of each stay together and in their order."""
    place = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.stem, len(LONGEST)))


@pytest.fixture(scope="session")
def profile(request: pytest.FixtureRequest) -> str:
    """How much the reliability tests try: ci, full or nightly."""
    return request.config.getoption("--reliability")


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """The models of the project."""
    return load_catalog()


@pytest.fixture
def world(tmp_path: Path, catalog: Catalog) -> World:
    """An empty data folder and an empty folder for source files."""
    return World(tmp_path, catalog)


@pytest.fixture(scope="session")
def published_once(tmp_path_factory: pytest.TempPathFactory, catalog: Catalog) -> World:
    """A world with a release of fifty commitments of ten plans; never changed, only copied."""
    world = World(tmp_path_factory.mktemp("published"), catalog)
    world.ten_plans()
    assert world.build().publish().status == "published"
    return world


@pytest.fixture
def published(published_once: World, tmp_path: Path) -> World:
    """A copy of the published world, for one test."""
    return published_once.copy_to(tmp_path)


@pytest.fixture(scope="session")
def pictures() -> ModuleType:
    """docs/take_pictures.py, whose steps are those of the README's pictures."""
    path = Path(__file__).resolve().parents[1] / "docs" / "take_pictures.py"
    spec = importlib.util.spec_from_file_location("take_pictures", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def reported(tmp_path_factory: pytest.TempPathFactory, catalog: Catalog) -> World:
    """A world with a release whose figures can be shown in part, and whose texts are hostile; never changed."""
    world = World(tmp_path_factory.mktemp("reported"), catalog)
    write_reported_world(world)
    assert world.build().publish().status == "published"
    return world


def refreshed_once(
    factory: pytest.TempPathFactory, name: str, *arguments: str
) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A data folder that `refresh` filled, and what it said: one for all processes that run the tests."""
    shared = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    data_dir, said = shared / name / "data", shared / f"{name}.json"
    data_dir.parent.mkdir(exist_ok=True)
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the second process waits for what the first one makes
        if not said.exists():
            done = run(data_dir, *arguments)
            said.write_text(json.dumps([done.args, done.returncode, done.stdout, done.stderr]), encoding="utf-8")
    return data_dir, subprocess.CompletedProcess(*json.loads(said.read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def sampled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A data folder on which `refresh` ran once with nothing said: the sample; its release is never changed."""
    return refreshed_once(tmp_path_factory, "sampled")


@pytest.fixture(scope="session")
def sampled_once(sampled: tuple[Path, subprocess.CompletedProcess[str]], catalog: Catalog) -> World:
    """The same release of the sample as a world."""
    return World(sampled[0].parent, catalog)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real official files; the test is skipped where it is absent."""
    if not REAL_DATA.is_dir():
        pytest.skip("../shared/data is not here: the real files are never part of the project")
    return REAL_DATA


@pytest.fixture(scope="session")
def real_release(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a release of the real files; never changed."""
    data_dir, done = refreshed_once(tmp_path_factory, "real", "--sources", str(real_data))
    assert done.returncode == 0, done.stdout + done.stderr
    return data_dir


@pytest.fixture(scope="session")
def real_world(real_release: Path, real_data: Path, catalog: Catalog) -> World:
    """The same release of the real files as a world, with every table built."""
    world = World(real_release.parent, catalog)
    world.settings = replace(world.settings, sources=(str(real_data),))
    return world
