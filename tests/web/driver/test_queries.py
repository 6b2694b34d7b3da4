"""How often the pages before a charge ask the database. More needs a reason; less is welcome."""

from __future__ import annotations

from flask.testing import FlaskClient

from tests.counting import reads_and_writes, statements_of
from tests.web.conftest import CODE, Kiosk
from tests.web.paired import screen_of


def test_a_fresh_landing_page_of_a_new_phone(kiosk: Kiosk, phone: FlaskClient) -> None:
    """The card with its last problem, the maker's facts, and the bays that sessions keep."""
    kiosk.card()
    phone.get(f"/c/{CODE}?first")  # works the expected power out, which is then kept
    with statements_of(kiosk.store) as sent:
        assert phone.get(f"/c/{CODE}?second").status_code == 200
    assert reads_and_writes(sent) == (3, 0), "\n".join(sent)


def test_a_landing_page_that_is_kept_asks_nothing(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card()
    phone.get(f"/c/{CODE}")
    with statements_of(kiosk.store) as sent:
        assert phone.get(f"/c/{CODE}").status_code == 200
    assert sent == []


def test_the_landing_page_of_a_phone_that_the_kiosk_knows(kiosk: Kiosk, phone: FlaskClient) -> None:
    """The same and the phone's own sessions."""
    kiosk.card()
    kiosk.store.withdraw_start(kiosk.start(phone), kiosk.now)
    phone.get(f"/c/{CODE}?first")
    with statements_of(kiosk.store) as sent:
        assert phone.get(f"/c/{CODE}?second").status_code == 200
    assert reads_and_writes(sent) == (4, 0), "\n".join(sent)


def test_a_start(kiosk: Kiosk, phone: FlaskClient) -> None:
    """Whether this device has paid today (then no limit of its network counts), who keeps the bay, the card, what it
    cancelled here, what it has paid elsewhere and not begun, who else left starts unpaid, the stored command, and the
    session while it waits for the engine.
    Nothing of a page is made. What the connector can give is kept from the page on which the driver has chosen it.
    """
    kiosk.card()
    assert phone.get(f"/c/{CODE}").status_code == 200
    with statements_of(kiosk.store) as sent:
        kiosk.start(phone)
    assert reads_and_writes(sent) == (8, 4), "\n".join(sent)


def test_the_list_of_a_sites_chargers_asks_as_often_for_many_as_for_one(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card()
    with statements_of(kiosk.store) as sent:
        assert phone.get("/").status_code == 200
    assert reads_and_writes(sent) == (2, 0), "\n".join(sent)


def test_a_board_that_is_drawn_anew_and_one_that_is_kept(kiosk: Kiosk) -> None:
    """Drawn: the tablet, claims, cards, and what the expected power needs. Kept: the tablet alone."""
    kiosk.card()
    screen = screen_of(kiosk)
    with statements_of(kiosk.store) as sent:
        assert screen.get("/tablet/board.json").status_code == 200
    drawn = reads_and_writes(sent)
    with statements_of(kiosk.store) as again:
        assert screen.get("/tablet/board.json").status_code == 200
    assert (drawn, reads_and_writes(again)) == ((6, 0), (1, 0)), "\n".join([*sent, "", *again])
