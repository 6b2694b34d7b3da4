"""The house: which room may use which, which wing of a room may use which, and what may be imported where.

One test for each rule. It collects all offenders before it fails, so that one run names everything that has to move.
"""

from __future__ import annotations

import ast
import sys
import tokenize
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.imports import HOME, MODULES, imports, imports_at_start, module_name, room_of, tree

ARROWS: dict[str, frozenset[str]] = {
    "domain": frozenset(),
    "clock": frozenset(),
    "config": frozenset(),
    "metrics": frozenset(),
    "serving": frozenset(),
    "eyes": frozenset({"config"}),
    "news": frozenset({"clock"}),
    "upstream": frozenset({"domain", "clock"}),
    "store": frozenset({"domain"}),
    "charts": frozenset({"domain"}),
    "stickers": frozenset({"config"}),
    "paper": frozenset(),
    "tables": frozenset({"domain"}),
    "sandbox": frozenset({"domain", "clock"}),
    "engine": frozenset({"domain", "clock", "metrics", "news", "store", "upstream"}),
    "service": frozenset({"clock", "config", "domain", "metrics", "news", "store", "tables"}),
    "web": frozenset(
        {"charts", "clock", "config", "domain", "metrics", "news", "paper", "service", "stickers", "store", "tables"}
    ),
    "outside": frozenset({"clock", "config", "domain", "metrics", "upstream"}),
    "doctor": frozenset({"clock", "config", "domain", "outside", "service", "store", "upstream"}),
    "rehearsal": frozenset({"clock", "config", "domain", "outside", "sandbox", "store", "upstream"}),
    "simulation": frozenset(
        {
            *("clock", "config", "domain", "engine", "news", "outside", "sandbox", "service", "store", "upstream"),
        }
    ),
    "app": frozenset(
        {
            *(
                "clock",
                "config",
                "doctor",
                "domain",
                "engine",
                "eyes",
                "metrics",
                "news",
                "outside",
                "service",
                "store",
                "web",
            ),
        }
    ),
    "demo": frozenset({"app", "clock", "config", "outside", "sandbox"}),
    "command": frozenset(
        {
            *(
                "app",
                "charts",
                "clock",
                "config",
                "demo",
                "doctor",
                "domain",
                "metrics",
                "outside",
                "rehearsal",
                "service",
            ),
            *("simulation", "stickers", "store", "upstream"),
        }
    ),
}
"""A room, or a module at the top of the package, and what it may use besides itself."""

NOT_BUILT_YET: frozenset[str] = frozenset()
"""Rooms that have their place in the table before they have a file."""

EXCEPTIONS = frozenset({("kiosk.web.shared.webhooks", "upstream")})
"""The webhook's signature is Stripe's affair, so checking it lies with Stripe's other things. It calls nobody."""

FLOOR = ""
"""The modules that lie in a room itself, not in one of its wings."""

WINGS: dict[str, dict[str, frozenset[str]]] = {
    "web": {
        "shared": frozenset(),
        "driver": frozenset({"shared"}),
        "session": frozenset({"shared"}),
        "tablet": frozenset({"shared"}),
        "desk": frozenset({"shared"}),
        "api": frozenset({"shared"}),
    },
    "engine": {
        FLOOR: frozenset({"duties", "sites"}),
        "duties": frozenset({FLOOR}),
        "sites": frozenset({FLOOR}),
    },
    "upstream": {
        FLOOR: frozenset(),
        "plugchoice": frozenset({FLOOR}),
        "chargepilot": frozenset({FLOOR}),
        "ocpplab": frozenset({FLOOR}),
        "stripe": frozenset({FLOOR}),
        "smtp": frozenset({FLOOR}),
        "shelf": frozenset({FLOOR}),
        "oidc": frozenset({FLOOR}),
        "notice": frozenset({FLOOR, "smtp"}),
    },
    "sandbox": {
        FLOOR: frozenset({"world", "plugchoice", "chargepilot", "ocpplab", "stripe"}),
        "stripe": frozenset({"world"}),
        "world": frozenset(),
        "plugchoice": frozenset({"world"}),
        "chargepilot": frozenset({"world"}),
        "ocpplab": frozenset({"world"}),
    },
    "store": {FLOOR: frozenset(), "migrations": frozenset({FLOOR})},
}
"""A room with wings, and which other wings of the same room each of them may use."""

BETWEEN_WINGS: dict[tuple[str, str], str] = {
    ("kiosk.sandbox.world.world", "kiosk.sandbox.stripe.book"): "every visit in the world is paid from one book",
    ("kiosk.sandbox.world.holds", "kiosk.sandbox.stripe.book"): "the back office holds and takes money in that book",
    ("kiosk.sandbox.world.holds", "kiosk.sandbox.stripe.problem"): "and hears that book's refusals",
    ("kiosk.web.session.events", "kiosk.web.tablet.may_show"): "a session's page is shown on the tablet too",
    ("kiosk.web.session.pages", "kiosk.web.tablet.may_show"): "a session's page is shown on the tablet too",
}
"""Imports from wing to wing against the table above, each with its reason."""

STAGES = ("kiosk.demo", "kiosk.rehearsal.stage", "kiosk.simulation")
"""Modules, and a room, outside the sandbox that are made of it."""

LAZY_ONLY = frozenset(
    {
        ("kiosk.command.cli", "kiosk.demo"),
        ("kiosk.command.cli", "kiosk.simulation.report"),
        ("kiosk.rehearsal.order", "kiosk.rehearsal.stage"),
    }
)
"""Imports that must not happen when a real kiosk starts: inside a function, or for the type checker."""

ONLY_IN: dict[str, frozenset[str]] = {
    "flask": frozenset({"web", "sandbox", "app", "demo", "command"}),
    "werkzeug": frozenset({"web", "sandbox", "app", "demo", "command"}),
    "jinja2": frozenset({"app"}),
    "sqlalchemy": frozenset({"store"}),
    "alembic": frozenset({"store"}),
    "psycopg": frozenset({"store", "news"}),
    "cryptography": frozenset({"store"}),
    "argon2": frozenset({"service"}),
    "authlib": frozenset({"upstream"}),
    "joserfc": frozenset({"upstream"}),
    "pyotp": frozenset({"service"}),
    "httpx": frozenset({"upstream", "sandbox", "outside", "demo", "rehearsal", "simulation"}),
    "requests": frozenset({"upstream", "outside", "demo"}),
    "stripe": frozenset({"upstream", "sandbox"}),
    "itsdangerous": frozenset({"web"}),
    "qrcode": frozenset({"stickers", "web"}),
    "reportlab": frozenset({"stickers"}),
    "typst": frozenset({"paper"}),
    "facturx": frozenset({"paper"}),
    "pypdf": frozenset({"paper"}),
    "xlsxwriter": frozenset({"tables"}),
    "prometheus_client": frozenset({"metrics"}),
    "opentelemetry": frozenset({"eyes"}),
    "sentry_sdk": frozenset({"eyes"}),
    "gevent": frozenset(),
    "gunicorn": frozenset({"serving"}),
    "apprise": frozenset({"upstream"}),
    "asyncio": frozenset(),
}
"""A library, and the only rooms that know it."""

TIMELESS = ("domain", "store", "news", "engine", "service", "web", "rehearsal", "simulation")
"""Rooms that are told the time, or ask the kiosk's clock."""

WALL_CLOCKS = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time"}

TESTS = sorted(path for path in (HOME / "tests").rglob("*.py") if path.name != "__init__.py")
AT_THE_TOP = [HOME / "app.py", HOME / "wsgi.py", HOME / "gunicorn.conf.py"]


def wing_of(module: str) -> str:
    """`kiosk.web.shared.errors` is in shared; `kiosk.upstream.http` is on its room's floor."""
    parts = module.split(".")
    return parts[2] if len(parts) > 2 and HOME.joinpath(*parts[:3]).is_dir() else FLOOR


def assert_none(offenders: Iterable[str]) -> None:
    found = sorted(offenders)
    assert not found, "\n" + "\n".join(found)


def between_rooms() -> Iterator[tuple[str, str]]:
    """Every module and each thing of another room that it imports."""
    for path in MODULES:
        module = module_name(path)
        for name in sorted(imports(path)):
            if name.startswith("kiosk.") and room_of(name) != room_of(module):
                yield module, name


def between_wings() -> Iterator[tuple[str, str]]:
    """Every module and each thing of another wing of its own room that it imports."""
    for path in MODULES:
        module = module_name(path)
        for name in sorted(imports(path)):
            if name.startswith("kiosk.") and room_of(name) == room_of(module) and wing_of(name) != wing_of(module):
                yield module, name


def may_use_wing(module: str, name: str) -> bool:
    return wing_of(name) in WINGS.get(room_of(module), {}).get(wing_of(module), frozenset())


def test_every_room_is_in_the_table() -> None:
    rooms = {room_of(module_name(path)) for path in MODULES} - {""}
    assert rooms - set(ARROWS) == set()
    assert set(ARROWS) - rooms <= NOT_BUILT_YET, "a row for a room that is gone"


def test_arrows_go_one_way() -> None:
    assert_none(
        f"{module} must not use {name}"
        for module, name in between_rooms()
        if room_of(name) not in ARROWS.get(room_of(module), frozenset()) and (module, room_of(name)) not in EXCEPTIONS
    )


def test_the_table_itself_has_no_circle() -> None:
    waiting = {room: set(targets) for room, targets in ARROWS.items()}
    while free := {room for room, targets in waiting.items() if not targets}:
        waiting = {room: targets - free for room, targets in waiting.items() if room not in free}
    assert waiting == {}


def test_every_wing_is_in_its_rooms_table() -> None:
    wings = {(room_of(name), wing_of(name)) for name in map(module_name, MODULES) if wing_of(name) != FLOOR}
    assert wings == {(room, wing) for room, table in WINGS.items() for wing in table if wing != FLOOR}


def test_a_wing_uses_only_the_wings_that_its_room_allows() -> None:
    assert_none(
        f"{module} must not use {name}"
        for module, name in between_wings()
        if not may_use_wing(module, name) and (module, name) not in BETWEEN_WINGS
    )


def test_no_import_between_wings_is_excused_that_is_gone() -> None:
    made = {pair for pair in between_wings() if not may_use_wing(*pair)}
    assert_none(f"{module} no longer uses {name}: take the line out" for module, name in set(BETWEEN_WINGS) - made)


def test_duties_do_not_know_each_other() -> None:
    """What two of them need lies on the engine's floor."""
    duties = {name for name in map(module_name, MODULES) if name.startswith("kiosk.engine.duties.")}
    assert_none(
        f"{module_name(path)} must not use {name}"
        for path in MODULES
        if module_name(path) in duties
        for name in sorted(imports(path) & duties)
    )


def test_a_service_needs_neither_flask_nor_a_page() -> None:
    """`kiosk.service` imports neither Flask nor `kiosk.web`: desk and command line call what a request calls."""
    pages = ("kiosk.web", "flask", "flask_babel", "flask_limiter", "jinja2", "werkzeug")
    assert_none(
        f"{module_name(path)} must not use {name}"
        for path in MODULES
        if room_of(module_name(path)) == "service"
        for name in sorted(imports(path))
        if name in pages or name.startswith(tuple(f"{page}." for page in pages))
    )


def test_a_real_kiosk_never_loads_the_sandbox() -> None:
    made_of_it = ("kiosk.sandbox", *STAGES)
    offenders = []
    for path in MODULES:
        module = module_name(path)
        if room_of(module) in {"sandbox", "simulation"} or module in STAGES:
            continue
        at_start = set(imports_at_start(path))
        offenders += [f"{module} loads {name} at its start" for name in at_start if name.startswith(made_of_it)]
        offenders += [
            f"{module} loads {name}"
            for name in imports(path) - at_start
            if name.startswith(made_of_it) and (module, name) not in LAZY_ONLY
        ]
    assert_none(offenders)


def test_a_library_stays_in_its_rooms() -> None:
    assert_none(
        f"{module_name(path)} must not use {library}"
        for path in MODULES
        for library in sorted({name.split(".")[0] for name in imports(path)} & set(ONLY_IN))
        if room_of(module_name(path)) not in ONLY_IN[library]
    )


def test_the_domain_is_plain_python() -> None:
    assert_none(
        f"{module_name(path)} must not use {library}"
        for path in MODULES
        if room_of(module_name(path)) == "domain"
        for library in sorted({name.split(".")[0] for name in imports(path)})
        if library not in sys.stdlib_module_names and library != "kiosk"
    )


def test_only_the_clock_reads_the_time() -> None:
    assert_none(
        f"{module_name(path)}, line {node.lineno}"
        for path in MODULES
        if room_of(module_name(path)) in TIMELESS
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and f"{node.func.value.id}.{node.func.attr}" in WALL_CLOCKS
    )


def test_a_file_says_what_lives_in_it() -> None:
    files = [*MODULES, *TESTS, *AT_THE_TOP]
    assert_none(str(path.relative_to(HOME)) for path in files if not first_words(path))


def first_words(path: Path) -> str:
    """The string that a file begins with. Nothing behind it is read: most of these files nobody else parses."""
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type not in {tokenize.ENCODING, tokenize.COMMENT, tokenize.NL}:
                return str(ast.literal_eval(token.string)) if token.type == tokenize.STRING else ""
    return ""
