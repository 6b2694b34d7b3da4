"""What is printed is read: PDF and SVG become pixels, and a QR reader must find exactly the address."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

import pypdfium2  # type: ignore[import-untyped]
import pytest
import resvg_py
import zxingcpp
from PIL import Image

from kiosk.config.languages import LANGUAGES
from kiosk.config.sites import load_site
from kiosk.stickers.order import Form, Made, Order, make
from kiosk.stickers.sizes import SIZES
from tests.stickers.facts import EXAMPLE, PUBLIC_URL

DPI = 150
QUIET_ZONE = 4
"""Modules, as the standard of QR codes wants."""
ADDRESS = f"{PUBLIC_URL}/c/7MK4T"
each_size = pytest.mark.parametrize("size", SIZES)


def one(size: str, form: Form) -> Made:
    return make(load_site(EXAMPLE), PUBLIC_URL, Order(size=size, forms=(form,), codes=("7MK4T",)))


def pictures(made: Made) -> Iterator[Image.Image]:
    """Every page in the order of the files, in grey."""
    for name, content in made.files.items():
        if name.endswith(".svg"):
            yield Image.open(BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=content.decode(), dpi=DPI)))).convert("L")
        else:
            with pypdfium2.PdfDocument(content) as document:
                for page in document:
                    yield page.render(scale=DPI / 72).to_pil().convert("L")


def read(picture: Image.Image) -> list[zxingcpp.Barcode]:
    return zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))


@each_size
@pytest.mark.parametrize("form", ["pdf", "svg"])
def test_every_size_is_read_as_exactly_the_address(size: str, form: Form) -> None:
    (picture,) = pictures(one(size, form))
    (found,) = read(picture)
    assert found.text == ADDRESS
    assert found.ec_level == "Q"
    assert found.orientation in {0, 360}


@each_size
@pytest.mark.parametrize("form", ["pdf", "svg"])
def test_the_printed_code_has_its_size_and_white_around_it(size: str, form: Form) -> None:
    (picture,) = pictures(one(size, form))
    corner = read(picture)[0].position
    left, top, right, bottom = corner.top_left.x, corner.top_left.y, corner.bottom_right.x, corner.bottom_right.y
    side = right - left + 1
    assert side / DPI * 25.4 >= SIZES[size].code
    zone = int(QUIET_ZONE * side / 29) - 1  # the address needs 29 modules; a pixel is lost to smoothing
    around = picture.crop((left - zone, top - zone, right + zone, bottom + zone))
    around.paste(255, (zone - 1, zone - 1, around.width - zone + 1, around.height - zone + 1))
    assert around.getextrema() == (255, 255)


@pytest.mark.parametrize("form", ["pdf", "svg"])
def test_a_sheet_is_read_with_all_its_codes_in_order(form: Form) -> None:
    made = make(load_site(EXAMPLE), PUBLIC_URL, Order(size="60x80", forms=(form,), sheet=True, bleed=3, marks=True))
    found = [barcode.text for picture in pictures(made) for barcode in sorted(read(picture), key=place)]
    assert found == [f"{PUBLIC_URL}/c/{code}" for code in load_site(EXAMPLE).codes]


def place(barcode: zxingcpp.Barcode) -> tuple[int, int]:
    return barcode.position.top_left.y // 50, barcode.position.top_left.x


@pytest.mark.parametrize("hue", [0, 90, 264])
def test_the_operators_colour_is_on_the_band_and_not_in_the_code(hue: int) -> None:
    book = load_site(EXAMPLE)
    book = book.model_copy(update={"operator": book.operator.model_copy(update={"hue": hue})})
    made = make(book, PUBLIC_URL, Order(codes=("7MK4T",), forms=("pdf",)))
    (content,) = made.files.values()
    with pypdfium2.PdfDocument(content) as document:
        picture = document[0].render(scale=DPI / 72).to_pil().convert("RGB")
    red, green, blue = picture.getpixel((3, 3))
    assert len({red, green, blue}) > 1
    body = picture.crop((0, round(0.14 * picture.height), picture.width, picture.height))
    assert body.convert("HSV").getextrema()[1] == (0, 0), "black on white below the band"


def test_a_scratched_code_is_still_read() -> None:
    (picture,) = pictures(one("60x80", "pdf"))
    corner = read(picture)[0].position
    side = corner.bottom_right.x - corner.top_left.x
    x, y = corner.top_left.x + side // 2, corner.top_left.y + side // 2
    picture.paste(255, (x, y, x + side // 4, y + side // 4))
    assert [found.text for found in read(picture)] == [ADDRESS]


def test_the_pdf_tells_the_print_shop_where_to_cut_and_brings_no_font() -> None:
    wanted = Order(codes=("7MK4T",), forms=("pdf",), bleed=3, marks=True)
    (content,) = make(load_site(EXAMPLE), PUBLIC_URL, wanted).files.values()
    assert b"/BaseFont" not in content
    with pypdfium2.PdfDocument(content) as document:
        page, mm = document[0], 72 / 25.4
        assert page.get_trimbox() == pytest.approx((8 * mm, 8 * mm, 88 * mm, 118 * mm), abs=0.01)
        assert page.get_bleedbox() == pytest.approx((5 * mm, 5 * mm, 91 * mm, 121 * mm), abs=0.01)
        assert page.get_size() == pytest.approx((96 * mm, 126 * mm), abs=0.01)


def test_the_svg_needs_no_font_and_nothing_from_outside() -> None:
    (content,) = one("80x110", "svg").files.values()
    text = content.decode()
    assert 'width="80mm" height="110mm" viewBox="0 0 80 110"' in text
    assert f"<title>{ADDRESS}</title>" in text
    assert text.count("<") == text.count("<path ") + 4, "paths alone, beside the title and the frame"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sticker_in_one_language_is_read_too(language: str) -> None:
    book = load_site(EXAMPLE)
    alone = {"languages": (language,), "default_language": language}
    book = book.model_copy(update={"operator": book.operator.model_copy(update=alone)})
    (picture,) = pictures(make(book, PUBLIC_URL, Order(size="60x80", codes=("7MK4T",), forms=("pdf",))))
    assert [found.text for found in read(picture)] == [ADDRESS]
