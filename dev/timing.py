"""One clock for several processes and several runs: when it began, written down in the folder of the run."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kiosk.clock import SystemClock

_NAME = "clock.json"


@dataclass(frozen=True)
class Timing:
    """It was `began` when the machine's monotonic seconds were `since`; from then on it runs `speed` times as fast."""

    began: datetime
    since: float
    speed: int

    def clock(self) -> SystemClock:
        from kiosk.clock import SystemClock  # not in the parent, which imports nothing that may change

        return SystemClock(self.speed, wall=self.now)

    def now(self) -> datetime:
        return self.began + timedelta(seconds=(time.monotonic() - self.since) * self.speed)

    def write(self, folder: Path) -> None:
        """Also what time it is: a run that is killed leaves at most the last few seconds out."""
        kept = {
            "began": self.began.isoformat(),
            "since": self.since,
            "speed": self.speed,
            "last": self.now().isoformat(),
        }
        new = folder / f"{_NAME}.new"
        new.write_text(json.dumps(kept), "utf-8")
        new.replace(folder / _NAME)  # a child that reads it meanwhile sees the old or the new one, never a half


def begin(folder: Path, speed: int) -> Timing:
    """Now, or where the last run in this folder ended when it ran ahead: what it stored never lies in the future."""
    now = datetime.now(UTC)
    try:
        last = datetime.fromisoformat(json.loads((folder / _NAME).read_text("utf-8"))["last"])
    except (OSError, ValueError, KeyError):
        last = now
    return Timing(max(now, last), time.monotonic(), speed)


def read(folder: Path) -> Timing:
    """The clock of the run in that folder. Raises OSError when there was none."""
    kept = json.loads((folder / _NAME).read_text("utf-8"))
    return Timing(datetime.fromisoformat(kept["began"]), kept["since"], kept["speed"])
