"""`gunicorn -c gunicorn.conf.py benchmarks.points_app:app`: the kiosk of production, which can be killed at a point.

Its clock runs faster than the wall, as the demo's does, and together with that of the world outside; a lease lives for
a shorter time, so that whoever comes after it need not wait for ten seconds.
"""

from __future__ import annotations

import os

from benchmarks.points import points_from
from benchmarks.shared_clock import clock_from
from kiosk.app import create_app
from kiosk.config.logs import configure_logs
from kiosk.config.settings import load_settings
from kiosk.engine import lead

LEASE_SECONDS = 2.0
"""Of the wall clock."""

lead.LEASE_TTL = LEASE_SECONDS
_points = points_from(os.environ)
if _points is not None:
    _points.watch()
_settings = load_settings()
configure_logs(_settings.log_format)
app = create_app(_settings, clock=clock_from(os.environ))
