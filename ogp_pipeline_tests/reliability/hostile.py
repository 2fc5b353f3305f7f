"""A world whose every text field is hostile: the sample, and beside it rows made from the contracts of all layouts.

A new layout is covered by itself: its columns come from its contract, its good rows from the sample.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from ogp_pipeline.sample import write_sample
from ogp_pipeline.sources.folders import look_at
from ogp_pipeline.sources.layouts import Layout, layouts
from ogp_pipeline_tests.world import World

# What a text may hold -> what it would do where it is taken for more than text. `{n}` tells them apart.
TEXTS = {
    "runs a script": "<script>window.hacked = 1; alert('{n}')</script>",
    "ends the script of a page": "</script></style></title><script>window.hacked = 2</script>",
    "leaves an attribute": "\"'><img src=x onerror='window.hacked = 3'><svg onload=alert({n})>",
    "asks a server": "<img src=http://127.0.0.1:9/{n}.png><link rel=stylesheet href=//127.0.0.1:9/{n}.css>",
    "is a link of Markdown": "[click](javascript:alert({n})) ![x](http://127.0.0.1:9/{n}.png) <http://127.0.0.1:9/{n}>",
    "is HTML inside Markdown": "**{n}** # | <b onclick=alert(1)>`x`</b> ~~a~~ \\<i\\> &lt;script&gt;",
    "is SQL": "'); drop table marts.members; attach '/tmp/x' as y; --{n}",
    "leaves an identifier of SQL": '"; drop schema marts cascade; select "{n}',
    "is a formula": '=HYPERLINK("http://127.0.0.1:9/{n}","x")',
    "is a formula that runs a program": "=cmd|' /C calc'!A{n}",
    "is a formula with a plus": "+1+{n}",
    "is a formula with a minus": "-1+{n}",
    "is a formula with an at": "@SUM(1,{n})",
    "is a formula behind a tab": "\t=1+{n}",
    "is a formula behind a return": "\r=1+{n}",
    "clears a terminal": "\x1b[2J\x1b[31m{n}\x1b]0;title\x07\x08\x7f",
    "is a link of a terminal": "\x1b]8;;http://127.0.0.1:9/\x1b\\{n}\x1b]8;;\x1b\\",
    "commands by one character": "\x9b31m{n}\x9d0;x\x9c\x85",
    "turns the direction": "\u202e{n}gnp.exe\u2066\u2069\u200f",
    "hides letters": "a\u200b\ufeff\u00ad{n}\u2060",
    "ends a line of JavaScript": "\u2028{n}\u2029",
    "ends a text of C": "before\0after {n}",
    "is a template": "{{{{ 7 * 7 }}}} ${{7*7}} {{% for x in y %}} %s%n {n}",
    "is an escape of XLSX": "_x000D_{n}_x0041_ ]]> <![CDATA[ &amp;",
    "is a path": "../../../../etc/passwd{n}",
}
CONTROLS = frozenset(map(chr, [*range(9), *range(11, 32), *range(127, 160)])) | set(
    "\u202a\u202b\u202d\u202e\u2066\u2069"
)
SPREADSHEET_STARTS = tuple("=+-@\t\r")
CELL_OF_10_MB = "<script>window.hacked = 9</script>" + "x" * 10_000_000

LEVEL_COLUMNS = ("IAP2 level during development", "IAP2 level during imp.")
# What a row is known by; in these columns a hostile text has the row refused, in all others it must travel on.
IDENTITY = {
    "engagement": ("Member", "Commitment ID"),
    "explorer_commitments": ("Country", "Action Plan Number", "Comm No", "Year of submission"),
    "irm_report_commitments": ("Member", "Action plan number", "Commitment ID", "IRM product", "Coded by"),
    "irm_report_plans": ("Member", "Action plan number", "IRM product", "Coded by"),
    "master_commitments": (
        *("Commitment Unique Identifier", "Country/Locality", "Code", "Action Plan Number", "Action Plan ID"),
        *("Commitment Number", "Year Of Submission", "National Or Local"),
    ),
    "member_list": ("Member ID", "Member name", "Member type", "Region"),
    "process_database": ("Country name", "Action Plan Number", "Year AP Submitted", *LEVEL_COLUMNS),
    "self_assessment": ("Member", "Plan number", "Commitment ID", "Commitment", "Self-assessment"),
    "self_assessment_commitments": ("commitment_id", "permalink"),
    "self_assessment_subcommitments": ("commitment_id", "commitment_detail_sub_id", "permalink"),
}
# Members whose names are hostile, with a plan of their own each: their names travel to pages, charts and tables.
OF_HOSTILE_MEMBERS = {
    "member_list": {"Member ID": "{id}", "Member name": "{name}", "Member type": "national", "Region": "Europe"},
    "explorer_commitments": {
        **{"Country": "{name}", "Action Plan Number": "1", "Comm No": "1", "Year of submission": "2014"},
    },
    "process_database": {
        **{"Country name": "{name}", "Action Plan Number": "1", "Year AP Submitted": "2014"},
        **dict.fromkeys(LEVEL_COLUMNS, "Involve"),
    },
}
FILE_NAME = "a\x1b[31m<img src=x onerror=window.hacked=5>'\"; drop table x;--\u202e\n=1 | [x](http_y) {layout}.csv"
SHEET_NAME = "=1+1 <b>'\" \u202e&;--"
HEADERS = (
    *("<script>window.hacked = 6</script>", '"; drop table x; --', "'quoted'", "=1+1", "\x1b[31mred", "\u202egnp"),
    *("a\0b", "plan_id", "commitment_id", "problems", "_source_file", "{x} $1 ?", "select", "h" * 20_000),
)
MANIFEST = """
- file: {file}
  released: 2016-07-01
  publisher: "<script>window.hacked = 7</script> \\e[31m \\u202e =1+1"
  url: "javascript:window.hacked=8"
  licence: "'); drop table x; -- \\" <img src=x onerror=alert(1)> [x](javascript:alert(1))"
- file: "missing \\e[2J <script>window.hacked = 7</script>.csv"
"""


def texts() -> list[str]:
    """Every hostile text, each with a number of its own."""
    return [text.format(n=number) for number, text in enumerate(TEXTS.values(), start=1)]


def identity(layout: Layout) -> tuple[str, ...]:
    """The columns by which a row of a layout is known."""
    return IDENTITY.get(layout.name) or layout.contract.row_key or layout.required


def write_hostile_world(world: World, cell_of_10_mb: bool) -> dict[str, int]:
    """Write a file for each layout, of the rows of the sample and of hostile ones; for each how many cells are hostile.

    A hostile row stands in the place of a good one, for a key that is there twice would have both refused.
    """
    known = layouts(world.catalog)
    with TemporaryDirectory() as folder:
        write_sample(Path(folder), members=6, commitments=200)
        good = {layout.name: list(_good_rows(Path(folder), layout, known)) for layout in known}
    written = {}
    for layout in known:
        kept = good[layout.name] if layout.name in OF_HOSTILE_MEMBERS else good[layout.name][len(TEXTS) :]
        rows = [*hostile_rows(layout, good[layout.name]), *kept]
        if cell_of_10_mb and layout.name == "explorer_commitments":
            rows[0]["Full Text"] = CELL_OF_10_MB
        extras = HEADERS if layout.name in ("explorer_commitments", "member_list") else ()
        _write(world.inputs / FILE_NAME.format(layout=layout.name), [*layout.headers.values(), *extras], rows)
        hostile = tuple(texts())
        written[layout.name] = sum(value.startswith(hostile) for row in rows for value in row.values())
    _write_page(world.inputs / "page.md")
    _write_workbook(world.inputs / "book.xlsx", known)
    world.manifest(MANIFEST.format(file=json.dumps(FILE_NAME.format(layout="explorer_commitments"))))
    return written


def _good_rows(sample: Path, layout: Layout, known: Sequence[Layout]) -> Iterator[dict[str, str]]:
    for file in look_at([sample], known):
        if file.status == "loaded" and file.layout == layout.name:
            for _, cells in file.data_rows():
                yield dict(zip(file.header.columns, cells, strict=False))


def hostile_rows(layout: Layout, good: Sequence[dict[str, str]]) -> Iterator[dict[str, str]]:
    """For each text a row that has it in every column but those it is known by, and one that has it everywhere.

    Where a layout has fewer good rows than there are texts, each of its hostile rows has all texts behind its own.
    """
    for number, text in enumerate(texts()):
        if layout.name in OF_HOSTILE_MEMBERS:
            who = {"id": f"QQ{chr(65 + number)}", "name": member_name(number)}
            known_by = {name: value.format(**who) for name, value in OF_HOSTILE_MEMBERS[layout.name].items()}
            yield {name: known_by.get(name, text) for name in layout.headers.values()}
        elif number < len(good):
            filled = text if len(good) >= len(TEXTS) else text + "".join(texts())
            kept = identity(layout)
            yield {name: good[number][name] if name in kept else filled for name in layout.headers.values()}
        yield dict.fromkeys(layout.headers.values(), text)


def member_name(number: int) -> str:
    """The hostile name of a member."""
    return f"Member {number} {texts()[number]}"


def _write(path: Path, header: Sequence[str], rows: Sequence[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        fill = texts()
        writer.writerows(
            [row.get(name, fill[(number + place) % len(fill)]) for place, name in enumerate(header)]
            for number, row in enumerate(rows)
        )


def _write_page(path: Path) -> None:
    """A self-assessment whose front matter and text are hostile; JSON's escapes are YAML's."""
    values = dict(zip(("commitment_theme_slug", "commitment_id", "commitment_title"), texts(), strict=False))
    lines = [f"{key}: {json.dumps(value)}" for key, value in values.items()]
    path.write_text("\n".join(["---", *lines, "---", *texts()]).replace("\0", ""), encoding="utf-8")


def _write_workbook(path: Path, known: Sequence[Layout]) -> None:
    """The eligibility scores in a sheet with a hostile name; a cell of a workbook cannot hold every character."""
    import openpyxl

    layout = next(layout for layout in known if layout.name == "eligibility")
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet.title = SHEET_NAME
    sheet.append(list(layout.headers.values()))
    for row in hostile_rows(layout, []):
        sheet.append([openpyxl.cell.cell.ILLEGAL_CHARACTERS_RE.sub("", value) for value in row.values()])
        for cell in sheet[sheet.max_row]:
            cell.data_type = "s"
    workbook.save(path)
