"""Files that would cost the machine, and names that lead elsewhere: refused in one line, with time and memory held.

Odd and damaged workbooks, and what a directory of an archive says of itself, are in test_odd_files.py.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from ogp_pipeline.errors import InputError
from ogp_pipeline.settings import Settings
from ogp_pipeline.sources.folders import look_at, scan
from ogp_pipeline.sources.layouts import Layout, layouts
from ogp_pipeline.sources.readers import ROW_CELLS, ROW_CHARACTERS
from ogp_pipeline.sources.workbooks import SHEETS_LIMIT
from ogp_pipeline_tests.commands import CLEAN
from ogp_pipeline_tests.test_odd_files import plain_book, with_parts
from ogp_pipeline_tests.world import World

MEGABYTES, SECONDS = 700, 40  # of a process that looks at one file; importing the pipeline takes 120 MB and 1 s
# `validate` without the database: what every run does with a file before it trusts it
LOOK = """
import json, sys, time
from pathlib import Path
from ogp_pipeline.models import load_catalog
from ogp_pipeline.sources.folders import look_at
from ogp_pipeline.sources.layouts import layouts
known = layouts(load_catalog())
begun = time.process_time()
files = look_at([Path(sys.argv[1])], known)
held = next(line for line in open("/proc/self/status") if line.startswith("VmHWM:"))
print(json.dumps({"files": [(f.name, f.status, f.reason, f.rows) for f in files],
                  "megabytes": int(held.split()[1]) // 1024, "seconds": time.process_time() - begun}))
"""


@pytest.fixture(scope="module")
def known(catalog) -> tuple[Layout, ...]:
    """The layouts of the project."""
    return layouts(catalog)


class Bomb(NamedTuple):
    why: str
    make: Callable[[World, int], Path]  # with how many megabytes it is to become
    words: str  # of the one line that refuses it; empty where it is read
    rows: int = 0


def csv_of(world: World, content: Iterator[str], file: str = "bomb.csv") -> Path:
    path = world.inputs / file
    with path.open("w", encoding="utf-8") as target:
        target.writelines(content)
    return path


def commitments_then(world: World, content: Iterator[str]) -> Path:
    path = world.commitments({}, file="bomb.csv")
    with path.open("a", encoding="utf-8") as target:
        target.writelines(content)
    return path


def pieces(text: str, megabytes: int) -> Iterator[str]:
    piece = text * (1_000_000 // len(text))
    return (piece for _ in range(megabytes))


def in_sheet(world: World, after_row: str, repeat: int = 1) -> Path:
    """A workbook whose first sheet goes on with these rows; `{row}` is numbered from 3."""
    rows = "".join(after_row.replace("{row}", str(row)) for row in range(3, 3 + repeat))
    return with_parts(plain_book(world), sheet=lambda xml: xml.replace("</sheetData>", rows + "</sheetData>"))


def many_sheets(world: World, megabytes: int) -> Path:
    import openpyxl

    workbook = openpyxl.Workbook(write_only=True)
    for number in range(SHEETS_LIMIT + 1):
        workbook.create_sheet(f"s{number}")
    path = world.inputs / "many.xlsx"
    workbook.save(path)
    return path


def huge_texts(world: World, megabytes: int) -> Path:
    """The table of texts, which is held in memory whole."""
    path = plain_book(world)
    _add_part(
        path,
        "xl/sharedStrings.xml",
        b"<sst>" + b"<si><t>aaaaaaaaaaaaaaaaaaa</t></si>" * (megabytes * 30_000) + b"</sst>",
    )
    return path


def _add_part(path: Path, name: str, content: bytes) -> None:
    with zipfile.ZipFile(path) as archive:
        parts = {part: archive.read(part) for part in archive.namelist() if part != name}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, held in {**parts, name: content}.items():
            archive.writestr(part, held)


def lies_about_its_size(world: World, megabytes: int) -> Path:
    """A sheet that becomes far more than the directory of the archive says."""
    path = in_sheet(
        world,
        '<row r="{row}"><c r="A{row}" t="inlineStr"><is><t>' + "x" * 1000 + "</t></is></c></row>",
        megabytes * 1000,
    )
    content = bytearray(path.read_bytes())
    entry = content.rindex(b"PK\x01\x02", 0, content.rindex(b"xl/worksheets/sheet1.xml"))
    content[entry + 24 : entry + 28] = (1000).to_bytes(4, "little")
    path.write_bytes(content)
    return path


def other_compression(world: World, megabytes: int) -> Path:
    """Deflate64, which some programs write and Python does not read."""
    path = plain_book(world)
    content = bytearray(path.read_bytes())
    name = b"xl/worksheets/sheet1.xml"
    entry = content.rindex(b"PK\x01\x02", 0, content.rindex(name))
    content[entry + 10 : entry + 12] = (9).to_bytes(2, "little")
    path.write_bytes(content)
    return path


def overlapping_parts(world: World, megabytes: int) -> Path:
    """Every entry of the directory is the same part: little in the file, much when it is unpacked."""
    path = plain_book(world)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/big.xml", b"<a>" + b" " * 1_000_000 + b"</a>")
        big = archive.getinfo("xl/big.xml")
        for number in range(megabytes):
            twin = zipfile.ZipInfo(f"xl/big{number}.xml")
            for part in ("CRC", "compress_size", "file_size", "header_offset", "compress_type"):
                setattr(twin, part, getattr(big, part))
            archive.filelist.append(twin)
            archive.NameToInfo[twin.filename] = twin
    return path


def laughs(world: World, part: str) -> Path:
    text = (
        '<!DOCTYPE x [<!ENTITY a "ha">'
        + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
        + "]>"
    )
    return with_parts(
        plain_book(world),
        **{
            part: lambda xml: (
                xml.replace("<", text + "<", 1) if "<?xml" not in xml else xml.replace("?>", "?>" + text, 1)
            )
        },
    )


def page_of(text: str) -> Callable[[World, int], Path]:
    return lambda world, megabytes: world.page("bomb.md", text)


BOMBS = [
    Bomb(
        "a quote that is never closed",
        lambda world, mb: commitments_then(world, (p for p in ('"', *pieces("a,b\n", mb)))),
        "a quote before it is not closed",
    ),
    Bomb(
        "one line without end",
        lambda world, mb: csv_of(world, pieces("x", mb)),
        f"more than {ROW_CHARACTERS:,} characters",
    ),
    Bomb(
        "one line of a table without end",
        lambda world, mb: commitments_then(world, pieces("x,", mb)),
        f"{ROW_CHARACTERS:,} characters",
    ),
    Bomb(
        "a million columns",
        lambda world, mb: csv_of(world, (",".join(f"c{n}" for n in range(1_000_000)),)),
        f"more than {ROW_CELLS:,}",
    ),
    Bomb("nothing but quotes", lambda world, mb: csv_of(world, pieces('"', mb)), "characters"),
    Bomb("nothing but zero bytes", lambda world, mb: csv_of(world, pieces("\0", mb)), "characters"),
    Bomb("millions of blank lines", lambda world, mb: commitments_then(world, pieces("\n", 2)), "", rows=1),
    Bomb("a table of texts that fills the memory", huge_texts, "expand to"),
    Bomb("a sheet that is larger than it says", lies_about_its_size, "not readable as XLSX"),
    Bomb("a compression of other programs", other_compression, "not readable as XLSX"),
    Bomb("parts that are one and the same", overlapping_parts, "expand to"),
    Bomb("more sheets than anybody fills", many_sheets, f"more than {SHEETS_LIMIT}"),
    Bomb(
        "a cell at the end of every row",
        lambda world, mb: in_sheet(world, '<row r="{row}"><c r="XFD{row}"><v>1</v></c></row>', 1000),
        "blank cells before others",
    ),
    Bomb(
        "a cell in the last row",
        lambda world, mb: in_sheet(world, '<row r="1048576"><c r="A1048576"><v>1</v></c></row>'),
        "",
        rows=2,
    ),
    Bomb(
        "a size of the sheet that is a lie",
        lambda world, mb: with_parts(
            plain_book(world),
            sheet=lambda xml: xml.replace("<sheetData>", '<dimension ref="A1:XFD1048576"/><sheetData>'),
        ),
        "",
        rows=1,
    ),
    Bomb("entities in the table of sheets", lambda world, mb: laughs(world, "workbook"), "a document type"),
    Bomb("entities in the list of parts", lambda world, mb: laughs(world, "types"), "a document type"),
    Bomb("a page of aliases within aliases", page_of("---\ncommitment_id: &a [x, *a]\n---\n"), "is a list"),
    Bomb(
        "a page that refers to itself",
        page_of("---\ncommitment_id: &a x\nb: *a\n---\n"),
        "a reference to another value",
    ),
    Bomb("a page of lists in lists", page_of("---\ncommitment_id: " + "[" * 100_000 + "\n---\n"), "is a list"),
    Bomb("a page like a book", page_of("---\ncommitment_id: x\n---\n" + "x" * 1_000_001), "more than 1,000,000"),
]


@pytest.mark.parametrize("bomb", BOMBS, ids=lambda bomb: bomb.why)
def test_a_file_costs_no_more_than_it_is_worth(world: World, profile: str, bomb: Bomb, figure) -> None:
    path = bomb.make(world, 60 if profile == "ci" else 500)
    done = subprocess.run(
        [sys.executable, "-c", LOOK, str(path)], env=CLEAN, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    told = [file for file in found["files"] if file[1] not in ("ignored",)]
    if bomb.words:
        assert {status for _, status, _, _ in told} <= {"refused", "unreadable"}
        assert bomb.words in told[0][2] and "\n" not in told[0][2]
    else:
        assert [(status, rows) for _, status, _, rows in told] == [("loaded", bomb.rows)]
    assert found["megabytes"] < MEGABYTES and found["seconds"] < SECONDS
    figure(f"bomb: {bomb.why}", f"{found['megabytes']} MB, {found['seconds']:.1f} s")


# --- names that lead elsewhere


def outside(world: World) -> Path:
    """A file of commitments that is not in the folder."""
    path = world.commitments({}, file="moved.csv")
    target = world.inputs.parent / "outside.csv"
    path.rename(target)
    return target


def linked(link: Path, target: Path | str) -> None:
    link.symlink_to(target)


ELSEWHERE = [
    ("a link out of the folder", lambda w: linked(w.inputs / "a.csv", outside(w))),
    ("a link out of the folder by dots", lambda w: linked(w.inputs / "a.csv", f"../{outside(w).name}")),
    (
        "a link over another link",
        lambda w: (linked(w.inputs / "b.csv", outside(w)), linked(w.inputs / "a.csv", "b.csv")),
    ),
    ("a folder that is a link", lambda w: (outside(w), linked(w.inputs / "a", ".."))),
    ("a folder that is a link to itself", lambda w: linked(w.inputs / "a", ".")),
    ("a link in a circle", lambda w: linked(w.inputs / "a.csv", "a.csv")),
    ("a link to nothing", lambda w: linked(w.inputs / "a.csv", "nothing.csv")),
    ("a link to a device", lambda w: linked(w.inputs / "a.csv", "/dev/zero")),
    ("a link to what the system knows", lambda w: linked(w.inputs / "a.csv", "/proc/self/environ")),
    ("a pipe", lambda w: os.mkfifo(w.inputs / "a.csv")),
    ("a pipe that is called like a page", lambda w: os.mkfifo(w.inputs / "a.md")),
    ("a link to a pipe in the folder", lambda w: (os.mkfifo(w.inputs / "p"), linked(w.inputs / "a.csv", "p"))),
    ("a socket", lambda w: _socket(w.inputs / "a.csv")),
    ("a device", lambda w: _device(w.inputs / "a.csv")),
]


def _socket(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # the name of a socket has a hundred characters at most
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as made:
        made.bind(path.name)
    os.chdir(here)


def _device(path: Path) -> None:
    try:
        os.mknod(path, 0o666 | 0o020000, os.makedev(1, 5))  # zeros without end
    except PermissionError:
        pytest.skip("only root makes devices")


@pytest.mark.parametrize(("why", "make"), ELSEWHERE, ids=[why for why, _ in ELSEWHERE])
def test_nothing_outside_the_folder_is_read(world: World, known, why: str, make: Callable[[World], object]) -> None:
    make(world)
    found = {file.name: file for file in look_at([world.inputs], known)}
    assert found, "it must be listed, not passed over"
    assert {file.status for file in found.values()} == {"refused"}
    told = {file.reason for file in found.values()}
    assert all("is not followed" in reason or "no ordinary file" in reason for reason in told), told


def test_a_pipe_that_is_named_is_not_waited_for(world: World, known) -> None:
    pipe = world.inputs / "a.csv"
    os.mkfifo(pipe)
    (file,) = look_at([pipe], known)
    assert file.status == "refused" and "no ordinary file" in file.reason


MANIFESTS = [
    ("- file: ../outside.csv", "leads out of the folder"),
    ("- file: a/../../outside.csv", "leads out of the folder"),
    ("- file: /etc/passwd", "leads out of the folder"),
    ('- file: "a\\0b"', "no file can have this name"),
    ("- file: " + "a" * 300, "no file can have this name"),
    ("- file: " + "a/" * 600, "no file can have this name"),
    ("- file: a\n  released: 2016-13-45", "put it in quotes"),
    ("- file: a\n  released: 0x" + "f" * 6000, "released"),
    ("- file: !!python/object/apply:os.system [id]", "not readable as YAML"),
    ("- {file: a, file: b}", "given twice"),
    ("- file: [a]", "file"),
    ("- file: a\n  run: rm", "run"),
    ("x" * 1_000_001, "larger than"),
]


@pytest.mark.parametrize(("text", "words"), MANIFESTS, ids=lambda value: value[:40])
def test_a_manifest_leads_nowhere_else(world: World, known, text: str, words: str) -> None:
    world.commitments({})
    world.manifest(text)
    with pytest.raises(InputError) as refused:
        scan(world.settings, known)
    assert words in str(refused.value) and "sources.yml" in str(refused.value)


@pytest.mark.parametrize(
    "make", [os.mkfifo, lambda p: p.mkdir(), lambda p: linked(p, "/etc/passwd"), lambda p: linked(p, p.name)]
)
def test_a_manifest_is_an_ordinary_file_of_the_folder(world: World, known, make: Callable[[Path], object]) -> None:
    world.commitments({})
    make(world.inputs / "sources.yml")
    with pytest.raises(InputError, match=r"sources\.yml"):
        scan(world.settings, known)


def test_a_name_that_is_no_text_is_spelled_out(world: World, known) -> None:
    """Linux lets a name hold any bytes; no table, page or terminal does."""
    path = world.commitments({})
    os.rename(path, os.fsencode(world.inputs) + b"/\xff\x1b[31m\n.csv")
    world.build_for("meta.problems")
    assert [row["source_file"] for row in world.rows("select source_file from meta.sources")] == [
        "\\udcff\x1b[31m\n.csv"
    ]


def test_names_in_an_archive_lead_nowhere(world: World, known, tmp_path: Path) -> None:
    """Nothing is ever unpacked to the disk."""
    path = plain_book(world)
    for name in ("../../escaped.xml", "/tmp/escaped-by-name.xml", "xl/../../../escaped.xml", "C:\\escaped.xml"):
        _add_part(path, name, b"<a/>")
    before = {found for found in world.inputs.parent.rglob("*")}
    (file,) = look_at([path], known)
    assert file.status == "loaded"
    assert {found for found in world.inputs.parent.rglob("*")} == before
    assert not Path("/tmp/escaped-by-name.xml").exists()


def test_relations_of_a_workbook_stay_inside_it(world: World, known) -> None:
    """A sheet that is said to lie in a file of this machine is not there."""
    path = plain_book(world)
    with zipfile.ZipFile(path) as archive:
        relations = archive.read("xl/_rels/workbook.xml.rels").decode()
    _add_part(
        path,
        "xl/_rels/workbook.xml.rels",
        relations.replace("/xl/worksheets/sheet1.xml", "file:///etc/passwd").encode(),
    )
    (file,) = look_at([path], known)
    assert file.status == "unreadable" and "is listed and not there" in file.reason


@pytest.mark.parametrize("part", ["tables", "snapshots", "releases"])
def test_a_data_folder_may_lie_on_another_disk_and_its_links_stay(
    published_small: World, part: str, tmp_path: Path
) -> None:
    """Its owner may move a part of it away; a run writes through the link and never replaces or empties it."""
    world = published_small.copy_to(tmp_path)
    moved = tmp_path / "elsewhere"
    (world.settings.data_dir / part).rename(moved)
    linked(world.settings.data_dir / part, moved)
    world.commitments({"Commitment Title": "Changed"}, {})
    world.build_for("staging.explorer_commitments")
    assert (world.settings.data_dir / part).is_symlink()
    assert any(moved.iterdir())


@pytest.fixture(scope="module")
def published_small(tmp_path_factory: pytest.TempPathFactory, catalog) -> World:
    """A world of two commitments, built as far as its staging."""
    world = World(tmp_path_factory.mktemp("small"), catalog)
    world.commitments({}, {})
    (world.settings.data_dir / "releases").mkdir(parents=True)
    (world.settings.data_dir / "releases" / "keep").mkdir()
    return world.build_for("staging.explorer_commitments")


def test_the_file_of_a_release_never_follows_a_link(tmp_path: Path) -> None:
    """Where another file was linked to in its place, the link is replaced and the other file stays as it is."""
    from ogp_pipeline.store import write_atomically

    other = tmp_path / "other"
    other.write_text("mine")
    link = tmp_path / "last_run.json"
    linked(link, other)
    write_atomically(link, b"new")
    assert (link.is_symlink(), link.read_text(), other.read_text()) == (False, "new", "mine")


def test_sources_of_a_run_are_folders_alone(tmp_path: Path, known) -> None:
    for source in ("/dev/zero", "/etc/passwd", str(tmp_path / "none")):
        with pytest.raises(InputError, match="no such folder"):
            scan(Settings(tmp_path / "data", sources=(source,)), known)
