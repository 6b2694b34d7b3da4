"""The page's language, and that every catalogue is complete, compiled and fits its texts."""

from __future__ import annotations

import io
import re
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po
from flask import Flask
from flask.testing import FlaskClient
from flask_babel import get_locale  # type: ignore[import-untyped]

from kiosk.config.languages import CATALOGUES as FOLDER
from kiosk.config.languages import LANGUAGES, WRITTEN_IN
from kiosk.config.sites import Operator, SiteBook
from kiosk.web.shared.i18n import language, languages
from tests.web.built import PUBLIC, made_app

HOME = Path(__file__).parents[3]
CATALOGUES = sorted(FOLDER.glob("*/LC_MESSAGES/messages.po"))
PLACES = re.compile(r"%\((\w+)\)s|%%|%")


def with_pages(app: Flask) -> Flask:
    @app.get("/test/language")
    def page() -> str:
        assert str(get_locale()) == language()
        return f"{language()} {','.join(each.name for each in languages())}"

    return app


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    site = SiteBook(operator=Operator(languages=("de", "en", "nl"), default_language="nl"))
    return with_pages(made_app(tmp_path_factory.mktemp("kiosk"), site=site))


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def spoken(client: FlaskClient, query: str = "", accept: str = "") -> str:
    return client.get(f"/test/language{query}", headers={"Accept-Language": accept}).text.split()[0]


@pytest.mark.parametrize(
    ("asked", "expected", "kept"),
    [
        ("de-DE", "de", ["lang=de"]),
        ("DE", "de", ["lang=de"]),
        ("de_AT", "de", ["lang=de"]),
        ("en-GB-oxendict", "en", ["lang=en-GB"]),
        ("fr-CH", "nl", []),  # not one of this operator's
        ("*", "nl", []),
        ("de,en", "nl", []),
        ("de;q=1", "nl", []),
        ("", "nl", []),
        ("d" * 5000, "nl", []),
    ],
)
def test_a_language_is_asked_for_as_programs_write_it(
    client: FlaskClient, asked: str, expected: str, kept: list[str]
) -> None:
    answer = client.get("/test/language", query_string={"lang": asked})
    assert answer.text.split()[0] == expected
    cookies = [value.split(";")[0] for value in answer.headers.getlist("Set-Cookie")]
    assert [value for value in cookies if value.startswith("lang=")] == kept
    client.set_cookie("lang", asked[:50])
    assert spoken(client) == expected
    client.delete_cookie("lang")


def test_the_operators_default_speaks_to_whoever_asks_for_nothing(client: FlaskClient) -> None:
    assert spoken(client) == "nl"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.5", "de"),
        ("en-US", "en"),
        ("pl,en;q=0.4", "en"),
        ("fr", "nl"),  # not one of this operator's
        ("*", "de"),
        ("%%%;q=x", "nl"),
    ],
)
def test_the_browser_is_listened_to(client: FlaskClient, accept: str, expected: str) -> None:
    assert spoken(client, accept=accept) == expected


def test_a_chosen_language_stays(client: FlaskClient) -> None:
    assert spoken(client, "?lang=en", accept="de") == "en"
    assert spoken(client, accept="de") == "en"
    assert spoken(client, "?lang=de", accept="nl") == "de"
    assert spoken(client, accept="nl") == "de"


@pytest.mark.parametrize("wanted", ["fr", "xx", "", "en\r\nX: y", "../../de"])
def test_a_language_that_is_not_offered_changes_nothing(client: FlaskClient, wanted: str) -> None:
    response = client.get("/test/language", query_string={"lang": wanted})
    assert response.text.split()[0] == "nl"
    assert "Set-Cookie" not in response.headers


def test_the_choice_is_kept_in_a_cookie_of_ours_alone(tmp_path: Path) -> None:
    client = with_pages(made_app(tmp_path, public_url=PUBLIC)).test_client()
    cookie = client.get("/test/language?lang=de", base_url=PUBLIC).headers["Set-Cookie"]
    assert cookie.startswith("lang=de;")
    assert "Secure; HttpOnly; Path=/; SameSite=Lax" in cookie


def test_the_menu_lists_the_operators_languages_by_their_own_names(client: FlaskClient) -> None:
    assert client.get("/test/language").text == "nl Deutsch,English,Nederlands"


def test_caches_are_told_that_pages_depend_on_the_reader(client: FlaskClient) -> None:
    assert {"Accept-Language", "Cookie"} <= set(client.get("/test/language").vary)


def test_outside_a_request_the_default_is_spoken(app: Flask) -> None:
    with app.app_context():
        assert language() == "nl"


@cache
def template() -> Catalog:
    """Every text in the code and the pages, as it stands now; but those of the desk, which speaks English alone."""
    catalog = Catalog()
    python = (("kiosk/web", "**.py", "python"), ("kiosk/stickers", "**.py", "python"))
    for folder, pattern, method in (*python, ("templates", "**.html", "jinja2")):
        for _, _, message, _, context in extract_from_dir(
            HOME / folder, method_map=[("desk/**", "ignore"), (pattern, method)]
        ):
            catalog.add(message, context=context)
    return catalog


def catalogue(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=path.parent.parent.name)


def texts(value: object) -> tuple[str, ...]:
    return tuple(value) if isinstance(value, list | tuple) else (str(value),)


def places(text: str) -> set[str]:
    """The named places of a text. Anything else with a percent sign is a mistake."""
    found = set()
    for match in PLACES.finditer(text):
        if match[0] == "%":
            raise AssertionError(f"a lone percent sign in {text!r}")
        found |= {match[1]} - {None}
    return found


def test_the_texts_are_found() -> None:
    assert template().get("Too many tries") is not None
    assert template().get("Skip to content") is not None


def test_every_text_has_named_places_only() -> None:
    for message in template():
        for text in texts(message.id):
            places(text)


def test_every_language_has_a_catalogue_and_every_catalogue_a_language() -> None:
    assert {path.parent.parent.name for path in CATALOGUES} == set(LANGUAGES) - {WRITTEN_IN}


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parent.parent.name)
def test_a_catalogue_has_every_text_and_no_other(path: Path) -> None:
    wanted = {(message.context, message.id) for message in template() if message.id}
    assert {(message.context, message.id) for message in catalogue(path) if message.id} == wanted


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parent.parent.name)
def test_a_catalogue_has_no_gap(path: Path) -> None:
    open_ones = [m.id for m in catalogue(path) if m.id and (m.fuzzy or not all(texts(m.string)))]
    assert open_ones == []


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parent.parent.name)
def test_a_translation_has_the_places_of_its_text(path: Path) -> None:
    wrong = []
    for message in catalogue(path):
        originals = texts(message.id)
        most, least = places(originals[-1]), places(originals[0])
        if message.id and any(not least & most <= places(text) <= most for text in texts(message.string)):
            wrong.append(message.id)
    assert wrong == []


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parent.parent.name)
def test_what_is_compiled_is_what_is_written(path: Path) -> None:
    fresh = io.BytesIO()
    write_mo(fresh, catalogue(path))
    fresh.seek(0)
    with path.with_suffix(".mo").open("rb") as file:
        compiled = {(message.context, message.id): message.string for message in read_mo(file) if message.id}
    assert compiled == {(message.context, message.id): message.string for message in read_mo(fresh) if message.id}


def test_the_first_picture_of_a_page_waits_for_its_whole_header(client: FlaskClient) -> None:
    """On a slow line the menu of languages may arrive after the first picture, and half of the header would move."""
    page = client.get("/").get_data(as_text=True)
    head, _, rest = page.partition("<body")
    assert '<link rel="expect" href="#languages" blocking="render">' in head
    assert rest.count('id="languages"') == 1
