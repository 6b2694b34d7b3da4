"""The fuses of the stand-in world, planned from its chargers: what ChargePilot tells of, and what binds.

Cabinets of a few stations behind a main fuse that also feeds a building; in a large site boards of several cabinets in
between. Amperes are per phase. Limits leave every charging point its fallback at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from kiosk.sandbox.world.chargers import ChargerSpec, ConnectorSpec

T = TypeVar("T")

LEAST_A = 6
"""Below it a car is offered nothing (IEC 61851-1)."""
MAIN_FUSE_A = 250
CABINET_A = 63
FAST_CABINET_A = 160
BOARD_A = 400
STATIONS_IN_A_CABINET = 3
FAST_STATIONS_IN_A_CABINET = 4
CABINETS_WITHOUT_BOARDS = 12
CABINETS_ON_A_BOARD = 8
BUILDING_A = 50
"""What the building is taken to need when its meter cannot be read; the world keeps it at all times."""
FALLBACK_A, FAST_FALLBACK_A = 6, 32
_MAIN_SIZES = (MAIN_FUSE_A, 400, 630, 1000, 1600, 2500, 4000, 6300)
_AT_ONCE_PERCENT = 55
"""How much of what its cabinets may take together the main fuse is made for."""


@dataclass(frozen=True)
class Station:
    """`amperes` belongs to the connectors of `spec`, in their order. `fallback_a` is that of each of them."""

    spec: ChargerSpec
    amperes: tuple[int, ...]
    fallback_a: int


@dataclass(frozen=True)
class Fuse:
    """`building_a` of its limit is not for cars."""

    id: str
    name: str
    limit_a: int
    fuses: tuple[Fuse, ...] = ()
    stations: tuple[Station, ...] = ()
    building_a: int = 0

    def all_stations(self) -> Iterator[Station]:
        yield from self.stations
        for fuse in self.fuses:
            yield from fuse.all_stations()


def plan_fuses(chargers: Sequence[ChargerSpec]) -> Fuse:
    """The main fuse. A charger that is added later moves none of the others."""
    slow = [spec for spec in chargers if not is_fast(spec)]
    fast = [spec for spec in chargers if is_fast(spec)]
    cabinets = [
        _cabinet(f"f-{number + 1}", f"Cabinet {_letters(number)}", CABINET_A, row)
        for number, row in enumerate(_rows(slow, STATIONS_IN_A_CABINET))
    ]
    for number, row in enumerate(_rows(fast, FAST_STATIONS_IN_A_CABINET)):
        tail = f" {number + 1}" if number else ""
        cabinets.append(_cabinet(f"f-dc{tail.replace(' ', '-')}", f"Cabinet DC{tail}", FAST_CABINET_A, row))
    parts = cabinets if len(cabinets) <= CABINETS_WITHOUT_BOARDS else _boards(cabinets)
    needed = BUILDING_A + max(_fallbacks(cabinets), sum(each.limit_a for each in cabinets) * _AT_ONCE_PERCENT // 100)
    limit = next((size for size in _MAIN_SIZES if size >= needed), needed)
    return Fuse("f-main", "Main fuse", limit, tuple(parts), building_a=BUILDING_A)


def is_fast(spec: ChargerSpec) -> bool:
    return any(each.supply == "DC" for each in spec.connectors)


def amperes(connector: ConnectorSpec) -> int:
    """What a connector takes from the grid at full power, per phase, rounded up to what fuses are made for."""
    if connector.supply == "DC":
        return -(-connector.max_power_w // 640)  # 3 phases of 230 V, 93 % of which arrive
    per_ampere = 230 if connector.supply == "AC_1_PHASE" else 690
    needed = connector.max_power_w // per_ampere
    return next((size for size in (10, 13, 16, 20, 25, 32, 63) if size >= needed), 80)


def _cabinet(fuse_id: str, name: str, limit_a: int, chargers: Sequence[ChargerSpec]) -> Fuse:
    points = sum(len(spec.connectors) for spec in chargers)
    wanted = FAST_FALLBACK_A if any(map(is_fast, chargers)) else FALLBACK_A
    fallback = min(wanted, limit_a // max(1, points))
    stations = tuple(Station(spec, tuple(map(amperes, spec.connectors)), fallback) for spec in chargers)
    return Fuse(fuse_id, name, limit_a, stations=stations)


def _boards(cabinets: Sequence[Fuse]) -> list[Fuse]:
    return [
        Fuse(f"f-board-{number + 1}", f"Board {number + 1}", max(BOARD_A, _fallbacks(row)), tuple(row))
        for number, row in enumerate(_rows(cabinets, CABINETS_ON_A_BOARD))
    ]


def _fallbacks(cabinets: Sequence[Fuse]) -> int:
    return sum(each.fallback_a * len(each.amperes) for fuse in cabinets for each in fuse.all_stations())


def _rows(entries: Sequence[T], size: int) -> list[Sequence[T]]:
    return [entries[at : at + size] for at in range(0, len(entries), size)]


def _letters(number: int) -> str:
    """A to Z, then AA, AB and so on."""
    text = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(65 + rest) + text
    return text
