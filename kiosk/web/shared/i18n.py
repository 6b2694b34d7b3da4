"""The language that a page speaks: `?lang=`, then the cookie, then the browser, then the operator's default."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from flask import Flask, Response, current_app, g, has_request_context, request
from flask_babel import Babel  # type: ignore[import-untyped]
from markupsafe import Markup
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from kiosk.config import languages as table
from kiosk.config.languages import LANGUAGES, WRITTEN_IN, Language, catalogue
from kiosk.web.shared.parts import parts

COOKIE = "lang"
COOKIE_SECONDS = 365 * 24 * 3600
_TAG = re.compile(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8}){0,3}")


@dataclass(frozen=True)
class Choice:
    """A language in the menu: its own name, and whether the page speaks it now."""

    code: str
    name: str
    current: bool


def init_i18n(app: Flask) -> None:
    Babel(app, locale_selector=language, default_translation_directories=str(table.CATALOGUES))
    app.jinja_env.globals.update(language=language, languages=languages, spoken=spoken)
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        lambda text: catalogue(language()).gettext(text),
        lambda one, many, count: catalogue(language()).ngettext(one, many, count),
        newstyle=True,
        pgettext=lambda context, text: catalogue(language()).pgettext(context, text),
        npgettext=lambda context, one, many, count: catalogue(language()).npgettext(context, one, many, count),
    )
    # A page has dozens of texts. Jinja's `_` would find `gettext` by name and fill in no places, for each of them.
    app.jinja_env.globals["_"] = _markup
    app.after_request(_remember)


def language() -> str:
    """The code of the page's language, one of the operator's. Outside a request the operator's default.

    Outside an app it is the language of the texts in the code.
    """
    if not has_request_context():
        return parts().site.operator.default_language if current_app else WRITTEN_IN
    chosen: str | None = g.get("language")
    if chosen is None:
        chosen = g.language = _chosen()
    return chosen


def _chosen() -> str:
    operator = parts().site.operator
    asked = (request.args.get("lang"), request.cookies.get(COOKIE))
    wanted = next((code for code in map(wished, asked) if code is not None), None)
    return wanted or _accepted(
        request.headers.get("Accept-Language", ""), tuple(operator.languages), operator.default_language
    )


def wished(tag: str | None) -> str | None:
    """The operator's language that somebody means by a tag such as `de`, `de-DE` or `DE_at`; None for no such one."""
    if tag is None or not _TAG.fullmatch(tag):
        return None
    return _accepted(tag, tuple(parts().site.operator.languages), "") or None


@lru_cache(maxsize=1024)
def _accepted(header: str, known: tuple[str, ...], default: str) -> str:
    """The best of the known languages for an `Accept-Language`. Browsers send few different ones."""
    return parse_accept_header(header, LanguageAccept).best_match(known, default)


def _markup(text: str, /, **places: object) -> Markup:
    """`text` in the page's language, for a template: what fills its places is escaped."""
    code = language()
    return _with_places(code, text) % places if places else _without_places(code, text)


@lru_cache(maxsize=4096)
def _with_places(code: str, text: str) -> Markup:
    return Markup(catalogue(code).gettext(text))  # noqa: S704 - a text of ours, from a template or a catalogue


@lru_cache(maxsize=4096)
def _without_places(code: str, text: str) -> Markup:
    """Kept, because most texts of a page are the same ones each time. Texts come from templates alone: they are few."""
    return _with_places(code, text) % {}


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
    chosen = wished(request.args.get("lang"))
    if chosen is not None and request.cookies.get(COOKIE) != chosen:
        response.set_cookie(
            COOKIE, chosen, COOKIE_SECONDS, secure=parts().settings.https, httponly=True, samesite="Lax"
        )
    return response
