"""Which of the operator's chargers break a rule for fast ones, by kiosk.toml and what was last read of them.

`kiosk doctor` and `kiosk stickers` both ask it, so that neither is silent where the other speaks. Rules EU-03, EU-05.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from kiosk.config.sites import SiteBook
from kiosk.config.union import may_be_in_union
from kiosk.domain.charger import ChargerCard
from kiosk.domain.fast import FAST_KW, breaks_price_rule, is_fast
from kiosk.domain.lab import LabFacts
from kiosk.domain.money import Money
from kiosk.store.store import Store

_SLOW = frozenset({"type2", "schuko"})


@dataclass(frozen=True, slots=True)
class FastProblem:
    """`broken`: the rule is broken for certain; else something is missing that nobody but the operator knows."""

    code: str
    text: str
    broken: bool


def price_problem(card: ChargerCard, book: SiteBook, make: LabFacts | None) -> FastProblem | None:
    """A start fee where only a price per kWh may stand, or may be one."""
    if card.tariff is None or not _in_union(card.code, book):
        return None
    charger = book.charger(card.code)
    kw = _most_kw(card.code, [each.connector_id for each in card.connectors], book, make)
    breaks = breaks_price_rule(card.tariff, kw, charger.installed_on if charger is not None else None)
    fee = _amount(card.tariff.start_fee)
    if breaks and kw is not None:
        return FastProblem(
            card.code,
            f"Charger {card.code} gives {_figure(kw)} kW and has a start fee of {fee}: from {FAST_KW} kW the price may "
            "be one per kWh alone (AFIR, Article 5(4); rule EU-05). Set the start fee to 0 in Plugchoice. Points from "
            "before 13 April 2024 are free of it: set installed_on in kiosk.toml.",
            broken=True,
        )
    if breaks is None and _may_be_fast(card, book):
        return FastProblem(
            card.code,
            f"Charger {card.code} has a start fee of {fee}, and kiosk.toml does not say its max_kw: from {FAST_KW} kW "
            "no such fee may stand beside the price per kWh (rule EU-05).",
            broken=False,
        )
    return None


def broken_prices(store: Store, book: SiteBook, codes: Sequence[str]) -> dict[str, bool | None]:
    """By code, whether the price as last read breaks the rule for certain; None: price or power is not known."""
    cards, makes = store.cards(codes), store.lab_facts(codes)
    told: dict[str, bool | None] = {}
    for code in codes:
        card = cards.get(code)
        problem = price_problem(card, book, makes.get(code)) if card is not None else None
        unknown = card is None or card.tariff is None or (problem is not None and not problem.broken)
        told[code] = None if unknown else problem is not None
    return told


def reader_problems(book: SiteBook, codes: Sequence[str]) -> Iterator[FastProblem]:
    """Fast chargers of which nobody says where their card reader is."""
    for code in fast_codes(book, codes):
        site, charger = book.site_of(code), book.charger(code)
        if site is not None and charger is not None and not (charger.card_reader or site.card_reader):
            yield FastProblem(
                code,
                f"Charger {code} gives {FAST_KW} kW or more, where a page like this is an extra and a card reader is "
                "what the law asks for (AFIR, Article 5(1); rule EU-03): set card_reader, where it is, in kiosk.toml.",
                broken=False,
            )


def fast_codes(book: SiteBook, codes: Sequence[str]) -> tuple[str, ...]:
    """Those that give 50 kW or more by kiosk.toml, where the rules hold."""
    return tuple(
        code
        for code in codes
        if (charger := book.charger(code)) is not None
        and _in_union(code, book)
        and is_fast(_most_kw(code, list(charger.bays), book, None))
    )


def _in_union(code: str, book: SiteBook) -> bool:
    site = book.site_of(code)
    return site is None or may_be_in_union(site.timezone)


def _most_kw(code: str, numbers: Sequence[int], book: SiteBook, make: LabFacts | None) -> Decimal | None:
    """The most that any of its connectors gives, by the operator's word, else by the maker's for the whole charger."""
    charger = book.charger(code)
    told = [book.most_kw(code, each) for each in numbers] or [charger.max_kw if charger is not None else None]
    known = [kw for kw in told if kw is not None]
    if known:
        return max(known)
    return make.max_kw if make is not None and len(numbers) <= 1 else None


def _may_be_fast(card: ChargerCard, book: SiteBook) -> bool:
    """False only where every plug is known to be one for alternating current, which never gives so much."""
    charger = book.charger(card.code)
    for connector in card.connectors:
        bay = charger.bays.get(connector.connector_id) if charger is not None else None
        slow = "AC" in (connector.power_type or "").upper() or (bay is not None and bay.connector in _SLOW)
        if not slow:
            return True
    return not card.connectors


def _amount(money: Money) -> str:
    return f"{money.major} {money.currency}"


def _figure(kw: Decimal) -> str:
    return f"{kw.normalize():f}"
