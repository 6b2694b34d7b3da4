"""Lists of the operator's endpoints as they are asked for and handed out: filters, and four forms of a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import urlencode

from flask import request

from kiosk.sandbox.plugchoice.public import timestamp
from kiosk.sandbox.world.refusal import Refusal


@dataclass(frozen=True)
class OperatorSwitches:
    """Every question that the reference leaves open; a default is the assumption that is safe for a client."""

    # The forms in which lists are met: with the address of the next page, with a count of pages as well, the same
    # without `links` and `meta`, or with nothing but the entries.
    pages: Literal["simple", "length_aware", "flat", "bare"] = "simple"
    page_size: int = 25
    requests_per_minute: int = 500
    # Open: whether the address of the next page repeats the filters, and which host it names; None is our own.
    next_repeats_filters: bool = False
    next_host: str | None = None
    # Open: whether the token may see this site; if not, everything is answered with 403.
    permitted: bool = True
    # Open: whether it may see the settings of the chargers that it sees.
    settings_permitted: bool = True
    # A half answer: every list ends after so many entries, and calls itself whole.
    list_ends_after: int | None = None
    # Open: what the back office knows of a connector's capabilities; often nothing.
    capabilities_known: bool = True
    # Open: the energy of a running charge, and whether energy is a number although every example is a text.
    running_kwh: Literal["zero", "live", "null"] = "zero"
    kwh_is_number: bool = False
    # Open: whether energy is cut to whole kilowatt-hours, so that it disagrees with the meters ("7.00" beside 7.936),
    # and in which distance a running charge's is worked out anew; in between it is stale.
    kwh_is_whole: bool = False
    running_kwh_every: float = 0
    # Open: whether the site's own total stands above the list.
    total_told: bool = True
    # Open: whether a transaction says which connector it is at; if not, there is only the row of the back office.
    connector_told: bool = True
    # Open: how long after its start, and after its stop, a transaction is known; and those that never are.
    told_after: float = 0
    stop_told_after: float = 0
    never_told: frozenset[int] = frozenset()
    # Open: transactions whose stop the back office has missed: they run on for ever.
    never_stopped: frozenset[int] = frozenset()
    # Open: blanks before the figures of the power usage.
    padded_power: bool = False


def page_of(entries: Sequence[Mapping[str, Any]], switches: OperatorSwitches) -> dict[str, Any]:
    asked = request.args.get("limit")
    if asked is not None and not (_digits(asked) and 1 <= int(asked) <= 10_000):
        raise _invalid("limit", "The limit field must be between 1 and 10000.")
    size = switches.page_size if asked is None else int(asked)
    told = request.args.get("page", "1")
    number = max(1, int(told)) if _digits(told) else 1
    entries = entries[: switches.list_ends_after]
    return _form(entries[(number - 1) * size : number * size], number, size, len(entries), switches)


def _form(
    shown: Sequence[Mapping[str, Any]], number: int, size: int, total: int, switches: OperatorSwitches
) -> dict[str, Any]:
    last = max(1, -(-total // size))
    body: dict[str, Any] = {"data": list(shown)}
    if switches.pages == "bare":
        return body
    first_shown = (number - 1) * size + 1 if shown else None
    last_shown = (number - 1) * size + len(shown) if shown else None
    earlier = _address(number - 1, switches) if number > 1 else None
    later = _address(number + 1, switches) if number < last else None
    span = {"from": first_shown, "path": _address(None, switches), "per_page": size, "to": last_shown}
    if switches.pages == "flat":
        ends = {"first_page_url": _address(1, switches), "next_page_url": later, "prev_page_url": earlier}
        return body | {"current_page": number} | span | ends
    counted = switches.pages == "length_aware"
    body["links"] = {
        "first": _address(1, switches),
        "last": _address(last, switches) if counted else None,
        "prev": earlier,
        "next": later,
    }
    body["meta"] = {"current_page": number, "current_page_url": _address(number, switches)} | span
    if counted:
        links = [
            {"url": _address(each, switches), "label": str(each), "page": each, "active": each == number}
            for each in range(1, last + 1)
        ]
        body["meta"] |= {"last_page": last, "total": total, "links": links}
    return body


def _address(number: int | None, switches: OperatorSwitches) -> str:
    """The address of a page of the list that was asked for; None is the list itself."""
    base = f"{switches.next_host}{request.path}" if switches.next_host else request.base_url
    if number is None:
        return base
    kept = request.args.to_dict() if switches.next_repeats_filters else {}
    return f"{base}?{urlencode({**kept, 'page': number})}"


# --- filters


def filtered(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The transactions that the filters of the request let through."""
    status = request.args.get("filter[status]")
    first, last = _moment("filter[started_from]"), _moment("filter[stopped_until]")
    if status not in (None, "active", "finished"):
        raise _invalid("filter[status]", "The selected filter.status is invalid.")
    if first is not None and last is not None and last < first:
        raise _invalid("filter[stopped_until]", "The filter.stopped_until must be a date after filter.started_from.")
    return [
        each
        for each in entries
        if status in (None, "active" if each["stopped_at"] is None else "finished")
        and (first is None or each["started_at"] >= first)
        and (last is None or (each["stopped_at"] is not None and each["stopped_at"] <= last))
    ]


def _moment(name: str) -> str | None:
    """The moment of a filter as a timestamp that compares with ours as a text."""
    told = request.args.get(name)
    if told is None:
        return None
    try:
        moment = datetime.fromisoformat(told)
        return timestamp(moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC))
    except (ValueError, OverflowError):
        raise _invalid(name, f"The {name} field must be a valid date.") from None


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 9


def _invalid(name: str, why: str) -> Refusal:
    return Refusal(422, "The given data was invalid.", errors={name: [why]})
