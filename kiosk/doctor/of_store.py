"""What the store and its disk say: whether it can be written, the books, backups, chargers as last read."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from kiosk.config.logs import session_mark
from kiosk.config.settings import Settings
from kiosk.config.sites import SiteBook
from kiosk.domain.attention import Level
from kiosk.domain.charger import ChargerCard
from kiosk.domain.crosswalk import Verdict
from kiosk.domain.finding import Finding, about, bad, note, ok
from kiosk.domain.limits import ROUGH_AFTER
from kiosk.domain.money import Money
from kiosk.domain.ownership import LEARNT_COUNTS, ListProblem
from kiosk.service.fast import price_problem, reader_problems
from kiosk.service.queue_words import DO, WHAT, ago
from kiosk.service.selling import learns_own, sold_codes
from kiosk.service.tables_words import WHY
from kiosk.store import Store
from kiosk.store.backup import newest_in
from kiosk.store.checks import CHECKS
from kiosk.store.errors import CannotWrite, Trouble

MOST_OFFENCES = 5
"""Rows that break one check and are each given a sentence."""
MOST_APART = timedelta(seconds=2)
"""Of two clocks. The machines of a fleet compare each other's times."""
MOST_EXCEPTIONS = 10
"""Sessions that a person should look at and that are each given a sentence."""
LEAST_FREE = 200_000_000
"""Bytes. A busy kiosk writes about a hundredth of it a day."""


def of_folder(settings: Settings) -> Iterator[Finding]:
    """What keeps the database from being opened. Nothing: it can be."""
    folder, file = settings.data_dir, settings.database_file
    if not folder.exists():
        nearest = next(parent for parent in folder.parents if parent.exists())
        if os.access(nearest, os.W_OK):
            yield note(f"The folder {folder} is not there yet; the first start makes it.")
        else:
            yield bad(f"The folder {folder} is not there and cannot be made; create it, or set KIOSK_DATA_DIR.")
    elif not os.access(folder, os.W_OK):
        yield bad(f"The folder {folder} cannot be written; give it to the kiosk's user.")
    elif file is not None and not file.exists():
        yield note(f"There is no database at {file} yet; the first start makes it, or `kiosk migrate`.")


def of_database(settings: Settings, store: Store) -> Iterator[Finding]:
    """What keeps the store from being read. Nothing: it can be."""
    if not store.answers():
        yield bad(f"The database {settings.database} does not answer; look at the server and KIOSK_DATABASE_URL.")
    elif not store.healthy():
        yield bad("The database lacks its tables: `kiosk migrate`.")


def of_store(settings: Settings, site: SiteBook, store: Store, now: datetime) -> Iterator[Finding]:
    """What can be said without looking at every session."""
    file, codes = settings.database_file, sold_codes(settings, site, store)
    yield from about("Store", [*_clocks(store, now), *_room(store, settings.data_dir)])
    if file is not None:
        yield from about("Backup", _backups(settings, file, now))
    yield from about("Tables", _tables(settings, store))
    yield from about("Chargers", [*_meters(store, codes), *_unshown(store, codes), *_fast(store, site, codes)])
    if learns_own(settings):
        yield from about("Chargers", _own(store, site, now))
    yield from about("Sites", _crosswalk(store))
    yield from about("Sessions", _exceptions(store, now))


def of_every_row(store: Store, now: datetime) -> Iterator[Finding]:
    """A write that is taken away again, and the invariants over all sessions: slow where there are many."""
    yield from about("Store", _writes(store, now))
    yield from about("Store", _books(store, now))


def _backups(settings: Settings, database: Path, now: datetime) -> Iterator[Finding]:
    if settings.backup_folder is None:
        yield note("No backups are made: set KIOSK_BACKUP_FOLDER to a folder on another disk.")
        return
    folder, every = settings.backup_folder, timedelta(minutes=settings.backup_minutes)
    try:
        last = newest_in(folder, now)
        same = folder.exists() and folder.stat().st_dev == database.stat().st_dev
    except OSError as error:
        yield bad(f"Nobody can look into {folder}, where the backups go: {error.strerror}.")
        return
    if last is None:
        yield bad(f"There is no backup in {folder} yet: `kiosk backup` makes one.")
    elif now - last > 3 * every:
        yield bad(f"The last backup in {folder} is of {last:%Y-%m-%d %H:%M} UTC: `kiosk backup` says what is wrong.")
    else:
        yield ok(f"The last backup is of {last:%Y-%m-%d %H:%M} UTC.")
    if same:
        yield note(f"{folder} is on the disk of the database: what breaks one takes both.")


def _tables(settings: Settings, store: Store) -> Iterator[Finding]:
    """Where the tables of each month go, when they were written last, and since when they are not."""
    place = settings.export_to
    if place is None:
        return
    months = store.nightly.months()
    written = max((one.written_at for one in months if one.written_at is not None), default=None)
    last = f"last at {written:%Y-%m-%d %H:%M} UTC" if written is not None else "not yet"
    failing = [one for one in months if one.failing_since is not None]
    for one in failing:
        why = f": {WHY[one.trouble]}" if one.trouble is not None else ""
        yield note(
            f"The tables of {one.month:%Y-%m} (site {one.site_id}) were not written to {place} since "
            f"{one.failing_since:%Y-%m-%d %H:%M} UTC{why}. `kiosk export --test` tries the place."
        )
    if not failing:
        yield ok(f"The tables of each month go to {place} each night, {last}.")


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
        yield bad(f"This machine's clock is {apart} s from that of the database; set both by NTP.")


def _writes(store: Store, now: datetime) -> Iterator[Finding]:
    """Whether a write works. Without one, charges are still ended, and nothing is begun."""
    try:
        store.try_write(now)
    except CannotWrite as error:
        yield bad(f"The database cannot be written: {_TROUBLES[error.trouble]}. Until then nobody can start.")
    else:
        yield ok("The database answers, and can be written.")


def _room(store: Store, folder: Path) -> Iterator[Finding]:
    free = shutil.disk_usage(folder).free
    if store.is_file and free < LEAST_FREE:
        yield note(f"Only {free // 1_000_000} MB are free where the database is; nobody can start on a full disk.")
    elif store.is_file:
        yield ok(f"{free // 1_000_000_000} GB of the disk are free.")


def of_files(settings: Settings) -> Iterator[Finding]:
    """Who else can read what stands in the database, before anybody has opened it."""
    if settings.database_file is not None:
        yield from about("Store", _readable_by_others(settings.data_dir, settings.database_file))


def _readable_by_others(folder: Path, file: Path) -> Iterator[Finding]:
    """Keys of sessions and receipts stand in the database as they are: whoever may read it may watch every charge."""
    modes = {folder: 0o700, **dict.fromkeys(file.parent.glob(f"{file.name}*"), 384)}
    open_to_others = [path for path, _mode in modes.items() if stat.S_IMODE(path.stat().st_mode) & 0o077]
    for path in open_to_others:
        yield note(f"Other users of this machine can look into {path}; give it the mode {modes[path]:o}.")
    if not open_to_others:
        yield ok("The data is readable by the kiosk's own user alone.")


def _books(store: Store, now: datetime) -> Iterator[Finding]:
    """The invariants of the money: a sentence for each row that breaks one, and how many more there are."""
    aside = store.unreadable()
    for row in aside[:MOST_OFFENCES]:
        whose = f"session {session_mark(row.key)}" if row.key is not None else f"row {row.row} of {row.table}"
        means = "its driver can stop it, its limit is not watched" if row.key is not None else "nothing of it is done"
        yield bad(f"This version cannot read {whose} ({row.reason}): it is put aside; {means}.")
    if len(aside) > MOST_OFFENCES:
        yield bad(f"This version cannot read {len(aside) - MOST_OFFENCES} more rows.")
    offences = store.offences(now)
    if not offences:
        yield ok(f"The books are in order: {len(CHECKS)} checks of money, holds, commands and secrets.")
    for check in CHECKS:
        found = [one for one in offences if one.check == check.name]
        for one in found[:MOST_OFFENCES]:
            whose = f"session {session_mark(one.key)}: " if one.key is not None else ""
            more = f" See `kiosk session {session_mark(one.key)}`." if one.key is not None else ""
            yield (bad if check.grave else note)(f"{check.name}, but {whose}{one.text}.{more}")
        if len(found) > MOST_OFFENCES:
            yield note(f"{check.name}, but {len(found) - MOST_OFFENCES} more rows break it.")


def _unshown(store: Store, codes: Sequence[str]) -> Iterator[Finding]:
    """Chargers that are not sold because their price has a part that the kiosk cannot show, as last read."""
    for code, card in store.cards(codes).items():
        if card.unshown:
            yield bad(not_sold(code, card))


def _fast(store: Store, site: SiteBook, codes: Sequence[str]) -> Iterator[Finding]:
    """What the law asks of fast chargers: their price as last read, and that drivers learn where the card reader is."""
    cards, makes = store.cards(codes), store.lab_facts(codes)
    prices = [price_problem(card, site, makes.get(code)) for code, card in cards.items()]
    for problem in (*prices, *reader_problems(site, codes)):
        if problem is not None:
            yield (bad if problem.broken else note)(problem.text)


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
            yield note(f"{told} {kept} meanwhile.")
        else:
            rest = f"only {kept}" if codes else "no charger is sold but those of kiosk.toml"
            yield bad(f"{told} Of any other nobody can say whose it is: {rest}. Or list yours in kiosk.toml.")
    elif known.learnt_at is None:
        yield note(
            f"Which chargers are yours was not asked yet, or is being asked: {kept} so far, of {len(chargers)}."
            if chargers
            else "Which chargers are yours was not asked yet; the running kiosk asks by itself."
        )
    else:
        yield ok(f"Plugchoice's list of your chargers was read at {known.learnt_at:%Y-%m-%d %H:%M} UTC: {kept}.")
    refused = [each for each in chargers if each.refused and each.code is None]
    if refused and known.problem is not ListProblem.NO_SETTINGS:
        yield note(
            f"The token may not see the settings of {len(refused)} of your chargers: they are not sold unless "
            "kiosk.toml lists them."
        )
    missing = [
        each.code for each in chargers if each.missing_since is not None and each.code not in {None, *site.codes}
    ]
    if missing:
        yield note(
            f"Plugchoice's list does not have {', '.join(sorted(filter(None, missing)))} any more: sold as yours until "
            "their settings are refused a day later."
        )


def _crosswalk(store: Store) -> Iterator[Finding]:
    """What was found of ids in other systems and waits for a person."""
    open_ones = [one for one in store.crosswalk.entries() if one.verdict is Verdict.OPEN]
    if open_ones:
        best = open_ones[0].proposal
        yield note(
            f"{len(open_ones)} proposals on which site or charger is which one elsewhere wait for a person, such as "
            f"{best.kind.value} {best.value} for {best.subject}: confirm or reject them at the desk, under Set-up."
        )


def not_sold(code: str, card: ChargerCard) -> str:
    parts = ", ".join(card.unshown)
    return f"Charger {code} is not sold: its price at Plugchoice has a part that the kiosk cannot show ({parts})."


def _meters(store: Store, codes: Sequence[str]) -> Iterator[Finding]:
    """How often the chargers report, as far as charges have shown it."""
    for code, pace in sorted(store.paces(codes).items()):
        if pace.interval is None:
            continue
        seconds = pace.interval // timedelta(seconds=1)
        seen = "the last charge" if len(pace.seconds) == 1 else f"the last {len(pace.seconds)} charges"
        if pace.surely is not None and pace.surely > ROUGH_AFTER:
            least = pace.surely // timedelta(seconds=1)
            yield note(
                f"{code} reports its meter only every {least} to {seconds} s, as {seen} showed. Limits are rough "
                "there; set MeterValueSampleInterval to 10 s in the back office."
            )
        elif pace.interval > ROUGH_AFTER:
            yield ok(
                f"{code} had something new at each look, up to {seconds} s apart: its meter may report more often."
            )
        else:
            yield ok(f"{code} reports its meter every {seconds} s or more often, as {seen} showed.")


_HEARD = {Level.NOTED: note, Level.LOUD: note, Level.ALARM: bad}


def _exceptions(store: Store, now: datetime) -> Iterator[Finding]:
    """What a person should look at: the list that the engine keeps, and what is odd beside it; the loudest first."""
    listed = store.open_exceptions()
    waiting = [one for one in listed if one.handling.waits(now)]
    known = {one.matter.subject for one in listed}
    found = [(session, odd) for session, odd in store.exceptions(now) if session.key not in known]
    rests = f" {len(listed) - len(waiting)} are set aside or seen to." if len(waiting) < len(listed) else ""
    if not waiting and not found:
        yield ok(f"No session waits for a person to look at it.{rests}")
    if waiting:
        loud = sum(one.level is not Level.NOTED for one in waiting)
        yield note(f"Open for a person: {len(waiting)}, of them {loud} for an hour or longer.{rests}")
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
        yield note(f"Look at session {mark} at {session.code}: {said}. See `kiosk session {mark}`.")
    more_than = len(waiting[MOST_EXCEPTIONS:]) + len(found[MOST_EXCEPTIONS:])
    if more_than:
        yield note(f"{more_than} more sessions wait for a person to look at them.")
