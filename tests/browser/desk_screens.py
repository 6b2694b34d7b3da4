"""Every page of the desk: whose eyes see it, what it is drawn from, and how one comes to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page
from pydantic import SecretStr

from kiosk.domain.desk import CONFIRMED
from kiosk.web.desk import download
from tests.browser.desk_world import PASSWORD, DeskWorld

Come = Callable[[DeskWorld, Page], object]


@dataclass(frozen=True, slots=True)
class Screen:
    """`who`: the name of somebody of the world, None for a stranger. `template` and `endpoint`: what draws it.
    `settled` is called after it was looked at, where the world must be as before.
    """

    who: str | None
    template: str
    endpoint: str
    come: Come
    settled: Callable[[DeskWorld], object] = lambda _world: None


def at(path: str) -> Come:
    """By its address, with a number of the world in it where it has one: `{paid}`."""

    def come(world: DeskWorld, page: Page) -> None:
        known = {"paid": world.paid, "running": world.running, "case": world.cases[0], "other_case": world.cases[-1]}
        page.goto(f"{world.address}/desk{path.format(**known)}")

    return come


def pressing(path: str, *buttons: str, **fields: str) -> Come:
    """On that page some fields are filled in, and buttons are pressed one after the other."""

    def come(world: DeskWorld, page: Page) -> None:
        at(path)(world, page)
        for field, said in fields.items():
            page.locator(f"#{field}").fill(said)
        for button in buttons:
            page.get_by_role("button", name=button, exact=True).click()

    return come


def _second_factor(world: DeskWorld, page: Page) -> None:
    user = world.store.desk.user("lea")
    assert user is not None
    world.store.desk.set_second(user.person.id, "JBSWY3DPEHPK3PXP", None, ["one"])
    pressing("/sign-in", "Sign in", name="lea", password=PASSWORD)(world, page)


def _no_codes(world: DeskWorld) -> None:
    for name in ("lea", "tom"):
        user = world.store.desk.user(name)
        assert user is not None
        world.store.desk.set_second(user.person.id, None, None)


def _recovery(world: DeskWorld, page: Page) -> None:
    pressing("/account", "Turn on")(world, page)
    page.get_by_label("Code", exact=True).fill(world.one_time_code(page.locator("form code").inner_text()))
    page.get_by_role("button", name="Turn on").click()
    page.get_by_role("heading", name="One-time codes are on").wait_for()


def _too_late(path: str) -> Come:
    """The password was typed a while ago."""

    def come(world: DeskWorld, page: Page) -> None:
        with world.later(CONFIRMED.total_seconds() + 1):
            at(path)(world, page)

    return come


def _changed_meanwhile(world: DeskWorld, page: Page) -> None:
    at("/sessions/{running}/stop")(world, page)
    page.locator("input[name=seen]").evaluate("(one) => { one.value = 'before'; }")
    page.get_by_label("Why").fill("the driver called")
    page.get_by_role("button", name="Stop the charge").click()


def _first_line(world: DeskWorld, page: Page) -> None:
    at("/reconcile?month=2026-11")(world, page)
    page.get_by_role("link", name="Look at it").first.click()


def _busy(world: DeskWorld, page: Page) -> None:
    for _ in range(download.MOST_AT_ONCE):
        download._at_once.acquire()
    at("/sessions.csv")(world, page)
    for _ in range(download.MOST_AT_ONCE):
        download._at_once.release()


def _broken(world: DeskWorld, page: Page) -> None:
    with world.broken():
        at("/sessions")(world, page)


def _no_operator(world: DeskWorld, page: Page) -> None:
    world.set(plugchoice_token=None)
    at("/reconcile?site=marktplatz&day=2026-11-19")(world, page)


def _not_made(world: DeskWorld, page: Page) -> None:
    world.set(public_url=f"https://lindenau.example/{'long/' * 700}")
    at("/setup/stickers/marktplatz.pdf")(world, page)


def _as_before(world: DeskWorld) -> None:
    world.set(public_url="https://lindenau.example", plugchoice_token=SecretStr("operator-1"))


def _new_key(world: DeskWorld, page: Page) -> None:
    at("/keys")(world, page)
    page.get_by_label("What is it for").fill("the roof's display")
    page.get_by_label("sessions").check()
    page.get_by_role("button", name="Make the key").click()


DESK_SCREENS: dict[str, Screen] = {
    "desk-sign-in": Screen(None, "sign_in", "desk.sign_in_page", at("/sign-in")),
    "desk-sign-in-wrong": Screen(
        None, "sign_in", "desk.enter", pressing("/sign-in", "Sign in", name="kim", password="not it")
    ),
    "desk-second-factor": Screen(None, "sign_in", "desk.enter", _second_factor, _no_codes),
    "desk-now": Screen("kim", "now", "desk_now.now", at("/")),
    "desk-now-viewer": Screen("vic", "now", "desk_now.now", at("/")),
    "desk-queue": Screen("kim", "queue", "desk_queue.queue", at("/queue")),
    "desk-queue-empty": Screen("kim", "queue", "desk_queue.queue", at("/queue?state=closed&kind=review")),
    "desk-case": Screen("ann", "case", "desk_queue.case", at("/queue/{case}")),
    "desk-case-viewer": Screen("vic", "case", "desk_queue.case", at("/queue/{case}")),
    "desk-case-set-aside": Screen(
        "ann",
        "case",
        "desk_queue.case",
        pressing("/queue/{other_case}", "Set aside"),
        lambda world: world.take_up(world.cases[-1]),
    ),
    "desk-case-not-done": Screen(
        "ann", "case", "desk_queue.handle", pressing("/queue/{case}", "Write it down", note=" ")
    ),
    "desk-sessions": Screen("kim", "sessions", "desk_sessions.sessions", at("/sessions")),
    "desk-sessions-found": Screen("kim", "sessions", "desk_sessions.sessions", at("/sessions?q=4242+9.47&view=paid")),
    "desk-sessions-none": Screen("kim", "sessions", "desk_sessions.sessions", at("/sessions?q=4242+1.11")),
    "desk-sessions-strange": Screen(
        "kim", "sessions", "desk_sessions.sessions", at("/sessions?q=red+car&site=nowhere")
    ),
    "desk-session": Screen("kim", "session", "desk_sessions.session", at("/sessions/{paid}")),
    "desk-session-charging": Screen("ann", "session", "desk_sessions.session", at("/sessions/{running}")),
    "desk-session-viewer": Screen("vic", "session", "desk_sessions.session", at("/sessions/{running}")),
    "desk-stop": Screen("ann", "act", "desk_sessions.preview", at("/sessions/{running}/stop")),
    "desk-cancel": Screen("ann", "act", "desk_sessions.preview", at("/sessions/{running}/cancel")),
    "desk-look-at-payment": Screen("ann", "act", "desk_sessions.preview", at("/sessions/{running}/confirm")),
    "desk-read-anew": Screen("ann", "act", "desk_sessions.preview", at("/sessions/{running}/read")),
    "desk-stop-changed": Screen("ann", "act", "desk_sessions.do", _changed_meanwhile),
    "desk-refund": Screen("kim", "refund", "desk_refund.preview", at("/sessions/{paid}/refund")),
    "desk-refund-password": Screen("kim", "refund", "desk_refund.preview", _too_late("/sessions/{paid}/refund")),
    "desk-refund-too-much": Screen(
        "kim",
        "refund",
        "desk_refund.refund",
        pressing("/sessions/{paid}/refund", "Send back", amount="99", reason="cable"),
    ),
    "desk-confirm": Screen("kim", "confirm", "desk_account.confirm_page", at("/confirm")),
    "desk-reconcile": Screen("kim", "reconcile", "desk_reconcile.reconciliation", at("/reconcile")),
    "desk-reconcile-month": Screen(
        "kim", "reconcile", "desk_reconcile.reconciliation", at("/reconcile?month=2026-11&state=differs")
    ),
    "desk-reconcile-line": Screen("ann", "reconcile_line", "desk_reconcile.line", _first_line),
    "desk-reconcile-not-read": Screen("kim", "reconcile", "desk_reconcile.reconciliation", _no_operator, _as_before),
    "desk-reconcile-of-no-site": Screen("bob", "reconcile_none", "desk_reconcile.reconciliation", at("/reconcile")),
    "desk-report": Screen("kim", "report", "desk_report.report", at("/reconcile/report?month=2026-11")),
    "desk-plots": Screen("kim", "plots", "desk_plots.plots", at("/plots?days=14")),
    "desk-setup": Screen("kim", "setup", "desk_setup.setup", at("/setup")),
    "desk-setup-code": Screen(
        "kim", "setup", "desk_setup.tablet", pressing("/setup", "Make a code", name="by the lift")
    ),
    "desk-which-is-which": Screen("kim", "crosswalk", "desk_crosswalk.crosswalk", at("/setup/crosswalk")),
    "desk-stickers-not-made": Screen("kim", "not_made", "desk_setup.stickers", _not_made, _as_before),
    "desk-log": Screen("kim", "log", "desk_log.log", at("/log")),
    "desk-keys": Screen("kim", "keys", "desk_keys.keys", at("/keys")),
    "desk-keys-password": Screen("kim", "keys", "desk_keys.keys", _too_late("/keys")),
    "desk-key": Screen("kim", "key", "desk_keys.make", _new_key),
    "desk-account": Screen("vic", "account", "desk_account.own", at("/account")),
    "desk-codes": Screen("tom", "codes", "desk_account.codes_page", pressing("/account", "Turn on")),
    "desk-recovery-codes": Screen("tom", "recovery", "desk_account.codes_on", _recovery, _no_codes),
    "desk-not-allowed": Screen("vic", "not_allowed", "desk_setup.setup", at("/setup")),
    "desk-not-found": Screen("kim", "error", "desk_sessions.session", at("/sessions/99999")),
    "desk-broken": Screen("kim", "error", "desk_sessions.sessions", _broken),
    "desk-busy": Screen("kim", "busy", "desk_sessions.sessions_file", _busy),
}
