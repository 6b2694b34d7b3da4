"""What the guide tells an operator to put around the kiosk: systemd's unit and the proxy agree with what it is."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from kiosk.config.settings import Settings
from kiosk.serving import HEAD_SECONDS, WHOLE_SECONDS
from kiosk.web.shared import errors, streams, webhooks
from tests.web.built import made_app

HOME = Path(__file__).parents[2]
GUIDE = (HOME / "docs" / "install.md").read_text("utf-8")


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    return str(found)


UNIT = dict(re.findall(r"^(\w+)=(.*)$", block("ini").partition("[Service]")[2].partition("[Install]")[0], re.MULTILINE))
AFTER = dict(re.findall(r"^(\w+)=(.*)$", block("ini").partition("[Service]")[0], re.MULTILINE))
NGINX = re.sub(r"#.*", "", block("nginx"))
SERVER = NGINX[NGINX.index("server {") :]
ENV = dict(
    re.findall(r"^#? ?(KIOSK_\w+)=(.*)$", (HOME / "docs" / "kiosk.env.example").read_text("utf-8"), re.MULTILINE)
)


def said(name: str, text: str = SERVER) -> str:
    """The argument of a directive that stands there once."""
    (found,) = re.findall(rf"(?:^|[;{{])\s*{re.escape(name)}\s+([^;]+);", text)
    return str(found).strip()


def seconds(text: str) -> float:
    return float(text.removesuffix("s"))


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What gunicorn is told by the kiosk's own file, with the settings of the example."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"KIOSK_{name.upper()}", raising=False)
    monkeypatch.setenv("KIOSK_SECRET_KEY", "k" * 40)
    monkeypatch.setenv("KIOSK_PUBLIC_URL", "https://charge.example")
    umasks: list[int] = []
    monkeypatch.setattr("os.umask", umasks.append)
    return runpy.run_path(str(HOME / "gunicorn.conf.py")) | {"umasks": umasks}


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    return made_app(tmp_path)


# --- systemd


def test_it_runs_as_a_user_of_its_own_who_can_get_no_other_rights() -> None:
    assert UNIT["User"] == "kiosk"
    assert f"useradd --system --home {ENV['KIOSK_DATA_DIR']} --create-home {UNIT['User']}" in GUIDE
    assert UNIT["NoNewPrivileges"] == UNIT["RestrictSUIDSGID"] == "yes"
    assert UNIT["CapabilityBoundingSet"] == ""
    assert "AmbientCapabilities" not in UNIT
    assert "PermissionsStartOnly" not in UNIT


def test_it_may_write_where_its_data_lie_and_nowhere_else() -> None:
    assert UNIT["ProtectSystem"] == "strict"
    assert UNIT["ProtectHome"] == UNIT["PrivateTmp"] == UNIT["PrivateDevices"] == "yes"
    assert UNIT["ProtectKernelTunables"] == UNIT["ProtectControlGroups"] == "yes"
    assert UNIT["ReadWritePaths"] == ENV["KIOSK_DATA_DIR"] == f"/var/lib/{UNIT['StateDirectory']}"


def test_what_it_writes_is_for_itself_alone_as_the_server_says_too(served: dict[str, Any]) -> None:
    assert int(UNIT["UMask"], 8) == 0o077
    assert int(UNIT["StateDirectoryMode"], 8) == 0o700
    assert served["umasks"] == [0o077]


def test_it_speaks_to_the_network_and_to_nothing_else() -> None:
    assert set(UNIT["RestrictAddressFamilies"].split()) == {"AF_INET", "AF_INET6", "AF_UNIX"}


def test_it_is_started_as_the_kiosk_wants_it_and_again_whenever_it_ends() -> None:
    assert UNIT["ExecStart"].endswith(".venv/bin/gunicorn -c gunicorn.conf.py wsgi:app")
    assert (HOME / "gunicorn.conf.py").exists()
    assert (HOME / "wsgi.py").exists()
    assert UNIT["Restart"] == "always"
    assert UNIT["EnvironmentFile"] == "/etc/kiosk.env"
    assert f"install -m 600 -o kiosk docs/kiosk.env.example {UNIT['EnvironmentFile']}" in GUIDE


def test_it_has_room_for_its_threads_and_waits_for_the_time(served: dict[str, Any]) -> None:
    assert int(UNIT["TasksMax"]) >= served["threads"] * 3 // 2
    assert "time-sync.target" in AFTER["After"]
    assert "time-sync.target" in AFTER["Wants"]


# --- the proxy


def test_a_whole_request_is_taken_in_before_it_is_passed_on() -> None:
    assert said("proxy_request_buffering") == "on"


def test_the_head_and_the_body_of_a_request_come_in_time() -> None:
    """Not later than the kiosk itself would cut them off."""
    assert seconds(said("client_header_timeout")) <= HEAD_SECONDS == 10
    assert WHOLE_SECONDS == 30
    assert seconds(said("client_body_timeout")) <= WHOLE_SECONDS
    assert "after 10 seconds for the head of a request, and 30 for one with a body" in GUIDE


def test_the_connections_of_one_address_are_limited_below_what_the_server_has(served: dict[str, Any]) -> None:
    zone, most = said("limit_conn").split()
    assert re.search(rf"limit_conn_zone \$binary_remote_addr zone={zone}:\d+m;", NGINX)
    of_a_network = max(streams.LEAST_OF_A_NETWORK, Settings.model_fields["max_streams"].default // 8)
    assert of_a_network < int(most) < served["threads"] // 4
    assert streams.SHARE_OF_A_NETWORK == 8
    assert "one network have an eighth of the open streams, and one session twenty" in GUIDE
    assert streams.OF_A_SESSION == 20


def test_browsers_are_spoken_to_by_http_2() -> None:
    assert said("http2") == "on"
    assert said("proxy_http_version") == "1.1"


def test_a_stream_is_neither_buffered_nor_cut_while_it_is_quiet() -> None:
    """The kiosk says of a stream that it must not be buffered; nginx obeys unless it is told not to."""
    for name in ("proxy_ignore_headers", "proxy_hide_header", "proxy_buffering", "proxy_cache", "gzip"):
        assert name not in NGINX
    ping = made_ping()
    assert seconds(said("proxy_read_timeout")) >= 60 >= 4 * ping
    assert said("proxy_set_header Connection") == '""'


def made_ping() -> float:
    source = (HOME / "kiosk" / "web" / "shared" / "template_tools.py").read_text("utf-8")
    (found,) = re.findall(r'setdefault\("PING_SECONDS", ([\d.]+)\)', source)
    return float(found)


def test_the_largest_body_that_the_kiosk_takes_gets_through_and_nothing_larger() -> None:
    assert said("client_max_body_size") == f"{max(webhooks.MOST_BYTES, errors.MOST_BYTES) // 1024}k"


def test_it_is_passed_on_to_where_the_kiosk_listens_and_says_who_asks(served: dict[str, Any]) -> None:
    assert said("proxy_pass") == f"http://{served['bind']}"
    assert said("proxy_set_header X-Forwarded-For") == "$proxy_add_x_forwarded_for"
    assert said("proxy_set_header X-Forwarded-Proto") == "https"
    assert said("proxy_set_header Host") == "$host"
    assert ENV["KIOSK_TRUSTED_PROXIES"] == "1"
    assert f"server_name {ENV['KIOSK_PUBLIC_URL'].removeprefix('https://')};" in NGINX


def test_another_name_gets_nothing() -> None:
    assert re.search(r"server \{\s*listen 443 ssl default_server;\s*ssl_reject_handshake on;\s*\}", NGINX)


def logged(uri: str) -> str:
    """What stands in the log for a path, by nginx's map."""
    pattern, shown = re.findall(r'"~(\^.*?)" "(.*?)";', NGINX)[0]
    found = re.match(pattern.replace("?<", "?P<"), uri)
    return shown.replace("${kiosk_door}", found["kiosk_door"]) if found else uri


def test_no_address_that_opens_something_stands_in_its_log(app: Flask) -> None:
    (form,) = re.findall(r"log_format kiosk '(.*?)';", NGINX)
    assert set(re.findall(r"\$\w+", form)) == {
        *("$remote_addr", "$time_local", "$request_method", "$kiosk_uri", "$status", "$body_bytes_sent")
    }
    assert said("access_log").split()[-1] == "kiosk"
    assert said("error_log").endswith("crit")
    secret = "a-secret-word"
    rules = [rule.rule for rule in app.url_map.iter_rules() if {"key", "token"} & rule.arguments or "/t/" in rule.rule]
    assert len(rules) > 40
    for rule in rules:
        path = re.sub(r"<int:\w+>", "1", re.sub(r"<(?:key|token|code)>", secret, rule))
        assert secret in path
        assert secret not in logged(path), rule
    assert logged("/c/7MK4T/start") == "/c/7MK4T/start"
    assert logged("/static/shared/kiosk.css") == "/static/shared/kiosk.css"
