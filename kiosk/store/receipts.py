"""Receipts: numbered without gaps within a year (UTC), never lost, and never changed without keeping what they were."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from kiosk.store.database import changed_one, insert_once
from kiosk.store.records import ReceiptRevision, StoredReceipt
from kiosk.store.rows import Part, lock_session
from kiosk.store.tables import receipt_revisions, receipt_years, receipts
from kiosk.store.types import dump, utc

BUYER = "buyer"
"""The part of a document that its owner added; everything else is the caller's."""
MOST_REVISIONS = 50
"""A receipt that was changed so often takes no more changes from its owner."""
_SELECT = select(receipts.c.number, receipts.c.issued_at, receipts.c.revised_at, receipts.c.document)


class Receipts(Part):
    def issue_receipt(self, key: str, document: dict[str, Any], now: datetime) -> str:
        """The receipt's number. Again with the same document: nothing changes. Raises Missing, and what JSON raises.

        Again with another document: number and date of issue stay, and the buyer who was added since; the old document
        goes to the revisions.
        """
        wanted = json.loads(dump(document))
        with self._database.write() as connection:
            lock_session(connection, key)
            known = _read(connection, key)
            if known is None:
                number = _next_number(connection, utc(now).year)
                values = {"number": number, "session_key": key, "issued_at": now, "document": document}
                connection.execute(insert(receipts).values(**values))
                return number
            if BUYER in known.document:
                wanted = {**wanted, BUYER: known.document[BUYER]}
            _revise(connection, known, wanted, now)
            return known.number

    def add_buyer(self, key: str, buyer: dict[str, Any], now: datetime) -> bool:
        """To whom the receipt is made out. False when there is no receipt yet, or it was changed too often."""
        with self._database.write() as connection:
            lock_session(connection, key)
            known = _read(connection, key)
            if known is None or _revisions(connection, known.number) >= MOST_REVISIONS:
                return False
            _revise(connection, known, {**known.document, BUYER: json.loads(dump(buyer))}, now)
            return True

    def receipt(self, key: str) -> StoredReceipt | None:
        with self._database.read() as connection:
            return _read(connection, key)

    def rates_of(self, keys: Collection[str]) -> dict[str, Decimal | None]:
        """The rate of VAT in per cent on the day on which the receipt of each was issued, by the session's key; None
        when none was set then. A session without a receipt is left out.
        """
        query = select(receipts.c.session_key, receipts.c.document).where(receipts.c.session_key.in_(keys))
        with self._database.read() as connection:
            found = {row.session_key: row.document.get("seller", {}) for row in connection.execute(query)}
        told = {key: seller.get("vat_percent") for key, seller in found.items()}
        return {key: None if percent is None else Decimal(percent) for key, percent in told.items()}

    def receipt_numbers(self, keys: Collection[str]) -> dict[str, str]:
        """The numbers of the receipts of these sessions, by the session's key; one without is left out."""
        query = select(receipts.c.session_key, receipts.c.number).where(receipts.c.session_key.in_(keys))
        with self._database.read() as connection:
            return {row.session_key: row.number for row in connection.execute(query)}

    def receipt_revisions(self, number: str) -> list[ReceiptRevision]:
        """What the receipt of that number said before, oldest first."""
        columns = (receipt_revisions.c.number, receipt_revisions.c.replaced_at, receipt_revisions.c.document)
        query = select(*columns).where(receipt_revisions.c.number == number).order_by(receipt_revisions.c.id)
        with self._database.read() as connection:
            return [ReceiptRevision(**row) for row in connection.execute(query).mappings()]

    def session_by_receipt(self, number: str) -> str | None:
        """The key of the session that has this receipt."""
        query = select(receipts.c.session_key).where(receipts.c.number == number)
        with self._database.read() as connection:
            return connection.execute(query).scalar_one_or_none()


def _read(connection: Connection, key: str) -> StoredReceipt | None:
    row = connection.execute(_SELECT.where(receipts.c.session_key == key)).mappings().one_or_none()
    return None if row is None else StoredReceipt(**row)


def _revise(connection: Connection, known: StoredReceipt, wanted: dict[str, Any], now: datetime) -> None:
    """Keep what the receipt said, and let it say `wanted`. Nothing happens when it says that already."""
    if known.document == wanted:
        return
    old = {"number": known.number, "replaced_at": now, "document": known.document}
    connection.execute(insert(receipt_revisions).values(**old))
    this = receipts.c.number == known.number
    connection.execute(update(receipts).where(this).values(document=wanted, revised_at=now))


def _revisions(connection: Connection, number: str) -> int:
    query = select(func.count()).select_from(receipt_revisions).where(receipt_revisions.c.number == number)
    return connection.execute(query).scalar_one()


def _next_number(connection: Connection, year: int) -> str:
    """Counted in the same transaction as the receipt, so that a roll-back gives the number back."""
    this = receipt_years.c.year == year
    if not changed_one(connection, update(receipt_years).where(this).values(last=receipt_years.c.last + 1)):
        insert_once(connection, receipt_years, {"year": year, "last": 1})
    last: int = connection.execute(select(receipt_years.c.last).where(this)).scalar_one()
    return f"{year}-{last:06d}"
