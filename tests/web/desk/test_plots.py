"""The desk's plots: what stands in them, what is not known, and what somebody of other sites does not see."""

from __future__ import annotations

import re

from flask.testing import FlaskClient

from kiosk.domain.desk import Role
from tests.web.conftest import Kiosk

from .conftest import SignIn


def plain(browser: FlaskClient, address: str = "/desk/plots") -> str:
    page = browser.get(address).text
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page[page.index("<main") : page.index("</main>")]))
    return text.replace("\N{NO-BREAK SPACE}", " ")


def test_a_paid_charge_stands_in_every_plot_and_in_the_table_behind_it(
    kiosk: Kiosk, phone: FlaskClient, at_desk: SignIn
) -> None:
    key = kiosk.charging(phone)
    kiosk.captured(key)
    text = plain(at_desk(Role.VIEWER))
    assert "20 Nov 18.620 so far 1" in text
    assert "€9.47 so far" in text
    assert "Charged and paid 1" in text
    assert (
        "Asked for a start 1 Plugchoice took it 1 Paid: the hold stood 1 Power flowed 1 Something was taken 1" in text
    )
    assert "within 30 s 1" in text
    assert "half of them within not known" in text


def test_days_before_the_first_session_are_not_known(kiosk: Kiosk, phone: FlaskClient, at_desk: SignIn) -> None:
    browser = at_desk(Role.VIEWER)
    assert plain(browser).count("not known") >= 2 * 14
    kiosk.captured(kiosk.charging(phone))
    text = plain(browser, "/desk/plots?days=7")
    assert "14 Nov not known not known" in text
    assert "19 Nov not known not known" in text
    assert "13 Nov" not in text
    odd = plain(browser, "/desk/plots?days=100000&site=nowhere")
    said = "It was left out: Site “nowhere”; Days “100000”."
    assert said in odd
    assert odd.endswith(plain(browser).strip().removeprefix("Plots").rstrip() + " "), (
        "nobody asks for more than is offered"
    )


def test_only_the_sites_of_a_person_are_drawn(kiosk: Kiosk, phone: FlaskClient, at_desk: SignIn) -> None:
    kiosk.captured(kiosk.charging(phone))
    assert "Marktplatz garage" in plain(at_desk(Role.VIEWER, ["marktplatz"], "ann"))
    text = plain(at_desk(Role.VIEWER, [], "bob"))
    assert "Marktplatz garage" not in text
    assert "Charged and paid 0" in text
    assert "Use of the bays" not in text


def test_a_year_is_drawn_by_month(kiosk: Kiosk, phone: FlaskClient, at_desk: SignIn) -> None:
    kiosk.captured(kiosk.charging(phone))
    text = plain(at_desk(Role.VIEWER), "/desk/plots?days=365")
    for words in ("Energy a month", "Taken a month", "2026-11 18.620 so far 1", "2026-10 not known not known"):
        assert words in text, words
    assert "20 Nov" not in text.partition("Use of the bays")[0]


def test_a_session_without_figures_has_no_curve(kiosk: Kiosk, phone: FlaskClient, at_desk: SignIn) -> None:
    kiosk.held(phone)
    assert 'id="curve"' not in at_desk(Role.VIEWER).get("/desk/sessions/1").text


def test_the_curve_of_a_charge_says_what_the_meter_told(kiosk: Kiosk, phone: FlaskClient, at_desk: SignIn) -> None:
    kiosk.charging(phone)
    page = at_desk(Role.VIEWER).get("/desk/sessions/1").text
    assert "13.900 kWh at the last reading" in page
    assert ">15 kWh</text>" in page
    assert re.search(r'<th scope="row">15:16:08</th><td class="n">13.900</td>', page)
