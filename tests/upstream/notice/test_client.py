"""A message to one address: taken, refused or unknown, in limited time, and no error knows the address."""

from __future__ import annotations

import hashlib
import hmac
import socket
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest

from kiosk.domain.telling import Channel, Notice, Receiver
from kiosk.upstream.errors import NoAnswer, NotSent
from kiosk.upstream.http import TimeLimits
from kiosk.upstream.notice.client import Herald, NotAccepted
from kiosk.upstream.notice.ways import NotSetUp, hand_over
from tests.worlds.hook_server import HookServer

AT = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
SECRET = "s" * 40


@pytest.fixture
def herald() -> Iterator[Herald]:
    made = Herald(SECRET)
    yield made
    made.close()


def test_a_webhook_is_signed_over_its_time_and_its_very_bytes(herald: Herald) -> None:
    hooks = HookServer()
    herald.webhook(hooks.address, '{"a":"ü"}'.encode(), "notice.7", AT)
    hooks.close()
    (taken,) = hooks.taken
    stamp = int(AT.timestamp())
    mac = hmac.new(SECRET.encode(), f"{stamp}.".encode() + taken.body, hashlib.sha256).hexdigest()
    assert taken.headers["Kiosk-Signature"] == f"t={stamp},v1={mac}"
    assert (taken.headers["Kiosk-Delivery"], taken.body.decode()) == ("notice.7", '{"a":"ü"}')


@pytest.mark.parametrize("status", [301, 400, 404, 429, 500])
def test_every_answer_but_a_good_one_is_a_no_and_nothing_is_followed(herald: Herald, status: int) -> None:
    hooks = HookServer(status)
    with pytest.raises(NotAccepted) as caught:
        herald.webhook(hooks.address, b"{}", "notice.7", AT)
    hooks.close()
    assert str(caught.value) == f"HTTP {status}"
    assert len(hooks.taken) == 1


def test_where_nobody_listens_it_was_not_sent(herald: Herald) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(NotSent) as caught:
        herald.webhook(f"http://127.0.0.1:{port}/secret-path", b"{}", "notice.7", AT)
    assert "secret-path" not in repr(caught.value) + repr(caught.value.__context__)


def test_where_nobody_answers_it_is_unknown() -> None:
    hasty = Herald(SECRET, limits=TimeLimits(read=0.1))
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(NoAnswer):
        hasty.webhook(f"http://127.0.0.1:{silent.getsockname()[1]}/x", b"{}", "notice.7", AT)
    hasty.close()


def test_without_a_secret_or_a_token_nothing_is_signed_or_signed_in() -> None:
    hooks, plain = HookServer(), Herald(None)
    plain.webhook(hooks.address, b"{}", "notice.7", AT)
    plain.ntfy(hooks.address, "title", "text", urgent=True)
    plain.close()
    hooks.close()
    assert not [one for one in hooks.taken if {"Kiosk-Signature", "Authorization"} & set(one.headers)]
    assert hooks.taken[1].headers["Priority"] == "urgent"


def test_an_error_of_our_own_tree_is_passed_on_as_it_is() -> None:
    def refuse(_request: httpx.Request) -> httpx.Response:
        raise NotSent("closed")

    herald = Herald(None, transport=httpx.MockTransport(refuse))
    with pytest.raises(NotSent, match="closed"):
        herald.webhook("https://chat.example/x", b"{}", "notice.7", AT)
    herald.close()


@pytest.mark.parametrize("channel", list(Channel))
def test_a_way_that_is_not_set_up_says_so(channel: Channel) -> None:
    receiver, notice = Receiver("kim", channel, "https://chat.example/x"), Notice("s", "t", {})
    with pytest.raises(NotSetUp):
        hand_over(None, None, receiver, notice, "notice.7", AT)
