"""Why the tables of a month are not where they should be, in words: for commands, doctor and desk."""

from __future__ import annotations

from kiosk.domain.nightly import NotWritten

WHY = {
    NotWritten.AWAY: "nobody answers there",
    NotWritten.DENIED: "it lets the kiosk do nothing, or not this; look at user, password and rights",
    NotWritten.NO_PLACE: "the folder or bucket is not there; it is not made by the kiosk",
    NotWritten.FULL: "it is full, or takes no file as large as that",
    NotWritten.REFUSED: "it refused",
    NotWritten.UNKNOWN: "no usable answer came, so nobody knows whether it is there",
    NotWritten.NOT_MADE: "they could not be made here; the log says more, and is there room on this disk?",
}
"""As the rest of a sentence."""
