"""Pictures from addresses that another system names: fetched once by the server, so that drivers' phones ask nobody.

The address is somebody else's word. So only https to a host with a public address is asked, at the very address that
was checked; nothing is followed, and the answer has to be a small picture.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Sequence

import httpx

from kiosk.domain.picture import LARGEST_PICTURE, Picture, picture_of
from kiosk.upstream.errors import NoAnswer, NotSent, UpstreamError
from kiosk.upstream.http import TimeLimits, mute
from kiosk.upstream.wire import DeadlineTransport, deadline

_LIMITS = TimeLimits(total=15.0)
_WORLD = ipaddress.ip_network("2000::/3")
"""Where IPv6 addresses of the public net lie. Outside of it are bridges into other nets."""
_NAME = re.compile(r"([a-z0-9_-]+\.)+[a-z][a-z0-9-]*", re.ASCII)
"""A name with a dot whose end is no figure: no way of writing an address looks like this."""

Resolve = Callable[[str], Sequence[str]]


class Pictures:
    """Safe to use from many threads. `resolve` gives the addresses of a host name."""

    def __init__(self, *, transport: httpx.BaseTransport | None = None, resolve: Resolve | None = None) -> None:
        mute("httpx")
        self._resolve = resolve or _addresses
        self._client = httpx.Client(
            transport=transport or DeadlineTransport(2),
            timeout=httpx.Timeout(connect=_LIMITS.connect, read=_LIMITS.read, write=_LIMITS.write, pool=_LIMITS.pool),
            headers={"Accept": "image/webp,image/png,image/jpeg", "Accept-Encoding": "identity"},
            follow_redirects=False,
            trust_env=False,
        )

    def close(self) -> None:
        self._client.close()

    def fetch(self, url: str) -> Picture:
        """One attempt. Raises NotSent or NoAnswer, neither of which knows the address."""
        failure: UpstreamError
        try:
            with deadline(_LIMITS.total) as left:
                return self._fetch(url, left)
        except UpstreamError as error:
            failure = error
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.InvalidURL, OSError) as error:
            failure = NotSent(f"not sent: {type(error).__name__}")
        except Exception as error:  # noqa: BLE001 - callers are promised our tree alone
            failure = NoAnswer(f"no answer: {type(error).__name__}")
        # Outside of the handler, so that the library's error, which knows the address, is not carried along.
        raise failure

    def _fetch(self, url: str, left: Callable[[], float]) -> Picture:
        named = httpx.URL(url)
        if named.scheme != "https" or not named.host or named.userinfo or named.port is not None:
            raise NotSent("not an ordinary https address")
        request = self._client.build_request(
            "GET",
            named.copy_with(host=self._public(named.raw_host.decode("ascii"))),
            headers={"Host": named.netloc.decode("ascii")},
            extensions={"sni_hostname": named.raw_host.decode("ascii")},  # the certificate must be the name's
        )
        response = self._client.send(request, stream=True)
        try:
            return _read(response, left)
        finally:
            response.close()

    def _public(self, host: str) -> str:
        """One address of the host, when all of them are public ones."""
        if _NAME.fullmatch(host) is None:
            raise NotSent("a host without a name")
        found = list(self._resolve(host))
        if not found or not all(map(_is_public, found)):
            raise NotSent("not a public host")
        return min(found, key=lambda each: ":" in each)  # IPv4 first: not every server has the other


def _read(response: httpx.Response, left: Callable[[], float]) -> Picture:
    if response.status_code != 200:
        raise NoAnswer("no picture there", response.status_code)
    if response.headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        raise NoAnswer("an encoding that was not asked for", response.status_code)
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > LARGEST_PICTURE:
            raise NoAnswer("the picture is too large", response.status_code)
        if left() <= 0:
            raise NoAnswer("the picture took too long", response.status_code)
    picture = picture_of(bytes(body))
    if picture is None:
        raise NoAnswer("not a picture of a kind that is shown", response.status_code)
    return picture


def _addresses(host: str) -> list[str]:
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)]


def _is_public(address: str) -> bool:
    try:
        one = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(one, ipaddress.IPv6Address):
        return one in _WORLD and one.is_global and one.sixtofour is None and one.teredo is None
    return one.is_global and not one.is_multicast
