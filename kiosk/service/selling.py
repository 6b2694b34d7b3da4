"""Whose chargers are sold here: those of the operator whose name and VAT number stand on the receipt, and no others."""

from __future__ import annotations

from kiosk.config.settings import Settings
from kiosk.config.sites import SiteBook
from kiosk.domain.ownership import LEARNT_COUNTS, Whose, whose
from kiosk.service.parts import Parts
from kiosk.service.waiting import wait_for_card
from kiosk.store.store import Store

OWNER_WAIT = 3.0
"""Seconds that a driver waits to hear whose the charger is."""


def sells_unlisted(settings: Settings) -> bool:
    """Any charger of Plugchoice's is sold, whoever owns it: only where it is set."""
    return settings.sell_unlisted


def learns_own(settings: Settings) -> bool:
    """The operator's token tells which chargers are the operator's, besides those of kiosk.toml."""
    return settings.plugchoice_token is not None and not settings.sell_unlisted


def whose_charger(parts: Parts, code: str) -> Whose:
    """As far as it is known now. kiosk.toml lists the charger, or the operator's token sees it: ours."""
    own = parts.site.charger(code) is not None or sells_unlisted(parts.settings)
    learns = learns_own(parts.settings)
    if own or not learns:
        return Whose.OURS if own else Whose.ANOTHERS
    store = parts.store
    return whose(own=store.is_own_charger(code), learns=learns, known=store.own_list(), now=parts.clock.now())


def seems_anothers(parts: Parts, owner: Whose) -> bool:
    """`owner` is what is known of a charger now: another's, or hardly ours, because lists of the last day lack it."""
    if owner is Whose.OURS or owner is Whose.ANOTHERS:
        return owner is Whose.ANOTHERS
    return parts.store.own_list().learnt_within(parts.clock.now(), LEARNT_COUNTS)


def whose_now(parts: Parts, code: str) -> Whose:
    """The same, for somebody who stands in front of it: the engine is asked, and has a moment to find out."""
    known = whose_charger(parts, code)
    if known is not Whose.ASKING:
        return known
    if parts.store.ask_whose(code, parts.clock.now()):
        parts.news.wish()
    wait_for_card(parts, code, lambda _card: whose_charger(parts, code) is not Whose.ASKING, OWNER_WAIT)
    return whose_charger(parts, code)


def selling_problem(settings: Settings, book: SiteBook) -> str | None:
    """What an operator should know about it before drivers come, as a sentence."""
    if book.codes or settings.plugchoice_token is not None or settings.sell_unlisted:
        return None
    return (
        "Nothing can be sold: nobody says which chargers are yours. List them in kiosk.toml, or set "
        "KIOSK_PLUGCHOICE_TOKEN. KIOSK_SELL_UNLISTED=true sells everybody's chargers under your name."
    )


def sold_codes(settings: Settings, site: SiteBook, store: Store) -> list[str]:
    """The codes of the operator's own chargers: those that kiosk.toml lists, then those that the token has shown."""
    shown = [each.code for each in store.own_chargers() if each.code is not None] if learns_own(settings) else []
    return list(dict.fromkeys((*site.codes, *sorted(shown))))
