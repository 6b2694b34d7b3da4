"""The sandbox panel: play the car, the charger, the operator and bad luck by hand. Works without scripts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for

from kiosk.sandbox.world.cars import MODELS
from kiosk.sandbox.world.chargers import ChargerView, ConnectorView
from kiosk.sandbox.world.faults import ENDPOINTS, Faults, Kind, Rule
from kiosk.sandbox.world.luck import Luck, System
from kiosk.sandbox.world.refusal import Refusal
from kiosk.sandbox.world.rough import Trouble
from kiosk.sandbox.world.sessions import CAPTURE_FAILED, CAPTURED, REQUIRES_REVIEW, STATUSES, Session
from kiosk.sandbox.world.site import NotPossible
from kiosk.sandbox.world.world import World

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SHOWN_SESSIONS = 20
WAIT = 600
"""Seconds of the world's time: how long a timer or a pause of load management lasts that is set by hand."""


def create_panel(world: World, faults: Faults, *, kiosk_path: str = "/", systems: Sequence[System] = ()) -> Blueprint:
    """The panel at the root of the blueprint. `kiosk_path` is where the kiosk stands, for links to chargers.

    `faults` are those of the public endpoints, `systems` the others that the kiosk asks.
    """
    panel = Blueprint(
        "panel",
        __name__,
        template_folder="templates",
        static_folder="assets/panel",
        static_url_path="/panel-assets",
    )
    notes: list[str] = []  # the last refusal, shown once on the next page
    by_connector, by_charger, by_session = _hands(world)

    @panel.before_request
    def refuse_other_sites() -> None:
        if request.method not in ("GET", "HEAD", "OPTIONS") and _from_another_site():
            abort(403, "This form was sent from another site.")

    @panel.after_request
    def guard(answer: Response) -> Response:
        answer.headers.setdefault("Content-Security-Policy", POLICY)
        answer.headers.setdefault("X-Content-Type-Options", "nosniff")
        answer.headers.setdefault("Referrer-Policy", "same-origin")
        if request.endpoint == "panel.show":
            answer.headers["Cache-Control"] = "no-store"
        return answer

    @panel.get("/")
    def show() -> str:
        note = notes.pop() if notes else None
        notes.clear()
        now = world.tick()
        chargers = world.chargers()
        return render_template(
            "panel/panel.html",
            now=now,
            rate=world.clock.rate,
            note=note,
            chargers=[(each, _connectors(world, each)) for each in chargers],
            cars=MODELS.values(),
            chosen_car=world.chosen_car,
            auto_plug=world.auto_plug,
            sessions=list(reversed(world.sessions()))[:SHOWN_SESSIONS],
            capture_failed=CAPTURE_FAILED,
            requires_review=REQUIRES_REVIEW,
            captured=CAPTURED,
            kinds=list(Kind),
            endpoints=ENDPOINTS,
            rules=faults.waiting(),
            requests=world.traffic.recent()[:20],
            too_many=world.traffic.total(status=429),
            news=world.news()[:20],
            troubles=world.troubles(),
            rough_now=_rough_now(world),
            systems=systems,
            lucks=list(Luck),
            tablet_link=f"{kiosk_path.rstrip('/')}/tablet/",
            charger_link=lambda code: f"{kiosk_path.rstrip('/')}/c/{code}",
        )

    def done(anchor: str = "") -> Response:
        return redirect(url_for("panel.show", _anchor=anchor or None), 303)  # type: ignore[return-value]

    def attempt(work: Callable[[], object]) -> None:
        try:
            work()
        except (NotPossible, Refusal) as problem:
            notes.append(f"Not possible: {problem}.")

    @panel.post("/connector/<code>/<int:connector_id>/<action>")
    def connector(code: str, connector_id: int, action: str) -> Response:
        hand = by_connector.get(action) or abort(404)
        attempt(lambda: hand(code, connector_id))
        return done(code)

    @panel.post("/charger/<code>/<action>")
    def charger(code: str, action: str) -> Response:
        hand = by_charger.get(action) or abort(404)
        attempt(lambda: hand(code))
        return done(code)

    @panel.post("/session/<intent_id>/<action>")
    def session(intent_id: str, action: str) -> Response:
        hand = by_session.get(action) or abort(404)
        found = next((each for each in world.sessions() if each.intent_id == intent_id), None) or abort(404)
        attempt(lambda: hand(found.token))
        return done("sessions")

    @panel.post("/drivers")
    def drivers() -> Response:
        world.auto_plug = request.form.get("auto_plug") == "on"
        attempt(lambda: setattr(world, "chosen_car", request.form.get("car") or None))
        return done("drivers")

    @panel.post("/faults")
    def add_fault() -> Response:
        try:
            times = int(request.form.get("times") or "1")
            rule = Rule(
                Kind(request.form.get("kind", "")),
                request.form.get("endpoint") or None,
                times=min(times, 1000),
                after_effect=request.form.get("after_effect") == "on",
                retry_after=int(request.form.get("retry_after") or "30"),
            )
        except ValueError as problem:
            notes.append(f"Not possible: {problem}.")
        else:
            faults.add(rule)
        return done("faults")

    @panel.post("/faults/clear")
    def clear_faults() -> Response:
        faults.clear()
        return done("faults")

    @panel.post("/system/<key>/<luck>")
    def system(key: str, luck: str) -> Response:
        found = next((each for each in systems if each.key == key), None) or abort(404)
        if luck not in list(Luck):
            abort(404)
        found.set(Luck(luck), world.clock.rate)
        return done("systems")

    @panel.post("/rough")
    def make_rough() -> Response:
        if not world.troubles():
            world.make_rough(faults)
        return done("rough")

    @panel.post("/rough/<trouble>/<state>")
    def trouble(trouble: str, state: str) -> Response:
        if state not in ("on", "off") or (trouble != "all" and trouble not in list(Trouble)):
            abort(404)
        for each in list(Trouble) if trouble == "all" else [Trouble(trouble)]:
            attempt(lambda each=each: world.set_trouble(each, state == "on"))  # type: ignore[misc]
        return done("rough")

    @panel.post("/webhooks/lose")
    def lose_webhook() -> Response:
        world.lose_webhooks()
        return done("faults")

    return panel


ByConnector = dict[str, Callable[[str, int], None]]
ByCharger = dict[str, Callable[[str], None]]
BySession = dict[str, Callable[[str], Session]]


def _hands(world: World) -> tuple[ByConnector, ByCharger, BySession]:
    by_connector: ByConnector = {
        "plug-in": lambda code, number: world.plug_in(code, number, request.form.get("car") or world.chosen_car),
        "unplug": world.unplug,
        "stop": world.stop_at_charger,
        "break": world.break_connector,
        "repair": world.repair_connector,
        "block": world.block_connector,
        "car-full": world.fill_car,
        "meter-back": world.turn_meter_back,
        "absurd": world.report_absurd,
        "timer": lambda code, number: world.let_wait(code, number, WAIT),
        "pause": lambda code, number: world.pause(code, number, WAIT),
        "late": lambda code, number: world.come_late(code, number, plug_after=110, handshake=15),
    }
    by_charger: ByCharger = {
        "offline": lambda code: world.set_online(code, False),
        "online": lambda code: world.set_online(code, True),
        "reject-start": world.reject_next_start,
        "refuse-stop": world.refuse_next_stop,
        "ignore-stop": world.ignore_next_stop,
        "fail-capture": world.fail_next_capture,
        "rare-meter": lambda code: world.set_meter_interval(code, 300),
        "usual-meter": lambda code: world.set_meter_interval(code, None),
        "hide-energy": world.hide_energy,
        "half-end": lambda code: world.hold_back_amounts(code, 120),
        "strange-word": lambda code: world.say_instead(code, "charging", "optimising"),
        "strange-end": lambda code: world.say_instead(code, "captured", "archived"),
        "full-hour": world.use_up_hour,
        "out-of-order": lambda code: world.set_charger_status(code, "Faulted"),
        "in-order": world.set_charger_status,
        "whole-answers": lambda code: _whole_answers(world, code),
    }
    by_session: BySession = {
        "refund": world.refund,
        "settle": world.settle_again,
        "write-off": world.write_off,
    }
    return by_connector, by_charger, by_session


def _connectors(world: World, charger: ChargerView) -> list[tuple[ConnectorView, Session | None]]:
    return [(each, world.holder(charger.spec.code, each.spec.connector_id)) for each in charger.connectors]


def _whole_answers(world: World, code: str) -> None:
    """Nothing about sessions at this charger is half told or told in another word any more."""
    world.hide_energy(code, False)
    world.hold_back_amounts(code, None)
    for status in STATUSES:
        world.say_instead(code, status, None)


def _rough_now(world: World) -> list[str]:
    """What is rough at this moment, in plain words, whoever made it so."""
    told = []
    delays, limits = world.line.delays, world.limits
    if delays.often and (delays.before[1] or delays.after[1]):
        told.append(f"{delays.often:.0%} of the calls are late by up to {delays.before[1] + delays.after[1]:g} s")
    if limits.window == "fixed":
        told.append("limits are counted in fixed minutes")
    if limits.foreign_share:
        told.append(f"others at our address take {limits.foreign_share:.0%} of each limit")
    return told + [f"{code}: {mood}" for code, moods in world.moods() for mood in moods]


def _from_another_site() -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc != request.host
