"""The invoice for machines behind a receipt that was made out to a company; None where the facts do not make one."""

from __future__ import annotations

from decimal import Decimal
from zoneinfo import ZoneInfo

from kiosk.domain.bill import Why
from kiosk.domain.buyer import country_of
from kiosk.domain.money import Money, shown_decimals
from kiosk.domain.receipt import Receipt
from kiosk.domain.tariff import Component
from kiosk.domain.vat import net_parts, vat_of
from kiosk.paper.invoice import Invoice, Item, Party
from kiosk.store.records import StoredReceipt
from kiosk.web.shared.text import _


def invoice_of(receipt: Receipt, stored: StoredReceipt, zone: ZoneInfo) -> Invoice | None:
    """Only with a buyer and both countries, lines that explain the amount, and a tax that its rate makes."""
    seller, buyer = stored.document.get("seller", {}), stored.document.get("buyer")
    home, rate, taken = country_of(seller.get("vat_number")), seller.get("vat_percent"), receipt.taken
    if not buyer or not buyer.get("country") or home is None or rate is None or taken is None or not receipt.lines:
        return None
    vat, adjustment = vat_of(taken, receipt.tax, Decimal(rate)), receipt.adjustment
    if not vat.percent or vat.net is None or vat.tax is None or (adjustment and adjustment.why is Why.OTHER):
        return None
    amounts = [line.amount for line in receipt.lines] + ([adjustment.amount] if adjustment else [])
    nets = [_printed(part) for part in net_parts(amounts, vat)]
    count = len(receipt.lines)
    items = tuple(
        Item(
            _("Energy") if line.component is Component.PER_KWH else _("Session"),
            line.quantity,
            "KWH" if line.component is Component.PER_KWH else "C62",
            net,
        )
        for line, net in zip(receipt.lines, nets[:count], strict=True)
    )
    reason = _("Above your hold") if adjustment and adjustment.why is Why.HOLD else _("Rounding")
    ended = receipt.ended_at or receipt.taken_at or stored.issued_at
    return Invoice(
        number=stored.number,
        day=stored.issued_at.astimezone(zone).date(),
        delivered=ended.astimezone(zone).date(),
        currency=taken.currency,
        seller=Party(
            seller.get("legal_name") or seller.get("name") or "",
            tuple(line for line in (seller.get("address"),) if line),
            home,
            "".join(str(seller["vat_number"]).split()),
        ),
        buyer=Party(buyer["name"], tuple(buyer["address"].splitlines()), buyer["country"], buyer.get("vat_number")),
        items=items,
        adjustment=nets[count] if adjustment else Decimal(0),
        reason=reason,
        rate=vat.percent,
        net=_printed(vat.net),
        tax=_printed(vat.tax),
        gross=_printed(taken),
        paid=_("Paid by card."),
    )


def _printed(amount: Money) -> Decimal:
    return amount.major.quantize(Decimal(1).scaleb(-shown_decimals(amount.currency)))
