"""Messages about what needs a person: who gets them by kiosk.toml, and their words.

What stands in a message is the charger, the bay, the mark of the session, the amount and the age. Never a driver, their
address, the session's own address or a secret: a message lies in mail boxes and chat rooms for years.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, time, timedelta
from importlib.util import find_spec

from kiosk.config.logs import session_mark
from kiosk.config.settings import Settings, SettingsError
from kiosk.config.sites import Notify, SiteBook, zone
from kiosk.domain.attention import Attention, Level
from kiosk.domain.money import Money
from kiosk.domain.telling import Channel, Hours, Notice, Receiver, Why
from kiosk.service.queue_words import DO, WHAT, ago
from kiosk.store.exceptions import Listed
from kiosk.store.store import Store

MOST_LINES = 20


def receivers(book: SiteBook, settings: Settings) -> tuple[Receiver, ...]:
    """Everybody who is told. Raises SettingsError with what is missing."""
    return tuple(_receiver(one, book, settings) for one in book.notify)


def _receiver(one: Notify, book: SiteBook, settings: Settings) -> Receiver:
    if one.mail is not None and settings.smtp_host is None:
        raise SettingsError(f"notify {one.name!r} wants mails: set KIOSK_SMTP_HOST and KIOSK_SMTP_FROM.")
    if one.webhook is not None and settings.notify_secret is None:
        raise SettingsError(f"notify {one.name!r} wants a webhook: set KIOSK_NOTIFY_SECRET, which signs it.")
    if one.apprise is not None and find_spec("apprise") is None:
        raise SettingsError(
            f"notify {one.name!r} wants Apprise, which is not installed: pip install 'charge-kiosk[apprise]'."
        )
    words = {each.value for each in Attention}
    for kind in one.kinds:
        if kind not in words:
            raise SettingsError(
                f"notify {one.name!r}: there is no kind {kind!r}; there are {', '.join(sorted(words))}."
            )
    codes = frozenset(charger.code for site in book.sites if site.id in one.sites for charger in site.chargers)
    channels = (
        (Channel.MAIL, one.mail),
        (Channel.WEBHOOK, one.webhook),
        (Channel.NTFY, one.ntfy),
        (Channel.APPRISE, one.apprise),
    )
    channel, address = next((each, where) for each, where in channels if where is not None)
    named = [site.timezone for site in book.sites if not one.sites or site.id in one.sites]
    return Receiver(
        name=one.name,
        channel=channel,
        address=address,
        kinds=frozenset(map(Attention, one.kinds)) or None,
        codes=codes if one.sites else None,
        after=timedelta(minutes=one.after_minutes),
        again=one.again,
        quiet=Hours(*map(time.fromisoformat, one.quiet.split("-"))) if one.quiet else None,
        alarms_at_night=one.alarms_at_night,
        digest=time.fromisoformat(one.digest) if one.digest else None,
        zone=zone(named[0] if named else "UTC"),
    )


def notice(rows: Sequence[Listed], why: Why, now: datetime, store: Store, book: SiteBook, public_url: str) -> Notice:
    """The message about these rows, the loudest and oldest first."""
    count = len(rows)
    alarm = any(one.level is Level.ALARM for one in rows)
    many = f"{count} things need a person" if count != 1 else "Something needs a person"
    loud = "ALARM: " if alarm else ""
    subject = f"{loud}{many}" if why is Why.AT_ONCE else f"{loud}{many}, as of this morning"
    lines = [line for one in rows[:MOST_LINES] for line in (*_lines(one, now, store, book), "")]
    if count > MOST_LINES:
        lines += [f"And {count - MOST_LINES} more.", ""]
    lines += [f"All of them: {public_url}/desk/queue, or `kiosk attention`."]
    facts = {
        "why": why.value,
        "at": now.isoformat(),
        "open": count,
        "items": [_facts(one, store, book) for one in rows[:MOST_LINES]],
        "page": f"{public_url}/desk/queue",
    }
    return Notice(f"{book.operator.name}: {subject}", "\n".join(lines) + "\n", facts, urgent=alarm)


def trial(book: SiteBook, now: datetime) -> Notice:
    """What `kiosk notify --test` sends."""
    text = "This is a test: messages about what needs a person arrive here. Nothing is wrong.\n"
    return Notice(f"{book.operator.name}: test message", text, {"why": "test", "at": now.isoformat(), "items": []})


def where(row: Listed, store: Store, book: SiteBook) -> str:
    """Charger or bay, and the site's name, as people there call them."""
    code = row.matter.code
    site = book.site_of(code)
    at = f"charger {code}" + (f", {site.name}" if site is not None else "")
    session = None if row.matter.of_charger else store.session(row.matter.subject)
    return at if session is None else f"bay {book.bay_label(code, session.connector_id)}, {at}"


def amount(row: Listed) -> Money | None:
    """What is at stake; None when nobody knows, or nothing is."""
    matter = row.matter
    return Money(matter.amount_minor, matter.currency) if matter.amount_minor and matter.currency else None


def _lines(row: Listed, now: datetime, store: Store, book: SiteBook) -> Iterator[str]:
    matter, stake = row.matter, amount(row)
    at_stake = f" ({stake.major} {stake.currency})" if stake is not None else ""
    yield f"{where(row, store, book)}{at_stake}: {WHAT[matter.kind]}, since {ago(now - matter.since)}."
    mark = "" if matter.of_charger else f" `kiosk session {session_mark(matter.subject)}` tells the whole story."
    yield f"  What to do: {DO[matter.act]}.{mark}"


def _facts(row: Listed, store: Store, book: SiteBook) -> dict[str, object]:
    matter, stake = row.matter, amount(row)
    site = book.site_of(matter.code)
    session = None if matter.of_charger else store.session(matter.subject)
    return {
        "id": row.id,
        "kind": matter.kind.value,
        "level": row.level.value,
        "what": WHAT[matter.kind],
        "do": DO[matter.act],
        "code": matter.code,
        "site": site.id if site is not None else None,
        "bay": book.bay_label(matter.code, session.connector_id) if session is not None else None,
        "session": None if matter.of_charger else session_mark(matter.subject),
        "amount": {"minor": stake.minor, "currency": stake.currency} if stake is not None else None,
        "since": matter.since.isoformat(),
    }
