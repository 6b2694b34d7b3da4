"""Mails of our own: each leaves once, also when the process is killed in the middle, and then forgets its person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kiosk.domain.mail import LONGEST_PAUSE, TRIED_FOR, MailState, OwnMail, next_try
from kiosk.engine.duties.mail import SendMails, name_of
from kiosk.engine.duty import Pool
from kiosk.upstream.smtp.client import Mail, Mailer
from tests.engine.house import House
from tests.worlds.mail_server import MailServer

TO = "anna@mail.example"


@pytest.fixture
def server() -> Iterator[MailServer]:
    server = MailServer()
    yield server
    server.close()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.close()


def duty(house: House, server: MailServer | None) -> SendMails:
    port = server.port if server is not None else 9
    mailer = Mailer("127.0.0.1", port, "receipts@charge.example", security="none", timeout=5)
    return SendMails(replace(house.context, mailer=mailer))


def send(mails: SendMails, house: House) -> None:
    for job in mails.jobs(house.kiosk_clock.now()).now:
        job.run()


def state(house: House, key: str) -> MailState:
    mail = house.store.newest_mail(key)
    assert mail is not None
    return mail.state


def ask(house: House, key: str, to: str = TO) -> bool:
    return house.store.ask_mail(key, to, "Receipt", "https://lindenau.example/r/abc\n", house.kiosk_clock.now())


def sealed(house: House) -> list[str | None]:
    with house.store._database.read() as connection:
        return [row[0] for row in connection.exec_driver_sql("SELECT sealed FROM mails ORDER BY id")]


def test_a_mail_leaves_once_and_its_person_is_forgotten(house: House, server: MailServer) -> None:
    key = house.request()
    assert ask(house, key)
    assert ask(house, key, TO.upper()), "the same address again is no second mail"
    (before,) = sealed(house)
    assert before is not None
    assert TO not in before
    mails = duty(house, server)
    for _ in range(3):
        send(mails, house)
    assert len(server.texts) == 1
    assert state(house, key) is MailState.SENT
    assert sealed(house) == [None]


def test_a_mail_is_called_the_same_at_each_attempt_and_otherwise_than_every_other(
    house: House, server: MailServer
) -> None:
    keys = [house.request(1), house.request(2)]
    for key in keys:
        ask(house, key)
    mails = duty(house, server)
    server.says["TEXT"] = "451 later"
    send(mails, house)
    server.says.clear()
    house.clock.advance(60)
    send(mails, house)
    names = [line for text in server.texts for line in text.splitlines() if line.startswith("Message-ID")]
    assert len(names) == 4
    assert len(set(names)) == 2
    assert not any(key in name for key in keys for name in names)


def test_the_first_mails_of_two_kiosks_are_not_called_the_same() -> None:
    now = datetime(2026, 11, 20, tzinfo=UTC)
    one, other = (OwnMail(1, key, MailState.SENDING, now, 0, now) for key in ("a" * 22, "b" * 22))
    assert name_of(one) != name_of(other)


def test_without_a_mail_server_nothing_is_tried(house: House) -> None:
    ask(house, house.request())
    assert SendMails(house.context).jobs(house.kiosk_clock.now()).now == ()


def test_one_that_was_refused_may_be_asked_for_again(house: House, server: MailServer) -> None:
    key = house.request()
    ask(house, key)
    server.says["RCPT"] = "550 nobody here"
    mails = duty(house, server)
    send(mails, house)
    assert state(house, key) is MailState.REFUSED
    server.says.clear()
    ask(house, key)
    send(mails, house)
    assert state(house, key) is MailState.SENT


def test_one_whose_answer_is_lost_is_not_sent_again(house: House, server: MailServer) -> None:
    key = house.request()
    ask(house, key)
    server.says["TEXT"] = ""
    mails = duty(house, server)
    send(mails, house)
    house.clock.advance(TRIED_FOR.total_seconds())
    send(mails, house)
    ask(house, key)
    send(mails, house)
    assert state(house, key) is MailState.UNKNOWN
    assert len(server.texts) == 1


def test_one_that_was_being_sent_when_the_process_was_killed_is_not_sent_again(
    house: House, server: MailServer
) -> None:
    key = house.request()
    ask(house, key)
    mail = house.store.newest_mail(key)
    assert mail is not None
    assert house.store.claim_mail(mail.id, house.kiosk_clock.now()) is not None
    assert house.store.claim_mail(mail.id, house.kiosk_clock.now()) is None, "two claims of one mail"
    mails = duty(house, server)
    mails.take_over(house.kiosk_clock.now())
    send(mails, house)
    assert state(house, key) is MailState.UNKNOWN
    assert server.texts == []


def test_a_server_that_is_away_is_asked_later_and_given_up_after_a_day(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    key = house.request()
    ask(house, key)
    mails = duty(house, None)
    send(mails, house)
    assert state(house, key) is MailState.WAITING
    assert mails.jobs(house.kiosk_clock.now()).now == ()
    house.clock.advance(60)
    send(mails, house)
    assert state(house, key) is MailState.WAITING
    assert caplog.messages.count("the mail server does not take a mail") == 1
    house.clock.advance(TRIED_FOR.total_seconds())
    send(mails, house)
    assert state(house, key) is MailState.REFUSED
    assert sealed(house) == [None]


def test_the_pauses_grow_up_to_an_hour(house: House) -> None:
    now = house.kiosk_clock.now()
    pauses = []
    for attempts in range(20):
        at = next_try(OwnMail(1, "key", MailState.SENDING, now, attempts, now), now)
        assert at is not None
        pauses.append(at - now)
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (timedelta(seconds=30), LONGEST_PAUSE)


def test_a_mail_that_no_key_opens_is_refused_and_holds_nobody_up(house: House, server: MailServer) -> None:
    first, second = house.request(), house.request(2)
    ask(house, first)
    ask(house, second)
    with house.store._database.write() as connection:
        connection.exec_driver_sql("UPDATE mails SET sealed = 'gAAAAx' WHERE id = 1")
    send(duty(house, server), house)
    assert (state(house, first), state(house, second)) == (MailState.REFUSED, MailState.SENT)


def test_one_receipt_goes_to_a_few_addresses_only(house: House) -> None:
    key = house.request()
    assert [ask(house, key, f"driver{count}@mail.example") for count in range(6)] == [True] * 5 + [False]


def test_one_that_no_secret_opens_any_more_has_an_end_and_forgets_its_person(house: House, server: MailServer) -> None:
    key = house.request()
    ask(house, key)
    with house.store._database.write() as connection:
        connection.exec_driver_sql("UPDATE mails SET sealed = 'f1:of another secret'")
    send(duty(house, server), house)
    assert state(house, key) is MailState.REFUSED
    assert sealed(house) == [None]
    assert server.texts == []


def test_whatever_breaks_in_the_sending_leaves_no_mail_half_sent(house: House) -> None:
    class Broken(Mailer):
        def send(self, mail: Mail) -> None:  # noqa: ARG002
            raise RuntimeError("not even an error of the mail server")

    key = house.request()
    ask(house, key)
    mails = SendMails(replace(house.context, mailer=Broken("127.0.0.1", 9, "receipts@charge.example")))
    with pytest.raises(RuntimeError):
        send(mails, house)
    assert state(house, key) is MailState.UNKNOWN
    assert sealed(house) == [None]


def test_a_mail_server_that_hangs_keeps_no_proof_of_a_hold_waiting(house: House) -> None:
    ask(house, house.request())
    (job,) = duty(house, None).jobs(house.kiosk_clock.now()).now
    assert job.pool is Pool.MAILS


def test_a_mail_that_was_cut_off_is_not_put_back_by_whoever_was_sending_it(house: House) -> None:
    key = house.request()
    ask(house, key)
    mail = house.store.newest_mail(key)
    assert mail is not None
    now = house.kiosk_clock.now()
    house.store.claim_mail(mail.id, now)
    house.store.cut_off_mails(now)
    house.store.put_off_mail(mail.id, now)
    assert state(house, key) is MailState.UNKNOWN
