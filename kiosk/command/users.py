"""`kiosk user`: who may sign in at the operator's desk."""

from __future__ import annotations

import getpass
import hashlib
import hmac
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime

from kiosk.config.settings import SettingsError
from kiosk.config.sites import SiteBook
from kiosk.domain.desk import Role
from kiosk.service.desk_people import add_person, give_password, new_password, remove_person
from kiosk.store import Store

BY = "command line"
"""Who did it, in the log."""


def add(
    store: Store, book: SiteBook, now: datetime, name: str, role: str, sites: Sequence[str], made: bool
) -> list[str]:
    """Lines that say so. Raises SettingsError."""
    known = [site.id for site in book.sites]
    unknown = [site for site in sites if site not in known]
    if unknown:
        raise SettingsError(f"There is no site {unknown[0]!r} in kiosk.toml; there are {', '.join(known) or 'none'}.")
    password = _password(made)
    _raise(add_person(store, name, password, Role(role), list(sites) or None, now, BY))
    return [f"{name.strip().lower()} may sign in as {role}.", *_shown(password, made)]


def set_password(store: Store, now: datetime, name: str, made: bool, without_codes: bool) -> list[str]:
    """Lines that say so. Raises SettingsError."""
    password = _password(made)
    _raise(give_password(store, name, password, now, BY, without_codes=without_codes))
    codes = ", needs no one-time code any more" if without_codes else ""
    return [f"{name} has a new password{codes} and is signed out everywhere.", *_shown(password, made)]


def remove(store: Store, now: datetime, name: str) -> str:
    """The sentence that says so. Raises SettingsError."""
    _raise(remove_person(store, name, now, BY))
    return f"{name} is signed out everywhere and cannot sign in any more. What they did stays in the log."


def listing(store: Store) -> Iterator[str]:
    """Everybody who may sign in, one a line."""
    rows: list[tuple[str, ...]] = [("name", "role", "sites", "one-time codes", "signed in")]
    for user in store.desk.users():
        person = user.person
        sites = "all" if person.sites is None else ", ".join(sorted(person.sites)) or "none"
        browsers = store.desk.browsers_of(person.id)
        rows.append((person.name, person.role.value, sites, "yes" if person.second else "no", str(browsers)))
    if len(rows) == 1:
        yield "Nobody may sign in. `kiosk user add NAME --role owner` makes the first one."
        return
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def demo_sign_in(store: Store, secret: str, now: datetime) -> tuple[str, str]:
    """Name and password of somebody who may do everything at a demo's desk: the same ones whenever it is asked."""
    return _demo_person(store, secret, now, "demo", Role.OWNER, None)


def demo_support(store: Store, secret: str, now: datetime, site: str) -> tuple[str, str]:
    """The same of somebody who answers calls for that site alone, and sends no money back."""
    return _demo_person(store, secret, now, "support", Role.SUPPORT, [site])


def _demo_person(
    store: Store, secret: str, now: datetime, name: str, role: Role, sites: Sequence[str] | None
) -> tuple[str, str]:
    mark = b"the demo's desk" if role is Role.OWNER else b"the demo's support"
    made = hmac.new(secret.encode(), mark, hashlib.sha256).hexdigest()
    password = "-".join(made[place : place + 4] for place in (0, 4, 8, 12))
    if store.desk.user(name) is None:
        add_person(store, name, password, role, sites, now, "demo")
    return name, password


def _password(made: bool) -> str:
    """A made one, or what is typed: twice at a keyboard, else the first line of what comes in."""
    if made:
        return new_password()
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != first:
        raise SettingsError("The two were not the same: nothing was changed.")
    return first


def _shown(password: str, made: bool) -> list[str]:
    return [f"Password  {password}"] if made else []


def _raise(problem: str | None) -> None:
    if problem is not None:
        raise SettingsError(problem)
