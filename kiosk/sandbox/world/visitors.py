"""Other drivers: they come to a connector with their own charging card, charge, and leave, for hours on end."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from kiosk.sandbox.world.agenda import Agenda
from kiosk.sandbox.world.cars import MODELS, Car
from kiosk.sandbox.world.site import NotPossible, Site

TRY_AGAIN = 120.0


@dataclass(frozen=True)
class Habit:
    """Seconds, from and to: how long the bay stays empty between two drivers, and how long each stays.

    `first` is when the first one comes. With `charges=False` the cars are plugged in but wait to be started.
    """

    gap: tuple[float, float]
    stay: tuple[float, float]
    first: float = 0.0
    charges: bool = True


class Visitor:
    """The stream of other drivers at one connector. Not thread-safe: the world's one lock guards it."""

    def __init__(
        self,
        agenda: Agenda,
        site: Site,
        code: str,
        connector_id: int,
        habit: Habit,
        rng: random.Random,
        kept: Callable[[str, int], bool],
    ) -> None:
        self._agenda = agenda
        self._site = site
        self._code = code
        self._connector_id = connector_id
        self._habit = habit
        self._rng = rng
        self._kept = kept
        agenda.after(habit.first, self._arrive)

    def _arrive(self) -> None:
        charger = self._site.charger(self._code)
        connector = self._site.connector(self._code, self._connector_id)
        free = connector.status == "Available" and charger.online and not self._kept(self._code, self._connector_id)
        if not free:
            self._agenda.after(TRY_AGAIN, self._arrive)
            return
        supply = connector.spec.supply
        models = [model for model in MODELS.values() if model.fits(supply) and not (model.timer or model.stuck)]
        car = Car(self._rng.choice(models), self._rng.randint(120, 550))
        self._site.plug_in(self._code, self._connector_id, car)
        if self._habit.charges:
            card = f"CARD{self._rng.randrange(16**8):08X}"
            self._agenda.after(self._rng.uniform(4, 12), lambda: self._start(car, card))
        self._agenda.after(self._rng.uniform(*self._habit.stay), lambda: self._leave(car))

    def _start(self, car: Car, card: str) -> None:
        connector = self._site.connector(self._code, self._connector_id)
        if connector.car is not car or self._kept(self._code, self._connector_id):
            return
        with suppress(NotPossible):  # broken, or somebody was quicker
            self._site.start_with_card(self._code, self._connector_id, card)

    def _leave(self, car: Car) -> None:
        connector = self._site.connector(self._code, self._connector_id)
        if connector.car is car:
            if self._kept(self._code, self._connector_id):
                self._agenda.after(TRY_AGAIN, lambda: self._leave(car))
                return
            self._site.unplug(self._code, self._connector_id)
        self._agenda.after(self._rng.uniform(*self._habit.gap), self._arrive)
