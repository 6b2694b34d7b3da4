"""The address behind a sticker and its QR code. Only the address is in the code, and nothing is drawn over it."""

from __future__ import annotations

from urllib.parse import urlsplit

from qrcode.constants import ERROR_CORRECT_Q  # type: ignore[import-untyped]
from qrcode.exceptions import DataOverflowError  # type: ignore[import-untyped]
from qrcode.main import QRCode  # type: ignore[import-untyped]

from kiosk.config.settings import SettingsError, is_loopback

QUIET = 4
"""Modules of white around a code, as its standard wants."""

LOOK_ALIKES = {"0": "O", "O": "0", "1": "I", "I": "1"}
"""Letters and digits that people mix up when they type a code by hand (rule Q-04)."""


def address(public_url: str, code: str) -> str:
    """`<public_url>/c/<code>` and nothing else: no parameter, no redirect (rule Q-03). Raises SettingsError."""
    parts = urlsplit(public_url)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
        raise SettingsError("KIOSK_PUBLIC_URL must begin with https:// before it is printed on a sticker.")
    return f"{public_url}/c/{code}"


def is_trial(public_url: str) -> bool:
    """The address leads to this machine, where no driver gets."""
    return is_loopback(urlsplit(public_url).hostname)


def typed(public_url: str) -> str:
    """What a driver types instead of scanning: the address without its scheme."""
    return urlsplit(public_url).netloc


def look_alikes(code: str) -> tuple[str, ...]:
    """The characters of a code that are easily mistaken, each once, in their order."""
    return tuple(dict.fromkeys(letter for letter in code if letter in LOOK_ALIKES))


def matrix(text: str) -> tuple[tuple[bool, ...], ...]:
    """The rows of the code, dark is true, without quiet zone. A quarter may be scratched. Raises SettingsError."""
    code = QRCode(error_correction=ERROR_CORRECT_Q, border=0)
    code.add_data(text)
    try:
        code.make(fit=True)
    except (DataOverflowError, ValueError):
        raise SettingsError("KIOSK_PUBLIC_URL is too long for a QR code.") from None
    return tuple(tuple(bool(dark) for dark in row) for row in code.get_matrix())
