"""A one-use code that makes a tablet the screen of a site, asked for at the desk."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from kiosk.config.settings import SettingsError
from kiosk.config.sites import Site
from kiosk.domain.desk import Person
from kiosk.service.parts import Parts
from kiosk.store import Store

CODE_LIVES = timedelta(minutes=15)
LONGEST_NAME = 40


@dataclass(frozen=True, slots=True)
class PairingCode:
    """`code` is shown once, as people read it; it is typed at the tablet before `until`."""

    code: str
    name: str
    until: datetime


def new_code(parts: Parts, who: Person, site: Site, name: str) -> PairingCode:
    """For one more screen of that site; in the log before it is made. Without a name it gets the next free number.

    Raises SettingsError for a name that cannot be used, CannotWrite.
    """
    now = parts.clock.now()
    name = free_name(parts.store, now, name if name.strip() else None)
    until = now + CODE_LIVES * parts.clock.rate
    parts.store.desk.log(who.name, "made_pairing_code", now, subject=site.id, reason=name)
    code = parts.store.new_pairing(site.id, name, now, until)
    return PairingCode(spaced(code), name, until)


def spaced(code: str) -> str:
    """As people read it: `ABCD-EFGH`."""
    return f"{code[:4]}-{code[4:]}"


def free_name(store: Store, now: datetime, wanted: str | None) -> str:
    """The name as given, or the next free number. Two tablets of one name could not be told apart when one is lost.

    Raises SettingsError for one that cannot be used.
    """
    used = [*(one.name for one in store.tablets()), *store.waiting_names(now)]
    if wanted is None:
        return next(name for number in range(1, len(used) + 2) if (name := f"tablet-{number}") not in used)
    name = " ".join(wanted.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise SettingsError(f"A name has 1 to {LONGEST_NAME} letters.")
    if name.isdigit():
        raise SettingsError("A name that is a number would be taken for an id: add a letter.")
    if any(same_name(name, other) for other in used):
        raise SettingsError(f"A tablet called {name!r} is there already: choose another name, or unpair it first.")
    return name


def same_name(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()
