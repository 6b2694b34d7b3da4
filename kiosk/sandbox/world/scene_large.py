"""A site of many chargers for measurements: a believable mix, busy and the same at every run."""

from __future__ import annotations

import random
from datetime import timedelta

from kiosk.sandbox.world.chargers import CODE_ALPHABET, ChargerSpec, ConnectorSpec, Pricing
from kiosk.sandbox.world.curves import Supply
from kiosk.sandbox.world.visitors import Habit
from kiosk.sandbox.world.world import World

HISTORY = timedelta(minutes=60)
_MINUTE = 60.0
_AC, _SLOW = Pricing("EUR", price_per_kwh=49, start_fee=35), Pricing("EUR", price_per_kwh=45)
_FAST, _FASTEST = Pricing("EUR", price_per_kwh=59), Pricing("EUR", price_per_kwh=69)

_Kind = tuple[int, str, Supply, int, int, Pricing, int]
KINDS: tuple[_Kind, ...] = (  # share in percent, name, supply, connectors, watts of each, price, hold
    (55, "Charger", "AC_3_PHASE", 2, 22_000, _AC, 5000),
    (20, "Charger", "AC_3_PHASE", 1, 11_000, _SLOW, 4000),
    (8, "Wall box", "AC_1_PHASE", 1, 7_400, _SLOW, 2500),
    (10, "Fast charger", "DC", 1, 50_000, _FAST, 6000),
    (7, "Fast charger", "DC", 2, 150_000, _FASTEST, 7500),
)


def large_scene(world: World, chargers: int = 200) -> tuple[str, ...]:
    """Fill an empty world and bring it to the clock's present, where others have charged for an hour. The codes.

    Of a hundred chargers about three have no connection and three a broken bay. One bay in three is never visited by
    others, so that there is always a free one.
    """
    draw = random.Random(f"large/{chargers}")  # noqa: S311 - a reproducible play, not a secret
    now = world.clock.now()
    world.begin_at(now - HISTORY)
    specs = _specs(chargers, draw)
    broken: list[tuple[str, int]] = []
    for spec in specs:
        world.add_charger(spec)
    for spec in specs:
        fate = draw.random()
        if fate < 0.03:
            world.set_online_at(now - timedelta(minutes=draw.randint(3, 55)), spec.code, online=False)
        elif fate < 0.06:
            broken.append((spec.code, spec.connectors[-1].connector_id))
        for connector in spec.connectors:
            if draw.random() < 2 / 3:
                world.add_visitors(spec.code, connector.connector_id, _habit(connector, draw))
    world.tick()
    for place in broken:
        world.break_connector(*place)
    return tuple(spec.code for spec in specs)


def _specs(count: int, draw: random.Random) -> list[ChargerSpec]:
    codes: dict[str, None] = {}
    while len(codes) < count:
        codes["".join(draw.choices(CODE_ALPHABET, k=5))] = None
    kinds = draw.choices(KINDS, [each[0] for each in KINDS], k=count)
    return [
        ChargerSpec(
            code,
            f"{name} {number}",
            tuple(
                ConnectorSpec(
                    each, supply, watts, format="Cable" if supply == "DC" else "Socket", described=draw.random() > 0.1
                )
                for each in range(1, connectors + 1)
            ),
            pricing,
            hold,
        )
        for number, (code, (_, name, supply, connectors, watts, pricing, hold)) in enumerate(
            zip(codes, kinds, strict=True), start=1
        )
    ]


def _habit(connector: ConnectorSpec, draw: random.Random) -> Habit:
    first = draw.uniform(0, 55 * _MINUTE)
    if connector.supply == "DC":
        return Habit((4 * _MINUTE, 30 * _MINUTE), (15 * _MINUTE, 45 * _MINUTE), first)
    charges = draw.random() < 0.85  # the others are plugged in and wait to be started
    return Habit((5 * _MINUTE, 60 * _MINUTE), (40 * _MINUTE, 240 * _MINUTE), first, charges)
