"""The operator's own directory as the desk knows it: who somebody is by its word, and what they may do here for it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from kiosk.domain.desk import LONGEST_NAME, Role, may

FLOW_LIVES_SECONDS = 600
"""So long somebody may take at the directory."""
_STRANGE = re.compile(r"[^a-z0-9._@-]+")


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody, by a token of the directory whose signature was right. `subject` is theirs for ever at that issuer;
    `values` are those of the claim that roles follow from; `proved_at`: when they last proved there who they are.
    """

    issuer: str
    subject: str
    name: str
    values: frozenset[str]
    proved_at: datetime | None

    @property
    def mark(self) -> str:
        """What they are kept under: names change and are given to others, this is not."""
        return hashlib.sha256(f"{self.issuer}\n{self.subject}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Grant:
    """What a value of the claim is good for. `sites` None: all of them."""

    role: Role
    sites: frozenset[str] | None = None


class Directory(Protocol):
    """See `kiosk.upstream.oidc.client`."""

    def address(self, back: str, state: str, nonce: str, verifier: str, *, anew: bool = False) -> str:
        """Where somebody is sent. `anew`: they prove once more who they are. Raises DirectoryAway."""

    def identity(self, code: str, back: str, nonce: str, verifier: str) -> Identity:
        """Who came back with that code, which is spent by this. Raises DirectoryAway, DirectoryRefuses."""


class DirectoryAway(Exception):
    """No usable answer: nobody knows whether it worked. A code that was sent is not sent again."""


class DirectoryRefuses(Exception):
    """It answered, and does not vouch for anybody, or not in a way that can be believed. The text is for the log."""


def grant_of(values: Iterable[str], grants: Mapping[str, Grant]) -> Grant | None:
    """The highest role that one of the values gives, at all sites for which that role is given; None: they are nobody
    here.
    """
    found = [grants[value] for value in values if value in grants]
    if not found:
        return None
    role = next(one.role for one in found if all(may(one.role, other.role) for other in found))
    best = [one.sites for one in found if one.role is role]
    if None in best:
        return Grant(role)
    return Grant(role, frozenset().union(*(sites for sites in best if sites is not None)))


def read_grants(text: str) -> dict[str, Grant]:
    """`kiosk-owners=owner, garage-desk=support@marktplatz+depot`. Raises ValueError with a sentence."""
    found: dict[str, Grant] = {}
    for part in filter(None, (one.strip() for one in text.split(","))):
        value, sign, given = part.rpartition("=")
        role, _, sites = given.strip().partition("@")
        if not sign or not value.strip() or role not in {one.value for one in Role}:
            raise ValueError(
                f"{part!r} is neither value=role nor value=role@site, with viewer, support or owner as role"
            )
        found[value.strip()] = Grant(Role(role), frozenset(filter(None, sites.split("+"))) if sites else None)
    return found


def local_name(identity: Identity, taken: bool) -> str:
    """As the desk's log calls them. `taken`: somebody else is called so, and then it is told apart for ever."""
    name = _STRANGE.sub("-", identity.name.lower()).lstrip("-._@")[:LONGEST_NAME] or "somebody"
    return f"{name[: LONGEST_NAME - 9]}-{identity.mark[:8]}" if taken else name
