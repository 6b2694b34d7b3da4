"""An invoice for machines inside a receipt for people: Factur-X, which ZUGFeRD calls the same, at the level EN 16931.

The XML is made and checked against its schema by the library. The file says in its metadata that it carries one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from io import BytesIO
from typing import Any

from facturx import generate_cii_xml  # type: ignore[import-untyped]
from pypdf import PdfReader, PdfWriter
from pypdf.generic import StreamObject

_SCHEMA = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
_PROPERTIES = {
    "DocumentFileName": "The name of the embedded XML document",
    "DocumentType": "The type of the hybrid document in capital letters, e.g. INVOICE or ORDER",
    "Version": "The actual version of the standard applying to the embedded XML document",
    "ConformanceLevel": "The conformance level of the embedded XML document",
}


@dataclass(frozen=True, slots=True)
class Party:
    """`country` is its two letters, `address` up to three lines."""

    name: str
    address: tuple[str, ...]
    country: str
    vat_number: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """`unit` by UN/ECE recommendation 20: KWH, or C62 for a piece. `net` is the amount of the line without tax."""

    name: str
    quantity: Decimal
    unit: str
    net: Decimal


@dataclass(frozen=True, slots=True)
class Invoice:
    """Amounts in the currency's own unit, as they are printed. `adjustment` stands between the items and `net`, with
    its reason; zero when there is none. `paid` says in words that nothing is left to pay.
    """

    number: str
    day: date
    delivered: date
    currency: str
    seller: Party
    buyer: Party
    items: tuple[Item, ...]
    adjustment: Decimal
    reason: str
    rate: Decimal
    net: Decimal
    tax: Decimal
    gross: Decimal
    paid: str


def xml_of(invoice: Invoice) -> bytes:
    """The invoice as XML. Raises what the library raises when it does not fit its schema."""
    rate = format(invoice.rate.normalize(), "f")
    total = sum((item.net for item in invoice.items), Decimal(0))
    said: dict[str, Any] = {
        "BT-1": invoice.number,
        "BT-2": invoice.day,
        "BT-3": "380",
        "BT-5": invoice.currency,
        "BT-20": invoice.paid,
        "BT-72": invoice.delivered,
        "BG-4": _party(invoice.seller),
        "BG-7": _party(invoice.buyer),
        "BG-25": [_line(count, item, rate) for count, item in enumerate(invoice.items, start=1)],
        "BG-23": [{"BT-116": str(invoice.net), "BT-117": str(invoice.tax), "BT-118": "S", "BT-119": rate}],
        "BT-106": str(total),
        "BT-109": str(invoice.net),
        "BT-110": str(invoice.tax),
        "BT-112": str(invoice.gross),
        "BT-113": str(invoice.gross),
        "BT-115": str(invoice.gross - invoice.gross),
    }
    if invoice.adjustment:
        group, amount = ("BG-20", "BT-107") if invoice.adjustment < 0 else ("BG-21", "BT-108")
        row = {"amount": str(abs(invoice.adjustment)), "reason": invoice.reason}
        said[group] = [{**row, "vat_category_code": "S", "vat_rate": rate}]
        said[amount] = str(abs(invoice.adjustment))
    made = generate_cii_xml(said, level="en16931", check_xsd=True, check_schematron=False)
    assert isinstance(made, bytes)  # noqa: S101 - the library has no types
    return made


def _party(party: Party) -> dict[str, str]:
    lines = {f"addr_l{count}": line for count, line in enumerate(party.address[:3], start=1)}
    number = {"vat_identifier": party.vat_number} if party.vat_number else {}
    return {"name": party.name, "country_code": party.country, **lines, **number}


def _line(count: int, item: Item, rate: str) -> dict[str, str]:
    price = (item.net / item.quantity).quantize(Decimal("0.0001")) if item.quantity else item.net
    return {
        "BT-126": str(count),
        "BT-129": format(item.quantity, "f"),
        "BT-130": item.unit,
        "BT-131": str(item.net),
        "BT-146": str(price),
        "BT-151": "S",
        "BT-152": rate,
        "BT-153": item.name,
    }


def marked(pdf: bytes) -> bytes:
    """The file with the marks by which a machine knows that an invoice is in it. The same bytes each time."""
    writer = PdfWriter(clone_from=PdfReader(BytesIO(pdf)))
    metadata = writer.root_object["/Metadata"]
    assert isinstance(metadata, StreamObject)  # noqa: S101 - a file that is made to be kept has it
    said = metadata.get_data().decode()
    schemas = "<pdfaExtension:schemas><rdf:Bag>"
    assert schemas in said  # noqa: S101
    said = said.replace(schemas, schemas + _schema(), 1).replace("</rdf:RDF>", _description() + "</rdf:RDF>", 1)
    metadata.set_data(said.encode())
    file = BytesIO()
    writer.write(file)
    return file.getvalue()


def _schema() -> str:
    rows = "".join(
        '<rdf:li rdf:parseType="Resource"><pdfaProperty:name>' + name + "</pdfaProperty:name>"
        "<pdfaProperty:valueType>Text</pdfaProperty:valueType><pdfaProperty:category>external</pdfaProperty:category>"
        "<pdfaProperty:description>" + text + "</pdfaProperty:description></rdf:li>"
        for name, text in _PROPERTIES.items()
    )
    return (
        '<rdf:li rdf:parseType="Resource"><pdfaSchema:schema>Factur-X PDFA Extension Schema</pdfaSchema:schema>'
        f"<pdfaSchema:namespaceURI>{_SCHEMA}</pdfaSchema:namespaceURI><pdfaSchema:prefix>fx</pdfaSchema:prefix>"
        f"<pdfaSchema:property><rdf:Seq>{rows}</rdf:Seq></pdfaSchema:property></rdf:li>"
    )


def _description() -> str:
    return (
        f'<rdf:Description rdf:about="" xmlns:fx="{_SCHEMA}"><fx:DocumentType>INVOICE</fx:DocumentType>'
        "<fx:DocumentFileName>factur-x.xml</fx:DocumentFileName><fx:Version>1.0</fx:Version>"
        "<fx:ConformanceLevel>EN 16931</fx:ConformanceLevel></rdf:Description>"
    )
