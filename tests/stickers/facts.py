"""Facts for stickers, and strategies for any that an operator could write."""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies as st

from kiosk.config.languages import LANGUAGES
from kiosk.config.sites import SiteBook, load_site
from kiosk.stickers.layout import Box, Facts
from kiosk.stickers.words import in_order

HOME = Path(__file__).parent.parent.parent
EXAMPLE = HOME / "docs" / "kiosk.example.toml"
PUBLIC_URL = "https://charge.example"

FACTS = Facts(
    operator="Lindenau Energie",
    address=f"{PUBLIC_URL}/c/7MK4T",
    domain="charge.example",
    code="7MK4T",
    words=in_order(LANGUAGES, "en"),
    label="3 · 4",
    helpline="0800 555 0142",
)

_PRINTED = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZÅÉÖŮűçğłñőœß€&’“”„–·.,-0123456789"  # noqa: RUF001 - print has them
_WORDS = st.lists(st.text(_PRINTED, min_size=1, max_size=30), min_size=1, max_size=15).map(" ".join)
_HOSTS = st.from_regex(r"[a-z0-9]{1,20}(\.[a-z]{2,20}){1,2}", fullmatch=True)
_CODES = st.text("23456789ABCDEFGHJKLMNPQRSTUVWXYZ", min_size=1, max_size=16)


@st.composite
def any_facts(draw: st.DrawFn) -> Facts:
    host, code = draw(_HOSTS), draw(_CODES)
    languages = tuple(draw(st.lists(st.sampled_from(sorted(LANGUAGES)), min_size=1, unique=True)))
    return Facts(
        operator=draw(_WORDS),
        address=f"https://{host}/c/{code}",
        domain=host,
        code=code,
        words=in_order(languages, languages[-1]),
        label=draw(st.none() | _WORDS | st.text(_PRINTED, min_size=1, max_size=4)),
        helpline=draw(st.none() | _WORDS),
    )


def book(text: str, folder: Path) -> SiteBook:
    path = folder / "kiosk.toml"
    path.write_text(text, encoding="utf-8")
    return load_site(path)


def inside(box: Box, room: Box, slack: float = 1e-6) -> bool:
    return (
        box.x >= room.x - slack
        and box.y >= room.y - slack
        and box.right <= room.right + slack
        and box.bottom <= room.bottom + slack
    )


def apart(one: Box, other: Box, slack: float = 1e-6) -> bool:
    return (
        one.right <= other.x + slack
        or other.right <= one.x + slack
        or one.bottom <= other.y + slack
        or other.bottom <= one.y + slack
    )
