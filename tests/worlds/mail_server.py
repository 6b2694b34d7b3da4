"""A mail server on this machine that says what a test wants: real sockets, one connection at a time."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import suppress
from threading import Thread
from typing import IO, cast


class MailServer:
    """`says` replaces the answer to a word of the client (`MAIL`, `RCPT`, `DATA`) or to the text (`TEXT`); an empty
    answer ends the connection without one. What came with a good answer or none stands in `texts`.
    """

    def __init__(self, says: Mapping[str, str] | None = None) -> None:
        self.says: dict[str, str] = dict(says or {})
        self.texts: list[str] = []
        self.receivers: list[str] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)  # or the thread goes on waiting for the next connection
        self._socket.close()
        self._thread.join(timeout=5)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection, suppress(OSError):  # a client that hangs up
                self._talk(cast("IO[bytes]", connection.makefile("rwb")))

    def _talk(self, file: IO[bytes]) -> None:
        file.write(b"220 here\r\n")
        file.flush()
        while line := file.readline():
            word = line.decode(errors="replace").split()[0].upper()
            if word == "RCPT":
                self.receivers.append(line.decode(errors="replace").split("<")[1].split(">")[0])
            usual = {"DATA": "354 go on", "QUIT": "221 bye"}.get(word, "250 well")
            answer = self.says.get(word, usual)
            if not self._answer(file, answer) or word == "QUIT":
                return
            if word == "DATA" and answer.startswith("354"):
                self.texts.append(self._text(file))
                if not self._answer(file, self.says.get("TEXT", "250 taken")):
                    return

    def _text(self, file: IO[bytes]) -> str:
        lines: list[str] = []
        while (line := file.readline().decode(errors="replace")) not in {".\r\n", ""}:
            lines.append(line)
        return "".join(lines)

    def _answer(self, file: IO[bytes], answer: str) -> bool:
        if not answer:
            return False
        file.write(f"{answer}\r\n".encode())
        file.flush()
        return True
