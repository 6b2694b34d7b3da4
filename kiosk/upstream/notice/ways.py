"""One message over whichever way its receiver has: the mail server, a webhook, an ntfy topic or Apprise."""

from __future__ import annotations

import json
from datetime import datetime

from kiosk.domain.telling import Channel, Notice, Receiver
from kiosk.upstream.errors import UpstreamError
from kiosk.upstream.notice.client import Herald
from kiosk.upstream.smtp.client import Mail, Mailer


class NotSetUp(UpstreamError):
    """The settings lack what this receiver needs."""


def hand_over(
    mailer: Mailer | None, herald: Herald | None, receiver: Receiver, notice: Notice, name: str, now: datetime
) -> None:
    """One attempt. Raises what the clients raise, of which nothing knows the address."""
    match receiver.channel:
        case Channel.MAIL:
            if mailer is None:
                raise NotSetUp("no mail server is set")
            mailer.send(Mail(receiver.address, notice.subject, notice.text, name, now))
        case Channel.WEBHOOK:
            if herald is None:
                raise NotSetUp("nothing carries it")
            body = json.dumps({"delivery": name, **notice.facts}, ensure_ascii=False).encode()
            herald.webhook(receiver.address, body, name, now)
        case Channel.APPRISE:
            if herald is None:
                raise NotSetUp("nothing carries it")
            herald.apprise(receiver.address, notice.subject, notice.text, urgent=notice.urgent)
        case _:
            if herald is None:
                raise NotSetUp("nothing carries it")
            herald.ntfy(receiver.address, notice.subject, notice.text, urgent=notice.urgent)
