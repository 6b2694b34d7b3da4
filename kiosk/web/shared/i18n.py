"""Which language a page speaks: `?lang=`, then the cookie, then the browser, then the operator's default."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from flask import Flask, Response, g, has_request_context, request
from flask_babel import Babel  # type: ignore[import-untyped]

from kiosk.web.shared.parts import parts

COOKIE = "lang"
COOKIE_SECONDS = 365 * 24 * 3600
TRANSLATIONS = Path(__file__).parents[1] / "translations"
NAMES = {"en": "English", "nl": "Nederlands", "de": "Deutsch", "fr": "Français"}


@dataclass(frozen=True)
class Language:
    """A language as the menu shows it: its own name, and whether the page speaks it now."""

    code: str
    name: str
    current: bool


def init_i18n(app: Flask) -> None:
    Babel(app, locale_selector=language, default_translation_directories=str(TRANSLATIONS))
    app.jinja_env.globals.update(language=language, languages=languages)
    app.after_request(_remember)


def language() -> str:
    """The code of the page's language, one of the operator's. Outside a request the operator's default."""
    operator = parts().site.operator
    if not has_request_context():
        return operator.default_language
    if "language" not in g:
        asked = (request.args.get("lang"), request.cookies.get(COOKIE))
        wanted = next((code for code in asked if code in operator.languages), None)
        g.language = wanted or request.accept_languages.best_match(operator.languages, operator.default_language)
    return str(g.language)


def languages() -> tuple[Language, ...]:
    """The operator's languages in the order of their own names."""
    now = language()
    codes = sorted(parts().site.operator.languages, key=lambda code: NAMES[code].casefold())
    return tuple(Language(code, NAMES[code], code == now) for code in codes)


def _remember(response: Response) -> Response:
    """Keep the choice that was made by a link, and tell caches that the language depends on the reader."""
    if response.mimetype in {"text/html", "application/json"}:
        response.vary.update(("Accept-Language", "Cookie"))
    chosen = request.args.get("lang")
    if chosen and chosen in parts().site.operator.languages and request.cookies.get(COOKIE) != chosen:
        response.set_cookie(
            COOKIE, chosen, COOKIE_SECONDS, secure=parts().settings.https, httponly=True, samesite="Lax"
        )
    return response
