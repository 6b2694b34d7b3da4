"""Keys of the JSON interface: made at the desk, shown once, known by their hash alone."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import timedelta
from enum import StrEnum

from kiosk.service.parts import Parts
from kiosk.store.access import ApiKey
from kiosk.store.errors import CannotWrite

PREFIX = "kiosk_"
"""So that whoever finds one knows what it opens, and scanners for lost secrets find it."""
LONGEST_NAME = 60
USED_EVERY = timedelta(minutes=1)
"""How exactly it is known when a key was used last."""


class Scope(StrEnum):
    """What a key may read."""

    SESSIONS = "sessions"
    RECEIPTS = "receipts"
    QUEUE = "queue"


class CannotMake(Exception):
    """`why`: `no_name`, or `no_scope`."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def make_key(parts: Parts, by: str, name: str, scopes: Collection[Scope], sites: Collection[str] | None) -> str:
    """A new key, to be shown this once. `sites` None: all. Raises CannotMake, CannotWrite."""
    name = " ".join(name.split())[:LONGEST_NAME]
    if not name:
        raise CannotMake("no_name")
    if not scopes:
        raise CannotMake("no_scope")
    now, key = parts.clock.now(), PREFIX + secrets.token_urlsafe(32)
    told = ", ".join(sorted(scopes)) + ("" if sites is None else f"; only {', '.join(sorted(sites))}")
    parts.store.desk.log(by, "made_key", now, subject=name, reason=told)
    parts.store.access.add_key(name, key, sorted(scopes), None if sites is None else sorted(sites), by, now)
    return key


def revoke_key(parts: Parts, by: str, key_id: int) -> None:
    """It opens nothing any more. In the log it stands before."""
    found = next((one for one in parts.store.access.all_keys() if one.id == key_id and one.revoked_at is None), None)
    if found is None:
        return
    now = parts.clock.now()
    parts.store.desk.log(by, "revoked_key", now, subject=found.name)
    parts.store.access.revoke_key(key_id, now)


def whose_key(parts: Parts, key: str) -> ApiKey | None:
    """The key that was shown with a request; None: it opens nothing."""
    if not key.startswith(PREFIX):
        return None
    found, now = parts.store.access.key_behind(key), parts.clock.now()
    if found is not None and (found.used_at is None or now - found.used_at > USED_EVERY):
        try:
            parts.store.access.key_used(found.id, now)
        except CannotWrite:  # whoever reads, reads on
            return found
    return found
