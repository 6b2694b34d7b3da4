"""One refund as a document of its own: what was sent back, when, of which receipt, and what is left of that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from kiosk.config.languages import LANGUAGES
from kiosk.domain.money import Money
from kiosk.domain.receipt import Receipt
from kiosk.domain.vat import Vat, part_of, vat_in
from kiosk.paper.sheet import Fact, Sheet, Table, TableRow
from kiosk.store.records import StoredReceipt
from kiosk.web.session.paper import Paper, Row, refund_number, told_vat
from kiosk.web.session.sheet import seller_lines
from kiosk.web.shared.formats import clock_s, day, money, percent
from kiosk.web.shared.i18n import language
from kiosk.web.shared.parts import parts
from kiosk.web.shared.text import _


@dataclass(frozen=True, slots=True)
class RefundPaper:
    """`whole`: nothing is left of what was taken. `amount` is above zero; `day` is that of the refund, at the site."""

    number: str
    receipt: str
    receipt_day: str
    whole: bool
    amount: Money
    at: str
    day: date
    rows: tuple[Row, ...]


def refund_of(receipt: Receipt, stored: StoredReceipt, count: int, zone: ZoneInfo) -> RefundPaper | None:
    """The refund of that place, counted from 1; None when there is none."""
    if receipt.taken is None or not 1 <= count <= len(receipt.sent_back):
        return None
    one = receipt.sent_back[count - 1]
    earlier = sum(each.amount.minor for each in receipt.sent_back[: count - 1])
    before = Money(max(0, receipt.taken.minor - earlier), receipt.taken.currency)
    after = Money(max(0, before.minor - one.amount.minor), before.currency)
    whole = told_vat(receipt, stored)
    when = f"{day(one.at, zone)}, {clock_s(one.at, zone, one.at)}"
    rows = [Row(_("Taken"), money(receipt.taken), _("Receipt no. %(number)s", number=stored.number))]
    if earlier:
        rows.append(Row(_("Sent back before"), money(Money(-earlier, before.currency))))
    rows += [
        Row(_("Sent back"), money(_minus(one.amount)), when, kind="sum"),
        *_tax_rows(part_of(vat_in(before, whole), vat_in(after, whole))),
        Row(_("What you paid in the end"), money(after), kind="eg"),
    ]
    return RefundPaper(
        number=refund_number(stored, count),
        receipt=stored.number,
        receipt_day=day(stored.issued_at, zone),
        whole=after.minor == 0,
        amount=one.amount,
        at=when,
        day=one.at.astimezone(zone).date(),
        rows=tuple(rows),
    )


def _tax_rows(vat: Vat) -> tuple[Row, ...]:
    if vat.net is None or vat.tax is None:
        return ()
    label = _("%(percent)s VAT", percent=percent(vat.percent)) if vat.percent is not None else _("VAT")
    return Row(_("Net"), money(_minus(vat.net))), Row(label, money(_minus(vat.tax)))


def _minus(amount: Money) -> Money:
    return Money(-amount.minor, amount.currency)


def sentence_of(refund: RefundPaper) -> str:
    amount, number = money(refund.amount), refund.receipt
    if refund.whole:
        return _("We sent back %(amount)s: all that was left of receipt no. %(number)s.", amount=amount, number=number)
    return _("We sent back %(amount)s: a part of receipt no. %(number)s.", amount=amount, number=number)


def refund_sheet(refund: RefundPaper, paper: Paper, stored: StoredReceipt, address: str) -> Sheet:
    """The same for A4. `paper` is the receipt's, for who sold and to whom; `address` is the refund's own page."""
    seller = stored.document.get("seller", {})
    kind = _("Refund")
    told = (Fact(_("Receipt"), (_("No. %(number)s", number=refund.receipt), refund.receipt_day)),)
    place = (Fact(_("Place of charging"), paper.place_lines),) if paper.place_lines else ()
    table = Table(
        sentence_of(refund),
        (_("Item"), _("Amount")),
        tuple(TableRow((row.label, row.amount), row.kind, row.note) for row in refund.rows),
        (_("Ask your bank if you do not see it after 10 days."),),
    )
    helpline = parts().site.operator.helpline
    here = _("This stays at %(address)s. No account needed.", address=address.removeprefix("https://"))
    return Sheet(
        language=language(),
        right_to_left=LANGUAGES[language()].direction == "rtl",
        title=", ".join(each for each in (f"{kind} {refund.number}", paper.seller) if each),
        day=refund.day.isoformat(),
        brand=seller.get("name") or paper.seller,
        seller=seller_lines(paper, seller.get("name")),
        kind=kind,
        marks=(_("No. %(number)s", number=refund.number), refund.at),
        buyer=paper.buyer,
        facts=(*told, *place),
        bill=None,
        hold=None,
        bar=None,
        others=(table,),
        notes=(),
        foot=(*((_("Call %(number)s", number=helpline.text),) if helpline is not None else ()), here),
        code=address,
        code_label=_("Code to open the receipt"),
    )
