"""The machine's facts, and what a process has used so far. Reads /proc, so it needs Linux."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PROC = Path("/proc")


def facts() -> list[str]:
    model = next(
        (
            line.partition(":")[2].strip()
            for line in (PROC / "cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return [
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores ({model}), {memory:.0f} GB, "
        f"Linux {platform.release()}, Python {platform.python_version()}",
        f"load when it began: {os.getloadavg()[0]:.1f} (above the number of cores: others use this machine)",
    ]


def cpu_seconds(pid: int) -> float:
    """User and system time of all its threads."""
    fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_kb(pid: int) -> int:
    for line in (PROC / str(pid) / "status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise ProcessLookupError(pid)


def children(pid: int) -> list[int]:
    return [int(text) for text in (PROC / str(pid) / "task" / str(pid) / "children").read_text().split()]
