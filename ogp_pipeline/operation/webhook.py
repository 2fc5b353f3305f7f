"""Posts an announcement to the address somebody set. Whatever happens there never fails a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ogp_pipeline.errors import InputError

SECONDS = 10  # for the whole request: a run does not wait for a chat program
OWN_MACHINE = ("localhost", "127.0.0.1", "::1")


def checked_address(text: str) -> str:
    """The address of a webhook; InputError, which never quotes it (it is a secret), where it cannot be one.

    https to anywhere, plain http to this machine only: the announcement holds names of files and people's words.
    """
    try:
        parts = urlsplit(text)
        is_good = bool(parts.hostname) and (
            parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in OWN_MACHINE)
        )
    except ValueError:
        is_good = False
    if not is_good:
        raise InputError(
            "OGP_WEBHOOK_URL is no address of a webhook: give one that begins with https:// (or http://127.0.0.1 for a "
            "program on this machine)"
        )
    return text


def post(address: str | None, content: Mapping[str, Any]) -> str:
    """Send JSON; what became of it in words, without the address, which is a secret."""
    if address is None:
        return "OGP_WEBHOOK_URL is not set"
    import httpx

    try:
        response = httpx.post(address, json=dict(content), timeout=SECONDS, follow_redirects=False)
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        return f"failed: {type(error).__name__}: the webhook of {urlsplit(address).hostname} did not answer"
    if response.is_success:
        return "sent"
    return f"failed: the webhook of {urlsplit(address).hostname} answered {response.status_code}"
