"""Which Chromium tests and pictures take and how it is started: nothing in the background, nothing from outside."""

from __future__ import annotations

import shutil

CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--disable-sync",
    "--disable-dev-shm-usage",
]


def chromium() -> str | None:
    """The program's path; None when there is none. The shell without windows draws the same pages at half the work."""
    return shutil.which("chromium-headless-shell") or shutil.which("chromium")
