"""A server on this machine that takes files as WebDAV and S3 do, and misbehaves as a test wants: real sockets.

It checks a signature of S3 (version 4) by itself, as Amazon's documentation has it, with the secret `SECRET`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote, urlsplit

USER, SECRET = "kiosk-books", "a-secret-of-this-test"
_AUTH = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request,"
    r"SignedHeaders=([^,]+),Signature=([0-9a-f]{64})"
)


class FileServer:
    """`files`: by path. `answer` is said instead of doing anything; `halves` keeps half of what comes; `hangs_up` does
    it and gives no answer.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.answer: int | None = None
        self.halves = self.hangs_up = self.signed = False
        self.seen: list[tuple[str, str]] = []
        self.largest_piece = 0
        files = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                files.seen.append((self.command, self.path))
                status, out = files.done(self, body)
                if files.hangs_up:
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Length", str(len(out)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(out)

            do_PUT = do_GET = do_HEAD = do_DELETE = do_MOVE = handle_any  # noqa: N815 - the names that they have there

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that it has there
                del format, args

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def done(self, asked: BaseHTTPRequestHandler, body: bytes) -> tuple[int, bytes]:
        if self.answer is not None:
            return self.answer, b""
        if self.signed and not _is_signed(asked, body):
            return 403, b""
        path = unquote(asked.path)
        if asked.command == "PUT":
            self.files[path] = body[: len(body) // 2] if self.halves else body
            return 201, b""
        if path not in self.files:
            return 404, b""
        if asked.command == "DELETE":
            del self.files[path]
            return 204, b""
        if asked.command == "MOVE":
            self.files[unquote(urlsplit(asked.headers["Destination"]).path)] = self.files.pop(path)
            return 201, b""
        return 200, self.files[path]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)


def _is_signed(asked: BaseHTTPRequestHandler, body: bytes) -> bool:
    found = _AUTH.fullmatch(asked.headers.get("Authorization", ""))
    if found is None or asked.headers["x-amz-content-sha256"] != hashlib.sha256(body).hexdigest():
        return False
    user, day, region, names, signature = found.groups()
    headers = "".join(f"{name}:{asked.headers[name].strip()}\n" for name in names.split(";"))
    request = "\n".join(
        [asked.command, asked.path, "", headers, names, asked.headers["x-amz-content-sha256"]],
    )
    scope = f"{day}/{region}/s3/aws4_request"
    text = "\n".join(
        ["AWS4-HMAC-SHA256", asked.headers["x-amz-date"], scope, hashlib.sha256(request.encode()).hexdigest()]
    )
    key = ("AWS4" + SECRET).encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return user == USER and hmac.digest(key, text.encode(), "sha256").hex() == signature
