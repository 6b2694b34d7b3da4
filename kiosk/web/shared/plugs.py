"""Plugs and sockets: their names, their icons, and which one a connector has by what is said of it."""

from __future__ import annotations

import re

from kiosk.config.sites import Bay
from kiosk.domain.charger import Connector

PLUGS = {"type2": "Type 2", "ccs": "CCS", "chademo": "CHAdeMO", "schuko": "Schuko"}
PLUG_ICONS = {"type2": "type2", "ccs": "ccs", "chademo": "chademo"}


def plug_of(connector: Connector, bay: Bay | None) -> str | None:
    """A key of PLUGS: what the operator says, else what follows from the back office's words."""
    plug = bay.connector if bay is not None else None
    if plug is None and (connector.standard or "").startswith("IEC 62196"):
        return "ccs" if connector.power_type == "DC" else "type2"
    return plug


_NAMED = (
    ("ccs", re.compile(r"ccs|combo|62196.?3")),
    ("chademo", re.compile(r"chademo")),
    ("type2", re.compile(r"type.?2|62196.?2|mennekes")),
    ("schuko", re.compile(r"schuko|domestic.?f|household")),
)


def plug_named(word: str | None) -> str | None:
    """The key of PLUGS that another system's word stands for, as OCPI, OCPP or people write it."""
    return next((plug for plug, pattern in _NAMED if pattern.search((word or "").lower())), None)
