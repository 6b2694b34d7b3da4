"""Texts of kiosk.toml in the reader's language."""

from __future__ import annotations

from kiosk.config.texts import LocalText
from kiosk.web.shared.i18n import language


def said(text: str | None) -> str:
    """The text as the page speaks it; "" where there is none."""
    return text.said_in(language()) if isinstance(text, LocalText) else text or ""
