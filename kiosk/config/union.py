"""Which time zones lie in the European Union, whose rules for chargers do not hold elsewhere."""

from __future__ import annotations

ZONES = frozenset(
    {
        *(
            f"Europe/{city}"
            for city in (
                *("Amsterdam", "Athens", "Berlin", "Bratislava", "Brussels", "Bucharest", "Budapest", "Busingen"),
                *("Copenhagen", "Dublin", "Helsinki", "Lisbon", "Ljubljana", "Luxembourg", "Madrid", "Malta"),
                *("Mariehamn", "Nicosia", "Paris", "Prague", "Riga", "Rome", "Sofia", "Stockholm", "Tallinn"),
                *("Vienna", "Vilnius", "Warsaw", "Zagreb"),
            )
        ),
        *("Africa/Ceuta", "Asia/Famagusta", "Asia/Nicosia", "Atlantic/Azores", "Atlantic/Canary", "Atlantic/Madeira"),
        *("America/Cayenne", "America/Guadeloupe", "America/Marigot", "America/Martinique"),
        *("Indian/Mayotte", "Indian/Reunion"),
    }
)


def may_be_in_union(timezone: str) -> bool:
    """A name without a place, such as UTC or CET, says nothing: it may be anywhere."""
    return timezone in ZONES or "/" not in timezone
