"""Who may come to the operator's desk: names, passwords, one-time codes, and what a guesser meets.

Passwords are kept as Argon2id. A try is counted before its password is looked at. Who guesses waits longer each time,
by account and by network; a browser in which somebody has signed in before is counted by itself, so that a guesser
elsewhere keeps nobody out of it.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from threading import BoundedSemaphore

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from kiosk.domain.desk import (
    FREE_TRIES,
    FREE_TRIES_OF_A_NETWORK,
    LONGEST_NAME,
    Person,
    Role,
    SignedIn,
    is_over,
    password_problem,
)
from kiosk.service.parts import Parts
from kiosk.store.desk import User
from kiosk.store.errors import CannotWrite
from kiosk.store.store import Store

STEP_SECONDS = 30
RECOVERY_CODES = 8
SEEN_EVERY_SECONDS = 60
"""How exactly it is known when somebody was last there."""
_SIGNS = "23456789abcdefghjkmnpqrstuvwxyz"
_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]*")
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""The second choice of RFC 9106's kind by OWASP's password storage sheet: 19 MiB, so that a small machine keeps up."""
_AT_ONCE = BoundedSemaphore(2)
"""Passwords that are looked at in the same moment: strangers take no more than that from drivers."""
_PATIENCE = 5.0
_NOBODYS = _HASHER.hash(secrets.token_urlsafe(16))
"""Looked at for a name that nobody has, so that it takes as long."""


class Refused(StrEnum):
    """Why somebody is not let in. Nothing of it says whether there is anybody of that name."""

    WRONG = "wrong"  # name, password or code
    CODE = "code"  # the password is right, and a one-time code is wanted as well
    WAIT = "wait"  # too many wrong tries
    OFF = "off"  # passwords are switched off: the directory lets people in
    BUSY = "busy"  # too many try in this moment


@dataclass(frozen=True, slots=True)
class Entered:
    """Somebody is signed in in one browser, which shows `token` from now on."""

    person: Person
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NotEntered:
    """`until`: before then no try is taken."""

    why: Refused
    until: datetime | None = None


def sign_in(
    parts: Parts, name: str, password: str, code: str, *, network: str, browser: str | None = None
) -> Entered | NotEntered:
    """Let somebody in. `browser`: what a browser is known by in which that person has signed in before. Raises
    CannotWrite.
    """
    if not parts.settings.desk_passwords:
        return NotEntered(Refused.OFF)
    store, now, name = parts.store.desk, parts.clock.now(), name.strip().lower()
    account, place = f"account {name}", f"network {network}"
    whos = (
        {f"browser {browser} {name}": FREE_TRIES} if browser else {account: FREE_TRIES, place: FREE_TRIES_OF_A_NETWORK}
    )
    until = store.begin_try(whos, now)
    if until is not None:
        return NotEntered(Refused.WAIT, until)
    user = store.user(name)
    fits = _fits(password, user.password if user is not None else _NOBODYS)
    if fits is None:
        return NotEntered(Refused.BUSY)
    if user is None or not fits:
        if user is not None and store.tries_of(next(iter(whos))) == FREE_TRIES:
            store.log(name, "tries_blocked", now)
        return NotEntered(Refused.WRONG)
    if user.person.second and not code.strip():
        return NotEntered(Refused.CODE)
    if user.person.second and not _proves(parts, user, code):
        return NotEntered(Refused.WRONG)
    store.was_right([who for who in whos if who != place], place if place in whos else None)
    token = secrets.token_urlsafe(32)
    store.log(name, "signed_in", now)
    store.sign_in(user.person.id, token, now)
    return Entered(user.person, token)


def who_is(parts: Parts, token: str, *, asked_for: bool = True) -> SignedIn | None:
    """Whoever is signed in in the browser with that token; None when nobody is, or it was too long ago.

    `asked_for`: a person wants this page. What a page fetches by itself keeps nobody signed in.
    """
    store, now, rate = parts.store.desk, parts.clock.now(), parts.clock.rate
    found = store.signed_in(token)
    if found is None:
        return None
    if is_over(found, now, rate):
        store.sign_out(found.id)
        return None
    if asked_for and (now - found.seen_at).total_seconds() > SEEN_EVERY_SECONDS * rate:
        try:
            store.seen(found.id, now)
        except CannotWrite:  # they read on
            return found
    return found


def confirm_password(parts: Parts, who: SignedIn, password: str) -> bool | datetime:
    """The password once more, before money moves. A moment: until then no try is taken. Raises CannotWrite."""
    store, now, name = parts.store.desk, parts.clock.now(), who.person.name
    this = f"signed in {who.id} {name}"
    until = store.begin_try({this: FREE_TRIES}, now)
    if until is not None:
        return until
    user = store.user(name)
    if user is None or not _fits(password, user.password):
        return False
    store.was_right([this])
    store.confirmed(who.id, now)
    return True


def sign_out(parts: Parts, who: SignedIn, *, everywhere: bool = False) -> None:
    """From this browser, or from all of them."""
    store = parts.store.desk
    store.log(who.person.name, "signed_out_everywhere" if everywhere else "signed_out", parts.clock.now())
    if everywhere:
        store.sign_out_everywhere(who.person.id)
    else:
        store.sign_out(who.id)


def change_password(parts: Parts, who: SignedIn, old: str, new: str) -> str | None:
    """A new password of their own; they are signed out everywhere. What is wrong with it as a sentence, or None."""
    problem = password_problem(new, who.person.name)
    if problem is not None:
        return problem
    right = confirm_password(parts, who, old)
    if right is not True:
        return "That is not your password of until now."
    parts.store.desk.log(who.person.name, "changed_password", parts.clock.now())
    parts.store.desk.set_password(who.person.id, _HASHER.hash(new))
    return None


def new_secret() -> str:
    """For one-time codes: what an authenticator app is given."""
    return pyotp.random_base32()


def secret_uri(secret: str, name: str, issuer: str) -> str:
    """What the square code for the app holds."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=issuer)


def turn_on_codes(parts: Parts, who: SignedIn, secret: str, code: str) -> list[str] | None:
    """One-time codes from now on, once a first one was right: the recovery codes, shown this once. None: it was not."""
    step = _step_of(parts, secret, code)
    if step is None:
        return None
    recovery = ["".join(secrets.choice(_SIGNS) for _ in range(10)) for _ in range(RECOVERY_CODES)]
    parts.store.desk.log(who.person.name, "codes_on", parts.clock.now())
    parts.store.desk.set_second(who.person.id, secret, step, recovery)
    return recovery


def turn_off_codes(parts: Parts, who: SignedIn) -> None:
    parts.store.desk.log(who.person.name, "codes_off", parts.clock.now())
    parts.store.desk.set_second(who.person.id, None, None)


def add_person(
    store: Store, name: str, password: str, role: Role, sites: Sequence[str] | None, now: datetime, by: str
) -> str | None:
    """Somebody new. What is wrong as a sentence; None: done."""
    name = name.strip().lower()
    if not _NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        return f"A name has 1 to {LONGEST_NAME} signs: small letters, figures, . _ @ and -."
    problem = password_problem(password, name)
    if problem is not None:
        return problem
    if not store.desk.add_user(name, _HASHER.hash(password), role, sites, now):
        return f"There is somebody called {name} already."
    limited = "" if sites is None else f", only {', '.join(sites)}"
    store.desk.log(by, "added_person", now, subject=name, reason=f"{role.value}{limited}")
    return None


def give_password(store: Store, name: str, password: str, now: datetime, by: str, *, without_codes: bool) -> str | None:
    """A new password for somebody who has lost theirs, and no one-time codes any more if that is wanted too. They are
    signed out everywhere, and wrong tries are forgotten. What is wrong as a sentence; None: done."""
    user = store.desk.user(name.strip().lower())
    if user is None:
        return f"Nobody is called {name}: see `kiosk user list`."
    problem = password_problem(password, user.person.name)
    if problem is not None:
        return problem
    store.desk.log(by, "gave_password", now, subject=user.person.name)
    store.desk.set_password(user.person.id, _HASHER.hash(password))
    store.desk.was_right([f"account {user.person.name}"])
    if without_codes:
        store.desk.log(by, "took_codes_away", now, subject=user.person.name)
        store.desk.set_second(user.person.id, None, None)
    return None


def remove_person(store: Store, name: str, now: datetime, by: str) -> str | None:
    """They are signed out everywhere, and gone. What is wrong as a sentence; None: done."""
    user = store.desk.user(name.strip().lower())
    if user is None:
        return f"Nobody is called {name}: see `kiosk user list`."
    store.desk.log(by, "removed_person", now, subject=user.person.name)
    store.desk.remove_user(user.person.id)
    return None


def new_password() -> str:
    """One that nobody guesses and that can be read aloud."""
    return "-".join("".join(secrets.choice(_SIGNS) for _ in range(5)) for _ in range(4))


def _fits(password: str, stored: str) -> bool | None:
    """None: too many are looked at just now."""
    if not _AT_ONCE.acquire(timeout=_PATIENCE):
        return None
    try:
        return _HASHER.verify(stored, password[:1000])
    except (Argon2Error, InvalidHashError):
        return False
    finally:
        _AT_ONCE.release()


def _proves(parts: Parts, user: User, code: str) -> bool:
    """The code is one of now that was not used yet, or a recovery code, which is spent by it."""
    typed = "".join(code.split()).lower()
    step = _step_of(parts, user.secret, typed) if user.secret else None
    if step is not None:
        return parts.store.desk.use_step(user.person.id, step)
    if not parts.store.desk.use_recovery(user.person.id, typed):
        return False
    parts.store.desk.log(user.person.name, "used_recovery_code", parts.clock.now())
    return True


def _step_of(parts: Parts, secret: str, code: str) -> int | None:
    """The half minute of which the code is, at most one away from now (RFC 6238 5.2)."""
    typed, now = "".join(code.split()), int(parts.clock.now().timestamp()) // STEP_SECONDS
    generator = pyotp.TOTP(secret, interval=STEP_SECONDS)
    for step in (now, now - 1, now + 1):
        if hmac.compare_digest(generator.generate_otp(step).encode(), typed.encode()):
            return step
    return None
