"""Settings: what is accepted, and that everything else fails with one sentence that names the setting."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from kiosk.config.addresses import is_loopback
from kiosk.config.settings import (
    CHARGEPILOT_URL,
    LIMITED,
    PLUGCHOICE_URL,
    STRIPE_JS_URL,
    LiveKeyRefused,
    Settings,
    SettingsError,
    build_settings,
    load_settings,
    variable,
    without_password,
)
from kiosk.outside import OPERATOR, limits_of
from kiosk.upstream.plugchoice.budget import Endpoint, Limits

KEY = "k" * 40
OTHER = "o" * 40
REAL = {"KIOSK_SECRET_KEY": KEY, "KIOSK_PUBLIC_URL": "https://charge.example"}
STAND_IN = {"KIOSK_SECRET_KEY": KEY, "KIOSK_PLUGCHOICE_URL": "http://127.0.0.1:8000/sandbox/plugchoice/api/v3"}
LIVE_KEYS = ("sk_live_51abc", "rk_live_51abc")


def complaint(**more: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(REAL | more)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith((".", "?"))
    return sentence


def test_two_settings_are_enough_for_a_real_kiosk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings(REAL)
    assert settings.plugchoice_url == PLUGCHOICE_URL
    assert settings.stripe_js_url == STRIPE_JS_URL
    assert settings.database_url == f"sqlite:///{tmp_path}/data/kiosk.db"
    assert (settings.port, settings.trusted_proxies, settings.max_streams) == (8000, 0, 500)
    assert (settings.start_deadline_seconds, settings.power_deadline_seconds) == (120, 180)
    assert settings.live_money
    assert settings.https
    assert settings.public_host == "charge.example"


SERVER = "postgresql://kiosk:Sesame@db.example:5433/charging?sslmode=verify-full"


def test_a_database_server_is_named_without_its_password() -> None:
    settings = load_settings(REAL | {"KIOSK_DATABASE_URL": SERVER})
    assert settings.database_url == SERVER
    assert not settings.sqlite
    assert settings.database_file is None
    assert settings.database == "charging at db.example"
    assert "Sesame" not in without_password(SERVER)
    assert without_password(SERVER).startswith("postgresql://kiosk:********@db.example:5433/charging?")
    assert "Sesame" not in repr(settings)


def test_backups_of_its_own_are_of_its_own_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="pg_dump"):
        load_settings(REAL | {"KIOSK_DATABASE_URL": SERVER, "KIOSK_BACKUP_FOLDER": str(tmp_path)})
    assert load_settings(REAL | {"KIOSK_BACKUP_FOLDER": str(tmp_path)}).backup_folder == tmp_path


@pytest.mark.parametrize(
    ("address", "helps"),
    [
        ("mysql://kiosk@db.example/kiosk", "use sqlite:///<path> or postgresql://"),
        ("postgresql://kiosk:Sesame@db.example", "it names no database"),
        ("postgresql://[db/kiosk", "it names no database"),
        ("sqlite://", "use sqlite:///<path> or postgresql://"),
    ],
)
def test_a_database_that_cannot_be_used_is_refused_with_a_sentence(address: str, helps: str) -> None:
    said = complaint(KIOSK_DATABASE_URL=address)
    assert said.startswith(f"KIOSK_DATABASE_URL cannot be used: {helps}")
    assert "Sesame" not in said


def test_a_server_needs_its_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kiosk.config.settings.find_spec", lambda _name: None)
    assert "needs the package psycopg" in complaint(KIOSK_DATABASE_URL=SERVER)


def test_a_missing_secret_key_is_asked_for_by_name() -> None:
    with pytest.raises(SettingsError, match=r"KIOSK_SECRET_KEY is missing: .*32 random characters\."):
        load_settings({"KIOSK_PUBLIC_URL": "https://charge.example"})


@pytest.mark.parametrize("value", ["short", f"{KEY},short", ","])
def test_every_secret_key_of_the_list_must_be_long(value: str) -> None:
    sentence = complaint(KIOSK_SECRET_KEY=value)
    assert sentence.startswith("KIOSK_SECRET_KEY cannot be used: each key needs at least 32 characters")
    assert "short" not in sentence


def test_the_first_secret_key_is_the_newest() -> None:
    assert load_settings(REAL | {"KIOSK_SECRET_KEY": f"{KEY}, {OTHER}"}).secret_keys == (KEY, OTHER)


def test_an_unknown_variable_is_refused_with_the_nearest_name() -> None:
    assert complaint(KIOSK_TRUSTED_PROXY="1") == (
        "KIOSK_TRUSTED_PROXY is not a setting of the kiosk: did you mean KIOSK_TRUSTED_PROXIES?"
    )


def test_an_unknown_variable_without_a_near_name_points_to_the_list() -> None:
    assert (
        complaint(KIOSK_ZZZZZZ="1") == "KIOSK_ZZZZZZ is not a setting of the kiosk: see docs/settings.md for the list."
    )


def test_variables_of_others_are_none_of_our_business() -> None:
    assert load_settings(REAL | {"PATH": "/bin", "KIOSKS": "7"}).port == 8000


def test_the_port_is_called_port() -> None:
    assert load_settings(REAL | {"PORT": "9000"}).port == 9000
    assert variable("port") == "PORT"


def test_an_empty_variable_counts_as_not_set() -> None:
    assert load_settings(REAL | {"KIOSK_STRIPE_API_KEY": "", "PORT": ""}).stripe_api_key is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "soon"),
        ("PORT", "70000"),
        ("KIOSK_WORKER_CLASS", "sync"),
        ("KIOSK_LOG_FORMAT", "xml"),
        ("KIOSK_START_DEADLINE_SECONDS", "5"),
        ("KIOSK_POWER_DEADLINE_SECONDS", "0"),
        ("KIOSK_MAX_STREAMS", "0"),
        ("KIOSK_TRUSTED_PROXIES", "-1"),
        ("KIOSK_DEMO_SPEED", "0"),
        ("KIOSK_PERSONAL_DATA_DAYS", "0"),
        ("KIOSK_READINGS_DAYS", "179"),
        ("KIOSK_DATABASE_URL", "mysql://db/kiosk"),
        ("KIOSK_CONFIG", "/nowhere/kiosk.toml"),
        ("KIOSK_PLUGCHOICE_URL", "http://plugchoice.example/api/v3"),
        ("KIOSK_PLUGCHOICE_URL", "plugchoice.example"),
        ("KIOSK_PUBLIC_URL", "http://charge.example"),
        ("KIOSK_PUBLIC_URL", "ftp://charge.example"),
        ("KIOSK_STRIPE_JS_URL", "//js.stripe.com/endive/stripe.js"),
        ("KIOSK_OCPPLAB_URL", "http://lab.example"),
        ("KIOSK_OCPPLAB_URL", "/ocpp"),
        ("KIOSK_OCPPLAB_URL", "https://lab.example?token=x"),
        ("KIOSK_OCPPLAB_TOKEN", "two words"),
        ("KIOSK_OCPPLAB_PREFIX", "ocpp"),
        ("KIOSK_OCPPLAB_PREFIX", "/../admin"),
        ("KIOSK_PLUGCHOICE_TOKEN", "two words"),
        ("KIOSK_PLUGCHOICE_TOKEN", "t" * 8193),
        ("KIOSK_CHARGEPILOT_URL", "http://pilot.example/rest/v1"),
        ("KIOSK_CHARGEPILOT_URL", "/rest/v1"),
        ("KIOSK_CHARGEPILOT_KEY", "two words"),
        ("KIOSK_CHARGEPILOT_PATH", "long"),
        ("KIOSK_TABLET_CARD_ENTRY", "perhaps"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(name: str, value: str) -> None:
    assert complaint(**{name: value}).startswith(f"{name} cannot be used: ")


@pytest.mark.parametrize(
    "value", ["https://charge.example/path", "https://a@charge.example", "https://charge.example?x=1"]
)
def test_the_public_address_is_a_bare_origin(value: str) -> None:
    assert complaint(KIOSK_PUBLIC_URL=value).startswith("KIOSK_PUBLIC_URL must be a bare origin")


def test_a_real_kiosk_needs_a_public_address() -> None:
    with pytest.raises(SettingsError, match=r"KIOSK_PUBLIC_URL is missing: .*"):
        load_settings({"KIOSK_SECRET_KEY": KEY})


def test_a_stand_in_is_at_home_on_this_machine() -> None:
    settings = load_settings(STAND_IN | {"PORT": "8123"})
    assert settings.public_url == "http://localhost:8123"
    assert not settings.https
    assert not settings.live_money


def test_http_is_accepted_on_this_machine_only() -> None:
    assert load_settings(REAL | {"KIOSK_PUBLIC_URL": "http://localhost:8000/"}).public_url == "http://localhost:8000"


def test_an_api_address_without_its_key_is_half_set() -> None:
    sentence = complaint(KIOSK_STRIPE_API_URL="http://127.0.0.1:1/stripe")
    assert sentence.startswith("KIOSK_STRIPE_API_URL is set without KIOSK_STRIPE_API_KEY")


@pytest.mark.parametrize("half", [{"KIOSK_OCPPLAB_URL": "https://lab.example"}, {"KIOSK_OCPPLAB_TOKEN": "hidden"}])
def test_ocpplab_needs_its_address_and_its_token(half: dict[str, str]) -> None:
    sentence = complaint(**half)
    assert sentence.startswith("KIOSK_OCPPLAB_URL and KIOSK_OCPPLAB_TOKEN belong together")
    assert "hidden" not in sentence


@pytest.mark.parametrize(
    "half",
    [
        {"KIOSK_CHARGEPILOT_KEY": "key-hidden"},
        {"KIOSK_CHARGEPILOT_SECRET": "hidden"},
        {"KIOSK_CHARGEPILOT_URL": "https://pilot.example"},
        {"KIOSK_CHARGEPILOT_URL": "https://pilot.example", "KIOSK_CHARGEPILOT_KEY": "key-hidden"},
    ],
)
def test_chargepilot_needs_its_key_and_its_secret(half: dict[str, str]) -> None:
    sentence = complaint(**half)
    assert sentence.startswith("KIOSK_CHARGEPILOT_KEY and KIOSK_CHARGEPILOT_SECRET belong together")
    assert "hidden" not in sentence


def test_chargepilot_has_an_address_of_its_own_once_it_has_a_key() -> None:
    assert load_settings(REAL).chargepilot_url is None
    pilot = {"KIOSK_CHARGEPILOT_KEY": "key-hidden", "KIOSK_CHARGEPILOT_SECRET": "a hidden secret, with blanks"}
    settings = load_settings(REAL | pilot)
    assert (settings.chargepilot_url, settings.chargepilot_path) == (CHARGEPILOT_URL, "full")
    assert "hidden" not in repr(settings)
    other = {"KIOSK_CHARGEPILOT_URL": "http://127.0.0.1:8000/rest/v1/", "KIOSK_CHARGEPILOT_PATH": "short"}
    settings = load_settings(REAL | pilot | other)
    assert (settings.chargepilot_url, settings.chargepilot_path) == ("http://127.0.0.1:8000/rest/v1", "short")


@pytest.mark.parametrize(
    "given",
    [
        "https://scan.example/",
        "http://scan.example/{code}",
        "https://{code}.example/",
        "https://{code}",
        "https://scan.example?{code}",
        "https://scan.example/{code}/{code}",
        "https://scan.example/{code}/{bay}",
        "https://scan.example/<{code}>",
        "javascript:alert(1)//{code}",
    ],
)
def test_the_address_of_other_operators_chargers_has_their_code_once_behind_its_host(given: str) -> None:
    assert "KIOSK_UNLISTED_URL cannot be used" in complaint(KIOSK_UNLISTED_URL=given)


def test_the_page_of_another_operators_charger_is_known_when_it_is_set() -> None:
    assert load_settings(REAL).unlisted_page("7MK4T") is None
    settings = load_settings(REAL | {"KIOSK_UNLISTED_URL": "https://scan.example/pay?charger={code}&lang=en"})
    assert settings.unlisted_page("7MK4T") == "https://scan.example/pay?charger=7MK4T&lang=en"
    assert settings.sell_unlisted is False


def test_an_operators_token_may_be_a_long_signed_document() -> None:
    assert load_settings(REAL).plugchoice_token is None
    settings = load_settings(REAL | {"KIOSK_PLUGCHOICE_TOKEN": "hidden." * 500})
    assert settings.plugchoice_token is not None
    assert "hidden" not in repr(settings)


def test_cards_are_typed_on_the_tablet_only_when_the_operator_says_so() -> None:
    assert load_settings(REAL).tablet_card_entry is False
    assert load_settings(REAL | {"KIOSK_TABLET_CARD_ENTRY": "true"}).tablet_card_entry is True


@pytest.mark.parametrize("prefix", ["/ocpp", "/evcharger", "/", "/v2/ocpp"])
def test_ocpplab_is_optional_and_its_paths_are_switchable(prefix: str) -> None:
    assert load_settings(REAL).ocpplab_url is None
    lab = {"KIOSK_OCPPLAB_URL": "https://lab.example/", "KIOSK_OCPPLAB_TOKEN": "hidden", "KIOSK_OCPPLAB_PREFIX": prefix}
    settings = load_settings(REAL | lab)
    assert (settings.ocpplab_url, settings.ocpplab_prefix) == ("https://lab.example", prefix)
    assert "hidden" not in repr(settings)


@pytest.mark.parametrize(
    "address", ["/sandbox/stripe/endive/stripe.js", "http://127.0.0.1:1/s.js", "https://js.evil.example/s.js"]
)
def test_a_stand_in_for_the_card_field_is_refused_with_a_real_back_office(address: str) -> None:
    assert complaint(KIOSK_STRIPE_JS_URL=address).startswith("KIOSK_STRIPE_JS_URL points at a stand-in")


def test_a_stand_in_for_the_payment_api_is_refused_with_a_real_back_office() -> None:
    sentence = complaint(KIOSK_STRIPE_API_URL="http://127.0.0.1:1/stripe", KIOSK_STRIPE_API_KEY="sk_test_abc")
    assert sentence.startswith("KIOSK_STRIPE_API_URL points at a stand-in")


@pytest.mark.parametrize("key", LIVE_KEYS)
@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({}, "KIOSK_PLUGCHOICE_URL"),
        ({"KIOSK_STRIPE_JS_URL": "/sandbox/stripe/endive/stripe.js"}, "KIOSK_STRIPE_JS_URL"),
        ({"KIOSK_STRIPE_API_URL": "http://127.0.0.1:1/stripe"}, "KIOSK_STRIPE_API_URL"),
    ],
)
def test_a_live_key_never_meets_a_stand_in(key: str, more: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(STAND_IN | {"KIOSK_STRIPE_API_KEY": key} | more)
    assert "is a live key" in str(caught.value)
    assert named in str(caught.value)
    assert key not in str(caught.value)


@pytest.mark.parametrize("key", LIVE_KEYS)
def test_a_live_key_is_welcome_where_everything_is_real(key: str) -> None:
    assert load_settings(REAL | {"KIOSK_STRIPE_API_KEY": key}).live_stripe_key


def test_a_test_key_may_meet_a_stand_in() -> None:
    settings = load_settings(
        STAND_IN
        | {
            "KIOSK_STRIPE_API_KEY": "sk_test_abc",
            "KIOSK_STRIPE_API_URL": "http://127.0.0.1:8000/sandbox/stripe",
            "KIOSK_STRIPE_JS_URL": "/sandbox/stripe/endive/stripe.js",
        }
    )
    assert not settings.real_stripe_js
    assert settings.stripe_js_origin == ""


def test_a_live_key_that_arrives_with_a_session_is_refused_under_a_stand_in() -> None:
    settings = load_settings(STAND_IN | {"KIOSK_STRIPE_JS_URL": "/sandbox/stripe/endive/stripe.js"})
    settings.check_publishable_key("pk_test_abc")
    with pytest.raises(LiveKeyRefused) as caught:
        settings.check_publishable_key("pk_live_abc")
    assert "pk_live_abc" not in str(caught.value)


def test_a_live_key_that_arrives_with_a_session_is_shown_to_stripe_itself() -> None:
    load_settings(REAL).check_publishable_key("pk_live_abc")


@pytest.mark.parametrize(
    "address",
    ["https://js.stripe.com.evil.example/x.js", "http://js.stripe.com/x.js", "https://js.stripe.com:8443/x.js"],
)
def test_only_stripes_own_host_over_tls_counts_as_real(address: str) -> None:
    settings = Settings.model_construct(stripe_js_url=address)
    assert not settings.real_stripe_js


def test_no_secret_is_in_the_text_of_the_settings() -> None:
    settings = load_settings(
        REAL | {"KIOSK_STRIPE_API_KEY": "sk_test_hidden", "KIOSK_STRIPE_WEBHOOK_SECRET": "whsec_hidden"}
    )
    for text in (repr(settings), str(settings), str(settings.model_dump())):
        assert KEY not in text
        assert "hidden" not in text


def test_settings_do_not_change_once_read() -> None:
    settings = load_settings(REAL)
    with pytest.raises(ValidationError):
        settings.port = 1


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text(f"KIOSK_SECRET_KEY={KEY}\nKIOSK_PUBLIC_URL=https://file.example\nPORT=1234\n")
    monkeypatch.chdir(tmp_path)
    for name in (variable(field) for field in Settings.model_fields):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KIOSK_PUBLIC_URL", "https://environment.example")
    settings = load_settings()
    assert (settings.public_host, settings.port) == ("environment.example", 1234)


def test_an_unknown_variable_in_the_file_is_refused_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("KIOSK_COLOUR=blue\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError, match="KIOSK_COLOUR"):
        load_settings()


def test_settings_built_by_hand_look_at_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIOSK_PUBLIC_URL", "https://stray.example")
    assert (
        build_settings(secret_key=KEY, plugchoice_url="http://127.0.0.1:1", port=8000).public_host == "localhost:8000"
    )


def test_settings_built_by_hand_fail_with_a_sentence_too() -> None:
    with pytest.raises(SettingsError, match="PORT cannot be used"):
        build_settings(secret_key=KEY, plugchoice_url="http://127.0.0.1:1", port="x")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.8.7", "::1", "localhost", "demo.localhost"])
def test_this_machine_has_these_names(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["127.evil.example", "localhost.evil.example", "10.0.0.1", "", None])
def test_no_other_name_passes_for_this_machine(host: str | None) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("bind", "listens"),
    [
        (None, "127.0.0.1:8000"),
        ("0.0.0.0", "0.0.0.0:8000"),  # noqa: S104 - what a container says
        ("::1", "[::1]:8000"),
        ("[::]", "[::]:8000"),
        ("localhost", "localhost:8000"),
    ],
)
def test_the_server_listens_on_this_machine_alone_unless_told_otherwise(bind: str | None, listens: str) -> None:
    assert load_settings(REAL | ({} if bind is None else {"KIOSK_BIND": bind})).listen == listens


@pytest.mark.parametrize("bind", ["0.0.0.0:8000", "unix:/run/kiosk.sock", "everywhere"])
def test_an_address_to_listen_at_that_is_none_is_refused(bind: str) -> None:
    assert complaint(KIOSK_BIND=bind).startswith("KIOSK_BIND cannot be used: it is an address such as 127.0.0.1")


def test_the_names_that_the_kiosk_answers_to() -> None:
    named = {"KIOSK_PUBLIC_URL": "https://Charge.example:8443", "KIOSK_TRUSTED_HOSTS": "Garage.lan, other.lan"}
    settings = load_settings(REAL | named)
    assert settings.hosts == {"charge.example", "garage.lan", "other.lan"}


def test_agreed_limits_are_read_by_name_and_what_is_not_named_stays_as_documented() -> None:
    settings = load_settings(REAL | {"KIOSK_PLUGCHOICE_LIMITS": "get_session=120, operator = 1000"})
    assert settings.plugchoice_limits == (("get_session", 120), ("operator", 1000))
    limits = limits_of(settings)
    assert (limits.get_session, limits.start) == (120, 3)
    assert limits_of(load_settings(REAL)) == Limits()


@pytest.mark.parametrize(
    "value",
    [
        "get_session",
        "get_session=0",
        "get_session=-3",
        "get_session=1e3",
        "sessions=3",
        "start=5,start=6",
        "start=100001",
    ],
)
def test_a_limit_that_makes_no_sense_is_refused_with_the_names_that_there_are(value: str) -> None:
    sentence = complaint(KIOSK_PLUGCHOICE_LIMITS=value)
    assert sentence.startswith("KIOSK_PLUGCHOICE_LIMITS cannot be used")
    assert "receipt_email" in sentence


def test_everything_that_upstream_limits_can_be_named() -> None:
    assert set(LIMITED) == {*Endpoint, OPERATOR}


BOTH = {"KIOSK_STRIPE_API_KEY": "rk_test_reads", "KIOSK_STRIPE_REFUND_KEY": "rk_test_refunds"}


def test_a_second_key_may_refund() -> None:
    key = load_settings(STAND_IN | BOTH).stripe_refund_key
    assert key is not None
    assert load_settings(STAND_IN | {"KIOSK_STRIPE_API_KEY": "rk_test_reads"}).stripe_refund_key is None


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"KIOSK_STRIPE_API_KEY": ""}, "KIOSK_STRIPE_REFUND_KEY is set without KIOSK_STRIPE_API_KEY"),
        ({"KIOSK_STRIPE_API_KEY": "rk_test_refunds"}, "is the same as KIOSK_STRIPE_API_KEY"),
        ({"KIOSK_STRIPE_REFUND_KEY": "rk_live_refunds"}, "are of two worlds"),
        ({"KIOSK_STRIPE_REFUND_KEY": "pk_test_refunds"}, "is no key of Stripe's"),
    ],
)
def test_a_second_key_that_cannot_be_right_is_refused_at_start(more: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said) as refused:
        load_settings(STAND_IN | BOTH | more)
    assert "refunds" not in str(refused.value).replace("write refunds", "")


def test_a_live_reading_key_takes_no_test_key_for_refunds() -> None:
    with pytest.raises(SettingsError, match="are of two worlds"):
        load_settings(REAL | BOTH | {"KIOSK_STRIPE_API_KEY": "rk_live_reads"})
