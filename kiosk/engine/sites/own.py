"""Which chargers are the operator's own, by what the operator's token sees: their public codes are sold without being
listed in kiosk.toml.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from kiosk.domain.ownership import (
    ListProblem,
    OwnCharger,
    OwnList,
    all_asked,
    in_turn,
    list_wanted_every,
    none_told,
)
from kiosk.domain.site_board import Listing, SiteCharger
from kiosk.engine.context import Context, Health
from kiosk.engine.duty import NOTHING_SOON, Duty, Job, Jobs, Pool
from kiosk.engine.sites.pace import Pace, why
from kiosk.news.news import charger_topic
from kiosk.upstream.errors import BudgetSpent, Refused, UpstreamError
from kiosk.upstream.plugchoice.operator import PlugchoiceOperator

BETWEEN = timedelta(seconds=10)
AT_ONCE = 15
"""Chargers whose settings are read in one go: 90 of the 500 requests a minute, until all are known."""
LONGEST_PAUSE = timedelta(minutes=5)
AFTER_A_JOB = timedelta(seconds=1)
IN_A_ROW = 3
"""Settings without an answer in a row: before that it may be one charger's own trouble."""
STUMBLED_FOR = timedelta(minutes=5)
"""So long a charger whose settings gave no answer lets all others go first."""
_OF_ONE_CHARGER = frozenset({0, 400, 403, 404, 410, 422})
"""0 is our own: an id that nobody could ask for."""
_MARK = "own chargers"


class OwnChargers(Duty):
    """The list once an hour, and when somebody waits at a charger that nobody knows; of each charger its code, those
    first that somebody waits for. What was learnt stays while any of that fails.
    """

    name = "own chargers"

    def __init__(self, context: Context) -> None:
        self._context = context
        self._health = Health("Plugchoice's list of the operator's chargers")
        self._list_pace = Pace(LONGEST_PAUSE)
        self._code_pace = Pace(LONGEST_PAUSE)
        self._names: dict[str, frozenset[str]] = {}
        self._stumbled: dict[str, datetime] = {}
        self._chargers: Sequence[OwnCharger] = ()
        self._known = OwnList()

    def take_over(self, now: datetime) -> None:  # noqa: ARG002 - whatever the time
        self._recall()

    def jobs(self, now: datetime) -> Jobs:
        operator = self._context.operator
        if operator is None or not self._context.learns_own_chargers:
            return Jobs()
        asked = self._context.store.asked_whose(now)
        often = list_wanted_every(self._known, now, asked=bool(asked))
        list_in = self._list_pace.due_in(now, BETWEEN if self._list_pace.failures else often)
        if list_in <= timedelta(0):
            return Jobs((Job(_MARK, lambda: self._read_list(operator), pool=Pool.SITES),), AFTER_A_JOB)
        codes_in = self._code_pace.due_in(now, BETWEEN)
        if codes_in > timedelta(0):
            return Jobs(wait=min(list_in, codes_in))
        due = in_turn(self._chargers, self._named(asked), now)
        due.sort(key=lambda each: now - self._stumbled.get(each.uuid, now - STUMBLED_FOR) < STUMBLED_FOR)
        if due:
            uuids = [each.uuid for each in due[:AT_ONCE]]
            return Jobs((Job(_MARK, lambda: self._read_codes(operator, uuids), pool=Pool.SITES),), AFTER_A_JOB)
        return Jobs(wait=min(list_in, NOTHING_SOON))

    # --- on a worker

    def _read_list(self, operator: PlugchoiceOperator) -> None:
        self._list_pace.note_tried(self._context.clock.now())
        try:
            listing = operator.chargers()
        except UpstreamError as error:
            self._list_pace.failed(self._context.clock.now(), error)
            self._failed(error, _problem_of(error))
            return
        self._keep(listing)
        self._recall()
        self._note_learnt()

    def _keep(self, listing: Listing[SiteCharger]) -> None:
        store, now = self._context.store, self._context.clock.now()
        refs = {each.ref.uuid: each.ref for each in listing.entries if each.ref.uuid is not None}
        self._names = {**self._names, **{uuid: _names(ref.reference, ref.identity) for uuid, ref in refs.items()}}
        emptied = listing.complete and not refs and bool(self._chargers)
        store.own_list_was_read(list(refs), listing.asked_at, whole=listing.complete and not emptied)
        if emptied or not listing.complete:
            self._list_pace.failed(now)
            problem = ListProblem.EMPTY if emptied else ListProblem.CUT
            self._health.failed(now, f"the list is {problem.value}")
            store.own_list_failed(problem, now)
            return
        self._list_pace.worked()
        self._health.answered()

    def _read_codes(self, operator: PlugchoiceOperator, uuids: Sequence[str]) -> None:
        """One after the other, until one says that it is no charger's own trouble."""
        self._code_pace.note_tried(self._context.clock.now())
        missed = 0
        for uuid in uuids:
            try:
                self._read_code(operator, uuid)
            except UpstreamError as error:
                now = self._context.clock.now()
                everybodys = isinstance(error, BudgetSpent | Refused)
                if not everybodys:
                    self._stumbled[uuid] = now
                missed += 1
                if everybodys or missed >= IN_A_ROW or missed == len(uuids):
                    self._code_pace.failed(now, error)
                    self._failed(error, ListProblem.SETTINGS_UNANSWERED)
                    break
            else:
                missed = 0
                self._stumbled.pop(uuid, None)
                self._code_pace.worked()
        self._recall()
        self._note_learnt()

    def _read_code(self, operator: PlugchoiceOperator, uuid: str) -> None:
        """Raises UpstreamError for what is not about this charger alone."""
        store, clock = self._context.store, self._context.clock
        try:
            code = operator.public_charging(uuid).public_code
        except Refused as no:
            if no.status not in _OF_ONE_CHARGER:
                raise
            store.own_charger_refused(uuid, clock.now())
            return
        code = None if code is None else code.upper()
        store.own_charger_told(uuid, code, clock.now())
        if code is not None:
            self._context.news.publish(charger_topic(code))

    # --- inside

    def _failed(self, error: UpstreamError, problem: ListProblem) -> None:
        """Our own budget is no failure: it is tried again in a moment."""
        if isinstance(error, BudgetSpent):
            return
        now = self._context.clock.now()
        self._health.failed(now, why(error, "is KIOSK_PLUGCHOICE_TOKEN right?"))
        self._context.store.own_list_failed(problem, now)
        self._recall()
        self._tell(self._context.store.asked_whose(now))

    def _note_learnt(self) -> None:
        """When every charger on the last whole list was asked for its code."""
        store, now = self._context.store, self._context.clock.now()
        whole_at = self._known.whole_at
        if whole_at is None or whole_at == self._known.learnt_at:
            return
        if not all_asked(self._chargers, self._named(store.asked_whose(now)), now):
            return
        if none_told(self._chargers):
            if self._known.problem is not ListProblem.NO_SETTINGS:
                store.own_list_failed(ListProblem.NO_SETTINGS, now)
        else:
            store.own_list_learnt(whole_at)
        self._recall()
        self._tell(store.asked_whose(now))

    def _recall(self) -> None:
        self._chargers, self._known = self._context.store.own_chargers(), self._context.store.own_list()

    def _named(self, codes: Sequence[str]) -> Collection[str]:
        """The uuids of chargers that are called like those of these codes."""
        if not codes:
            return ()
        cards = self._context.store.cards(codes)
        wanted = _names(*codes, *(card.name for card in cards.values()))
        return {uuid for uuid, names in self._names.items() if names & wanted}

    def _tell(self, codes: Sequence[str]) -> None:
        """Pages that wait for it look again."""
        self._context.news.publish(*(charger_topic(code) for code in codes))


def _names(*names: str | None) -> frozenset[str]:
    return frozenset(name.strip().casefold() for name in names if name is not None and name.strip())


def _problem_of(error: UpstreamError) -> ListProblem:
    if not isinstance(error, Refused):
        return ListProblem.NO_ANSWER
    return {401: ListProblem.TOKEN, 403: ListProblem.NOT_ALLOWED}.get(error.status, ListProblem.REFUSED)
