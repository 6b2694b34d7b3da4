"""People hear of a hold that hangs: real servers take a mail and a webhook, and a louder one an hour later."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import time, timedelta
from email import message_from_string, policy
from pathlib import Path

import pytest

from kiosk.config.logs import session_mark
from kiosk.config.sites import SiteBook
from kiosk.domain.commands import Kind
from kiosk.domain.handling import Did
from kiosk.domain.telling import Channel, DeliveryState, Hours, Notice, Receiver, Why
from kiosk.engine.context import Context
from kiosk.engine.duties.tell import Tell
from kiosk.sandbox.world.switches import Switches
from kiosk.service.notices import notice
from kiosk.store.deliveries import Delivery
from kiosk.upstream.notice.client import Herald, signature
from kiosk.upstream.smtp.client import Mailer
from tests.engine.house import CODE, House
from tests.worlds.hook_server import HookServer
from tests.worlds.mail_server import MailServer

HOUR = 3600.0
SECRET = "a secret that signs webhooks, long enough"
BOOK = SiteBook.model_validate(
    {
        "operator": {"name": "Lindenau Energie"},
        "sites": [
            {
                "id": "garage",
                "name": "Garage",
                "timezone": "Europe/Berlin",
                "chargers": [{"code": CODE, "bays": {1: {"label": "A1"}}}],
            }
        ],
    }
)


class Told(House):
    """Upstream makes no bill for three hours, and somebody is told of it."""

    def __init__(self, folder: Path, *receivers: Receiver, mail_port: int = 9) -> None:
        self.receivers = receivers
        self.mailer = Mailer("127.0.0.1", mail_port, "kiosk@charge.example", security="none", timeout=5)
        super().__init__(folder, Switches(unpaid_expiry=180, settle=3 * HOUR))

    def made_context(self) -> Context:
        return replace(
            super().made_context(),
            receivers=self.receivers,
            mailer=self.mailer,
            herald=Herald(SECRET, "ntfy-token"),
            notice=lambda rows, why, now: notice(rows, why, now, self.store, BOOK, "https://charge.example"),
        )

    def hangs(self) -> str:
        """A charge whose hold should have ended a quarter of an hour ago."""
        key = self.charging()
        self.ask(key, Kind.STOP)
        self.until(key, "settling")
        self.run(16 * 60, every=30)
        return key

    def messages(self) -> list[Delivery]:
        return self.store.newest_deliveries(100)[::-1]


@pytest.fixture
def mails() -> Iterator[MailServer]:
    server = MailServer()
    yield server
    server.close()


@pytest.fixture
def hooks() -> Iterator[HookServer]:
    server = HookServer()
    yield server
    server.close()


def by_mail(**changed: object) -> Receiver:
    return replace(Receiver("on call", Channel.MAIL, "oncall@lindenau.example"), **changed)  # type: ignore[arg-type]


def by_hook(server: HookServer, **changed: object) -> Receiver:
    return replace(Receiver("chat", Channel.WEBHOOK, server.address), **changed)  # type: ignore[arg-type]


def test_a_hold_that_hangs_is_told_by_mail_and_webhook_and_louder_an_hour_later(
    tmp_path: Path, mails: MailServer, hooks: HookServer
) -> None:
    house = Told(tmp_path, by_mail(), by_hook(hooks), mail_port=mails.port)
    key = house.hangs()
    mark = session_mark(key)
    assert (len(mails.texts), len(hooks.taken)) == (1, 1)
    assert mails.receivers == ["oncall@lindenau.example"]
    mail = message_from_string(mails.texts[0], policy=policy.default)
    assert mail["Subject"] == "Lindenau Energie: Something needs a person"
    text = mail.get_content()
    assert f"bay A1, charger {CODE}, Garage (50.00 EUR): its hold should have ended by now" in text
    assert f"kiosk session {mark}" in text
    (taken,) = hooks.taken
    facts = json.loads(taken.body)
    assert [(one["kind"], one["level"], one["session"], one["bay"]) for one in facts["items"]] == [
        ("hold_overdue", "noted", mark, "A1")
    ]
    assert facts["items"][0]["amount"] == {"minor": 5000, "currency": "EUR"}
    for said in (text, taken.body.decode()):
        assert key not in said
        assert SECRET not in said
    stamp = taken.headers["Kiosk-Signature"].split(",")[0].removeprefix("t=")
    sent_at = house.clock.now().fromtimestamp(int(stamp), house.clock.now().tzinfo)
    assert taken.headers["Kiosk-Signature"] == signature(SECRET, taken.body, sent_at)
    house.run(40 * 60, every=30)
    assert (len(mails.texts), len(hooks.taken)) == (1, 1)
    house.run(20 * 60, every=30)
    assert (len(mails.texts), len(hooks.taken)) == (2, 2)
    assert json.loads(hooks.taken[1].body)["items"][0]["level"] == "loud"
    assert {one.state for one in house.messages()} == {DeliveryState.SENT}
    house.close()


def test_what_did_not_arrive_is_tried_again_with_the_same_name_until_it_does(tmp_path: Path) -> None:
    hooks = HookServer(500, 503, 204)
    house = Told(tmp_path, by_hook(hooks))
    house.hangs()
    house.run(300, every=10)
    assert len(hooks.taken) == 3
    assert len({one.headers["Kiosk-Delivery"] for one in hooks.taken}) == 1
    (message,) = house.messages()
    assert (message.state, message.attempts, message.said) == (DeliveryState.SENT, 3, "taken")
    house.close()
    hooks.close()


def test_it_is_given_up_after_a_day_and_the_record_says_why(tmp_path: Path) -> None:
    hooks = HookServer(404)
    house = Told(tmp_path, by_hook(hooks, again=False))
    house.hangs()
    duty = Tell(house.context)
    for _ in range(60):
        house.clock.advance(31 * 60)
        for job in duty.jobs(house.kiosk_clock.now()).now:
            job.run()
    (message,) = house.messages()
    assert (message.state, message.said) == (DeliveryState.GIVEN_UP, "HTTP 404")
    assert 40 < message.attempts < 60
    house.close()
    hooks.close()


def test_a_mail_server_that_answers_nothing_stops_no_charge_and_no_other_message(
    tmp_path: Path, hooks: HookServer
) -> None:
    """It takes connections and says nothing; the time limit of the client is what ends it."""
    silent = socket.create_server(("127.0.0.1", 0))
    house = Told(tmp_path, by_mail(), by_hook(hooks), mail_port=silent.getsockname()[1])
    house.mailer = Mailer("127.0.0.1", silent.getsockname()[1], "k@charge.example", security="none", timeout=0.05)
    house.restart()
    house.hangs()
    assert len(hooks.taken) == 1
    mail = next(one for one in house.messages() if one.receiver == "on call")
    assert mail.state is DeliveryState.WAITING
    assert mail.attempts > 0
    assert mail.said in {"TimeoutError", "SMTPServerDisconnected"}
    assert house.session(house.charging(2)).status == "charging"
    house.close()
    silent.close()


def test_in_quiet_hours_only_alarms_come_and_the_rest_after_them(tmp_path: Path, hooks: HookServer) -> None:
    house = Told(tmp_path)
    zone = Receiver("x", Channel.NTFY, "x").zone
    now = house.clock.now().astimezone(zone)
    until = now + timedelta(hours=1)
    quiet = Hours((now - timedelta(hours=1)).time(), until.time())
    house.receivers = (by_hook(hooks, quiet=quiet),)
    house.restart()
    house.hangs()
    assert hooks.taken == []
    house.run((until - house.clock.now()).total_seconds() + 60, every=30)
    assert len(hooks.taken) == 1
    house.close()


def test_what_is_over_set_aside_or_seen_to_is_told_to_nobody(tmp_path: Path, hooks: HookServer) -> None:
    house = Told(tmp_path, by_hook(hooks, after=timedelta(minutes=10)))
    house.hangs()
    (row,) = house.store.open_exceptions()
    house.store.handle(row.id, Did.SET_ASIDE, "Kim", house.clock.now(), until=house.clock.now() + timedelta(hours=8))
    house.run(2 * HOUR, every=60)
    assert hooks.taken == []
    house.close()


def test_a_message_whose_matter_is_over_before_it_can_leave_is_needless(tmp_path: Path, hooks: HookServer) -> None:
    house = Told(tmp_path, by_hook(hooks))
    key = house.hangs()
    hooks.taken.clear()
    (row,) = house.store.open_exceptions()
    house.store.tell("chat", [(row.id, next(iter({*type(row.level)} - {row.level})))], house.clock.now())
    house.store.keep_exceptions([], {key}, house.clock.now())
    for job in Tell(house.context).jobs(house.kiosk_clock.now()).now[1:]:
        job.run()
    assert house.messages()[-1].state is DeliveryState.NEEDLESS
    assert hooks.taken == []
    house.close()


def test_a_digest_comes_once_a_day_at_its_time_and_only_when_something_is_open(
    tmp_path: Path, hooks: HookServer
) -> None:
    house = Told(tmp_path)
    at = (house.clock.now() + timedelta(minutes=30)).time().replace(second=0, microsecond=0)
    house.receivers = (by_hook(hooks, digest=time(at.hour, at.minute)),)
    house.restart()
    house.hangs()
    assert hooks.taken == []
    house.run(HOUR, every=30)
    assert [json.loads(one.body)["why"] for one in hooks.taken] == [Why.DIGEST]
    house.close()


def test_to_an_ntfy_topic_it_is_text_with_a_title(tmp_path: Path, hooks: HookServer) -> None:
    house = Told(tmp_path, Receiver("phone", Channel.NTFY, hooks.address))
    house.hangs()
    (taken,) = hooks.taken
    assert (taken.headers["Title"], taken.headers["Priority"]) == (
        "Lindenau Energie: Something needs a person",
        "default",
    )
    assert taken.headers["Authorization"] == "Bearer ntfy-token"
    assert b"its hold should have ended by now" in taken.body
    house.close()


def test_what_apprise_did_not_see_taken_is_tried_again(tmp_path: Path) -> None:
    server = HookServer(403, 200)
    house = Told(tmp_path, Receiver("chat", Channel.APPRISE, server.address.replace("http", "json")))
    house.hangs()
    house.run(2 * 60, every=30)
    server.close()
    first, second = (json.loads(one.body) for one in server.taken)
    assert first == second
    assert (first["title"], first["type"]) == ("Lindenau Energie: Something needs a person", "info")
    (message,) = house.messages()
    assert (message.state, message.attempts) == (DeliveryState.SENT, 2)
    house.close()


def test_who_is_not_in_the_file_any_more_hears_nothing_and_the_record_says_so(
    tmp_path: Path, hooks: HookServer
) -> None:
    house = Told(tmp_path, by_hook(hooks))
    house.store.tell_digest("gone", house.clock.now())
    house.run(30)
    (message,) = house.messages()
    assert message.state is DeliveryState.GIVEN_UP
    house.close()


def test_a_mail_that_the_server_never_takes_is_given_up_at_once(tmp_path: Path) -> None:
    mails = MailServer({"RCPT": "550 nobody of that name"})
    house = Told(tmp_path, by_mail(), mail_port=mails.port)
    house.hangs()
    (message,) = house.messages()
    assert (message.state, message.said, message.attempts) == (DeliveryState.GIVEN_UP, "refused: 550", 1)
    house.close()
    mails.close()


def test_what_did_not_arrive_before_the_quiet_hours_waits_for_their_end(tmp_path: Path, hooks: HookServer) -> None:
    house = Told(tmp_path)
    house.hangs()
    now = house.clock.now()
    quiet = Hours((now - timedelta(hours=1)).time(), (now + timedelta(hours=1)).time())
    context = replace(house.context, receivers=(by_hook(hooks, quiet=quiet),))
    (row,) = house.store.open_exceptions()
    house.store.tell("chat", [(row.id, row.level)], now)
    for job in Tell(context).jobs(house.kiosk_clock.now()).now:
        job.run()
    assert (hooks.taken, house.messages()[0].state) == ([], DeliveryState.WAITING)
    house.close()


def test_somebody_else_sends_it_then_nobody_sends_it_twice(tmp_path: Path, hooks: HookServer) -> None:
    house = Told(tmp_path)
    house.hangs()
    (row,) = house.store.open_exceptions()
    house.store.tell("chat", [(row.id, row.level)], house.clock.now())
    jobs = Tell(replace(house.context, receivers=(by_hook(hooks),))).jobs(house.kiosk_clock.now()).now
    for job in (*jobs, *jobs):
        job.run()
    assert len(hooks.taken) == 1
    house.close()


def test_words_that_cannot_be_made_leave_no_message_half_sent(tmp_path: Path, hooks: HookServer) -> None:
    house = Told(tmp_path)
    house.hangs()
    (row,) = house.store.open_exceptions()
    house.store.tell("chat", [(row.id, row.level)], house.clock.now())

    def broken(*_: object) -> Notice:
        raise RuntimeError("no words")

    context = replace(house.context, receivers=(by_hook(hooks),), notice=broken)
    send = Tell(context).jobs(house.kiosk_clock.now()).now[1]
    with pytest.raises(RuntimeError):
        send.run()
    (message,) = house.messages()
    assert (message.state, message.said) == (DeliveryState.WAITING, "RuntimeError")
    house.close()
