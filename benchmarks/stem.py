"""A process that has imported the kiosk once, and from which each server of many runs is forked.

It reads one line of JSON for each from the socket at its standard input: `log`, `environment` and `arguments` of
gunicorn; and answers with the number of the process, which leads a process group of its own. It ends with its input.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

HOME = Path(__file__).parent.parent
_BECOMES_PARENT_OF_ORPHANS = 36
"""PR_SET_CHILD_SUBREAPER of Linux' prctl: the workers of a killed server leave no zombies behind."""


class Stem:
    """Thread-safe. Each server's process group is to be ended by who asked for it."""

    def __init__(self) -> None:
        self._lock = Lock()
        ours, theirs = socket.socketpair()
        self._process = subprocess.Popen([sys.executable, "-m", "benchmarks.stem"], cwd=HOME, stdin=theirs.fileno())
        theirs.close()
        self._line = ours.makefile("rwb", buffering=0)
        ours.close()

    def grow(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> int:
        """Start gunicorn with these arguments; its process group."""
        line = {"arguments": list(arguments), "environment": dict(environment), "log": str(log)}
        with self._lock:
            self._line.write(json.dumps(line).encode() + b"\n")
            return int(self._line.readline())

    def close(self) -> None:
        self._line.close()
        self._process.wait(30)


def main() -> None:
    import gunicorn.app.wsgiapp

    import kiosk.app
    import kiosk.serving
    import kiosk.store.migrations

    del kiosk
    ctypes.CDLL(None).prctl(_BECOMES_PARENT_OF_ORPHANS, 1, 0, 0, 0)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    line_to_asker = socket.socket(fileno=os.dup(sys.stdin.fileno())).makefile("rwb", buffering=0)
    for line in iter(line_to_asker.readline, b""):
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            line_to_asker.close()
            _become(asked)
            sys.argv = ["gunicorn", *asked["arguments"]]
            gunicorn.app.wsgiapp.run()
            os._exit(0)
        line_to_asker.write(f"{child}\n".encode())


def _become(asked: dict[str, Any]) -> None:
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(str(asked["log"]), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, file in enumerate((nothing, log, log)):
        os.dup2(file, number)
    os.environ.clear()
    os.environ.update(asked["environment"])


if __name__ == "__main__":
    main()
