"""A bucket of Amazon S3, or of whatever speaks as it does (MinIO, Ceph, Hetzner, Wasabi …): signature version 4.

A PUT there is whole or it is not there at all, so nothing has to be moved. The file's own SHA-256 is signed with it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx

from kiosk.clock import Clock
from kiosk.upstream.http import Answer, Http, OnCall, TimeLimits, reported
from kiosk.upstream.shelf.shelf import Shelf, pieces
from kiosk.upstream.shelf.webdav import LIMITS, usable

_NOTHING = hashlib.sha256(b"").hexdigest()
_SAFE = "-._~"


class S3(Shelf):
    """`url` is the address of the service, `place` bucket and prefix: `charging/kiosk`."""

    kind = "s3"

    def __init__(
        self,
        url: str,
        place: str,
        region: str,
        key_id: str,
        secret: str,
        *,
        clock: Clock,
        transport: httpx.BaseTransport | None = None,
        on_call: OnCall | None = None,
        limits: TimeLimits = LIMITS,
    ) -> None:
        parts = urlsplit(url)
        self._http = Http(f"{parts.scheme}://{parts.netloc}", transport=transport, limits=limits)
        self._host = parts.netloc
        self._before = f"{parts.path.rstrip('/')}/{place.strip('/')}"
        self._place = place.strip("/")
        self._region, self._key_id, self._secret = region, key_id, secret
        self._clock = clock
        self._on_call = on_call

    @property
    def said(self) -> str:
        return f"s3://{self._place} at {self._host}"

    def close(self) -> None:
        self._http.close()

    def put(self, name: str, file: Path) -> None:
        with file.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
        self._send("PUT", name, digest, {"Content-Length": str(file.stat().st_size)}, file)

    def read(self, name: str) -> object:
        return self._send("GET", name, _NOTHING).body

    def delete(self, name: str) -> None:
        self._send("DELETE", name, _NOTHING)

    def _send(
        self, method: str, name: str, digest: str, more: Mapping[str, str] | None = None, file: Path | None = None
    ) -> Answer:
        path = quote(f"{self._before}/{name}", safe=f"/{_SAFE}")
        signed = signed_headers(
            method,
            path,
            {"host": self._host, "x-amz-content-sha256": digest},
            self._clock.now(),
            region=self._region,
            key_id=self._key_id,
            secret=self._secret,
        )
        with reported(self._on_call, f"shelf_{method.lower()}") as call:
            content = pieces(file) if file is not None else None
            headers = {**{each: value for each, value in signed.items() if each != "host"}, **(more or {})}
            return usable(self._http.exchange(method, path, headers=headers, content=content, on_head=call))


def signed_headers(
    method: str, path: str, headers: Mapping[str, str], now: datetime, *, region: str, key_id: str, secret: str
) -> dict[str, str]:
    """These headers with time and signature. `headers` have `host` and `x-amz-content-sha256`; names are in small
    letters, and there is no query.
    """
    at = now.astimezone(UTC)
    stamp, day = at.strftime("%Y%m%dT%H%M%SZ"), at.strftime("%Y%m%d")
    known = {**headers, "x-amz-date": stamp}
    names = ";".join(sorted(known))
    lines = "".join(f"{name}:{' '.join(known[name].split())}\n" for name in sorted(known))
    asked = f"{method}\n{path}\n\n{lines}\n{names}\n{known['x-amz-content-sha256']}"
    scope = f"{day}/{region}/s3/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(asked.encode()).hexdigest()}"
    key = f"AWS4{secret}".encode()
    for part in (day, region, "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    credential = f"Credential={key_id}/{scope}"
    return {
        **known,
        "authorization": f"AWS4-HMAC-SHA256 {credential},SignedHeaders={names},Signature={signature}",
    }
