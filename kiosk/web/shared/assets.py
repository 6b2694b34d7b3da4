"""Static files: one digest over all of them in their address, compressed once at start, cached for ever by browsers.

Pages and JSON are compressed as they are sent, except event streams and answers marked by `no_compress`.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import shutil
import tempfile
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from wsgiref.headers import Headers

import brotli  # type: ignore[import-untyped]
from flask import Flask, Response
from flask_compress import Compress
from markupsafe import Markup
from whitenoise import WhiteNoise  # type: ignore[import-untyped]

from kiosk.config.settings import Settings
from kiosk.web.shared.security import HSTS

SHEETS = ("shared/tokens.css", "shared/kiosk.css", "driver/driver.css")
SHEET = "app.css"
"""The style sheets joined, with the operator's hue: one request."""

_TEXT = frozenset({".css", ".js", ".mjs", ".svg", ".json", ".webmanifest", ".txt"})
_LEAST_GAIN = 0.95


def init_assets(app: Flask, settings: Settings, source: Path, hue: int) -> None:
    """Serve `source` under `/static/<digest>/`, and give templates `asset(name)`. A page that brings its style sheet
    along has it from `sheet()`; the sheet's hash is for the policy of that page."""
    files = read_files(source, hue)
    digest = digest_of(files)
    inline = Markup(files[SHEET].decode())  # noqa: S704 - a file of ours
    folder = prepare(files, settings.data_dir / "assets" / digest)

    def asset(name: str) -> str:
        """The address of a static file. Raises LookupError for one that is not there."""
        if name not in files:
            raise LookupError(f"there is no static file {name}")
        return f"/static/{digest}/{name}"

    def headers(given: Headers, path: str, url: str) -> None:
        del path, url
        given["X-Content-Type-Options"] = "nosniff"
        given["Cross-Origin-Resource-Policy"] = "same-origin"
        if settings.https:
            given["Strict-Transport-Security"] = HSTS

    app.extensions["asset"] = asset
    app.extensions["sheet_hash"] = b64encode(hashlib.sha256(files[SHEET]).digest()).decode()
    app.jinja_env.globals.update(asset=asset, sheet=lambda: inline)
    app.wsgi_app = WhiteNoise(  # type: ignore[method-assign]
        app.wsgi_app,
        root=folder,
        prefix=f"/static/{digest}/",
        allow_all_origins=False,
        add_headers_function=headers,
        immutable_file_test=lambda path, url: True,  # noqa: ARG005
    )
    _compress_answers(app)


def no_compress(response: Response) -> Response:
    """Mark an answer that holds a payment secret: no compression here, nor by anything on the way."""
    response.cache_control.no_transform = True
    return response


def read_files(source: Path, hue: int) -> dict[str, bytes]:
    """Every public file by its name below `source`, with the style sheets joined into one, and without what is there
    for those who write them."""
    files = {
        path.relative_to(source).as_posix(): path.read_bytes()
        for path in sorted(source.rglob("*"))
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(source).parts)
    }
    sheets = [files.pop(name) for name in SHEETS]
    files[SHEET] = b"\n".join([*sheets, f":root {{ --hue: {hue} }}\n".encode()])
    return {name: _SLIM.get(Path(name).suffix, bytes)(content) for name, content in files.items()}


def slim_sheet(content: bytes) -> bytes:
    """A style sheet without its comments and the spaces between its parts. None of ours has them within quotes."""
    plain = re.sub(rb"\s+", b" ", re.sub(rb"/\*.*?\*/", b"", content, flags=re.DOTALL))
    return re.sub(rb" ?([{};]) ?", rb"\1", plain).replace(b";}", b"}").strip()


def slim_script(content: bytes) -> bytes:
    """A script without the comments that begin a line, and without indentation. What they explain is for us."""
    plain = re.sub(rb"^[ \t]*/\*\*.*?\*/[ \t]*", b"", content, flags=re.DOTALL | re.MULTILINE)
    plain = re.sub(rb"^[ \t]*//[^\n]*\n", b"", plain, flags=re.MULTILINE)
    return re.sub(rb"\n\s+", b"\n", plain).lstrip()


_SLIM: dict[str, Callable[[bytes], bytes]] = {".css": slim_sheet, ".js": slim_script}


def digest_of(files: dict[str, bytes]) -> str:
    """Names and contents in 16 characters."""
    total = hashlib.sha256()
    for name, content in sorted(files.items()):
        total.update(f"{name}\0{len(content)}\0".encode() + content)
    return total.hexdigest()[:16]


def prepare(files: dict[str, bytes], folder: Path) -> Path:
    """Write the files and their compressed forms once. A folder that is there is complete: it was moved into place."""
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    working = Path(tempfile.mkdtemp(dir=folder.parent, prefix="."))
    try:
        for name, content in files.items():
            target = working / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            if target.suffix in _TEXT:
                _compressed(target, content)
        working.chmod(0o755)
        os.rename(working, folder)
    except OSError:
        shutil.rmtree(working, ignore_errors=True)
        if not folder.is_dir():  # another process may have been first
            raise
    return folder


def _compressed(target: Path, content: bytes) -> None:
    smaller = {".br": brotli.compress(content, quality=11), ".gz": gzip.compress(content, 9, mtime=0)}
    for suffix, data in smaller.items():
        if len(data) < len(content) * _LEAST_GAIN:
            target.with_name(target.name + suffix).write_bytes(data)


def _compress_answers(app: Flask) -> None:
    app.config.update(
        COMPRESS_REGISTER=False,
        COMPRESS_MIMETYPES=["text/html", "text/plain", "application/json"],
        COMPRESS_ALGORITHM=["br", "gzip"],
        COMPRESS_BR_LEVEL=5,
        COMPRESS_STREAMS=False,
    )
    compress = Compress(app)

    def squeeze(response: Response) -> Response:
        if response.cache_control.no_transform or response.is_streamed:
            return response
        return compress.after_request(response)

    app.after_request(squeeze)
