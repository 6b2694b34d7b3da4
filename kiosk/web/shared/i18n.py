"""The language that a page speaks: `?lang=`, then the cookie, then the browser, then the operator's default; and how
it is written: as in the country that the reader names for it, else as in the country of the place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from gettext import NullTranslations

from flask import Flask, Response, current_app, g, has_request_context, request
from flask_babel import Babel  # type: ignore[import-untyped]
from markupsafe import Markup
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from kiosk.config import languages as table
from kiosk.config.languages import LANGUAGES, LOCALES, WRITTEN_IN, Language, Locale, catalogue, locale_of, named
from kiosk.web.shared.parts import parts
from kiosk.web.shared.shown_where import on_desk, on_tablet

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
    app.jinja_env.globals.update(language=language, languages=languages, spoken=spoken, locale=locale)
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        lambda text: words().gettext(text),
        lambda one, many, count: words().ngettext(one, many, count),
        newstyle=True,
        pgettext=lambda context, text: words().pgettext(context, text),
        npgettext=lambda context, one, many, count: words().npgettext(context, one, many, count),
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
    if on_desk():
        return WRITTEN_IN  # its texts are in no catalogue yet
    operator = parts().site.operator
    asked = _asked()
    if asked:
        return named(asked[0])[0]
    return _accepted(request.headers.get("Accept-Language", ""), tuple(operator.languages), operator.default_language)


def wished(tag: str | None) -> str | None:
    """What somebody means by a tag such as `de`, `de-DE` or `DE_ch`: the code of a language that the operator offers,
    or the tag of a country's way to write it (`de-CH`). None for no such one.
    """
    if tag is None or not _TAG.fullmatch(tag):
        return None
    code = _accepted(tag, tuple(parts().site.operator.languages), "")
    exact = f"{code}-{named(tag)[1]}"
    return exact if exact in LOCALES else code or None


def _asked() -> list[str]:
    """What the reader chose, by a link and before it."""
    chosen = map(wished, (request.args.get("lang"), request.cookies.get(COOKIE)))
    return [tag for tag in chosen if tag is not None]


def locale() -> Locale:
    """How the page writes its language: words, money, figures, days and the clock."""
    code = language()
    if not has_request_context():
        return locale_of(code, (), parts().site.country() if current_app else None)
    kept: Locale | None = g.get("locale")
    if kept is None or kept.language != code:
        # A tablet stands for whoever comes: its browser asks for nobody.
        browser = () if on_tablet() else _tags(request.headers.get("Accept-Language", ""))
        kept = g.locale = locale_of(code, (*_asked(), *browser), g.get("country") or _country())
    return kept


def write_as_in(country: str | None) -> None:
    """The page is about something in that country: its language is written so where the reader names no country."""
    g.country = country
    g.pop("locale", None)


def _country() -> str | None:
    """The country of the charger that the address names, else the only one that there is."""
    return parts().site.country((request.view_args or {}).get("code"))


def words() -> NullTranslations:
    """What the page's language says, as the reader's country writes it."""
    return catalogue(locale().tag)


@lru_cache(maxsize=1024)
def _tags(header: str) -> tuple[str, ...]:
    """The tags of an `Accept-Language`, the best one first."""
    return tuple(parse_accept_header(header, LanguageAccept).values())


@lru_cache(maxsize=1024)
def _accepted(header: str, known: tuple[str, ...], default: str) -> str:
    """The best of the known languages for an `Accept-Language`. Browsers send few different ones."""
    return parse_accept_header(header, LanguageAccept).best_match(known, default)


def _markup(text: str, /, **places: object) -> Markup:
    """`text` in the page's language, for a template: what fills its places is escaped."""
    code = locale().tag
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
