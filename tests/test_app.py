"""The wiring: a demo that works from start to proof without a socket, and a real kiosk that never loads the sandbox."""

from __future__ import annotations

import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from flask import Flask

from kiosk.app import create_app, running, start, stop
from kiosk.clock import ManualClock
from kiosk.config.settings import SettingsError
from kiosk.config.sites import SiteBook
from kiosk.demo import EXAMPLE, create_demo_app
from kiosk.domain.crosswalk import Kind, Proposal, Reason, Verdict
from kiosk.engine.sites.plan import SitePlan
from kiosk.news.news import TooManyStreams, site_topic
from kiosk.outside import Transports
from kiosk.sandbox.plugchoice.office import SITE_UUID
from kiosk.sandbox.world.scene import CHARGERS
from kiosk.service.parts import Parts
from kiosk.store import Cipher, Store
from kiosk.upstream.errors import NotSent, UpstreamError
from tests.store.build import opened
from tests.web.built import made_app, made_settings

HOME = Path(__file__).parent.parent
REAL_KIOSK = """
import sys
import wsgi
loaded = sorted(name for name in sys.modules if name.startswith(("kiosk.sandbox", "kiosk.demo")))
assert not loaded, loaded
rules = {rule.rule for rule in wsgi.app.url_map.iter_rules()}
assert not [rule for rule in rules if "sandbox" in rule]
print("ready")
"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    app = create_demo_app(10, 8000, tmp_path_factory.mktemp("demo"))
    yield app
    stop(app)


def test_a_real_kiosk_starts_without_the_sandbox(tmp_path: Path) -> None:
    environment = {
        "KIOSK_SECRET_KEY": "k" * 40,
        "KIOSK_PUBLIC_URL": "https://charge.example",
        "KIOSK_DATA_DIR": str(tmp_path),
        "KIOSK_CONFIG": str(EXAMPLE),
        "PATH": "/usr/bin:/bin",
    }
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-W", "error", "-c", REAL_KIOSK],
        cwd=HOME,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.splitlines()[-1:] == ["ready"], done.stderr


def test_a_wrong_setting_stops_the_server_with_a_sentence() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import wsgi"],
        cwd=HOME,
        env={"KIOSK_SECRET_KEY": "short"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 3
    assert done.stderr.startswith("kiosk: KIOSK_SECRET_KEY cannot be used")
    assert done.stderr.count("\n") == 1


def test_a_database_of_a_newer_release_stops_the_server_with_a_sentence(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'kiosk.db'}", Cipher(["k" * 40]))
    store.migrate()
    with store._database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    store.close()
    done = subprocess.run(
        [sys.executable, "-c", "import wsgi"],
        cwd=HOME,
        env={"KIOSK_SECRET_KEY": "k" * 40, "KIOSK_DATA_DIR": str(tmp_path), "KIOSK_PUBLIC_URL": "https://c.example"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 3
    assert "kiosk: The database cannot be used: its tables are those of a newer release" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_demo_shows_its_pages_and_its_sandbox(demo: Flask) -> None:
    client = demo.test_client()
    for path in ("/", f"/c/{CHARGERS[0].code}", "/sandbox/", "/sandbox/stripe/endive/stripe.js"):
        with client.get(path) as answer:
            assert answer.status_code == 200, path


def test_the_demo_reads_chargers_starts_and_proves_without_a_socket(demo: Flask) -> None:
    kiosk = running(demo)
    card = kiosk.outside.public.get_charger("7MK4T")
    assert (card.name, card.online, card.sellable) == ("Charger 2", True, True)
    payment = kiosk.outside.public.start("7MK4T", 2).observation.payment
    assert payment is not None
    assert payment.publishable_key.startswith("pk_test_")
    assert payment.intent_id is not None
    assert kiosk.outside.proofs is not None
    proof = kiosk.outside.proofs.proof(payment.intent_id, payment.stripe_account_id)
    assert proof.intent_status == "requires_payment_method"


def test_the_demo_keeps_one_time(demo: Flask) -> None:
    parts: Parts = demo.extensions["kiosk"]
    assert parts.clock.rate == 10
    assert abs(running(demo).outside.public.get_charger("7MK4T").seen_at - parts.clock.now()).total_seconds() < 60


def test_the_demo_can_reach_nobody_outside(demo: Flask) -> None:
    parts: Parts = demo.extensions["kiosk"]
    assert parts.settings.stands_in_for_plugchoice
    assert not parts.settings.real_stripe_js
    assert not parts.settings.live_stripe_key


def test_the_demo_starts_afresh_but_knows_its_browsers(tmp_path: Path) -> None:
    first = create_demo_app(10, 8000, tmp_path)
    before: Parts = first.extensions["kiosk"]
    key = before.settings.secret_keys
    stop(first)
    assert (tmp_path / "secret-key").stat().st_mode & 0o077 == 0
    second = create_demo_app(10, 8000, tmp_path)
    after: Parts = second.extensions["kiosk"]
    try:
        assert after.settings.secret_keys == key
    finally:
        stop(second)


def test_an_upstream_that_does_not_answer_does_not_stop_the_start(tmp_path: Path) -> None:
    app = made_app(tmp_path)
    start(app)
    try:
        assert app.test_client().get("/healthz").status_code == 200
    finally:
        stop(app)


def test_an_address_of_apprise_that_cannot_be_used_stops_the_start_before_a_store_is_made(tmp_path: Path) -> None:
    book = SiteBook.model_validate({"notify": [{"name": "kim", "apprise": "nonsense://hidden"}]})
    settings = made_settings(tmp_path, data_dir=tmp_path / "data")
    with pytest.raises(SettingsError, match=r"^notify 'kim': Apprise cannot use its address"):
        create_app(settings, site=book)
    assert not settings.data_dir.exists()


def test_holds_under_a_secret_that_is_not_set_any_more_are_refused_at_start(tmp_path: Path) -> None:
    before = made_app(tmp_path)
    opened(running(before).store)
    stop(before)
    app = made_app(tmp_path, secret_key="another-secret-key-that-is-long-enough-here")
    try:
        with pytest.raises(SettingsError, match="1 sessions that may still hold money"):
            start(app)
        assert not running(app).engine.alive()
    finally:
        stop(app)


def test_a_kiosk_can_be_stopped_twice(tmp_path: Path) -> None:
    app = made_app(tmp_path)
    stop(app)
    stop(app)


def test_calls_are_remembered_for_the_next_process(tmp_path: Path) -> None:
    app = made_app(tmp_path)
    with pytest.raises((UpstreamError, AssertionError)):
        running(app).outside.public.get_charger("7MK4T")
    parts: Parts = app.extensions["kiosk"]
    assert [name for name, _ in parts.store.calls_since(parts.clock.now())] == ["get_charger"]


def test_who_waited_for_a_card_of_the_process_before_waits_no_more(tmp_path: Path) -> None:
    before = made_app(tmp_path)
    parts: Parts = before.extensions["kiosk"]
    parts.store.want_card("7MK4T", parts.clock.now())
    stop(before)
    after: Parts = made_app(tmp_path).extensions["kiosk"]
    assert after.store.wanted_cards() == []


def test_the_deadlines_of_the_settings_are_the_engines(tmp_path: Path) -> None:
    app = made_app(
        tmp_path, start_deadline_seconds=33, power_deadline_seconds=44, personal_data_days=5, readings_days=200
    )
    context = running(app).engine._context
    assert (context.policy.start, context.policy.power) == (timedelta(seconds=33), timedelta(seconds=44))
    assert context.personal_data_lives == timedelta(days=5)
    assert context.readings_live == timedelta(days=200)


def test_the_sites_of_the_file_are_the_engines_with_their_names_in_the_other_systems(tmp_path: Path) -> None:
    site = {
        "id": "a",
        "name": "A",
        "timezone": "UTC",
        "plugchoice_site": SITE_UUID,
        "chargepilot_site": "pilot-1",
        "chargers": [{"code": "AAAA2", "lab_id": "dep-1"}, {"code": "BBBB2"}],
    }
    app = made_app(tmp_path, site=SiteBook.model_validate({"sites": [site]}))
    context = running(app).engine._context
    assert context.sites == (SitePlan("a", ("AAAA2", "BBBB2"), SITE_UUID, "pilot-1", {"AAAA2": "dep-1"}),)
    assert (context.operator, context.pilot, context.lab) == (None, None, None)


def test_what_people_have_confirmed_at_the_desk_is_the_engines_from_the_next_start_on(tmp_path: Path) -> None:
    site = {"id": "a", "name": "A", "timezone": "UTC", "chargers": [{"code": "AAAA2"}]}
    book = SiteBook.model_validate({"sites": [site]})
    app = made_app(tmp_path, site=book)
    crosswalk = running(app).store.crosswalk
    found = [(Kind.CHARGEPILOT_SITE, "a", "pilot-1"), (Kind.STATION, "AAAA2", "CP-1")]
    crosswalk.propose([Proposal(*one, None, 80, (Reason.SAME_NAME,)) for one in found], ManualClock().now())
    for one in crosswalk.entries():
        assert crosswalk.decide(one.id, Verdict.CONFIRMED, "kim", ManualClock().now())
    assert running(app).engine._context.sites == (SitePlan("a", ("AAAA2",)),)
    app = made_app(tmp_path, site=book)
    assert running(app).engine._context.sites == (SitePlan("a", ("AAAA2",), None, "pilot-1"),)
    parts: Parts = app.extensions["kiosk"]
    assert [one.station_ids for one in parts.site.sites[0].chargers] == [("CP-1",)]


def test_the_systems_that_are_set_are_the_engines_and_end_with_it(tmp_path: Path) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers["Authorization"])
        return httpx.Response(200, json={"data": []})

    stand_in = httpx.MockTransport(answer)
    app = create_app(
        made_settings(
            tmp_path,
            plugchoice_token="operator-1",
            chargepilot_key="key-1",
            chargepilot_secret="hidden",
            chargepilot_path="short",
            ocpplab_url="https://lab.example",
            ocpplab_token="lab-1",
            ocpplab_prefix="/",
        ),
        site=SiteBook(),
        clock=ManualClock(),
        transports=Transports(public=stand_in, operator=stand_in),
    )
    context = running(app).engine._context
    assert context.operator is not None
    assert context.pilot is not None
    assert context.lab is not None
    assert context.operator.sites().entries == ()
    assert asked == ["Bearer operator-1"]
    stop(app)
    for call in (context.operator.sites, context.pilot.sites, context.lab.chargers):
        with pytest.raises(NotSent, match="closed"):
            call()


def test_the_demos_board_is_kept_fresh_by_the_operators_view(demo: Flask) -> None:
    parts: Parts = demo.extensions["kiosk"]
    codes = [spec.code for spec in CHARGERS]
    with parts.news.subscribe(site_topic("marktplatz")):
        for _ in range(1200):
            cards = parts.store.cards(codes)
            if len(cards) == len(codes) and parts.store.tree("marktplatz") is not None and parts.store.lab_facts(codes):
                break
            time.sleep(0.05)
    assert len(cards) == len(codes)
    assert any(card.priced_at is not None for card in cards.values())
    assert parts.store.tree("marktplatz") is not None
    assert set(parts.store.lab_facts(codes)) == set(codes)


def test_no_more_streams_are_open_than_the_settings_allow(tmp_path: Path) -> None:
    news = running(made_app(tmp_path, max_streams=1)).news
    with news.subscribe("session:a"), pytest.raises(TooManyStreams), news.subscribe("session:b"):
        pass


def test_every_package_is_shipped() -> None:
    """The list in pyproject.toml is written by hand, because templates and static files lie at the top."""
    listed = set(tomllib.loads((HOME / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    there = {
        ".".join(path.parent.relative_to(HOME).parts)
        for path in (HOME / "kiosk").rglob("*.py")
        if "__pycache__" not in path.parts
    }
    assert there == {name for name in listed if not name.startswith("kiosk._")}
