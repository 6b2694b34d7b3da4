"""What the log calls an error, to Sentry or whatever speaks as it does.

A fault is its sentence, the classes and places of the errors behind it, and the marks of request and session. Never the
values of variables, a body, a header, an address, an e-mail or a token: each text passes the redaction of the log.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from kiosk.config.logs import mute_library, redact_text, said_by
from kiosk.config.settings import Settings, SettingsError
from kiosk.eyes.missing import missing

if TYPE_CHECKING:
    from sentry_sdk import Client
    from sentry_sdk.types import Event

MARKS = ("request_id", "session", "code", "duty", "kind", "route")
"""What of a line is searched by."""
MOST_FRAMES = 50
MOST_CAUSES = 5
CLOSES_IN = 2.0
"""Seconds in which what is left is sent when the process ends."""


class Faults(logging.Handler):
    """Takes records of the log. Whatever fails in it is dropped: no request and no charge waits for it."""

    def __init__(self, client: Client) -> None:
        super().__init__(logging.ERROR)
        self._client = client

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._client.capture_event(cast("Event", event_of(record)))
        except Exception:  # noqa: BLE001 - the line itself stands in the log
            return

    def close(self) -> None:
        """Take no more, and send what is left."""
        logging.getLogger().removeHandler(self)
        self._client.close(timeout=CLOSES_IN)
        super().close()


def faults_of(settings: Settings) -> Faults | None:
    """On the root of all loggers from now on; None without KIOSK_SENTRY_DSN.

    Raises SettingsError when the library is missing, or the address is none.
    """
    if settings.sentry_dsn is None:
        return None
    try:
        from sentry_sdk import Client
        from sentry_sdk.utils import BadDsn
    except ImportError:
        raise missing("KIOSK_SENTRY_DSN") from None
    mute_library("sentry_sdk")
    try:
        client = Client(
            dsn=settings.sentry_dsn.get_secret_value(),
            default_integrations=False,
            auto_enabling_integrations=False,
            include_local_variables=False,
            include_source_context=False,
            max_request_body_size="never",
            max_breadcrumbs=0,
            auto_session_tracking=False,
            send_client_reports=False,
            server_name="",
        )
    except BadDsn:
        raise SettingsError("KIOSK_SENTRY_DSN cannot be used: it is an address such as https://key@host/1.") from None
    handler = Faults(client)
    logging.getLogger().addHandler(handler)
    return handler


def event_of(record: logging.LogRecord) -> dict[str, Any]:
    """A record as Sentry takes it."""
    said = said_by(record)
    error = said.pop("error", None)
    event: dict[str, Any] = {
        "level": "error",
        "logger": record.name,
        "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
        "platform": "python",
        "message": said.pop("event"),
        "tags": {name: str(said[name]) for name in MARKS if said.get(name) is not None},
        "extra": {name: value for name, value in said.items() if name not in MARKS},
    }
    if isinstance(error, BaseException):
        event["exception"] = {"values": [_value(one) for one in reversed([*_chain(error)])]}
    return event


def _chain(error: BaseException) -> Iterator[BaseException]:
    """It, and what it came of."""
    one: BaseException | None = error
    for _ in range(MOST_CAUSES):
        if one is None:
            return
        yield one
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)


def _value(error: BaseException) -> Mapping[str, Any]:
    frames = traceback.extract_tb(error.__traceback__)[-MOST_FRAMES:]
    return {
        "type": type(error).__name__,
        "value": redact_text(str(error)),
        "stacktrace": {
            "frames": [
                {
                    "filename": frame.filename,
                    "function": frame.name,
                    "lineno": frame.lineno,
                    "in_app": "/kiosk/" in frame.filename,
                }
                for frame in frames
            ]
        },
    }
