"""What every template may call: icons, the kiosk's time for scripts, links to other languages, helpers for money."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal

from flask import request
from flask.blueprints import BlueprintSetupState
from werkzeug.exceptions import HTTPException

from kiosk.domain.handoff import ID_SIGNS
from kiosk.domain.money import Money
from kiosk.domain.signs import SIGNS
from kiosk.domain.tariff import EXAMPLE_KWH, Tariff
from kiosk.web.shared.formats import money
from kiosk.web.shared.icons import icon, icon_sheet
from kiosk.web.shared.local_text import said
from kiosk.web.shared.parts import parts

_BOTH_WAYS = ("/t/", "/h/", "/tablet/pair")
"""Forms that are answered at the address of their own page."""
_HANDED = re.compile(f"[{SIGNS}]{{{ID_SIGNS}}}")
"""The id of a hand-off from a tablet, which a page in another language keeps."""


def install(state: BlueprintSetupState) -> None:
    """For `Blueprint.record_once`."""
    state.app.config.setdefault("PING_SECONDS", 15.0)
    state.app.jinja_env.globals.update(
        icon=icon,
        icon_sheet=icon_sheet,
        kiosk_now=kiosk_now,
        kiosk_rate=kiosk_rate,
        lang_url=lang_url,
        example=example,
        minus=minus,
        nothing=nothing,
        vat_percent=vat_percent,
    )
    state.app.jinja_env.filters.update(decimal=Decimal, said=said)


def vat_percent(code: str) -> Decimal | None:
    """The rate of VAT that the prices of a charger include."""
    return parts().site.vat_percent(code)


def kiosk_now() -> str:
    """The kiosk's time, from which scripts count on."""
    return exact(parts().clock.now())


def exact(moment: datetime) -> str:
    """UTC to the millisecond, as scripts read it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def kiosk_rate() -> str:
    """Seconds of the kiosk's clock in one real second: 1, more in the demo."""
    return f"{parts().clock.rate:g}"


def lang_url(code: str) -> str:
    """The same page in another language. A page that answers a form has its address one step up."""
    path = request.path
    if request.method not in {"GET", "HEAD"} and not path.startswith(_BOTH_WAYS):
        path = path.rpartition("/")[0] or "/"
    handed = request.args.get("h", "") or _posted("h")
    return f"{path}?lang={code}" + (f"&h={handed}" if _HANDED.fullmatch(handed) else "")


def _posted(name: str) -> str:
    """A field of the form, on the page that answers it. A body that cannot be read was refused, and is not read again
    for the page that says so."""
    try:
        return request.form.get(name, "")
    except HTTPException:
        return ""


def example(tariff: Tariff) -> Money:
    return tariff.example(EXAMPLE_KWH)


def minus(taken: Money) -> str:
    """An amount as it leaves the hold; nothing stays nothing."""
    return money(Money(-taken.minor, taken.currency) if taken.minor else taken)


def nothing(like: Money) -> Money:
    return Money(0, like.currency)
