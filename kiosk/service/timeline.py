"""One session's whole story from what the store keeps: who asked for what and why, what changed, and every proof.

Values only: the command line and the desk say them in their own words. Nothing here carries the session's key, an
upstream token, a client secret, a device or an e-mail, and free text from outside is redacted as in a log.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from kiosk.config.logs import redact_text, session_mark
from kiosk.domain.codes import normalise
from kiosk.domain.commands import AskedBy, Command, CommandState, Kind
from kiosk.domain.hold import was_held
from kiosk.domain.limits import Policy
from kiosk.domain.money import Money
from kiosk.domain.refunding import RefundState
from kiosk.domain.session import Event, Observation, Phase, Session, fold
from kiosk.domain.status import Group, facts
from kiosk.service.entries import (
    Asked,
    Change,
    Changed,
    Ending,
    Entry,
    HandedOver,
    Hinted,
    Issued,
    Measured,
    Metered,
    NotFound,
    Noticed,
    Outcome,
    Owned,
    Proven,
    Reason,
    RefundAsked,
    RefundEnded,
    RefundSent,
    Requested,
    Revised,
    SeenTo,
    Settled,
    TakenBack,
    TakeOverLapsed,
    Timeline,
    Value,
)
from kiosk.store.records import ReceiptRevision, StoredObservation, StoredReceipt
from kiosk.store.store import Store

MOST_FOUND = 10
RUN = timedelta(minutes=15)
"""Readings in which only energy and cost moved are told together, for at most so long."""

_RECEIPT_NUMBER = re.compile(r"\d{4}-\d{6,}")
_MARK = re.compile(r"[0-9a-f]{10}")
_ENDINGS = (Kind.STOP, Kind.CANCEL)
_ENDING_GROUPS = frozenset({Group.SETTLING, Group.ENDED, Group.OPERATOR})


def find(store: Store, wanted: str, limit: int = MOST_FOUND) -> list[Session]:
    """The session of a receipt number or of a mark, or the last `limit` sessions of a charger's code, newest first.

    A mark is computed from the key, so every key is tried: 10,000 take about 30 ms, and no second truth is stored.
    """
    text = wanted.strip()
    key: str | None = None
    if _RECEIPT_NUMBER.fullmatch(text):
        key = store.session_by_receipt(text)
    elif _MARK.fullmatch(text.lower()):
        mark = text.lower()
        key = store.find_key(lambda candidate: session_mark(candidate) == mark)
    session = store.session(key) if key is not None else None
    return [session] if session is not None else store.latest_at(normalise(text), limit)


def timeline(store: Store, key: str, now: datetime) -> Timeline | None:
    """Everything that is known of the session at `now`; None when there is no such session."""
    session, margin = store.session(key), store.margin(key)
    if session is None or margin is None:
        return None
    commands = [_asked(command, session) for command in store.commands(key)]
    observations = store.observations(key)
    readings = list(_readings(session, observations))
    receipt = store.receipt(key)
    revisions = store.receipt_revisions(receipt.number) if receipt is not None else []
    entries: list[Entry] = [
        Requested(session.requested_at, session.code, session.connector_id, session.money(session.hold_minor)),
        *(HandedOver(one.claimed_at, one.tablet, one.made_at) for one in store.handoffs_to(key)),
        *commands,
        *readings,
        *_of_receipt(receipt, revisions),
        *_kept_beside(store, session, now),
    ]
    return Timeline(
        mark=session_mark(key),
        session=session,
        ended_at=margin.ended_at,
        intent_id=margin.intent_id,
        limit=session.money(session.limit_minor),
        receipt_number=receipt.number if receipt is not None else None,
        readings=len(observations),
        ending=_ending(session, commands, observations),
        entries=tuple(sorted(entries, key=attrgetter("at"))),
    )


def _asked(command: Command, session: Session) -> Asked:
    return Asked(
        at=command.asked_at,
        kind=command.kind,
        reason=_reason(command, session),
        state=command.state,
        attempts=command.attempts,
        sent_at=command.sent_at,
        ended_at=command.ended_at,
        refusal=command.refusal,
        said=redact_text(command.detail) if command.detail else None,
    )


def _reason(command: Command, session: Session) -> Reason:
    held = session.held_seen_at
    if command.asked_by is AskedBy.HOLD and held is not None and command.asked_at - held >= Policy().hold_lives:
        return Reason.HOLD_AGE
    try:
        return Reason(command.asked_by.value)
    except ValueError:
        return Reason.KIOSK


def _readings(session: Session, observations: Sequence[StoredObservation]) -> Iterator[Changed | Metered]:
    """The observations folded once more, from the session as it was asked for: what each of them changed."""
    folded = Session(session.key, session.code, session.connector_id, Phase.OPEN, session.requested_at)
    run: Metered | None = None
    for one in observations:
        before = folded
        folded, events = fold(before, one.seen)
        changes = tuple(_changes(before, folded))
        if not changes and not set(events) - {Event.FIGURES}:
            continue
        figures = {"energy_kwh", "cost"}
        if run is not None and (one.seen.seen_at - run.since > RUN or not _only(changes, events, figures)):
            yield run
            run = None
        if before.observed_at is not None and _only(changes, events, figures):
            run = _longer(run, before, folded, one.seen)
        else:
            yield Changed(
                at=one.seen.seen_at,
                source=one.source,
                status=folded.status,
                changes=changes,
                events=events,
                energy_kwh=folded.energy_kwh,
                cost=folded.money(folded.cost_minor),
            )
    if run is not None:
        yield run


def _only(changes: Sequence[Change], events: Sequence[Event], names: set[str]) -> bool:
    return {change.what for change in changes} <= names and set(events) <= {Event.FIGURES}


def _longer(run: Metered | None, before: Session, after: Session, seen: Observation) -> Metered:
    return Metered(
        at=seen.seen_at,
        since=run.since if run is not None else seen.seen_at,
        readings=run.readings + 1 if run is not None else 1,
        energy_before=run.energy_before if run is not None else before.energy_kwh,
        energy_kwh=after.energy_kwh,
        cost_before=run.cost_before if run is not None else before.money(before.cost_minor),
        cost=after.money(after.cost_minor),
    )


def _changes(before: Session, after: Session) -> Iterator[Change]:
    """What a fold changed, in the order in which it matters. Amounts carry the currency of their side."""
    for name in ("status", "charger_online", "connector_status"):
        yield from _change(name, getattr(before, name), getattr(after, name))
    yield from _change("price", before.tariff, after.tariff)
    yield from _change("later_price", before.later_tariff, after.later_tariff)
    for name, field in (("hold", "authorized_minor"), ("cost", "cost_minor"), ("taken", "captured_minor")):
        yield from _change(name, before.money(getattr(before, field)), after.money(getattr(after, field)))
    yield from _change("sent_back", _sent_back(before), _sent_back(after))
    yield from _change("tax", before.money(before.tax_minor), after.money(after.tax_minor))
    yield from _change("energy_kwh", before.energy_kwh, after.energy_kwh)
    yield from _change("failure_reason", _redacted(before.failure_reason), _redacted(after.failure_reason))
    for name in ("authorized_at", "charging_started_at", "completed_at", "captured_at"):
        yield from _change(name, getattr(before, name), getattr(after, name))


def _sent_back(session: Session) -> Money | None:
    """What was sent back in all, as far as upstream's figures say how much."""
    return session.money(sum(one.amount_minor or 0 for one in session.refunds) or None)


def _change(what: str, before: Value, after: Value) -> Iterator[Change]:
    if before != after:
        yield Change(what, before, after)


def _redacted(text: str | None) -> str | None:
    return redact_text(text) if text is not None else None


def _of_receipt(receipt: StoredReceipt | None, revisions: Sequence[ReceiptRevision]) -> Iterator[Issued | Revised]:
    if receipt is None:
        return
    documents = [revision.document for revision in revisions] + [receipt.document]
    first = documents[0]
    given_back_at = first.get("given_back_at")
    yield Issued(
        at=receipt.issued_at,
        number=receipt.number,
        status=first.get("status"),
        held=_amount(first.get("held")),
        taken=_amount(first.get("taken")),
        given_back=_amount(first.get("given_back")),
        given_back_at=datetime.fromisoformat(given_back_at) if given_back_at else None,
    )
    for revision, newer in zip(revisions, documents[1:], strict=True):
        yield Revised(revision.replaced_at, receipt.number, tuple(_differences(revision.document, newer)))


def _amount(value: Any) -> Money | None:
    return Money(value["minor"], value["currency"]) if isinstance(value, Mapping) and "minor" in value else None


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    before, after = dict(_flat("", old)), dict(_flat("", new))
    for path in [*before, *(path for path in after if path not in before)]:
        yield from _change(path, before.get(path), after.get(path))


def _flat(path: str, value: Any) -> Iterator[tuple[str, Value]]:
    """Every figure and word of a document with its path; an amount is one figure, and what is null is left out."""
    amount = _amount(value)
    if amount is not None:
        yield path, amount
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _flat(f"{path}.{name}" if path else name, item)
    elif isinstance(value, list):
        for place, item in enumerate(value, 1):
            yield from _flat(f"{path}.{place}", item)
    elif isinstance(value, str) and path.endswith("_at"):
        yield path, datetime.fromisoformat(value)
    elif value is not None:
        yield path, value if isinstance(value, bool | int) else str(value)


def _kept_beside(store: Store, session: Session, now: datetime) -> Iterator[Entry]:
    if session.gone_at is not None:
        yield NotFound(session.gone_at, session.phase is Phase.GONE)
    proof = session.proof
    if proof is not None:
        yield Proven(
            at=proof.checked_at,
            intent_status=proof.intent_status,
            capturable=session.money(proof.capturable_minor),
            received=session.money(proof.received_minor),
            canceled_at=proof.canceled_at,
            ended=proof.ended,
        )
    stand = store.meter_stand(session.key)
    if stand is not None:
        said = redact_text(stand.stop_reason) if stand.stop_reason else None
        yield Measured(stand.stopped_at, stand.number, stand.started_at, stand.start_wh, stand.stop_wh, said)
    for event in store.webhooks_of(session.key):
        yield Hinted(event.received_at, event.event_type)
    hint = store.hints().get(session.key)
    if hint is not None:
        yield Hinted(hint, None)
    for grant in store.grants_of(session.key):
        if grant.how != "start":
            yield Owned(grant.granted_at, grant.how)
    for taken in store.taken_back(session.key):
        yield Owned(taken.granted_at, taken.how)
        yield TakenBack(taken.taken_at, taken.how)
    yield from _refunds(store, session)
    yield from _in_the_list(store, session)
    for code in store.takeovers_of(session.key):
        if code.used_at is None and code.expires_at <= now:
            yield TakeOverLapsed(code.expires_at)


def _refunds(store: Store, session: Session) -> Iterator[RefundAsked | RefundSent | RefundEnded]:
    for wish in store.refunds_of(session.key):
        yield RefundAsked(wish.asked_at, wish.amount, wish.who)
        if wish.sent_at is not None:
            yield RefundSent(wish.sent_at, wish.amount)
        if wish.ended_at is not None:
            yield RefundEnded(wish.ended_at, wish.amount, wish.state is RefundState.DONE, _redacted(wish.said))


def _in_the_list(store: Store, session: Session) -> Iterator[Noticed | Settled | SeenTo]:
    rows = store.exceptions_of(session.key)
    done = store.handlings_of([one.id for one in rows])
    for one in rows:
        matter = one.matter
        known = matter.amount_minor is not None and matter.currency is not None
        amount = Money(matter.amount_minor or 0, matter.currency or "") if known else None
        yield Noticed(one.noticed_at, matter.kind, matter.act, amount)
        if one.closed_at is not None:
            yield Settled(one.closed_at, matter.kind)
        for each in done[one.id]:
            said = redact_text(each.note) if each.note else None
            yield SeenTo(each.at, matter.kind, each.who, each.did, each.until, said)


def _ending(session: Session, commands: Sequence[Asked], observations: Sequence[StoredObservation]) -> Ending:
    start = next((command for command in commands if command.kind is Kind.START), None)
    said = _redacted(session.failure_reason)
    match session.phase:
        case Phase.QUEUED:
            return Ending(Outcome.GOES_ON)
        case Phase.REFUSED:
            return Ending(Outcome.START_REFUSED, command=start, said=start.said if start is not None else None)
        case Phase.NO_ANSWER:
            return Ending(Outcome.START_NOT_ANSWERED, command=start)
        case Phase.LEFT:
            return Ending(Outcome.LEFT)
        case Phase.OPEN | Phase.GONE:
            pass
    seen_at = _end_seen_at(observations)
    if seen_at is None and not session.facts.final:
        return Ending(Outcome.LOST if session.phase is Phase.GONE else Outcome.GOES_ON, said=said)
    asked = [command for command in commands if command.kind in _ENDINGS]
    for command in asked:
        if _had_effect(command) and (seen_at is None or _first_sent_at(command) <= seen_at):
            return Ending(Outcome.ASKED, command, seen_at, said)
    if _never_paid(session):
        return Ending(Outcome.NEVER_PAID, None, seen_at, said)
    return Ending(Outcome.NOT_ASKED, asked[-1] if asked else None, seen_at, said)


def _never_paid(session: Session) -> bool:
    """No hold and no charge was ever seen, and Stripe does not say otherwise."""
    proof = session.proof
    paid = proof is not None and bool(proof.capturable_minor or proof.received_minor)
    return not (paid or was_held(session) or session.energy_kwh is not None or session.charging_started_at is not None)


def _had_effect(command: Asked) -> bool:
    """It was sent, and upstream did not refuse it: without an answer it may have worked."""
    return command.state in {CommandState.DONE, CommandState.UNKNOWN, CommandState.SENT} and command.sent_at is not None


def _first_sent_at(command: Asked) -> datetime:
    """Only the last sending is kept: of several, the first was at the earliest when it was asked for."""
    return command.sent_at if command.sent_at is not None and command.attempts <= 1 else command.at


def _end_seen_at(observations: Sequence[StoredObservation]) -> datetime | None:
    """When a reading first said that charging was over, the hold settling or the session at its end."""
    for one in observations:
        over = one.seen.status == "stopping" or facts(one.seen.status).group in _ENDING_GROUPS
        if over and one.seen.status is not None:
            return one.seen.seen_at
    return None
