"""The virtual charger: found by its identity or made for the rehearsal, and the hands at its cable."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from kiosk.clock import Clock
from kiosk.rehearsal.meter import metered_wh
from kiosk.rehearsal.steps import StepFailed
from kiosk.upstream.errors import NoAnswer, NotSent, Refused
from kiosk.upstream.ocpplab.client import MOST_LOGS_A_PAGE, Ocpplab
from kiosk.upstream.ocpplab.commands import (
    LabCommand,
    NewCharger,
    Target,
    ev_requests_energy,
    plug_connector,
    stop_session,
    unplug_connector,
)
from kiosk.upstream.ocpplab.log import LogEntry
from kiosk.upstream.ocpplab.reading import LabCharger, Stage

READY_WITHIN = timedelta(minutes=3)
_CLOCKS_DIFFER = timedelta(minutes=5)
_MOST_LOG_PAGES = 5


class Lab:
    """`identity` is the charger's own name or its id at OCPPLAB. With `new` it is made, and `remove` takes it away.

    Every method may raise UpstreamError, and StepFailed where upstream's answer is not what the step needs.
    """

    def __init__(self, api: Ocpplab, clock: Clock, identity: str, connector_id: int, new: NewCharger | None) -> None:
        self._api = api
        self._clock = clock
        self._identity = identity
        self._connector_id = connector_id
        self._new = new
        self._id: str | None = None
        self.made = False
        self.lost = False
        """A charger was asked for, and nobody knows what came of it."""

    def get_ready(self) -> str:
        """Find or make the charger and wait until it is READY. Returns what came."""
        if self._id is None:
            self._id = self._find() if self._new is None else self._make(self._new)
        if self.made:
            last = self._api.wait_until_ready(self._id, self._clock, self._clock.now() + READY_WITHIN)
        else:
            last = self._api.status(self._id)
        verb = "was made" if self.made else "is known"
        if last.stage is Stage.READY:
            return f"{self._identity} {verb} and is READY"
        if last.stage is None and not self.made:
            return f"{self._identity} {verb}; OCPPLAB does not say whether it is ready"
        if last.error is not None:
            said = last.error.message.rstrip(".") or last.error.code
            again = "; another try may succeed" if last.error.retryable else ""
            raise StepFailed(f"{self._identity} {verb}, but is {Stage.FAILED}", f"OCPPLAB: {said}{again}")
        word = last.stage.value if last.stage is not None else "in a state that is not said"
        minutes = READY_WITHIN // timedelta(minutes=1)
        raise StepFailed(f"{self._identity} {verb}, but is {word}", f"it was not READY within {minutes} min")

    def bay_word(self) -> str | None:
        """The bay's last status in the charger's log, as OCPP says it; None when the log does not tell."""
        last = self._api.connector_status(self._known(), self._connector_id)
        return last.word if last is not None else None

    def plug(self) -> None:
        self._do(plug_connector(self._connector_id))

    def let_draw(self) -> None:
        """The car asks for energy."""
        self._do(ev_requests_energy(self._connector_id))

    def unplug(self) -> None:
        self._do(unplug_connector(self._connector_id))

    def stop_and_unplug(self) -> None:
        self._do(stop_session(self._connector_id))

    def remove(self) -> None:
        self._api.delete(self._known())

    def metered_wh(self, since: datetime) -> Decimal | None:
        """What the charger counted in its last transaction; clocks may differ by some minutes."""
        entries: list[LogEntry] = []
        offset = 0
        for _ in range(_MOST_LOG_PAGES):
            page = self._api.logs(self._known(), start=since - _CLOCKS_DIFFER, limit=MOST_LOGS_A_PAGE, offset=offset)
            entries += page.entries
            if page.next_offset is None:
                break
            offset = page.next_offset
        return metered_wh(entries, self._connector_id)

    def _make(self, new: NewCharger) -> str:
        if self._named():
            why = "leave out --create to rehearse with it, or give another identity with --charger"
            raise StepFailed(f"OCPPLAB has a charger called {self._identity} already", why)
        self.lost = True  # also when Ctrl-C comes before the answer
        try:
            made = self._api.create(new).charger_id
        except (NotSent, Refused):
            self.lost = False
            raise
        except NoAnswer as unanswered:
            try:
                made = self._find()  # it was not there before, so it is ours; it is never asked for twice
            except StepFailed:
                raise unanswered from None
        self.lost, self.made = False, True
        return made

    def _find(self) -> str:
        every = self._api.all_chargers()
        found = self._named(every)
        if len(found) != 1:
            what = "no charger" if not found else "several chargers"
            raise StepFailed(
                f"OCPPLAB has {len(every)} chargers, and {what} called {self._identity}",
                "give the identity or the id with --charger, or make one with --create",
            )
        return found[0]

    def _named(self, every: Sequence[LabCharger] | None = None) -> list[str]:
        """The ids of the chargers that are called so."""
        wanted = self._identity.upper()
        every = self._api.all_chargers() if every is None else every
        return [each.id for each in every if wanted in {(each.identity or "").upper(), each.id.upper()}]

    def _do(self, command: LabCommand) -> None:
        answer = self._api.command(Target(charger_id=self._known()), command)
        if answer.failed:
            said = answer.failed[0].error.rstrip(".") or "it gives no reason"
            raise StepFailed(f"OCPPLAB did not take {command.path}", f"OCPPLAB: {said}")

    def _known(self) -> str:
        assert self._id is not None  # noqa: S101 - no step comes before the one that finds it
        return self._id
