"""The language that a page speaks: `?lang=`, then the cookie, then the browser, then the operator's default."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from flask import Flask, Response, g, has_request_context, request
from flask_babel import Babel  # type: ignore[import-untyped]
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from kiosk.config import languages as table
from kiosk.config.languages import LANGUAGES, Language, catalogue
from kiosk.web.shared.parts import parts

COOKIE = "lang"
COOKIE_SECONDS = 365 * 24 * 3600


@dataclass(frozen=True)
class Choice:
    """A language in the menu: its own name, and whether the page speaks it now."""

    code: str
    name: str
    current: bool


def init_i18n(app: Flask) -> None:
    Babel(app, locale_selector=language, default_translation_directories=str(table.CATALOGUES))
    app.jinja_env.globals.update(language=language, languages=languages, spoken=spoken)
    # A page has dozens of texts, and for each of them Flask-Babel looks up the catalogue of the request at some cost.
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        lambda text: catalogue(language()).gettext(text),
        lambda one, many, count: catalogue(language()).ngettext(one, many, count),
        newstyle=True,
        pgettext=lambda context, text: catalogue(language()).pgettext(context, text),
        npgettext=lambda context, one, many, count: catalogue(language()).npgettext(context, one, many, count),
    )
    app.after_request(_remember)


def language() -> str:
    """The code of the page's language, one of the operator's. Outside a request the operator's default."""
    operator = parts().site.operator
    if not has_request_context():
        return operator.default_language
    if "language" not in g:
        asked = (request.args.get("lang"), request.cookies.get(COOKIE))
        wanted = next((code for code in asked if code in operator.languages), None)
        g.language = wanted or _accepted(
            request.headers.get("Accept-Language", ""), tuple(operator.languages), operator.default_language
        )
    return str(g.language)


@lru_cache(maxsize=1024)
def _accepted(header: str, known: tuple[str, ...], default: str) -> str:
    """The best of the known languages for an `Accept-Language`. Browsers send few different ones."""
    return parse_accept_header(header, LanguageAccept).best_match(known, default)


def spoken() -> Language:
    """The row of the page's language."""
    return LANGUAGES[language()]


def languages() -> tuple[Choice, ...]:
    """The operator's languages in the order of their own names."""
    current = language()
    offered = sorted((LANGUAGES[code] for code in parts().site.operator.languages), key=lambda row: row.name.casefold())
    return tuple(Choice(row.code, row.name, row.code == current) for row in offered)


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
