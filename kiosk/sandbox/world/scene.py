"""The demo's site: a garage with chargers of every kind and mood, and other drivers who keep it busy for hours."""

from __future__ import annotations

from datetime import timedelta

from kiosk.sandbox.world.chargers import ChargerSpec, ConnectorSpec, Pricing
from kiosk.sandbox.world.visitors import Habit
from kiosk.sandbox.world.world import World

SITE_NAME = "Marktplatz garage"
HISTORY = timedelta(minutes=90)  # the garage was open before the demo began

_AC = Pricing("EUR", price_per_kwh=49, start_fee=35)
_AC_NO_FEE = Pricing("EUR", price_per_kwh=52)
_DC = Pricing("EUR", price_per_kwh=69)  # from 50 kW nothing may stand beside the price per kWh
_MINUTE = 60.0


def _ac(number: int, kilowatts: int = 22) -> ConnectorSpec:
    return ConnectorSpec(number, "AC_3_PHASE", kilowatts * 1000)


def _dc(number: int, kilowatts: int) -> ConnectorSpec:
    return ConnectorSpec(number, "DC", kilowatts * 1000, format="Cable")


CHARGERS = (
    ChargerSpec("3HW9P", "Charger 1", (_ac(1), _ac(2)), _AC),
    ChargerSpec("7MK4T", "Charger 2", (_ac(1), _ac(2)), _AC),
    ChargerSpec("5RT2C", "Charger 3", (_ac(1),), _AC),
    ChargerSpec("9QX6B", "Charger 4", (_ac(1), _ac(2)), _AC),
    ChargerSpec("2PL7S", "Charger 5", (_ac(1), _ac(2)), _AC),
    ChargerSpec("6JN3A", "Charger 6", (ConnectorSpec(1, "AC_3_PHASE", 11_000, described=False),), _AC_NO_FEE),
    ChargerSpec("8YE5G", "Charger 7", (ConnectorSpec(1, "AC_1_PHASE", 7_400),), _AC, preauth_amount=1000),
    ChargerSpec("DCF4N", "Fast charger 8", (_dc(1, 150),), _DC, preauth_amount=7500),
    ChargerSpec("4KD8V", "Fast charger 9", (_dc(1, 40),), Pricing("EUR", 59, 50), preauth_amount=6000),
    ChargerSpec("XC3ZU", "Fast charger 10", (_dc(1, 150), _dc(2, 150)), _DC, preauth_amount=7500),
)

NEXT_DOOR = ChargerSpec("ZQ4NB", "Ratskeller 1", (_ac(1),), Pricing("EUR", 61), anothers=True)
"""Of another operator, and not in the garage: for a demo that shows what is said there."""

FREE = "7MK4T"
BUSY = "3HW9P"
FAULTED = "5RT2C"
OFFLINE = "9QX6B"
PLUGGED = "2PL7S"


def build_scene(world: World) -> None:
    """Fill an empty world. Afterwards it is at the clock's present, with cars that have charged for a while."""
    now = world.clock.now()
    world.begin_at(now - HISTORY)
    for spec in CHARGERS:
        world.add_charger(spec)
    all_day = Habit(gap=(2 * _MINUTE, 10 * _MINUTE), stay=(50 * _MINUTE, 150 * _MINUTE), first=50 * _MINUTE)
    world.add_visitors(BUSY, 1, all_day)
    world.add_visitors(BUSY, 2, Habit(all_day.gap, all_day.stay, first=75 * _MINUTE))
    world.add_visitors(
        PLUGGED, 1, Habit((20 * _MINUTE, 40 * _MINUTE), (180 * _MINUTE, 300 * _MINUTE), 85 * _MINUTE, False)
    )
    world.add_visitors(PLUGGED, 2, Habit((15 * _MINUTE, 60 * _MINUTE), (40 * _MINUTE, 120 * _MINUTE), 30 * _MINUTE))
    world.add_visitors("XC3ZU", 2, Habit((5 * _MINUTE, 25 * _MINUTE), (18 * _MINUTE, 40 * _MINUTE), 80 * _MINUTE))
    world.set_online_at(now - timedelta(minutes=12), OFFLINE, online=False)
    world.tick()
    world.break_connector(FAULTED, 1)
