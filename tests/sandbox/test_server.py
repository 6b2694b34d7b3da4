"""The stand-in world as one server: panel, Plugchoice and Stripe under one address."""

from __future__ import annotations

import threading

import httpx
import pytest

from kiosk.config.settings import load_settings
from kiosk.sandbox.__main__ import create_server_app, main, settings_for
from tests.sandbox.sandbox_garage import AC, Garage


def test_panel_plugchoice_and_stripe_stand_side_by_side(garage: Garage) -> None:
    app = create_server_app(garage.world, garage.faults, kiosk_path="http://127.0.0.1:8000/")
    client = app.test_client()
    assert 'href="http://127.0.0.1:8000/c/7MK4T"' in client.get("/").get_data(as_text=True)
    assert client.get(f"/plugchoice/api/v3/public-charging/chargers/{AC}").status_code == 200
    assert client.get("/stripe/v1/payment_intents/pi_none").status_code == 401


def test_the_settings_that_it_prints_lead_to_it(garage: Garage) -> None:
    client = create_server_app(garage.world, garage.faults).test_client()
    said = dict(line.strip().split("=", 1) for line in settings_for("http://127.0.0.1:8100") if "=" in line)
    paths = {name: value.removeprefix("http://127.0.0.1:8100") for name, value in said.items()}
    assert client.get(f"{paths['KIOSK_PLUGCHOICE_URL']}/public-charging/chargers/{AC}").status_code == 200
    with client.get(paths["KIOSK_STRIPE_JS_URL"]) as script:
        assert script.status_code == 200
    assert client.get(f"{paths['KIOSK_STRIPE_API_URL']}/v1/payment_intents/pi_none").status_code == 401
    load_settings(
        {**said, "KIOSK_SECRET_KEY": "Zq7-secret_key.with+many/different=characters"}
    )  # and a kiosk starts with them


def test_only_the_names_of_this_machine_are_answered(garage: Garage) -> None:
    client = create_server_app(garage.world, garage.faults, hosts=["localhost", "127.0.0.1"]).test_client()
    assert client.get("/", base_url="http://127.0.0.1:8100").status_code == 200
    assert client.get("/", base_url="http://rebound.example").status_code == 400


def test_a_speed_of_nothing_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--speed", "0"])
    assert "--speed" in capsys.readouterr().err


def test_many_drivers_at_once_do_not_disturb_each_other(garage: Garage) -> None:
    """Readers, hands and payments from several threads, on one world and one book of holds."""
    problems: list[BaseException] = []
    token = garage.begin()

    def work(turn: int) -> None:
        try:
            for _ in range(30):
                if turn == 0:
                    garage.clock.advance(1)
                elif turn == 1:
                    garage.world.plug_in(AC, 2)
                    garage.world.unplug(AC, 2)
                elif turn == 2 and garage.hold(token) == "requires_payment_method":
                    garage.pay(token)
                garage.world.chargers()
                garage.world.session(token)
        except BaseException as problem:  # noqa: BLE001 - a thread's problem is the test's problem
            problems.append(problem)

    threads = [threading.Thread(target=work, args=(turn,), daemon=True) for turn in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(timeout=60)
    assert not any(each.is_alive() for each in threads), "two locks wait for each other"
    assert [repr(each) for each in problems] == []
    garage.wait(30)
    assert garage.status(token) == "charging"


def test_the_garage_is_reached_through_a_client_of_its_own(garage: Garage) -> None:
    app = create_server_app(garage.world, garage.faults)
    with httpx.Client(transport=httpx.WSGITransport(app), base_url="http://localhost") as client:
        answer = client.get(f"/plugchoice/api/v3/public-charging/chargers/{AC}")
    assert answer.json()["data"]["public_code"] == AC
