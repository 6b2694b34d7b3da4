"""A message by Apprise: taken or unknown, in limited time; its address is in no error and no line of the log."""

from __future__ import annotations

import json
import logging
import socket
import sys
from typing import NoReturn

import pytest
from apprise import Apprise

from kiosk.upstream.errors import NoAnswer, NotSent
from kiosk.upstream.notice.other_services import MISSING, UNUSABLE, OtherServices, is_usable
from tests.worlds.hook_server import HookServer


def of(server: HookServer, more: str = "") -> str:
    """The address of this server as Apprise writes it."""
    return server.address.replace("http", "json") + more


def send(address: str, services: OtherServices | None = None, *, urgent: bool = False) -> None:
    (services or OtherServices(60.0)).send(address, "Größe <1>", "one\n\\n two", urgent=urgent)


@pytest.mark.parametrize(("urgent", "kind"), [(False, "info"), (True, "failure")])
def test_a_message_arrives_as_it_is(urgent: bool, kind: str) -> None:
    hooks = HookServer()
    send(of(hooks), urgent=urgent)
    hooks.close()
    (taken,) = hooks.taken
    body = json.loads(taken.body)
    assert (taken.path, body["title"], body["message"], body["type"]) == ("/hook", "Größe <1>", "one\n\\n two", kind)


@pytest.mark.parametrize("status", [301, 400, 403, 404, 429, 500])
@pytest.mark.parametrize("more", ["", "?optional=yes"])
def test_every_answer_but_a_good_one_is_unknown_and_nothing_is_followed(status: int, more: str) -> None:
    hooks = HookServer(status)
    with pytest.raises(NoAnswer, match=r"^the service did not say that it took it$"):
        send(of(hooks, more))
    hooks.close()
    assert len(hooks.taken) == 1


def test_where_nobody_listens_it_is_unknown_and_nothing_knows_the_address(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with caplog.at_level(logging.DEBUG, "apprise"), pytest.raises(NoAnswer) as caught:
        send(f"json://user:hidden@127.0.0.1:{port}/hidden-path")
    assert "hidden" not in repr(caught.value) + repr(caught.value.__context__)
    assert [one for one in caplog.records if one.name.startswith("apprise")] == []


def test_a_service_that_hangs_is_left_to_itself_and_only_so_many_of_them() -> None:
    hasty, patient = OtherServices(0.05, most=1), OtherServices(60.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        # It would wait for 60 s by itself, so that no limit but ours can end it here.
        address = f"json://127.0.0.1:{silent.getsockname()[1]}/x?rto=60"
        with pytest.raises(NoAnswer, match=r"^no answer in 0\.05 s$"):
            send(address, hasty)
        with pytest.raises(NotSent, match=r"^those before it are still on their way$"):
            send(address, hasty)
        hooks = HookServer()
        send(of(hooks), patient)
        hooks.close()
    assert len(hooks.taken) == 1


def test_room_is_free_again_after_each_end() -> None:
    hooks, one = HookServer(500, 200), OtherServices(60.0, most=1)
    with pytest.raises(NoAnswer):
        send(of(hooks), one)
    send(of(hooks), one)
    hooks.close()
    assert len(hooks.taken) == 2


def test_without_threads_it_was_not_sent_and_takes_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    hooks, one = HookServer(), OtherServices(60.0, most=1)

    def none_left(**_given: object) -> NoReturn:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr("kiosk.upstream.notice.other_services.Thread", none_left)
        with pytest.raises(NotSent, match=r"^no thread to send it on$"):
            send(of(hooks), one)
    send(of(hooks), one)
    hooks.close()


def test_a_service_that_fails_in_a_way_of_its_own_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_self: object, *_given: object, **_more: object) -> NoReturn:
        raise ValueError("json://hidden")

    monkeypatch.setattr(Apprise, "notify", fail)
    with pytest.raises(NoAnswer, match=r"^no answer: ValueError$"):
        send("json://chat.example/x")


@pytest.mark.parametrize("address", ["nonsense://hidden", "json://", "tgram://hidden"])
def test_an_address_that_apprise_cannot_use_is_known_without_asking_anybody(
    address: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "apprise"):
        assert not is_usable(address)
        with pytest.raises(NotSent, match=f"^{UNUSABLE}$"):
            send(address)
    assert [one for one in caplog.records if one.name.startswith("apprise")] == []


def test_an_address_that_breaks_its_reader_cannot_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_given: object, **_more: object) -> NoReturn:
        raise ValueError("json://hidden")

    monkeypatch.setattr(Apprise, "instantiate", fail)
    assert not is_usable("json://chat.example/x")


def test_without_the_package_it_was_not_sent_and_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(NotSent) as caught:
        send("json://chat.example/x")
    assert str(caught.value) == MISSING
