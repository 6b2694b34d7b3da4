"""`kiosk notify`: who is told of what needs a person, how the last messages fared, and a test message to everybody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from kiosk.config.settings import Settings
from kiosk.config.sites import SiteBook
from kiosk.domain.telling import Receiver
from kiosk.outside import Outside
from kiosk.service.notices import receivers, trial
from kiosk.store.store import Store
from kiosk.upstream.errors import UpstreamError
from kiosk.upstream.notice.client import NotAccepted
from kiosk.upstream.notice.ways import hand_over
from kiosk.upstream.smtp.client import MailRefused, MailUnknown, NotTaken

NEWEST = 20


def listing(store: Store, book: SiteBook, settings: Settings) -> Iterator[str]:
    """Raises SettingsError when kiosk.toml asks for what the settings do not give."""
    told = receivers(book, settings)
    if not told:
        yield "Nobody is told: write [[notify]] into kiosk.toml, see docs/desk.md."
    for one in told:
        when = f"once a day at {one.digest:%H:%M}" if one.digest is not None else "at once"
        quiet = f", quiet {one.quiet.start:%H:%M}-{one.quiet.end:%H:%M}" if one.quiet is not None else ""
        yield f"{one.name}: {one.channel.value}, {when}{quiet} ({one.zone.key})"
    for each in store.newest_deliveries(NEWEST):
        ended = f", ended {each.ended_at:%Y-%m-%d %H:%M}" if each.ended_at is not None else ""
        said = f": {each.said}" if each.said else ""
        tried = f"{each.state.value}{ended}, tried {each.attempts} times{said}"
        yield f"{each.asked_at:%Y-%m-%d %H:%M} UTC  {each.receiver}: {tried}"


def send_trial(outside: Outside, book: SiteBook, settings: Settings, now: datetime) -> tuple[list[str], bool]:
    """One attempt to each receiver, whatever the hour. Returns what became of each, and whether all took it."""
    told: Sequence[Receiver] = receivers(book, settings)
    lines, well = [], bool(told)
    for one in told:
        try:
            hand_over(outside.mailer, outside.herald, one, trial(book, now), f"test.{int(now.timestamp())}", now)
        except (MailRefused, NotAccepted) as error:
            lines.append(f"{one.name}: refused ({error})")
            well = False
        except (NotTaken, MailUnknown, UpstreamError) as error:
            lines.append(f"{one.name}: it did not arrive, as far as anybody knows ({error})")
            well = False
        else:
            lines.append(f"{one.name}: taken")
    return lines or ["Nobody is told: write [[notify]] into kiosk.toml, see docs/desk.md."], well
