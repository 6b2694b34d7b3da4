"""The `kiosk` command: serve, demo, doctor, migrate, backup and restore, move-store, settings, session, reconcile,
export, sites, user, tablet, power, stickers, rehearse and simulate.
"""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from flask import Flask
from pydantic import SecretStr

from kiosk.config.logs import configure_logs
from kiosk.config.places import HOME
from kiosk.config.settings import (
    PREFIX,
    Settings,
    SettingsError,
    build_settings,
    load_settings,
    variable,
    without_password,
)
from kiosk.domain.attention import Attention
from kiosk.rehearsal.faults import FAULTS
from kiosk.stickers.sizes import SIZES, USUAL

_WELCOME = """
The demo is ready: no real chargers, no real money. One second here is {speed} seconds there.

  the driver       {here}/
  a free charger   {here}/c/7MK4T
  the tablet       {here}/tablet/     pairing code {code}
  the desk         {here}/desk/       name {name}, password {password}
    who may less                              name {other}, password {others}
  the sandbox      {here}/sandbox/    play the car, the charger and bad luck

Pay with 4242 4242 4242 4242, any date to come, any CVC. Ctrl-C ends it.
"""

_ROUGH = """This site is rough, as real ones are. The same again: --rough {seed}. Now and then there will be:

{troubles}

At most one of them happens to one session. The sandbox shows what is rough, and turns it off.
"""


_DOINGS = {
    "own": "it is yours now",
    "let-go": "it is nobody's any more",
    "note": "write something beside it",
    "set-aside": "it need not be seen until then",
    "take-up": "it is not set aside or seen to any more",
    "done": "you have seen to it, where nothing else would ever end it",
    "undo": "take the last step back",
}
"""What `kiosk attention` can do about a number of its list."""

_NO_DATABASE = "The database cannot be used just now ({trouble}): `kiosk doctor` says what helps."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code; what went wrong is said in one sentence."""
    from kiosk.store.errors import Unavailable

    options = parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except SettingsError as error:
        print(f"kiosk: {error}", file=sys.stderr)
        return 2
    except Unavailable as error:
        print(f"kiosk: {_NO_DATABASE.format(trouble=error.trouble.value)}", file=sys.stderr)
        return 2
    return code


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="kiosk", description="A public EV charging kiosk: scan, pay, charge.")
    commands = top.add_subparsers(required=True, metavar="command")

    serve = commands.add_parser("serve", help="serve drivers with gunicorn")
    serve.set_defaults(run=_serve)

    demo = commands.add_parser("demo", help="serve a made-up site with made-up money, on this machine")
    demo.add_argument("--host", default="127.0.0.1", help="where to listen; 0.0.0.0 lets other devices in")
    demo.add_argument("--port", type=int, help="default: PORT, or 8000")
    demo.add_argument(
        "--speed", type=int, help="seconds of the demo in one real second; default: KIOSK_DEMO_SPEED, or 10"
    )
    demo.add_argument(
        "--rough",
        type=int,
        nargs="?",
        const=-1,
        metavar="SEED",
        help="a rough site: rare meters, a slow line, half answers; the same seed deals them out in the same order",
    )
    demo.set_defaults(run=_demo)

    doctor = commands.add_parser("doctor", help="check settings, store and addresses, in sentences")
    doctor.add_argument("--online", action="store_true", help="also ask Plugchoice, and the other systems that are set")
    doctor.set_defaults(run=_doctor)

    migrate = commands.add_parser("migrate", help="bring the database to the newest version")
    migrate.set_defaults(run=_migrate)

    backup = commands.add_parser("backup", help="copy the database while it is in use, encrypted, and open the copy")
    backup.add_argument("--to", type=Path, metavar="FOLDER", help="default: KIOSK_BACKUP_FOLDER")
    backup.add_argument("--check", type=Path, metavar="FILE", help="make none: look whether that one can be used")
    backup.set_defaults(run=_backup)

    restore = commands.add_parser("restore", help="go back to a backup, after the database was lost")
    restore.add_argument("file", type=Path, metavar="FILE", nargs="?")
    restore.add_argument(
        "--brought-back",
        metavar="TIME",
        help="PostgreSQL: its own tools have brought back a dump of that time (2026-11-30T16:15Z)",
    )
    restore.add_argument("--replace", action="store_true", help="move aside the database that is there")
    restore.add_argument(
        "--skip-receipts",
        type=int,
        default=1000,
        metavar="N",
        help="numbers that no receipt gets: more than were given out since the backup; default: %(default)s",
    )
    restore.set_defaults(run=_restore)

    move = commands.add_parser("move-store", help="copy the SQLite store to an empty PostgreSQL database, with checks")
    move.add_argument("to", metavar="URL", help="postgresql://…; a password is better kept in ~/.pgpass")
    move.set_defaults(run=_move_store)

    settings = commands.add_parser("settings", help="list every setting with its value; secrets are masked")
    settings.set_defaults(run=_settings)

    session = commands.add_parser(
        "session", help="tell one session's whole story: what was asked, seen, held and taken"
    )
    session.add_argument("which", metavar="MARK|RECEIPT|CODE", help="mark of the logs, receipt number, charger's code")
    session.add_argument("--json", action="store_true", help="print it as JSON")
    session.set_defaults(run=_session)

    compare = commands.add_parser(
        "reconcile", help="compare a day or a month with the charger's own transactions, line by line"
    )
    compare.add_argument("--site", help="its id in kiosk.toml; may be left out when there is one")
    compare.add_argument("--day", metavar="DATE", help="2026-11-30; default: yesterday, by the site's clock")
    compare.add_argument("--month", metavar="MONTH", help="2026-11: all of its days until today")
    compare.add_argument("--all", action="store_true", help="list the lines that agree as well")
    compare.add_argument("--json", action="store_true", help="print everything as JSON")
    compare.add_argument("--aside", metavar="LINE", help="set this line aside: it is explained, by your --note")
    compare.add_argument("--undo", metavar="LINE", help="it counts again")
    compare.add_argument("--note", metavar="TEXT", help="why")
    compare.set_defaults(run=_reconcile)

    export = commands.add_parser("export", help="write the tables of a month to their place, or try that place")
    export.add_argument("--month", help="such as 2026-11; default: the running one")
    export.add_argument("--site", help="its id in kiosk.toml; may be left out when there is one")
    export.add_argument("--test", action="store_true", help="write a small file there, read it back, take it away")
    export.set_defaults(run=_export)

    there = commands.add_parser("sites", help="list the sites of Plugchoice and ChargePilot, and which is which")
    there.add_argument("--json", action="store_true", help="print everything as JSON")
    there.set_defaults(run=_sites)

    attention = commands.add_parser("attention", help="list what needs a person; take it, note, set aside, take back")
    attention.set_defaults(run=_attention, what="list", state="waits", kind=None, site=None)
    doings = attention.add_subparsers(metavar="what")
    shown = doings.add_parser("list", help="list it, the loudest and oldest first; so without a word, too")
    shown.add_argument("--state", choices=("waits", "aside", "done", "closed"), default="waits")
    shown.add_argument("--kind", choices=sorted(each.value for each in Attention), metavar="KIND")
    shown.add_argument("--site", help="its id in kiosk.toml; default: all")
    shown.set_defaults(run=_attention, what="list")
    for word, told in _DOINGS.items():
        doing = doings.add_parser(word, help=told)
        doing.add_argument("number", type=int, metavar="NUMBER")
        if word == "note":
            doing.add_argument("text", metavar="TEXT")
        if word == "set-aside":
            doing.add_argument("until", metavar="TIME", help="8h, 3d or 2026-12-01T08:00")
        doing.set_defaults(run=_attention, what=word)

    notify = commands.add_parser("notify", help="list who is told of what needs a person, and how messages fared")
    notify.add_argument("--test", action="store_true", help="send everybody a test message, and say how each one went")
    notify.set_defaults(run=_notify)

    tablet = commands.add_parser("tablet", help="pair the screens of a site, list them, part with a lost one")
    tablets = tablet.add_subparsers(required=True, metavar="what")
    pair = tablets.add_parser("pair", help="make a one-use code that pairs a screen")
    pair.add_argument("--site", help="its id in kiosk.toml; may be left out when there is one")
    pair.add_argument("--name", help="what you call the screen; default: tablet-1, tablet-2 ...")
    pair.set_defaults(run=_tablet, what="pair")
    tablets.add_parser("list", help="list the paired screens").set_defaults(run=_tablet, what="list")
    unpair = tablets.add_parser("unpair", help="part with a screen: at once it shows nothing any more")
    unpair.add_argument("which", metavar="ID|NAME")
    unpair.set_defaults(run=_tablet, what="unpair")

    user = commands.add_parser("user", help="say who may sign in at the operator's desk")
    users = user.add_subparsers(required=True, metavar="what")
    add = users.add_parser("add", help="let somebody in; asks for a password")
    add.add_argument("name")
    add.add_argument("--role", choices=("viewer", "support", "owner"), default="viewer", help="default: %(default)s")
    add.add_argument("--site", action="append", default=[], help="only this one; may be repeated; default: all sites")
    add.add_argument("--generate", action="store_true", help="make a password and print it")
    add.set_defaults(run=_user, what="add")
    users.add_parser("list", help="list who may sign in").set_defaults(run=_user, what="list")
    renew = users.add_parser("password", help="give somebody a new password; signs them out everywhere")
    renew.add_argument("name")
    renew.add_argument("--generate", action="store_true", help="make a password and print it")
    renew.add_argument("--without-codes", action="store_true", help="no one-time codes any more: the phone was lost")
    renew.set_defaults(run=_user, what="password")
    gone = users.add_parser("remove", help="let somebody in no more; signs them out everywhere")
    gone.add_argument("name")
    gone.set_defaults(run=_user, what="remove")

    power = commands.add_parser("power", help="list the power that each bay can expect, and draw the fuse tree")
    power.add_argument("--site", help="its id in kiosk.toml; may be left out when there is one")
    power.add_argument("--svg", type=Path, metavar="FILE", help="draw the fuse tree into this file")
    power.set_defaults(run=_power)

    stickers = commands.add_parser("stickers", help="make print-ready QR stickers for a site, as PDF and SVG")
    stickers.add_argument("--site", help="its id in kiosk.toml; may be left out when there is one")
    stickers.add_argument("--code", action="append", default=[], help="only this charger; may be repeated")
    stickers.add_argument("--size", choices=SIZES, default=USUAL, help="in millimetres; default: %(default)s")
    stickers.add_argument("--distance", type=int, default=0, help="centimetres from which a phone must read it")
    stickers.add_argument("--per", choices=("charger", "bay"), default="charger", help="default: %(default)s")
    stickers.add_argument("--sheet", action="store_true", help="several on A4 sheets instead of one a page")
    stickers.add_argument("--bleed", type=int, default=0, help="millimetres of colour beyond the cut; often 3")
    stickers.add_argument("--marks", action="store_true", help="draw cut marks")
    stickers.add_argument("--format", choices=("pdf", "svg"), help="default: both")
    stickers.add_argument("--out", type=Path, default=Path("stickers"), help="folder; default: %(default)s")
    stickers.set_defaults(run=_stickers)

    rehearse = commands.add_parser("rehearse", help="play a whole charge with a virtual charger, and report each step")
    rehearse.add_argument("--sandbox", action="store_true", help="play in a made-up world; needs no settings")
    rehearse.add_argument("--code", help="public code of the charger, as on its sticker")
    rehearse.add_argument("--connector", type=int, default=1, help="its connector; default: %(default)s")
    rehearse.add_argument("--unpaid", action="store_true", help="start, read and cancel: no payment, no energy")
    rehearse.add_argument("--charger", help="identity or id at OCPPLAB; default: the code")
    rehearse.add_argument("--create", metavar="BRAND/MODEL", help="make the virtual charger for this rehearsal")
    rehearse.add_argument("--connector-type", default="Type2", help="of a new one; default: %(default)s")
    rehearse.add_argument("--ws-url", help="where a new one connects to")
    rehearse.add_argument("--keep", action="store_true", help="do not remove a new one afterwards")
    rehearse.add_argument("--fault", choices=FAULTS, metavar="NAME", help=f"sandbox only: {', '.join(FAULTS)}")
    rehearse.add_argument("--json", action="store_true", help="print the report as JSON")
    rehearse.set_defaults(run=_rehearse)

    simulate = commands.add_parser("simulate", help="play many made-up charges with bad luck, and look for what breaks")
    simulate.add_argument("--seed", type=int, help="decides everything that happens; default: another one each time")
    simulate.add_argument("--sessions", type=int, default=48, help="how many drivers come; default: %(default)s")
    simulate.add_argument("--rough", action="store_true", help="with bad luck on the wire, at chargers and machines")
    simulate.add_argument("--story", action="store_true", help="tell what happened, in sentences")
    simulate.add_argument("--seconds", type=float, help="end after so many seconds, with whatever was played by then")
    simulate.add_argument(
        "--count", type=Path, metavar="FILE", help="count in this file, and go on where it ends: for many sessions"
    )
    simulate.set_defaults(run=_simulate)
    return top


def _serve(options: argparse.Namespace) -> int:
    del options
    if not (HOME / "gunicorn.conf.py").is_file():
        raise SettingsError("`kiosk serve` needs gunicorn.conf.py and wsgi.py of the checkout: run it from there.")
    load_settings()  # a wrong setting is said here, before the server's own words
    here = [sys.executable, "-m", "gunicorn", "--config", str(HOME / "gunicorn.conf.py"), "--pythonpath", str(HOME)]
    os.execv(sys.executable, [*here, "wsgi:app"])  # noqa: S606 - our own interpreter, no shell


def _demo(options: argparse.Namespace) -> int:
    from werkzeug.serving import make_server

    from kiosk.app import stop
    from kiosk.command.demo_month import history_of_demo
    from kiosk.command.tablets import demo_code
    from kiosk.command.users import demo_sign_in, demo_support
    from kiosk.demo import create_demo_app, rough_words

    _say_what_is_ignored()
    port = options.port if options.port is not None else _whole("PORT", 8000)
    speed = options.speed if options.speed is not None else _whole(variable("demo_speed"), 10)
    configure_logs("console")
    # The port is taken first: a second demo must not touch the first one's files.
    server = make_server(options.host, port, Flask("kiosk.demo"), threaded=True)
    rough = secrets.randbelow(10_000) if options.rough == -1 else options.rough
    app = create_demo_app(speed, server.port, rough=rough, history=history_of_demo)
    server.app = app
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    parts = app.extensions["kiosk"]
    code = demo_code(parts.store, parts.site, parts.clock.now(), parts.clock.rate)
    name, password = app.jinja_env.globals["demo_sign_in"] = demo_sign_in(
        parts.store, parts.settings.secret_keys[0], parts.clock.now()
    )
    other, others = demo_support(parts.store, parts.settings.secret_keys[0], parts.clock.now(), parts.site.sites[0].id)
    app.jinja_env.globals["demo_support"] = other, others
    here = f"http://127.0.0.1:{server.port}"
    said = {"name": name, "password": password, "other": other, "others": others}
    print(_WELCOME.format(here=here, speed=speed, code=code, **said), flush=True)
    if rough is not None:
        print(_ROUGH.format(seed=rough, troubles="\n".join(rough_words(app))), flush=True)
    try:
        server.serve_forever()
    finally:
        server.server_close()
        stop(app)
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from kiosk.doctor.examine import examine

    findings = examine(load_settings(), online=options.online)
    for finding in findings:
        print(f"{finding.mark:4}  {finding.text}")
    return 1 if any(finding.bad for finding in findings) else 0


def _migrate(options: argparse.Namespace) -> int:
    from kiosk.store import Cipher, Store
    from kiosk.store.errors import Damaged, TooNew

    del options
    settings = load_settings()
    store = Store(settings.database_url, Cipher(settings.secret_keys))
    try:
        store.migrate()
    except TooNew as error:
        raise SettingsError(
            f"The database cannot be used: {error}. Start that release, or restore an older backup."
        ) from None
    except Damaged as error:
        raise SettingsError(
            f"The database cannot be brought to the newest version: {error}. Restore a backup."
        ) from None
    finally:
        store.close()
    print("The database is at the newest version.")
    return 0


def _backup(options: argparse.Namespace) -> int:
    from kiosk.clock import SystemClock
    from kiosk.command.backup import check, make

    settings = load_settings()
    print(check(settings, options.check) if options.check else make(settings, SystemClock().now(), options.to))
    return 0


def _restore(options: argparse.Namespace) -> int:
    from kiosk.app import ENGINE
    from kiosk.clock import SystemClock
    from kiosk.command.backup import bring_back, made_good

    settings, now = load_settings(), SystemClock().now()
    if not 0 <= options.skip_receipts <= 100_000:
        raise SettingsError("--skip-receipts takes a number from 0 to 100000.")
    skip = options.skip_receipts
    if options.brought_back is not None:
        lines = made_good(settings, now, options.brought_back, skip_receipts=skip, engine=ENGINE)
    else:
        lines = bring_back(settings, now, options.file, replace=options.replace, skip_receipts=skip, engine=ENGINE)
    for line in lines:
        print(line)
    return 0


def _move_store(options: argparse.Namespace) -> int:
    from kiosk.clock import SystemClock
    from kiosk.store.moving import CannotMove, move

    settings = load_settings()
    file = settings.database_file
    if file is None or not file.is_file():
        raise SettingsError("There is no SQLite file to move: set KIOSK_DATABASE_URL or KIOSK_DATA_DIR as until now.")
    new = build_settings(secret_key=settings.secret_key, public_url=settings.public_url, database_url=options.to)
    if new.sqlite:
        raise SettingsError("A store is moved to a server: give an address that begins with postgresql://.")
    try:
        moved = move(settings.database_url, new.database_url, settings.secret_keys, SystemClock().now())
    except CannotMove as error:
        raise SettingsError(str(error)) from None
    for name, count in moved.rows.items():
        if count:
            print(f"{count:8}  {name}")
    print(f"All of it is in {new.database}; {moved.offences or 'no'} rows break a rule, as before.")
    print(f"Set KIOSK_DATABASE_URL to it, start the kiosk, and keep {file} until a day went well.")
    return 0


def _settings(options: argparse.Namespace) -> int:
    del options
    settings = load_settings()
    for field in Settings.model_fields:
        value = getattr(settings, field)
        print(f"{variable(field)}={without_password(value) if field == 'database_url' else _masked(value)}")
    return 0


def _session(options: argparse.Namespace) -> int:
    from kiosk.clock import SystemClock
    from kiosk.command.session import existing, report
    from kiosk.config.sites import load_site

    settings = load_settings()
    book = load_site(settings.config)
    store = existing(settings)
    try:
        print(report(store, book, options.which, SystemClock().now(), as_json=options.json))
    finally:
        store.close()
    return 0


def _reconcile(options: argparse.Namespace) -> int:
    import getpass

    from kiosk.clock import SystemClock
    from kiosk.command.reconcile import as_json, days_of, lines, reconcile_site, said
    from kiosk.command.session import existing
    from kiosk.config.sites import load_site
    from kiosk.outside import connect, limits_of
    from kiosk.service.crosswalk import joined_from
    from kiosk.upstream.plugchoice.budget import Budgets

    settings = load_settings()
    book, clock = load_site(settings.config), SystemClock()
    zone = ZoneInfo(book.chosen_site(options.site).timezone)
    days = days_of(zone, clock.now(), options.day, options.month)
    store = existing(settings)
    try:
        book = joined_from(book, store)
        site = book.chosen_site(options.site)
        if options.aside is not None or options.undo is not None:
            line, undone = options.undo or options.aside, options.undo is not None
            print(said(store, line, getpass.getuser(), options.note, clock.now(), undone=undone))
            return 0
        outside = connect(settings, clock, Budgets(limits_of(settings)))
        try:
            found = reconcile_site(store, outside.operator, site, days, records=outside.proofs is not None)
        finally:
            outside.close()
        aside = store.lines_aside()
    finally:
        store.close()
    print(as_json(found, site, book) if options.json else "\n".join(lines(found, site, book, aside, every=options.all)))
    return 1 if found.open_lines else 0


def _attention(options: argparse.Namespace) -> int:
    import getpass

    from kiosk.clock import SystemClock
    from kiosk.command.attention import handle, listing
    from kiosk.command.session import existing
    from kiosk.config.sites import load_site
    from kiosk.domain.handling import Did

    settings, now = load_settings(), SystemClock().now()
    book = load_site(settings.config)
    dids = {"own": Did.OWNED, "let-go": Did.LET_GO, "note": Did.NOTED, "set-aside": Did.SET_ASIDE}
    dids |= {"take-up": Did.TAKEN_UP, "done": Did.DONE, "undo": Did.UNDONE}
    store = existing(settings)
    try:
        if options.what == "list":
            lines = list(listing(store, book, now, options.state, options.kind, options.site))
        else:
            text, until = getattr(options, "text", None), getattr(options, "until", None)
            lines = handle(store, book, now, getpass.getuser(), options.number, dids[options.what], text, until)
    finally:
        store.close()
    print("\n".join(lines))
    return 0


def _sites(options: argparse.Namespace) -> int:
    from contextlib import closing

    from kiosk.clock import SystemClock
    from kiosk.command.session import existing
    from kiosk.command.sites import as_json, lines
    from kiosk.config.sites import load_site
    from kiosk.doctor.by_listing import listed
    from kiosk.outside import connect, limits_of
    from kiosk.service.crosswalk import joined_from
    from kiosk.upstream.plugchoice.budget import Budgets

    settings = load_settings()
    book, codes = load_site(settings.config), {}
    if settings.database_file is None or settings.database_file.is_file():
        with closing(existing(settings)) as store:
            codes = {one.uuid: one.code for one in store.own_chargers() if one.code is not None}
            book = joined_from(book, store)
    with closing(connect(settings, SystemClock(), Budgets(limits_of(settings)))) as outside:
        found = listed(outside, codes)
    print(as_json(found, book) if options.json else "\n".join(lines(found, book)))
    return 1 if found.plugchoice is None and found.pilot is None else 0


def _export(options: argparse.Namespace) -> int:
    from kiosk.clock import SystemClock
    from kiosk.command.export import chosen_month, tried, write_now
    from kiosk.command.session import existing
    from kiosk.config.sites import load_site
    from kiosk.outside import connect, nightly
    from kiosk.service.month_tables import tables_of
    from kiosk.upstream.plugchoice.budget import Budgets

    settings, clock = load_settings(), SystemClock()
    book = load_site(settings.config)
    outside = connect(settings, clock, Budgets())
    try:
        if options.test:
            for line in tried(outside.shelf):
                print(line)
            return 0
        site = book.chosen_site(options.site)
        month = chosen_month(options.month, site, clock.now())
        store = existing(settings)
        try:
            plan = nightly(outside, tables_of(store, book), settings.data_dir)
            print(write_now(store, plan, site, month, clock.now()))
        finally:
            store.close()
    finally:
        outside.close()
    return 0


def _notify(options: argparse.Namespace) -> int:
    from kiosk.clock import SystemClock
    from kiosk.command.notify import listing, send_trial
    from kiosk.command.session import existing
    from kiosk.config.sites import load_site
    from kiosk.outside import connect
    from kiosk.upstream.plugchoice.budget import Budgets

    settings, clock = load_settings(), SystemClock()
    book = load_site(settings.config)
    if options.test:
        outside = connect(settings, clock, Budgets())
        try:
            lines, well = send_trial(outside, book, settings, clock.now())
        finally:
            outside.close()
        print("\n".join(lines))
        return 0 if well else 1
    store = existing(settings)
    try:
        print("\n".join(listing(store, book, settings)))
    finally:
        store.close()
    return 0


def _tablet(options: argparse.Namespace) -> int:
    from kiosk.clock import SystemClock
    from kiosk.command.tablets import listing, pair, unpair
    from kiosk.config.sites import load_site
    from kiosk.store import Cipher, Store

    settings = load_settings()
    book, now = load_site(settings.config), SystemClock().now()
    store = Store(settings.database_url, Cipher(settings.secret_keys))
    try:
        store.migrate()
        if options.what == "pair":
            lines = pair(store, book, settings.public_url, now, site=options.site, name=options.name)
        elif options.what == "list":
            lines = list(listing(store, book))
        else:
            lines = [unpair(store, options.which, now)]
    finally:
        store.close()
    print("\n".join(lines))
    return 0


def _user(options: argparse.Namespace) -> int:
    from kiosk.clock import SystemClock
    from kiosk.command.users import add, listing, remove, set_password
    from kiosk.config.sites import load_site
    from kiosk.store import Cipher, Store

    settings = load_settings()
    book, now = load_site(settings.config), SystemClock().now()
    store = Store(settings.database_url, Cipher(settings.secret_keys))
    try:
        store.migrate()
        if options.what == "add":
            lines = add(store, book, now, options.name, options.role, options.site, options.generate)
        elif options.what == "password":
            lines = set_password(store, now, options.name, options.generate, options.without_codes)
        elif options.what == "remove":
            lines = [remove(store, now, options.name)]
        else:
            lines = list(listing(store))
    finally:
        store.close()
    print("\n".join(lines))
    return 0


def _power(options: argparse.Namespace) -> int:
    from kiosk.clock import SystemClock
    from kiosk.command.power_report import report
    from kiosk.config.sites import load_site
    from kiosk.service.crosswalk import joined_from
    from kiosk.store import Cipher, Store

    settings = load_settings()
    book = load_site(settings.config)
    store = Store(settings.database_url, Cipher(settings.secret_keys))
    try:
        store.migrate()
        made = report(joined_from(book, store), store, SystemClock().now(), options.site)
    finally:
        store.close()
    print("\n".join(made.lines))
    if options.svg is not None:
        try:
            options.svg.write_text(made.picture, encoding="utf-8")
        except OSError as error:
            raise SettingsError(f"{options.svg} cannot be written: {error.strerror}.") from None
        print(options.svg)
    return 0


def _stickers(options: argparse.Namespace) -> int:
    from kiosk.command.sticker_prices import price_warnings
    from kiosk.config.sites import load_site
    from kiosk.stickers.order import Order, make

    settings = load_settings()
    order = Order(
        site=options.site,
        codes=tuple(options.code),
        size=options.size,
        distance_cm=options.distance,
        per_bay=options.per == "bay",
        sheet=options.sheet,
        bleed=options.bleed,
        marks=options.marks,
        forms=(options.format,) if options.format else ("pdf", "svg"),
    )
    book = load_site(settings.config)
    made = make(book, settings.public_url, order)
    codes = [code.upper() for code in order.codes] or [one.code for one in book.chosen_site(order.site).chargers]
    for warning in (*made.warnings, *price_warnings(settings, book, codes)):
        print(f"kiosk: {warning}", file=sys.stderr)
    for path in made.write(options.out):
        print(path)
    return 0


def _rehearse(options: argparse.Namespace) -> int:
    from kiosk.rehearsal.order import Order, check, rehearse_real, rehearse_sandbox
    from kiosk.rehearsal.report import as_json

    order = Order(
        code=options.code,
        connector_id=options.connector,
        charger=options.charger,
        create=options.create,
        connector_type=options.connector_type,
        ws_url=options.ws_url,
        keep=options.keep,
        unpaid=options.unpaid,
        sandbox=options.sandbox,
        fault=options.fault,
    )
    check(order)

    def say(line: str) -> None:
        if not options.json:
            print(line, flush=True)

    def invite(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # cleaned up as after Ctrl-C
    try:
        if order.sandbox:
            report = rehearse_sandbox(order, say=say)
        else:
            report = rehearse_real(order, load_settings(), say=say, invite=invite)
    except KeyboardInterrupt:
        print("kiosk: interrupted: look at the charger and at its session.", file=sys.stderr)
        return 1
    if options.json:
        print(as_json(report))
    return 0 if report.passed else 1


def _simulate(options: argparse.Namespace) -> int:
    import logging

    from kiosk.simulation.report import simulate, simulate_on

    logging.disable(logging.CRITICAL)  # what is logged in made-up trouble helps nobody
    seed = options.seed if options.seed is not None else secrets.randbelow(1_000_000)

    def say(line: str) -> None:
        print(line, flush=True)

    if options.count is not None:
        try:
            total = simulate_on(
                options.count, seed, options.sessions, rough=options.rough, seconds=options.seconds, say=say
            )
        except ValueError as error:
            raise SettingsError(str(error)) from None
        return 1 if total.broken else 0
    total = simulate(
        seed,
        options.sessions,
        rough=options.rough,
        story=options.story,
        seconds=options.seconds,
        say=say,
    )
    return 1 if total.broken else 0


def _masked(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, SecretStr):
        return "********"
    if isinstance(value, tuple):
        return ",".join(_masked(part) for part in value)
    return str(value)


def _say_what_is_ignored() -> None:
    """The demo makes its own settings; others are said to be without effect, so that nobody believes them in force."""
    ignored = sorted(name for name in os.environ if name.startswith(PREFIX) and name != variable("demo_speed"))
    if ignored:
        print(f"The demo does not read {', '.join(ignored)}.", file=sys.stderr)


def _whole(name: str, default: int) -> int:
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    if not text.isdigit():
        raise SettingsError(f"{name} cannot be used: it must be a whole number.")
    return int(text)


if __name__ == "__main__":
    raise SystemExit(main())
