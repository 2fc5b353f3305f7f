"""`ogp-pipeline validate`: what it says of a file, in words for those who send it, and its exit status."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import openpyxl
import pytest
from click.testing import CliRunner, Result

from ogp_pipeline.cli import main
from ogp_pipeline.sample.layouts import MEMBERS_HEADER
from ogp_pipeline.settings import PACKAGE_DIR, project_file
from ogp_pipeline.validation import rule_words
from ogp_pipeline_tests.world import World

FORMATS = ("text", "csv", "json")
CLEAN = {"Change in completion": "ND"}  # the column other tests do not care for


def validated(*paths: Path, form: str = "text") -> Result:
    """What the command prints of files; a bug is raised."""
    result = CliRunner().invoke(main, ["validate", "--format", form, *map(str, paths)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def report(*paths: Path) -> dict[str, Any]:
    return json.loads(validated(*paths, form="json").stdout)


def lines(*paths: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(validated(*paths, form="csv").stdout)))


def members(world: World, *rows: list[str], file: str = "members.csv") -> Path:
    path = world.inputs / file
    with path.open("w", encoding="utf-8", newline="") as target:
        csv.writer(target).writerows([MEMBERS_HEADER, *rows])
    return path


def members_book(world: World, change: Callable[[openpyxl.Workbook], Any], file: str = "members.xlsx") -> Path:
    book = openpyxl.Workbook()
    book.active.title = "Members"
    for row in (MEMBERS_HEADER, ["ZZA", "Velmora", "national", None, None]):
        book.active.append(list(row))
    change(book)
    path = world.inputs / file
    book.save(path)
    return path


def with_hidden_sheet(book: openpyxl.Workbook) -> None:
    book.create_sheet("Old").append(["Member ID", "Member name", "Member type"])
    book["Old"].sheet_state = "hidden"


def with_sheets_of_a_template(book: openpyxl.Workbook) -> None:
    book.create_sheet("Instructions")["A1"] = "One row for each member."
    book.create_sheet("Lists")["A1"] = "national"
    book["Lists"].sheet_state = "hidden"


def without_country(world: World) -> Path:
    path = world.commitments({})
    path.write_text(path.read_text(encoding="utf-8").replace("Country,", "Land,", 1), encoding="utf-8")
    return path


def of_text(world: World, name: str, text: str) -> Path:
    path = world.inputs / name
    path.write_text(text, encoding="utf-8")
    return path


class Case(NamedTuple):
    make: Callable[[World], Path]
    status: int
    words: tuple[str, ...]
    why: str


CASES = [
    Case(lambda world: world.commitments({}), 0, ("Nothing would be refused",), "a clean file"),
    Case(
        lambda world: members(world, ["ZZA", "Velmora", "national", "", ""]),
        0,
        ("An optional list of members", "member_list; 1 row, 1 would be read, 0 refused"),
        "no commitments are needed",
    ),
    Case(
        lambda world: world.commitments({}, {"Country": "Narnia"}),
        1,
        (
            "REFUSED",
            "Country: This tool knows no member",
            'line 3: "Narnia"',
            "list of members",
            "1 row would be REFUSED",
        ),
        "a member nobody knows: the row would be refused, and what may help is said",
    ),
    Case(
        lambda world: world.commitments({**CLEAN, "Potential impact": "Enormous", "Start Date": "31/02/2014"}),
        0,
        ("LOST", "Potential impact: This is not one", '"Enormous"', 'line 2: "31/02/2014"', "2 values would be lost"),
        "values that cannot be read are lost, and no row with them",
    ),
    Case(
        lambda world: world.commitments({"Anti-corruption": "perhaps"}),
        0,
        ("LOST", 'line 2: "perhaps"', "Anti-corruption"),
        "tags are read apart from their row",
    ),
    Case(
        lambda world: world.commitments({"Country": "Narnia", "Anti-corruption": "perhaps"}),
        1,
        ("0 values would be lost",),
        "of a row that is refused only the reason for that is told",
    ),
    Case(
        lambda world: world.commitments({"_Pot Impact Coded": "3"}),
        0,
        ("doubtful", "_Pot Impact Coded", "Correct whichever of the two is wrong"),
        "a number that contradicts its label is a doubt",
    ),
    Case(
        lambda world: world.commitments({"Country": "ALBANIA", "Full Text": "a<br/>b"}),
        0,
        ("Repaired", 'line 2: "ALBANIA", read as "ALB"', 'read as "a\\nb"'),
        "repairs are told with what is read",
    ),
    Case(without_country, 1, ("REFUSED: header in row 1", "Country: put"), "a column without which nothing is read"),
    Case(
        lambda world: of_text(world, "other.csv", "Country,Comm No\nAlbania,1\n"),
        1,
        ("nearest is explorer_commitments with 2 of", "lacking", "(explorer_commitments: The commitment release"),
        "a file of no layout: the nearest one by name and in words, and what is lacking",
    ),
    Case(
        lambda world: of_text(world, "notes.txt", "notes"),
        1,
        ("REFUSED: .txt: not one of .csv, .xlsx", "save it as one of them"),
        "a file of another kind",
    ),
    Case(lambda world: world.commitments(), 1, ("a header and no rows below it", "fill in"), "a header alone"),
    Case(
        lambda world: of_text(world, "cut.csv", 'a,b\n1,"cut o'),
        1,
        ("never closed", "the file is cut off"),
        "a file that ends inside a cell",
    ),
    Case(
        lambda world: members_book(world, with_hidden_sheet),
        1,
        ("sheet Old", "hidden sheet is not read: unhide it"),
        "a hidden sheet is refused beside one that is read",
    ),
    Case(
        lambda world: members_book(world, with_sheets_of_a_template),
        0,
        ("sheet Instructions\n  passed over: instructions of a template", "member_list; 1 row"),
        "the other sheets of a template are no fault",
    ),
    Case(
        lambda world: members_book(world, lambda book: book.active.append(["ZZB", '="Kes"&"toria"', "national"])),
        1,
        ("Member name", "formulas that were never calculated in B3", "open the file in a spreadsheet program"),
        "what the reader noticed of a row is told of every layout, also of a refused row",
    ),
    Case(
        lambda world: members(world, *(["ZZA", f"Name {number}", "national", "", ""] for number in range(40))),
        1,
        ("40 rows would be REFUSED", "lines 2, 3, 4, 5, 6, 7, 8, 9 and 32 more"),
        "many rows with one fault are one line",
    ),
    Case(
        lambda world: members(world, *([f"Z{number}", f"N {number}", "national", "", ""] for number in range(40))),
        1,
        ('line 2: "Z0"', "and 30 more values (--format csv lists them all)"),
        "many values are shortened",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.why)
def test_what_is_said_and_the_exit_status(world: World, case: Case) -> None:
    path = case.make(world)
    result = validated(path)
    assert result.exit_code == case.status
    assert path.name in result.stdout
    for words in case.words:
        assert words in result.stdout, result.stdout


@pytest.mark.parametrize(
    "status",
    [
        pytest.param(0, id="nothing refused"),
        pytest.param(1, id="a file and a row refused"),
    ],
)
def test_the_three_formats_agree(world: World, status: int) -> None:
    rows = [{"Potential impact": "Enormous"}, {"_Pot Impact Coded": "3"}, {"Country": "ALBANIA"}]
    world.commitments(*rows, *[{"Country": "Narnia"}] * status)
    if status:
        of_text(world, "notes.txt", "notes")
    printed = {form: validated(world.inputs, form=form) for form in FORMATS}
    assert {form: result.exit_code for form, result in printed.items()} == dict.fromkeys(FORMATS, status)
    whole = json.loads(printed["json"].stdout)
    flat = list(csv.DictReader(io.StringIO(printed["csv"].stdout)))
    assert whole["is_anything_refused"] == bool(status)
    found = [finding for file in whole["files"] for finding in file["findings"]]
    assert len(found) >= 3
    told = [line for line in flat if not line["outcome"].startswith("file ")]
    columns = [name for file in whole["files"] for name in (*file["extra_columns"], *file["absent_columns"])]
    assert len(told) == len(found) + len(columns)
    outcomes = [f"file {file['outcome']}" for file in whole["files"]]
    assert [line["outcome"] for line in flat if line["outcome"].startswith("file ")] == outcomes
    for finding in found:
        assert finding["reason"] and finding["what_to_do"]
        assert finding["reason"] in printed["text"].stdout


def test_a_member_list_serves_the_files_beside_it(world: World) -> None:
    commitments = world.commitments({"Country": "Velmora"})
    listed = members(world, ["ZZA", "Velmora", "national", "", ""])
    assert validated(commitments).exit_code == 1
    assert validated(commitments, listed).exit_code == 0
    assert validated(world.inputs).exit_code == 0, "a folder is its files together"


def test_a_line_says_where_what_and_why(world: World) -> None:
    path = world.commitments({}, {"Country": "Narnia"})
    (line,) = [line for line in lines(path) if line["outcome"] == "row refused"]
    assert (line["file"], line["layout"], line["row"], line["column"], line["value"]) == (
        path.as_posix(),
        "explorer_commitments",
        "3",
        "Country",
        "Narnia",
    )
    assert line["reason"] == rule_words()["member_unknown"].reason
    assert line["what_to_do"] == rule_words()["member_unknown"].what_to_do


def test_extra_and_absent_columns_are_told(world: World) -> None:
    path = world.commitments({})
    with path.open(encoding="utf-8", newline="") as file:
        header, row = csv.reader(file)
    header[header.index("Theme")] = "Topic"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, row])
    (file,) = report(path)["files"]
    assert (file["extra_columns"], file["absent_columns"]) == (["Topic"], ["Theme"])
    result = validated(path)
    assert result.exit_code == 0
    assert "used by nothing: Topic" in result.stdout and "not in the file: Theme" in result.stdout


def test_the_same_bytes_twice_are_told(world: World) -> None:
    path = world.commitments({})
    (world.inputs / "copy.csv").write_bytes(path.read_bytes())
    assert "read once: the same bytes as" in validated(world.inputs).stdout
    assert len(report(path, path)["files"]) == 1, "one file named twice is one file"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param([], "Missing argument", id="nothing named"),
        pytest.param(["no/such/file.csv"], "does not exist", id="no such file"),
        pytest.param(["--format", "xml", "."], "xml", id="no such format"),
    ],
)
def test_usage_is_status_2(arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(main, ["validate", *arguments])
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_folder_without_files_is_status_2(tmp_path: Path) -> None:
    result = validated(tmp_path)
    assert result.exit_code == 2
    assert "there is no file" in result.stderr


@pytest.mark.parametrize("form", FORMATS)
def test_what_stands_in_a_file_does_not_command_the_terminal(world: World, form: str) -> None:
    """Escape sequences, a bell, the C1 escape and marks that turn the direction of writing, in values and names."""
    odd = "\x1b[2Jevil\x07\x9b31m\u202egnp"
    listed = members(world, ["ZZA", odd, odd, "", ""], ["?", odd, "national", "", ""])
    other = of_text(world, "na\x1b[2Jme.csv", f"{odd},b\n1,2\n")
    result = validated(world.inputs, form=form)
    assert listed.name in result.stdout and other.suffix in result.stdout
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", result.stdout.replace("\r\n", "\n"))
    assert "evil" in result.stdout


def test_a_value_never_begins_a_formula(world: World) -> None:
    path = members(world, ["ZZA", "Velmora", "=HYPERLINK(1)", "", ""], ["@x", "-1", "national", "", ""])
    values = [line["value"] for line in lines(path) if line["value"]]
    assert values and not [value for value in values if value[0] in "=+-@"]
    kept = [finding["value"] for finding in report(path)["files"][0]["findings"]]
    assert "=HYPERLINK(1)" in kept, "JSON is for programs and has it verbatim"


def test_nothing_is_stored_and_no_orchestrator_loaded(world: World, tmp_path: Path) -> None:
    path = world.commitments({})
    folder = tmp_path / "here"
    folder.mkdir()
    code = (
        "import sys\nfrom ogp_pipeline.cli import main\n"
        "try:\n    main(['validate', sys.argv[1]])\n"
        "finally:\n    print(sorted({'dagster', 'great_expectations', 'pandas', 'statsmodels'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        cwd=folder,
        env={"TMPDIR": str(folder), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "[]"
    assert list(folder.iterdir()) == []
    assert [file.name for file in world.inputs.iterdir()] == [path.name]


# --- the words


def arguments_of(text: str, start: int) -> list[str]:
    """The arguments of a call whose opening bracket stands before `start`."""
    found, depth, begin, is_quoted = [], 0, start, False
    for place in range(start, len(text)):
        letter = text[place]
        if letter == "'":
            is_quoted = not is_quoted
        if is_quoted:
            continue
        if letter in "([{":
            depth += 1
        elif letter in ")]}" and depth:
            depth -= 1
        elif letter == ")":
            return [*found, text[begin:place].strip()]
        elif letter == "," and not depth:
            found.append(text[begin:place].strip())
            begin = place + 1
    return found


def rules_in(text: str) -> Iterator[str]:
    """The rules that SQL names: the second argument of `problem(...)`, the `rule` of a reading."""
    text = re.sub(r"--.*", "", text)
    expressions = [arguments_of(text, call.end())[1] for call in re.finditer(r"\bproblem\(", text)]
    expressions += re.findall(r"'rule':(.*?)\}", text, re.DOTALL)
    for expression in expressions:
        yield from re.findall(r"(?:^|then|else)\s*'(\w+)'", expression.strip())


def all_rules() -> set[str]:
    sql = project_file("sql")
    # the rules of `metrics` are others: they compare columns
    places = [
        sql.glob("*.sql"),
        sql.glob("staging/*.sql"),
        sql.glob("each_source/*.sql"),
        PACKAGE_DIR.glob("sources/*.py"),
    ]
    texts = [path.read_text(encoding="utf-8") for paths in places for path in paths]
    of_files = re.findall(r"null, '(\w+)', 'repair'", (PACKAGE_DIR / "sources" / "problems.py").read_text("utf-8"))
    return {rule for text in texts for rule in rules_in(text)} | set(of_files) | {"extra_column", "absent_column"}


def test_every_rule_has_words_and_all_words_a_rule() -> None:
    rules = all_rules()
    assert {"member_unknown", "date_ambiguous", "date_implausible", "correction", "encoding", "excel_serial"} <= rules
    assert set(rule_words()) == rules, "add the rule to ogp_pipeline/reference/rule_words.csv, or take its line out"


def test_the_words_are_for_people() -> None:
    """No names of the code, and each says what to do in a sentence."""
    for rule, words in rule_words().items():
        assert not re.search(r"[a-z]_[a-z]|NULL|null|regex|SQL", " ".join(words)), rule
        assert words.reason and words.what_to_do.endswith("."), rule
