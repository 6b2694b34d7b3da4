"""`kiosk doctor`: what an operator should know before drivers come, in sentences."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from kiosk.clock import Clock, SystemClock
from kiosk.command.front import HTTP_2, protocol_at
from kiosk.config.addresses import is_loopback
from kiosk.config.logs import session_mark
from kiosk.config.settings import STRIPE_API_URL, Settings
from kiosk.config.sites import ChargerFacts, Site, SiteBook, load_site
from kiosk.config.union import may_be_in_union
from kiosk.domain.attention import Level
from kiosk.domain.charger import ChargerCard
from kiosk.domain.fuses import FuseTree, spots
from kiosk.domain.limits import ROUGH_AFTER
from kiosk.domain.money import Money
from kiosk.domain.ownership import LEARNT_COUNTS, ListProblem
from kiosk.domain.site_board import Listing, SiteConnector
from kiosk.outside import NETWORK, Outside, Transports, connect, limits_of
from kiosk.service.fast import price_problem, reader_problems
from kiosk.service.queue_words import DO, WHAT, ago
from kiosk.service.selling import learns_own, selling_problem, sells_unlisted, sold_codes
from kiosk.store import Cipher, Store
from kiosk.store.backup import newest_in
from kiosk.store.checks import CHECKS
from kiosk.store.errors import CannotWrite, Trouble
from kiosk.upstream.chargepilot.client import ChargePilot
from kiosk.upstream.errors import Refused, UpstreamError
from kiosk.upstream.ocpplab.client import Ocpplab
from kiosk.upstream.ocpplab.reading import LabCharger
from kiosk.upstream.plugchoice.budget import Budgets
from kiosk.upstream.plugchoice.operator import PlugchoiceOperator
from kiosk.upstream.plugchoice.public import PlugchoicePublic

"""Chargers that can be read one by one within a minute: a third of the budget is left to the drivers."""
MOST_SETTINGS = 25
"""Chargers of a site whose settings are read for their public codes. Of a larger site no code can be called missing."""
MOST_OFFENCES = 5
"""Rows that break one check and are each given a sentence."""
MOST_APART = timedelta(seconds=2)
"""Of two clocks. The machines of a fleet compare each other's times."""
MOST_EXCEPTIONS = 10
"""Sessions that a person should look at and that are each given a sentence."""
LEAST_FREE = 200_000_000
"""Bytes. A busy kiosk writes about a hundredth of it a day."""
LEAST_VARIETY = 12
"""Different characters in a secret key: fewer is a typed phrase or a repeated letter, not a random key."""


@dataclass(frozen=True)
class Finding:
    """`mark` is ok, note (works, but look at it) or BAD (will not work, or not safely)."""

    mark: str
    text: str

    @property
    def bad(self) -> bool:
        return self.mark == "BAD"


def examine(
    settings: Settings,
    *,
    online: bool = False,
    clock: Clock | None = None,
    transports: Transports = NETWORK,
    installed: datetime | None = None,
    protocol: Callable[[str], str | None] = protocol_at,
) -> list[Finding]:
    """All findings. `online` asks every system that is set, and `protocol` then says what an address speaks.
    `installed` is when the kiosk's files were written, which a right clock has passed; None reads it from the files.
    Raises SettingsError for an unusable kiosk.toml.
    """
    clock = clock or SystemClock()
    installed = installed or datetime.fromtimestamp(Path(__file__).stat().st_mtime, UTC)
    site = load_site(settings.config)
    findings = [*_secret(settings), *_address(settings), *_money(settings), *_operator(site), *_sites(site)]
    findings += [
        *_selling(settings, site),
        *_tablet(settings),
        *_limits(settings),
        *_board(settings, site),
        *_pilot(settings, site),
        *_lab(settings),
    ]
    findings += [*_store(settings, clock, site), *_time(clock.now(), installed)]
    if online:
        findings += _front(settings, protocol)
        outside = connect(settings, clock, Budgets(limits_of(settings)), transports)
        try:
            findings += _ask_everybody(outside, site, learns=learns_own(settings))
        finally:
            outside.close()
    return findings


def _ok(text: str) -> Finding:
    return Finding("ok", text)


def _note(text: str) -> Finding:
    return Finding("note", text)


def _bad(text: str) -> Finding:
    return Finding("BAD", text)


def _secret(settings: Settings) -> Iterator[Finding]:
    weak = any(len(set(key)) < LEAST_VARIETY for key in settings.secret_keys)
    if weak:
        yield _bad("KIOSK_SECRET_KEY repeats few characters; make a random one: `openssl rand -base64 48`.")
    elif len(settings.secret_keys) > 1:
        yield _ok("KIOSK_SECRET_KEY is being rotated; drop the old keys when 30 days have passed.")
    else:
        yield _ok("KIOSK_SECRET_KEY looks random.")


def _address(settings: Settings) -> Iterator[Finding]:
    if is_loopback(urlsplit(settings.public_url).hostname):
        yield _note(f"KIOSK_PUBLIC_URL is {settings.public_url}: only this machine can reach it.")
        return
    yield _ok(f"Drivers see {settings.public_host}.")
    if settings.trusted_proxies and not is_loopback(settings.bind):
        yield _note(
            f"KIOSK_BIND is {settings.bind} and KIOSK_TRUSTED_PROXIES is {settings.trusted_proxies}: whoever reaches "
            f"port {settings.port} without the proxy passes every limit; let only the proxy reach it."
        )
    if settings.trusted_proxies == 0:
        yield _note("KIOSK_TRUSTED_PROXIES is 0: behind a proxy every driver would share one address and one limit.")


def _front(settings: Settings, protocol: Callable[[str], str | None]) -> Iterator[Finding]:
    """Over HTTP/1.1 a browser has six connections to us for all of its tabs, and streams take some of them."""
    if not settings.https or is_loopback(urlsplit(settings.public_url).hostname):
        return
    spoken = protocol(settings.public_url)
    if spoken == HTTP_2:
        yield _ok(f"{settings.public_host} speaks HTTP/2.")
    elif spoken is None:
        yield _note(f"Nobody answers at {settings.public_url} from here, or its certificate is not trusted here.")
    else:
        yield _bad(
            f"{settings.public_host} speaks HTTP/1.1 alone: a driver with many tabs waits. Turn HTTP/2 on in front."
        )


def _money(settings: Settings) -> Iterator[Finding]:
    if settings.stands_in_for_plugchoice:
        yield _note("KIOSK_PLUGCHOICE_URL is on this machine: nothing that happens is real.")
    else:
        yield _ok(f"Plugchoice is at {urlsplit(settings.plugchoice_url).netloc}.")
    if settings.stripe_api_key is None:
        yield _note(
            "KIOSK_STRIPE_API_KEY is not set: the end of a hold is taken from Plugchoice, without Stripe's proof."
        )
    else:
        kind = "live" if settings.live_stripe_key else "test"
        at = "Stripe" if settings.stripe_api_url == STRIPE_API_URL else "a stand-in for Stripe"
        yield _ok(f"The end of each hold is proven by {at}, with a {kind} key.")
    if settings.stripe_webhook_secret is None:
        yield _note("KIOSK_STRIPE_WEBHOOK_SECRET is not set: payments are noticed by asking, a few seconds later.")


def _operator(site: SiteBook) -> Iterator[Finding]:
    operator = site.operator
    missing = [
        name
        for name in ("legal_name", "address", "vat_number", "vat_percent", "helpline")
        if getattr(operator, name) in (None, "")
    ]
    if missing:
        yield _note(f"kiosk.toml does not say {', '.join(missing)} of the operator; receipts and pages need it by law.")
    else:
        yield _ok(f"The seller is {operator.legal_name}.")


def _sites(site: SiteBook) -> Iterator[Finding]:
    if not site.sites:
        yield _note("kiosk.toml lists no site: times are shown in UTC, and bays by their connector number.")
        return
    for each in site.sites:
        yield _ok(f"{each.name} has {len(each.chargers)} chargers, in the time of {each.timezone}.")
        missing = [name for name in ("opening_hours", "renewable_percent") if getattr(each, name) is None]
        if missing and may_be_in_union(each.timezone):
            yield _note(
                f"kiosk.toml does not say {', '.join(missing)} of {each.name}; drivers should know (rule EU-13)."
            )


def _selling(settings: Settings, site: SiteBook) -> Iterator[Finding]:
    problem = selling_problem(settings, site)
    if problem is not None:
        yield _bad(problem)
    elif sells_unlisted(settings):
        yield _note("KIOSK_SELL_UNLISTED is true: chargers of other operators are sold under your name, too.")


def _tablet(settings: Settings) -> Iterator[Finding]:
    if settings.tablet_card_entry:
        yield _note(
            "KIOSK_TABLET_CARD_ENTRY is on: a card form on a screen that you provide takes you out of PCI's SAQ A, "
            "which presumes the driver's own device; ask your acquirer or QSA first."
        )
    else:
        yield _ok("Cards are typed on the driver's own phone; the tablet hands over to it.")


def _limits(settings: Settings) -> Iterator[Finding]:
    """Other limits than the documented ones: they count for nothing when Plugchoice does not know of them."""
    if settings.plugchoice_limits:
        told = ", ".join(f"{name} {most}" for name, most in settings.plugchoice_limits)
        yield _note(f"KIOSK_PLUGCHOICE_LIMITS: {told} requests a minute. Have them in writing from Plugchoice.")


def _board(settings: Settings, site: SiteBook) -> Iterator[Finding]:
    """Whether the board of each site can be kept fresh."""
    if settings.plugchoice_token is None:
        yield _note("KIOSK_PLUGCHOICE_TOKEN is not set: the board of a site is read charger by charger.")
    else:
        yield _ok("KIOSK_PLUGCHOICE_TOKEN is set: one read shows the whole board of a site.")
    one_by_one = [each for each in site.sites if settings.plugchoice_token is None or each.plugchoice_site is None]
    if settings.plugchoice_token is not None:
        for each in one_by_one:
            yield _note(f"kiosk.toml names no plugchoice_site for {each.name}, so the token is of no use there.")
    # The budget of public reads is the kiosk's, however many sites share it.
    chargers = sum(len(each.chargers) for each in one_by_one)
    if chargers > limits_of(settings).get_charger * 2 // 3:
        names = ", ".join(each.name for each in one_by_one if each.chargers)
        yield _note(
            f"No operator token serves the {chargers} chargers of {names}: the board cannot keep them fresh within "
            "60 s, and says so of each that is older."
        )


def _pilot(settings: Settings, site: SiteBook) -> Iterator[Finding]:
    if settings.chargepilot_url is None:
        yield _note("ChargePilot is not set: the power that a driver is told is what the connector can do at most.")
        return
    parts = urlsplit(settings.chargepilot_url)
    if is_loopback(parts.hostname):
        yield _note("KIOSK_CHARGEPILOT_URL is on this machine: the fuses are a stand-in's.")
    else:
        yield _ok(f"ChargePilot is at {parts.netloc}.")
    for each in site.sites:
        if each.chargepilot_site is None:
            yield _note(f"kiosk.toml names no chargepilot_site for {each.name}: its shared fuses are not known.")


def _lab(settings: Settings) -> Iterator[Finding]:
    if settings.ocpplab_url is None:
        yield _ok("OCPPLAB is not set: the make of the chargers is not shown.")
    elif is_loopback(urlsplit(settings.ocpplab_url).hostname):
        yield _note("KIOSK_OCPPLAB_URL is on this machine: the make of the chargers is a stand-in's.")
    else:
        yield _ok(f"OCPPLAB is at {urlsplit(settings.ocpplab_url).netloc}.")


def _backups(settings: Settings, database: Path, now: datetime) -> Iterator[Finding]:
    if settings.backup_folder is None:
        yield _note("No backups are made: set KIOSK_BACKUP_FOLDER to a folder on another disk.")
        return
    folder, every = settings.backup_folder, timedelta(minutes=settings.backup_minutes)
    try:
        last = newest_in(folder, now)
        same = folder.exists() and folder.stat().st_dev == database.stat().st_dev
    except OSError as error:
        yield _bad(f"Nobody can look into {folder}, where the backups go: {error.strerror}.")
        return
    if last is None:
        yield _bad(f"There is no backup in {folder} yet: `kiosk backup` makes one.")
    elif now - last > 3 * every:
        yield _bad(f"The last backup in {folder} is of {last:%Y-%m-%d %H:%M} UTC: `kiosk backup` says what is wrong.")
    else:
        yield _ok(f"The last backup is of {last:%Y-%m-%d %H:%M} UTC.")
    if same:
        yield _note(f"{folder} is on the disk of the database: what breaks one takes both.")


def _store(settings: Settings, clock: Clock, site: SiteBook) -> Iterator[Finding]:
    folder = settings.data_dir
    if not folder.exists():
        nearest = next(parent for parent in folder.parents if parent.exists())
        if os.access(nearest, os.W_OK):
            yield _note(f"The folder {folder} is not there yet; the first start makes it.")
        else:
            yield _bad(f"The folder {folder} is not there and cannot be made; create it, or set KIOSK_DATA_DIR.")
        return
    if not os.access(folder, os.W_OK):
        yield _bad(f"The folder {folder} cannot be written; give it to the kiosk's user.")
        return
    file = settings.database_file
    if file is not None:
        if not file.exists():
            yield _note(f"There is no database at {file} yet; the first start makes it, or `kiosk migrate`.")
            return
        yield from _readable_by_others(folder, file)
    store = Store(settings.database_url, Cipher(settings.secret_keys))
    try:
        if not store.answers():
            yield _bad(f"The database {settings.database} does not answer; look at the server and KIOSK_DATABASE_URL.")
            return
        if not store.healthy():
            yield _bad("The database lacks its tables: `kiosk migrate`.")
            return
        yield from _clocks(store, clock.now())
        yield from _writes(store, folder, clock.now())
        if file is not None:
            yield from _backups(settings, file, clock.now())
        yield from _books(store, clock.now())
        codes = sold_codes(settings, site, store)
        yield from _meters(store, codes)
        yield from _exceptions(store, clock.now())
        yield from _unshown(store, codes)
        yield from _fast(store, site, codes)
        if learns_own(settings):
            yield from _own(store, site, clock.now())
    finally:
        store.close()


_TROUBLES = {
    Trouble.AWAY: "its server does not answer; start it, or wait until the fail-over is done",
    Trouble.LOCKED: "another process keeps it locked (a VACUUM, a copy, an open shell); end that",
    Trouble.FULL: "the disk is full; make room",
    Trouble.READ_ONLY: "it is read-only; give it to the kiosk's user",
    Trouble.BROKEN: "the disk does not do what it is asked; look at the system's log",
}


def _clocks(store: Store, now: datetime) -> Iterator[Finding]:
    """A server has a clock of its own, by which it is said who leads."""
    other = store.server_time()
    if other is not None and abs(other - now) > MOST_APART:
        apart = int((now - other).total_seconds())
        yield _bad(f"This machine's clock is {apart} s from that of the database; set both by NTP.")


def _writes(store: Store, folder: Path, now: datetime) -> Iterator[Finding]:
    """Whether a write works. Without one, charges are still ended, and nothing is begun."""
    try:
        store.try_write(now)
    except CannotWrite as error:
        yield _bad(f"The database cannot be written: {_TROUBLES[error.trouble]}. Until then nobody can start.")
    else:
        yield _ok("The database answers, and can be written.")
    free = shutil.disk_usage(folder).free
    if store.is_file and free < LEAST_FREE:
        yield _note(f"Only {free // 1_000_000} MB are free where the database is; nobody can start on a full disk.")


def _readable_by_others(folder: Path, file: Path) -> Iterator[Finding]:
    """Keys of sessions and receipts stand in the database as they are: whoever may read it may watch every charge."""
    modes = {folder: 0o700, **dict.fromkeys(file.parent.glob(f"{file.name}*"), 384)}
    open_to_others = [path for path, _mode in modes.items() if stat.S_IMODE(path.stat().st_mode) & 0o077]
    for path in open_to_others:
        yield _note(f"Other users of this machine can look into {path}; give it the mode {modes[path]:o}.")
    if not open_to_others:
        yield _ok("The data is readable by the kiosk's own user alone.")


def _books(store: Store, now: datetime) -> Iterator[Finding]:
    """The invariants of the money: a sentence for each row that breaks one, and how many more there are."""
    aside = store.unreadable()
    for row in aside[:MOST_OFFENCES]:
        whose = f"session {session_mark(row.key)}" if row.key is not None else f"row {row.row} of {row.table}"
        means = "its driver can stop it, its limit is not watched" if row.key is not None else "nothing of it is done"
        yield _bad(f"This version cannot read {whose} ({row.reason}): it is put aside; {means}.")
    if len(aside) > MOST_OFFENCES:
        yield _bad(f"This version cannot read {len(aside) - MOST_OFFENCES} more rows.")
    offences = store.offences(now)
    if not offences:
        yield _ok(f"The books are in order: {len(CHECKS)} checks of money, holds, commands and secrets.")
    for check in CHECKS:
        found = [one for one in offences if one.check == check.name]
        for one in found[:MOST_OFFENCES]:
            whose = f"session {session_mark(one.key)}: " if one.key is not None else ""
            more = f" See `kiosk session {session_mark(one.key)}`." if one.key is not None else ""
            yield (_bad if check.grave else _note)(f"{check.name}, but {whose}{one.text}.{more}")
        if len(found) > MOST_OFFENCES:
            yield _note(f"{check.name}, but {len(found) - MOST_OFFENCES} more rows break it.")


def _unshown(store: Store, codes: Sequence[str]) -> Iterator[Finding]:
    """Chargers that are not sold because their price has a part that the kiosk cannot show, as last read."""
    for code, card in store.cards(codes).items():
        if card.unshown:
            yield _bad(_not_sold(code, card))


def _fast(store: Store, site: SiteBook, codes: Sequence[str]) -> Iterator[Finding]:
    """What the law asks of fast chargers: their price as last read, and that drivers learn where the card reader is."""
    cards, makes = store.cards(codes), store.lab_facts(codes)
    prices = [price_problem(card, site, makes.get(code)) for code, card in cards.items()]
    for problem in (*prices, *reader_problems(site, codes)):
        if problem is not None:
            yield (_bad if problem.broken else _note)(problem.text)


_UNREAD = {
    ListProblem.NO_ANSWER: "Plugchoice does not answer",
    ListProblem.TOKEN: "Plugchoice refuses it (401): KIOSK_PLUGCHOICE_TOKEN is wrong or was revoked",
    ListProblem.NOT_ALLOWED: "Plugchoice does not let this token see it (403)",
    ListProblem.REFUSED: "Plugchoice refuses it",
    ListProblem.CUT: "only a part of it could be read",
    ListProblem.EMPTY: "it is suddenly empty; has the token's user lost their rights?",
    ListProblem.NO_SETTINGS: "Plugchoice does not let this token see the settings of your chargers, so their codes are "
    "not known",
    ListProblem.SETTINGS_UNANSWERED: "the settings of your chargers give no answer",
}


def _own(store: Store, site: SiteBook, now: datetime) -> Iterator[Finding]:
    """What the token has told of the operator's own chargers, and how old that is."""
    known, chargers = store.own_list(), store.own_chargers()
    codes = {each.code for each in chargers if each.code is not None}
    kept = f"{len(codes)} chargers that it has shown are sold as yours"
    if known.problem is not None and known.problem_since is not None:
        since = f"since {known.problem_since:%Y-%m-%d %H:%M} UTC"
        told = f"The list of your chargers cannot be read {since}: {_UNREAD[known.problem]}."
        if known.learnt_within(now, LEARNT_COUNTS):
            yield _note(f"{told} {kept} meanwhile.")
        else:
            rest = f"only {kept}" if codes else "no charger is sold but those of kiosk.toml"
            yield _bad(f"{told} Of any other nobody can say whose it is: {rest}. Or list yours in kiosk.toml.")
    elif known.learnt_at is None:
        yield _note(
            f"Which chargers are yours was not asked yet, or is being asked: {kept} so far, of {len(chargers)}."
            if chargers
            else "Which chargers are yours was not asked yet; the running kiosk asks by itself."
        )
    else:
        yield _ok(f"Plugchoice's list of your chargers was read at {known.learnt_at:%Y-%m-%d %H:%M} UTC: {kept}.")
    refused = [each for each in chargers if each.refused and each.code is None]
    if refused and known.problem is not ListProblem.NO_SETTINGS:
        yield _note(
            f"The token may not see the settings of {len(refused)} of your chargers: they are not sold unless "
            "kiosk.toml lists them."
        )
    missing = [
        each.code for each in chargers if each.missing_since is not None and each.code not in {None, *site.codes}
    ]
    if missing:
        yield _note(
            f"Plugchoice's list does not have {', '.join(sorted(filter(None, missing)))} any more: sold as yours until "
            "their settings are refused a day later."
        )


def _not_sold(code: str, card: ChargerCard) -> str:
    parts = ", ".join(card.unshown)
    return f"Charger {code} is not sold: its price at Plugchoice has a part that the kiosk cannot show ({parts})."


def _meters(store: Store, codes: Sequence[str]) -> Iterator[Finding]:
    """How often the chargers report, as far as charges have shown it."""
    for code, pace in sorted(store.paces(codes).items()):
        if pace.interval is None:
            continue
        seconds = pace.interval // timedelta(seconds=1)
        text = f"{code} reports its meter at most {seconds} s apart, by {len(pace.seconds)} charges."
        if pace.interval > ROUGH_AFTER:
            yield _note(f"{text} Limits are rough there; set MeterValueSampleInterval to 10 s in the back office.")
        else:
            yield _ok(text)


_HEARD = {Level.NOTED: _note, Level.LOUD: _note, Level.ALARM: _bad}


def _exceptions(store: Store, now: datetime) -> Iterator[Finding]:
    """What a person should look at: the list that the engine keeps, and what is odd beside it; the loudest first."""
    listed = store.open_exceptions()
    waiting = [one for one in listed if one.handling.waits(now)]
    known = {one.matter.subject for one in listed}
    found = [(session, odd) for session, odd in store.exceptions(now) if session.key not in known]
    rests = f" {len(listed) - len(waiting)} are set aside or seen to." if len(waiting) < len(listed) else ""
    if not waiting and not found:
        yield _ok(f"No session waits for a person to look at it.{rests}")
    if waiting:
        loud = sum(one.level is not Level.NOTED for one in waiting)
        yield _note(f"Open for a person: {len(waiting)}, of them {loud} for an hour or longer.{rests}")
    for one in waiting[:MOST_EXCEPTIONS]:
        matter = one.matter
        mark = session_mark(matter.subject)
        whose = f"charger {matter.code}" if matter.of_charger else f"session {mark} at {matter.code}"
        amount = Money(matter.amount_minor, matter.currency) if matter.amount_minor and matter.currency else None
        stake = f", {amount.major} {amount.currency}" if amount is not None else ""
        loudness = "" if one.level is Level.NOTED else f" ({one.level.value})"
        more = "" if matter.of_charger else f" See `kiosk session {mark}`."
        yield _HEARD[one.level](
            f"Look at {whose}{stake}: {WHAT[matter.kind]}, since {ago(now - matter.since)}{loudness}. "
            f"What to do: {DO[matter.act]}.{more}"
        )
    for session, odd in found[:MOST_EXCEPTIONS]:
        mark = session_mark(session.key)
        said = "; ".join(WHAT[one] for one in odd)
        yield _note(f"Look at session {mark} at {session.code}: {said}. See `kiosk session {mark}`.")
    more_than = len(waiting[MOST_EXCEPTIONS:]) + len(found[MOST_EXCEPTIONS:])
    if more_than:
        yield _note(f"{more_than} more sessions wait for a person to look at them.")


def _time(now: datetime, installed: datetime) -> Iterator[Finding]:
    if now < installed - timedelta(days=1):
        yield _bad(f"The clock says {now:%Y-%m-%d %H:%M} UTC, which is before the kiosk was installed; set it right.")
    else:
        yield _ok(f"The clock says {now:%Y-%m-%d %H:%M} UTC.")


def _ask_everybody(outside: Outside, site: SiteBook, *, learns: bool) -> Iterator[Finding]:
    if outside.operator is not None:
        yield from _ask_board(outside.operator, site)
    if outside.pilot is not None:
        yield from _ask_pilot(outside.pilot, site)
    if outside.lab is not None:
        yield from _ask_lab(outside.lab, site)
    if outside.operator is not None and learns:
        yield _ask_own(outside.operator)
    yield from _ask_plugchoice(outside.public, site)


def _ask_board(operator: PlugchoiceOperator, site: SiteBook) -> Iterator[Finding]:
    for each in site.sites:
        if each.plugchoice_site is None:
            continue
        try:
            listing = operator.site_connectors(each.plugchoice_site)
        except UpstreamError as error:
            yield _bad(_trouble("Plugchoice", f"the board of {each.name}", error, "KIOSK_PLUGCHOICE_TOKEN is wrong"))
        else:
            yield _ok(f"Plugchoice shows {len(listing.entries)} connectors on the board of {each.name}.")
            yield from _codes(operator, each, listing)


def _ask_own(operator: PlugchoiceOperator) -> Finding:
    try:
        listing = operator.chargers()
    except UpstreamError as error:
        text = _trouble("Plugchoice", "the list of your chargers", error, "KIOSK_PLUGCHOICE_TOKEN is wrong")
        return _bad(f"{text} Without it no charger is sold but those of kiosk.toml and those that it showed before.")
    if not listing.complete:
        return _note("Plugchoice shows only a part of the list of your chargers; list the others in kiosk.toml.")
    return _ok(f"Plugchoice shows {len(listing.entries)} chargers as yours.")


def _codes(operator: PlugchoiceOperator, site: Site, listing: Listing[SiteConnector]) -> Iterator[Finding]:
    """Whether the chargers on the board are those of kiosk.toml. Their codes are in the settings of each."""
    uuids = list(dict.fromkeys(entry.charger.uuid for entry in listing.entries))
    lost = [one.code for one in site.chargers]
    for uuid in uuids[:MOST_SETTINGS]:
        if uuid is None:
            continue
        try:
            code = (operator.public_charging(uuid).public_code or "").upper()
        except UpstreamError as error:
            if isinstance(error, Refused) and error.status == 404:
                continue
            yield _bad(_unread(site, error))
            return
        lost = [each for each in lost if each != code]
        if not lost:
            return
    if lost and listing.complete and None not in uuids and len(uuids) <= MOST_SETTINGS:
        yield _note(f"No charger on the board of {site.name} has the code {', '.join(lost)}; check kiosk.toml.")


def _unread(site: Site, error: UpstreamError) -> str:
    if isinstance(error, Refused) and error.status == 403:
        return (
            f"Plugchoice does not let this token read price and code of the chargers of {site.name} (403): without "
            "that right it cannot keep the board; give its user the right to see their settings."
        )
    what = f"price and code of the chargers of {site.name}"
    return _trouble("Plugchoice", what, error, "KIOSK_PLUGCHOICE_TOKEN is wrong")


def _ask_pilot(pilot: ChargePilot, site: SiteBook) -> Iterator[Finding]:
    hint = (
        "this machine's clock may be wrong (every request is signed with the time), or KIOSK_CHARGEPILOT_KEY, _SECRET "
        "or _PATH"
    )
    for each in site.sites:
        if each.chargepilot_site is None:
            continue
        try:
            tree = pilot.site(each.chargepilot_site).tree
        except UpstreamError as error:
            yield _bad(_trouble("ChargePilot", f"the fuses of {each.name}", error, hint))
        else:
            yield _fuses(each, tree)


def _fuses(site: Site, tree: FuseTree | None) -> Finding:
    """Whether the crosswalk of kiosk.toml finds every charger in the tree, by the same rule as the expected power."""
    if tree is None:
        return _note(f"ChargePilot answers, but has no fuse tree of {site.name}.")
    there = {(each.station_id or "").casefold() for spot in spots(tree) for each in spot.node.connectors}
    lost = [
        one.code
        for one in site.chargers
        if there.isdisjoint(name.casefold() for name in one.station_ids or (one.code,))
    ]
    if lost:
        return _note(
            f"ChargePilot answers, but the fuse tree of {site.name} does not name {', '.join(lost)}: set their "
            "station_ids in kiosk.toml."
        )
    return _ok(f"ChargePilot answers: every charger of {site.name} is in the fuse tree.")


def _ask_lab(lab: Ocpplab, site: SiteBook) -> Iterator[Finding]:
    try:
        chargers = lab.all_chargers()
    except UpstreamError as error:
        yield _bad(_trouble("OCPPLAB", "its chargers", error, "KIOSK_OCPPLAB_TOKEN is wrong"))
        return
    lost = [one.code for each in site.sites for one in each.chargers if not _knows(chargers, one)]
    if lost:
        yield _note(f"OCPPLAB answers, but does not know {', '.join(lost)}: set their lab_id in kiosk.toml.")
    else:
        yield _ok(f"OCPPLAB answers and knows {len(site.codes)} of our chargers.")


def _knows(chargers: Sequence[LabCharger], one: ChargerFacts) -> bool:
    """As the engine finds its facts: by id or identity; without a lab_id by the identity alone, in any case."""
    if one.lab_id is not None:
        return any(one.lab_id in (each.id, each.identity) for each in chargers)
    return any((each.identity or "").upper() == one.code for each in chargers)


def _trouble(system: str, what: str, error: UpstreamError, unauthorised: str) -> str:
    """One sentence on a read that failed. `unauthorised` says what a 401 usually means there."""
    status = error.status if isinstance(error, Refused) else 0
    reasons = {
        401: f"refuses (401): {unauthorised}",
        403: f"does not let this key see {what} (403)",
        404: f"does not know {what} (404); check its id in kiosk.toml",
        429: "asks for a pause (429); try again in a minute",
    }
    if isinstance(error, Refused):
        return f"{system} {reasons.get(status, f'refuses {what} ({status})')}."
    return f"{system} gives no usable answer on {what}; check the network and its address."


def _ask_plugchoice(public: PlugchoicePublic, site: SiteBook) -> Iterator[Finding]:
    if not site.codes:
        yield _note("Plugchoice was not asked: kiosk.toml lists no charger.")
        return
    code = site.codes[0]
    try:
        card = public.get_charger(code)
    except Refused:
        yield _bad(f"Plugchoice answers, but charger {code} has no public charging; check its code.")
    except UpstreamError:
        yield _bad("Plugchoice does not answer; check the network, and KIOSK_PLUGCHOICE_URL.")
    else:
        state = "is online" if card.online else "has no connection"
        yield _ok(f"Plugchoice answers: charger {code} {state}.")
        problem = price_problem(card, site, None)
        if problem is not None:
            yield (_bad if problem.broken else _note)(problem.text)
        if card.unshown:
            yield _bad(_not_sold(code, card))
        elif not card.sellable:
            yield _bad(f"Charger {code} has no price or no hold; set both in Plugchoice.")
