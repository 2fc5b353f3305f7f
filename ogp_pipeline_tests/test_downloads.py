"""Official files are downloaded from a real server that misbehaves, and the last good download outlives it."""

from __future__ import annotations

import fcntl
import gzip
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from ogp_pipeline.errors import InputError, PublishRefusedError
from ogp_pipeline.running import BAD_INPUT, PUBLISHED, REFUSED, run_fetch, run_refresh
from ogp_pipeline.settings import DownloadRules, Settings, split_sources
from ogp_pipeline.sources.downloads import DownloadError, download
from ogp_pipeline.sources.fetching import Fetched, fetch, rows_of_promised
from ogp_pipeline.sources.folders import scan
from ogp_pipeline.sources.layouts import Layout, layouts
from ogp_pipeline.sources.official import (
    Download,
    OfficialFile,
    kept_file,
    last_download,
    official_files,
    record_download,
    released_date,
)
from ogp_pipeline_tests import server as answers
from ogp_pipeline_tests.server import Answer, Server, given, redirected, running, self_made_certificate
from ogp_pipeline_tests.world import World, query

COMMITMENTS, PROCESS = "/commitments.csv", "/process.csv"
LOGIN = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body></body></html>"


@dataclass
class Office:
    """A server of official files, a world that downloads from it, and the waits it did not have to wait."""

    server: Server
    world: World
    waits: list[float]

    @property
    def settings(self) -> Settings:
        return self.world.settings

    @property
    def known(self) -> tuple[Layout, ...]:
        return layouts(self.world.catalog)

    @property
    def commitments(self) -> OfficialFile:
        return next(f for f in official_files(self.settings.downloads) if f.layout == "explorer_commitments")

    def serve(self, path: str, *given_in_order: Answer) -> None:
        self.server.answers[path] = list(given_in_order)

    def serve_world(self, **headers: str) -> None:
        """Serve the two files that the world wrote."""
        self.serve(COMMITMENTS, given((self.world.inputs / "commitments.csv").read_bytes(), **headers))
        self.serve(PROCESS, given((self.world.inputs / "process.csv").read_bytes(), **headers))

    def fetch_commitments(self) -> Fetched:
        outcomes = fetch(self.settings, self.known)
        return next(each for each in outcomes if each.official == self.commitments)

    def asked(self, path: str = COMMITMENTS) -> int:
        return len(self.server.requests[path])


def listed(folder: Path, server: Server, **changes: object) -> Path:
    """A list of official files at a server of the caller's own."""
    common = {"is_verified": True, "publisher": "Open Government Partnership", "licence": "unconfirmed"}
    files = [
        {"file": "commitments.csv", "url": server.url(COMMITMENTS), "layout": "explorer_commitments", **common},
        {"file": "process.csv", "url": server.url(PROCESS), "layout": "process_database", "released": "2016-07-01"},
    ]
    files[0] |= changes
    files[1] |= common
    path = folder / "official_files.yml"
    path.write_text(yaml.safe_dump(files), encoding="utf-8")
    return path


def office_at(server: Server, world: World, folder: Path, **changes: object) -> Office:
    waits: list[float] = []
    rules = DownloadRules(
        official_files=listed(folder, server),
        trusted_servers=frozenset({server.address}),
        read_seconds=0.2,
        max_bytes=1_000_000,
        attempts=3,
        first_wait_seconds=1,
        sleep=waits.append,
    )
    world.settings = replace(world.settings, sources=("official",), downloads=replace(rules, **changes))
    return Office(server, world, waits)


@pytest.fixture
def office(world: World, tmp_path: Path) -> Iterator[Office]:
    """A server with the files of ten plans of five commitments, from which nothing was downloaded yet."""
    world.ten_plans()
    with running() as server:
        office = office_at(server, world, tmp_path)
        office.serve_world()
        yield office


@pytest.fixture
def good(world: World) -> bytes:
    """A file of fifty commitments."""
    world.ten_plans()
    return (world.inputs / "commitments.csv").read_bytes()


# --- what goes wrong


class Wrong(NamedTuple):
    answer: Callable[[bytes, Server], Answer]  # made of the good file
    words: str
    asked: int
    why: str
    rules: dict[str, object] = {}  # noqa: RUF012 - never changed


def rows(content: bytes, count: int) -> bytes:
    """The header and the first rows of a file that has no line break in its cells."""
    return b"".join(content.splitlines(keepends=True)[: count + 1])


WRONG = [
    Wrong(lambda good, at: answers.silent, "did not answer within", 3, "slow: silent for longer than is allowed"),
    Wrong(
        lambda good, at: answers.dripping, "longer than 0.3 s", 1, "byte by byte, never silent", {"total_seconds": 0.3}
    ),
    Wrong(lambda good, at: answers.dripping_headers, "longer than 0.3 s", 1, "headers too", {"total_seconds": 0.3}),
    Wrong(lambda good, at: given(b"", 500), "answered 500 Internal Server Error (asked 3 times)", 3, "always 500"),
    Wrong(lambda good, at: given(b"", 404), "answered 404 Not Found", 1, "404 does not pass"),
    Wrong(lambda good, at: given(b"", 403), "answered 403", 1, "403 does not pass"),
    Wrong(lambda good, at: given(b"", 429), "answered 429", 3, "429 may pass"),
    Wrong(lambda good, at: given(b"", 503, Retry_After="3600"), "wait 3600 s", 1, "an hour is too long to wait"),
    Wrong(lambda good, at: given(b"", 204), "answered 204", 1, "no content"),
    Wrong(lambda good, at: given(good, 206), "answered 206", 1, "a part nobody asked for"),
    Wrong(lambda good, at: given(good[:500], length=len(good)), "connection failed", 3, "dropped in the middle"),
    Wrong(
        lambda good, at: given(good, length=len(good) + 1), "connection failed", 3, "a Content-Length that is too long"
    ),
    Wrong(
        lambda good, at: given(good, length=len(good) - 9),
        "its last row ends before",
        1,
        "a Content-Length that is too short",
    ),
    Wrong(lambda good, at: answers.cut_chunk(good), "connection failed", 3, "the last chunk is missing"),
    Wrong(lambda good, at: given(good[: good.index(b"The ministry") + 3]), "last row ends before", 1, "cut in a cell"),
    Wrong(lambda good, at: given(rows(good, 9) + b'Albania,1,"cut'), "never closed", 1, "cut in a quoted cell"),
    Wrong(lambda good, at: given(rows(good, 24)), "24 rows and the last good download 50", 1, "under half of the rows"),
    Wrong(lambda good, at: given(rows(good, 0)), "no row below", 1, "the header alone"),
    Wrong(lambda good, at: given(LOGIN, Content_Type="text/html; charset=utf-8"), "login", 1, "a login page"),
    Wrong(
        lambda good, at: given(b"\n" + LOGIN, Content_Type="text/csv"), "login", 1, "a login page that says it is CSV"
    ),
    Wrong(lambda good, at: given(b"\xef\xbb\xbf\r\n "), "it is empty", 1, "nothing but space"),
    Wrong(lambda good, at: given(b""), "it is empty", 1, "nothing"),
    Wrong(lambda good, at: given(b"a" * 1_000_001), "larger than 1,000,000", 1, "a huge body that says so"),
    Wrong(lambda good, at: answers.endless, "larger than 1,000,000", 1, "an endless body"),
    Wrong(
        lambda good, at: given(gzip.compress(bytes(9_000_000)), Content_Encoding="gzip"),
        "larger than 1,000,000",
        1,
        "a small body that unpacks to a huge one",
    ),
    Wrong(lambda good, at: given(good, Content_Encoding="gzip"), "connection failed", 3, "not packed as it says"),
    Wrong(lambda good, at: redirected(at.url(COMMITMENTS)), "redirected more than 5 times", 6, "redirected to itself"),
    Wrong(lambda good, at: redirected("http://x:y/"), "Invalid URL in location header", 3, "redirected to no address"),
    Wrong(lambda good, at: given(b"%PDF-1.7\n" + bytes(range(256)) * 99), "of no known layout", 1, "a PDF"),
    Wrong(lambda good, at: given(gzip.compress(good)), "layout explorer_commitments", 1, "packed without saying so"),
    Wrong(lambda good, at: given(b"Country,Year\nAlbania,2014\n"), "nearest is", 1, "columns of no layout"),
    Wrong(
        lambda good, at: given(good.replace(b"Country,", b"Land,", 1)), "required column Country", 1, "a renamed column"
    ),
    Wrong(
        lambda good, at: given(b"Member ID,Member name,Member type\nZZA,Velmora,national\n"),
        "not of the layout explorer_commitments: it is of the layout member_list",
        1,
        "another layout than promised",
    ),
]


@pytest.mark.parametrize("case", WRONG, ids=lambda case: case.why)
def test_a_download_that_fails_leaves_the_last_good_one_in_use(office: Office, good: bytes, case: Wrong) -> None:
    assert office.fetch_commitments().download.status == "fetched"
    before = last_download(office.settings, office.commitments)
    asked = office.asked()
    office.serve(COMMITMENTS, case.answer(good, office.server))
    quick = office.settings.downloads
    office.world.settings = replace(office.settings, downloads=replace(quick, **case.rules))
    outcome = office.fetch_commitments()
    assert outcome.download.status == "kept"
    assert case.words in outcome.download.failure
    assert office.asked() - asked == case.asked
    assert f"the good download of {before.fetched_at:%Y-%m-%d} is in use, because" in outcome.sentence()
    assert office.server.url(COMMITMENTS) in outcome.sentence()
    after = last_download(office.settings, office.commitments)
    kept = {"sha256", "rows", "etag", "last_modified", "fetched_at", "content_changed_at"}
    assert after.model_dump(include=kept) == before.model_dump(include=kept)
    (file,) = (file for file in scan(office.settings, office.known) if file.layout == "explorer_commitments")
    assert (file.name, file.rows, file.grid.path.read_bytes()) == ("official/commitments.csv", 50, good)
    assert [path for path in office.settings.data_dir.iterdir() if path.name.startswith(".fetch-")] == []


@pytest.mark.parametrize("case", [case for case in WRONG if "last good" not in case.words], ids=lambda case: case.why)
def test_a_download_that_fails_at_first_is_not_there(office: Office, good: bytes, case: Wrong) -> None:
    office.serve(COMMITMENTS, case.answer(good, office.server))
    office.world.settings = replace(office.settings, downloads=replace(office.settings.downloads, **case.rules))
    outcome = office.fetch_commitments()
    assert outcome.download.status == "failed"
    assert case.words in outcome.download.failure
    assert outcome.download.sha256 is None
    with pytest.raises(InputError) as raised:
        scan(office.settings, office.known)
    assert any(office.server.url(COMMITMENTS) in line for line in raised.value.problems)


# --- what passes, and what it costs


class Passing(NamedTuple):
    before: list[Answer]
    waits: list[tuple[float, float]]  # at least, at most
    why: str


def in_seconds(seconds: int) -> str:
    return format_datetime(datetime.fromtimestamp(datetime.now(UTC).timestamp() + seconds, UTC), usegmt=True)


@pytest.mark.parametrize(
    "case",
    [
        Passing([], [], "good at once"),
        Passing([given(b"", 500)], [(0.5, 1)], "500, then 200"),
        Passing([given(b"", 502), given(b"", 503)], [(0.5, 1), (1, 2)], "twice: the second wait is double"),
        Passing([given(b"", 429, Retry_After="7")], [(7, 7)], "429 with seconds to wait"),
        Passing([given(b"", 429, Retry_After="soon")], [(0.5, 1)], "Retry-After that cannot be read"),
        Passing([given(b"a,b", length=9)], [(0.5, 1)], "dropped once"),
        Passing([answers.silent], [(0.5, 1)], "silent once"),
    ],
    ids=lambda case: case.why,
)
def test_a_failure_that_passes_is_waited_out(office: Office, good: bytes, case: Passing) -> None:
    office.serve(COMMITMENTS, *case.before, given(good))
    outcome = office.fetch_commitments()
    assert (outcome.download.status, outcome.download.rows) == ("fetched", 50)
    assert outcome.sentence() == "official/commitments.csv: fetched, 50 rows"
    assert len(office.waits) == len(case.waits)
    for wait, (least, most) in zip(office.waits, case.waits, strict=True):
        assert least <= wait <= most
    assert kept_file(office.settings, office.commitments, outcome.download).read_bytes() == good


def test_a_moment_to_wait_for_is_waited_for(office: Office, good: bytes) -> None:
    """Retry-After can be a date; made here, for a date made while tests are collected is soon past."""
    office.serve(COMMITMENTS, given(b"", 503, Retry_After=in_seconds(40)), given(good))
    assert office.fetch_commitments().download.status == "fetched"
    (wait,) = office.waits
    assert 1 <= wait <= 41


def test_a_redirect_and_a_packed_body_are_followed(office: Office, good: bytes) -> None:
    office.serve(COMMITMENTS, redirected("/moved"))
    office.serve("/moved", given(gzip.compress(good), Content_Encoding="gzip"))
    outcome = office.fetch_commitments()
    assert kept_file(office.settings, office.commitments, outcome.download).read_bytes() == good


def test_a_terminal_shows_how_far_it_is(office: Office, good: bytes, tmp_path, monkeypatch, capsys) -> None:
    """And nothing is drawn where there is no terminal, or nobody asked for it."""
    url, target = office.server.url(COMMITMENTS), tmp_path / "commitments.csv"
    shown = replace(office.settings.downloads, show_progress=True)
    download(url, target, shown)
    assert capsys.readouterr() == ("", "")
    controller, terminal = os.openpty()
    with os.fdopen(terminal, "w") as screen, os.fdopen(controller, "rb", buffering=0) as seen:
        monkeypatch.setattr(sys, "stderr", screen)
        download(url, target, office.settings.downloads)
        screen.write("|")
        download(url, target, shown)
        screen.flush()
        drawn = seen.read(100_000).decode()
        monkeypatch.undo()
    assert drawn.startswith("|")
    assert "commitments.csv" in drawn and "100%" in drawn


# --- what did not change, and what did


@pytest.mark.parametrize(
    ("headers", "sent"),
    [
        pytest.param({"ETag": '"v1"'}, {"if-none-match": '"v1"'}, id="an ETag"),
        pytest.param(
            {"Last_Modified": "Tue, 03 Sep 2024 10:00:00 GMT"},
            {"if-modified-since": "Tue, 03 Sep 2024 10:00:00 GMT"},
            id="a date",
        ),
        pytest.param({"ETag": 'W/"v1"'}, {"if-none-match": 'W/"v1"'}, id="a weak ETag"),
    ],
)
def test_what_did_not_change_is_not_sent_again(office: Office, headers: dict[str, str], sent: dict[str, str]) -> None:
    office.serve_world(**headers)
    first = office.fetch_commitments().download
    office.serve(COMMITMENTS, given(b"", 304))
    again = office.fetch_commitments()
    asked = {name.lower(): value for name, value in office.server.requests[COMMITMENTS][-1].items()}
    assert {name: value for name, value in asked.items() if name.startswith("if-")} == sent
    assert again.download.status == "unchanged"
    assert again.sentence().startswith("official/commitments.csv: unchanged, 50 rows of ")
    unchanged = {"sha256", "rows", "etag", "last_modified", "fetched_at", "content_changed_at"}
    assert again.download.model_dump(include=unchanged) == first.model_dump(include=unchanged)


def test_the_same_bytes_sent_again_are_no_new_content(office: Office) -> None:
    """A server that is touched, or knows no conditions: the release date must not move."""
    office.serve_world(Last_Modified="Tue, 03 Sep 2024 10:00:00 GMT")
    first = office.fetch_commitments().download
    office.serve_world(Last_Modified="Mon, 04 Aug 2025 10:00:00 GMT")
    again = office.fetch_commitments().download
    assert again.status == "unchanged"
    assert again.content_changed_at == first.content_changed_at == datetime(2024, 9, 3, 10, tzinfo=UTC)
    assert again.last_modified == "Mon, 04 Aug 2025 10:00:00 GMT", "what is asked with next time"


def test_new_content_is_kept_beside_the_old(office: Office, good: bytes) -> None:
    first = office.fetch_commitments().download
    office.serve(
        COMMITMENTS, given(good.replace(b"Albania 1", b"Albania I"), Last_Modified="Tue, 03 Sep 2024 10:00:00 GMT")
    )
    second = office.fetch_commitments().download
    assert second.status == "fetched"
    assert second.sha256 != first.sha256
    assert second.content_changed_at == datetime(2024, 9, 3, 10, tzinfo=UTC)
    assert kept_file(office.settings, office.commitments, first).read_bytes() == good
    origin = json.loads((office.settings.snapshots_dir / f"{second.sha256}.json").read_text("utf-8"))
    assert origin["url"] == office.server.url(COMMITMENTS)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda office, path: path.unlink(), id="the snapshot was removed"),
        pytest.param(lambda office, path: path.write_bytes(b"x"), id="the snapshot was changed"),
        pytest.param(
            lambda office, path: (office.settings.official_dir / "commitments.csv.json").write_text("{"),
            id="its record is damaged",
        ),
    ],
)
def test_without_a_good_snapshot_the_whole_file_is_asked_for(office: Office, good: bytes, spoil) -> None:
    office.serve_world(ETag='"v1"')
    first = office.fetch_commitments().download
    spoil(office, kept_file(office.settings, office.commitments, first))
    outcome = office.fetch_commitments()
    assert "if-none-match" not in {name.lower() for name in office.server.requests[COMMITMENTS][-1]}
    assert kept_file(office.settings, office.commitments, outcome.download).read_bytes() == good


def test_304_without_a_snapshot_is_a_failure(office: Office) -> None:
    office.serve(COMMITMENTS, given(b"", 304))
    outcome = office.fetch_commitments()
    assert outcome.download.status == "failed"
    assert "(304), and nothing is kept" in outcome.download.failure


def test_what_is_kept_from_another_address_says_nothing_about_this_one(office: Office, good: bytes, tmp_path) -> None:
    office.serve_world(ETag='"v1"')
    office.fetch_commitments()
    office.serve("/new.csv", given(good, ETag='"v1"'))
    listed(tmp_path, office.server, url=office.server.url("/new.csv"))
    assert office.fetch_commitments().download.status == "unchanged"
    assert "if-none-match" not in {name.lower() for name in office.server.requests["/new.csv"][-1]}


def test_a_file_that_shrank_rightly_is_taken_when_its_record_is_removed(office: Office, good: bytes) -> None:
    """The way out that the message names."""
    office.fetch_commitments()
    office.serve(COMMITMENTS, given(rows(good, 10)))
    refused = office.fetch_commitments().download
    record = office.settings.official_dir / "commitments.csv.json"
    assert f"remove {record}" in refused.failure
    record.unlink()
    assert office.fetch_commitments().download.rows == 10


# --- where a download may lead


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return self_made_certificate(tmp_path_factory.mktemp("certificate"), "files.example")


@pytest.fixture
def secure(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server over TLS, reached without a proxy."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    with running(certificate) as server:
        yield server


def secure_rules(server: Server, certificate: tuple[Path, Path]) -> DownloadRules:
    return DownloadRules(trusted_servers=frozenset({server.address}), authority=certificate[0], attempts=1)


def test_https_is_the_rule(secure: Server, certificate, tmp_path: Path) -> None:
    secure.answers["/a"] = [given(b"a,b\n")]
    download(secure.url("/a"), tmp_path / "a.csv", secure_rules(secure, certificate))
    assert (tmp_path / "a.csv").read_bytes() == b"a,b\n"


def test_nothing_is_admitted_unless_it_is_named(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rules of every run: neither http nor a private address, and no variable of the environment opens them."""
    for name in ("OGP_TRUSTED_SERVERS", "OGP_DOWNLOADS", "TRUSTED_SERVERS"):
        monkeypatch.setenv(name, office.server.address)
    rules = replace(Settings.from_environment().downloads, official_files=office.settings.downloads.official_files)
    office.world.settings = replace(office.settings, downloads=rules)
    outcome = office.fetch_commitments()
    assert "only https is allowed" in outcome.download.failure
    assert office.asked() == 0


@pytest.mark.parametrize(
    ("target", "words"),
    [
        pytest.param("http://{other}/a", "only https", id="http"),
        pytest.param("https://{other}/a", "not public", id="loopback"),
        pytest.param("https://localhost:{port}/a", "not public", id="loopback by name"),
        pytest.param("https://2130706433:{port}/a", "not public", id="loopback as one number"),
        pytest.param("https://0.0.0.0:{port}/a", "not public", id="this computer"),
        pytest.param("https://[::1]:{port}/a", "not public", id="loopback of IPv6"),
        pytest.param("https://[::ffff:127.0.0.1]:{port}/a", "not public", id="loopback inside IPv6"),
        pytest.param("https://169.254.169.254/latest", "not public", id="link-local: a cloud's own data"),
        pytest.param("https://10.0.0.1/a", "not public", id="private"),
        pytest.param("https://192.168.1.1/a", "not public", id="private at home"),
        pytest.param("https://[fe80::1]/a", "not public", id="link-local of IPv6"),
        pytest.param("https://[fc00::1]/a", "not public", id="private of IPv6"),
        pytest.param("https://[fec0::1]/a", "not public", id="private of IPv6 as it was"),
        pytest.param("https://224.0.0.1/a", "not public", id="everybody nearby"),
        pytest.param("ftp://{other}/a", "only https", id="another scheme"),
        pytest.param("file:///etc/hostname", "only https", id="a file of this computer"),
    ],
)
def test_a_redirect_leads_nowhere_it_should_not(secure: Server, certificate, tmp_path, target: str, words: str) -> None:
    with running() as other:
        secure.answers["/a"] = [redirected(target.format(other=other.address, port=other.server_port))]
        with pytest.raises(DownloadError, match=words):
            download(secure.url("/a"), tmp_path / "a.csv", secure_rules(secure, certificate))
        assert other.requests == {}
    assert not (tmp_path / "a.csv").exists()


def test_a_name_that_means_another_address_when_asked_again(
    secure: Server, certificate, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Public when it is looked at, private when it is connected to."""
    looked_up = []

    def lookup(host, port, *_, **__):
        looked_up.append(host)
        address = "8.8.8.8" if len(looked_up) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    secure.answers["/a"] = [given(b"a,b\n")]
    url = f"https://files.example:{secure.server_port}/a"
    with pytest.raises(DownloadError, match=r"at 127\.0\.0\.1, an address that is not public"):
        download(url, tmp_path / "a.csv", secure_rules(secure, certificate))
    assert len(looked_up) >= 2
    assert not (tmp_path / "a.csv").exists()


def test_a_certificate_nobody_vouches_for_is_refused_at_once(secure: Server, certificate, tmp_path) -> None:
    waits: list[float] = []
    rules = replace(secure_rules(secure, certificate), authority=None, attempts=3, sleep=waits.append)
    with pytest.raises(DownloadError, match="CERTIFICATE_VERIFY_FAILED"):
        download(secure.url("/a"), tmp_path / "a.csv", rules)
    assert waits == []
    assert secure.requests == {}


# --- the list of official files, and their dates


def test_the_official_files_of_the_project(catalog) -> None:
    files = official_files(DownloadRules())
    assert all(file.url.startswith("https://") for file in files)
    assert {file.layout for file in files} == {"explorer_commitments", "process_database", "master_commitments"}
    assert {file.file for file in files if file.is_verified} == {"commitments_explorer.csv"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("- {file: a.csv", "not readable", id="no YAML"),
        pytest.param("- {file: ../a.csv, url: x}", "0.file", id="a name that leads elsewhere"),
        pytest.param("- {file: a.csv, url: x, colour: red}", "0.colour", id="an unknown field"),
    ],
)
def test_a_fault_of_the_list_is_told(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "official_files.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=words):
        official_files(DownloadRules(official_files=path))


@pytest.mark.parametrize(
    ("rule", "changed", "released"),
    [
        pytest.param({}, date(2024, 7, 3), date(2024, 7, 3), id="the day its content changed"),
        pytest.param({"released": date(2016, 7, 1)}, date(2024, 7, 3), date(2016, 7, 1), id="as its publisher states"),
        pytest.param(
            {"released_at_latest": date(2019, 12, 31)}, date(2026, 9, 1), date(2019, 12, 31), id="a moved file"
        ),
        pytest.param({"released_at_latest": date(2019, 12, 31)}, date(2017, 5, 1), date(2017, 5, 1), id="an older one"),
    ],
)
def test_the_release_date_of_a_download(rule, changed: date, released: date) -> None:
    official = OfficialFile(
        file="a.csv", url="https://x", layout="x", is_verified=True, publisher="x", licence="x", **rule
    )
    assert released_date(official, datetime(changed.year, changed.month, changed.day, 23, tzinfo=UTC)) == released


def test_the_master_goes_before_the_file_it_succeeded(catalog) -> None:
    """Whatever day each of them was downloaded or put on a server, also the extract of 2024 before both of 2016."""
    by_layout = {file.layout: file for file in official_files(DownloadRules())}
    today = datetime.now(UTC)
    dates = {layout: released_date(file, today) for layout, file in by_layout.items()}
    extract_of_2024 = date(2024, 7, 3)
    assert dates["master_commitments"] > extract_of_2024 > dates["explorer_commitments"] > dates["process_database"]


@pytest.mark.parametrize(
    "said",
    [
        pytest.param("Thu, 01 Jan 1970 00:00:00 GMT", id="before the partnership"),
        pytest.param("Fri, 01 Jan 2100 00:00:00 GMT", id="in the future"),
        pytest.param("yesterday", id="not a date"),
    ],
)
def test_a_date_that_cannot_be_is_the_day_of_the_download(office: Office, said: str) -> None:
    office.serve_world(Last_Modified=said)
    found = office.fetch_commitments().download
    assert found.content_changed_at == found.fetched_at


# --- as a source of a run


@pytest.mark.parametrize(
    ("text", "sources"),
    [
        pytest.param("official", ("official",), id="alone"),
        pytest.param("official, /inputs", ("official", "/inputs"), id="beside a folder"),
        pytest.param("./official", (str(Path("official").absolute()),), id="a folder that is called official"),
        pytest.param("sample", ("sample",), id="the sample"),
    ],
)
def test_the_word_official_is_no_folder(text: str, sources: tuple[str, ...]) -> None:
    assert split_sources(text) == sources


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        pytest.param("inputs", "inputs/commitments.csv", id="a folder has its name before its files"),
        pytest.param("official", "official-2/commitments.csv", id="also one that is called official"),
    ],
)
def test_downloads_beside_a_folder(office: Office, tmp_path: Path, folder: str, name: str) -> None:
    office.fetch_commitments()
    (tmp_path / "other").mkdir()
    path = World(tmp_path / "other", office.world.catalog).commitments({"Country": "Italy"})
    target = tmp_path / "elsewhere" / folder / path.name
    target.parent.mkdir(parents=True)
    path.rename(target)
    settings = replace(office.settings, sources=(str(target.parent), "official"))
    names = {file.name for file in scan(settings, office.known)}
    assert names == {name, "official/commitments.csv", "official/process.csv"}


def test_the_sample_is_not_mixed_with_official_files(office: Office) -> None:
    office.world.settings = replace(office.settings, sources=("sample", "official"))
    with pytest.raises(InputError, match="cannot be mixed"):
        office.world.build("meta__sources")
    assert office.asked() == 0


def test_from_download_to_release_and_through_a_bad_night(office: Office, capsys, monkeypatch) -> None:
    world, database = office.world, office.settings.database
    assert run_fetch(office.settings) == PUBLISHED
    assert capsys.readouterr().out.splitlines() == [
        "official/commitments.csv: fetched, 50 rows",
        "official/process.csv: fetched, 10 rows",
    ]
    assert world.build().publish().status == "published"
    today = last_download(office.settings, office.commitments).fetched_at.date()
    assert query(
        database,
        "select source_file, status, released_date, url, is_stale_download, note from meta.sources order by 1",
    ) == [
        ("official/commitments.csv", "loaded", today, office.server.url(COMMITMENTS), False, None),
        ("official/process.csv", "loaded", date(2016, 7, 1), office.server.url(PROCESS), False, None),
    ]
    assert query(database, "select count(*) from commitments") == [(50,)]
    assert office.asked() == 2, "a refresh asks the server, once"

    # the server breaks: the last good downloads are used, the run goes on and says so
    before = database.stat().st_mtime_ns
    office.serve(COMMITMENTS, given(LOGIN, Content_Type="text/html"))
    office.serve(PROCESS, given(b"", 500))
    status, out, err = refresh(office, capsys, monkeypatch)
    assert status == PUBLISHED, err
    assert "Unchanged: " in out
    assert database.stat().st_mtime_ns == before
    assert "read     official/commitments.csv (the good download of" in out
    assert "because a web page came instead of the file" in out
    assert "meta.sources.official_download_is_current (2 rows)" in out
    assert run_fetch(office.settings) == REFUSED
    assert "in use, because the server answered 500" in capsys.readouterr().err

    # in such a night a release can still be made, with a folder beside the downloads, and tells what it stands on
    world.commitments({"Country": "France", "Commitment Title": "Mine"}, file="own/mine.csv")
    world.settings = replace(office.settings, sources=("official", str(world.inputs / "own")))
    assert world.build().publish().status == "published"
    assert query(database, "select count(*) from commitments") == [(51,)]
    stale = "select source_file, note is not null from meta.sources where is_stale_download order by 1"
    assert query(database, stale) == [("official/commitments.csv", True), ("official/process.csv", True)]

    # with nothing left to use the run ends, and the release stays
    for path in office.settings.snapshots_dir.iterdir():
        path.unlink()
    status, out, err = refresh(office, capsys, monkeypatch)
    assert status == BAD_INPUT
    for path, words in ((COMMITMENTS, "a web page came"), (PROCESS, "answered 500")):
        assert any(office.server.url(path) in line and words in line for line in err.splitlines())
    assert world.last_run()["status"] == "bad_input"
    assert query(database, "select count(*) from commitments") == [(51,)]
    assert run_fetch(office.settings) == BAD_INPUT


def refresh(office: Office, capsys, monkeypatch) -> tuple[int, str, str]:
    """What `ogp-pipeline refresh` does, with the settings of the office: exit status, what it printed, and errors."""
    monkeypatch.setenv("DAGSTER_HOME", "")  # as it finds it; and put back after the test
    status = run_refresh(office.settings, {}, False)
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def test_offline_nobody_is_asked(office: Office) -> None:
    office.fetch_commitments()
    asked = office.asked()
    office.world.settings = replace(office.settings, downloads=replace(office.settings.downloads, offline=True))
    office.world.build("meta__sources")
    assert office.world.rows("select count(*) as files from meta.sources where status = 'loaded'") == [{"files": 2}]
    assert office.asked() == asked


def test_offline_with_nothing_kept_tells_every_address(tmp_path: Path) -> None:
    command = [str(Path(sys.executable).with_name("ogp-pipeline")), "refresh", "--sources", "official", "--offline"]
    done = subprocess.run([*command, "--data-dir", str(tmp_path / "data")], capture_output=True, text=True, check=False)
    assert done.returncode == BAD_INPUT
    for official in official_files(DownloadRules()):
        assert f"{official.name}, {official.url}: it was not downloaded yet" in done.stderr
    assert "run `ogp-pipeline fetch`" in done.stderr


def test_commitments_alone_are_enough(office: Office, capsys) -> None:
    office.serve(PROCESS, given(b"", 404))
    assert run_fetch(office.settings) == REFUSED
    office.world.build("meta__sources")
    told = office.world.rows("select source_file, status, reason from meta.sources order by source_file")
    assert [(row["source_file"], row["status"]) for row in told] == [
        ("official/commitments.csv", "loaded"),
        ("official/process.csv", "missing"),
    ]
    assert "answered 404" in told[1]["reason"]


def test_a_file_that_stands_still_for_too_long_is_doubted(office: Office, tmp_path: Path) -> None:
    listed(tmp_path, office.server, rhythm_days=30)
    office.serve_world(Last_Modified="Tue, 03 Sep 2024 10:00:00 GMT")
    office.world.build("meta__sources")
    (rule,) = (
        rule
        for rule in office.world.catalog["meta.sources"].contract.failing_rows
        if rule.name == "source_keeps_its_rhythm"
    )
    assert [row["source_file"] for row in office.world.rows(rule.sql)] == ["official/commitments.csv"]


def test_nobody_downloads_into_a_folder_where_a_run_works(office: Office) -> None:
    office.settings.data_dir.mkdir(parents=True, exist_ok=True)
    with (office.settings.data_dir / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with pytest.raises(PublishRefusedError, match="another run is working"):
            fetch(office.settings, office.known)
    assert office.asked() == 0


def test_the_last_download_is_remembered_to_the_letter(office: Office) -> None:
    now = datetime(2026, 9, 1, 12, tzinfo=UTC)
    download = Download(url="https://x", status="failed", checked_at=now, failure="it is “empty”")
    record_download(office.settings, office.commitments, download)
    assert last_download(office.settings, office.commitments) == download


@pytest.mark.parametrize(
    ("path", "layout", "at_least"),
    [
        pytest.param("explorer-2016/ogpirm_live_data.csv", "explorer_commitments", 1300, id="with a row of numbers"),
        pytest.param("process-2016/ogp_process_database_july_2016.csv", "process_database", 75, id="no line end"),
    ],
)
def test_the_real_files_are_what_is_promised(real_data: Path, catalog, path: str, layout: str, at_least: int) -> None:
    official = next(file for file in official_files(DownloadRules()) if file.layout == layout)
    assert rows_of_promised(real_data / path, official, layouts(catalog)) >= at_least
