"""Whose a charger is: the operator's own, another's, or not known yet. And in which order that is found out.

The operator's view tells which chargers a token sees, and of each by itself under which public code it is sold. So
between a code and its charger stands a reading of every charger on the list, and until then *not known* is not
*another's*. What was the operator's own stays so until two things say otherwise for a day: a whole list lacks it, and
its own settings are refused. A list that fails, is cut or is empty says nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

JUST_LEARNT = timedelta(minutes=10)
"""So young a list is whole in everybody's eyes; an older one is read again before a charger is called another's."""
LEARNT_COUNTS = timedelta(days=1)
"""So long the last whole list tells another's charger from an own one while it cannot be read again."""
LIST_EVERY = timedelta(hours=1)
CODE_EVERY = timedelta(days=1)
"""How often the code of a charger is read that has one: it hardly ever changes."""
NO_CODE_EVERY = timedelta(hours=1)
"""The same of one that was never opened to the public, and of one that the list lacks."""
NAMED_EVERY = timedelta(minutes=1)
"""The same of one that is called as the charger in front of which somebody waits."""
LET_GO_AFTER = timedelta(days=1)


class Whose(StrEnum):
    """Whose a charger is, for somebody who wants to charge there."""

    OURS = "ours"
    ANOTHERS = "anothers"
    ASKING = "asking"  # it is being found out, and takes a moment
    NOT_KNOWN = "not_known"  # it cannot be found out just now


class ListProblem(StrEnum):
    """Why the operator's list of chargers says nothing."""

    NO_ANSWER = "no_answer"
    TOKEN = "token"  # noqa: S105 - 401: the token is wrong or was revoked
    NOT_ALLOWED = "not_allowed"  # 403
    REFUSED = "refused"
    CUT = "cut"  # there is more than could be read
    EMPTY = "empty"  # it is empty, and was not before
    NO_SETTINGS = "no_settings"  # the list can be read, and the settings of its chargers are refused
    SETTINGS_UNANSWERED = "settings_unanswered"  # the same, and there is no answer

    @property
    def of_settings(self) -> bool:
        return self in {ListProblem.NO_SETTINGS, ListProblem.SETTINGS_UNANSWERED}


@dataclass(frozen=True, slots=True)
class OwnList:
    """How the reading of the list goes. `whole_at`: when it was read whole last. `learnt_at`: when that one was, of
    which every charger was then asked for its code. `problem`: why the last attempt failed, since `problem_since`.
    """

    whole_at: datetime | None = None
    learnt_at: datetime | None = None
    problem: ListProblem | None = None
    problem_since: datetime | None = None

    def learnt_within(self, now: datetime, age: timedelta) -> bool:
        return self.learnt_at is not None and now - self.learnt_at <= age


@dataclass(frozen=True, slots=True)
class OwnCharger:
    """One charger of the operator's. `code` is None while it was never read, or never opened to the public.

    `asked_at`: when its settings were last answered, be it by a refusal (`refused`). `missing_since`: whole lists lack
    it since then.
    """

    uuid: str
    code: str | None = None
    asked_at: datetime | None = None
    refused: bool = False
    missing_since: datetime | None = None

    @property
    def let_go(self) -> bool:
        """It is the operator's own no more: for a day lists lacked it, and then its own settings were refused."""
        if self.missing_since is None or self.asked_at is None:
            return False
        return self.refused and self.asked_at - self.missing_since >= LET_GO_AFTER


def whose(*, own: bool, learns: bool, known: OwnList, now: datetime) -> Whose:
    """Whose a charger is. `own`: it is listed, or was found among the operator's own. `learns`: a token can tell."""
    if own:
        return Whose.OURS
    if not learns or known.learnt_within(now, JUST_LEARNT):
        return Whose.ANOTHERS
    if known.problem is None:
        return Whose.ASKING
    return Whose.ANOTHERS if known.learnt_within(now, LEARNT_COUNTS) else Whose.NOT_KNOWN


def list_wanted_every(known: OwnList, now: datetime, *, asked: bool) -> timedelta:
    """How often the list is to be read. `asked`: somebody waits to hear whose a charger is."""
    return JUST_LEARNT if asked and not known.learnt_within(now, JUST_LEARNT) else LIST_EVERY


def ask_in(charger: OwnCharger, now: datetime, *, named: bool) -> timedelta:
    """How long until its settings are asked for; zero or less when now. `named`: somebody waits at one of its name."""
    if charger.asked_at is None:
        return timedelta(0)
    often = CODE_EVERY if charger.code is not None and charger.missing_since is None else NO_CODE_EVERY
    if named:  # its code may be another one by now
        often = min(often, NAMED_EVERY)
    return charger.asked_at + often - now


def in_turn(chargers: Iterable[OwnCharger], named: Collection[str], now: datetime) -> list[OwnCharger]:
    """Those whose settings are asked for now: first what somebody waits for, then what was never asked, then the rest,
    the oldest first. `named` are the uuids of chargers that are called like one in front of which somebody waits.
    """
    due = [each for each in chargers if ask_in(each, now, named=each.uuid in named) <= timedelta(0)]
    return sorted(
        due,
        key=lambda each: (
            each.uuid not in named,
            each.asked_at is not None,
            each.code is not None,
            each.asked_at or now,
        ),
    )


def all_asked(chargers: Iterable[OwnCharger], named: Collection[str], now: datetime) -> bool:
    """Of every charger on the list it is known under which code it is sold, or that it has none; of the `named` ones,
    as they are called at which somebody waits, for less than a minute.
    """

    def asked(each: OwnCharger) -> bool:
        waits = each.uuid in named
        return (each.code is not None and not waits) or ask_in(each, now, named=waits) > timedelta(0)

    return all(asked(each) for each in chargers)


def none_told(chargers: Collection[OwnCharger]) -> bool:
    """The token may not see the settings of any of them: then nobody knows under which codes they are sold."""
    return any(each.refused for each in chargers) and all(each.code is None for each in chargers)
