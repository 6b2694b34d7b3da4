"""Compares what the tests ran with the least that pyproject.toml asks of every room; `scripts/coverage` calls it.

`[tool.kiosk.coverage.rooms]` names the rooms, each with the least share of its lines and branches in percent.
`[[tool.kiosk.coverage.gaps]]` names what may be missed: a file, how many of its lines and branches, and why. A gap
without a reason is refused. One that is named larger than it was is pointed out, so that the list gets shorter.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.imports import HOME

COMPLETE = 100
WORST = 5
"""So many files are named when a room that need not be complete is below its gate."""


@dataclass(frozen=True)
class Measured:
    """A file of the kiosk, such as `kiosk/domain/money.py`, and what no test ran in it.

    `total` counts its lines that can run and its branches. A branch is the line that it leaves and the line that it
    leads to; 0 or less stands for the end of the function that begins there.
    """

    name: str
    total: int
    lines: tuple[int, ...] = ()
    branches: tuple[tuple[int, int], ...] = ()

    @property
    def room(self) -> str:
        """`domain`; empty for a module beside the rooms."""
        parts = self.name.split("/")
        return parts[1] if len(parts) > 2 else ""

    @property
    def missed(self) -> int:
        return len(self.lines) + len(self.branches)

    @property
    def where(self) -> str:
        lines = ", ".join(map(str, self.lines))
        branches = ", ".join(f"{one}->{other}" if other > 0 else f"{one}->end" for one, other in self.branches)
        return "; ".join(each for each in (lines and f"lines {lines}", branches and f"branches {branches}") if each)


@dataclass(frozen=True)
class Gap:
    file: str
    missed: int
    why: str


@dataclass(frozen=True)
class Gates:
    """`rooms`: the least share of each room in percent. `gaps`: by file."""

    rooms: Mapping[str, float]
    gaps: Mapping[str, Gap]


def gates_of(project: str) -> Gates:
    """What pyproject.toml, given as its text, asks for. Raises ValueError for a gap that is not said as it must be."""
    table = tomllib.loads(project)["tool"]["kiosk"]["coverage"]
    gaps: dict[str, Gap] = {}
    for row in table.get("gaps", []):
        gap = Gap(str(row.get("file", "")), int(row.get("missed", 0)), str(row.get("why", "")).strip())
        if not gap.why:
            raise ValueError(f"{gap.file}: a gap is named and no reason for it")
        if gap.missed < 1:
            raise ValueError(f"{gap.file}: a gap is named in which nothing is missed: remove it")
        if gap.file in gaps:
            raise ValueError(f"{gap.file}: its gap is named twice")
        gaps[gap.file] = gap
    return Gates(table["rooms"], gaps)


def measured(report: str) -> list[Measured]:
    """The files of a report of coverage, given as the text of its JSON."""
    files: dict[str, Any] = json.loads(report)["files"]
    return [
        Measured(
            name.replace("\\", "/"),
            file["summary"]["num_statements"] + file["summary"]["num_branches"],
            tuple(file["missing_lines"]),
            tuple((int(one), int(other)) for one, other in file["missing_branches"]),
        )
        for name, file in files.items()
    ]


def shares(files: Iterable[Measured], gates: Gates) -> dict[str, float]:
    """The share of each room that the tests ran or that is excused, in percent; 0 for a room without files."""
    totals = dict.fromkeys(gates.rooms, 0)
    missed = dict.fromkeys(gates.rooms, 0)
    for file in files:
        if file.room in gates.rooms:
            totals[file.room] += file.total
            missed[file.room] += _beyond(file, gates)
    return {room: 100 * (total - missed[room]) / total if total else 0.0 for room, total in totals.items()}


def complaints(files: Iterable[Measured], gates: Gates) -> list[str]:
    """A sentence for everything that is not as the gates ask."""
    files = sorted(files, key=lambda file: file.name)
    found: list[str] = []
    for room, share in shares(files, gates).items():
        least = gates.rooms[room]
        below = [file for file in files if file.room == room and _beyond(file, gates)]
        if least < COMPLETE:
            below = sorted(below, key=lambda file: -file.missed)[:WORST] if share < least else []
        if share < least:
            found.append(f"{room}: {share:.2f} % of its lines and branches, at least {least} % is asked for")
        found += [f"{file.name}: {_beyond(file, gates)} missed: {file.where}" for file in below]
    there = {file.name for file in files}
    gone = [gap.file for gap in gates.gaps.values() if gap.file not in there]
    return [*found, *(f"{name}: a gap is named and there is no such file: remove it" for name in gone)]


def _beyond(file: Measured, gates: Gates) -> int:
    """How much is missed that no gap excuses."""
    gap = gates.gaps.get(file.name)
    return max(0, file.missed - (gap.missed if gap else 0))


def hints(files: Iterable[Measured], gates: Gates) -> list[str]:
    """Gaps that are named larger than this run missed. No failure: what two threads race for is not run every time."""
    missed = {file.name: file.missed for file in files}
    return [
        f"{gap.file}: a gap of {gap.missed} is named and {missed[gap.file]} missed this time"
        for gap in gates.gaps.values()
        if missed.get(gap.file, gap.missed) < gap.missed
    ]


def report() -> str:
    """What the newest run measured, as the text of coverage's JSON."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "coverage.json"
        command = [sys.executable, "-m", "coverage", "json", "--quiet", "-o", str(file)]
        subprocess.run(command, cwd=HOME, check=True)  # noqa: S603 - our own interpreter
        return file.read_text(encoding="utf-8")


def main() -> int:
    """Print the share of every room and what is amiss; the exit code says whether nothing is."""
    gates = gates_of((HOME / "pyproject.toml").read_text(encoding="utf-8"))
    files = measured(report())
    for room, share in shares(files, gates).items():
        sys.stdout.write(f"{room:9} {share:6.2f} % of lines and branches, at least {gates.rooms[room]} %\n")
    found = complaints(files, gates)
    for sentence in [*hints(files, gates), *found]:
        sys.stdout.write(f"{sentence}\n")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
