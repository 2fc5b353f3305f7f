"""Addresses that a download never reaches, however they are written. Redirects and limits: test_downloads.py."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from ogp_pipeline.settings import DownloadRules
from ogp_pipeline.sources.downloads import DownloadError, _refuse_private, download
from ogp_pipeline_tests.server import given, redirected, running

WRITTEN = [
    ("127.0.0.1", "loopback"),
    ("2130706433", "loopback as one number"),
    ("0x7f000001", "loopback as one hexadecimal number"),
    ("017700000001", "loopback as one octal number"),
    ("0177.0.0.1", "loopback with an octal part"),
    ("127.1", "loopback without its middle"),
    ("127.0.0.1.", "loopback as a name that is complete"),
    ("localhost", "loopback by name"),
    ("LOCALHOST.", "loopback by a name that is complete"),
    ("files.localhost", "a name that is always loopback (RFC 6761)"),
    ("10.0.0.1", "private"),
    ("167772161", "private as one number"),
    ("169.254.169.254", "what a cloud tells its own machines"),
    ("0xa9fea9fe", "the same as one hexadecimal number"),
    ("[::1]", "loopback of IPv6"),
    ("[::ffff:10.0.0.1]", "private inside IPv6"),
    ("[::10.0.0.1]", "private inside IPv6 as it was"),
    ("[64:ff9b::a00:1]", "private, behind a gateway to IPv4"),
    ("[64:ff9b::7f00:1]", "loopback, behind a gateway to IPv4"),
    ("[2002:a00:1::]", "private, inside 6to4"),
    ("[2002:c0a8:101::1]", "private at home, inside 6to4"),
    ("[fe80::1]", "link-local of IPv6"),
    ("[fd00:ec2::254]", "what a cloud tells its own machines over IPv6"),
]
REFUSED = r"not public|Invalid IPv4 address"
PUBLIC = ["8.8.8.8", "2606:4700::1111", "2002:808:808::1", "64:ff9b::808:808", "::ffff:8.8.8.8"]
ONCE = DownloadRules(attempts=1, connect_seconds=2)


@pytest.fixture
def without_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where no proxy is set."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(("host", "why"), WRITTEN, ids=[why for _, why in WRITTEN])
def test_no_private_address_is_asked(host: str, why: str, without_proxy, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=REFUSED):
        download(f"https://{host}/x.csv", tmp_path / "x.csv", ONCE)


@pytest.mark.parametrize(("host", "why"), WRITTEN, ids=[why for _, why in WRITTEN])
def test_nor_is_a_proxy_asked_for_one(host: str, why: str, without_proxy, monkeypatch, tmp_path: Path) -> None:
    """A proxy stands in the private network too, and would reach what lies there."""
    with running() as proxy:
        monkeypatch.setenv("https_proxy", f"http://{proxy.address}")
        with pytest.raises(DownloadError, match=REFUSED):
            download(f"https://{host}/x.csv", tmp_path / "x.csv", ONCE)
        assert proxy.requests == {}


def test_public_addresses_are_let_through(figure) -> None:
    import httpx

    for address in PUBLIC:
        _refuse_private(address, httpx.URL("https://example.org"))
    figure("downloads: ways to write an address that is not public, refused", f"{2 * len(WRITTEN)}, also by proxy")


def test_a_name_with_one_private_address_among_public_ones_is_refused(without_proxy, monkeypatch, tmp_path) -> None:
    """A server of names can answer with several, and the connection takes any."""

    def lookup(*_, **__):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 443)) for each in ("8.8.8.8", "10.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    with pytest.raises(DownloadError, match=r"10\.0\.0\.1, an address that is not public"):
        download("https://files.example/x.csv", tmp_path / "x.csv", ONCE)


@pytest.mark.parametrize("host", ["user:word@{}", "user@{}", ":word@{}"])
@pytest.mark.parametrize("is_redirected", [False, True])
def test_no_name_or_password_stands_in_an_address(without_proxy, tmp_path, host: str, is_redirected: bool) -> None:
    """Neither given nor redirected to: it would be sent on, and stand in meta.sources and in messages."""
    with running() as server:
        rules = replace(ONCE, trusted_servers=frozenset({server.address}))
        address = f"http://{host.format(server.address)}/secret"
        server.answers["/secret"] = [given(b"a,b\n")]
        server.answers["/a"] = [redirected(address)]
        with pytest.raises(DownloadError, match="name or password") as refused:
            download(server.url("/a") if is_redirected else address, tmp_path / "x.csv", rules)
        assert "word" not in str(refused.value).replace("password", "")
        assert "/secret" not in server.requests


@pytest.mark.parametrize(
    "target", ["file:///etc/hostname", "ftp://127.0.0.1/x", "gopher://127.0.0.1/x", "data:text/csv,a", "//", "https://"]
)
def test_no_other_scheme_is_followed(without_proxy, tmp_path: Path, target: str) -> None:
    with running() as server:
        rules = replace(ONCE, trusted_servers=frozenset({server.address}))
        server.answers["/a"] = [redirected(target)]
        with pytest.raises(DownloadError):
            download(server.url("/a"), tmp_path / "x.csv", rules)
    assert not (tmp_path / "x.csv").exists()


def test_a_body_that_unpacks_without_end_is_left(without_proxy, tmp_path: Path, figure) -> None:
    """200 kB that become 200 MB."""
    import gzip

    packed = gzip.compress(b"a" * (200 << 20), 9)
    with running() as server:
        rules = replace(ONCE, trusted_servers=frozenset({server.address}), max_bytes=10 << 20)
        server.answers["/a"] = [given(packed, **{"content-encoding": "gzip"})]
        with pytest.raises(DownloadError, match="larger than"):
            download(server.url("/a"), tmp_path / "x.csv", rules)
    written = (tmp_path / "x.csv").stat().st_size
    assert written <= 10 << 20
    figure("downloads: bytes written of a body that unpacks to 200 MB, limit 10 MB", f"{written:,}")
