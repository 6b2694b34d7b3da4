"""Cars of the stand-in world: models, and one car with its battery."""

from __future__ import annotations

from dataclasses import dataclass

from kiosk.sandbox.world.curves import (
    DC_ARRIVES_PERCENT,
    EFFICIENCY_PERCENT,
    WATTS_PER_PHASE_AMPERE,
    Curve,
    Supply,
    ac_power_w,
    dc_power_w,
)

MICROJOULES_PER_WH = 3_600_000_000


@dataclass(frozen=True)
class CarModel:
    """An empty `dc_curve`: no fast-charging inlet. A car with a timer is plugged in but does not draw. With one that is
    stuck the charge begins, and the connector goes on saying `Preparing`.

    A car that takes no more from three phases than from one uses one of them.
    """

    key: str
    name: str
    battery_wh: int
    ac_1_phase_w: int
    ac_3_phase_w: int
    dc_curve: Curve = ()
    charge_limit_permille: int = 1000
    timer: bool = False
    stuck: bool = False

    def fits(self, supply: Supply) -> bool:
        return supply != "DC" or bool(self.dc_curve)

    def most_w(self, supply: Supply, milliamperes: int) -> int:
        """What arrives of that much current from each phase of the grid."""
        if supply == "DC":
            return milliamperes * WATTS_PER_PHASE_AMPERE * 3 * DC_ARRIVES_PERCENT // 100_000
        phases = 3 if supply == "AC_3_PHASE" and self.ac_3_phase_w > self.ac_1_phase_w else 1
        return milliamperes * WATTS_PER_PHASE_AMPERE * phases // 1000


MODELS: dict[str, CarModel] = {
    model.key: model
    for model in (
        CarModel(
            "hatchback",
            "Hatchback, 40 kWh, 7 kW one phase",
            40_000,
            7_400,
            7_400,
            ((0, 44_000), (600, 46_000), (800, 28_000), (900, 14_000), (1000, 4_000)),
        ),
        CarModel(
            "family",
            "Family car, 58 kWh, 11 kW",
            58_000,
            7_400,
            11_000,
            ((0, 100_000), (100, 122_000), (350, 118_000), (600, 78_000), (800, 48_000), (900, 24_000), (1000, 6_000)),
        ),
        CarModel(
            "saloon",
            "Long-range saloon, 77 kWh, 11 kW, stops at 80 %",
            77_000,
            7_400,
            11_000,
            ((0, 140_000), (80, 172_000), (300, 165_000), (550, 110_000), (800, 62_000), (900, 30_000), (1000, 8_000)),
            charge_limit_permille=800,
        ),
        CarModel(
            "van",
            "Delivery van, 75 kWh, 22 kW",
            75_000,
            7_400,
            22_000,
            ((0, 90_000), (500, 92_000), (700, 60_000), (850, 34_000), (1000, 7_000)),
        ),
        CarModel("hybrid", "Plug-in hybrid, 12 kWh, 3.7 kW", 12_000, 3_700, 3_700),
        CarModel(
            "timer",
            "Car with a timer: plugged in, draws nothing",
            52_000,
            7_400,
            11_000,
            ((0, 80_000), (1000, 8_000)),
            timer=True,
        ),
        CarModel(
            "stuck", "Car that never gets ready: the charge begins, nothing flows", 52_000, 7_400, 11_000, stuck=True
        ),
    )
}


class Car:
    """One car: a model and what is in its battery, in microjoules. `waiting`: its timer lets it take nothing yet."""

    def __init__(self, model: CarModel, charge_permille: int) -> None:
        self.model = model
        self.waiting = False
        self.stored_uj = self._capacity_uj * charge_permille // 1000

    @property
    def _capacity_uj(self) -> int:
        return self.model.battery_wh * MICROJOULES_PER_WH

    @property
    def charge_permille(self) -> int:
        return self.stored_uj * 1000 // self._capacity_uj

    @property
    def _room_uj(self) -> int:
        return max(0, self._capacity_uj * self.model.charge_limit_permille // 1000 - self.stored_uj)

    @property
    def full(self) -> bool:
        return self._room_uj == 0

    def power_w(self, supply: Supply, most_w: int) -> int:
        """What the car takes now from a connector that gives at most `most_w`."""
        if self.full or self.waiting or self.model.timer or self.model.stuck:
            return 0
        if supply == "DC":
            return min(most_w, dc_power_w(self.model.dc_curve, self.charge_permille))
        limit = self.model.ac_1_phase_w if supply == "AC_1_PHASE" else self.model.ac_3_phase_w
        return min(most_w, ac_power_w(limit, self.charge_permille))

    def need_ma(self, supply: Supply, most_w: int) -> int:
        """Milliamperes from each phase of the grid that it takes now at most, and a tenth more to rise into."""
        return self.power_w(supply, most_w) * 1100 // self.model.most_w(supply, 1000)

    def take(self, supply: Supply, power_w: int, microseconds: int) -> int:
        """Charge for that long; the microjoules that went through the meter, less than asked when the car fills up."""
        efficiency = EFFICIENCY_PERCENT[supply]
        metered = power_w * microseconds
        kept = metered * efficiency // 100
        if kept >= self._room_uj:
            kept = self._room_uj
            metered = min(metered, -(-kept * 100 // efficiency))
        self.stored_uj += kept
        return metered

    def fill(self) -> None:
        self.stored_uj += self._room_uj
