"""Logs: one line a record, JSON or text, from structlog and the standard library alike, through one redaction.

Never in a log: tokens, keys, client secrets, e-mail addresses, cookies, query strings, addresses of sessions and of
takeovers.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from hashlib import sha256
from ipaddress import ip_address
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

REMOVED = "[removed]"
QUIET = ("httpx", "httpcore", "stripe", "werkzeug", "urllib3", "alembic", "flask-limiter")
"""Libraries that say at INFO what is only worth a look when something is wrong, some of it with addresses."""

_SECRET_NAMES = re.compile(
    r"token|secret|passw|cookie|authorization|signature|e_?mail|api_?key|query|referr?er|client_ip", re.I
)
_SESSION_NAMES = frozenset({"key", "session", "session_key"})
"""A text under one of these names is a session's key, and becomes its mark."""
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "taskName",
    "_record",
    "_from_structlog",
}

_TEXT_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"((?:set-)?cookie[\"']?\s*[:=]\s*)[^\r\n]+", re.I), rf"\1{REMOVED}"),
    (re.compile(r"\b(bearer|basic)\s+[^\s\"',]+", re.I), rf"\1 {REMOVED}"),
    (re.compile(r"\b((?:pi|seti)_[A-Za-z0-9]+)_secret_[A-Za-z0-9_]+"), rf"\1_secret_{REMOVED}"),
    (re.compile(r"\b((?:sk|rk|pk)_(?:live|test)_|whsec_)[A-Za-z0-9_]+"), rf"\1{REMOVED}"),
    (re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+(?:@|%40)[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"), REMOVED),
    (re.compile(r"(?<=[\w/.~%-])\?[^\s\"'<>]*=[^\s\"'<>]*"), f"?{REMOVED}"),
    (re.compile(r"(/(?:s|r|t|sessions)/)(?!<)[^\s/\"'?.]+"), rf"\1{REMOVED}"),
    (re.compile(r"(?<![\w/-])(?=[A-Za-z_-]*\d)(?=[\d_-]*[A-Za-z])[A-Za-z0-9_-]{40,}={0,2}"), REMOVED),
)
"""Applied in this order. The last one catches any long random word, whatever it is called."""


_MAYBE_ADDRESS = re.compile(r"[0-9A-Fa-f.:]{3,}")


def configure_logs(log_format: str = "json", level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """Send every record of this process to `stream` (standard output). Called by entry points, not by the factory."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        reason_instead_of_traceback,
        structlog.processors.format_exc_info,
        redact_event,
    ]
    if log_format == "json":
        last.append(structlog.processors.JSONRenderer(sort_keys=True))
    else:
        last.append(structlog.dev.ConsoleRenderer(colors=False))
    formatter = structlog.stdlib.ProcessorFormatter(foreign_pre_chain=[*shared, _extras], processors=last)
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ("gunicorn.error", "gunicorn.access"):  # they bring handlers of their own, which would skip redaction
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.addFilter(without_addresses)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def reason_instead_of_traceback(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """A structlog processor: what came of an error that says all by its `log_reason` is one line with that reason.

    A store that is locked for minutes is nobody's mistake; a traceback for everything that had to wait hides others.
    """
    del logger, method
    error: BaseException | None = _error_of(event.get("exc_info"))
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        reason = getattr(error, "log_reason", None)
        if isinstance(reason, str):
            del event["exc_info"]
            return {**event, "reason": reason}
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return event


def _error_of(info: object) -> BaseException | None:
    """The error, in whichever of its ways it was handed over."""
    if isinstance(info, BaseException):
        return info
    if isinstance(info, tuple):
        return info[1] if isinstance(info[1], BaseException) else None
    return sys.exc_info()[1] if info else None


def without_addresses(record: logging.LogRecord) -> bool:
    """A filter for gunicorn's own lines: what it warns of carries no address of a client. Where it listens may be
    read."""
    if record.levelno >= logging.WARNING:
        record.msg, record.args = _MAYBE_ADDRESS.sub(_without_address, record.getMessage()), ()
    return True


def _without_address(found: re.Match[str]) -> str:
    """Also when a colon or a full stop stands behind it. Times and versions are no addresses."""
    text = found.group()
    for end in (len(text), len(text) - 1):
        try:
            ip_address(text[:end])
        except ValueError:
            continue
        return REMOVED + text[end:]
    return text


def redact_event(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """A structlog processor: the event without secrets, however deep they lie."""
    del logger, method
    return {name: _by_name(name, value) for name, value in event.items()}


def redacted(said: Mapping[str, object]) -> dict[str, object]:
    """What is said under names, without secrets; a session's key becomes its mark."""
    return {name: _by_name(name, value) for name, value in said.items()}


def said_by(record: logging.LogRecord) -> dict[str, object]:
    """What a record of the log says, without secrets: its sentence as `event`, the `error` it is about, and the rest by
    name. The sentence of an error that says all by its `log_reason` is followed by that `reason`, and has no `error`.
    """
    if isinstance(record.msg, dict):  # structlog's, on the way to its formatter
        event: EventDict = dict(record.msg)
    else:
        event = _extras(None, "", {"event": record.getMessage(), "_record": record})
        event = {**structlog.contextvars.get_contextvars(), **event, "exc_info": record.exc_info}
    for name in ("_record", "_from_structlog", "timestamp", "level", "logger"):
        event.pop(name, None)
    event = reason_instead_of_traceback(None, "", event)
    error = _error_of(event.pop("exc_info", None))
    said = redacted({"event": "", **event})
    return said if error is None else {**said, "error": error}


def mute_library(name: str) -> None:
    """What a library of the operator's own tools says of itself is no error of the kiosk's, and may hold an address."""
    logging.getLogger(name).setLevel(logging.CRITICAL)


def redact(value: object) -> object:
    """`value` without secrets: text is searched, containers are walked, other objects become their redacted repr."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, Mapping):
        return {redact_text(str(name)): _by_name(str(name), item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(item) for item in value]
    if isinstance(value, bytes):
        return redact_text(value.decode("utf-8", "replace"))
    return redact_text(str(value) if isinstance(value, BaseException) else repr(value))


def redact_text(text: str) -> str:
    for pattern, replacement in _TEXT_RULES:
        text = pattern.sub(replacement, text)
    return text


def session_mark(key: str) -> str:
    """A short name for a session in logs: the same session has the same one, and it opens nothing."""
    return sha256(key.encode()).hexdigest()[:10]


def _by_name(name: str, value: object) -> object:
    if name in _SESSION_NAMES and isinstance(value, str):
        return session_mark(value)
    if _SECRET_NAMES.search(name) and value is not None:
        return REMOVED
    return redact(value)


def _extras(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """What `extra=` brought to a standard record. One called "event" must not replace the message."""
    del logger, method
    record: logging.LogRecord = event["_record"]
    for name, value in vars(record).items():
        if name not in _STANDARD:
            event["what" if name == "event" else name] = value
    return event
