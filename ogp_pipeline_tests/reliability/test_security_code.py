"""What the package itself never does, read from its source; and that docs/security.md names tests that exist.

What is allowed is listed by name with its reason: a new use fails until somebody judges it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from ogp_pipeline.contracts import load_yaml
from ogp_pipeline.errors import SetAsideError
from ogp_pipeline.sources.markdown import read_page

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "ogp_pipeline"

FORBIDDEN = {
    "eval": "runs text as a program",
    "exec": "runs text as a program",
    "compile": "makes a program of text",
    "__import__": "loads code by a text",
    "import_module": "loads code by a text",
    "pickle": "makes objects of bytes",
    "marshal": "makes objects of bytes",
    "shelve": "makes objects of bytes",
    "dill": "makes objects of bytes",
    "cloudpickle": "makes objects of bytes",
    "joblib": "makes objects of bytes",
    "read_pickle": "makes objects of bytes",
    "yaml.load": "makes what its loader makes",
    "yaml.load_all": "makes what its loader makes",
    "yaml.unsafe_load": "makes objects of text",
    "yaml.full_load": "makes objects of text",
    "UnsafeLoader": "makes objects of text",
    "FullLoader": "makes objects of text",
    "yaml.Loader": "makes objects of text",
    "os.system": "runs a command line",
    "os.popen": "runs a command line",
    "os.execv": "runs a program",
    "os.startfile": "runs a program",
    "subprocess": "runs a program",
    "shell": "runs a command line (an argument `shell=`)",
    "extractall": "writes where an archive says",
    "extract": "writes where an archive says",
    "unpack_archive": "writes where an archive says",
    "tarfile": "writes where an archive says",
    "urlopen": "asks a server past the rules of downloads",
    "urlretrieve": "asks a server past the rules of downloads",
    "requests": "asks a server past the rules of downloads",
    "httpx": "asks a server",
    "socket": "speaks to a server",
    "Markup": "lets text be markup",
    "mktemp": "names a file that another can make first",
    "minidom": "reads XML with entities",
    "sax": "reads XML with entities",
    "lxml": "reads XML with entities",
    "ElementTree": "reads XML; entities without end where nobody looked before",
    "install_extension": "loads code",
    "load_extension": "loads code",
}
ALLOWED = {
    ("contracts.py", "yaml.load"): "the one loader, safe, which also refuses keys that are given twice",
    ("analysts.py", "shell"): "the name of a place in a text that is formatted",
    ("building.py", "import_module"): "functions that contracts of the repository name as `built_by`",
    ("cli.py", "os.execv"): "`ogp-pipeline ui` becomes Dagster's own program, with fixed arguments",
    ("release/publish.py", "subprocess"): "git, with fixed arguments, says the commit of the checkout",
    ("aside.py", "subprocess"): "the second process: the same Python, with fixed arguments",
    ("aside.py", "pickle"): "calls to it and its answers, through pipes that no other process holds",
    ("nightly_status.py", "httpx"): "the webhook: one address that the settings name, no redirects",
    ("nightly_status.py", "socket"): "the name of the machine in a message to it",
    ("release/spreadsheet.py", "sax"): "`xml.sax.saxutils` writes: it escapes texts and reads nothing",
    ("sources/downloads.py", "httpx"): "the downloads themselves",
    ("sources/downloads.py", "socket"): "judges addresses before they are asked",
    ("report/page.py", "Markup"): "style and scripts of the project, and JSON that `as_json` has escaped",
    ("sources/workbooks.py", "ElementTree"): "parts that `check_xml` has read to their end: no document type, not deep",
}


def sources() -> Iterator[tuple[str, ast.Module]]:
    """Every module of the package with its syntax tree, by its path in the package."""
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE).as_posix(), ast.parse(path.read_text("utf-8"))


def names_used(tree: ast.Module) -> Iterator[str]:
    """What a module imports, calls and names, with and without what it is taken from."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (part for alias in node.names for part in (alias.name, *alias.name.split(".")))
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            yield from module.split(".")
            yield from (name for alias in node.names for name in (alias.name, f"{module}.{alias.name}"))
        elif isinstance(node, ast.Attribute):
            yield node.attr
            if isinstance(node.value, ast.Name):
                yield f"{node.value.id}.{node.attr}"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id
        elif isinstance(node, ast.keyword) and node.arg == "shell":
            yield "shell"


def test_nothing_runs_what_it_reads(figure) -> None:
    found, modules = set(), 0
    for module, tree in sources():
        modules += 1
        used = set(names_used(tree))
        if "re.compile" in used:
            used.discard("compile")
        found |= {(module, name) for name in used & set(FORBIDDEN)}
    unjudged = {use: FORBIDDEN[use[1]] for use in found - set(ALLOWED)}
    assert unjudged == {}, "judge these uses, or do without"
    assert set(ALLOWED) - found == set(), "these are no longer used: take them out of the list"
    figure("code: modules read for calls that run what they read, uses allowed by name", f"{modules}, {len(ALLOWED)}")


def test_every_text_of_a_template_is_escaped() -> None:
    """No template lets a text be markup, and the environment escapes all of them."""
    from ogp_pipeline.report.page import environment

    assert environment().autoescape is True
    for path in (PACKAGE / "report" / "templates").glob("*.html"):
        text = path.read_text("utf-8")
        assert not re.search(r"\|\s*safe\b|autoescape\s+false|\bMarkup\b", text), path.name
    for path in (PACKAGE / "report" / "templates").glob("*.js"):
        text = path.read_text("utf-8")
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text)


def test_sql_comes_from_the_repository_alone() -> None:
    """Every table's SELECT is a file of sql/, or of a function that a contract there names in this package."""
    from ogp_pipeline.models import load_catalog

    for model in load_catalog():
        assert model.contract_path.is_relative_to(ROOT / "sql"), model.name
        if model.contract.built_by:
            assert model.contract.built_by.startswith("ogp_pipeline."), model.name
        else:
            assert model.path.is_relative_to(ROOT / "sql"), model.name


OBJECTS = [
    "!!python/object/apply:os.system ['touch {marker}']",
    "!!python/object/new:os.system ['touch {marker}']",
    "!!python/name:os.system",
    "!!python/module:os",
    "!!python/tuple [1, 2]",
    "!!python/object:ogp_pipeline.settings.Settings {{}}",
    '!!python/object/apply:builtins.eval [\'open("{marker}", "w")\']',
    "!<tag:yaml.org,2002:python/object/apply:os.system> ['touch {marker}']",
]


@pytest.mark.parametrize("value", OBJECTS)
def test_yaml_never_makes_objects(tmp_path: Path, value: str) -> None:
    """sources.yml, contracts, official_files.yml and the front matter of pages: two readers, which both refuse."""
    marker = tmp_path / "made"
    text = value.format(marker=marker)
    with pytest.raises(yaml.YAMLError):
        load_yaml(f"- file: {text}")
    page = tmp_path / "page.md"
    page.write_text(f"---\ncommitment_id: {text}\n---\n")
    with pytest.raises(SetAsideError, match="line 2"):
        read_page(page, "utf-8")
    assert not marker.exists()


BROKEN = [
    ("2016-13-45", "a month that is none"),
    ("2016-01-01 99:99:99", "an hour that is none"),
    ("1" * 5000, "a number longer than Python reads"),
    ("!!timestamp x", "a word that is said to be a date"),
    ("!!int x", "a word that is said to be a number"),
    ("!!bool x", "a word that is said to be true or false"),
    ("[" * 5000, "lists without end"),
    ("*nowhere", "what is not there"),
]


@pytest.mark.parametrize(("value", "why"), BROKEN, ids=[why for _, why in BROKEN])
def test_yaml_that_cannot_be_read_is_one_error(value: str, why: str) -> None:
    with pytest.raises(yaml.YAMLError):
        load_yaml(f"- released: {value}")


def test_aliases_within_aliases_cost_nothing(figure) -> None:
    """Ten lists of nine each are shared, never written out: nine to the tenth values."""
    import time

    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 11)]
    begun = time.process_time()
    load_yaml("\n".join(lines))
    seconds = time.process_time() - begun
    assert seconds < 1
    figure("code: seconds for YAML whose aliases mean 3,486,784,401 values", f"{seconds:.3f}")


# --- docs/security.md


def test_the_threat_model_names_tests_that_exist(figure) -> None:
    """Each line of its tables names at least one test, as `module.py::test_name` or `module.py`."""
    text = (ROOT / "docs" / "security.md").read_text("utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ") and "`test_" in line]
    assert len(rows) >= 20
    named = re.findall(r"`(test_\w+\.py)(?:::(test_\w+))?`", text)
    missing = []
    for module, test in named:
        path = next((ROOT / "ogp_pipeline_tests").rglob(module), None)
        if path is None or (test and f"def {test}(" not in path.read_text("utf-8")):
            missing.append(f"{module}::{test}")
    assert missing == []
    headed = [line for line in text.splitlines() if line.startswith("| ") and "---" not in line]
    untested = [line for line in headed if "`test_" not in line and not line.startswith(("| what", "| who"))]
    assert untested == [], "a line without a test"
    figure("threat model: lines, each with tests that exist", f"{len(rows)}, {len(named)} named")
