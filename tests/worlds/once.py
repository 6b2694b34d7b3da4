"""What every world needs and no test is about: made once in a process, then copied or kept.

Tables that are migrated; templates, addresses and statements that are compiled; static files that are compressed.
`hurry` also leaves out the waits for the disk, which only tests marked `durable` need, and the costs of passwords.
"""

from __future__ import annotations

import atexit
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any, ClassVar, ParamSpec
from wsgiref.headers import Headers

import prometheus_client.metrics
from argon2 import PasswordHasher
from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import Dialect, Engine, event
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule
from whitenoise import WhiteNoise  # type: ignore[import-untyped]

from kiosk.config.places import folder
from kiosk.service import desk_people
from kiosk.store import Cipher, Store, database, postgres
from kiosk.web.shared import assets

P = ParamSpec("P")
SECRET = "a secret that is long enough for a test"
"""What the stores of tests encrypt with, unless they are a whole kiosk's."""
REAL_HASHER = desk_people._HASHER
"""What passwords cost at a real desk; at that of a test they cost next to nothing."""


@cache
def _tables() -> bytes:
    """An SQLite file with the newest tables and nothing in them."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "empty.db"
        store = Store(f"sqlite:///{file}", Cipher([SECRET]))
        store.migrate()
        store.close()
        return file.read_bytes()


def migrated_database(file: Path) -> str:
    """The address of the database in `file`. One that is not there yet is made, with the newest tables."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(_tables())
    return f"sqlite:///{file}"


def migrated_store(file: Path, secret: str = SECRET) -> Store:
    """A store over the database in `file`, see above. The caller closes it."""
    return Store(migrated_database(file), Cipher([secret]))


@cache
def static_files() -> Path:
    """A data folder for kiosks that share nothing but the compressed static files."""
    folder = Path(tempfile.mkdtemp(prefix="kiosk-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


class CompiledTemplates(BytecodeCache):
    """Keeps the code of every template; jinja checks for itself that the source is still the same."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._kept.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code is not None:
            self._kept[bucket.key, bucket.checksum] = bucket.code


class KeptRule(Rule):
    """An address of an app. What is made of its words is made once, not again in every app of the process."""

    _kept: ClassVar[dict[tuple[object, ...], dict[str, Any]]] = {}
    _builders: ClassVar[dict[tuple[object, ...], Callable[..., tuple[str, str]]]] = {}

    def compile(self) -> None:
        assert self.map is not None
        kinds = frozenset(self.map.converters.items())
        key = (self.rule, self.host, self.subdomain, repr(self.defaults), self.merge_slashes, kinds)
        known = self._kept.get(key)
        if known is None:
            super().compile()
            made = ("_parts", "_trace", "_converters")
            self._kept[key] = {**{name: getattr(self, name) for name in made}, "arguments": self.arguments}
            return
        self.__dict__.update(known, arguments=self.arguments | known["arguments"])
        self._build = self._compile_builder(False).__get__(self, None)
        self._build_unknown = self._compile_builder(True).__get__(self, None)

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        key = (self.rule, tuple(self._trace), repr(self.defaults), append_unknown)
        if key not in self._builders:
            self._builders[key] = super()._compile_builder(append_unknown)
        return self._builders[key]


class KeptFiles(WhiteNoise):  # type: ignore[misc]
    """Looks once through a folder that several apps of the process serve under one address with the same headers."""

    _kept: ClassVar[dict[tuple[str, str, tuple[tuple[str, str], ...]], dict[str, Any]]] = {}

    def update_files_dictionary(self, root: str, prefix: str) -> None:
        if not Path(root).is_relative_to(static_files()):
            super().update_files_dictionary(root, prefix)
            return
        headers = Headers([])
        self.add_headers_function(headers, root, prefix)
        key = (root, prefix, tuple(headers.items()))
        if key not in self._kept:
            super().update_files_dictionary(root, prefix)
            self._kept[key] = dict(self.files)
        self.files.update(self._kept[key])


class _Statements:
    """What the stores of this process have compiled. A compiled statement belongs to a dialect: all stores on databases
    of a kind share that of the first which was connected.
    """

    compiled: ClassVar[LRUCache[Any, Any]] = LRUCache(5000)
    dialects: ClassVar[dict[str, Dialect]] = {}

    @classmethod
    def sharing(cls, made: Callable[P, Engine]) -> Callable[P, Engine]:
        """`made`, whose engines share them. No event of the engine says so: where there is one, SQLAlchemy looks for
        others before and after every statement, a fifth of what a read costs.
        """

        def make(*given: P.args, **named: P.kwargs) -> Engine:
            engine = made(*given, **named)
            engine._compiled_cache = cls.compiled
            first = cls.dialects.get(engine.dialect.name)
            if first is not None:
                engine.dialect = first
            else:
                event.listen(engine.pool, "connect", lambda *_connected: cls._keep(engine.dialect))
            return engine

        return make

    @classmethod
    def _keep(cls, dialect: Dialect) -> None:
        cls.dialects.setdefault(dialect.name, dialect)


class _Disk:
    """Whether the stores of this process wait until the disk has what they wrote, as real ones do."""

    waits = False


class _Hasty(sqlite3.Connection):
    """Waits for the disk only where the test that opened it wants that. Decided once a connection: to tell it again
    whenever one is taken would cost an eighth of every read.
    """

    def execute(self, sql: str, /, *values: Any) -> sqlite3.Cursor:
        hurries = sql == "PRAGMA synchronous = FULL" and not _Disk.waits
        return super().execute("PRAGMA synchronous = OFF" if hurries else sql, *values)


def wait_for_the_disk(wanted: bool) -> None:
    """For the connections that are made from now on."""
    _Disk.waits = wanted


def hurry() -> None:
    """Let the apps and stores of this process share what is compiled, and none wait for the disk. Called once."""
    Flask.url_rule_class = KeptRule
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": CompiledTemplates()}

    desk_people._HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    desk_people._NOBODYS = desk_people._HASHER.hash("nobody's")
    assets._SLIM.update({kind: cache(slim) for kind, slim in assets._SLIM.items()})
    public, read_files, ours = folder("static"), assets.read_files, cache(assets.read_files)
    assets.read_files = lambda source, hue: (ours if source == public else read_files)(source, hue)
    vars(assets)["WhiteNoise"] = KeptFiles
    bounds = vars(prometheus_client.metrics)
    bounds["floatToGoString"] = cache(bounds["floatToGoString"])

    database._sqlite = _Statements.sharing(database._sqlite)
    postgres._engine = _Statements.sharing(postgres._engine)

    @event.listens_for(Engine, "do_connect")
    def _do_not_wait(dialect: Dialect, _record: object, _given: object, named: dict[str, Any]) -> None:
        if dialect.name == "sqlite":
            named["factory"] = _Hasty
