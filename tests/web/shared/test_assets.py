"""Static files: one digest in every address, compressed once, cached for ever. Pages: compressed where it is safe."""

from __future__ import annotations

import gzip
import threading
from pathlib import Path

import brotli  # type: ignore[import-untyped]
import pytest
from flask import Flask, Response, jsonify
from flask.testing import FlaskClient
from werkzeug.datastructures import Headers

from kiosk.web.shared.assets import digest_of, no_compress, prepare, read_files, slim_script, slim_sheet
from kiosk.web.shared.security import no_store
from tests.web.built import PUBLIC, made_app

STATIC = Path(__file__).parents[3] / "static"
LONG = "words and words " * 200


def with_pages(app: Flask) -> Flask:
    @app.get("/test/page")
    def page() -> str:
        return LONG

    @app.get("/test/short")
    def short() -> str:
        return "short"

    @app.get("/test/payment")
    @no_store
    def payment() -> Response:
        return no_compress(jsonify(text=LONG))

    @app.get("/test/stream")
    def stream() -> Response:
        return Response((f"data: {LONG}\n\n" for _ in range(3)), mimetype="text/event-stream")

    @app.get("/test/tagged")
    def tagged() -> Response:
        response = jsonify(text=LONG)
        response.set_etag("v1")
        return response

    return app


def test_comments_are_not_sent_and_nothing_else_is_missing() -> None:
    sheet = b"/* why */\na > b:is(.c, .d) {\n  color: red; inline-size: calc(1em + 2px);\n}\n"
    sheet += b"@media (max-width: 20em) { p { margin: 0 } }\n"
    assert slim_sheet(sheet) == (
        b"a > b:is(.c, .d){color: red;inline-size: calc(1em + 2px)}@media (max-width: 20em){p{margin: 0}}"
    )
    script = b"""// @ts-check
/** What it does. @param {string} text */
function say(text) {
  // aloud
  const url = 'https://one.example/*/two'; // stays
  /**
   * @param {number} more
   */
  return /** @type {any} */ (`${url} ${text}`);
}
"""
    assert slim_script(script) == (
        b"function say(text) {\nconst url = 'https://one.example/*/two'; // stays\n"
        b"return /** @type {any} */ (`${url} ${text}`);\n}\n"
    )


@pytest.mark.parametrize("path", sorted(STATIC.rglob("*.js")), ids=lambda path: path.name)
def test_no_script_has_text_of_several_lines_that_would_lose_its_spaces(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert all(line.count("`") % 2 == 0 for line in lines)
    assert slim_script(path.read_bytes()).count(b"`") == path.read_bytes().count(b"`") - sum(
        line.count("`") for line in lines if line.lstrip().startswith(("*", "/*", "//"))
    )


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    return with_pages(made_app(tmp_path_factory.mktemp("kiosk")))


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def asset(app: Flask, name: str) -> str:
    address: str = app.extensions["asset"](name)
    return address


def fetch(client: FlaskClient, address: str, encoding: str = "") -> tuple[Headers, bytes]:
    """Headers and body of a static file, whose handle is closed as a server would."""
    with client.get(address, headers={"Accept-Encoding": encoding}) as response:
        assert response.status_code == 200
        return response.headers, response.data


def made(folder: Path) -> Path:
    folder.mkdir()
    for wing in ("shared", "driver"):
        (folder / wing).mkdir()
    (folder / "shared" / "tokens.css").write_text(":root { --hue: 208 }")
    (folder / "shared" / "kiosk.css").write_text("body { color: red }" * 100)
    (folder / "driver" / "driver.css").write_text("form { margin: 0 }")
    (folder / "page.js").write_text("export const a = 1;" * 100)
    (folder / ".hidden").write_text("not for the public")
    return folder


def test_a_static_file_is_cached_for_ever_under_its_digest(app: Flask, client: FlaskClient) -> None:
    headers, _ = fetch(client, asset(app, "shared/icons.svg"))
    assert "immutable" in headers["Cache-Control"]
    assert headers["Content-Type"].startswith("image/svg+xml")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Access-Control-Allow-Origin" not in headers


def test_the_style_sheets_are_one_file_with_the_operators_hue(app: Flask, client: FlaskClient) -> None:
    sheet = fetch(client, asset(app, "app.css"))[1].decode()
    for name in ("shared/tokens.css", "shared/kiosk.css", "driver/driver.css"):
        assert slim_sheet((STATIC / name).read_bytes()).decode() in sheet
    assert sheet.endswith(":root{--hue: 208}")


@pytest.mark.parametrize(("encoding", "unpack"), [("br", brotli.decompress), ("gzip", gzip.decompress)])
def test_a_static_file_goes_out_compressed(app: Flask, client: FlaskClient, encoding: str, unpack: object) -> None:
    assert callable(unpack)
    _, plain = fetch(client, asset(app, "app.css"))
    headers, packed = fetch(client, asset(app, "app.css"), encoding)
    assert headers["Content-Encoding"] == encoding
    assert headers["Vary"] == "Accept-Encoding"
    assert len(packed) < len(plain) / 3
    assert unpack(packed) == plain


def test_the_style_sheet_keeps_its_budget(app: Flask, client: FlaskClient) -> None:
    _, packed = fetch(client, asset(app, "app.css"), "br")
    assert len(packed) < 7_000


def test_over_tls_static_files_insist_on_it_too(tmp_path: Path) -> None:
    app = made_app(tmp_path, public_url=PUBLIC)
    headers, _ = fetch(app.test_client(), asset(app, "app.css"))
    assert "Strict-Transport-Security" in headers


def test_a_file_that_is_not_there_fails_when_the_page_is_drawn(app: Flask) -> None:
    with pytest.raises(LookupError, match=r"nothing\.js"):
        asset(app, "nothing.js")


@pytest.mark.parametrize("path", ["/static/app.css", "/static/0000000000000000/app.css", "/static/../app.py"])
def test_only_the_present_address_is_served(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_the_digest_follows_every_byte_and_every_name(tmp_path: Path) -> None:
    folder = made(tmp_path / "static")
    first = digest_of(read_files(folder, 208))
    assert digest_of(read_files(folder, 208)) == first
    assert digest_of(read_files(folder, 209)) != first
    (folder / "page.js").rename(folder / "pages.js")
    renamed = digest_of(read_files(folder, 208))
    assert renamed != first
    (folder / "pages.js").write_text("export const a = 2;")
    assert digest_of(read_files(folder, 208)) not in {first, renamed}


def test_hidden_files_are_not_public(tmp_path: Path) -> None:
    assert set(read_files(made(tmp_path / "static"), 208)) == {"app.css", "page.js"}


def test_a_prepared_folder_is_used_again(tmp_path: Path) -> None:
    files = read_files(made(tmp_path / "static"), 208)
    folder = prepare(files, tmp_path / "cache" / "digest")
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert set(before) == {"app.css", "app.css.br", "app.css.gz", "page.js", "page.js.br", "page.js.gz"}
    shelf = folder.parent.stat().st_mtime_ns
    prepare(files, folder)
    assert folder.parent.stat().st_mtime_ns == shelf  # nothing was made beside it
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_processes_that_prepare_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    files = read_files(made(tmp_path / "static"), 208)
    target = tmp_path / "cache" / "digest"
    together = threading.Barrier(4)
    problems: list[Exception] = []

    def run() -> None:
        together.wait()
        try:
            prepare(files, target)
        except Exception as error:  # noqa: BLE001 - handed to the test
            problems.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert [path.name for path in target.parent.iterdir()] == ["digest"]
    assert (target / "app.css").read_bytes() == files["app.css"]


@pytest.mark.parametrize("encoding", ["br", "gzip"])
def test_pages_go_out_compressed(client: FlaskClient, encoding: str) -> None:
    response = client.get("/test/page", headers={"Accept-Encoding": encoding})
    assert response.headers["Content-Encoding"] == encoding
    assert len(response.data) < len(LONG) / 10


def test_a_browser_prefers_brotli(client: FlaskClient) -> None:
    response = client.get("/test/page", headers={"Accept-Encoding": "gzip, deflate, br, zstd"})
    assert response.headers["Content-Encoding"] == "br"


def test_a_payment_secret_is_never_compressed_here_or_on_the_way(client: FlaskClient) -> None:
    response = client.get("/test/payment", headers={"Accept-Encoding": "br, gzip"})
    assert "Content-Encoding" not in response.headers
    assert {part.strip() for part in response.headers["Cache-Control"].split(",")} == {"no-store", "no-transform"}


def test_an_event_stream_is_never_compressed(client: FlaskClient) -> None:
    response = client.get("/test/stream", headers={"Accept-Encoding": "br, gzip"})
    assert "Content-Encoding" not in response.headers
    assert response.text.count("data: ") == 3


def test_a_short_answer_is_not_worth_it(client: FlaskClient) -> None:
    assert "Content-Encoding" not in client.get("/test/short", headers={"Accept-Encoding": "br"}).headers


def test_an_unchanged_answer_is_not_sent_again_compressed_or_not(client: FlaskClient) -> None:
    first = client.get("/test/tagged", headers={"Accept-Encoding": "br"})
    again = client.get("/test/tagged", headers={"Accept-Encoding": "br", "If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
