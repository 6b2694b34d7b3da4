"""Fetching a picture from somebody else's address: only small pictures, only from the public net, and nothing more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import httpx
import pytest

from kiosk.domain.picture import LARGEST_PICTURE, Picture, picture_of
from kiosk.upstream.errors import NoAnswer, NotSent, UpstreamError
from kiosk.upstream.ocpplab.pictures import Pictures

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 40
JPEG = b"\xff\xd8\xff\xe0" + b"\x00" * 40
WEBP = b"RIFF\x20\x00\x00\x00WEBPVP8 " + b"\x00" * 20
URL = "https://cdn.example/tower.png?v=2"
PUBLIC = "93.184.215.14"


class Host:
    """Somebody else's server, and the directory that says where it is."""

    def __init__(
        self, body: bytes = PNG, status: int = 200, *addresses: str, headers: dict[str, str] | None = None
    ) -> None:
        self.body, self.status, self.headers = body, status, headers
        self.addresses: Sequence[str] = addresses or (PUBLIC,)
        self.asked: list[httpx.Request] = []

    def fetch(self, url: str = URL) -> Picture:
        client = Pictures(transport=httpx.MockTransport(self._answer), resolve=lambda _host: self.addresses)
        try:
            return client.fetch(url)
        finally:
            client.close()

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return httpx.Response(self.status, content=self.body, headers=self.headers)


@pytest.mark.parametrize(
    ("body", "kind"), [(PNG, "image/png"), (JPEG, "image/jpeg"), (WEBP, "image/webp")], ids=["png", "jpeg", "webp"]
)
def test_a_picture_is_known_by_its_first_bytes(body: bytes, kind: str) -> None:
    assert Host(body, headers={"Content-Type": "text/html"}).fetch() == Picture(kind, body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"GIF89a" + b"\x00" * 20,
        b"<html>",
        b"RIFF\x00\x00\x00\x00WAVE",
    ],
)
def test_what_is_no_such_picture_is_not_taken_whatever_it_is_called(body: bytes) -> None:
    with pytest.raises(NoAnswer):
        Host(body, headers={"Content-Type": "image/png"}).fetch()
    assert picture_of(body) is None


def test_a_picture_may_be_as_large_as_the_limit_and_no_larger() -> None:
    whole = PNG + b"\x00" * (LARGEST_PICTURE - len(PNG))
    assert Host(whole).fetch().body == whole
    with pytest.raises(NoAnswer, match="too large"):
        Host(whole + b"\x00").fetch()
    assert picture_of(whole + b"\x00") is None


def test_no_more_is_read_than_may_be_kept() -> None:
    read: list[int] = []

    def endless() -> Iterator[bytes]:
        while True:
            read.append(1)
            yield PNG * 1000

    client = Pictures(
        transport=httpx.MockTransport(lambda _request: httpx.Response(200, content=endless())),
        resolve=lambda _host: (PUBLIC,),
    )
    with pytest.raises(NoAnswer, match="too large"):
        client.fetch(URL)
    client.close()
    assert len(read) < 10


@pytest.mark.parametrize("status", [204, 301, 302, 307, 404, 500])
def test_only_an_answer_of_200_counts_and_nothing_is_followed(status: int) -> None:
    host = Host(PNG, status, headers={"Location": "https://inside.example/"})
    with pytest.raises(NoAnswer):
        host.fetch()
    assert len(host.asked) == 1


def test_a_packed_answer_is_not_unpacked() -> None:
    with pytest.raises(UpstreamError):
        Host(PNG, 200, headers={"Content-Encoding": "br"}).fetch()


def test_the_checked_address_is_asked_under_the_hosts_name() -> None:
    host = Host(PNG, 200, "2606:2800:21f::1", PUBLIC)
    host.fetch()
    (request,) = host.asked
    assert (request.url.host, request.url.raw_path) == (PUBLIC, b"/tower.png?v=2")
    assert request.headers["Host"] == "cdn.example"
    assert request.extensions["sni_hostname"] == "cdn.example"


def test_the_request_says_nothing_of_the_kiosk_or_its_drivers() -> None:
    host = Host()
    host.fetch()
    (request,) = host.asked
    assert not {"cookie", "referer", "authorization"} & {name.lower() for name in request.headers}


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - an address that must not be asked
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "fe80::1",
        "fd00::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::1",
        "not an address",
    ],
)
def test_a_host_inside_is_never_asked(address: str) -> None:
    for addresses in ((address,), (PUBLIC, address)):
        host = Host(PNG, 200, *addresses)
        with pytest.raises(NotSent):
            host.fetch()
        assert not host.asked


@pytest.mark.parametrize(
    "url",
    [
        "http://cdn.example/a.png",
        "https://user@cdn.example/a.png",
        "https://cdn.example:8443/a.png",
        "https://93.184.215.14/a.png",
        "https://[2606:2800:21f::1]/a.png",
        "https://0x7f.1/a.png",
        "https://2130706433/a.png",
        "https:///a.png",
        "file:///etc/passwd",
        "https://[",
        "",
    ],
)
def test_an_address_that_is_not_an_ordinary_one_is_never_asked(url: str) -> None:
    host = Host()
    with pytest.raises(UpstreamError):
        host.fetch(url)
    assert not host.asked


@pytest.mark.parametrize(
    "failure",
    [OSError("no such host"), httpx.ConnectError("x"), httpx.ReadTimeout("x"), RuntimeError("x"), UnicodeError("x")],
)
def test_every_failure_is_one_of_ours_and_names_no_address(failure: Exception) -> None:
    def broken(*_args: Any) -> Any:
        raise failure

    client = Pictures(transport=httpx.MockTransport(broken), resolve=lambda _host: (PUBLIC,))
    with pytest.raises(UpstreamError) as caught:
        client.fetch(URL)
    client.close()
    assert "cdn.example" not in str(caught.value)
    assert caught.value.__context__ is None


def test_a_host_without_an_address_is_not_asked() -> None:
    client = Pictures(transport=httpx.MockTransport(lambda _r: httpx.Response(200)), resolve=lambda _host: ())
    with pytest.raises(NotSent):
        client.fetch(URL)
    client.close()
