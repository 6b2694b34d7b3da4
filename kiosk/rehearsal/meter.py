"""What the charger itself counted, out of its log at OCPPLAB: from StartTransaction to StopTransaction, in Wh.

OCPP 1.6, sections 5.11 and 6: `meterStart` and `meterStop` are whole Wh; a sampled value without a measurand is
`Energy.Active.Import.Register`, without a unit Wh. The StopTransaction may be missing; the last sample counts then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal

from kiosk.upstream.ocpplab.log import LogEntry
from kiosk.upstream.values import as_count, as_number, as_object, as_text

_REGISTER = "Energy.Active.Import.Register"
_UNITS = {"Wh": Decimal(1), "kWh": Decimal(1000)}
_MOST_WH = 10**10


def metered_wh(entries: Iterable[LogEntry], connector_id: int) -> Decimal | None:
    """Of the last transaction at this connector, in whatever order the entries are. None when the log does not say."""
    told = sorted((each for each in entries if each.at is not None), key=_at)
    starts = [n for n, each in enumerate(told) if _is(each, "StartTransaction") and _here(each, connector_id)]
    if not starts:
        return None
    later = told[starts[-1] + 1 :]
    begin = as_count(_payload(told[starts[-1]]).get("meterStart"), _MOST_WH)
    samples = [each for each in later if _is(each, "MeterValues") and _here(each, connector_id)]
    own = {as_text(_payload(each).get("transactionId")) for each in samples} - {None}
    stops = [each for each in later if _is(each, "StopTransaction")]
    if own:
        stops = [each for each in stops if as_text(_payload(each).get("transactionId")) in own]
    if len(stops) == 1:
        end = as_number(_payload(stops[0]).get("meterStop"))
    else:
        registers = [value for each in samples for value in _registers(_payload(each))]
        end = registers[-1] if registers else None
    return None if begin is None or end is None else end - begin


def _registers(payload: Mapping[str, object]) -> Iterator[Decimal]:
    for sample in _listed(payload.get("meterValue")):
        for value in _listed(sample.get("sampledValue")):
            unit = _UNITS.get(str(value.get("unit") or "Wh"))
            number = as_number(value.get("value"))
            if str(value.get("measurand") or _REGISTER) == _REGISTER and unit is not None and number is not None:
                yield number * unit


def _listed(value: object) -> Iterator[Mapping[str, object]]:
    for each in value if isinstance(value, list) else []:
        found = as_object(each)
        if found is not None:
            yield found


def _is(entry: LogEntry, action: str) -> bool:
    return entry.action == action and entry.payload is not None


def _here(entry: LogEntry, connector_id: int) -> bool:
    return as_count(_payload(entry).get("connectorId"), 10_000) == connector_id


def _payload(entry: LogEntry) -> Mapping[str, object]:
    return entry.payload or {}


def _at(entry: LogEntry) -> datetime:
    assert entry.at is not None  # noqa: S101 - those without a time were left out
    return entry.at
