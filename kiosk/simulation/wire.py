"""The wire between one process and the stand-in of Plugchoice: calls are late, lost, cut, repeated and spoiled here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from kiosk.sandbox.world.faults import Faults, endpoint_of
from kiosk.simulation.luck import Luck
from kiosk.simulation.process import Point, Process

if TYPE_CHECKING:
    from kiosk.simulation.witness import Witness

PATIENCE = 15.0
"""Seconds that the kiosk waits for an answer (`TimeLimits.read`)."""


class Wire(httpx.BaseTransport):
    """`inner` is the stand-in itself. Its faults of the answer are played by `faults`, one rule a call."""

    def __init__(
        self, inner: httpx.BaseTransport, faults: Faults, luck: Luck, witness: Witness, process: Process
    ) -> None:
        self._inner, self._faults, self._luck, self._witness, self._process = inner, faults, luck, witness, process

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        process, luck, witness = self._process, self._luck, self._witness
        endpoint = endpoint_of(request.method, request.url.path)
        if endpoint is None:
            raise AssertionError(f"the kiosk calls {request.url.path}")
        process.life.pass_point(Point.BEFORE_SEND)
        luck.perhaps_freeze(process)
        frozen = process.frozen
        process.thaw()
        with process.watched():
            if not frozen:  # it looked whether it leads just before it was frozen, and nobody can look later
                witness.leads(process, endpoint)
            witness.tries(process, endpoint, request)
        fate = luck.fate_of_call(endpoint)
        process.stepper.sleep(fate.before)
        if process.life.cut_off is not None:  # before a line is there nothing leaves
            raise httpx.ConnectError(process.life.cut_off, request=request)
        if fate.lost:
            raise httpx.ConnectError("simulation: no connection", request=request)
        if fate.rule is not None:
            self._faults.add(fate.rule)
        answer = self._carry(request, endpoint, counts=not frozen)
        if fate.twice:  # the network's doing: it counts upstream, and not as a call of ours
            answer = self._inner.handle_request(request)
            answer.read()
        if fate.rule is not None:
            self._faults.drop(fate.rule)
        process.life.pass_point(Point.AFTER_SEND)
        process.stepper.sleep(min(fate.after, PATIENCE))
        process.thaw()
        if fate.after >= PATIENCE:
            raise httpx.ReadTimeout("simulation: no answer in time", request=request)
        if fate.cut:
            raise httpx.RemoteProtocolError("simulation: connection cut", request=request)
        answer = luck.silenced(answer, process.stepper.seconds())
        with process.watched():
            witness.hears(process, endpoint, request, answer)
        return answer

    def _carry(self, request: httpx.Request, endpoint: str, *, counts: bool) -> httpx.Response:
        arrived = self._process.stepper.now()
        answer = self._inner.handle_request(request)
        answer.read()
        with self._process.watched():
            self._witness.arrived(self._process, endpoint, request, answer, arrived, counts=counts)
        return answer
