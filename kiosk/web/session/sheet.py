"""The receipt as a sheet of A4: the same words as on the page, laid out for paper."""

from __future__ import annotations

from datetime import datetime

from kiosk.config.languages import LANGUAGES
from kiosk.domain.hold import HoldState
from kiosk.paper.sheet import Bar, Fact, Sheet, Table, TableRow
from kiosk.store.records import StoredReceipt
from kiosk.web.session.in_words import Page
from kiosk.web.session.paper import Paper, Row
from kiosk.web.session.view import SessionView
from kiosk.web.shared.formats import clock_s, day, money
from kiosk.web.shared.i18n import language
from kiosk.web.shared.parts import parts
from kiosk.web.shared.template_tools import minus
from kiosk.web.shared.text import _


def sheet_of(view: SessionView, page: Page, paper: Paper, stored: StoredReceipt, address: str) -> Sheet:
    """`stored` is the written receipt that `paper` was made of; `address` is where it stays."""
    kind = _kind(paper)
    seller = stored.document.get("seller", {})
    return Sheet(
        language=language(),
        right_to_left=LANGUAGES[language()].direction == "rtl",
        title=", ".join(each for each in (f"{kind} {stored.number}", paper.seller) if each),
        day=stored.issued_at.astimezone(view.where.zone).date().isoformat(),
        brand=seller.get("name") or paper.seller,
        seller=seller_lines(paper, seller.get("name")),
        kind=kind,
        marks=(_("No. %(number)s", number=stored.number), _("Issued %(day)s", day=paper.issued)),
        buyer=paper.buyer,
        facts=_facts(paper),
        bill=_bill(paper),
        hold=_hold(view, page),
        bar=_bar(view, page),
        others=tuple(each for each in (_refund(paper), _meter(paper)) if each is not None),
        notes=() if paper.cost else tuple(each for each in (page.sentence, page.reason) if each),
        foot=_foot(address),
        code=address,
        code_label=_("Code to open the receipt"),
    )


def seller_lines(paper: Paper, brand: str | None) -> tuple[str, ...]:
    """Who sold it, below `brand`, the name by which drivers know them."""
    lines = (
        paper.seller if paper.seller != brand else "",
        paper.seller_address,
        _("VAT no. %(number)s", number=paper.vat_number) if paper.vat_number else "",
    )
    return tuple(line for line in lines if line)


def _kind(paper: Paper) -> str:
    if not paper.cost:
        return _("Proof")
    return _("Invoice") if paper.buyer else _("Receipt")


def _facts(paper: Paper) -> tuple[Fact, ...]:
    rows = [Fact(_("Place of charging"), paper.place_lines)] if paper.place_lines else []
    if paper.point_lines:
        rows.append(Fact(_("Charging point"), paper.point_lines))
    if paper.time_lines:
        rows.append(Fact(_("Time"), paper.time_lines))
    return tuple(rows)


def _bill(paper: Paper) -> Table | None:
    if not paper.bill:
        return None
    heads = (_("Item"), _("Quantity"), _("Price"), _("Amount"))
    rows = tuple(
        TableRow((row.label, row.quantity, row.price, row.amount), row.kind, "" if row.quantity else row.note)
        for row in paper.bill
    )
    return Table(_("What you bought"), heads, rows, paper.bill_notes)


def _hold(view: SessionView, page: Page) -> Table | None:
    """Held = taken + given back, and what came later; nothing when there was no hold."""
    hold = view.hold
    if hold.state in {HoldState.NONE, HoldState.UNKNOWN} or hold.amount is None:
        return None
    zone = view.where.zone
    held = _("Held on %(card)s", card=page.card) if page.card else _("Held")
    rows = [TableRow((held, _when(view, hold.at), money(hold.amount)), part="held")]
    rest = None
    if hold.rest is not None:
        back = hold.state is HoldState.GIVEN_BACK
        label = _("Given back") if back else _("Only held") if hold.state is HoldState.HELD else _("Goes back")
        when = _when(view, hold.given_back_at) if hold.rest.minor else ""
        rest = label, when, "back" if back else "held"
    if hold.sent_back and hold.kept is not None:
        # What was sent back is a step of its own, and the swatch of what was taken belongs to what is paid in the end.
        if rest is not None and hold.rest is not None:
            rows.append(TableRow((rest[0], rest[1], minus(hold.rest)), part=rest[2]))
        if hold.taken is not None:
            rows.append(TableRow((_("Taken"), _when(view, hold.taken_at), money(hold.taken)), "sum"))
        if hold.over is not None:
            rows.append(TableRow((_("More than your hold"), "", money(hold.over)), "sum"))
        for one in hold.sent_back:
            sent_at = f"{day(one.at, zone)}, {clock_s(one.at, zone, one.at)}"
            rows.append(TableRow((_("Sent back"), sent_at, minus(one.amount)), part="back"))
        rows.append(TableRow((_("You paid"), "", money(hold.kept)), "sum", part="taken"))
    else:
        if hold.taken is not None:
            taken = _("Cost, not taken yet") if hold.state is HoldState.HELD else _("Taken")
            rows.append(TableRow((taken, _when(view, hold.taken_at), minus(hold.taken)), part="taken"))
        if rest is not None and hold.rest is not None:
            rows.append(TableRow((rest[0], rest[1], money(hold.rest)), "sum", part=rest[2]))
        if hold.over is not None:
            rows.append(TableRow((_("More than your hold"), "", money(hold.over)), "sum"))
    notes = (
        (_("Your bank can take up to 7 days to show it, often less."),)
        if hold.rest is not None and hold.rest.minor
        else ()
    )
    heads = (_("Step"), _("Time"), _("Amount"))
    return Table(_("What happened to your hold"), heads, tuple(rows), notes)


def _when(view: SessionView, moment: datetime | None) -> str:
    return clock_s(moment, view.where.zone, view.day) if moment is not None else ""


def _bar(view: SessionView, page: Page) -> Bar | None:
    if view.bar is None or view.hold.state in {HoldState.NONE, HoldState.UNKNOWN}:
        return None
    return Bar(float(view.bar.used), view.bar.back, page.bar_label, float(view.bar.sent or 0))


def _refund(paper: Paper) -> Table | None:
    if not paper.refund:
        return None
    return Table(_("Refund"), (_("Item"), _("Amount")), tuple(_two(row) for row in paper.refund))


def _meter(paper: Paper) -> Table:
    heads = (_("Figure"), _("Value"))
    return Table(_("Meter"), heads, tuple(_two(row) for row in paper.meter), paper.meter_notes)


def _two(row: Row) -> TableRow:
    return TableRow((row.label, row.amount), row.kind, row.note)


def _foot(address: str) -> tuple[str, ...]:
    helpline = parts().site.operator.helpline
    here = _("This stays at %(address)s. No account needed.", address=address.removeprefix("https://"))
    return (*((_("Call %(number)s", number=helpline.text),) if helpline is not None else ()), here)


def mail_of(paper: Paper, page: Page, address: str) -> tuple[str, str]:
    """Subject and text of a mail that says where the receipt stays. It names no place and no card."""
    kind = _("%(kind)s %(number)s", kind=_kind(paper), number=paper.number)
    lines = (
        page.heading,
        f"{paper.seller}, {paper.issued}",
        "",
        _("Your receipt:"),
        address,
        _("As a document:"),
        f"{address}.pdf",
        "",
        _("Whoever has this address can read the receipt. We send no more mails."),
    )
    return ", ".join(each for each in (kind, paper.seller) if each), "\n".join(lines) + "\n"
