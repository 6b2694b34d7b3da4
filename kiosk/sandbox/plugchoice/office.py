"""What the operator's endpoints of Plugchoice's stand-in answer: one site, its chargers and what they charge.

It says what the back office knows: of a charger without a connection that is what it last told.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from kiosk.sandbox.plugchoice.pages import OperatorSwitches, filtered, page_of
from kiosk.sandbox.plugchoice.public import timestamp
from kiosk.sandbox.world.chargers import ChargerView, ConnectorView, Transaction
from kiosk.sandbox.world.refusal import Refusal
from kiosk.sandbox.world.scene import SITE_NAME
from kiosk.sandbox.world.world import World

SITE_UUID = "0d9c1f52-6f0e-4c55-9a3f-2b7d8e6a4c11"
_VOLTS = 230
_PHASES = {"AC_1_PHASE": 1, "AC_3_PHASE": 3, "DC": 0}
_NAMESPACE = uuid.UUID("6d3b0a54-55a1-4f0f-8f5e-6f3f3b1c9d10")
_FIRST_ROW = 596_411


def charger_uuid(code: str) -> str:
    """The uuid under which the operator's endpoints know the charger of that public code."""
    return str(uuid.uuid5(_NAMESPACE, code.upper()))


@dataclass(frozen=True, slots=True)
class PastCharge:
    """A charge of before the world began, as the back office has it. Meter stands in Wh; `total_kwh` as it is told."""

    number: int
    code: str
    connector_id: int
    id_tag: str | None
    meter_start: int | None
    meter_stop: int | None
    total_kwh: str | None
    started_at: datetime
    stopped_at: datetime | None
    stop_reason: str | None = None
    is_valid: bool | None = True


class Office:
    """What each endpoint answers. Path arguments are named as in the app's rules."""

    def __init__(
        self, world: World, switches: OperatorSwitches, sites: Mapping[str, Collection[str]] | None = None
    ) -> None:
        self._world = world
        self.switches = switches
        self._sites = None if sites is None else {site: frozenset(codes) for site, codes in sites.items()}
        self.past: list[PastCharge] = []
        self._totals: dict[int, tuple[datetime, int]] = {}
        """When the total of a running charge was worked out last, and what it was."""

    # --- sites and chargers

    def sites(self) -> object:
        return self._page([self._site(each) for each in self._sites or (SITE_UUID,)])

    def site(self, site: str) -> object:
        self._known_site(site)
        return {"data": self._site(site)}

    def site_chargers(self, site: str) -> object:
        self._known_site(site)
        return self._page(
            [
                charger_data(row, each) | {"connectors": [self._connector(row, c) for c in each.connectors]}
                for row, each in self._rows(site)
            ]
        )

    def site_connectors(self, site: str) -> object:
        self._known_site(site)
        return self._page(
            [
                self._connector(row, each) | trouble_data(each.status) | {"charger": _owner(row, charger)}
                for row, charger in self._rows(site)
                for each in charger.connectors
            ]
        )

    def chargers(self) -> object:
        return self._page([charger_data(row, each) | model_data(each) for row, each in self._rows()])

    def charger(self, charger: str) -> object:
        row, view = self._find(charger)
        connectors = [self._connector(row, each) | trouble_data(each.status) for each in view.connectors]
        return {"data": charger_data(row, view) | model_data(view) | {"connectors": connectors}}

    def public_charging(self, charger: str) -> object:
        view = self._find(charger)[1]
        if not self.switches.settings_permitted:
            raise Refusal(403, "This action is unauthorized.")
        public, code = view.spec.public, view.spec.code
        return {
            "enabled": public,
            "price_per_kwh": view.pricing.price_per_kwh if public else None,
            "start_fee": view.pricing.start_fee if public else 0,
            "currency": view.pricing.currency,
            "public_code": code if public else None,
            "public_url": f"https://scan.example/{code}" if public else None,
            "preauth_amount": view.spec.preauth_amount,
            **dict(view.pricing.more),
            "limits": {"max_price_per_kwh": 500, "max_start_fee": 2000},
            "connect": {"has_account": True, "onboarding_complete": True, "team_name": SITE_NAME},
            "billing": {
                "plan": "transaction",
                "fee_percent": 3,
                "ac_price": None,
                "dc_price": None,
                "subscription_active": False,
                "has_payment_method": False,
            },
        }

    def _site(self, site: str) -> dict[str, Any]:
        count = len(self._rows(site))
        return {
            "uuid": site,
            "id": 1 + list(self._sites or (SITE_UUID,)).index(site),
            "name": SITE_NAME,
            "address": "Marktplatz 1, Musterstadt, DE",
            "street": "Marktplatz",
            "postal_code": "12345",
            "house_number": 1,
            "house_number_addition": None,
            "city": "Musterstadt",
            "country": "DE",
            "smart_charging": "disabled",
            "chargers_count": count,
        }

    def _connector(self, row: int, view: ConnectorView) -> dict[str, Any]:
        return connector_data(row, view, known=self.switches.capabilities_known and view.spec.described)

    # --- transactions

    def site_transactions(self, site: str) -> object:
        self._known_site(site)
        told, past = list(self._told(site)), list(self._told_past(site))
        page = self._page(filtered([*(each for _, each in told), *past]))
        if not self.switches.total_told:
            return page
        total = Decimal(sum(one.reported_wh for one, _ in told)) / 1000
        return {**page, "total_kwh": float(total + sum(Decimal(each["total_kwh"] or 0) for each in past))}

    def charger_transactions(self, charger: str) -> object:
        view = self._find(charger)[1]
        entries = filtered([each for one, each in self._told() if one.code == view.spec.code])
        for each in entries:
            del each["charger"], each["connector"]
        return self._page(entries)

    def _told(self, site: str | None = None) -> Iterator[tuple[Transaction, dict[str, Any]]]:
        """The transactions that the back office has heard of, newest first."""
        rows = {view.spec.code: (row, view) for row, view in self._rows(site)}
        now = self._world.tick()
        for each in reversed(self._world.transactions()):
            row, view = rows.get(each.code, (0, None))
            if view is None or each.id in self.switches.never_told:
                continue  # the charger is another operator's now, or stands at another site
            heard = view.online or view.seen_at is None or each.started_at <= view.seen_at
            if heard and (now - each.started_at).total_seconds() >= self.switches.told_after:
                yield each, self._transaction(row, view, each, now)

    def _told_past(self, site: str) -> Iterator[dict[str, Any]]:
        """What was charged before the world began, newest first."""
        rows = {view.spec.code: (row, view) for row, view in self._rows(site)}
        for each in reversed(self.past):
            if each.code not in rows:
                continue
            row, view = rows[each.code]
            yield {
                "id": each.number,
                "charger_id": row,
                "charger_connector_id": connector_row(row, each.connector_id),
                "reservation_id": None,
                "id_tag": each.id_tag,
                "meter_start": each.meter_start,
                "meter_stop": each.meter_stop,
                "total_kwh": each.total_kwh,
                "started_at": timestamp(each.started_at),
                "stopped_at": timestamp(each.stopped_at),
                "stop_reason": each.stop_reason,
                "is_valid": each.is_valid,
                "charger": {
                    "uuid": charger_uuid(each.code),
                    "identity": identity(view),
                    "reference": view.spec.name,
                },
                "connector": {"connector_id": each.connector_id},
                "created_at": timestamp(each.started_at),
                "updated_at": timestamp(each.stopped_at),
            }

    def _transaction(self, row: int, view: ChargerView, transaction: Transaction, now: datetime) -> dict[str, Any]:
        stopped = self._stop_told(transaction, now)
        entry: dict[str, Any] = {
            "id": transaction.id,
            "charger_id": row,
            "charger_connector_id": connector_row(row, transaction.connector_id),
            "reservation_id": None,
            "id_tag": transaction.id_tag,
            "meter_start": transaction.meter_start_wh,
            "meter_stop": None if stopped is None else transaction.meter_start_wh + transaction.reported_wh,
            "total_kwh": self._total(transaction, stopped, now),
            "started_at": timestamp(transaction.started_at),
            "stopped_at": timestamp(stopped),
            "stop_reason": None if stopped is None else transaction.stop_reason,
            "is_valid": True,
            "charger": {"uuid": charger_uuid(view.spec.code), "identity": identity(view), "reference": view.spec.name},
            "connector": {"connector_id": transaction.connector_id} if self.switches.connector_told else None,
            "created_at": timestamp(transaction.started_at),
            "updated_at": timestamp(transaction.reported_at),
        }
        return entry

    def _stop_told(self, transaction: Transaction, now: datetime) -> datetime | None:
        stopped = stop_told(transaction)
        if stopped is None or transaction.id in self.switches.never_stopped:
            return None
        return stopped if (now - stopped).total_seconds() >= self.switches.stop_told_after else None

    def _total(self, transaction: Transaction, stopped: datetime | None, now: datetime) -> str | float | None:
        if stopped is None and self.switches.running_kwh == "null":
            return None
        energy_wh = transaction.reported_wh
        if stopped is None and self.switches.running_kwh == "zero":
            energy_wh = 0
        elif stopped is None and self.switches.running_kwh_every:
            at, _ = self._totals.setdefault(transaction.id, (now, energy_wh))
            if (now - at).total_seconds() >= self.switches.running_kwh_every:
                self._totals[transaction.id] = now, energy_wh
            energy_wh = self._totals[transaction.id][1]
        told = f"{energy_wh // 1000 if self.switches.kwh_is_whole else energy_wh / 1000:.2f}"
        return float(told) if self.switches.kwh_is_number else told

    # --- live values

    def power_usage(self, charger: str, number: int) -> object:
        """Amperes of the phases in use and kilowatts. Of a charger without a connection nothing is known."""
        view, connector, last = self._bay(charger, number)
        amperes = ["-", "-", "-"]
        power = connector.power_w
        phases = _PHASES[connector.spec.supply]
        for phase in range(phases if view.online else 0):
            amperes[phase] = f"{power / phases / _VOLTS:.1f}" if power else "0"
        at = last.reported_at if last is not None and stop_told(last) is None else view.seen_at
        pad = " " if self.switches.padded_power else ""
        figures = dict(zip(("L1", "L2", "L3"), amperes, strict=True)) | {"kW": f"{power / 1000:.2f}"}
        if not view.online:
            figures["kW"] = "-"
        return {"timestamp": _milliseconds(at)} | {name: pad + figure for name, figure in figures.items()}

    def latest_meter(self, charger: str, number: int) -> object:
        """The register at the last sample: without its measurand and unit, as the protocol allows."""
        view, connector, last = self._bay(charger, number)
        register = last.meter_start_wh + last.reported_wh if last is not None else 0
        sampled: list[dict[str, str]] = [
            {"value": str(register), "context": "Sample.Periodic"},
            {"value": str(connector.power_w), "measurand": "Power.Active.Import", "unit": "W"},
        ]
        at = last.reported_at if last is not None else view.seen_at
        return {"connectorId": number, "meterValue": [{"timestamp": timestamp(at), "sampledValue": sampled}]}

    # --- inside

    def _known_site(self, site: str) -> None:
        if site.lower() not in (self._sites or (SITE_UUID,)):
            raise Refusal(404, "Not Found.")

    def _rows(self, site: str | None = None) -> list[tuple[int, ChargerView]]:
        """Every charger that the token may see, or those of a site, with its row in the back office's table."""
        codes = self._sites[site.lower()] if self._sites is not None and site is not None else None
        rows = enumerate(self._world.chargers(), start=_FIRST_ROW)
        return [(row, view) for row, view in rows if not view.anothers and (codes is None or view.spec.code in codes)]

    def _find(self, charger: str) -> tuple[int, ChargerView]:
        for row, view in self._rows():
            if charger_uuid(view.spec.code) == charger.lower():
                return row, view
        raise Refusal(404, "Not Found.")

    def _bay(self, charger: str, number: int) -> tuple[ChargerView, ConnectorView, Transaction | None]:
        """A connector, and the last transaction there."""
        view = self._find(charger)[1]
        connector = next((each for each in view.connectors if each.spec.connector_id == number), None)
        if connector is None:
            raise Refusal(404, "Not Found.")
        place = (view.spec.code, number)
        here = [each for each in self._world.transactions() if (each.code, each.connector_id) == place]
        return view, connector, here[-1] if here else None

    def _page(self, entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        return page_of(entries, self.switches)


# --- what goes out


def identity(view: ChargerView) -> str:
    """The charger's name in OCPP: the one that the other systems of this world know it by."""
    return str(getattr(view.spec, "identity", None) or view.spec.code)


def connector_row(charger_row: int, number: int) -> int:
    """A connector's row in the back office's table, which is not its number at the charger."""
    return charger_row * 10 + number


def charger_data(row: int, view: ChargerView) -> dict[str, Any]:
    return {
        "uuid": charger_uuid(view.spec.code),
        "id": row,
        "identity": identity(view),
        "reference": view.spec.name,
        "connection_status": "online" if view.online else "offline",
        "status": view.status,
        "error": "NoError",
        "error_info": None,
        "vendor_id": None,
        "vendor_error_code": None,
        "firmware_version": "sandbox-1.4.2+77",
        "parsed_firmware_version": "1.4.2",
        "server": None,
        "last_connection_at": None,
        "last_disconnection_at": None if view.online else timestamp(view.seen_at),
        "last_heartbeat_at": timestamp(view.seen_at),
        "setup_pending": False,
        "setup_completed": True,
        "blocked": view.blocked,
        "max_current": None,
        "licenses": {"smart": True, "pro": False},
    }


def model_data(view: ChargerView) -> dict[str, Any]:
    is_dc = any(each.spec.supply == "DC" for each in view.connectors)
    return {
        "model_id": 2 if is_dc else 1,
        "model": {"vendor": "Stand-in", "name": "Fast" if is_dc else "Wall", "is_dc": is_dc},
        "permissions": {"basic": True, "sensitive": True, "full": True},
    }


def connector_data(row: int, view: ConnectorView, *, known: bool) -> dict[str, Any]:
    spec = view.spec
    capabilities = {
        "max_amperage": None if spec.supply == "DC" else spec.max_power_w // (_PHASES[spec.supply] * _VOLTS),
        "max_voltage": None if spec.supply == "DC" else _VOLTS,
        "standard": spec.standard,
        "format": spec.format,
        "power_type": spec.supply,
        "phase_rotation": "RST" if spec.supply == "AC_3_PHASE" else None,
    }
    return {
        "id": connector_row(row, spec.connector_id),
        "charger_id": row,
        "connector_id": spec.connector_id,
        "status": view.status,
    } | {name: value if known else None for name, value in capabilities.items()}


def trouble_data(status: str) -> dict[str, Any]:
    error = "OtherError" if status == "Faulted" else "NoError"
    return {"error": error, "error_info": None, "vendor_id": None, "vendor_error_code": None}


def _owner(row: int, view: ChargerView) -> dict[str, Any]:
    charger = charger_data(row, view)
    return {name: charger[name] for name in ("uuid", "id", "identity", "connection_status", "status")}


def stop_told(transaction: Transaction) -> datetime | None:
    """When it stopped, once the charger could tell."""
    stopped, told = transaction.stopped_at, transaction.reported_at
    return stopped if stopped is not None and told is not None and told >= stopped else None


def _milliseconds(moment: datetime | None) -> str | None:
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
