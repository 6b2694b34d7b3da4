"""A kiosk whose set-up nobody looks at says nothing of it, and asks nobody."""

from __future__ import annotations

from kiosk.service.checkup import NoCheckup
from tests.service.conftest import Desk


def test_it_finds_nothing_and_never_asks() -> None:
    nobody = NoCheckup()
    assert (list(nobody.now()), nobody.asked(), nobody.ask()) == ([], None, False)


def test_parts_without_more_have_no_system_and_no_budget(desk: Desk) -> None:
    assert (list(desk.parts.systems(desk.parts.clock.now())), dict(desk.parts.limits)) == ([], {})
