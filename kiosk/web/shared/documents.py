"""Documents for readers: a sheet as PDF, made once for many who ask, and never by many at once."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from kiosk.paper.invoice import Invoice, marked, xml_of
from kiosk.paper.pdf import pdf
from kiosk.paper.sheet import Sheet
from kiosk.web.shared.qr import qr_path

MOST = 64
"""So many documents are kept, of some fifty kilobytes each."""

_lock = Lock()
_made: OrderedDict[tuple[Sheet, Invoice | None], bytes] = OrderedDict()


def document(sheet: Sheet, invoice: Invoice | None = None) -> bytes:
    """The sheet as PDF, with its QR code, and with the invoice for machines in it.

    One is made at a time: the address of a receipt may be asked for ever.
    """
    key = (sheet, invoice)
    with _lock:
        known = _made.get(key)
        if known is None:
            known = _made[key] = _make(sheet, invoice)
            while len(_made) > MOST:
                _made.popitem(last=False)
        _made.move_to_end(key)
        return known


def _make(sheet: Sheet, invoice: Invoice | None) -> bytes:
    picture = _picture(sheet.code) if sheet.code else None
    if invoice is None:
        return pdf(sheet, picture)
    return marked(pdf(sheet, picture, xml_of(invoice)))


def _picture(text: str) -> str:
    side, path = qr_path(text)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}">'
        f'<rect width="{side}" height="{side}" fill="#fff"/><path d="{path}"/></svg>'
    )
