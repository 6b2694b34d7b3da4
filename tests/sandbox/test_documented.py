"""What the documentation of the sandbox says: every switch is there, and what happens by chance stands in the table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from kiosk.sandbox.plugchoice.pages import OperatorSwitches
from kiosk.sandbox.world.chargers import ChargerSpec, Pricing
from kiosk.sandbox.world.faults import Kind
from kiosk.sandbox.world.rough import Trouble
from kiosk.sandbox.world.switches import Switches
from kiosk.sandbox.world.world import World

TEXT = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text("utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TEXT.partition("## What can be rough")[2].splitlines()
    if line.startswith("| ") and not line.startswith("| what")
]
BY_CHANCE: Mapping[Trouble, str] = {
    Trouble.RARE_METERS: "a meter that is told rarely",
    Trouble.SLOW_LINE: "a slow line with jitter",
    Trouble.FIXED_WINDOW: "limits in fixed minutes",
    Trouble.OTHERS: "others at the same address",
    Trouble.NULL_ENERGY: "energy null while the cost rises",
    Trouble.ABSURD_READING: "one absurd reading",
    Trouble.METER_BACK: "a meter that runs backwards",
    Trouble.TIMER: "a car that waits for its timer",
    Trouble.PAUSE: "load management pauses the bay",
    Trouble.LATE_PLUG: "a cable that comes late",
    Trouble.IGNORED_STOP: "a stop that is ignored",
    Trouble.REFUSED_STOP: "a stop that is refused",
    Trouble.SLIP: "404 in a slip",
    Trouble.LONG_WAIT: "a long `Retry-After`",
    Trouble.HALF_ANSWER: "fields missing or null",
    Trouble.HALF_START: "fields missing or null",
    Trouble.HALF_END: "the last word before its amounts",
    Trouble.STRANGE_WORD: "a strange word for any status",
    Trouble.STRANGE_END: "a strange word for any status",
    Trouble.LOST_WEBHOOK: "webhooks of Stripe's that are lost",
    Trouble.NEW_PRICE: "price and hold change",
    Trouble.FULL_HOUR: "a charger that has had its sessions of this hour",
}
"""The row of each trouble that a rough site deals out, by how it begins."""
OWNERS: Mapping[str, Any] = {
    "Switches": Switches,
    "OperatorSwitches": OperatorSwitches,
    "ChargerSpec": ChargerSpec,
    "Pricing": Pricing,
}


@pytest.mark.parametrize("trouble", Trouble)
def test_what_happens_by_chance_stands_in_the_table_and_how_often(trouble: Trouble) -> None:
    (row,) = [row for row in ROWS if row[0].startswith(BY_CHANCE[trouble])]
    assert row[2], "it is not said that it happens by chance"


def test_nothing_is_said_to_happen_by_chance_that_does_not() -> None:
    dealt = set(BY_CHANCE.values())
    for row in ROWS:
        assert not row[2] or any(row[0].startswith(begin) for begin in dealt), row[0]


def test_every_switch_and_hand_that_is_named_is_there() -> None:
    named = re.findall(r"`([^`]+)`", " ".join(row[1] for row in ROWS))
    assert len(named) > 40
    for text in named:
        for owner, name in re.findall(r"\b(\w+)\.(\w+)", text):
            if owner in OWNERS:
                assert name in {field.name for field in fields(OWNERS[owner])}, text
            elif owner == "world":
                assert hasattr(World, name) or name == "line", text
            elif owner == "Kind":
                assert name in Kind.__members__, text
