"""A sheet as PDF: tagged for readers for the blind (PDF/UA-1), made to be kept (PDF/A-3a), the same bytes each time."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import typst

from kiosk.paper.sheet import Sheet

HERE = Path(__file__).parent
STANDARDS: list[typst.PDFStandard] = ["a-3a", "ua-1"]


@lru_cache(maxsize=1)
def _fonts() -> typst.Fonts:
    """Only what this room brings, so that a document looks the same on every machine."""
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=[str(HERE / "fonts")])


def pdf(sheet: Sheet, picture: str | None = None, invoice: bytes | None = None) -> bytes:
    """The sheet as a file. `picture` is its QR code as SVG, `invoice` a machine-readable invoice to go into it."""
    inputs = {"sheet": json.dumps(asdict(sheet), ensure_ascii=False)}
    if picture is not None:
        inputs["code_picture"] = picture
    if invoice is not None:
        inputs["invoice"] = invoice.decode()
    made = typst.compile(
        str(HERE / "sheet.typ"),
        root=str(HERE),
        format="pdf",
        font_paths=_fonts(),
        ignore_system_fonts=True,
        sys_inputs=inputs,
        pdf_standards=STANDARDS,
        timestamp=int(datetime.fromisoformat(sheet.day).replace(tzinfo=UTC).timestamp()),
    )
    assert isinstance(made, bytes)  # noqa: S101 - one document in, one file out
    return made
