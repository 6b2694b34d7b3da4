"""Messages: who gets them by kiosk.toml, what is missing for that, and that they hold nothing they must not."""

from __future__ import annotations

from datetime import time, timedelta
from pathlib import Path
from typing import Any

import pytest

from kiosk.config.settings import Settings, SettingsError, build_settings
from kiosk.config.sites import SiteBook, load_site
from kiosk.domain.attention import Act, Attention, Level, Matter
from kiosk.domain.handling import Handling
from kiosk.domain.telling import Channel, Hours, Why
from kiosk.service.notices import MOST_LINES, notice, receivers, trial
from kiosk.service.queue_words import DO, WHAT
from kiosk.store.exceptions import Listed
from tests.store.build import later, opened
from tests.worlds.once import migrated_store

SITES = [{"id": "north", "name": "North", "timezone": "Europe/Berlin", "chargers": [{"code": "AAAA2"}]}]


def book(**one: Any) -> SiteBook:
    return SiteBook.model_validate({"sites": SITES, "notify": [{"name": "kim", **one}]})


def settings(**more: Any) -> Settings:
    return build_settings(secret_key="x" * 40, public_url="https://charge.example", **more)


def test_everything_that_can_be_said_in_the_file_is_meant() -> None:
    (one,) = receivers(
        book(
            webhook="https://chat.example/x",
            kinds=["review"],
            sites=["north"],
            after_minutes=30,
            again=False,
            quiet="22:00-07:00",
            alarms_at_night=False,
            digest="07:30",
        ),
        settings(notify_secret="y" * 40),
    )
    assert (one.name, one.channel, one.address) == ("kim", Channel.WEBHOOK, "https://chat.example/x")
    assert (one.kinds, one.codes) == (frozenset({Attention.REVIEW}), frozenset({"AAAA2"}))
    assert (one.after, one.again, one.alarms_at_night) == (timedelta(minutes=30), False, False)
    assert (one.quiet, one.digest) == (Hours(time(22), time(7)), time(7, 30))
    assert one.zone.key == "Europe/Berlin"


@pytest.mark.parametrize(
    ("one", "sentence"),
    [
        ({"mail": "kim@lindenau.example"}, "set KIOSK_SMTP_HOST and KIOSK_SMTP_FROM"),
        ({"webhook": "https://chat.example/x"}, "set KIOSK_NOTIFY_SECRET"),
        ({"ntfy": "https://ntfy.example/x", "kinds": ["fire"]}, "there is no kind 'fire'; there are amount_unknown"),
    ],
)
def test_what_is_missing_is_said_before_anybody_waits_for_a_message(one: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        receivers(book(**one), settings())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('name = "a"', "one of mail, webhook, ntfy and apprise"),
        (
            'name = "a"\nmail = "a@b.example"\nntfy = "https://n.example/a"',
            "one of mail, webhook, ntfy and apprise",
        ),
        ('name = "a"\nntfy = "https://n.example/a"\nsites = ["south"]', "there is no site 'south'"),
        ('name = "a"\nwebhook = "http://n.example/a"', "notify.0.webhook"),
        ('name = "a"\napprise = "no address"', "notify.0.apprise"),
        ('name = "a"\nntfy = "https://n.example/a"\nquiet = "22-7"', "notify.0.quiet"),
        ('name = "a"\nntfy = "https://n.example/a"\n[[notify]]\nname = "a"\nntfy = "https://n.example/b"', "twice"),
    ],
)
def test_a_mistake_in_the_file_stops_the_kiosk_with_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "kiosk.toml"
    file.write_text(f"[[notify]]\n{text}\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=sentence):
        load_site(file)


def listed(number: int, level: Level, **more: Any) -> Listed:
    facts: dict[str, Any] = {"kind": Attention.STARTS_REFUSED, "subject": "AAAA2", "act": Act.LOOK_AT_CHARGER}
    matter = Matter(code="AAAA2", since=later(0), **{**facts, **more})
    return Listed(number, matter, later(1), level, later(1), None, Handling())


def test_without_the_package_an_address_of_apprise_stops_the_kiosk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kiosk.service.notices.find_spec", lambda _name: None)
    with pytest.raises(SettingsError, match=r"^notify 'kim' wants Apprise.*charge-kiosk\[apprise\]") as caught:
        receivers(book(apprise="slack://hidden"), settings())
    assert "hidden" not in str(caught.value)


def test_an_address_of_apprise_is_shown_nowhere() -> None:
    made = book(apprise="slack://hidden")
    (one,) = receivers(made, settings())
    assert (one.channel, one.address) == (Channel.APPRISE, "slack://hidden")
    assert "hidden" not in repr(made) + repr(one)


def test_a_message_names_place_amount_age_and_what_to_do_and_no_key(tmp_path: Path) -> None:
    store = migrated_store(tmp_path / "kiosk.db")
    key = opened(store)
    row = listed(1, Level.ALARM, kind=Attention.REVIEW, subject=key, act=Act.ASK_BACK_OFFICE)
    many = [row, *(listed(number, Level.NOTED) for number in range(2, MOST_LINES + 4))]
    made = notice(many, Why.AT_ONCE, later(7200), store, book(ntfy="https://n.example/a"), "https://charge.example")
    store.close()
    assert made.urgent
    assert made.subject == f"EV charging: ALARM: {MOST_LINES + 3} things need a person"
    assert "charger AAAA2, North: the last starts there were all refused, since 2 h." in made.text
    assert "And 3 more." in made.text
    assert "https://charge.example/desk/queue" in made.text
    assert len(made.facts["items"]) == MOST_LINES  # type: ignore[arg-type]
    assert key not in made.text + str(made.facts)


def test_every_kind_and_every_act_has_its_words() -> None:
    assert (set(WHAT), set(DO)) == (set(Attention), set(Act))
    assert len(set(WHAT.values())) == len(WHAT)


def test_a_test_message_says_that_it_is_one() -> None:
    made = trial(book(ntfy="https://n.example/a"), later(0))
    assert "This is a test" in made.text
    assert (made.urgent, made.facts["why"]) == (False, "test")
