"""One Chromium that is spoken to over a pipe, in its own protocol, with nothing of that protocol turned on.

A test driver listens to the network and keeps every answer in the page's process. Here its memory is to be measured.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ANSWERS_WITHIN = 180.0
ENDS_WITHIN = 10.0
READY_WITHIN = 30.0
LOOKS_EVERY, LOOK_LASTS = 0.01, 2.0
ARGS = ("--headless", "--no-default-browser-check", "--disable-default-apps", "--disable-extensions")
ONLY_HERE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
LAUNCH = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); os.execv(sys.argv[3], sys.argv[3:])"
)
"""The browser reads commands from descriptor 3 and answers on 4."""


class BrowserFailed(Exception):
    """It ended, was silent for too long, or refused a command."""


@contextmanager
def opened(path: str, profile: Path, args: Sequence[str]) -> Iterator[Browser]:
    """Run the Chromium of that path for the length of the block."""
    (theirs_in, ours_out), (ours_in, theirs_out) = os.pipe(), os.pipe()
    given = [fcntl.fcntl(each, fcntl.F_DUPFD, 10) for each in (theirs_in, theirs_out)]
    os.close(theirs_in)
    os.close(theirs_out)
    command = [path, *args, *ARGS, ONLY_HERE, f"--user-data-dir={profile}", "--remote-debugging-pipe", "about:blank"]
    process = subprocess.Popen(  # noqa: S603 - our own interpreter with our own arguments
        [sys.executable, "-c", LAUNCH, *map(str, given), *command],
        pass_fds=given,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for each in given:
        os.close(each)
    browser = Browser(ours_in, ours_out)
    try:
        yield browser
    finally:
        browser.close()
        try:
            process.wait(ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(ENDS_WITHIN)
        os.close(ours_in)
        os.close(ours_out)


class Browser:
    """Commands and their answers. Events are not listened to."""

    def __init__(self, reads: int, writes: int) -> None:
        self._reads = reads
        self._writes = writes
        self._pending = b""
        self._last = 0

    def send(
        self, method: str, session: str | None = None, within: float = ANSWERS_WITHIN, /, **params: object
    ) -> dict[str, Any]:
        """The result of one command. Raises BrowserFailed."""
        self._last += 1
        command: dict[str, object] = {"id": self._last, "method": method, "params": params}
        if session is not None:
            command["sessionId"] = session
        try:
            os.write(self._writes, json.dumps(command).encode() + b"\0")
        except OSError:
            raise BrowserFailed("the browser is gone") from None
        end = time.monotonic() + within
        while True:
            answer = self._read(end)
            if answer.get("id") == self._last:
                break
        if "error" in answer:
            raise BrowserFailed(f"{method}: {answer['error'].get('message')}")
        found: dict[str, Any] = answer["result"]
        return found

    def page(self) -> Page:
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        return Page(self, self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"])

    def processes(self, kind: str) -> list[int]:
        """Ids of its processes of one kind: browser, renderer, GPU."""
        found = self.send("SystemInfo.getProcessInfo")["processInfo"]
        return [int(one["id"]) for one in found if one["type"] == kind]

    def close(self) -> None:
        try:
            self.send("Browser.close")
        except BrowserFailed:
            return  # it has ended, which is what was wanted

    def _read(self, end: float) -> dict[str, Any]:
        while b"\0" not in self._pending:
            if not select.select([self._reads], [], [], max(0.0, end - time.monotonic()))[0]:
                raise BrowserFailed("the browser is silent")
            data = os.read(self._reads, 1 << 20)
            if not data:
                raise BrowserFailed("the browser has ended")
            self._pending += data
        message, _, self._pending = self._pending.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found


class Page:
    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session

    def send(self, method: str, **params: object) -> dict[str, Any]:
        return self._browser.send(method, self._session, **params)

    def run(self, script: str, *, within: float = ANSWERS_WITHIN, is_promise: bool = False) -> Any:
        """What the expression comes to, waited for when it is a promise."""
        params = {"expression": script, "awaitPromise": is_promise, "returnByValue": True}
        found = self._browser.send("Runtime.evaluate", self._session, within, **params)
        if "exceptionDetails" in found:
            raise BrowserFailed(f"a script failed: {_why(found['exceptionDetails'])}")
        return found["result"].get("value")

    def go(self, address: str, ready: str = "true") -> None:
        """Load the address in place of what is shown, and wait until it is there and `ready` holds."""
        self.run("globalThis.before = true")
        self.run(f"void location.replace({json.dumps(address)})")
        end = time.monotonic() + READY_WITHIN
        while not self._there(ready):
            if time.monotonic() > end:
                raise BrowserFailed(f"{address} does not come")
            time.sleep(LOOKS_EVERY)

    def _there(self, ready: str) -> bool:
        try:
            script = f"!globalThis.before && document.readyState === 'complete' && {ready}"
            return bool(self.run(script, within=LOOK_LASTS))
        except BrowserFailed:
            return False  # between two pages there is none to answer


def _why(details: Mapping[str, Any]) -> str:
    return str(details.get("exception", {}).get("description", details.get("text")))
