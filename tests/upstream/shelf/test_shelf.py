"""Files reach a folder, WebDAV and S3 whole or not at all, and each failure says what kind it is."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kiosk.clock import ManualClock
from kiosk.domain.nightly import NotWritten
from kiosk.upstream.errors import UpstreamError
from kiosk.upstream.shelf.folder import Folder
from kiosk.upstream.shelf.s3 import S3, signed_headers
from kiosk.upstream.shelf.shelf import Shelf, why_not
from kiosk.upstream.shelf.webdav import WebDav
from tests.worlds.file_server import SECRET, USER, FileServer

NAME = "lindenau-2026-11-charges.csv"


@pytest.fixture
def server() -> Iterator[FileServer]:
    server = FileServer()
    yield server
    server.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "made.csv"
    file.write_bytes(b"a,b\r\n" * 40_000)
    return file


def s3_at(server: FileServer, secret: str = SECRET) -> S3:
    server.signed = True
    return S3(server.address, "books/kiosk", "eu-central-1", USER, secret, clock=ManualClock())


def dav_at(server: FileServer) -> WebDav:
    return WebDav(f"{server.address}/dav", "kim", "hidden")


PLACES: dict[str, tuple[Callable[[FileServer], Shelf], str]] = {
    "webdav": (dav_at, f"/dav/{NAME}"),
    "s3": (s3_at, f"/books/kiosk/{NAME}"),
}
each_server = pytest.mark.parametrize("place", PLACES)


def failure(act: Callable[[], object]) -> NotWritten:
    with pytest.raises(UpstreamError) as told:
        act()
    assert "hidden" not in str(told.value)
    return why_not(told.value)


@each_server
def test_a_file_arrives_whole_and_takes_the_place_of_the_older_one(server: FileServer, file: Path, place: str) -> None:
    make, path = PLACES[place]
    shelf = make(server)
    shelf.put(NAME, file)
    file.write_bytes(b"newer")
    shelf.put(NAME, file)
    shelf.close()
    assert server.files == {path: b"newer"}


@each_server
def test_a_small_file_can_be_read_back_and_taken_away(server: FileServer, file: Path, place: str) -> None:
    shelf = PLACES[place][0](server)
    file.write_text(json.dumps({"a": 1}), encoding="utf-8")
    shelf.put(NAME, file)
    assert shelf.read(NAME) == {"a": 1}
    shelf.delete(NAME)
    shelf.close()
    assert server.files == {}


@each_server
@pytest.mark.parametrize(
    ("status", "why"),
    [
        (507, NotWritten.FULL),
        (413, NotWritten.FULL),
        (401, NotWritten.DENIED),
        (403, NotWritten.DENIED),
        (404, NotWritten.NO_PLACE),
        (409, NotWritten.NO_PLACE),
        (423, NotWritten.REFUSED),
        (500, NotWritten.UNKNOWN),
        (503, NotWritten.UNKNOWN),
        (302, NotWritten.UNKNOWN),
        (207, NotWritten.UNKNOWN),
    ],
)
def test_each_answer_says_why_nothing_was_written(
    server: FileServer, file: Path, place: str, status: int, why: NotWritten
) -> None:
    shelf = PLACES[place][0](server)
    server.answer = status
    assert failure(lambda: shelf.put(NAME, file)) is why
    shelf.close()
    assert server.files == {}


@each_server
def test_a_server_that_is_gone_was_sent_nothing(server: FileServer, file: Path, place: str) -> None:
    shelf = PLACES[place][0](server)
    server.close()
    assert failure(lambda: shelf.put(NAME, file)) is NotWritten.AWAY
    shelf.close()


@each_server
def test_an_answer_that_is_lost_leaves_it_unknown_and_the_next_try_puts_it_right(
    server: FileServer, file: Path, place: str
) -> None:
    make, path = PLACES[place]
    shelf = make(server)
    server.hangs_up = True
    assert failure(lambda: shelf.put(NAME, file)) is NotWritten.UNKNOWN
    server.hangs_up = False
    shelf.put(NAME, file)
    shelf.close()
    assert server.files == {path: file.read_bytes()}


def test_half_a_file_at_webdav_never_gets_its_name(server: FileServer, file: Path) -> None:
    shelf = dav_at(server)
    server.files[f"/dav/{NAME}"] = b"of last night"
    server.halves = True
    assert failure(lambda: shelf.put(NAME, file)) is NotWritten.UNKNOWN
    shelf.close()
    assert server.files == {f"/dav/{NAME}": b"of last night"}


def test_a_wrong_secret_is_refused_by_s3(server: FileServer, file: Path) -> None:
    shelf = s3_at(server, "another one")
    assert failure(lambda: shelf.put(NAME, file)) is NotWritten.DENIED
    shelf.close()


def test_a_signature_is_the_one_of_amazons_documentation() -> None:
    """The example "GET Object" without its Range: made anew here by the documentation's own steps for PUT Object."""
    signed = signed_headers(
        "PUT",
        "/test%24file.text",
        {
            "date": "Fri, 24 May 2013 00:00:00 GMT",
            "host": "examplebucket.s3.amazonaws.com",
            "x-amz-content-sha256": "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
            "x-amz-storage-class": "REDUCED_REDUNDANCY",
        },
        datetime(2013, 5, 24, tzinfo=UTC),
        region="us-east-1",
        key_id="AKIAIOSFODNN7EXAMPLE",
        secret="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    )
    assert signed["authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        "SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class,"
        "Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
    )


def test_a_place_tells_where_it_is_and_nothing_secret(server: FileServer, tmp_path: Path) -> None:
    shelves: list[Shelf] = [Folder(tmp_path), dav_at(server), s3_at(server)]
    host = server.address.removeprefix("http://")
    assert [one.said for one in shelves] == [str(tmp_path), f"{server.address}/dav", f"s3://books/kiosk at {host}"]
    for one in shelves:
        one.close()


def test_webdav_without_a_user_is_asked_without_one(server: FileServer, file: Path) -> None:
    shelf = WebDav(f"{server.address}/dav/", None, None)
    shelf.put(NAME, file)
    shelf.close()
    assert list(server.files) == [f"/dav/{NAME}"]


# --- a folder


def test_a_folder_holds_the_newest_file_and_no_part_of_one(tmp_path: Path, file: Path) -> None:
    place = tmp_path / "books"
    place.mkdir()
    (place / f".{NAME}.0123abcd.part").write_bytes(b"left by a kill")
    (place / NAME).write_bytes(b"of last night")
    folder = Folder(place)
    folder.put(NAME, file)
    assert [one.name for one in place.iterdir()] == [NAME]
    assert (place / NAME).read_bytes() == file.read_bytes()
    assert folder.read(NAME) is None
    folder.delete(NAME)
    assert list(place.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "why"),
    [
        (errno.ENOSPC, NotWritten.FULL),
        (errno.EDQUOT, NotWritten.FULL),
        (errno.EROFS, NotWritten.DENIED),
        (errno.EACCES, NotWritten.DENIED),
        (errno.ENOENT, NotWritten.NO_PLACE),
        (errno.EIO, NotWritten.UNKNOWN),
    ],
)
def test_a_disk_that_fails_leaves_the_older_file_as_it_was(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch, number: int, why: NotWritten
) -> None:
    place = tmp_path / "books"
    place.mkdir()
    (place / NAME).write_bytes(b"of last night")

    def half(read: Any, out: Any) -> None:
        out.write(read.read(10))
        raise OSError(number, "the disk")

    monkeypatch.setattr(shutil, "copyfileobj", half)
    assert failure(lambda: Folder(place).put(NAME, file)) is why
    assert {one.name: one.read_bytes() for one in place.iterdir()} == {NAME: b"of last night"}


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path, file: Path) -> None:
    folder = Folder(tmp_path / "not mounted")
    assert failure(lambda: folder.put(NAME, file)) is NotWritten.NO_PLACE
    assert not (tmp_path / "not mounted").exists()


def test_an_error_without_a_number_is_unknown(tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError("without a number")

    monkeypatch.setattr(shutil, "copyfileobj", broken)
    assert failure(lambda: Folder(tmp_path).put(NAME, file)) is NotWritten.UNKNOWN


def test_what_fails_before_anything_is_put_away_was_not_made() -> None:
    assert why_not(OSError("no room here")) is NotWritten.NOT_MADE
