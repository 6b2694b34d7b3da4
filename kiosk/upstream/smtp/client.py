"""Hands one mail to the operator's mail server. Each step has a time limit; the outcomes: taken, refused, unknown.

Until its text has left, a mail that fails was not sent, and may be tried again. Once the text is on its way, only the
server's answer tells; without one it may have been taken, and is not sent a second time.
"""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Literal

TIMEOUT = 15.0
PERMANENT = 500
"""From this answer on a mail server means: never."""


class NotTaken(Exception):
    """It was not sent: the server does not answer, or says later. May be tried again."""


class MailRefused(Exception):
    """The server will never take this mail."""


class MailUnknown(Exception):
    """The text has left, and no answer came."""


@dataclass(frozen=True, slots=True)
class Mail:
    """Never shown in a log: the address is a person's, and the text has the address of a receipt."""

    to: str = field(repr=False)
    subject: str
    text: str = field(repr=False)
    name: str
    """The same at each attempt and of no other mail, whichever kiosk sends it: letters, digits and dots."""
    at: datetime


class Mailer:
    """`security`: `starttls` and `tls` check the server's certificate; `none` is for a server on this machine."""

    def __init__(
        self,
        host: str,
        port: int,
        sender: str,
        *,
        security: Literal["starttls", "tls", "none"] = "starttls",
        user: str | None = None,
        password: str | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        self._host, self._port, self._sender = host, port, sender
        self.domain = _plain(sender.rpartition("@")[2])
        self._security, self._user, self._password, self._timeout = security, user, password, timeout

    def send(self, mail: Mail) -> None:
        """Raises NotTaken, MailRefused and MailUnknown."""
        try:
            server = self._connect()
        except (smtplib.SMTPException, OSError) as error:
            raise NotTaken(type(error).__name__) from None
        try:
            self._envelope(server, mail)
            self._data(server, mail)
        finally:
            server.close()

    def _connect(self) -> smtplib.SMTP:
        if self._security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, self._port, timeout=self._timeout, context=ssl.create_default_context()
            )
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=self._timeout)
        try:
            if self._security == "starttls":
                server.starttls(context=ssl.create_default_context())
            server.ehlo_or_helo_if_needed()
            if self._user is not None and self._password is not None:
                server.login(self._user, self._password)
        except BaseException:
            server.close()
            raise
        return server

    def _envelope(self, server: smtplib.SMTP, mail: Mail) -> None:
        try:
            for code, words in (server.mail(self._sender), server.rcpt(mail.to)):
                _must_be_well(code, words)
        except UnicodeError:
            raise MailRefused("the server takes no such address") from None
        except (smtplib.SMTPException, OSError) as error:
            raise NotTaken(type(error).__name__) from None

    def _data(self, server: smtplib.SMTP, mail: Mail) -> None:
        try:
            code, words = server.data(self._message(mail).as_bytes())
        except smtplib.SMTPDataError as error:  # the word DATA itself was refused, so no text has left
            _must_be_well(error.smtp_code, b"")
            raise NotTaken("SMTPDataError") from None
        except (smtplib.SMTPException, OSError) as error:
            raise MailUnknown(type(error).__name__) from None
        _must_be_well(code, words)

    def _message(self, mail: Mail) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._sender, mail.to, mail.subject
        message["Date"] = format_datetime(mail.at)
        message["Message-ID"] = f"<{mail.name}@{self.domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text, charset="utf-8", cte="quoted-printable")  # not every server takes eight bits
        return message


def _plain(domain: str) -> str:
    """As it stands in headers that know only ASCII."""
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError:
        return domain


def _must_be_well(code: int, _words: bytes) -> None:
    """What the server says in words may hold the address, so only its number is told."""
    if code >= PERMANENT:
        raise MailRefused(str(code))
    if code >= 400:
        raise NotTaken(str(code))
