"""Prices of chargers as upstream has had them: a row when what was read differs from what was read before."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, RowMapping, bindparam, delete, insert, select

from kiosk.domain.charger import ChargerCard
from kiosk.domain.price_history import PriceRead, price_read
from kiosk.domain.tariff import Tariff
from kiosk.store.rows import Part
from kiosk.store.tables import prices

KEPT = 500
"""Rows of a charger: one whose price changes all day keeps its newest."""
_OVER = (
    select(prices.c.id).where(prices.c.code == bindparam("whose")).order_by(prices.c.id.desc()).offset(KEPT).limit(1)
)


class Prices(Part):
    def prices_of(self, codes: Sequence[str]) -> list[PriceRead]:
        """Of these chargers, in the order in which they were read."""
        query = select(prices).where(prices.c.code.in_(codes)).order_by(prices.c.id)
        with self._database.read() as connection:
            return [_read(row) for row in connection.execute(query).mappings()]


def note_price(connection: Connection, before: ChargerCard | None, after: ChargerCard) -> None:
    """A card replaces another one: nothing is written where its price reads as it did."""
    read = price_read(before, after)
    if read is None:
        return
    tariff = read.tariff
    values = {
        "code": read.code,
        "currency": tariff.currency if tariff is not None else None,
        "price_per_kwh_minor": tariff.price_per_kwh_minor if tariff is not None else None,
        "start_fee_minor": tariff.start_fee_minor if tariff is not None else None,
        "hold_minor": read.hold_minor,
        "since": read.since,
        "before_at": read.before_at,
    }
    connection.execute(insert(prices).values(**values))
    over = connection.execute(_OVER, {"whose": read.code}).scalar_one_or_none()
    if over is not None:
        connection.execute(delete(prices).where(prices.c.code == read.code, prices.c.id <= over))


def _read(row: RowMapping) -> PriceRead:
    tariff = None
    if row["currency"] is not None:
        tariff = Tariff(row["currency"], row["price_per_kwh_minor"], row["start_fee_minor"])
    return PriceRead(row["code"], tariff, row["hold_minor"], row["since"], row["before_at"])
