"""The house: which room may use which, what may be imported where, and files that one can hold in the head."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from tests.imports import HOME, MODULES, imports, imports_at_start, module_name, room_of, tree

MOST_LINES = 400

ARROWS: dict[str, frozenset[str]] = {
    "domain": frozenset(),
    "clock": frozenset(),
    "config": frozenset(),
    "upstream": frozenset({"domain", "clock"}),
    "store": frozenset({"domain"}),
    "news": frozenset(),
    "engine": frozenset({"domain", "clock", "news", "store", "upstream"}),
    "service": frozenset({"clock", "config", "domain", "news", "store"}),
    "web": frozenset({"clock", "config", "domain", "news", "service", "store"}),
    "sandbox": frozenset({"domain", "clock"}),
    "stickers": frozenset({"config"}),
    "charts": frozenset({"domain"}),
    "rehearsal": frozenset({"clock", "config", "domain", "sandbox", "store", "upstream"}),
    "app": frozenset({"clock", "config", "demo", "domain", "engine", "news", "service", "store", "upstream", "web"}),
    "demo": frozenset({"clock", "config", "sandbox"}),
    "command": frozenset(
        {"app", "charts", "clock", "config", "domain", "rehearsal", "service", "stickers", "store", "upstream"}
    ),
}
"""A room, or a module at the top of the package, and what it may use besides itself."""

EXCEPTIONS = frozenset({("kiosk.web.shared.webhooks", "upstream")})
"""The webhook's signature is Stripe's affair, so checking it lies with Stripe's other things. It calls nobody."""

STAGES = ("kiosk.demo", "kiosk.rehearsal.stage")
"""Modules outside the sandbox that are made of it."""

LAZY_ONLY = frozenset(
    {
        ("kiosk.app", "kiosk.demo"),
        ("kiosk.app", "kiosk.sandbox.world.world"),
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
    "cryptography": frozenset({"store"}),
    "httpx": frozenset({"upstream", "sandbox", "app", "demo", "command", "rehearsal"}),
    "requests": frozenset({"upstream", "app", "demo"}),
    "stripe": frozenset({"upstream", "sandbox"}),
    "itsdangerous": frozenset({"web"}),
    "qrcode": frozenset({"stickers", "web"}),
    "reportlab": frozenset({"stickers"}),
    "gevent": frozenset(),
    "asyncio": frozenset(),
}
"""A library, and the only rooms that know it."""

TIMELESS = ("domain", "store", "news", "engine", "service", "web", "rehearsal")
"""Rooms that are told the time, or ask the kiosk's clock."""

TESTS = sorted(path for path in (HOME / "tests").rglob("*.py") if path.name != "__init__.py")
AT_THE_TOP = [HOME / "app.py", HOME / "wsgi.py", HOME / "gunicorn.conf.py"]


def short(path: Path) -> str:
    return str(path.relative_to(HOME))


def test_every_room_is_in_the_table() -> None:
    rooms = {room_of(module_name(path)) for path in MODULES} - {""}
    assert rooms == set(ARROWS)


@pytest.mark.parametrize("path", MODULES, ids=short)
def test_arrows_go_one_way(path: Path) -> None:
    module = module_name(path)
    room = room_of(module)
    if not room:
        assert not list(imports(path))
        return
    used = {room_of(name) for name in imports(path) if name.startswith("kiosk")} - {room}
    forbidden = {other for other in used - ARROWS[room] if (module, other) not in EXCEPTIONS}
    if module == "kiosk.app":
        forbidden.discard("sandbox")  # for the type of an argument; see the next test
    assert not forbidden, f"{module} must not use {', '.join(sorted(forbidden))}"


@pytest.mark.parametrize("path", MODULES, ids=short)
def test_a_real_kiosk_never_loads_the_sandbox(path: Path) -> None:
    module = module_name(path)
    if room_of(module) == "sandbox" or module in STAGES:
        return
    at_start = set(imports_at_start(path))
    assert not {name for name in at_start if name.startswith(("kiosk.sandbox", *STAGES))}
    later = {name for name in set(imports(path)) - at_start if name.startswith(("kiosk.sandbox", *STAGES))}
    assert {(module, name.removesuffix(".World")) for name in later} <= LAZY_ONLY


def test_the_table_itself_has_no_circle() -> None:
    waiting = {room: set(targets) for room, targets in ARROWS.items()}
    while free := {room for room, targets in waiting.items() if not targets}:
        waiting = {room: targets - free for room, targets in waiting.items() if room not in free}
    assert not waiting


@pytest.mark.parametrize("path", MODULES, ids=short)
def test_a_library_stays_in_its_rooms(path: Path) -> None:
    room = room_of(module_name(path))
    strangers = {
        name for name in (each.split(".")[0] for each in imports(path)) if name in ONLY_IN and room not in ONLY_IN[name]
    }
    assert not strangers


def test_a_service_needs_neither_flask_nor_a_page() -> None:
    services = [path for path in MODULES if room_of(module_name(path)) == "service"]
    used = {(short(path), name) for path in services for name in imports(path)}
    assert not {one for one in used if one[1].startswith(("flask", "werkzeug", "jinja2", "kiosk.web"))}


@pytest.mark.parametrize("path", [p for p in MODULES if room_of(module_name(p)) == "domain"], ids=short)
def test_the_domain_is_plain_python(path: Path) -> None:
    outside = {name.split(".")[0] for name in imports(path)} - set(sys.stdlib_module_names) - {"kiosk"}
    assert not outside


@pytest.mark.parametrize("path", [p for p in MODULES if room_of(module_name(p)) in TIMELESS], ids=short)
def test_only_the_clock_reads_the_time(path: Path) -> None:
    reads = {
        f"{node.func.value.id}.{node.func.attr}"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name)
    }
    assert not reads & {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time"}


@pytest.mark.parametrize("path", [*MODULES, *TESTS, *AT_THE_TOP], ids=short)
def test_a_file_says_what_lives_in_it(path: Path) -> None:
    said = ast.get_docstring(tree(path))
    assert said, "a module docstring is missing"


@pytest.mark.parametrize("path", [*MODULES, *AT_THE_TOP], ids=short)
def test_a_file_is_short_enough(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= MOST_LINES
