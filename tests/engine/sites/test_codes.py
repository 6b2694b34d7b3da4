"""Public codes that are learnt charger by charger: known for good, and a system that is down is not asked on and on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from kiosk.clock import ManualClock
from kiosk.domain.site_board import ChargerRef, SiteTransaction
from kiosk.engine.sites.codes import AGAIN_AFTER, MISSES, PublicCodes
from kiosk.upstream.plugchoice.operator import PlugchoiceOperator
from tests.worlds.once import migrated_store

UUIDS = [f"charger-{number}" for number in range(5)]
Answer = Callable[[str], httpx.Response]


def charge(uuid: str) -> SiteTransaction:
    ref = ChargerRef(uuid, None, None)
    return SiteTransaction(1, ref, None, 1, None, True, 0, None, None, None, None, None, None)


class Codes:
    """What is known of the codes, and the chargers whose settings were asked for."""

    def __init__(self, folder: Path) -> None:
        self.asked: list[str] = []
        self.answer: Answer = lambda uuid: code(uuid[-1:])
        self.clock = ManualClock()
        self._store = migrated_store(folder / "kiosk.db")
        self._operator = PlugchoiceOperator(
            "http://up/api/v3", "operator-1", clock=self.clock, transport=httpx.MockTransport(self._answered)
        )
        self._codes = PublicCodes(self._store, self.clock)

    def of(self, *uuids: str) -> dict[str, str]:
        """By uuid, as they are known after another look."""
        self.asked.clear()
        return self._codes.of(self._operator, [charge(uuid) for uuid in uuids])

    def close(self) -> None:
        self._operator.close()
        self._store.close()

    def _answered(self, request: httpx.Request) -> httpx.Response:
        uuid = request.url.path.split("/")[-3]
        self.asked.append(uuid)
        return self.answer(uuid)


def code(text: str | None) -> httpx.Response:
    return httpx.Response(200, json={"enabled": True, "public_code": text})


@pytest.fixture
def codes(tmp_path: Path) -> Iterator[Codes]:
    made = Codes(tmp_path)
    yield made
    made.close()


def test_two_chargers_without_an_answer_leave_the_others_for_the_next_look(codes: Codes) -> None:
    codes.answer = lambda _uuid: httpx.Response(500)
    assert codes.of(*UUIDS) == {}
    assert codes.asked == UUIDS[:MISSES]
    codes.answer = lambda uuid: code(f"ABC{uuid[-1:]}")
    assert codes.of(*UUIDS) == {uuid: f"ABC{uuid[-1:]}" for uuid in UUIDS}


def test_a_system_that_says_to_wait_is_asked_for_no_other(codes: Codes) -> None:
    codes.answer = lambda uuid: code("ABC0") if uuid == UUIDS[0] else httpx.Response(429, headers={"Retry-After": "30"})
    assert codes.of(*UUIDS) == {UUIDS[0]: "ABC0"}
    assert codes.asked == UUIDS[:2]


def test_a_charger_without_a_code_is_asked_again_after_a_while_and_keeps_no_other_waiting(codes: Codes) -> None:
    codes.answer = lambda uuid: httpx.Response(404) if uuid == UUIDS[0] else code("ABC1")
    assert codes.of(*UUIDS[:2]) == {UUIDS[1]: "ABC1"}
    assert codes.of(*UUIDS[:2]) == {UUIDS[1]: "ABC1"}
    assert codes.asked == []
    codes.clock.advance(AGAIN_AFTER.total_seconds())
    codes.answer = lambda _uuid: code("ABC0")
    assert codes.of(*UUIDS[:2]) == {UUIDS[0]: "ABC0", UUIDS[1]: "ABC1"}
    assert codes.asked == UUIDS[:1]
