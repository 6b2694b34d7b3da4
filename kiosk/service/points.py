"""Which bay somebody means who types the id of a charging point, as it stands on the hardware and in kiosk.toml."""

from __future__ import annotations

from kiosk.config.sites import SiteBook
from kiosk.domain.codes import point_id

SHORTEST = 7
"""Letters and digits: country, operator, and at least one sign of the point itself."""


def at_point(book: SiteBook, typed: str) -> tuple[str, int | None] | None:
    """The code of the charger, and its connector if that is said. None when it is no such id, or could be that of
    several chargers. The id of a whole charger is the beginning of those of its points.
    """
    wanted = point_id(typed)
    if len(wanted) < SHORTEST:
        return None
    found: dict[str, set[int]] = {}
    for charger in (one for site in book.sites for one in site.chargers):
        bays = {bay.point_id: number for number, bay in charger.bays.items() if bay.point_id is not None}
        for known in (*charger.point_ids, *bays):
            plain = point_id(known)
            if plain == wanted and known in bays:
                return charger.code, bays[known]
            if plain.startswith(wanted):
                found.setdefault(charger.code, set()).update({bays[known]} if known in bays else ())
    if len(found) != 1:
        return None
    code, connectors = found.popitem()
    return code, connectors.pop() if len(connectors) == 1 else None
