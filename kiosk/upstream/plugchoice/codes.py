"""By which public codes chargers are sold that the operator's view names by their uuid: one question each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from kiosk.upstream.errors import Refused, UpstreamError
from kiosk.upstream.plugchoice.operator import PlugchoiceOperator


@dataclass(slots=True)
class ReadCodes:
    """`found` by uuid; `without` are chargers that are not open to the public, or whose settings nobody may see.
    `ended`: why the others were not asked any more.
    """

    found: dict[str, str] = field(default_factory=dict)
    without: set[str] = field(default_factory=set)
    ended: UpstreamError | None = None


def read_codes(operator: PlugchoiceOperator, uuids: Iterable[str], misses: int) -> ReadCodes:
    """Ask for each, until the back office wants to be left alone, or so many got no answer."""
    told = ReadCodes()
    missed = 0
    for uuid in uuids:
        try:
            code = operator.public_charging(uuid).public_code
        except Refused as no:
            if no.retry_after is not None:
                told.ended = no
                break
            code = None
        except UpstreamError as error:
            missed += 1
            if missed >= misses:
                told.ended = error
                break
            continue
        if code is None:
            told.without.add(uuid)
        else:
            told.found[uuid] = code.upper()
    return told
