"""The receipt in the reader's words, once for the page, for print and for the document: they say the same.

It is made of what the session's end says (`Receipt`) and of the stored row: number, day of issue, and the seller as
they were on that day. Before that row is there, there is no receipt to show: no number, no rate and no seller.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

from kiosk.domain.bill import Line, Why, sum_of
from kiosk.domain.matching import MeterStand
from kiosk.domain.money import Money
from kiosk.domain.receipt import Receipt
from kiosk.domain.tariff import Component
from kiosk.domain.vat import Vat, vat_in, vat_of
from kiosk.store.records import StoredReceipt
from kiosk.web.shared.formats import clock_s, day, kwh_exact, kwh_price, money, number, percent
from kiosk.web.shared.text import _

TIMES = "\N{MULTIPLICATION SIGN}"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a list of amounts: `label`, under it `note`, at its end `amount`. `kind`: `sum`, `eg` (a step on the
    way) or nothing. `quantity` and `price` make up the note of a bought line, and have columns of their own on paper.
    """

    label: str
    amount: str
    note: str = ""
    kind: str = ""
    quantity: str = ""
    price: str = ""


@dataclass(frozen=True, slots=True)
class Paper:
    """What stands on a receipt. `cost`: something was taken, so it is a receipt and not only the proof of an end.
    `number` is None until it is written down.
    """

    cost: bool
    number: str | None
    issued: str
    bill: tuple[Row, ...]
    bill_notes: tuple[str, ...]
    seller: str
    seller_address: str
    vat_number: str
    refund_numbers: tuple[str, ...]
    refund: tuple[Row, ...]
    meter: tuple[Row, ...]
    meter_notes: tuple[str, ...]
    place: str
    buyer: tuple[str, ...]
    place_lines: tuple[str, ...]
    point_lines: tuple[str, ...]
    time_lines: tuple[str, ...]


def paper_of(
    receipt: Receipt, stored: StoredReceipt | None, code: str, zone: ZoneInfo, stand: MeterStand | None = None
) -> Paper:
    """`code` is the charger's, for whoever asks about this charge; `stand` what its own register said, once known."""
    seller = stored.document.get("seller", {}) if stored is not None else {}
    cost = receipt.taken is not None and receipt.taken.minor > 0
    vat = told_vat(receipt, stored)
    left = vat_in(receipt.kept, vat) if receipt.kept is not None else Vat()
    return Paper(
        cost=cost,
        number=stored.number if stored is not None else None,
        issued=day(stored.issued_at, zone) if stored is not None else "",
        bill=_bill(receipt, vat if stored is not None else None) if cost else (),
        bill_notes=_bill_notes(vat, seller.get("vat_percent")) if cost and stored is not None else (),
        seller=seller.get("legal_name") or seller.get("name") or "",
        seller_address=seller.get("address") or "",
        vat_number=seller.get("vat_number") or "",
        refund_numbers=tuple(refund_number(stored, count) for count, _one in enumerate(receipt.sent_back, start=1))
        if stored is not None
        else (),
        refund=_refund(receipt, stored, left, zone) if cost and receipt.sent_back else (),
        meter=(*_meter(receipt, stand, zone), *_point(seller.get("point_id"), code)),
        meter_notes=_meter_notes(receipt, stand),
        place=_place(seller),
        buyer=_buyer(stored),
        place_lines=_some(_joined(seller.get("site"), seller.get("place")), seller.get("site_address")),
        point_lines=_some(seller.get("point_id"), _joined(seller.get("charger"), _bay(seller)), code),
        time_lines=_time(receipt, zone),
    )


def told_vat(receipt: Receipt, stored: StoredReceipt | None) -> Vat:
    """The VAT in what was taken, by what upstream said and the rate of the day of issue."""
    if receipt.taken is None:
        return Vat()
    rate = stored.document.get("seller", {}).get("vat_percent") if stored is not None else None
    return vat_of(receipt.taken, receipt.tax, Decimal(rate) if rate is not None else None)


def _bill(receipt: Receipt, vat: Vat | None) -> tuple[Row, ...]:
    """Lines, what stands between them and the amount, the amount, and the tax in it, unless `vat` is None."""
    taken = receipt.taken
    if taken is None:
        return ()
    rows = [_line(one) for one in receipt.lines]
    if receipt.lines and receipt.adjustment is not None:
        rows.append(Row(_("By price and energy"), money(sum_of(receipt.lines, taken.currency)), kind="eg"))
        rows.append(_adjustment(receipt.adjustment.why, receipt.adjustment.amount))
    rows.append(Row(_("Total"), money(taken), kind="sum"))
    return (*rows, *(_tax_rows(vat) if vat is not None else ()))


def _line(line: Line) -> Row:
    energy = line.component is Component.PER_KWH
    price = kwh_price(line.unit_price) if energy else money(line.unit_price)
    quantity = kwh_exact(line.quantity) if energy else number(line.quantity)
    label = _("Energy") if energy else _("Session")
    return Row(label, money(line.amount), f"{quantity} {TIMES} {price}", quantity=quantity, price=price)


def _adjustment(why: Why, amount: Money) -> Row:
    match why:
        case Why.HOLD:
            return Row(_("Above your hold"), money(amount), _("You do not pay this."))
        case Why.ROUNDING:
            return Row(_("Rounding"), money(amount))
    return Row(
        _("Difference"), money(amount), _("Price and energy do not explain this. If you have a question, call us.")
    )


def _tax_rows(vat: Vat) -> tuple[Row, ...]:
    if vat.net is None or vat.tax is None:
        return ()
    label = _("%(percent)s VAT", percent=percent(vat.percent)) if vat.percent is not None else _("VAT")
    return Row(_("Net"), money(vat.net)), Row(label, money(vat.tax))


def _bill_notes(vat: Vat, rate: str | None) -> tuple[str, ...]:
    """What is said when nobody told the tax: the rate belongs to the price then, and no amount is made of it."""
    if vat.tax is not None:
        return ()
    unknown = _("How much VAT is in this amount was not told to us.")
    if rate is None:
        return (unknown,)
    return _("The price includes %(percent)s VAT.", percent=percent(Decimal(rate))), unknown


def refund_number(stored: StoredReceipt, count: int) -> str:
    """The receipt's number with the refund's own place, counted from 1: `2026-000001-R1`."""
    return f"{stored.number}-R{count}"


def _refund(receipt: Receipt, stored: StoredReceipt | None, left: Vat, zone: ZoneInfo) -> tuple[Row, ...]:
    if receipt.taken is None or receipt.kept is None:
        return ()
    receipt_number = _("No. %(number)s", number=stored.number) if stored is not None else ""
    rows = [Row(_("Receipt"), money(receipt.taken), receipt_number)]
    for count, one in enumerate(receipt.sent_back, start=1):
        when = f"{day(one.at, zone)}, {clock_s(one.at, zone, one.at)}"
        own = _("No. %(number)s", number=refund_number(stored, count)) if stored is not None else ""
        rows.append(
            Row(
                _("Sent back"),
                money(Money(-one.amount.minor, one.amount.currency)),
                ", ".join(each for each in (own, when) if each),
            )
        )
    rows.append(Row(_("You paid"), money(receipt.kept), kind="sum"))
    return (*rows, *(_tax_rows(left) if stored is not None else ()))


def _point(point_id: str | None, code: str) -> tuple[Row, ...]:
    named = (Row(_("Charging point"), point_id),) if point_id else ()
    return (*named, Row(_("Code of the charger"), code))


def _meter(receipt: Receipt, stand: MeterStand | None, zone: ZoneInfo) -> tuple[Row, ...]:
    rows = []
    if stand is not None:
        ends = ((_("Start"), stand.started_at, stand.start_wh), (_("End"), stand.stopped_at, stand.stop_wh))
        for label, told_at, register in ends:
            when = f"{day(told_at, zone)}, {clock_s(told_at, zone, told_at)}"
            rows.append(Row(label, kwh_exact(Decimal(register).scaleb(-3)), when))
        rows.append(Row(_("Difference"), kwh_exact(Decimal(stand.stop_wh - stand.start_wh).scaleb(-3)), kind="eg"))
        return tuple(rows)
    for label, moment in ((_("Start"), receipt.started_at), (_("End"), receipt.ended_at)):
        if moment is not None:
            rows.append(Row(label, clock_s(moment, zone, moment), day(moment, zone)))
    if receipt.energy_kwh is not None:
        label = _("Last figure that we saw") if receipt.last_figure else _("Energy")
        rows.append(Row(label, kwh_exact(receipt.energy_kwh)))
    return tuple(rows)


def _meter_notes(receipt: Receipt, stand: MeterStand | None) -> tuple[str, ...]:
    notes = []
    last = receipt.last_reading
    if last is not None and last.live_energy_kwh is not None and last.energy_kwh is not None:
        live, final = kwh_exact(last.live_energy_kwh), kwh_exact(last.energy_kwh)
        if last.live_cost is not None and last.cost is not None:
            notes.append(
                _(
                    "The last live figures were %(energy)s and %(cost)s. The last meter reading made it "
                    "%(final_energy)s and %(final_cost)s.",
                    energy=live,
                    cost=money(last.live_cost),
                    final_energy=final,
                    final_cost=money(last.cost),
                )
            )
        elif live != final:
            notes.append(
                _("The last live figure was %(energy)s. The last meter reading is %(final)s.", energy=live, final=final)
            )
    if stand is not None:
        notes.append(_("The charger sent these readings. They are not signed."))
    elif receipt.energy_kwh is not None and receipt.energy_kwh > 0:
        notes.append(_("The charger sent this figure. It is not signed."))
    return tuple(notes)


def _place(seller: dict[str, str | None]) -> str:
    """`Marktplatz garage, by the lift, Charger 2, bay 4. Am Marktplatz 1, 04229 Lindenau.`"""
    where = _joined(seller.get("site"), seller.get("place"), seller.get("charger"), _bay(seller))
    return " ".join(f"{each}." for each in _some(where, seller.get("site_address")))


def _bay(seller: dict[str, str | None]) -> str:
    bay = seller.get("bay")
    return _("bay %(bay)s", bay=bay) if bay else ""


def _buyer(stored: StoredReceipt | None) -> tuple[str, ...]:
    """Name, address and VAT number of a company that its owner added."""
    buyer = stored.document.get("buyer") if stored is not None else None
    if not buyer:
        return ()
    number = buyer.get("vat_number")
    address = str(buyer.get("address") or "").splitlines()
    return _some(buyer.get("name"), *address, _("VAT no. %(number)s", number=number) if number else "")


def _time(receipt: Receipt, zone: ZoneInfo) -> tuple[str, ...]:
    return tuple(
        f"{day(moment, zone)}, {clock_s(moment, zone, moment)}"
        for moment in (receipt.started_at, receipt.ended_at)
        if moment is not None
    )


def _some(*texts: str | None) -> tuple[str, ...]:
    return tuple(each for each in texts if each)


def _joined(*texts: str | None) -> str:
    return ", ".join(_some(*texts))
