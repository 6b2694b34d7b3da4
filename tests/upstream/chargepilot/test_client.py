"""ChargePilot's client on a faked wire and on a slow socket: signatures, refusals, silence, no secret that escapes."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from kiosk.clock import ManualClock
from kiosk.domain.commands import Refusal
from kiosk.upstream.chargepilot.client import LARGEST_BODY, ChargePilot, Signer
from kiosk.upstream.chargepilot.reading import PilotSite
from kiosk.upstream.errors import NoAnswer, NotSent, Refused, UpstreamError
from kiosk.upstream.http import Outcome, TimeLimits
from tests.upstream.support import assert_tells_nothing, hear, loopback, say
from tests.worlds.faked_wire import Answers, FakedWire

BASE = "https://pilot.example/rest/v1"
KEY = "key-4f9c"
SECRET_WORD = "a secret of seven words, and more"
START = datetime(2026, 1, 1, tzinfo=UTC)
SECONDS = "1767225600"
SITE = {"id": "site-1", "name": "Depot", "timezone": "Europe/Amsterdam", "fuse_tree": []}


class Wire(FakedWire):
    def __init__(self, answer: Answers, *, base: str = BASE, full_path: bool = True) -> None:
        super().__init__(answer, START)
        self.api = ChargePilot(base, KEY, SECRET_WORD, full_path=full_path, **self.wired)


@contextmanager
def wire(answer: Answers, *, base: str = BASE, full_path: bool = True) -> Iterator[Wire]:
    made = Wire(answer, base=base, full_path=full_path)
    try:
        yield made
    finally:
        made.api.close()


def failure(answer: Answers) -> UpstreamError:
    with wire(answer) as w, pytest.raises(UpstreamError) as failed:
        w.api.sites()
    assert_tells_nothing(failed.value, KEY, SECRET_WORD, "pilot.example")
    return failed.value


def by_hand(message: str) -> str:
    """The documented recipe once more: the key of the HMAC is the hex digest of the secret, as text."""
    hashed = hashlib.sha256(SECRET_WORD.encode("utf-8")).hexdigest()
    return hmac.HMAC(bytes(hashed, "ascii"), bytes(message, "utf-8"), "sha256").hexdigest()


# --- the signature


def test_the_signature_is_that_of_the_documented_recipe() -> None:
    with wire(httpx.Response(200, json=[])) as w:
        w.api.sites()
    headers = w.sent[0].headers
    assert str(w.sent[0].url) == "https://pilot.example/rest/v1/sites"
    assert (headers["x-api-key"], headers["x-req-timestamp"]) == (KEY, SECONDS)
    assert headers["x-signature"] == by_hand("GET:/rest/v1/sites:1767225600:")


class SetClock(ManualClock):
    """The kiosk goes on by its own time; the machine's clock was set two hours ahead, which may be right."""

    def wall(self) -> datetime:
        return self.now() + timedelta(hours=2)


def test_it_is_signed_with_the_time_of_the_machine_which_is_compared_with_theirs() -> None:
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json=[])

    api = ChargePilot(BASE, KEY, SECRET_WORD, clock=SetClock(START), transport=httpx.MockTransport(answer))
    api.sites()
    api.close()
    assert sent[0].headers["x-req-timestamp"] == str(int(SECONDS) + 7200)


def test_a_fixed_example_keeps_its_signature() -> None:
    """Worked out once with `printf '%s' … | openssl dgst -sha256 -hmac …`."""
    headers = Signer("k", "s3cret").headers("GET", BASE, "/sites?from=2024-01-01", START)
    assert headers["x-signature"] == "e1c7200ef07a945b6d1fa99e4664ce475dea627c8aec59ba9d9668ee175ede24"


def test_the_short_rule_signs_what_follows_the_base_address() -> None:
    with wire(httpx.Response(200, json=SITE), full_path=False) as w:
        w.api.site("site-1")
    assert w.sent[0].headers["x-signature"] == by_hand(f"GET:/sites/site-1:{SECONDS}:")


@pytest.mark.parametrize(
    ("base", "full", "path"),
    [
        ("https://pilot.example", True, "/sites"),
        ("https://pilot.example/", True, "/sites"),
        ("https://pilot.example", False, "/sites"),
        ("https://pilot.example/rest/v1/", True, "/rest/v1/sites"),
        ("https://pilot.example/rest/v1/", False, "/sites"),
        ("https://pilot.example/a b/v1", True, "/a%20b/v1/sites"),
        ("https://pilot.example/a b/v1", False, "/sites"),
    ],
)
def test_what_is_signed_is_what_is_on_the_wire(base: str, full: bool, path: str) -> None:
    with wire(httpx.Response(200, json=[]), base=base, full_path=full) as w:
        w.api.sites()
    assert w.sent[0].headers["x-signature"] == by_hand(f"GET:{path}:{SECONDS}:")
    if full:
        assert w.sent[0].url.raw_path.decode() == path


def test_query_and_body_are_signed_too() -> None:
    headers = Signer(KEY, SECRET_WORD).headers("POST", BASE, "/sites?from=2024-01-01", START, '{"a":1}')
    assert headers["x-signature"] == by_hand(f'POST:/rest/v1/sites?from=2024-01-01:{SECONDS}:{{"a":1}}')


def test_every_request_is_signed_anew_with_the_clocks_second() -> None:
    with wire(httpx.Response(200, json=[])) as w:
        w.api.sites()
        w.clock.advance(61.9)
        w.api.sites()
    assert w.sent[1].headers["x-req-timestamp"] == "1767225661"
    assert w.sent[1].headers["x-signature"] == by_hand("GET:/rest/v1/sites:1767225661:")


@pytest.mark.parametrize("site_id", ["a b", "a/b", "ä", "a?b", "a%2Fb", "..x"])
def test_an_odd_site_id_stays_one_part_of_the_path_and_is_signed_as_sent(site_id: str) -> None:
    with wire(httpx.Response(200, json=SITE | {"id": site_id})) as w:
        assert w.api.site(site_id).id == site_id
    path = w.sent[0].url.raw_path.decode()
    assert path.startswith("/rest/v1/sites/")
    assert path.count("/") == 4
    assert w.sent[0].headers["x-signature"] == by_hand(f"GET:{path}:{SECONDS}:")


@pytest.mark.parametrize("site_id", ["", " ", ".", "..", "x" * 513])
def test_what_cannot_be_a_site_id_is_never_sent(site_id: str) -> None:
    with wire(httpx.Response(200, json=SITE)) as w, pytest.raises(Refused) as failed:
        w.api.site(site_id)
    assert (failed.value.reason, failed.value.status, w.sent) == (Refusal.INVALID, 0, [])


@pytest.mark.parametrize(("key", "secret"), [("", "se-7"), ("ke 5", "se-7"), ("ke-5\n", "se-7"), ("ke-5", "")])
def test_a_key_that_cannot_be_a_header_is_refused_at_once_and_not_repeated(key: str, secret: str) -> None:
    with pytest.raises(ValueError, match="ChargePilot") as failed:
        ChargePilot(BASE, key, secret, clock=ManualClock())
    assert "ke-5" not in str(failed.value)
    assert "ke 5" not in str(failed.value)
    assert "se-7" not in str(failed.value)


def test_a_secret_of_odd_bytes_can_be_used() -> None:
    odd = b"\xff\xfe".decode("utf-8", "surrogateescape")
    signed = Signer(KEY, odd).headers("GET", BASE, "/sites", START)["x-signature"]
    hashed = hashlib.sha256(b"\xff\xfe").hexdigest()
    assert signed == hmac.HMAC(hashed.encode(), f"GET:/rest/v1/sites:{SECONDS}:".encode(), "sha256").hexdigest()


# --- answers


def test_sites_and_one_site_are_read() -> None:
    expected = PilotSite("site-1", "Depot", "Europe/Amsterdam", None)
    with wire(httpx.Response(200, json=[SITE])) as w:
        assert w.api.sites() == (expected,)
    with wire(httpx.Response(206, json=SITE)) as w:
        assert w.api.site("site-1") == expected
    assert w.counted == [("chargepilot_site", Outcome.OK, 206)]


def test_the_tree_of_a_thousand_connectors_is_not_too_large() -> None:
    connector = {"id": "c" * 40, "name": "n" * 120, "charging_station_id": "s" * 40, "charging_capability": [6, 32]}
    station = {"type": "charging station", "parameters": {"name": "n" * 400, "connectors": [connector]}, "children": []}
    body = json.dumps(SITE | {"fuse_tree": [station | {"meta": "x" * 800}] * 1000})
    assert len(body) > 1024 * 1024
    with wire(httpx.Response(200, text=body)) as w:
        tree = w.api.site("site-1").tree
    assert tree is not None
    assert len(tree.roots) == 1000


def test_an_answer_beyond_all_trees_is_not_read_to_its_end() -> None:
    failed = failure(httpx.Response(200, content=b" " * (LARGEST_BODY + 1)))
    assert isinstance(failed, NoAnswer)
    assert "too large" in str(failed)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
def test_a_refusal_carries_its_status(status: int) -> None:
    failed = failure(httpx.Response(status, json={"statusCode": status, "message": "Unauthorized"}))
    assert isinstance(failed, Refused)
    assert (failed.reason, failed.status, failed.message) == (Refusal.INVALID, status, "Unauthorized")


def test_a_refusal_that_quotes_our_keys_is_cleaned() -> None:
    failed = failure(httpx.Response(401, json={"message": f"bad {KEY} and {SECRET_WORD}"}))
    assert isinstance(failed, Refused)
    assert failed.message == "bad [hidden] and [hidden]"


@pytest.mark.parametrize("body", [b"", b"no", b"[1]", b"\xff"])
def test_a_refusal_needs_no_body(body: bytes) -> None:
    failed = failure(httpx.Response(401, content=body))
    assert isinstance(failed, Refused)
    assert failed.message == ""


@pytest.mark.parametrize(("header", "seconds"), [("7", 7), (None, 60)])
def test_too_many_requests_say_how_long_to_wait(header: str | None, seconds: int) -> None:
    failed = failure(httpx.Response(429, headers={} if header is None else {"Retry-After": header}))
    assert isinstance(failed, Refused)
    assert (failed.reason, failed.retry_after) == (Refusal.TOO_MANY, timedelta(seconds=seconds))


@pytest.mark.parametrize("status", [301, 304, 408, 500, 502, 503, 504])
def test_trouble_upstream_is_no_answer(status: int) -> None:
    failed = failure(httpx.Response(status, headers={"Location": "https://elsewhere.example/"}))
    assert isinstance(failed, NoAnswer)
    assert failed.status == status


@pytest.mark.parametrize("body", [b"", b"<html>", b"null", b"5", b'"x"', b"{}", b'{"data":{}}', b"[" * 100_000])
def test_garbage_is_no_answer(body: bytes) -> None:
    assert isinstance(failure(httpx.Response(200, content=body)), NoAnswer)


def test_a_server_that_cannot_be_reached_was_not_asked() -> None:
    def broken(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError(f"no {request.url}", request=request)

    assert isinstance(failure(broken), NotSent)


def test_every_end_is_counted() -> None:
    with wire(httpx.Response(401)) as w, pytest.raises(Refused):
        w.api.sites()
    assert w.counted == [("chargepilot_sites", Outcome.REFUSED, 401)]


def test_a_server_that_dribbles_is_left_in_time() -> None:
    def script(connection: object, _number: int) -> None:
        hear(connection)  # type: ignore[arg-type]
        for byte in say([SITE]):
            if server.done.wait(0.05):
                return
            connection.sendall(bytes([byte]))  # type: ignore[attr-defined]

    with loopback(script) as server:
        api = ChargePilot(server.url, KEY, SECRET_WORD, clock=ManualClock(), limits=TimeLimits(read=1, total=0.4))
        try:
            with pytest.raises(NoAnswer) as failed:
                api.sites()
        finally:
            api.close()
    assert_tells_nothing(failed.value, KEY, SECRET_WORD)


def test_nothing_secret_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), wire(httpx.Response(401, json={"message": SECRET_WORD})) as w:
        with pytest.raises(Refused):
            w.api.sites()
        signature = w.sent[0].headers["x-signature"]
    hashed = hashlib.sha256(SECRET_WORD.encode()).hexdigest()
    assert not any(word in caplog.text for word in (KEY, SECRET_WORD, hashed, signature))
    assert not any(word in repr(w.api) for word in (KEY, SECRET_WORD, hashed))
