"""The parent of `scripts/dev`: holds the addresses, watches the files, and starts kiosk and world again.

It imports nothing of the kiosk, so it never has to start again itself. Browsers that ask while the kiosk starts wait at
the socket, which stays open here.
"""

from __future__ import annotations

import argparse
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from dev import timing

HOME = Path(__file__).parent.parent
WATCHED = ("kiosk", "static", "translations", "dev", "docs/kiosk.example.toml")
OF_THE_WORLD = ("kiosk/sandbox/", "kiosk/demo.py", "kiosk/clock.py", "dev/")
LOOK_EVERY = 0.4
WRITE_CLOCK_EVERY = 2.0
LONGEST_END = 15.0

_HELP = "  c + Enter: new pairing code   r + Enter: start the kiosk again   w + Enter: a new world   q + Enter: end\n"


def say(text: str) -> None:
    sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
    sys.stdout.flush()


def stamps() -> dict[str, tuple[int, int]]:
    """Every watched file by its name, with what changes when it is saved."""
    found = {}
    for top in WATCHED:
        place = HOME / top
        for path in place.rglob("*") if place.is_dir() else [place]:
            if "__pycache__" in path.parts or path.name.startswith(".") or not path.is_file():
                continue
            try:
                seen = path.stat()
            except FileNotFoundError:
                continue  # an editor replaces it this very moment
            found[path.relative_to(HOME).as_posix()] = (seen.st_mtime_ns, seen.st_size)
    return found


def changed(before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]) -> list[str]:
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def concerns_the_world(names: Iterable[str]) -> bool:
    """The world must begin anew; a change of anything else leaves every charge running."""
    return any(name.startswith(OF_THE_WORLD) for name in names)


class Family:
    """The two children. Each listens on a socket that belongs to the parent."""

    def __init__(self, host: str, port: int, folder: Path) -> None:
        self.folder = folder
        self._sockets = {"kiosk": _listen(host, port), "world": _listen("127.0.0.1", 0)}
        self._places = {name: each.getsockname() for name, each in self._sockets.items()}
        self._host, self.port = host, int(self._places["kiosk"][1])
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> None:
        module = {"kiosk": "dev.serve", "world": "dev.world"}[name]
        fd = self._sockets[name].fileno()
        options = ["--folder", str(self.folder), "--fd", str(fd), "--host", self._host, "--port", str(self.port)]
        world = str(self._places["world"][1])
        self._children[name] = subprocess.Popen(  # noqa: S603 - our own interpreter, no shell
            [sys.executable, "-m", module, *options, "--world", world],
            pass_fds=(fd,),
            cwd=HOME,
            stdin=subprocess.DEVNULL,
        )

    def end(self, name: str) -> None:
        """Let it finish what it does: the engine gives its lease back before the next one takes it."""
        process = self._children.pop(name, None)
        if process is None:
            return
        process.terminate()
        try:
            process.wait(LONGEST_END)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def again(self, *names: str) -> None:
        for name in names:
            self.end(name)
        for name in reversed(names):
            self.start(name)

    def fallen(self) -> Iterator[str]:
        """Children that ended by themselves, each named once."""
        for name, process in list(self._children.items()):
            if process.poll() is not None:
                del self._children[name]
                yield name

    def close(self) -> None:
        for name in ("kiosk", "world"):
            self.end(name)
        for each in self._sockets.values():
            each.close()


def _listen(host: str, port: int) -> socket.socket:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((host, port))
    made.listen(128)
    return made


def main() -> int:
    options = _options()
    folder = (options.data or HOME / "data" / f"dev-{options.port}").absolute()
    if options.codes:
        return _codes(folder, options.port)
    try:
        family = Family(options.host, options.port, folder)
    except OSError as problem:
        say(f"scripts/dev: cannot listen on {options.host}:{options.port} ({problem.strerror}): choose another --port.")
        return 1
    if options.fresh:
        shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        run = timing.begin(folder, options.speed)
        run.write(folder)
    except OSError as problem:
        say(f"scripts/dev: {folder} cannot be written ({problem.strerror}): name another folder with --data.")
        return 1
    if shutil.which("node") is None or not (HOME / "node_modules").is_dir():
        say("Types of the pages' scripts are not checked here: install Node and run npm ci. Everything else works.")
    say(f"The world runs {options.speed} times as fast as the clock on the wall. What is stored stays in {folder}.")
    say(_HELP)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        family.again("kiosk", "world")
        return _watch(family, run)
    except KeyboardInterrupt:
        return 0
    finally:
        family.close()
        run.write(folder)


def _watch(family: Family, run: timing.Timing) -> int:
    seen, written = stamps(), 0.0
    keys = True
    while True:
        if time.monotonic() - written > WRITE_CLOCK_EVERY:
            run.write(family.folder)
            written = time.monotonic()
        word, keys = _typed(keys)
        if word == "q":
            return 0
        if word == "c":
            _codes(family.folder, family.port)
        elif word == "r":
            family.again("kiosk")
        elif word == "w":
            _new_world(family)
        elif word:
            say(_HELP)
        now = stamps()
        names = changed(seen, now)
        seen = now
        if names:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            say(f"\n{names[0]}{more} changed.")
            if concerns_the_world(names):
                _new_world(family)
            else:
                family.again("kiosk")
        for name in family.fallen():
            say(f"The {name} ended: the reason stands above. Mend it and save; it starts again by itself.")


def _new_world(family: Family) -> None:
    say("A new world begins. It knows nothing of charges of the old one: their pages keep the last figures.")
    family.again("kiosk", "world")


def _typed(open_still: bool) -> tuple[str, bool]:
    """The next line that was typed, if any, waiting a moment for it; and whether more can come."""
    if not open_still:
        time.sleep(LOOK_EVERY)
        return "", False
    ready, _, _ = select.select([sys.stdin], [], [], LOOK_EVERY)
    if not ready:
        return "", True
    line = sys.stdin.readline()
    return line.strip().lower(), line != ""


def _codes(folder: Path, port: int) -> int:
    """In a process of its own, so that it is the code of now that runs."""
    if not (folder / "clock.json").is_file():
        say(f"scripts/dev: nothing has run in {folder} yet: start scripts/dev first.")
        return 1
    program = "import sys; from pathlib import Path; from dev.serve import fresh_codes; "
    program += "sys.stdout.write(fresh_codes(Path(sys.argv[1]), int(sys.argv[2])))"
    return subprocess.run(  # noqa: S603 - our own interpreter, no shell
        [sys.executable, "-c", program, str(folder), str(port)], cwd=HOME, check=False
    ).returncode


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/dev", description="The demo, started again at every change.")
    parser.add_argument("--host", default="127.0.0.1", help="where to listen; 0.0.0.0 lets other devices in")
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORT") or 8000), help="default: PORT, or 8000")
    parser.add_argument("--speed", type=int, default=10, help="seconds there in one real second; default: 10")
    parser.add_argument("--data", type=Path, help="folder for database and keys; default: data/dev-<port>")
    parser.add_argument("--fresh", action="store_true", help="forget what earlier runs stored")
    parser.add_argument("--codes", action="store_true", help="print a new pairing code for the run on that port")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
