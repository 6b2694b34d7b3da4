"""A picture of a charger: only of kinds that cannot carry scripts, told by their first bytes and not by a name."""

from __future__ import annotations

from dataclasses import dataclass

LARGEST_PICTURE = 150_000
"""Bytes. Drivers load it over a phone's connection, in a garage."""


@dataclass(frozen=True, slots=True)
class Picture:
    """`kind` is its media type."""

    kind: str
    body: bytes


def picture_of(body: bytes) -> Picture | None:
    """None for what is no PNG, JPEG or WebP, or is too large."""
    if len(body) > LARGEST_PICTURE:
        return None
    if body.startswith(b"\x89PNG\r\n\x1a\n"):
        return Picture("image/png", body)
    if body.startswith(b"\xff\xd8\xff"):
        return Picture("image/jpeg", body)
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return Picture("image/webp", body)
    return None
