"""The panel: every button does what it says, other sites cannot press it, and it can be read by everybody."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

import kiosk.sandbox.panel
from kiosk.sandbox.panel import create_panel
from kiosk.sandbox.world.faults import Faults, Kind
from kiosk.sandbox.world.luck import Luck, System
from kiosk.sandbox.world.rough import Trouble
from tests.sandbox.sandbox_garage import AC, DC, Garage

ASSETS = Path(kiosk.sandbox.panel.__file__).parent / "assets" / "panel"


@pytest.fixture
def browser(garage: Garage) -> FlaskClient:
    app = Flask("panel_test", static_folder=None)
    app.register_blueprint(create_panel(garage.world, garage.faults, kiosk_path="/kiosk/"), url_prefix="/sandbox")
    return app.test_client()


def page(browser: FlaskClient) -> str:
    answer = browser.get("/sandbox/")
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def press(browser: FlaskClient, path: str, **fields: str) -> None:
    answer = browser.post(f"/sandbox/{path}", data=fields)
    assert answer.status_code == 303
    assert answer.location.startswith("/sandbox/")


def test_the_page_says_what_it_is_and_shows_every_charger(garage: Garage, browser: FlaskClient) -> None:
    text = page(browser)
    assert "Sandbox: no real chargers, no real money" in text
    for charger in garage.world.chargers():
        assert f'href="/kiosk/c/{charger.spec.code}"' in text
        assert charger.spec.name in text


def test_the_page_has_no_inline_script_or_style_and_a_policy_against_them(browser: FlaskClient) -> None:
    answer = browser.get("/sandbox/")
    text = answer.get_data(as_text=True)
    assert not re.search(r"<style|\sstyle=|\son\w+=", text)
    assert re.findall(r"<script[^>]*>(.*?)</script>", text, re.DOTALL) == [""]
    assert "unsafe-inline" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_style_and_script_of_the_page_are_served(browser: FlaskClient) -> None:
    for address in re.findall(r'(?:href|src)="(/sandbox/panel-assets/[^"]+)"', page(browser)):
        answer = browser.get(address)
        assert answer.status_code == 200
        answer.close()


def test_every_button_and_field_has_its_own_id(garage: Garage, browser: FlaskClient) -> None:
    garage.charging()
    ids = re.findall(r'\sid="([^"]+)"', page(browser))
    assert len(ids) == len(set(ids))
    assert len(ids) > 30


def test_the_hands_at_a_connector(garage: Garage, browser: FlaskClient) -> None:
    garage.world.auto_plug = False
    press(browser, f"connector/{AC}/1/plug-in", car="van")
    assert garage.connector_status() == "Preparing"
    assert "Delivery van" in page(browser)
    press(browser, f"connector/{AC}/1/unplug")
    assert garage.connector_status() == "Available"
    press(browser, f"connector/{AC}/1/break")
    assert garage.connector_status() == "Faulted"
    press(browser, f"connector/{AC}/1/repair")
    assert garage.connector_status() == "Available"
    press(browser, f"connector/{AC}/1/block")
    assert garage.connector_status() == "Unavailable"


def test_a_charge_can_be_filled_turned_back_and_stopped(garage: Garage, browser: FlaskClient) -> None:
    token = garage.charging()
    garage.wait(600)
    before = garage.session(token).energy_wh or 0
    press(browser, f"connector/{AC}/1/meter-back")
    assert (garage.session(token).energy_wh or 0) < before
    press(browser, f"connector/{AC}/1/car-full")
    assert garage.connector_status() == "SuspendedEV"
    press(browser, f"connector/{AC}/1/stop")
    assert garage.status(token) == "settling"


def test_the_hands_at_a_charger(garage: Garage, browser: FlaskClient) -> None:
    press(browser, f"charger/{AC}/offline")
    charger = garage.world.charger(AC)
    assert charger is not None
    assert not charger.online
    assert "offline since 13:00" in page(browser)
    press(browser, f"charger/{AC}/online")
    charger = garage.world.charger(AC)
    assert charger is not None
    assert charger.online


def test_the_next_start_can_be_rejected(garage: Garage, browser: FlaskClient) -> None:
    press(browser, f"charger/{AC}/reject-start")
    token = garage.begin()
    garage.pay(token)
    garage.until(token, "failed")


def test_the_next_stop_can_be_refused_or_ignored(garage: Garage, browser: FlaskClient) -> None:
    token = garage.charging()
    press(browser, f"charger/{AC}/refuse-stop")
    assert garage.http.post(f"sessions/{token}/stop").status_code == 400
    press(browser, f"charger/{AC}/ignore-stop")
    assert garage.http.post(f"sessions/{token}/stop").status_code == 200
    garage.until(token, "charging")


def test_the_operator_can_capture_later_write_off_and_refund(garage: Garage, browser: FlaskClient) -> None:
    for action, end in (("settle", "captured"), ("write-off", "written_off")):
        token = garage.charging()
        garage.wait(600)
        press(browser, f"charger/{AC}/fail-capture")
        garage.world.stop(token)
        garage.until(token, "capture_failed")
        press(browser, f"session/{garage.session(token).intent_id}/{action}")
        assert garage.status(token) == end
        if end == "captured":
            press(browser, f"session/{garage.session(token).intent_id}/refund")
            assert garage.status(token) == "refunded"
        garage.wait(60)


def test_the_driver_and_the_car_can_be_chosen(garage: Garage, browser: FlaskClient) -> None:
    press(browser, "drivers", auto_plug="on", car="van")
    assert (garage.world.auto_plug, garage.world.chosen_car) == (True, "van")
    token = garage.begin()
    garage.pay(token)
    garage.until(token, "charging")
    assert "Delivery van" in page(browser)
    press(browser, "drivers", car="")
    assert (garage.world.auto_plug, garage.world.chosen_car) == (False, None)


def test_what_is_not_possible_is_said_once(browser: FlaskClient) -> None:
    press(browser, f"connector/{AC}/1/unplug")
    assert "Not possible: no car is plugged in." in page(browser)
    assert "Not possible" not in page(browser)


def test_a_car_that_does_not_fit_is_refused_in_words(garage: Garage, browser: FlaskClient) -> None:
    press(browser, f"connector/{DC}/1/plug-in", car="hybrid")
    assert "no inlet" in page(browser)
    assert garage.connector_status(DC) == "Available"


def test_faults_are_added_shown_and_cleared(garage: Garage, browser: FlaskClient) -> None:
    press(browser, "faults", kind="server_error", endpoint="charger", times="2")
    assert "server_error at charger, 2 more" in page(browser)
    assert garage.http.get(f"chargers/{AC}").status_code == 500
    assert "fault: server_error" in page(browser)
    press(browser, "faults/clear")
    assert garage.http.get(f"chargers/{AC}").status_code == 200


@pytest.mark.parametrize(
    "fields", [{"kind": "nonsense"}, {"kind": "empty", "times": "x"}, {"kind": "empty", "times": "0"}]
)
def test_a_nonsense_fault_is_refused_in_words(garage: Garage, browser: FlaskClient, fields: dict[str, str]) -> None:
    press(browser, "faults", **fields)
    assert "Not possible" in page(browser)
    assert garage.faults.waiting() == ()


def test_a_webhook_can_be_lost(garage: Garage, browser: FlaskClient) -> None:
    token = garage.begin()
    garage.wait(5)
    for _ in range(3):
        press(browser, "webhooks/lose")
    garage.pay(token)
    garage.wait(60)
    assert garage.status(token) == "created"


@pytest.mark.parametrize("path", [f"connector/{AC}/1/explode", f"charger/{AC}/explode", "session/pi_none/refund"])
def test_an_unknown_hand_is_not_found(browser: FlaskClient, path: str) -> None:
    assert browser.post(f"/sandbox/{path}").status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_another_site_cannot_press_a_button(garage: Garage, browser: FlaskClient, headers: dict[str, str]) -> None:
    assert browser.post(f"/sandbox/connector/{AC}/1/break", headers=headers).status_code == 403
    assert garage.connector_status() == "Available"


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://localhost"}])
def test_its_own_page_can_press_a_button(garage: Garage, browser: FlaskClient, headers: dict[str, str]) -> None:
    assert browser.post(f"/sandbox/connector/{AC}/1/break", headers=headers).status_code == 303
    assert garage.connector_status() == "Faulted"


def test_no_token_and_no_client_secret_is_on_the_page(garage: Garage, browser: FlaskClient) -> None:
    token = garage.begin()
    secret = garage.session(token).client_secret
    garage.http.get(f"sessions/{token}")
    text = page(browser)
    assert token not in text
    assert secret not in text


# --- colours


def _palettes() -> dict[str, dict[str, str]]:
    light, dark = (ASSETS / "panel.css").read_text().split("prefers-color-scheme: dark", 1)
    found = {
        name: dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", part)) for name, part in (("light", light), ("dark", dark))
    }
    assert set(found["light"]) == set(found["dark"])
    return found


def _contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    ("front", "back", "least"),
    [
        ("ink", "ground", 4.5),
        ("ink", "paper", 4.5),
        ("ink-2", "ground", 4.5),
        ("ink-2", "paper", 4.5),
        ("accent", "ground", 4.5),
        ("accent", "paper", 4.5),
        ("on-accent", "accent", 4.5),
        ("good", "good-wash", 4.5),
        ("bad", "bad-wash", 4.5),
        ("edge", "paper", 3.0),
        ("edge", "ground", 3.0),
    ],
)
def test_colours_can_be_told_apart(theme: str, front: str, back: str, least: float) -> None:
    palette = _palettes()[theme]
    assert _contrast(palette[front], palette[back]) >= least


@pytest.fixture
def pilot() -> System:
    return System("pilot", "The pilot", "Knows the fuses.", Faults())


@pytest.fixture
def with_pilot(garage: Garage, pilot: System) -> FlaskClient:
    app = Flask("panel_test", static_folder=None)
    app.register_blueprint(create_panel(garage.world, garage.faults, systems=[pilot]), url_prefix="/sandbox")
    return app.test_client()


@pytest.mark.parametrize("luck", sorted(set(Luck) - {Luck.GOOD}))
def test_another_system_fails_until_it_is_put_right(with_pilot: FlaskClient, pilot: System, luck: Luck) -> None:
    press(with_pilot, f"system/pilot/{luck}")
    assert pilot.luck is luck
    assert f'<span class="tag bad">{luck.words}</span>' in page(with_pilot)
    press(with_pilot, "system/pilot/good")
    assert pilot.luck is Luck.GOOD
    assert pilot.faults.waiting() == ()
    assert "Back to normal" not in page(with_pilot)


def test_a_system_has_one_bad_luck_at_a_time(with_pilot: FlaskClient, pilot: System) -> None:
    press(with_pilot, "system/pilot/down")
    press(with_pilot, "system/pilot/slow")
    assert [rule.kind for rule, _ in pilot.faults.waiting()] == [Kind.LATENCY]


def test_what_is_no_system_or_no_luck_is_not_found(with_pilot: FlaskClient) -> None:
    assert with_pilot.post("/sandbox/system/stripe/down").status_code == 404
    assert with_pilot.post("/sandbox/system/pilot/haunted").status_code == 404


def test_the_panel_says_where_the_tablet_is(with_pilot: FlaskClient, browser: FlaskClient) -> None:
    assert '<a href="/tablet/">' in page(with_pilot)
    assert 'id="systems"' not in page(browser)


def test_a_gentle_site_can_be_made_rough_and_gentle_again(garage: Garage, browser: FlaskClient) -> None:
    assert "Nothing is rough now." in page(browser)
    press(browser, "rough")
    text = page(browser)
    assert "others at our address take 25% of each limit" in text
    assert f"{AC}: its meter is told every 300 s" in text
    for trouble in Trouble:
        assert trouble.words in html.unescape(text)
    press(browser, f"rough/{Trouble.OTHERS}/off")
    assert "others at our address take" not in page(browser)
    assert garage.world.limits.foreign_share == 0
    press(browser, "rough/all/off")
    assert "Nothing is rough now." in page(browser)
    assert not any(on for _trouble, on, _times in garage.world.troubles())
    press(browser, "rough/all/on")
    assert all(on for _trouble, on, _times in garage.world.troubles())


def test_making_it_rough_twice_begins_nothing_anew(garage: Garage, browser: FlaskClient) -> None:
    press(browser, "rough")
    press(browser, f"rough/{Trouble.TIMER}/off")
    press(browser, "rough")
    assert not {trouble: on for trouble, on, _times in garage.world.troubles()}[Trouble.TIMER]


@pytest.mark.parametrize("path", ["rough/haunted/on", "rough/timer/maybe"])
def test_what_is_no_trouble_is_not_found(browser: FlaskClient, path: str) -> None:
    assert browser.post(f"/sandbox/{path}").status_code == 404


def test_a_trouble_of_a_gentle_site_is_not_possible(browser: FlaskClient) -> None:
    press(browser, "rough/timer/on")
    assert "this site is not rough" in page(browser)


def test_the_rough_hands_at_a_charger_say_what_they_do_until_they_are_taken_back(
    garage: Garage, browser: FlaskClient
) -> None:
    for action, words in {
        "rare-meter": "its meter is told every 300 s",
        "hide-energy": "hides the energy of a charge",
        "half-end": "holds back the amounts of a last word",
        "strange-word": "says optimising for charging",
        "strange-end": "says archived for captured",
        "out-of-order": "itself Faulted",
        "reject-start": "rejects the next 1 start(s)",
    }.items():
        press(browser, f"charger/{AC}/{action}")
        assert f"{AC}: {words}" in page(browser)
    for action in ("usual-meter", "whole-answers", "in-order"):
        press(browser, f"charger/{AC}/{action}")
    assert garage.world.moods() == ((AC, ("rejects the next 1 start(s)",)),)


def test_the_rough_hands_at_a_bay(garage: Garage, browser: FlaskClient) -> None:
    garage.charging()
    press(browser, f"connector/{AC}/1/pause")
    assert garage.connector_status() == "SuspendedEVSE"
    garage.wait(600)
    assert garage.connector_status() == "Charging"
    press(browser, f"connector/{AC}/1/timer")
    assert garage.connector_status() == "SuspendedEV"
    press(browser, f"connector/{AC}/1/absurd")
    assert "4076.400 kWh" in page(browser)
    press(browser, f"connector/{AC}/2/late")
    press(browser, f"charger/{AC}/full-hour")
    assert garage.http.post("sessions", json={"code": AC, "connector_id": 2}).status_code == 429


def test_a_429_can_ask_for_as_long_as_one_likes(garage: Garage, browser: FlaskClient) -> None:
    press(browser, "faults", kind="too_many", endpoint="charger", times="1", retry_after="3600")
    assert garage.http.get(f"chargers/{AC}").headers["Retry-After"] == "3600"
