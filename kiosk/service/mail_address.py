"""The e-mail address that a driver types for the receipt, in the form in which it can be sent to."""

from __future__ import annotations

import re
import unicodedata

import idna

LONGEST = 255
_SENDABLE = re.compile(
    r"[^@\s\x00-\x1f<>,;:\"()\[\]\\]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?\.[A-Za-z0-9-]{2,63}"
)
"""What upstream's own check lets through, and nothing that could be read as a second address or as a header."""


def sendable(typed: str) -> str | None:
    """The address without what stands around it, with a domain that has letters beyond ASCII as mail servers know it
    (`anna@müller.example` is at `xn--mller-kva.example`). None when it looks like none.
    """
    if len(typed) > 2 * LONGEST:
        return None
    address = re.sub(r"^mailto:", "", unicodedata.normalize("NFC", typed).strip(), flags=re.IGNORECASE).rstrip(".")
    name, at, place = address.rpartition("@")
    if not place.isascii():
        try:
            place = idna.encode(place, uts46=True).decode()
        except idna.IDNAError:
            return None
    address = f"{name}{at}{place}"
    return address if len(address) <= LONGEST and _SENDABLE.fullmatch(address) else None
