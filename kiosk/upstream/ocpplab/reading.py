"""OCPPLAB's answers in our terms. Any field may be missing, null, strange or absurd; what cannot be read is None.

A charger here has no live status; what can be told of it is in its log (`ocpplab_log`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from urllib.parse import urlsplit

from kiosk.domain.lab import LabFacts
from kiosk.upstream.errors import NoAnswer, redact
from kiosk.upstream.values import as_count, as_flag, as_moment, as_object, as_text, as_word

MOST_LISTED = 1000
UNKNOWN_ERROR = "unknown_error"
KNOWN_CODES = frozenset({UNKNOWN_ERROR})
"""Codes of a failed provisioning that the kiosk tells apart. None is published; unknown ones count as UNKNOWN_ERROR."""
_LEAST_WATTS = 1000
"""No charger is weaker, so that a smaller figure is not in watts. That it is watts at all is only inferred."""
_MOST_WATTS = 10_000_000
_MOST_COMPLAINTS = 5
_PLACES = frozenset({"body", "query", "path", "header"})


@dataclass(frozen=True, slots=True)
class LabCharger:
    """`id` is the deployment id, for paths and targets; `identity` is the charger's own, towards its back office."""

    id: str
    identity: str | None
    facts: LabFacts
    ocpp_version: str | None = None
    connector_count: int | None = None
    location_id: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ChargerPage:
    """`next_page` is None when this was the last."""

    chargers: tuple[LabCharger, ...]
    total: int | None
    next_page: int | None


class Stage(StrEnum):
    PENDING = "PENDING"
    PROVISIONING = "PROVISIONING"
    READY = "READY"
    FAILED = "FAILED"


SETTLED = frozenset({Stage.READY, Stage.FAILED})


@dataclass(frozen=True, slots=True)
class ProvisioningError:
    """`code` is one to branch on, `said_code` what upstream called it. `retryable`: a new create may succeed."""

    said_code: str | None
    message: str
    step: str | None = None
    param: str | None = None
    retryable: bool | None = None

    @property
    def code(self) -> str:
        return self.said_code if self.said_code in KNOWN_CODES and self.said_code is not None else UNKNOWN_ERROR


@dataclass(frozen=True, slots=True)
class Provisioning:
    """`stage` is None for null and for a word that we do not know. A FAILED one always has an `error`."""

    charger_id: str
    stage: Stage | None
    error: ProvisioningError | None = None
    provisioned_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Queued:
    """A command that waits for the charger. It is not done: only the log shows what came of it."""

    id: str | None
    event_type: str | None
    ocpp_version: str | None
    payload: Mapping[str, object] = field(repr=False)


@dataclass(frozen=True, slots=True)
class NotQueued:
    identity: str | None
    error: str


@dataclass(frozen=True, slots=True)
class CommandAnswer:
    """A success, whatever was said in it. `failed` lists the chargers that will not do it; `status` and `configured`
    belong to configuration and faults."""

    queued: tuple[Queued, ...] = ()
    failed: tuple[NotQueued, ...] = ()
    targeted: int | None = None
    status: str | None = None
    message: str | None = None
    configured: tuple[str, ...] = ()


# --- chargers


def read_chargers(body: object, page: int, limit: int) -> ChargerPage:
    """Each id once; what has none is left out. Raises NoAnswer when there is no list in it."""
    listed, fields = listed_in(body, "chargers")
    found: dict[str, LabCharger] = {}
    for entry in listed[:MOST_LISTED]:
        charger = _charger(as_object(entry) or {})
        if charger is not None:
            found.setdefault(charger.id, charger)
    total = as_count(fields.get("total"), 10**9)
    told = as_count(fields.get("limit"), MOST_LISTED)  # a server may give less than was asked for
    more = len(listed) >= limit if total is None else page * (told or limit) < total
    return ChargerPage(tuple(found.values()), total, page + 1 if listed and more else None)


def read_charger(body: object, asked_id: str) -> LabCharger:
    """Raises NoAnswer when it says nothing of a charger, or speaks of another one than was asked for."""
    charger = _charger(fields_of(body))
    if charger is None:
        raise NoAnswer("an answer without a charger")
    if asked_id not in {charger.id, charger.identity}:
        raise NoAnswer("an answer about another charger")
    return charger


def read_facts(fields: Mapping[str, object]) -> LabFacts:
    watts = as_count(fields.get("max_charging_power"), _MOST_WATTS)
    return LabFacts(
        name=as_text(fields.get("name")),
        image_url=read_image_url(fields.get("image_url")),
        vendor=as_text(fields.get("vendor_name"), 80),
        model=as_text(fields.get("model"), 80),
        max_kw=Decimal(watts) / 1000 if watts is not None and watts >= _LEAST_WATTS else None,
        connector_type=as_text(fields.get("connector_type"), 40),
    )


def read_image_url(value: object) -> str | None:
    """An https address of a host by name, without a user, as it was given; None for every other."""
    if not isinstance(value, str) or not 0 < len(value) <= 1000:
        return None
    if not all("!" <= char <= "~" and char not in "\"'<>\\^`{|}" for char in value):
        return None
    try:
        parts = urlsplit(value)
        usable = parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        return None
    return value if usable else None


def read_created(body: object, asked_identity: str) -> Provisioning:
    """Raises NoAnswer without an id: a charger may exist, and the list will tell."""
    fields = fields_of(body)
    charger_id = as_text(fields.get("charger_id")) or as_text(fields.get("id"))
    identity = as_text(fields.get("identity"))
    if charger_id is None or identity not in {None, asked_identity}:
        raise NoAnswer("a create without a usable charger")
    return _provisioning(charger_id, fields)


def read_provisioning(body: object, asked_id: str) -> Provisioning:
    """Raises NoAnswer when it says nothing of a status, or speaks of another charger."""
    fields = fields_of(body)
    if "status" not in fields:
        raise NoAnswer("an answer without a status")
    if as_text(fields.get("charger_id")) not in {None, asked_id}:
        raise NoAnswer("an answer about another charger")
    return _provisioning(asked_id, fields)


def _charger(fields: Mapping[str, object]) -> LabCharger | None:
    charger_id = as_text(fields.get("id"))
    if charger_id is None:
        return None
    return LabCharger(
        id=charger_id,
        identity=as_text(fields.get("identity")),
        facts=read_facts(fields),
        ocpp_version=as_text(fields.get("ocpp_version"), 40),
        connector_count=as_count(fields.get("number_of_connectors"), 10_000),
        location_id=as_text(fields.get("location_id")),
        created_at=as_moment(fields.get("created_at")),
        updated_at=as_moment(fields.get("updated_at")),
    )


def _provisioning(charger_id: str, fields: Mapping[str, object]) -> Provisioning:
    word = (as_word(fields.get("status")) or "").upper()
    stage = Stage(word) if word in Stage.__members__ else None
    said = as_object(fields.get("error"))
    error = _error(said or {}) if said is not None or stage is Stage.FAILED else None
    return Provisioning(charger_id, stage, error, as_moment(fields.get("provisioned_at")))


def _error(fields: Mapping[str, object]) -> ProvisioningError:
    return ProvisioningError(
        said_code=as_word(fields.get("code")),
        message=redact(as_text(fields.get("message"), 500) or ""),
        step=as_text(fields.get("step"), 80),
        param=as_text(fields.get("param"), 80),
        retryable=as_flag(fields.get("retryable")),
    )


# --- commands


def read_queued(body: object) -> Queued:
    """Never fails: that it was accepted is known already."""
    return _queued(as_object(body) or {})


def read_command_answer(body: object) -> CommandAnswer:
    """Never fails, for the same reason. One queued command, or the list for many chargers, or a status."""
    fields = as_object(body) or {}
    results = [as_object(entry) or {} for entry in _entries(fields.get("results"))]
    queued = [_queued(as_object(result.get("command")) or {}) for result in results]
    if not results and "event_type" in fields:
        queued = [_queued(fields)]
    failures = [as_object(entry) or {} for entry in _entries(fields.get("failed"))]
    names = (as_text(entry) for entry in _entries(fields.get("configured")))
    message = as_text(fields.get("msg"))
    return CommandAnswer(
        queued=tuple(queued),
        failed=tuple(NotQueued(as_text(each.get("identity")), _cleaned(each.get("error"))) for each in failures),
        targeted=as_count(fields.get("targeted_count"), 10**6),
        status=as_word(fields.get("status")),
        message=None if message is None else redact(message),
        configured=tuple(name for name in names if name is not None),
    )


def _queued(fields: Mapping[str, object]) -> Queued:
    return Queued(
        id=as_text(fields.get("id")),
        event_type=as_text(fields.get("event_type"), 80),
        ocpp_version=as_text(fields.get("ocpp_version"), 40),
        payload=as_object(fields.get("payload")) or {},
    )


def _cleaned(value: object) -> str:
    return redact(as_text(value) or "")


# --- errors


def read_problem(body: object) -> str:
    """An error body as one sentence: the text of `detail`, or the complaints of a 422 with the names of the fields.

    The values that a 422 repeats (`input`, `ctx`) are left out. What comes back is not yet free of secrets.
    """
    problem = as_object(body) or {}
    detail = problem.get("detail")
    if isinstance(detail, list):
        complaints = [_complaint(as_object(entry) or {}) for entry in detail[:_MOST_COMPLAINTS]]
        said = "; ".join(complaint for complaint in complaints if complaint)
        more = len(detail) - _MOST_COMPLAINTS
        return f"{said}; and {more} more" if said and more > 0 else said
    inner = as_object(detail) or problem
    return as_text(detail) or as_text(inner.get("message")) or ""


def _complaint(fields: Mapping[str, object]) -> str:
    loc = _entries(fields.get("loc"))
    if loc and isinstance(loc[0], str) and loc[0] in _PLACES:
        loc = loc[1:]
    place = ".".join(text for text in (as_text(part, 40) for part in loc[:6]) if text is not None)
    said = as_text(fields.get("msg"), 120) or ""
    return f"{place}: {said}" if place and said else place or said


# --- shapes


def fields_of(body: object) -> Mapping[str, object]:
    outer = as_object(body)
    if outer is None:
        raise NoAnswer("not a JSON object")
    return as_object(outer.get("data")) or outer


def listed_in(body: object, what: str) -> tuple[list[object], Mapping[str, object]]:
    fields = as_object(body) or {}
    listed = body if isinstance(body, list) else fields.get("data")
    if not isinstance(listed, list):
        raise NoAnswer(f"an answer without {what}")
    return listed, fields


def _entries(value: object) -> list[object]:
    return value[:MOST_LISTED] if isinstance(value, list) else []
