"""A desk with something on every page: the demo's month, read as at night, a charge that runs, one that was paid, what
needs a person, and somebody of each role. Its clock stands still, so that it looks the same each time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pyotp
from flask.testing import FlaskClient
from playwright.sync_api import Page
from pydantic import SecretStr

from kiosk.domain.attention import Act, Attention, Matter
from kiosk.domain.desk import Role
from kiosk.domain.money import Money
from kiosk.domain.refunding import RefundState
from kiosk.service.api_keys import Scope, make_key
from kiosk.service.desk_people import add_person
from kiosk.service.parts import Parts
from tests.browser.stage import Stage
from tests.worlds.by_hand import CODE, NEAR
from tests.worlds.month import read_month

PASSWORD = "three plain words"
PEOPLE = {
    "kim": Role.OWNER,
    "ann": Role.SUPPORT,
    "vic": Role.VIEWER,
    "lea": Role.VIEWER,
    "tom": Role.VIEWER,
    "bob": Role.VIEWER,
}
OF_NO_SITE = "bob"
STAKES = (
    (Attention.CAPTURE_FAILED, Act.ASK_BACK_OFFICE, timedelta(hours=31), 1842),
    (Attention.HOLD_OVERDUE, Act.LOOK_AT_PAYMENT, timedelta(hours=5), 3000),
    (Attention.COMMAND_UNKNOWN, Act.READ, timedelta(minutes=22), None),
    (Attention.OTHER_PRICE, Act.ASK_BACK_OFFICE, timedelta(minutes=9), 947),
)


class DeskWorld(Stage):
    """`paid` and `running`: numbers of two sessions; `cases`: those of the rows that need a person."""

    source = "read"

    def __init__(self, folder: Path, assets: Path) -> None:
        super().__init__(folder, assets, readings=77)
        self.set(
            plugchoice_token=SecretStr("operator-1"),
            stripe_api_key=SecretStr("sk_test_one"),
            stripe_refund_key=SecretStr("rk_test_two"),
        )
        self.site = self.book.sites[0]
        self.past = read_month(self.store, self.site, self.clock)
        self.clock.advance(-3 * 3600)
        key = self.captured(self.driver())
        self.prove(key, "succeeded", received=947)
        self.paid_key, self.paid = key, self.number(key)
        other = self.answer_start(self.start(self.driver(), 2, NEAR))
        self.running_key = self.run(self.begin(self.hold(other)))
        self.running = self.number(self.running_key)
        waiting = self.start(self.driver(), 2)
        self.clock.advance(4)
        for name, role in PEOPLE.items():
            sites: list[str] | None = [] if name == OF_NO_SITE else None
            add_person(self.store, name, PASSWORD, role, sites, self.now, "command line")
        self._of_people(key)
        self.cases = self._matters([key, self.running_key, waiting, self.past_key()])

    @property
    def parts(self) -> Parts:
        parts: Parts = self.app.extensions["kiosk"]
        return parts

    def number(self, key: str) -> int:
        """Under which the desk shows that session."""
        found = self.store.finding.number_of(key)
        assert found is not None
        return found

    def past_key(self) -> str:
        return next(iter(self.past.by_key))

    def _of_people(self, key: str) -> None:
        """What somebody has done before: in the log, beside a session, and in lists of their own."""
        desk = self.store.desk
        make_key(self.parts, "kim", "bookkeeping", [Scope.SESSIONS, Scope.RECEIPTS], None)
        desk.log("ann", "searched_email", self.now)
        desk.log("ann", "noted", self.now, subject=str(self.paid))
        desk.add_note(key, "ann", "The driver called: the cable was stuck for ten minutes.", self.now)
        self.store.access.keep_view("ann", "Charger 2, money back", {"q": "7mk4t"}, shared=True)
        self.store.ask_refund(key, Money(200, "EUR"), "kim", self.now, earlier=0)
        (wish,) = self.store.refunds_of(key)
        self.store.end_refund(wish, RefundState.REFUSED, self.now, "Stripe refused: charge_disputed")

    def _matters(self, keys: list[str]) -> list[int]:
        found = [
            Matter(kind, key, CODE, self.now - age, act, amount, "EUR" if amount is not None else None)
            for key, (kind, act, age, amount) in zip(keys, STAKES, strict=True)
        ]
        return [row.id for row in self.store.keep_exceptions(found, (), self.now).opened]

    # --- what a person does

    def sign_in(self, page: Page, name: str) -> None:
        """In a browser that nobody has signed in with. The page that comes is the first one."""
        page.goto(f"{self.address}/desk/sign-in")
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("heading", name="Now", exact=True).wait_for()

    def client(self, name: str) -> FlaskClient:
        """Somebody's other browser."""
        client = self.browser()
        answer = client.post("/desk/sign-in", data={"name": name, "password": PASSWORD})
        assert answer.status_code == 303
        return client

    @contextmanager
    def later(self, seconds: float) -> Iterator[None]:
        """It is that late meanwhile."""
        self.clock.advance(seconds)
        try:
            yield
        finally:
            self.clock.advance(-seconds)

    def one_time_code(self, secret: str) -> str:
        """What an app shows at this moment."""
        return pyotp.TOTP(secret).at(self.now)

    def take_up(self, case: int) -> None:
        """A row that somebody has set aside waits again."""
        assert self.client("ann").post(f"/desk/queue/{case}", data={"did": "taken_up"}).status_code == 303
