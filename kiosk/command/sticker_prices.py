"""What an operator should know of the prices before stickers for fast chargers are printed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kiosk.config.settings import Settings
from kiosk.config.sites import SiteBook
from kiosk.domain.fast import FAST_KW
from kiosk.service.fast import fast_codes, price_problem, reader_problems
from kiosk.store import Cipher, Store


def price_warnings(settings: Settings, book: SiteBook, codes: Sequence[str]) -> Iterator[str]:
    """Rules EU-03 and EU-05, for the chargers of an order. Prices are those that the kiosk last read."""
    yield from (problem.text for problem in reader_problems(book, codes))
    read: set[str] = set()
    file = settings.database_file
    if file is None or file.exists():
        store = Store(settings.database_url, Cipher(settings.secret_keys))
        try:
            if store.healthy():
                cards, makes = store.cards(codes), store.lab_facts(codes)
                read = {code for code, card in cards.items() if card.tariff is not None}
                found = (price_problem(card, book, makes.get(code)) for code, card in cards.items())
                yield from (problem.text for problem in found if problem is not None)
        finally:
            store.close()
    unread = [code for code in fast_codes(book, codes) if code not in read]
    if unread:
        yield (
            f"The price of {', '.join(unread)} was not read yet: from {FAST_KW} kW it may have no start fee (rule "
            "EU-05). Ask `kiosk doctor` when the kiosk has run for a minute."
        )
