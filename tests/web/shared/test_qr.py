"""QR codes: one path, four modules of quiet zone, and what they say is what was asked for."""

from __future__ import annotations

import re

from qrcode.constants import ERROR_CORRECT_M  # type: ignore[import-untyped]
from qrcode.main import QRCode  # type: ignore[import-untyped]

from kiosk.web.shared.qr import QUIET, qr_path, qr_svg


def modules(text: str) -> set[tuple[int, int]]:
    """The dark modules, read back from the path."""
    dark = set()
    for x, y, width in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", qr_path(text)[1]):
        dark |= {(int(x) + step, int(y)) for step in range(int(width))}
    return dark


def test_four_modules_around_the_code_stay_light() -> None:
    side, _ = qr_path("https://lindenau.example/t/ABC")
    dark = modules("https://lindenau.example/t/ABC")
    assert {min(x for x, _y in dark), min(y for _x, y in dark)} == {QUIET}
    assert max(x for x, _y in dark) == side - QUIET - 1
    assert max(y for _x, y in dark) == side - QUIET - 1


def test_the_three_finder_patterns_are_drawn() -> None:
    side, _ = qr_path("HELLO")
    dark = modules("HELLO")
    for left, top in ((QUIET, QUIET), (side - QUIET - 7, QUIET), (QUIET, side - QUIET - 7)):
        edge = {(left + step, top) for step in range(7)} | {(left, top + step) for step in range(7)}
        assert edge <= dark
        assert (left + 1, top + 1) not in dark


def test_the_path_has_exactly_the_modules_of_the_library() -> None:
    code = QRCode(error_correction=ERROR_CORRECT_M, border=QUIET)
    code.add_data("https://lindenau.example/t/7H2K")
    code.make(fit=True)
    rows = code.get_matrix()
    wanted = {(x, y) for y, row in enumerate(rows) for x, one in enumerate(row) if one}
    assert modules("https://lindenau.example/t/7H2K") == wanted


def test_the_picture_has_a_name_and_its_text_is_escaped() -> None:
    svg = str(qr_svg("x", 'a "b" <c>'))
    assert 'role="img"' in svg
    assert 'aria-label="a &#34;b&#34; &lt;c&gt;"' in svg
    assert svg.count("<path") == 1
