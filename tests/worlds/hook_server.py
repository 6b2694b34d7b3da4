"""A web server on this machine that takes messages and says what a test wants: real sockets."""

from __future__ import annotations

from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass(frozen=True, slots=True)
class Taken:
    path: str
    headers: dict[str, str]
    body: bytes


class HookServer:
    """`answers`: its status to each request, the last one again and again. What came stands in `taken`."""

    def __init__(self, *answers: int) -> None:
        self.answers = list(answers) or [204]
        self.taken: list[Taken] = []
        hooks = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hooks.taken.append(Taken(self.path, dict(self.headers.items()), body))
                status = hooks.answers.pop(0) if len(hooks.answers) > 1 else hooks.answers[0]
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.send_header("Connection", "close")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that it has there
                del format, args

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}/hook"
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)
