"""One file from one address: over https only, within limits, tried again only where that can help.

How bytes are received belongs here; whether they are the file that was promised is `fetching`. A refused or
failed download is a `DownloadError`, which never ends a run by itself.
"""

from __future__ import annotations

import asyncio
import ipaddress
import random
import socket
import time
import urllib.request
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from ogp_pipeline.settings import DownloadRules

if TYPE_CHECKING:
    import httpx

IP = ipaddress.IPv4Address | ipaddress.IPv6Address
TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
MARKUP = ("text/html", "application/xhtml+xml")


class DownloadError(Exception):
    """Why a file could not be had, as the end of a sentence. `is_transient`: asking again may help."""

    def __init__(self, reason: str, is_transient: bool = False, wait_seconds: float = 0) -> None:
        self.is_transient = is_transient
        self.wait_seconds = wait_seconds  # what the server asks for
        super().__init__(reason)


@dataclass(frozen=True)
class Received:
    """What a server answered. `is_changed` is False for 304: then nothing was written."""

    is_changed: bool
    etag: str | None
    last_modified: str | None


def download(url: str, target: Path, rules: DownloadRules, if_changed: Mapping[str, str] | None = None) -> Received:
    """Write what lies at a URL to `target`, trying again after failures that may pass.

    `if_changed` holds the conditional headers of a copy that is kept. DownloadError says why it cannot be had.
    """
    end = time.monotonic() + rules.total_seconds
    for attempt in range(1, rules.attempts + 1):
        try:
            return asyncio.run(_within(end, rules, _attempt(url, target, rules, if_changed or {})))
        except DownloadError as error:
            wait = max(error.wait_seconds, _backoff(attempt, rules))
            if not error.is_transient:
                raise
            if attempt == rules.attempts:
                raise DownloadError(f"{error} (asked {attempt} times)") from error
            if wait > rules.longest_wait_seconds or time.monotonic() + wait > end:
                raise DownloadError(f"{error} (it asks to wait {wait:.0f} s, too long for one run)") from error
            rules.sleep(wait)
    raise AssertionError("the last attempt returns or raises")


def _backoff(attempt: int, rules: DownloadRules) -> float:
    """Seconds to wait after an attempt: doubling, between half and all of it, so that not all come back at once."""
    longest = min(rules.first_wait_seconds * 2 ** (attempt - 1), rules.longest_wait_seconds)
    return longest * random.uniform(0.5, 1)


async def _within(end: float, rules: DownloadRules, attempt) -> Received:
    """The result of an attempt, cut off at the end of the file's time however slowly the server speaks."""
    try:
        async with asyncio.timeout(end - time.monotonic()):
            return await attempt
    except TimeoutError as error:
        raise DownloadError(f"it took longer than {rules.total_seconds:g} s") from error


async def _attempt(url: str, target: Path, rules: DownloadRules, if_changed: Mapping[str, str]) -> Received:
    import httpx

    try:
        async with _answer(url, rules, if_changed) as response:
            _refuse_status(response, bool(if_changed))
            if response.status_code != HTTPStatus.NOT_MODIFIED:
                await _write(response, target, rules)
            headers = response.headers
            return Received(
                response.status_code != HTTPStatus.NOT_MODIFIED, headers.get("etag"), headers.get("last-modified")
            )
    except httpx.TimeoutException as error:
        reason = f"the server did not answer within {rules.connect_seconds:g} s, or was silent for longer than "
        raise DownloadError(f"{reason}{rules.read_seconds:g} s", is_transient=True) from error
    except httpx.InvalidURL as error:
        raise DownloadError(f"the address cannot be read ({error})") from error
    except httpx.HTTPError as error:
        # a certificate that is not valid now is not valid in a second either
        is_transient = "CERTIFICATE_VERIFY_FAILED" not in str(error)
        raise DownloadError(f"the connection failed ({str(error) or type(error).__name__})", is_transient) from error


@asynccontextmanager
async def _answer(url: str, rules: DownloadRules, if_changed: Mapping[str, str]) -> AsyncIterator[httpx.Response]:
    """The answer at the end of the redirects; every hop is held to the same rules as the first address."""
    import httpx

    client = httpx.AsyncClient(
        timeout=httpx.Timeout(rules.read_seconds, connect=rules.connect_seconds),
        headers={"user-agent": f"ogp-pipeline/{metadata.version('ogp-pipeline')}", **if_changed},
        trust_env=not rules.trusted_servers,  # a proxy of the environment cannot reach a server of the caller's own
        verify=_certificates(rules),
    )
    async with client:
        request = client.build_request("GET", url)
        for _ in range(rules.max_redirects + 1):
            await _refuse_address(request.url, rules)
            response = await client.send(request, stream=True)
            try:
                _refuse_peer(response, rules)
                if response.next_request is None:
                    yield response
                    return
                request = response.next_request
            finally:
                await response.aclose()
        raise DownloadError(f"it is redirected more than {rules.max_redirects} times")


def _certificates(rules: DownloadRules):
    import ssl

    import httpx

    return httpx.create_ssl_context() if rules.authority is None else ssl.create_default_context(cafile=rules.authority)


async def _refuse_address(url: httpx.URL, rules: DownloadRules) -> None:
    """DownloadError where a URL is not https, or leads into the private network of whoever runs this."""
    if url.userinfo:
        # it would be sent to the server, and stand in meta.sources and in messages
        raise DownloadError(f"it leads to {url.copy_with(userinfo=b'')} with a name or password in the address")
    if _is_trusted(url, rules):
        return
    if url.scheme != "https" or not url.host:
        raise DownloadError(f"it leads to {url}: only https is allowed")
    if (written := _written_address(url.host)) is not None:
        _refuse_private(written, url)
    if _is_proxied(url.host):
        return  # the proxy finds the server
    try:
        found = await asyncio.get_running_loop().getaddrinfo(url.host, url.port or 443, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise DownloadError(f"the server {url.host} is not known ({error})", is_transient=True) from error
    for *_, address in found:
        _refuse_private(address[0], url)


def _refuse_peer(response: httpx.Response, rules: DownloadRules) -> None:
    """The same for the server that did answer: a name can mean another address when it is asked again."""
    url = response.request.url
    if not _is_trusted(url, rules) and not _is_proxied(url.host):
        _refuse_private(response.extensions["network_stream"].get_extra_info("server_addr")[0], url)


def _written_address(host: str) -> str | None:
    """The address that a host is, however it is written (`2130706433`, `0x7f.1`, `localhost.`); None for a name."""
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return "127.0.0.1"
    with suppress(ValueError):
        return str(ipaddress.ip_address(name))
    with suppress(OSError):
        return socket.inet_ntoa(socket.inet_aton(name))
    return None


def _refuse_private(address: str, url: httpx.URL) -> None:
    if not _is_public(ipaddress.ip_address(address.split("%")[0])):
        raise DownloadError(f"it leads to {url} at {address}, an address that is not public")


def _is_public(ip: IP) -> bool:
    """An IPv6 address that a gateway passes on as IPv4 is judged by what it is there (RFC 4291, 6052, 3056)."""
    if ip.version == 6 and ip.ipv4_mapped is not None:
        return _is_public(ip.ipv4_mapped)
    if ip in TRANSLATED:
        return _is_public(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
    if ip.version == 6 and ip.sixtofour is not None:
        return _is_public(ip.sixtofour)
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or getattr(ip, "is_site_local", False))


def _is_trusted(url: httpx.URL, rules: DownloadRules) -> bool:
    return url.scheme in ("http", "https") and f"{url.host}:{url.port}" in rules.trusted_servers


def _is_proxied(host: str) -> bool:
    return "https" in urllib.request.getproxies() and not urllib.request.proxy_bypass(host)


def _refuse_status(response: httpx.Response, is_conditional: bool) -> None:
    status = response.status_code
    if status == HTTPStatus.OK or (status == HTTPStatus.NOT_MODIFIED and is_conditional):
        return
    if status == HTTPStatus.NOT_MODIFIED:
        raise DownloadError("the server says it did not change (304), and nothing is kept that it could mean")
    is_transient = status == HTTPStatus.TOO_MANY_REQUESTS or status >= 500
    wait = _retry_after(response.headers.get("retry-after", "")) if is_transient else 0
    raise DownloadError(f"the server answered {status} {response.reason_phrase}".strip(), is_transient, wait)


def _retry_after(text: str) -> float:
    """Seconds that a Retry-After header asks for, given as a number or a date; 0 where it cannot be read."""
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, (_moment(text) - datetime.now(UTC)).total_seconds())
    except ValueError:
        return 0.0


def _moment(text: str) -> datetime:
    """A date of an HTTP header; ValueError where it is none."""
    moment = parsedate_to_datetime(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def date_of_header(text: str | None) -> datetime | None:
    """The moment a `Last-Modified` names; None where it names none that can be read."""
    try:
        return _moment(text) if text else None
    except ValueError:
        return None


async def _write(response: httpx.Response, target: Path, rules: DownloadRules) -> None:
    """Stream a body to a file; DownloadError where it is a web page, empty, too large or not complete."""
    kind = response.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind in MARKUP:
        raise DownloadError(f"a web page came instead of the file ({kind}): perhaps the address asks for a login")
    announced = response.headers.get("content-length")
    too_large = f"it is larger than {rules.max_bytes:,} bytes"
    if announced and int(announced) > rules.max_bytes:
        raise DownloadError(too_large)
    size = 0
    with target.open("wb") as file, _progress(target.name, announced, rules) as bar:
        async for chunk in response.aiter_bytes():
            size += len(chunk)
            if size > rules.max_bytes:
                raise DownloadError(too_large)
            file.write(chunk)
            bar.update(response.num_bytes_downloaded - bar.pos)
    if announced and response.num_bytes_downloaded != int(announced):
        received = f"{response.num_bytes_downloaded:,} of {int(announced):,} bytes came"
        raise DownloadError(f"the connection ended early ({received})", is_transient=True)
    with target.open("rb") as file:
        head = file.read(1024).removeprefix(b"\xef\xbb\xbf").lstrip()
    if not head:
        raise DownloadError("it is empty")
    if head.startswith(b"<"):
        raise DownloadError("a web page came instead of the file: perhaps the address asks for a login")


def _progress(name: str, announced: str | None, rules: DownloadRules):
    """A bar on the terminal while a file comes; none where there is no terminal."""
    import sys
    from itertools import repeat

    import click

    return click.progressbar(
        repeat(b"") if announced is None else None,
        length=int(announced) if announced else None,
        label=name,
        show_pos=announced is None,
        file=sys.stderr,
        hidden=not (rules.show_progress and sys.stderr.isatty()),
    )
