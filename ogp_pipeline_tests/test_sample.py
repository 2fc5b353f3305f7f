"""The fictional partnership: same bytes, official layouts, all its dirt, no association unless planted."""

from __future__ import annotations

import csv
import re
import zipfile
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev

import pytest
import yaml

from ogp_pipeline.models import Catalog
from ogp_pipeline.sample import (
    EARLIER_FILE,
    EXPLORER_FILE,
    MANIFEST_FILE,
    MASTER_FILE,
    MEMBERS_FILE,
    PROCESS_FILE,
    RELEASED,
    write_sample,
)
from ogp_pipeline.sample.dirt import (
    DIRT,
    FLOAT_ARTEFACT,
    UNKNOWN_MEMBER,
    UNREADABLE_LABEL,
    UNREADABLE_PLAN_NUMBER,
)
from ogp_pipeline.sample.forms import FORM_DIRT, LOCAL_FILE, PAGES_FOLDER
from ogp_pipeline.sample.irm_codings import IMPLEMENTATION as IRM_IMPLEMENTATION
from ogp_pipeline.sample.irm_codings import commitment_codings, plan_codings
from ogp_pipeline.sample.later import later_plans
from ogp_pipeline.sample.layouts import COMPLETION_LABELS, IMPACT_LABELS, LEVELS, PROCESS_GROUPS, STEPS
from ogp_pipeline.sample.names import LOCALS
from ogp_pipeline.settings import PACKAGE_DIR
from ogp_pipeline_tests.world import World

IMPACT, PROGRESS, END_OF_TERM = "Potential impact", "Completion (progress report)", "Completion (end of term)"
RESULTS = "Did it open government (end of term only)"
DEVELOPMENT, IMPLEMENTATION = "IAP2 level during development", "IAP2 level during imp."
FORUM = "Consultation during action plan implementation (regular forum)"
Row = dict[str, str]


def lines(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def records(folder: Path, file: str) -> list[Row]:
    """The rows below the last header, by column; blank headers are left out."""
    rows = lines(folder / file)
    header = {EXPLORER_FILE: 1, PROCESS_FILE: 5}.get(file, 0)
    return [dict(zip(rows[header], row, strict=True)) for row in rows[header + 1 :]]


def commitments_of(folder: Path) -> list[Row]:
    return records(folder, EXPLORER_FILE)[:-1]  # without the Sum row


def contents(folder: Path) -> dict[str, bytes]:
    """Path -> bytes of every file, hidden ones too."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("sample")
    write_sample(path)
    return path


# --- bytes and arguments


def test_same_arguments_give_the_same_bytes(folder, tmp_path):
    write_sample(tmp_path)
    write_sample(tmp_path)  # over an existing one
    assert contents(tmp_path) == contents(folder)


def test_a_sample_over_another_leaves_nothing_of_it(folder, tmp_path):
    """Otherwise pages of a member of the larger sample would be read with the smaller one."""
    write_sample(tmp_path, seed=7, members=1, commitments=200)
    write_sample(tmp_path)
    assert contents(tmp_path) == contents(folder)


def test_bytes_of_the_workbook_hold_no_time_of_day(folder):
    """A second written an hour later is the same file: neither an entry nor a property tells the time."""
    with zipfile.ZipFile(folder / LOCAL_FILE) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(2024, 6, 30, 0, 0, 0)}
        assert set(re.findall(rb"\d{4}-\d\d-\d\dT[^<]+", archive.read("docProps/core.xml"))) == {
            b"2024-06-30T00:00:00Z"
        }


@pytest.mark.parametrize(
    ("arguments", "differing"),
    [
        pytest.param(
            {"seed": 7},
            {"explorer", "explorer-earlier", "process", "master", "irm-reports", "self-assessment-pages", "engagement"},
            id="other seed: the same members, and forms in which nothing is drawn",
        ),
        pytest.param({"members": 35}, {"explorer", "process", "members"}, id="fewer members, later plans of as many"),
        pytest.param({"planted_effect": 0.15}, {"explorer"}, id="an effect changes outcomes, not levels"),
    ],
)
def test_other_arguments_give_other_bytes(folder, tmp_path, arguments, differing):
    write_sample(tmp_path, **arguments)
    usual = contents(folder)
    changed = {path.split("/")[0] for path, content in contents(tmp_path).items() if content != usual.get(path)}
    assert changed == differing


def test_forms_and_later_plans_stay_few(folder, tmp_path):
    """More commitments are more plans to 2015; what people fill in does not grow with them."""
    write_sample(tmp_path, commitments=9_000)
    usual, larger = contents(folder), contents(tmp_path)
    assert usual.keys() == larger.keys()
    for path in usual.keys() - {EXPLORER_FILE, PROCESS_FILE}:
        assert len(larger[path]) <= 1.1 * len(usual[path]), path


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        pytest.param({"members": 0}, "members is 0", id="a partnership of none"),
        pytest.param({"members": 53}, "members is 53", id="more than there are names"),
        pytest.param({"commitments": 199}, "commitments is 199", id="no room for the dirt"),
        pytest.param({"members": 52, "commitments": 207}, "commitments is 207", id="a plan under four"),
        pytest.param({"planted_effect": -0.1}, "planted_effect is -0.1", id="negative"),
        pytest.param({"planted_effect": 1.1}, "planted_effect is 1.1", id="over one"),
        pytest.param({"planted_effect": float("nan")}, "planted_effect is nan", id="not a number"),
    ],
)
def test_arguments_out_of_range_are_refused_by_name(tmp_path, arguments, named):
    with pytest.raises(ValueError, match=re.escape(named)):
        write_sample(tmp_path / "none", **arguments)
    assert not (tmp_path / "none").exists()


# --- layouts


def test_explorer_layout(folder):
    rows = lines(folder / EXPLORER_FILE)
    assert rows[0] == [str(number) for number in range(108)]
    assert rows[1][0] == "Country" and rows[1][97] == "Starred (current formula) end of term"
    assert rows[1][98:] == [""] * 10
    assert {len(row) for row in rows} == {108}
    assert rows[-1][0] == "Sum"
    assert not (folder / EXPLORER_FILE).read_bytes().startswith(b"\xef\xbb\xbf")


def test_process_layout(folder):
    rows = lines(folder / PROCESS_FILE)
    assert rows[0] == [str(number) for number in range(56)]
    assert {position: name for position, name in enumerate(rows[1]) if name} == PROCESS_GROUPS
    assert rows[2][0] == "Country name" and rows[2][55] == "Change of executive"
    assert rows[3] == [""] * 56
    assert rows[4:6] == rows[1:3]
    assert {len(row) for row in rows} == {56}


def test_manifest_marks_every_file_as_synthetic(folder):
    text = (folder / MANIFEST_FILE).read_text(encoding="utf-8")
    entries = yaml.safe_load(text)
    assert text.startswith("# SYNTHETIC")
    assert all(entry["synthetic"] is True and entry["licence"] == "CC0-1.0" for entry in entries)
    assert {entry["file"]: str(entry["released"]) for entry in entries} == RELEASED
    described = {path for path in contents(folder) for entry in entries if path.startswith(entry["file"])}
    assert described == contents(folder).keys() - {MANIFEST_FILE}


def real_names() -> set[str]:
    """Names and codes of members of the real partnership, as the reference tables have them."""
    found = set()
    for table, columns in (("members", ("member_id", "member_name")), ("member_aliases", ("alias",))):
        with (PACKAGE_DIR / "reference" / f"{table}.csv").open(encoding="utf-8", newline="") as file:
            found |= {row[column] for row in csv.DictReader(file) for column in columns}
    return found


def test_members_are_fictional_and_named_in_the_files(tmp_path):
    write_sample(tmp_path, members=52)
    members = records(tmp_path, MEMBERS_FILE)
    ids = [member["Member ID"] for member in members if member["Member type"] == "national"]
    assert len(set(ids)) == 52 and (ids[0], ids[25], ids[26], ids[-1]) == ("ZZA", "ZZZ", "XAA", "XAZ")
    assert {member["Member ID"] for member in members} - set(ids) == set(LOCALS)
    known = {name for member in members for name in (member["Member name"], *member["Aliases"].split("|")) if name}
    assert len(real_names()) > 150 and not (known | set(LOCALS) | set(ids)) & real_names()
    assert {row["Country"] for row in commitments_of(tmp_path)} - known == {UNKNOWN_MEMBER}
    assert {row["Country name"] for row in records(tmp_path, PROCESS_FILE)} <= known
    assert {row["Country/Locality"] for row in records(tmp_path, MASTER_FILE)} <= known
    forms = [path for path in contents(tmp_path) if path.endswith("_sample.csv") and path != MEMBERS_FILE]
    with_members = [row["Member"] for path in forms for row in records(tmp_path, path) if "Member" in row]
    assert len(with_members) > 80 and set(with_members) <= known


def test_every_text_says_synthetic(folder):
    assert all(row["Full Text"].endswith("(SYNTHETIC)") for row in commitments_of(folder))
    assert all(row["Full Text"].endswith("(SYNTHETIC)") for row in records(folder, MASTER_FILE))


def test_every_file_that_people_would_fill_in_says_synthetic(folder):
    """One that is sent on alone, without sources.yml, still says what it is."""
    with zipfile.ZipFile(folder / LOCAL_FILE) as archive:
        assert b"(SYNTHETIC)" in b"".join(archive.read(part) for part in archive.namelist())
    for path, content in contents(folder).items():
        if path not in (PROCESS_FILE, MEMBERS_FILE, LOCAL_FILE):  # layouts of numbers and names; a compressed one
            assert b"SYNTHETIC" in content, path


# --- content


def plan_names(folder: Path) -> dict[str, str]:
    """Every name of a member -> its id."""
    return {
        name: member["Member ID"]
        for member in records(folder, MEMBERS_FILE)
        for name in (member["Member name"], *member["Aliases"].split("|"))
    }


@pytest.mark.parametrize("seed", [2016, 1, 2])
def test_usual_size(tmp_path, seed):
    write_sample(tmp_path, seed=seed)
    clean = [row for row in commitments_of(tmp_path) if row["Action Plan Number"] != UNREADABLE_PLAN_NUMBER]
    plans = Counter((row["Country"], row["Action Plan Number"]) for row in clean if row["Country"] != UNKNOWN_MEMBER)
    assert 65 <= len(plans) <= 75
    assert min(plans.values()) >= 3 and max(plans.values()) <= 41  # 4 to 40, one row more or less by dirt
    assert {row["Year of submission"] for row in clean} == {"2011", "2012", "2013", "2014", "2015"}
    process = records(tmp_path, PROCESS_FILE)
    assert len(process) == len(plans) + 3  # plans of the process file alone
    recent = [row for row in process if row["Year AP Submitted"] >= "2013"]
    for column in (DEVELOPMENT, IMPLEMENTATION):
        per_level = Counter(row[column] for row in recent)
        assert sum(per_level[level] >= 5 for level in LEVELS[:5]) >= 4
    with_results = {row["Country"] + row["Action Plan Number"] for row in clean if row[RESULTS] not in ("ND", "NR")}
    assert 0.1 <= len(with_results) / len(plans) <= 0.3


def test_uncoded_blocks_follow_year_and_review(folder):
    """As in the official file: no potential impact in 2011; no end of term is ND to 2013 and NR from 2014."""
    for row in commitments_of(folder):
        year, is_reviewed = row["Year of submission"], row["IRM Assessed (Y/N)?"] == "1"
        assert (row[IMPACT] == "ND") == (year == "2011")
        if not is_reviewed:
            assert {row[PROGRESS], row["Specificity"], row["Value -Info"], row["_Relevant"]} == {"NR"}
        if row[END_OF_TERM] not in COMPLETION_LABELS:
            assert {row[END_OF_TERM], row[RESULTS], row["_OpenGovt"]} == {"NR" if year >= "2014" else "ND"}


def test_stars_follow_the_formulas(folder):
    """DOMAIN.md section 3, recomputed for every row where the file codes a star."""
    done = {"c. Substantial", "d. Complete"}
    compared = Counter()
    for row in commitments_of(folder):
        relevant, specific = row["_Relevant"] == "1", row["Specificity"] in ("b. medium", "c. high")
        ambitious, best = row[IMPACT] in ("Moderate", "Transformative"), row[IMPACT] == "Transformative"
        expected = {
            "Starred (pre-June 2014 assessments)": relevant and ambitious and row[PROGRESS] in done,
            "Starred (2015 only)": relevant and ambitious and specific and row[PROGRESS] in done,
            "Starred (current formula) progress report": relevant and best and specific and row[PROGRESS] in done,
            "Starred (current formula) end of term": relevant and best and specific and row[END_OF_TERM] in done,
        }
        for column, is_starred in expected.items():
            if row[column] in ("0", "1"):
                compared[column, row[column]] += 1
                assert row[column] == str(int(is_starred)), (column, row)
    assert len(compared) >= 7  # both values of nearly every formula occur


def test_twins_flags_and_checksum(folder):
    disagreeing = Counter()
    for row in commitments_of(folder):
        disagreeing["impact"] += IMPACT_LABELS.get(row[IMPACT], row[IMPACT]) != row["_Pot Impact Coded"]
        disagreeing["completion"] += COMPLETION_LABELS.get(row[PROGRESS], row[PROGRESS]) != row["_CompletionProgress"]
        flags = [row[column] for column in list(row)[16:59] if column != "Marginalized Communities"]
        assert set(flags) <= {"0", "1"} and flags.count("1") == int(row["Checksum"]) >= 1
    assert disagreeing == {
        "impact": 2,
        "completion": 3,
    }  # NR coded, unreadable label; two twins, one case variant


def test_process_rows_agree_with_themselves(folder):
    for row in records(folder, PROCESS_FILE):
        answers = {row[answer] for answer in STEPS}
        if answers == {"NR"}:
            continue
        followed = sum(row[answer] == "Yes" for answer in STEPS)
        assert row["_Number of steps followed (out of 6)"] == str(followed)
        if row["Year AP Submitted"] < "2013":
            assert row[DEVELOPMENT] == "NR"
            assert (row[FORUM], row[IMPLEMENTATION]) in {("No", "NA"), ("Yes", "NR")}
        if row[DEVELOPMENT] == "NA":
            assert row["Step 4: Online consultations"] == row["Step 5: In-person consultations"] == "No"


# --- dirt: kind -> how many rows of the file carry it


def having(column: str, pattern: str):
    return lambda rows: sum(re.fullmatch(pattern, row[column]) is not None for row in rows)


def containing(*parts: str):
    return lambda rows: sum(any(all(part in cell for part in parts) for cell in row.values()) for row in rows)


def order_proved(rows: list[Row]) -> dict[tuple[str, str], set[str]]:
    """Plan -> the orders that its dates prove."""
    orders = defaultdict(set)
    for row in rows:
        for text in (row["Start Date"], row["End Date"]):
            if found := re.fullmatch(r"(\d\d)/(\d\d)/\d{4}", text):
                first, second = int(found[1]), int(found[2])
                if max(first, second) > 12:
                    orders[row["Country"], row["Action Plan Number"]].add("day" if first > 12 else "month")
    return orders


def ambiguous(text: str, proved: int, column: str):
    def count(rows: list[Row]) -> int:
        orders = order_proved(rows)
        plans = [(row["Country"], row["Action Plan Number"]) for row in rows if re.fullmatch(text, row[column])]
        return sum(len(orders[plan]) == proved for plan in plans)

    return count


def repeated_keys(rows: list[Row]) -> int:
    """Later rows, other than identical ones, whose key stands further up and not just above."""
    seen: dict[tuple[str, str, str], int] = {}
    texts = set()
    count = 0
    for position, row in enumerate(rows):
        key = row["Country"], row["Action Plan Number"], row["Comm No"]
        is_identical = tuple(row.values()) in texts
        count += key in seen and not is_identical and position - seen[key] > 1
        seen.setdefault(key, position)
        texts.add(tuple(row.values()))
    return count


EXPLORER_COUNTS = {
    "date ambiguous, order proved by the plan": ambiguous(r"05/06/\d{4}", 1, "Start Date"),
    "date ambiguous, nothing decides": ambiguous(r"05/06/\d{4}", 0, "End Date"),
    "date ambiguous, one reading has day 1": ambiguous(r"06/01/\d{4}", 0, "End Date"),
    "date certainly month-first": having("End Date", r"09/30/\d{4}"),
    "date certainly day-first": having("End Date", r"31/12/\d{4}"),
    "date is Not Specified": having("Start Date", "Not Specified"),
    "date is month and short year": having("End Date", r"Jul-\d\d"),
    "date is month and year": having("End Date", r"July \d{4}"),
    "date is a year": having("End Date", r"20\d\d"),
    "date is a Roman quarter": having("End Date", r"II quarter of \d{4}"),
    "date is a quarter": having("End Date", r"Quarter 1 \d{4}"),
    "date is a spreadsheet serial": having("End Date", r"4\d{4}"),
    "date is Ongoing": having("End Date", "Ongoing"),
    "date is Unclear": having("End Date", "Unclear"),
    "key repeated": repeated_keys,
    "row repeated": lambda rows: len(rows) - len({tuple(row.values()) for row in rows}),
    "number is a float artefact": having("Comm No", re.escape(FLOAT_ARTEFACT)),
    "number ends in a letter": having("Comm No", r"1\.a"),
    "number begins with a letter": having("Comm No", r"A\.2"),
    "label in another case": having(PROGRESS, "a. Not Started"),
    "label and twin disagree": lambda rows: sum(
        row[PROGRESS] in COMPLETION_LABELS and COMPLETION_LABELS[row[PROGRESS]] != row["_CompletionProgress"]
        for row in rows
    ),
    "label NR, twin coded": lambda rows: sum(row[IMPACT] == "NR" and row["_Pot Impact Coded"] == "3" for row in rows),
    "outcome label of no list": having(IMPACT, UNREADABLE_LABEL),
    "member unknown": having("Country", UNKNOWN_MEMBER),
    "plan number unreadable": having("Action Plan Number", UNREADABLE_PLAN_NUMBER),
    "line break in a cell": containing("\n"),
    "markup in a cell": containing("<br/>"),
    "quotes and comma in a cell": containing('"', ","),
    "no-break space": containing("\u00a0"),
    "replacement character": containing("\ufffd"),
}
PROCESS_COUNTS = {
    "answer with trailing space": containing("Yes "),
    "markup in a cell": containing("<br/>"),
}


def line_count(pattern: str):
    return lambda folder, file: sum(
        re.fullmatch(pattern, ",".join(row), re.DOTALL) is not None for row in lines(folder / file)
    )


def in_another_name(column: str):
    """Rows of one file whose member's name is not the one in the members file."""

    def count(folder: Path, file: str) -> int:
        full_names = {member["Member name"] for member in records(folder, MEMBERS_FILE)}
        known = set(plan_names(folder))
        return sum(row[column] in known - full_names for row in records(folder, file))

    return count


def years_apart(folder: Path, file: str) -> int:
    ids = plan_names(folder)
    years = {
        (ids.get(row["Country"]), row["Action Plan Number"]): row["Year of submission"]
        for row in commitments_of(folder)
    }
    return sum(
        int(row["Year AP Submitted"]) == int(years[plan]) + 1
        for row in records(folder, file)
        if (plan := (ids[row["Country name"]], row["Action Plan Number"])) in years
    )


LAYOUT_COUNTS = {
    ("explorer", "column numbers above the header"): line_count(r"0,1,2,\d.*"),
    ("explorer", "Sum row"): line_count(r"Sum,.*"),
    ("explorer", "member under an alias"): in_another_name("Country"),
    ("process", "column numbers above the header"): line_count(r"0,1,2,\d.*"),
    ("process", "group row"): line_count(r",,,Step 1,.*"),
    ("process", "header repeated"): lambda folder, file: line_count(r"Country name,.*")(folder, file) - 1,
    ("process", "blank row"): line_count(r",*"),
    ("process", "member under an alias"): in_another_name("Country name"),
    ("process", "submission year one later"): years_apart,
}


def dirty_rows(dirt, folder: Path) -> int:
    file = {"explorer": EXPLORER_FILE, "process": PROCESS_FILE}[dirt.layout]
    if (dirt.layout, dirt.kind) in LAYOUT_COUNTS:
        return LAYOUT_COUNTS[dirt.layout, dirt.kind](folder, file)
    if dirt.layout == "explorer":
        return EXPLORER_COUNTS[dirt.kind](commitments_of(folder))
    return PROCESS_COUNTS[dirt.kind](records(folder, file))


@pytest.fixture(
    scope="module",
    params=[
        pytest.param({}, id="usual"),
        pytest.param({"seed": 5, "planted_effect": 0.15}, id="other seed, with an effect"),
        pytest.param({"members": 1, "commitments": 200}, id="smallest"),
        pytest.param({"members": 52, "commitments": 208}, id="plans of four"),
    ],
)
def any_sample(request, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("any")
    write_sample(path, **request.param)
    return path


@pytest.mark.parametrize("dirt", DIRT, ids=lambda dirt: f"{dirt.layout}: {dirt.kind}")
def test_every_kind_of_dirt_is_there_in_its_quantity(any_sample, dirt):
    found = dirty_rows(dirt, any_sample)
    assert found == dirt.rows if dirt.is_exact else found >= dirt.rows


def test_the_list_of_dirt_is_in_order():
    assert len({(dirt.layout, dirt.kind) for dirt in DIRT}) == len(DIRT)
    assert {dirt.layout for dirt in DIRT} == {"explorer", "process"}
    expected = {"repaired", "kept", "unreadable", "quarantined", "not_a_record"}
    assert {dirt.expected for dirt in DIRT} == expected
    assert all(dirt.reason for dirt in DIRT)
    quarantined = sum(dirt.rows for dirt in DIRT if dirt.expected == "quarantined")
    assert quarantined / 200 <= 0.02  # even in the smallest sample


def test_no_plan_proves_two_orders_of_dates(any_sample):
    """Else an ambiguous date of the plan would be another kind than the list says."""
    assert all(len(orders) == 1 for orders in order_proved(commitments_of(any_sample)).values())


# --- what the pipeline makes of it


@pytest.fixture(scope="module")
def usual(tmp_path_factory, catalog: Catalog) -> World:
    """A world whose source is the sample, with every table built."""
    world = World(tmp_path_factory.mktemp("usual"), catalog)
    write_sample(world.inputs)
    return world.build()


@pytest.fixture(scope="module")
def smallest(tmp_path_factory, catalog: Catalog) -> World:
    """The same of a sample of one member."""
    world = World(tmp_path_factory.mktemp("smallest"), catalog)
    write_sample(world.inputs, seed=3, members=1, commitments=200)
    return world.build()


@pytest.fixture(scope="module", params=["usual", "smallest"])
def built(request) -> World:
    return request.getfixturevalue(request.param)


NOTHING_REFUSED = {  # no row of these has an identity that fails
    "process_database": "its dirt is in answers and names",
    "member_list": "a member more or less would change everything else",
    "local_inception_commitments": "the other sheets of the workbook have refused rows",
    "local_learning": "one row per plan",
    "self_assessment_commitments": "a page that cannot be read is refused as a file",
    "self_assessment_subcommitments": "a page that cannot be read is refused as a file",
    "eligibility": "its dirt is in scores",
    "engagement": "two cases",
}


ALONE = {"metrics.peer_finder"}  # one member has no peers


def test_every_table_is_filled(built, catalog, request):
    rows = {
        model.name: built.rows(f"select count(*) as n from {model.name}")[0]["n"]
        for model in catalog.public
        if model.schema != "reference"
    }
    assert len(rows) > 60
    empty = {f"quarantine.{name}" for name in NOTHING_REFUSED}
    if request.node.callspec.params["built"] == "smallest":
        empty |= ALONE
    assert {name for name, count in rows.items() if not count} == empty


def test_as_many_rows_are_refused_as_are_planted(built, catalog):
    planted = Counter({"explorer_commitments": 0, "master_commitments": 1})  # an id of another form
    for dirt in (*DIRT, *FORM_DIRT):
        if dirt.expected == "quarantined":
            layout = {"explorer": "explorer_commitments"}.get(dirt.layout, dirt.layout)
            planted[layout] += dirt.rows
    refused = {name: built.rows(f"select count(*) as n from quarantine.{name}")[0]["n"] for name in catalog.sources}
    assert {name: count for name, count in refused.items() if count} == planted


def problems(source: str, rule: str) -> str:
    return (
        f"select count(distinct (source_file, source_row)) as n from meta.problems "
        f"where source = '{source}' and rule = '{rule}'"
    )


# (layout, kind) of FORM_DIRT -> the query that counts what the pipeline made of it
FOUND: dict[tuple[str, str], str] = {
    ("irm_report_plans", "nobody coded it"): problems("irm_report_plans", "coder_missing"),
    ("irm_report_commitments", "nobody coded it"): problems("irm_report_commitments", "coder_missing"),
    ("irm_report_plans", "no page and no quote"): (
        "select count(*) as n from staging.irm_report_plans where page is null and quote is null"
    ),
    ("irm_report_commitments", "no quote"): (
        "select count(*) as n from staging.irm_report_commitments where quote is null"
    ),
    ("irm_report_plans", "a stage the report does not speak about"): problems(
        "irm_report_plans", "product_does_not_code"
    ),
    ("irm_report_commitments", "a judgement the report does not give"): problems(
        "irm_report_commitments", "product_does_not_code"
    ),
    ("irm_report_plans", "member under an alias"): problems("irm_report_plans", "member_alias"),
    ("local_inception", "The hall was heated"): problems("local_inception", "requirement_unknown"),
    ("local_inception", "requirement not answered"): (
        "select count(*) as n from marts.co_creation_requirements where answer is null"
    ),
    ("local_end_of_commitment", "the last one"): problems("local_end_of_commitment", "commitment_unreadable"),
    ("local_end_of_commitment", "05/06/2023"): problems("local_end_of_commitment", "date_ambiguous"),
    ("local_end_of_commitment", "no evaluator"): (
        "select count(*) as n from marts.local_reports where kind = 'end_of_commitment' and evaluator is null"
    ),
    ("files", "README.md"): (
        f"select count(*) as n from meta.sources where status = 'refused' and source_file = '{PAGES_FOLDER}/README.md'"
    ),
    ("files", "broken.md"): (
        f"select count(*) as n from meta.sources where status = 'refused' and source_file = '{PAGES_FOLDER}/broken.md'"
    ),
    ("self_assessment_subcommitments", "Delayed"): problems("self_assessment_subcommitments", "label_unknown"),
    ("self_assessment", "milestone repeated"): problems("self_assessment", "milestone_repeated"),
    ("eligibility", "a score above 4"): problems("eligibility", "score_unreadable"),
    ("eligibility", "two criteria do not apply"): problems("eligibility", "too_many_not_applicable"),
}


@pytest.mark.parametrize("dirt", FORM_DIRT, ids=lambda dirt: f"{dirt.layout}: {dirt.kind}")
def test_every_kind_of_dirt_in_forms_is_found_in_its_quantity(built, dirt):
    assert built.rows(FOUND[dirt.layout, dirt.kind])[0]["n"] == dirt.rows


def test_every_problem_of_a_form_is_planted(built):
    """A problem that the list of dirt does not name would be a mistake in the sample, or in reading it."""
    found = {
        (row["source"], row["rule"])
        for row in built.rows("select source, rule, source_file from meta.problems")
        if row["source_file"] not in (EXPLORER_FILE, EARLIER_FILE, PROCESS_FILE, MASTER_FILE)
    }
    assert found == {
        ("irm_report_plans", "coder_missing"),
        ("irm_report_plans", "provenance_missing"),
        ("irm_report_plans", "product_does_not_code"),
        ("irm_report_plans", "member_alias"),
        ("irm_report_commitments", "coder_missing"),
        ("irm_report_commitments", "provenance_missing"),
        ("irm_report_commitments", "product_does_not_code"),
        ("local_inception", "requirement_unknown"),
        ("local_inception", "answer_missing"),
        ("local_end_of_commitment", "commitment_unreadable"),
        ("local_end_of_commitment", "date_ambiguous"),
        ("local_end_of_commitment", "answer_missing"),
        ("self_assessment_subcommitments", "label_unknown"),
        ("self_assessment", "milestone_repeated"),
        ("eligibility", "score_unreadable"),
        ("eligibility", "too_many_not_applicable"),
    }


def test_everything_is_synthetic_and_nothing_but_what_is_planted_is_refused(built):
    files = built.rows("select source_file, status, is_synthetic, absent_columns, extra_columns from meta.sources")
    assert all(file["is_synthetic"] for file in files)
    assert {file["status"] for file in files} == {"loaded", "refused"}
    assert sum(file["status"] == "refused" for file in files) == 2
    assert not [file for file in files if file["absent_columns"] or file["extra_columns"]]
    members = {row["member_id"] for row in built.rows("select member_id from marts.members")}
    assert not members & real_names()


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        pytest.param(
            "select status as found from marts.irm_codings",
            {"agreed", "single", "disagreement", "draft_only", "superseded", "outside_product"},
            id="every way a coding can end",
        ),
        pytest.param(
            "select case when is_late then 'late' when not is_late then 'in time' end as found "
            "from marts.local_reports where kind = 'inception'",
            {"late", "in time"},
            id="an inception report of each",
        ),
        pytest.param(
            "select answer as found from marts.co_creation_requirements", {"yes", "no", None}, id="every answer"
        ),
        pytest.param(
            "select commitment_id_basis as found from marts.local_commitments",
            {"ogp_id", "number_in_plan"},
            id="commitments named by id and by number",
        ),
        pytest.param(
            "select completion as found from marts.results where assessment = 'end_of_commitment'",
            {"complete", "limited", "substantial", "withdrawn"},
            id="completion as monitoring bodies see it",
        ),
        pytest.param(
            "select coalesce(completion, no_completion_reason) as found from marts.self_assessments "
            "where has_commitment_page",
            {"complete", "not_started", "in_progress", "items_unread", "no_items"},
            id="every roll-up of pages",
        ),
        pytest.param(
            "select (irm_completion is not null)::varchar || ' ' || is_commitment_loaded as found "
            "from metrics.self_assessments_beside_irm where assessment = 'self_assessment_end_of_term'",
            {"true true", "false true"},
            id="the IRM's judgement stands beside the end-of-term self-assessment, where it gave one",
        ),
        pytest.param(
            "select points::varchar || ' of ' || points_possible || ' ' || passes_core as found "
            "from marts.eligibility where points is not null",
            {"12 of 16 true", "10 of 16 false", "9 of 12 true"},
            id="eligibility",
        ),
        pytest.param(
            "select uptake_share_is as found from metrics.engagement where contains(note, 'IRM coding')",
            {"exact", "lower_bound"},
            id="engagement on commitments that the IRM coded",
        ),
        pytest.param(
            "select distinct influence_source as found from marts.influence", {"official", "analyst"}, id="influence"
        ),
    ],
)
def test_the_usual_sample_has_every_case(usual, sql, expected):
    assert {row["found"] for row in usual.rows(sql)} == expected


def test_levels_of_later_plans_are_drawn_apart_from_their_outcomes():
    """Levels read in IRM reports come from a stream of their own: other outcomes leave them as they are."""
    plans = later_plans(1, 12, 4)
    others = [
        replace(mine, commitments=other.commitments) for mine, other in zip(plans, later_plans(2, 12, 4), strict=True)
    ]
    assert list(plan_codings(1, plans)) == list(plan_codings(1, others))
    assert {row[IRM_IMPLEMENTATION] for row in plan_codings(1, plans) if IRM_IMPLEMENTATION in row} > {"Inform"}
    assert [row["Commitment ID"] for row in commitment_codings(1, plans)].count("5") == 1  # named by its number


# --- association: over seeds, the mean difference between plans of higher and lower level, and its error

ASSESSED = {
    "ambition": ("None", "Minor", "Moderate", "Transformative"),
    "completion": ("a. Not started", "b. Limited", "c. Substantial", "d. Complete"),
    "early results": ("a. Worsens", "b. None", "c. Marginal", "d. Major", "e. Outstanding"),
}
HITS = {
    "ambition": ASSESSED["ambition"][2:],
    "completion": ASSESSED["completion"][3:],
    "early results": ASSESSED["early results"][3:],
}


def label(outcome: str, row: Row) -> str:
    if outcome == "ambition":
        return row[IMPACT]
    if outcome == "early results":
        return row[RESULTS]
    return row[END_OF_TERM] if row[END_OF_TERM] not in ("ND", "NR") else row[PROGRESS]


def differences(folder: Path) -> dict[str, float]:
    """Outcome -> share of hits in plans at Involve or above less the share below, at the figure's stage."""
    ids = plan_names(folder)
    ranks = {}
    for row in records(folder, PROCESS_FILE):
        if row["Year AP Submitted"] >= "2013" and row[DEVELOPMENT] in LEVELS:
            development = LEVELS.index(row[DEVELOPMENT])
            both = row[IMPLEMENTATION] in LEVELS
            lower = min(development, LEVELS.index(row[IMPLEMENTATION])) if both else None
            ranks[ids[row["Country name"]], row["Action Plan Number"]] = (development, lower)
    counts = defaultdict(lambda: [0, 0])
    for row in commitments_of(folder):
        development, lower = ranks.get((ids.get(row["Country"]), row["Action Plan Number"]), (None, None))
        for outcome in ASSESSED:
            rank = development if outcome == "ambition" else lower
            if rank is not None and label(outcome, row) in ASSESSED[outcome]:
                cell = counts[outcome, rank >= LEVELS.index("Involve")]
                cell[0] += label(outcome, row) in HITS[outcome]
                cell[1] += 1
    return {
        outcome: counts[outcome, True][0] / counts[outcome, True][1]
        - counts[outcome, False][0] / counts[outcome, False][1]
        for outcome in ASSESSED
        if counts[outcome, True][1] and counts[outcome, False][1]
    }


def mean_and_error(folder: Path, seeds: int, planted_effect: float) -> dict[str, tuple[float, float]]:
    found = defaultdict(list)
    for seed in range(seeds):
        write_sample(folder, seed=seed, planted_effect=planted_effect)
        for outcome, difference in differences(folder).items():
            found[outcome].append(difference)
    assert all(len(values) > 0.8 * seeds for values in found.values())
    return {outcome: (mean(values), stdev(values) / len(values) ** 0.5) for outcome, values in found.items()}


def test_no_association_by_construction(tmp_path):
    """Tolerance: three standard errors of the mean over 60 seeds, small enough to show an effect."""
    for outcome, (difference, error) in mean_and_error(tmp_path, 60, 0.0).items():
        assert error < 0.03, outcome
        assert abs(difference) < 3 * error, outcome


def test_a_planted_effect_is_found(tmp_path):
    """0.15 a level, and the two groups lie some two levels apart: far over what chance leaves."""
    for outcome, (difference, error) in mean_and_error(tmp_path, 15, 0.15).items():
        assert difference > 0.15 and difference > 4 * error, outcome


# --- scale


@pytest.mark.parametrize(
    ("members", "commitments"),
    [
        pytest.param(36, 20_000, id="more plans per member"),
        pytest.param(2, 20_000, id="99 plans per member, then larger plans"),
    ],
)
def test_scale(tmp_path, members, commitments):
    write_sample(tmp_path, members=members, commitments=commitments)
    rows = commitments_of(tmp_path)
    assert len(rows) == commitments + 1  # the repeated row
    plans = {int(row["Action Plan Number"]) for row in records(tmp_path, PROCESS_FILE)}
    assert max(plans) <= 99


def test_plans_are_drawn_one_at_a_time():
    """Drawing a plan must not draw the others: that is what keeps a million commitments out of memory."""
    from ogp_pipeline.sample.partnership import Partnership

    partnership = Partnership(2016, 0.0)
    plans = partnership.plans(36, 1_000_000)
    first, second = next(plans), next(plans)
    assert (first.number, second.number) == (1, 2)
    assert len(partnership.commitment_rows(first)) == first.commitments < 2_000
