"""Letters and digits that nobody takes for one another: no 0 and O, no 1, I and L. For codes that people type."""

from __future__ import annotations

SIGNS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""31 of them: not quite five bits each."""


def in_signs(number: int, length: int) -> str:
    """The lowest `length` digits of the number, written in these signs. Always that long."""
    written = ""
    for _i in range(length):
        number, digit = divmod(number, len(SIGNS))
        written += SIGNS[digit]
    return written
