"""What the engine must know of a configured site: its chargers, and its names in the other systems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class SitePlan:
    """`plugchoice_site` is the location's uuid, `lab_ids` gives the id or identity at OCPPLAB by public code.
    `timezone` says when its days begin.
    """

    id: str
    codes: tuple[str, ...]
    plugchoice_site: str | None = None
    chargepilot_site: str | None = None
    lab_ids: Mapping[str, str] = field(default_factory=dict)
    timezone: str = "UTC"
