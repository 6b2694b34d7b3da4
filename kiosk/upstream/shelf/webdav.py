"""A folder at a WebDAV server, such as Nextcloud (RFC 4918)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx

from kiosk.upstream.errors import NoAnswer, UpstreamError
from kiosk.upstream.http import Answer, Http, OnCall, TimeLimits, reported
from kiosk.upstream.shelf.shelf import Shelf, pieces, refused

LIMITS = TimeLimits(connect=5.0, write=30.0, read=60.0, total=600.0)
"""A month may be many megabytes, and the line slow."""
_PART = ".part"


class WebDav(Shelf):
    """The file goes there under another name, its length is read back, and only then it gets its own."""

    kind = "webdav"

    def __init__(
        self,
        url: str,
        user: str | None,
        password: str | None,
        *,
        transport: httpx.BaseTransport | None = None,
        on_call: OnCall | None = None,
        limits: TimeLimits = LIMITS,
    ) -> None:
        self._url = url.rstrip("/")
        self._http = Http(self._url, transport=transport, limits=limits)
        self._on_call = on_call
        self._headers: dict[str, str] = {}
        if user is not None:
            pair = base64.b64encode(f"{user}:{password or ''}".encode()).decode()
            self._headers = {"Authorization": f"Basic {pair}"}

    @property
    def said(self) -> str:
        return self._url

    def close(self) -> None:
        self._http.close()

    def put(self, name: str, file: Path) -> None:
        half, size = f"/{quote(name + _PART)}", file.stat().st_size
        length = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
        self._send("PUT", half, length, file)
        there = self._send("HEAD", half).headers.get("content-length")
        if there is not None and there != str(size):
            with suppress(UpstreamError):
                self._send("DELETE", half)
            raise NoAnswer("only a part of the file arrived")
        to = f"{_origin(self._url)}{urlsplit(self._url).path}/{quote(name)}"
        self._send("MOVE", half, {"Destination": to, "Overwrite": "T"})

    def read(self, name: str) -> object:
        return self._send("GET", f"/{quote(name)}").body

    def delete(self, name: str) -> None:
        self._send("DELETE", f"/{quote(name)}")

    def _send(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, file: Path | None = None
    ) -> Answer:
        with reported(self._on_call, f"shelf_{method.lower()}") as call:
            content = pieces(file) if file is not None else None
            answer = self._http.exchange(
                method, path, headers={**self._headers, **(headers or {})}, content=content, on_head=call
            )
            return usable(answer)


def usable(answer: Answer) -> Answer:
    """Raises Refused for a no, NoAnswer for what is neither: a server that broke may have done it before."""
    if 200 <= answer.status < 300 and answer.status != 207:
        return answer
    if 400 <= answer.status < 500 or answer.status == 507:
        raise refused(answer.status)
    raise NoAnswer("no usable answer", answer.status)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
