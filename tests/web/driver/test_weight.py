"""The pages are light: real answers are counted, headers too, as a phone that takes brotli gets them."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.fetched import from_css, from_html, from_script
from benchmarks.weight import MOST_FIRST_VIEW, MOST_PAGE, MOST_REQUESTS, PROVIDER, Weight, weights


@pytest.fixture(scope="module")
def by_name(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Weight]:
    folder: Path = tmp_path_factory.mktemp("weight")
    return {row.name: row for row in weights(folder)}


PAGES = ["charger", "pay", "charging", "receipt"]


def test_the_first_price_view_fits_into_one_round_trip(by_name: dict[str, Weight]) -> None:
    assert by_name["charger"].first_view <= MOST_FIRST_VIEW


@pytest.mark.parametrize("name", PAGES)
def test_a_whole_page_is_light(by_name: dict[str, Weight], name: str) -> None:
    assert by_name[name].whole <= MOST_PAGE


def test_the_charger_page_takes_few_requests(by_name: dict[str, Weight]) -> None:
    assert by_name["charger"].requests <= MOST_REQUESTS


@pytest.mark.parametrize("name", PAGES)
def test_no_page_fetches_from_another_origin_but_the_pay_page_from_stripe(
    by_name: dict[str, Weight], name: str
) -> None:
    assert by_name[name].origins == (PROVIDER if name == "pay" else frozenset())


@pytest.mark.parametrize("name", PAGES)
def test_every_text_of_a_page_comes_compressed(by_name: dict[str, Weight], name: str) -> None:
    assert by_name[name].compressed


@pytest.mark.parametrize("name", PAGES)
def test_the_style_sheets_and_the_scripts_of_a_page_are_counted(by_name: dict[str, Weight], name: str) -> None:
    row = by_name[name]
    assert row.requests >= 3
    assert 5_000 < row.first_view < row.whole


def test_everything_that_html_fetches_is_found() -> None:
    text = """
    <link rel="stylesheet" href="/a.css"><link rel="icon" href="data:,"><link rel="canonical" href="/not">
    <link rel="modulepreload" href="/m.js"><script src="https://far.example/s.js"></script>
    <img src="/i.png" srcset="/i2.png 2x, /i3.png 3x"><iframe src="/f"></iframe><a href="/not">x</a>
    <svg><use href="#here"/><use href="/sheet.svg#there"/></svg>
    <style>p { background: url(/inline.png) }</style><form action="/not"></form>
    """
    assert from_html(text) == [
        "/a.css",
        "data:,",
        "/m.js",
        "https://far.example/s.js",
        "/i.png",
        "/i2.png",
        "/i3.png",
        "/f",
        "/sheet.svg#there",
        "/inline.png",
    ]


def test_everything_that_a_style_sheet_fetches_is_found() -> None:
    text = """@import "more.css"; /* url(/not.png) */ p { background: url('/a.png'), url(b.png) }"""
    assert sorted(from_css(text)) == ["/a.png", "b.png", "more.css"]


def test_everything_that_a_module_imports_is_found() -> None:
    text = """
    // import { not } from './comment.js';
    import { one,
             two } from './a.js';
    import './b.js';
    export * from "./c.js";
    const later = () => import('./d.js');
    """
    assert from_script(text) == ["./a.js", "./b.js", "./c.js", "./d.js"]
