"""The kiosk as in production, with a thread that observes sessions in place of the engine."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from benchmarks.observer import Observer, Stamp, controlled
from benchmarks.streams import KEYS
from kiosk.app import create_app, running
from kiosk.config.logs import configure_logs
from kiosk.config.settings import load_settings
from kiosk.domain.session import Observation
from kiosk.domain.tariff import Tariff
from kiosk.news.news import charger_topic, session_topic

TARIFF = Tariff("EUR", 49, 35)

_settings = load_settings()
configure_logs(_settings.log_format)
_app = create_app(_settings)
_keys: list[str] = json.loads(Path(os.environ[KEYS]).read_text())


def observe_next(number: int) -> Stamp:
    """As the engine does with every reading: store and fold it, then tell the pages of the session and the charger."""
    parts, key, now = running(_app), _keys[number % len(_keys)], datetime.now(UTC)
    energy = Decimal(5) + Decimal(number) / 1000
    cost = TARIFF.example(energy).minor
    seen = Observation(now, now, "charging", tariff=TARIFF, charger_online=True, energy_kwh=energy, cost_minor=cost)
    before = time.monotonic()
    session, _ = parts.store.observe(key, seen, source="read")
    stored = time.monotonic()
    parts.news.publish(session_topic(session.key))
    parts.news.publish(charger_topic(session.code))
    return key, session.version, before, stored


app = controlled(_app, Observer(observe_next))
