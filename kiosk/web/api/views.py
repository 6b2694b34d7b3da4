"""The addresses of the JSON interface. Lists go on from a cursor: the last row of the page before, as one word."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import date, datetime, tzinfo
from typing import TypeVar

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from kiosk.config.sites import Site
from kiosk.config.sites import zone as zone_named
from kiosk.domain.attention import Attention
from kiosk.domain.desk_search import Said, whole_day
from kiosk.service.api_keys import Scope
from kiosk.service.desk_sessions import Group, search, whole
from kiosk.service.queue import is_place, page_of
from kiosk.store.finding import FoundSession, Place
from kiosk.store.handlings import State, Wanted
from kiosk.web.api import answers
from kiosk.web.api.access import (
    limit_api,
    limit_wrong_keys,
    needs_key,
    problem,
    seen_codes,
    sees_code,
    this_key,
)
from kiosk.web.api.description import MOST_ROWS, description
from kiosk.web.shared.parts import parts
from kiosk.web.shared.security import keep_private

bp = Blueprint("api", __name__)

ROWS = 50
LONGEST_CURSOR = 200
_SESSIONS = frozenset({"view", "site", "from", "to", "limit", "cursor"})
_QUEUE = frozenset({"state", "kind", "site", "limit", "cursor"})

W = TypeVar("W", Group, State, Attention)


class Wrong(Exception):
    """Something in the address cannot be meant: its name and what it may be."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self.name = name
        self.text = text


@bp.errorhandler(Wrong)
def _wrong(error: Wrong) -> ResponseReturnValue:
    return problem(400, "wrong_parameter", f"{error.name}: {error.text}")


@bp.after_request
def _private(answer: Response) -> Response:
    return keep_private(answer)


@bp.get("/openapi.json")
@limit_api
def openapi() -> ResponseReturnValue:
    """What the interface says of itself. For everybody: there is nothing of a session in it."""
    return jsonify(description(parts().settings.public_url))


@bp.get("/sessions")
@limit_api
@limit_wrong_keys
@needs_key(Scope.SESSIONS)
def sessions() -> ResponseReturnValue:
    """The newest first."""
    _only(_SESSIONS)
    site, most = _site(), _limit()
    zone = zone_named(site.timezone if site is not None else _first_zone())
    since, until = _day("from", zone), _day("to", zone)
    codes = _codes(site)
    between = (since[0] if since else None, until[1] if until else None)
    group, after = _one_of(Group, "view"), _place()
    found = search(parts(), Said(), codes=codes, group=group, between=between, after=after, most=most + 1)
    shown = found[:most]
    more = _cursor(_of(shown[-1])) if len(found) > most else None
    return jsonify(sessions=[answers.listed(one) for one in shown], next=more)


@bp.get("/sessions/<int:number>")
@limit_api
@limit_wrong_keys
@needs_key(Scope.SESSIONS)
def session(number: int) -> ResponseReturnValue:
    shown, found = whole(parts(), number, sees_code), parts().store.finding.by_number(number)
    if shown is None or found is None:
        return _not_there("session")
    return jsonify(answers.told(found, shown))


@bp.get("/sessions/<int:number>/receipt")
@limit_api
@limit_wrong_keys
@needs_key(Scope.RECEIPTS)
def receipt(number: int) -> ResponseReturnValue:
    """It may name the driver's company, so the desk's log says which key has read it."""
    shown = whole(parts(), number, sees_code)
    key = this_key()
    if shown is None or shown.receipt is None or key is None:
        return _not_there("receipt")
    parts().store.desk.log(f"key {key.name}", "read_receipt", parts().clock.now(), subject=str(number))
    return jsonify(answers.receipt(shown.receipt, parts().store.receipt_revisions(shown.receipt.number)))


@bp.get("/queue")
@limit_api
@limit_wrong_keys
@needs_key(Scope.QUEUE)
def queue() -> ResponseReturnValue:
    """What needs a person, the loudest and oldest first."""
    _only(_QUEUE)
    kind, codes = _one_of(Attention, "kind"), _codes(_site())
    wanted, after = (
        Wanted(_one_of(State, "state") or State.WAITS, None if kind is None else (kind,), codes),
        _uncovered(),
    )
    if after and not is_place(after, wanted.state):
        raise _no_cursor()
    found = page_of(parts().store, parts().site, wanted, parts().clock.now(), after or None, _limit())
    return jsonify(
        rows=[answers.row(one) for one in found.cases], next=_cursor(found.after) if found.after is not None else None
    )


def _not_there(what: str) -> Response:
    return problem(404, "not_there", f"There is no such {what}, or this key may not see its site.")


def _only(names: frozenset[str]) -> None:
    """A misspelt filter would otherwise answer with everything."""
    for name in request.args:
        if name not in names:
            raise Wrong(name[:40], f"there is no such parameter; use {', '.join(sorted(names))}")


def _site() -> Site | None:
    wanted = request.args.get("site")
    found = parts().site.site(wanted) if wanted is not None else None
    if wanted is not None and found is None:
        raise Wrong("site", "there is no site of that id")
    return found


def _codes(site: Site | None) -> tuple[str, ...] | None:
    """All that the key may see, or what it may see of one site; None: all, listed or not."""
    codes = seen_codes()
    if site is None:
        return codes
    theirs = tuple(one.code for one in site.chargers)
    return theirs if codes is None else tuple(code for code in theirs if code in codes)


def _first_zone() -> str:
    sites = parts().site.sites
    return sites[0].timezone if sites else "UTC"


def _limit() -> int:
    text = request.args.get("limit", str(ROWS))
    if not (text.isascii() and text.isdigit() and len(text) < 5 and 1 <= int(text) <= MOST_ROWS):
        raise Wrong("limit", f"a number from 1 to {MOST_ROWS}")
    return int(text)


def _one_of(words: type[W], name: str) -> W | None:
    text = request.args.get(name)
    try:
        return words(text) if text is not None else None
    except ValueError:
        raise Wrong(name, f"one of {', '.join(each.value for each in words)}") from None


def _day(name: str, zone: tzinfo) -> tuple[datetime, datetime] | None:
    text = request.args.get(name)
    if text is None:
        return None
    try:
        return whole_day(date.fromisoformat(text), zone)
    except (ValueError, OverflowError):
        raise Wrong(name, "a day such as 2026-11-20") from None


def _cursor(place: str) -> str:
    return urlsafe_b64encode(place.encode()).decode().rstrip("=")


def _no_cursor() -> Wrong:
    return Wrong("cursor", "take it from `next` of the page before")


def _uncovered() -> str:
    """What stands in the cursor; empty without one."""
    text = request.args.get("cursor", "")
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode() if len(text) <= LONGEST_CURSOR else "x"
    except (binascii.Error, ValueError):
        raise _no_cursor() from None


def _of(found: FoundSession) -> str:
    return f"{found.place.at.isoformat()}_{found.place.id}"


def _place() -> Place | None:
    text = _uncovered()
    if not text:
        return None
    at, _sign, number = text.partition("_")
    try:
        return Place(datetime.fromisoformat(at), int(number))
    except (ValueError, OverflowError):
        raise _no_cursor() from None
