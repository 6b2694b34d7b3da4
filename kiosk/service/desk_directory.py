"""Signing in at the desk with the operator's own directory, and proving there once more who one is.

What the directory says of somebody's roles counts from one sign-in to the next. Nobody is let in whom the role map does
not name, however well they are known there.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from kiosk.config.settings import Settings, SettingsError
from kiosk.config.sites import SiteBook
from kiosk.domain.desk import FREE_TRIES_OF_A_NETWORK, SignedIn
from kiosk.domain.directory import (
    FLOW_LIVES_SECONDS,
    Directory,
    DirectoryAway,
    DirectoryRefuses,
    Grant,
    Identity,
    grant_of,
    local_name,
    read_grants,
)
from kiosk.service.desk_people import Entered
from kiosk.service.parts import Parts
from kiosk.store.desk import User

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
SKEW = timedelta(minutes=2)
"""How far the directory's clock may be from ours."""


@dataclass(frozen=True, slots=True)
class Flow:
    """What the browser keeps while somebody is at the directory. `signed_in`: the sign-in that is proved anew; None:
    a new one."""

    state: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    began_at: datetime
    after: str
    signed_in: int | None = None


class NotLetIn(StrEnum):
    """Why nobody is signed in."""

    OLD = "old"  # it took too long, was used before, or was not begun in this browser
    AWAY = "away"  # the directory gives no answer
    REFUSED = "refused"  # it does not vouch for them, or they said no there
    UNKNOWN = "unknown"  # the role map names them nowhere
    WAIT = "wait"  # too many tries from that network
    ANOTHER = "another"  # somebody else came back, or without proving anew who they are


def grants_of(settings: Settings, book: SiteBook) -> dict[str, Grant]:
    """The role map. Raises SettingsError."""
    try:
        found = read_grants(settings.oidc_roles or "")
    except ValueError as error:
        raise SettingsError(f"KIOSK_OIDC_ROLES: {error}.") from None
    known = {site.id for site in book.sites}
    for grant in found.values():
        unknown = sorted((grant.sites or frozenset()) - known)
        if unknown:
            raise SettingsError(f"KIOSK_OIDC_ROLES names the site {unknown[0]!r}, which is not in kiosk.toml.")
    return found


def begin(
    parts: Parts, directory: Directory, back: str, after: str, who: SignedIn | None = None
) -> tuple[str, Flow] | NotLetIn:
    """Where to send somebody, and what their browser keeps meanwhile. `who`: they are signed in, and prove anew who
    they are."""
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    try:
        address = directory.address(back, state, nonce, verifier, anew=who is not None)
    except (DirectoryAway, DirectoryRefuses):
        return NotLetIn.AWAY
    return address, Flow(state, nonce, verifier, parts.clock.now(), after, who.id if who is not None else None)


def come_back(
    parts: Parts, flow: Flow | None, back: str, query: Mapping[str, str], network: str, who: SignedIn | None
) -> Entered | SignedIn | NotLetIn:
    """Somebody came back from the directory: newly signed in, or proved anew. Raises CannotWrite.

    A code is sent once. When its answer is lost nobody is signed in, and they begin again.
    """
    now = parts.clock.now()
    if flow is None or not hmac.compare_digest(flow.state.encode(), query.get("state", "").encode()):
        return NotLetIn.OLD
    if not timedelta(0) <= (now - flow.began_at) / parts.clock.rate <= timedelta(seconds=FLOW_LIVES_SECONDS):
        return NotLetIn.OLD
    directory = parts.directory
    if directory is None or "error" in query or not query.get("code"):
        return NotLetIn.REFUSED
    place = f"network {network}"
    if parts.store.desk.begin_try({place: FREE_TRIES_OF_A_NETWORK}, now) is not None:
        return NotLetIn.WAIT
    try:
        identity = directory.identity(query["code"], back, flow.nonce, flow.verifier)
    except DirectoryAway:
        return NotLetIn.AWAY
    except DirectoryRefuses as error:
        parts.store.desk.log("directory", "directory_refused", now, reason=str(error))
        return NotLetIn.REFUSED
    found = _proved(parts, flow, identity, who) if flow.signed_in is not None else _enter(parts, identity)
    if not isinstance(found, NotLetIn):
        parts.store.desk.was_right([], place)
    return found


def _proved(parts: Parts, flow: Flow, identity: Identity, who: SignedIn | None) -> SignedIn | NotLetIn:
    """The same person, who has proved it since they were sent."""
    user = parts.store.desk.user_of_directory(identity.mark)
    same = who is not None and who.id == flow.signed_in and user is not None and user.person.id == who.person.id
    if not same or who is None or identity.proved_at is None or identity.proved_at < flow.began_at - SKEW:
        return NotLetIn.ANOTHER
    parts.store.desk.confirmed(who.id, parts.clock.now())
    return who


def _enter(parts: Parts, identity: Identity) -> Entered | NotLetIn:
    store, now = parts.store.desk, parts.clock.now()
    grant = grant_of(identity.values, parts.grants)
    user = store.user_of_directory(identity.mark)
    if grant is None:
        if user is not None:  # they may have been let in before
            store.log(user.person.name, "directory_took_rights", now)
            store.remove_user(user.person.id)
        else:
            store.log(local_name(identity, taken=False), "directory_not_known", now)
        return NotLetIn.UNKNOWN
    if user is None:
        user = _new(parts, identity, grant)
    elif (user.person.role, user.person.sites) != (grant.role, grant.sites):
        store.log(user.person.name, "directory_changed_rights", now, reason=_said(grant))
        store.set_rights(user.person.id, grant.role, None if grant.sites is None else sorted(grant.sites))
    token = secrets.token_urlsafe(32)
    store.log(user.person.name, "signed_in", now, reason="directory")
    store.sign_in(user.person.id, token, now, proved_at=min(identity.proved_at or _NEVER, now))
    return Entered(user.person, token)


def _new(parts: Parts, identity: Identity, grant: Grant) -> User:
    """Somebody who comes for the first time. A name that another one has is told apart."""
    store, now = parts.store.desk, parts.clock.now()
    sites = None if grant.sites is None else sorted(grant.sites)
    name = local_name(identity, taken=store.user(local_name(identity, taken=False)) is not None)
    store.log(name, "added_person", now, subject=name, reason=f"directory: {_said(grant)}")
    store.add_user(name, "", grant.role, sites, now, directory=identity.mark)
    found = store.user_of_directory(identity.mark)
    assert found is not None, "just added"  # noqa: S101
    return found


def _said(grant: Grant) -> str:
    return grant.role.value if grant.sites is None else f"{grant.role.value}, only {', '.join(sorted(grant.sites))}"
