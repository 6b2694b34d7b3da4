"""One mail: taken, refused for good, not taken yet, or nobody knows. A real server answers on this machine."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from kiosk.upstream.smtp.client import Mail, Mailer, MailRefused, MailUnknown, NotTaken
from tests.worlds.mail_server import MailServer

AT = datetime(2026, 11, 20, 13, 4, 5, tzinfo=UTC)
MAIL = Mail("anna@mail.example", "Beleg 2026-000001", "Grüße: https://lindenau.example/r/abc\n", "receipt.1", AT)


@pytest.fixture
def server() -> Iterator[MailServer]:
    server = MailServer()
    yield server
    server.close()


def mailer(port: int, timeout: float = 15.0) -> Mailer:
    return Mailer("127.0.0.1", port, "receipts@charge.example", security="none", timeout=timeout)


def test_a_mail_arrives_with_its_text_and_says_that_a_machine_sent_it(server: MailServer) -> None:
    mailer(server.port).send(MAIL)
    (text,) = server.texts
    assert server.receivers == ["anna@mail.example"]
    assert text.isascii()
    for line in ("To: anna@mail.example", "From: receipts@charge.example", "Auto-Submitted: auto-generated"):
        assert line in text


def test_a_mail_has_its_time_and_a_name_of_the_senders_own_domain(server: MailServer) -> None:
    """Without a date a mail is called spam, and a name that two kiosks give is one mail for whoever keeps them."""
    mailer(server.port).send(MAIL)
    (text,) = server.texts
    assert "Date: Fri, 20 Nov 2026 13:04:05 +0000" in text
    assert "Message-ID: <receipt.1@charge.example>" in text


def test_a_senders_domain_with_other_letters_is_written_as_headers_can_have_it() -> None:
    mailer = Mailer("127.0.0.1", 25, "belege@lädt.example")
    assert mailer.domain == "xn--ldt-qla.example"


@pytest.mark.parametrize(
    ("word", "answer", "error"),
    [
        ("MAIL", "451 later", NotTaken),
        ("RCPT", "450 later", NotTaken),
        ("RCPT", "550 nobody here", MailRefused),
        ("RCPT", "", NotTaken),
        ("DATA", "451 later", NotTaken),
        ("DATA", "554 never", MailRefused),
        ("TEXT", "451 later", NotTaken),
        ("TEXT", "552 too large", MailRefused),
        ("TEXT", "", MailUnknown),
    ],
)
def test_each_answer_means_what_it_says(server: MailServer, word: str, answer: str, error: type[Exception]) -> None:
    server.says[word] = answer
    with pytest.raises(error) as raised:
        mailer(server.port).send(MAIL)
    assert "anna" not in str(raised.value)


def test_a_server_that_is_not_there_or_says_nothing_took_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port: int = silent.getsockname()[1]
        with pytest.raises(NotTaken):
            mailer(port, timeout=0.2).send(MAIL)
    with pytest.raises(NotTaken):
        mailer(port, timeout=0.2).send(MAIL)


def test_a_server_without_encryption_gets_nothing_unless_it_is_told_so(server: MailServer) -> None:
    with pytest.raises(NotTaken):
        Mailer("127.0.0.1", server.port, "receipts@charge.example").send(MAIL)
    with pytest.raises(NotTaken):
        Mailer("127.0.0.1", server.port, "receipts@charge.example", security="tls", timeout=0.5).send(MAIL)
    assert server.texts == []


def test_an_address_that_the_server_cannot_take_is_refused(server: MailServer) -> None:
    with pytest.raises(MailRefused):
        mailer(server.port).send(
            Mail("anna\N{LATIN SMALL LETTER E WITH ACUTE}@mail.example", "x", "y", "receipt.2", AT)
        )


def test_a_mail_does_not_show_its_person() -> None:
    assert "anna" not in repr(MAIL)
    assert "/r/abc" not in repr(MAIL)


def test_a_server_that_does_not_wait_for_the_text_took_nothing(server: MailServer) -> None:
    server.says["DATA"] = "250 what text"
    with pytest.raises(NotTaken):
        mailer(server.port).send(MAIL)
    assert server.texts == []


def test_a_server_that_takes_no_password_got_nothing(server: MailServer) -> None:
    with_password = Mailer(
        "127.0.0.1", server.port, "receipts@charge.example", security="none", user="kiosk", password="secret"
    )
    with pytest.raises(NotTaken):
        with_password.send(MAIL)
    assert server.texts == []


def test_a_senders_domain_that_is_none_in_ascii_stays_as_it_is() -> None:
    domain = f"{'l' * 70}ä.example"
    assert Mailer("127.0.0.1", 25, f"belege@{domain}").domain == domain
