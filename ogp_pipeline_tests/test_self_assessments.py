"""What governments report of their own commitments: pages and forms, the roll-up, and the IRM beside it."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from ogp_pipeline.contracts import code_lists
from ogp_pipeline.judging import evaluate
from ogp_pipeline_tests.world import World

TABLES = ("metrics.self_assessments_beside_irm", "marts.results", "meta.problems")


def failing(world: World, table: str, check: str) -> list[Any]:
    """The rows that break a rule of a table."""
    model = world.catalog[table]
    with world.store.session({table, *model.checks_read}, model.macros) as connection:
        [verdict] = [v for v in evaluate(connection, model, world.catalog) if v.check == check]
    assert verdict.error is None
    return [] if verdict.passed else list(verdict.sample)


def commitment_page(number: str, **keys: str) -> str:
    """A commitment page of the United States' layout."""
    return front_matter(
        {
            "title": f"Title {number}",
            "permalink": f"/national-action-plan/5/{number}/",
            "commitment_id": number,
            "commitment_link": f"/national-action-plan/5/#{number}",
            "commitment_theme_name": "Theme",
            "commitment_theme_slug": "theme",
            "commitment_detail_sub": "Text",
            **keys,
        }
    )


def subcommitment_page(number: str, status: str | None, text: str = "", **keys: str) -> str:
    """A sub-commitment page of the United States' layout; no status leaves its key out."""
    commitment, part = number.split(".")
    values = {
        "title": f"Title {number}",
        "permalink": f"/national-action-plan/5/{commitment}-{part}/",
        "c_permalink": f"/national-action-plan/5/{commitment.lower()}/",
        "commitment_id": commitment,
        "commitment_detail_sub_id": number,
        "commitment_agency": "Agency",
        "aug_2023_progress": "Begun.",
        **keys,
    }
    return front_matter(values if status is None else values | {"commitment_status": status}) + text


def front_matter(values: dict[str, str]) -> str:
    return "---\n" + "".join(f'{key}: "{value}"\n' for key, value in values.items()) + "---\n"


class RolledUp(NamedTuple):
    commitment: str
    statuses: tuple[str | None, ...]
    completion: str | None
    reason: str | None
    why: str


ROLLED_UP = [
    RolledUp("US0113", ("Complete", "Complete"), "complete", None, "all complete"),
    RolledUp("US0114", ("Not Started", "Not Started"), "not_started", None, "all not started"),
    RolledUp("US0115", ("Complete", "Not Started"), "in_progress", None, "complete and not started is in progress"),
    RolledUp("US0116", ("Complete", "In Progress"), "in_progress", None, "one in progress"),
    RolledUp("US0117", ("In Progress", "Cancelled"), "in_progress", None, "an unknown status cannot undo in progress"),
    RolledUp("US0118", ("Complete", "Cancelled"), None, "items_unread", "an unknown status decides"),
    RolledUp("US0119", ("Not Started", ""), None, "items_unread", "a blank status decides"),
    RolledUp("US0120", ("Complete", None), None, "items_unread", "a page without the key decides"),
    RolledUp("US0121", (), None, "no_items", "nothing but the commitment's page"),
    RolledUp("US0122", ("complete",), "complete", None, "another case of the label"),
]


@pytest.fixture(scope="module")
def pages(tmp_path_factory, catalog) -> World:
    """The roll-ups above, and pages with each fault of identity."""
    world = World(tmp_path_factory.mktemp("pages"), catalog)
    world.commitments({})
    for case in ROLLED_UP:
        world.page(f"a/{case.commitment}.md", commitment_page(case.commitment))
        for part, status in enumerate(case.statuses, start=1):
            number = f"{case.commitment}.{part}"
            world.page(f"b/{number}.md", subcommitment_page(number, status))
    world.page("b/no-page-1.md", subcommitment_page("US0130.0", "Complete"))
    world.page("b/gap-1.md", subcommitment_page("US0131.1", "Complete"))
    world.page("b/gap-3.md", subcommitment_page("US0131.3", "Complete"))
    world.page("b/twice-1.md", subcommitment_page("US0132.1", "Complete"))
    world.page("b/twice-2.md", subcommitment_page("US0132.2", "Complete"))
    world.page("b/twice-2b.md", subcommitment_page("US0132.2", "In Progress"))
    world.page(
        "b/morocco.md", subcommitment_page("MO0003.1", "Complete", permalink="/national-action-plan/2/MO0003-1/")
    )
    world.page("b/unknown.md", subcommitment_page("ZZ0001.1", "Complete"))
    world.page("b/no-plan.md", subcommitment_page("US0133.1", "Complete", permalink="/x/", c_permalink="/x/"))
    world.page("b/no-id.md", subcommitment_page("US0134.1", "Complete", commitment_detail_sub_id="first"))
    world.page("b/odd-id.md", subcommitment_page("US0135.1", "Complete", commitment_detail_sub_id="us0135-1"))
    world.page("b/other-id.md", subcommitment_page("US0136.1", "Complete", commitment_id="US0137"))
    world.page(
        "b/other-path.md", subcommitment_page("US0138.0", "Complete", permalink="/national-action-plan/5/US0138-1/")
    )
    world.page("a/repeated-1.md", commitment_page("US0139"))
    world.page("a/repeated-2.md", commitment_page("US0139", title="Another"))
    text = "Progress Update:<br>\nA portal.<br>\n\nEvidence:<br>\nhttps://example.org"
    world.page("b/text.md", subcommitment_page("US0140.0", "Complete", text))
    return world.build_for(*TABLES)


@pytest.mark.parametrize("case", ROLLED_UP, ids=lambda case: case.why)
def test_the_roll_up(pages, case):
    [row] = pages.rows(f"select * from marts.self_assessments where commitment_id = '{case.commitment}'")
    assert (row["completion"], row["no_completion_reason"]) == (case.completion, case.reason)
    assert (row["items"], row["plan_id"], row["has_commitment_page"]) == (len(case.statuses), "AP_USA05", True)
    results = pages.rows(f"select * from marts.results where commitment_id = '{case.commitment}'")
    expected = (
        [] if case.completion is None else [("government", "self_assessment_mid_term", "", case.completion, True)]
    )
    names = ("assessor_type", "assessment", "period", "completion", "is_latest")
    assert [tuple(result[name] for name in names) for result in results] == expected


def test_what_has_no_completion_is_listed(pages):
    listed = failing(pages, "marts.self_assessments", "commitment_without_completion")
    expected = {case.commitment for case in ROLLED_UP if case.completion is None} | {"US0132"}
    assert {row["commitment_id"] for row in listed} == expected


def test_a_refused_page_leaves_its_commitment_undecided(pages):
    [row] = pages.rows("select * from marts.self_assessments where commitment_id = 'US0132'")
    assert (row["items"], row["items_complete"], row["items_unread"], row["completion"]) == (1, 1, 2, None)


def test_pages_without_each_other_are_listed(pages):
    listed = failing(pages, "marts.self_assessments", "subcommitments_without_page")
    assert {"US0130", "MO0003"} <= {row["commitment_id"] for row in listed}
    assert not {"US0113", "US0121"} & {row["commitment_id"] for row in listed}
    [gap] = failing(pages, "marts.self_assessment_items", "subcommitments_without_gap")
    assert (gap["commitment_id"], gap["pages"], gap["highest_number"]) == ("US0131", 2, 3)


class Fault(NamedTuple):
    file: str
    rule: str
    severity: str
    why: str


@pytest.mark.parametrize(
    "case",
    [
        Fault("b/unknown.md", "commitment_prefix_unknown", "quarantine", "no member has the letters"),
        Fault("b/no-plan.md", "plan_number_unreadable", "quarantine", "no path names the plan"),
        Fault("b/no-id.md", "subcommitment_id_unreadable", "quarantine", "the key cannot be read"),
        Fault("b/twice-2.md", "subcommitment_id_repeated", "quarantine", "two pages, one id, different words"),
        Fault("b/twice-2b.md", "subcommitment_id_repeated", "quarantine", "the other of the two"),
        Fault("a/repeated-1.md", "commitment_id_repeated", "quarantine", "two pages of one commitment"),
        Fault("b/odd-id.md", "number_variant", "repair", "small letters and a dash"),
        Fault("b/other-id.md", "commitment_id_disagrees", "doubt", "the page's two ids disagree"),
        Fault("b/other-path.md", "path_disagrees", "doubt", "as us0115-0 of the real pages"),
        Fault("b/US0118.2.md", "label_unknown", "unreadable", "no known status"),
        Fault("b/US0119.2.md", "blank", "unreadable", "a blank status"),
        Fault("b/US0120.2.md", "status_missing", "unreadable", "no key of the status"),
        Fault("b/US0122.1.md", "label_variant", "repair", "another case"),
    ],
    ids=lambda case: case.why,
)
def test_faults_of_pages(pages, case):
    found = pages.rows(f"select rule, severity from meta.problems where source_file = '{case.file}'")
    assert {"rule": case.rule, "severity": case.severity} in found
    refused = pages.rows(
        "select _source_file from quarantine.self_assessment_subcommitments "
        "union all select _source_file from quarantine.self_assessment_commitments"
    )
    assert (case.file in [row["_source_file"] for row in refused]) == (case.severity == "quarantine")


def test_the_letters_of_an_id_name_the_member(pages):
    rows = pages.rows("select commitment_id, member_id, plan_id from marts.self_assessments where member_id <> 'USA'")
    assert rows == [{"commitment_id": "MO0003", "member_id": "MAR", "plan_id": "AP_MAR02"}]
    [plan] = pages.rows("select plan_number, commitments from marts.action_plans where plan_id = 'AP_MAR02'")
    assert plan == {"plan_number": 2, "commitments": 0}


def test_the_text_below_the_front_matter_is_a_later_update(pages):
    [row] = pages.rows("select * from marts.self_assessment_items where commitment_id = 'US0140'")
    assert (row["progress_text"], str(row["progress_date"])) == ("Begun.", "2023-08-01")
    assert (row["update_text"], row["evidence"], row["reported_date"]) == ("A portal.", "https://example.org", None)


FORM = {
    "Member": "Albania",
    "Plan number": "1",
    "Commitment number": "1",
    "Self-assessment": "End of term",
    "Milestone or sub-commitment": "1",
    "Status of the milestone": "Complete",
}


class FormRow(NamedTuple):
    cells: dict[str, str]
    problem: tuple[str, str] | None  # rule and severity
    expected: dict[str, Any]  # of the staged row
    why: str


FORM_ROWS = [
    FormRow({}, None, {"commitment_id": "AP_ALB01-1", "status": "complete", "period": ""}, "an ordinary row"),
    FormRow({"Member": "ALB"}, None, {"member_id": "ALB"}, "the member by its code, as the form asks"),
    FormRow(
        {"Commitment ID": "KR0041"},
        ("commitment_of_another_member", "quarantine"),
        None,
        "the commitment of another country would stand beside that country's results",
    ),
    FormRow({"Member": "Atlantis"}, ("member_unknown", "quarantine"), {}, "no member"),
    FormRow({"Plan number": "first"}, ("plan_number_unreadable", "quarantine"), {}, "no plan number"),
    FormRow({"Plan number": "1.0"}, ("number_variant", "repair"), {"plan_number": 1}, "a number a spreadsheet wrote"),
    FormRow({"Commitment number": ""}, ("commitment_missing", "quarantine"), {}, "neither id nor number"),
    FormRow({"Commitment ID": "AL-1"}, ("commitment_id_unreadable", "quarantine"), {}, "an id that is none"),
    FormRow({"Commitment ID": "al0097"}, None, {"commitment_id": "AL0097"}, "an id in small letters"),
    FormRow({"Commitment ID": "AP_ALB01-2.1"}, None, {"commitment_id": "AP_ALB01-2.1"}, "an id of the 2016 release"),
    FormRow({"Commitment ID": "AP_ALB02-1"}, ("commitment_of_another_plan", "doubt"), {"plan_id": "AP_ALB01"}, "plans"),
    FormRow({"Self-assessment": "final"}, ("assessment_unreadable", "quarantine"), {}, "which self-assessment"),
    FormRow({"Self-assessment": "mid-term"}, None, {"assessment": "self_assessment_mid_term"}, "small letters"),
    FormRow({"Status of the milestone": "NS"}, None, {"status": "not_started"}, "Canada: not started"),
    FormRow({"Status of the milestone": "LP"}, None, {"status": "in_progress"}, "Canada: limited progress"),
    FormRow({"Status of the milestone": "SP"}, None, {"status": "in_progress"}, "Canada: substantial progress"),
    FormRow({"Status of the milestone": "C"}, None, {"status": "complete"}, "Canada: complete"),
    FormRow({"Status of the milestone": "done"}, ("label_unknown", "unreadable"), {"status": None}, "no status"),
    FormRow({"Status of the milestone": ""}, ("status_missing", "unreadable"), {"status": None}, "an empty status"),
    FormRow({"Reported on": "2024-06-30"}, None, {"reported_date": "2024-06-30"}, "a date"),
    FormRow({"Reported on": "45473"}, ("excel_serial", "repair"), {"reported_date": "2024-06-30"}, "an Excel serial"),
    FormRow({"Reported on": "soon"}, ("date_unreadable", "unreadable"), {"reported_date": None}, "no date"),
    FormRow({"Reported on": "06/07/2024"}, ("date_ambiguous", "unreadable"), {"reported_date": None}, "June or July"),
    FormRow({"Progress made": "a<br/>b"}, ("html_break", "repair"), {"progress_text": "a\nb"}, "a break of a web page"),
    FormRow({"Milestone or sub-commitment": ""}, None, {"item": ""}, "the commitment as a whole"),
]


@pytest.fixture(scope="module")
def forms(tmp_path_factory, catalog) -> World:
    """One file for each row above; none of them is a copy of another."""
    world = World(tmp_path_factory.mktemp("forms"), catalog)
    world.commitments({})
    for number, case in enumerate(FORM_ROWS):
        world.form("self_assessment", *[FORM | {"Evidence": str(number)} | case.cells], file=f"{number:02}.csv")
    return world.build_for(*TABLES)


@pytest.mark.parametrize(("number", "case"), enumerate(FORM_ROWS), ids=lambda value: getattr(value, "why", None))
def test_rows_of_the_form(forms, number, case):
    file = f"{number:02}.csv"
    problems = forms.rows(f"select rule, severity from meta.problems where source_file = '{file}'")
    found = {(row["rule"], row["severity"]) for row in problems}
    assert found - {("label_variant", "repair")} == ({case.problem} if case.problem else set())
    staged = forms.rows(f"select * from staging.self_assessment where _source_file = '{file}'")
    if case.problem and case.problem[1] == "quarantine":
        assert staged == []
    else:
        [row] = staged
        told = {name: str(row[name]) if name.endswith("_date") and row[name] else row[name] for name in case.expected}
        assert told == case.expected


def test_a_milestone_reported_twice_in_a_file(world):
    world.commitments({})
    rows = [
        FORM,
        FORM,
        FORM | {"Milestone or sub-commitment": "2"},
        FORM | {"Milestone or sub-commitment": "2 ", "Status of the milestone": "Not started"},
    ]
    world.form("self_assessment", *rows)
    world.build_for(*TABLES)
    refused = world.rows("select _source_row, problems from quarantine.self_assessment order by 1")
    assert [(row["_source_row"], row["problems"][0].split(":")[0]) for row in refused] == [
        (3, "duplicate_row"),
        (4, "milestone_repeated"),
        (5, "milestone_repeated"),
    ]
    [row] = world.rows("select items, items_unread, completion from marts.self_assessments")
    assert row == {"items": 1, "items_unread": 2, "completion": None}


def test_the_newest_report_replaces_older_ones_whole(world):
    world.commitments({})
    world.form("self_assessment", *[FORM, FORM | {"Milestone or sub-commitment": "old cut"}], file="a.csv")
    world.form("self_assessment", *[FORM | {"Status of the milestone": "LP"}], file="b.csv")
    world.manifest("- {file: a.csv, released: 2020-01-01}\n- {file: b.csv, released: 2021-01-01}\n")
    world.build_for(*TABLES)
    items = world.rows("select item, status, source_file from marts.self_assessment_items")
    assert items == [{"item": "1", "status": "in_progress", "source_file": "b.csv"}]
    listed = failing(world, "marts.self_assessment_items", "reports_superseded")
    assert [(row["_source_file"], row["_source_row"]) for row in listed] == [("a.csv", 2), ("a.csv", 3)]


class Beside(NamedTuple):
    irm: dict[str, str]
    status: str
    expected: tuple[str | None, str | None, bool | None, bool | None, str]
    why: str


BESIDE = [
    Beside({"Completion (progress report)": "d. Complete"}, "Complete",
           ("complete", "progress", False, True, "both_complete"), "agree, at different stages"),
    Beside({"Completion (end of term)": "c. Substantial"}, "Complete",
           ("substantial", "end_of_term", True, False, "only_government_complete"), "the government alone"),
    Beside({"Completion (end of term)": "d. Complete"}, "In progress",
           ("complete", "end_of_term", True, False, "only_irm_complete"), "the IRM alone"),
    Beside({"Completion (end of term)": "b. Limited"}, "Not started",
           ("limited", "end_of_term", True, True, "neither_complete"), "neither, though their scales differ"),
    Beside({"Completion (end of term)": "Withdrawn"}, "Complete",
           ("withdrawn", "end_of_term", True, None, "irm_unassessed"), "withdrawn is neither"),
    Beside({"Completion (progress report)": "NR"}, "Complete",
           (None, None, None, None, "irm_unassessed"), "not reviewed"),
    Beside({}, "done", ("substantial", "progress", False, None, "government_unassessed"), "no status to read"),
]  # fmt: skip


@pytest.fixture(scope="module")
def beside(tmp_path_factory, catalog) -> World:
    """One commitment and one form row for each comparison above, and a report on a commitment that is not loaded."""
    world = World(tmp_path_factory.mktemp("beside"), catalog)
    world.commitments(*({"Commitment Title": case.why} | case.irm for case in BESIDE))
    rows = [
        FORM | {"Commitment number": str(number), "Status of the milestone": case.status}
        for number, case in enumerate(BESIDE, start=1)
    ]
    world.form("self_assessment", *[*rows, FORM | {"Commitment ID": "AL0999"}])
    return world.build_for(*TABLES)


@pytest.mark.parametrize(("number", "case"), enumerate(BESIDE, start=1), ids=lambda value: getattr(value, "why", None))
def test_the_government_beside_the_irm(beside, number, case):
    [row] = beside.rows(f"select * from metrics.self_assessments_beside_irm where commitment_id = 'AP_ALB01-{number}'")
    names = ("irm_completion", "irm_basis", "is_same_stage", "agree_on_complete", "comparison")
    assert tuple(row[name] for name in names) == case.expected
    assert row["is_commitment_loaded"] and row["title"] == case.why


def test_the_irm_is_heard_at_the_stage_of_the_self_assessment(world):
    """A mid-term self-assessment agrees with the IRM's mid-term, also where the end of the term came out otherwise."""
    world.commitments({"Completion (progress report)": "b. Limited", "Completion (end of term)": "d. Complete"})
    rows = [
        FORM | {"Self-assessment": name, "Status of the milestone": "In progress"}
        for name in ("Mid-term", "End of term")
    ]
    world.form("self_assessment", *rows)
    world.build_for("metrics.self_assessments_beside_irm")
    found = world.rows(
        "select irm_completion, irm_completion_at_same_stage, agree_at_same_stage, agree_on_complete "
        "from metrics.self_assessments_beside_irm order by assessment desc"
    )
    assert [tuple(row.values()) for row in found] == [
        ("complete", "limited", True, False),
        ("complete", "complete", False, False),
    ]


def test_a_commitment_that_no_release_holds(beside):
    [row] = beside.rows("select * from metrics.self_assessments_beside_irm where commitment_id = 'AL0999'")
    assert (row["is_commitment_loaded"], row["irm_completion"], row["comparison"]) == (False, None, "irm_unassessed")
    listed = failing(beside, "marts.results", "commitment_not_loaded")
    assert [row["commitment_id"] for row in listed] == ["AL0999"]


def test_government_and_irm_results_stand_side_by_side(beside):
    rows = beside.rows(
        "select assessor_type, assessment from marts.results where commitment_id = 'AP_ALB01-2' order by all"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("government", "self_assessment_end_of_term"),
        ("irm", "end_of_term"),
        ("irm", "progress"),
    ]


def test_periods_stand_apart_and_the_latest_is_compared(world):
    world.commitments({})
    rows = [
        FORM | {"Period": "2019", "Reported on": "2019-12-01", "Status of the milestone": "NS"},
        FORM | {"Period": "2020", "Reported on": "2020-12-01", "Status of the milestone": "C"},
    ]
    world.form("self_assessment", *rows)
    world.build_for(*TABLES)
    results = world.rows(
        "select period, completion, is_latest, assessed_date::varchar as day from marts.results "
        "where assessor_type = 'government' order by period"
    )
    assert [tuple(row.values()) for row in results] == [
        ("2019", "not_started", False, "2019-12-01"),
        ("2020", "complete", True, "2020-12-01"),
    ]
    [row] = world.rows("select period, government_completion from metrics.self_assessments_beside_irm")
    assert row == {"period": "2020", "government_completion": "complete"}


@pytest.mark.parametrize(
    ("choices", "reads"), [("item_status_choice", "item_status"), ("self_assessment_choice", "self_assessment")]
)
def test_every_choice_of_the_form_is_read_as_its_code(catalog, world, choices, reads):
    world.build("reference")
    rows = world.rows(
        f"select offered.label from reference.labels as offered left join reference.labels as read "
        f"on read.list = '{reads}' and read.label = offered.label and read.code = offered.code "
        f"where offered.list = '{choices}' and read.label is null"
    )
    assert rows == [] and choices in code_lists()


def test_a_release_with_an_empty_form(world):
    world.ten_plans()
    world.form("self_assessment", *[])
    assert world.build().publish().status == "published"


@pytest.fixture(scope="module")
def real(real_world: World) -> World:
    """The real files, read as a run reads them, with every table built."""
    return real_world


def test_every_real_page_is_accounted_for(real, real_data):
    on_disk = {path.relative_to(real_data).as_posix() for path in real_data.rglob("*.md")}
    rows = real.rows("select source_file, layout, status, rows, absent_columns, extra_columns from meta.sources")
    pages = [row for row in rows if row["source_file"].endswith(".md")]
    assert {row["source_file"] for row in pages} == on_disk and len(on_disk) == 77
    assert {(row["status"], row["rows"], row["absent_columns"], row["extra_columns"]) for row in pages} == {
        ("loaded", 1, "", "")
    }
    layouts = [row["layout"].removeprefix("self_assessment_") for row in pages]
    assert (layouts.count("commitments"), layouts.count("subcommitments")) == (24, 53)
    for layout in ("self_assessment_commitments", "self_assessment_subcommitments"):
        assert real.rows(f"select * from quarantine.{layout}") == []


def test_the_real_pages_roll_up_as_their_text_says(real, real_data):
    """Counted anew from the files' bytes, without the pipeline."""
    statuses: dict[str, list[str]] = {}
    for path in real_data.rglob("subcommitments/*.md"):
        lines = dict(line.split(": ", 1) for line in path.read_text("utf-8").splitlines() if ": " in line)
        statuses.setdefault(lines["commitment_id"].strip(), []).append(lines["commitment_status"].strip(' "'))
    expected = {
        commitment: "complete" if set(found) == {"Complete"}
        else "not_started" if set(found) == {"Not Started"}
        else "in_progress"
        for commitment, found in statuses.items()
    }  # fmt: skip
    rows = real.rows("select * from marts.results where assessor_type = 'government'")
    assert {row["commitment_id"]: row["completion"] for row in rows} == expected and len(expected) == 24
    assert {(row["plan_id"], row["assessment"], row["assessed_date"]) for row in rows} == {
        ("AP_USA05", "self_assessment_mid_term", None)
    }
    items = real.rows("select count(*) as items from marts.self_assessment_items")
    assert items == [{"items": sum(map(len, statuses.values()))}]
