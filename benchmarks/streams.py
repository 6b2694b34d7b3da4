"""A raw client of many event streams: sockets and a selector, so that little stands between the bytes and the clock."""

from __future__ import annotations

import re
import selectors
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

EVENT = re.compile(rb"id: (\d+)-[0-9a-f]+\r?\n(?:(?!\n\n)[\s\S])*?\n\n")
CONNECT_WITHIN = 30.0
ADDRESSES = 50
KEYS = "BENCH_KEYS"
"""The variable that tells the app under test where the list of its sessions is."""


class NotServed(Exception):
    """A stream was refused, or ended."""


@dataclass
class Stream:
    key: str
    socket: socket.socket
    pending: bytes = b""
    begun: bool = False
    arrivals: list[tuple[int, float]] = field(default_factory=list)
    """Version of the session, and CLOCK_MONOTONIC at the last byte of its event."""


class Streams:
    """Many open streams, read by one thread."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._selector = selectors.DefaultSelector()
        self.streams: list[Stream] = []

    def open(self, keys: Sequence[str]) -> None:
        """One stream for each key; returns when each has had its first event."""
        for key in keys:
            # One address may have an eighth of all, so they come from many, as drivers do.
            source = f"127.0.0.{2 + len(self.streams) % ADDRESSES}"
            connection = socket.create_connection(("127.0.0.1", self._port), timeout=10, source_address=(source, 0))
            lines = [f"GET /s/{key}/events HTTP/1.1", "Host: localhost", "Accept: text/event-stream", "", ""]
            connection.sendall("\r\n".join(lines).encode())
            connection.setblocking(False)
            stream = Stream(key, connection)
            self.streams.append(stream)
            self._selector.register(connection, selectors.EVENT_READ, stream)
            self.listen(0)
        end = time.monotonic() + CONNECT_WITHIN
        while not all(stream.arrivals for stream in self.streams):
            if time.monotonic() > end:
                raise NotServed("not every stream had a first event")
            self.listen(0.05)

    def listen(self, seconds: float) -> None:
        """Take in what arrives within that time."""
        end = time.monotonic() + seconds
        while True:
            for key, _ in self._selector.select(max(0.0, end - time.monotonic())):
                _receive(key.data)
            if time.monotonic() >= end:
                return

    def close(self) -> None:
        self._selector.close()
        for stream in self.streams:
            stream.socket.close()


def _receive(stream: Stream) -> None:
    data = stream.socket.recv(65536)
    arrived = time.monotonic()
    if not data:
        raise NotServed("a stream ended")
    stream.pending += data
    if not stream.begun:
        head, mark, rest = stream.pending.partition(b"\r\n\r\n")
        if not mark:
            return
        if not head.startswith(b"HTTP/1.1 200 "):
            raise NotServed(head.partition(b"\r\n")[0].decode(errors="replace"))
        stream.begun, stream.pending = True, rest
    read = 0
    for event in EVENT.finditer(stream.pending):
        stream.arrivals.append((int(event[1]), arrived))
        read = event.end()
    stream.pending = stream.pending[read:]
