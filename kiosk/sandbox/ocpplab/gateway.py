"""OCPPLAB's gateway as a Flask app over the stand-in world: its virtual chargers are the world's chargers.

A command acts at once, though its answer says no more than that it is queued. What the world has no hand for (an end
by time or energy, raw messages, the charger's own lists) is answered with 422 and never pretended.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from itertools import count
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from kiosk.sandbox.ocpplab.diary import Diary, Entry, entry_data
from kiosk.sandbox.ocpplab.fleet import (
    CATALOGUE,
    LOCATION_ID,
    Deployment,
    Fleet,
    LabSwitches,
    charger_data,
)
from kiosk.sandbox.ocpplab.wire import (
    Problem,
    allowed,
    answer_error,
    answer_json,
    complaint,
    read_body,
    read_moment,
    read_texts,
    read_whole,
    worked,
)
from kiosk.sandbox.world.chargers import ConnectorView
from kiosk.sandbox.world.faults import Faults
from kiosk.sandbox.world.reception import ANYWHERE, Reception
from kiosk.sandbox.world.site import NotPossible
from kiosk.sandbox.world.world import World

TEXTS = ("name", "charge_point_name", "connector_type", "ocpp_version", "ws_url", "location_id", "location_name")
REQUIRED = ("identity", "brand_slug", "model_slug", "connector_type", "ws_url")
NO_HAND = frozenset(
    {
        "authorize-id-tag",
        "cache/reset",
        "clear-local-auth-list",
        "configuration",
        "local-auth-list",
        "proxy-message",
        "unlock-connector",
    }
)
"""Commands of the documents that this world cannot act out."""


def create_ocpplab_app(
    world: World,
    token: str,
    *,
    prefix: str = "/ocpp",
    faults: Faults | None = None,
    switches: LabSwitches | None = None,
) -> Flask:
    """Serves `{prefix}/chargers...` and `{prefix}/commands/...`. Every answer is counted in `world.traffic`.

    `faults` should be this app's own: a rule for every endpoint is played here, one for a named endpoint is not.
    """
    app = Flask(__name__, static_folder=None)
    hands = _Hands(world, switches or LabSwitches())
    reception = Reception(world, faults, ANYWHERE, hands.catch_up)

    def refuse() -> Response | None:
        return None if allowed(token) else answer_error(401, "Not authenticated")

    def route(path: str, method: str, name: str, work: Callable[..., Response]) -> None:
        def answer(**parts: str) -> Response:
            return reception.serve(f"ocpplab_{name}", lambda: worked(lambda: work(**parts)), refuse=refuse)

        app.add_url_rule(f"{prefix}{path}", endpoint=name, view_func=answer, methods=[method])

    route("/chargers", "GET", "chargers", hands.chargers)
    route("/chargers", "POST", "create", hands.create)
    route(
        "/chargers/<charger_id>",
        "GET",
        "charger",
        lambda charger_id: answer_json(charger_data(hands.known(charger_id))),
    )
    route("/chargers/<charger_id>", "PUT", "update", hands.update)
    route("/chargers/<charger_id>", "DELETE", "delete", hands.delete)
    route("/chargers/<charger_id>/status", "GET", "status", hands.status)
    route("/chargers/<charger_id>/logs", "GET", "logs", hands.logs)
    for action in ("start-charger", "stop-charger", "reset-charger"):
        name = action.replace("-", "_")
        route(
            f"/chargers/<charger_id>/{action}", "POST", name, lambda charger_id, a=action: hands.runtime(charger_id, a)
        )
    for path in sorted(NO_HAND | hands.commands.keys()):
        name = path.replace("/", "_").replace("-", "_")
        route(f"/commands/{path}", "POST", name, lambda p=path: hands.command(p))

    @app.errorhandler(HTTPException)
    def other(problem: HTTPException) -> Response:
        return answer_error(problem.code or 500, problem.name)

    return app


class _Hands:
    """What the endpoints do."""

    def __init__(self, world: World, switches: LabSwitches) -> None:
        self._world = world
        self._switches = switches
        self._fleet = Fleet(world, switches)
        self._diary = Diary(world)
        self._numbers = count(1)
        self.commands: dict[str, Callable[[str, int, dict[str, Any]], None]] = {
            "plug-connector": lambda code, number, _: world.plug_in(code, number),
            "unplug-connector": lambda code, number, _: world.unplug(code, number),
            "start-session": self._start_session,
            "start-transaction": lambda code, number, event: world.start_with_card(code, number, _card(event)),
            "power-update": lambda code, number, event: world.limit_power(code, number, _watts(event)),
            "stop-session": lambda code, number, _: self._stop_session(code, number),
            "stop-transaction": lambda code, _, event: self._stop_transaction(code, event),
            "ev-requests-energy": lambda code, number, _: self._request_energy(code, number),
            "ev-stops-energy": lambda code, number, _: self._stop_energy(code, number),
            "inject-fault": self._inject_fault,
            "clear-fault": lambda code, number, _: world.repair_connector(code, number),
        }

    def catch_up(self) -> datetime:
        now = self._fleet.catch_up()
        self._diary.write(now)
        return now

    def charger(self, charger_id: str) -> Response:
        return answer_json(charger_data(self.known(charger_id)))

    def known(self, charger_id: str) -> Deployment:
        found = self._fleet.find(charger_id)
        if found is None:
            raise Problem(404, "Charger not found")
        return found

    # --- chargers

    def chargers(self) -> Response:
        page, limit = read_whole("page", 1, 1, 10**6), read_whole("limit", 50, 1, 100)
        every = self._fleet.all(request.args.get("location_id"))
        shown = every[(page - 1) * limit : page * limit]
        return answer_json(
            {"data": [charger_data(each) for each in shown], "total": len(every), "page": page, "limit": limit}
        )

    def create(self) -> Response:
        fields = read_texts(read_body(), (*REQUIRED, *TEXTS[1:]), REQUIRED)
        model = CATALOGUE.get((fields["brand_slug"], fields["model_slug"]))
        if model is None:
            raise Problem(404, "Brand or model not found")
        if fields["connector_type"] not in model.connector_types:
            raise Problem(400, f"This model has no connector {fields['connector_type']}")
        if fields.get("location_id") not in (None, LOCATION_ID):
            raise Problem(404, "Location not found")
        made = self._fleet.create(fields, model, self._world.clock.now())
        if made is None:
            raise Problem(400, "A charger with this identity exists")
        accepted = {
            "charger_id": made.id,
            "identity": made.identity,
            "status": "PROVISIONING",
            "status_url": f"{request.script_root}{request.path}/{made.id}/status",
            "workflow_run_id": f"wfr-{made.id}",
        }
        return answer_json(accepted, 202)

    def status(self, charger_id: str) -> Response:
        return answer_json(self._fleet.status_data(self.known(charger_id), self._world.clock.now()))

    def update(self, charger_id: str) -> Response:
        each, fields = self.known(charger_id), read_texts(read_body(), TEXTS, ())
        if not fields:
            raise Problem(400, "Nothing to update")
        if fields.get("location_id") not in (None, LOCATION_ID):
            raise Problem(404, "Location not found")
        each.name = fields.get("name") or fields.get("charge_point_name") or each.name
        each.connector_type = fields.get("connector_type", each.connector_type)
        each.ocpp_version = fields.get("ocpp_version", each.ocpp_version)
        each.location_id = fields.get("location_id", each.location_id)
        each.updated_at = self._world.clock.now()
        return answer_json(charger_data(each))

    def delete(self, charger_id: str) -> Response:
        self._fleet.delete(self.known(charger_id))
        return Response(status=self._switches.delete_status)

    def runtime(self, charger_id: str, action: str) -> Response:
        each = self.known(charger_id)
        if each.code is None:
            raise Problem(422, "The charger is not ready")
        if action != "start-charger":
            self._world.set_online(each.code, online=False)
            self.catch_up()
        if action != "stop-charger":
            self._world.set_online(each.code, online=True)
        self.catch_up()
        return answer_json(self._queued(each, action, {}), self._switches.command_status)

    def logs(self, charger_id: str) -> Response:
        limit, offset = read_whole("limit", 100, 1, 1000), read_whole("offset", 0, 0, 10**9)
        start, end, event = read_moment("start_date"), read_moment("end_date"), request.args.get("event")

        def wanted(entry: Entry) -> bool:
            after = start is None or entry.at >= start
            before = end is None or entry.at <= end
            return after and before and event in (None, entry.action)

        each = self._fleet.find(charger_id)
        found = self._diary.read(each.code, wanted, self._switches.newest_first) if each and each.code else []
        shown = [entry_data(entry, self._switches) for entry in found[offset : offset + limit]]
        return answer_json({"data": shown, "total": len(found), "limit": limit, "offset": offset})

    # --- commands

    def command(self, path: str) -> Response:
        body = read_body()
        event = body.get("event")
        if not isinstance(event, dict):
            raise Problem(422, [complaint(["body", "event"], "Field required", body)])
        number = event.get("connector_id")
        if number is not None and (isinstance(number, bool) or not isinstance(number, int)):
            where = ["body", "event", "connector_id"]
            raise Problem(422, [complaint(where, "Input should be a valid integer", number)])
        single = path in {"inject-fault", "clear-fault"}
        targets = self._targets(body, single=single)
        if path in NO_HAND:
            raise Problem(422, f"The stand-in world has no hand for {path}")
        queued, failed = [], []
        for each in targets:
            try:
                self._act(path, each, number, event)
            except NotPossible as problem:
                failed.append({"identity": each.identity, "error": str(problem)})
            else:
                command = self._queued(each, path, event)
                queued.append({"charger_id": each.id, "identity": each.identity, "command": command})
        self.catch_up()
        if single:
            return self._fault_answer(path, event, failed)
        if self._switches.single_answer == "command" and len(queued) == 1 and "charger_id" in body["target"]:
            return answer_json(queued[0]["command"], self._switches.command_status)
        counts = {"targeted_count": len(targets), "queued_count": len(queued), "failed_count": len(failed)}
        return answer_json(counts | {"results": queued, "failed": failed}, self._switches.command_status)

    def _targets(self, body: dict[str, Any], *, single: bool) -> list[Deployment]:
        target = body.get("target")
        if not isinstance(target, dict):
            raise Problem(422, [complaint(["body", "target"], "Field required", body)])
        charger_id, location_id, chosen = (target.get(name) for name in ("charger_id", "location_id", "charger_ids"))
        if single and not isinstance(charger_id, str):
            raise Problem(422, [complaint(["body", "target", "charger_id"], "Field required", target)])
        if isinstance(charger_id, str) == isinstance(location_id, str):
            raise Problem(422, [complaint(["body", "target"], "Provide exactly one target", target)])
        if chosen is not None and (location_id is None or not isinstance(chosen, list)):
            said = "charger_ids is only valid with location_id"
            raise Problem(422, [complaint(["body", "target", "charger_ids"], said, chosen)])
        if charger_id is not None:
            found = self._fleet.target(charger_id)
            if found is None:
                raise Problem(404, "Charger not found")
            return [found]
        if location_id != LOCATION_ID:
            raise Problem(404, "Location not found")
        return [each for each in self._fleet.all(LOCATION_ID) if chosen is None or each.id in chosen]

    def _act(self, path: str, each: Deployment, number: int | None, event: dict[str, Any]) -> None:
        if each.code is None:
            raise NotPossible("the charger is not ready")
        view = self._world.charger(each.code)
        first = view.connectors[0].spec.connector_id if view and view.connectors else 1
        try:
            self.commands[path](each.code, first if number is None else number, event)
        except NotPossible:
            if self._switches.impossible == "failed":
                raise

    def _fault_answer(self, path: str, event: dict[str, Any], failed: list[dict[str, str]]) -> Response:
        if failed:
            raise Problem(400, failed[0]["error"])
        broken = path == "inject-fault"
        said = {name: event.get(name) for name in ("fault_type", "evse_id", "connector_id")}
        words = {"msg": f"{path} queued", "status": "Faulted" if broken else "Available"}
        return answer_json(words | said, self._switches.command_status)

    def _queued(self, each: Deployment, name: str, event: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": f"cmd-{next(self._numbers)}",
            "event_type": name.replace("-", "_"),
            "ocpp_version": each.ocpp_version,
            "payload": event,
        }

    # --- hands that are more than one of the world's

    def _connector(self, code: str, number: int) -> ConnectorView:
        view = self._world.charger(code)
        found = next((each for each in view.connectors if each.spec.connector_id == number), None) if view else None
        if found is None:
            raise NotPossible(f"charger {code} has no connector {number}")
        return found

    def _start_session(self, code: str, number: int, event: dict[str, Any]) -> None:
        card = _card(event)
        if event.get("duration_seconds") is not None or event.get("target_energy_kwh") is not None:
            raise Problem(422, "The stand-in world has no hand for a session that ends by time or energy")
        if self._connector(code, number).car is None:
            self._world.plug_in(code, number)
        self._world.start_with_card(code, number, card)

    def _stop_session(self, code: str, number: int) -> None:
        if self._connector(code, number).transaction_id is not None:
            self._world.stop_at_charger(code, number)
        self._world.unplug(code, number)

    def _stop_transaction(self, code: str, event: dict[str, Any]) -> None:
        wanted = event.get("transaction_id")
        running = [each for each in self._world.transactions() if each.code == code and each.active]
        if wanted is not None:
            running = [each for each in running if str(each.id) == wanted]
        if not running:
            raise NotPossible("no such transaction")
        self._world.stop_at_charger(code, running[0].connector_id)

    def _request_energy(self, code: str, number: int) -> None:
        """A car of this world asks by itself; one that is full, or waits for its timer, cannot be made to."""
        found = self._connector(code, number)
        if found.car is None:
            raise NotPossible("no car is plugged in")
        if found.real_status == "SuspendedEV":
            raise Problem(422, "The stand-in world has no hand for a car that has stopped to ask again")

    def _stop_energy(self, code: str, number: int) -> None:
        """The car is full from now on."""
        if self._connector(code, number).transaction_id is None:
            raise NotPossible("nothing is charging")
        self._world.fill_car(code, number)

    def _inject_fault(self, code: str, number: int, event: dict[str, Any]) -> None:
        self._world.break_connector(code, number)
        self._diary.fault(code, number, str(event.get("fault_type") or "OtherError"))


# --- what an event says


def _card(event: dict[str, Any]) -> str:
    card = event.get("id_tag")
    if not isinstance(card, str) or not card:
        raise Problem(422, [complaint(["body", "event", "id_tag"], "Field required", event)])
    return card


def _watts(event: dict[str, Any]) -> int:
    watts = event.get("power_w")
    if isinstance(watts, bool) or not isinstance(watts, int) or watts < 0:
        raise Problem(422, [complaint(["body", "event", "power_w"], "Input should be a valid integer", watts)])
    return watts
