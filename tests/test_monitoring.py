"""What docs/monitoring has for Prometheus and Grafana: the rules load, each alert fires and is quiet, and nothing is
asked for that the kiosk does not count.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from kiosk.domain.commands import AskedBy, Kind
from kiosk.metrics import Metrics
from kiosk.upstream.http import Outcome
from tests.store.build import charging, opened
from tests.web.built import made_app

FOLDER = Path(__file__).parent.parent / "docs" / "monitoring"
RULES, CASES, PROMETHEUS = (FOLDER / name for name in ("alerts.yml", "alerts.test.yml", "prometheus.yml"))
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "dashboard.json").read_text(encoding="utf-8"))
PAGE = (FOLDER.parent / "monitoring.md").read_text(encoding="utf-8")
ALERTS = re.findall(r"^ +- alert: (\w+)$", RULES.read_text(encoding="utf-8"), re.M)
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def promtool(*arguments: str) -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed: on Debian and Ubuntu, apt-get install prometheus")
    done = subprocess.run(  # noqa: S603 - a program of this machine, on files of ours
        [found, *arguments], cwd=FOLDER, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def counted(app: Flask) -> set[str]:
    """The names of all samples, once each counter has counted something."""
    metrics: Metrics = app.extensions["kiosk.metrics"]
    metrics.on_call("plugchoice")("start", Outcome.REFUSED, 429, 0.1)
    store = app.extensions["kiosk"].store
    key = opened(store)
    store.observe(key, charging(60), source="read")
    store.ask(key, Kind.STOP, AskedBy.DRIVER, app.extensions["kiosk"].clock.now())
    app.extensions["kiosk"].engine.round()
    lines = metrics.text().decode().splitlines()
    return {re.split(r"[ {]", line)[0] for line in lines if line and not line.startswith("#")}


def named(text: str) -> set[str]:
    return set(re.findall(r"\bkiosk_[a-z_]+", text))


def test_prometheus_takes_the_rules_and_the_way_to_the_kiosk(tmp_path: Path) -> None:
    promtool("check", "rules", RULES.name)
    for file in (RULES, PROMETHEUS):
        shutil.copy(file, tmp_path)
    token = tmp_path / "token"
    token.write_text("of the kiosk")
    config = tmp_path / PROMETHEUS.name
    config.write_text(config.read_text().replace("/etc/prometheus/kiosk-metrics-token", str(token)))
    promtool("check", "config", str(config))


def test_each_alert_fires_and_is_quiet_in_the_cases_beside_it() -> None:
    promtool("test", "rules", CASES.name)


def test_each_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    cases = re.findall(r"alertname: (\w+)\n +exp_alerts:( \[\])?", CASES.read_text(encoding="utf-8"))
    assert sorted(cases) == sorted([(alert, quiet) for alert in ALERTS for quiet in ("", " []")])


def test_each_alert_is_explained_in_the_order_of_the_file() -> None:
    assert ALERTS
    assert re.findall(r"^### (\w+)$", PAGE, re.M) == ALERTS


def test_alerts_and_dashboard_ask_for_nothing_that_is_not_counted(tmp_path: Path) -> None:
    rules = RULES.read_text(encoding="utf-8").partition("groups:")[2]
    asked = named(rules) | named(" ".join(target["expr"] for panel in PANELS for target in panel["targets"]))
    assert len(asked) > 20
    assert asked <= counted(made_app(tmp_path))


def test_the_dashboard_shows_every_counter(tmp_path: Path) -> None:
    shown = named(" ".join(target["expr"] for panel in PANELS for target in panel["targets"]))
    bare = {re.sub("_(bucket|count|sum|total)$", "", name) for name in shown}
    names = {name for name in counted(made_app(tmp_path)) if not name.endswith("_created")}
    assert {re.sub("_(bucket|count|sum|total)$", "", name) for name in names} == bare


def test_no_two_panels_of_the_dashboard_lie_on_each_other() -> None:
    places = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        assert beside or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(places)


def test_prometheus_can_read_what_the_dashboard_asks(tmp_path: Path) -> None:
    asked = [json.dumps(target["expr"].replace("$job", "kiosk")) for panel in PANELS for target in panel["targets"]]
    rows = "".join(f"  - record: panel_{number}\n    expr: {one}\n" for number, one in enumerate(asked))
    rules = tmp_path / "rules.yml"
    rules.write_text(f"groups:\n- name: panels\n  rules:\n{rows}")
    assert f"{len(asked)} rules found" in promtool("check", "rules", str(rules))
