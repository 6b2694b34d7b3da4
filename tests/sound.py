"""What every test with a store ends with: the invariants of the money hold.

A test that breaks one on purpose says which: `@pytest.mark.breaks("Every ended session has a receipt")`. It then has to
break it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pytest

from kiosk.store import Store
from kiosk.store.checks import CHECKS, Promise


def assert_sound(
    request: pytest.FixtureRequest, store: Store, now: datetime, promises: Sequence[Promise] = tuple(Promise)
) -> None:
    """Compare the checks that are broken at `now` with those that the test says it breaks."""
    meant = {name for mark in request.node.iter_markers("breaks") for name in mark.args}
    assert meant <= {check.name for check in CHECKS}, "there is no such check"
    offences = store.offences(now, promises)
    unexpected = [f"{one.check}: {one.text}" for one in offences if one.check not in meant]
    assert not unexpected, "; ".join(unexpected)
    assert meant == {one.check for one in offences}, "the test does not break what it says it breaks"


def assert_nothing_broken(store: Store, now: datetime, promises: Sequence[Promise] = tuple(Promise)) -> None:
    """The same for a world that a test builds itself, and in which it breaks nothing."""
    broken = store.offences(now, promises)
    assert not broken, "; ".join(f"{one.check}: {one.text}" for one in broken)
