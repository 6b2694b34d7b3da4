"""What is known of the make of a charger, to be shown beside what the back office says of it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class LabFacts:
    """Each is None when not known. `image_url` is https. `max_kw` is what the whole charger gives at most.

    Never a reason to sell or not to sell: only the back office knows what can be charged now.
    """

    name: str | None = None
    image_url: str | None = None
    vendor: str | None = None
    model: str | None = None
    max_kw: Decimal | None = None
    connector_type: str | None = None

    @property
    def make(self) -> str | None:
        """Who has made it and what it is called there; None when neither is known."""
        return " ".join(filter(None, (self.vendor, self.model))) or None
