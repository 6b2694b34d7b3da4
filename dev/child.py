"""What the two children of `scripts/dev` have in common: they end when the parent says so, or is there no more."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
from pathlib import Path


def arguments() -> argparse.Namespace:
    """`folder` of the run, the `fd` of the socket to listen on, the kiosk's `host` and `port`, the `world`'s port."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--world", type=int, required=True)
    return parser.parse_args()


def obey() -> None:
    """Ctrl-C is the parent's to answer; SIGTERM ends this process; so does the end of the parent, however it came."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent", daemon=True).start()
