"""The id of a charging point, typed as people type it."""

from __future__ import annotations

import pytest

from kiosk.config.sites import SiteBook
from kiosk.service.points import at_point

POINTS = SiteBook.model_validate(
    {
        "sites": [
            {
                "id": "garage",
                "name": "Garage",
                "timezone": "Europe/Berlin",
                "chargers": [
                    {
                        "code": "7MK4T",
                        "bays": {
                            1: {"label": "1", "point_id": "DE*LDN*E00102*1"},
                            2: {"label": "2", "point_id": "DE*LDN*E00102*2"},
                        },
                    },
                    {"code": "3HW9P", "point_ids": ["DE*LDN*E00103*1"]},
                ],
            }
        ]
    }
)


@pytest.mark.parametrize(
    ("typed", "place"),
    [
        ("DE*LDN*E00102*2", ("7MK4T", 2)),
        ("de-ldn-e00102-1", ("7MK4T", 1)),
        (" DELDNE001021 ", ("7MK4T", 1)),
        ("DE*LDN*E00102", ("7MK4T", None)),
        ("DE*LDN*E00103*1", ("3HW9P", None)),
        ("DE*LDN*E0010", None),  # could be either charger
        ("DE*LDN*E00104*1", None),
        ("DE*LDN", None),
        ("7MK4T", None),
        ("", None),
    ],
)
def test_the_id_of_a_charging_point_leads_to_its_bay(typed: str, place: tuple[str, int | None] | None) -> None:
    assert at_point(POINTS, typed) == place
