"""The picture of the rooms: the committed one is today's, it draws what is imported, and no arrow crosses a room."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as Tree

import pytest

from tests import rooms_picture
from tests.rooms_picture import COMMAND, PICTURE, PLACES, Arrow, Place, arrows, drawn, main, picture, rooms

SVG = "{http://www.w3.org/2000/svg}"


def reach(lines: Sequence[Arrow], room: str) -> set[str]:
    below = {line.used for line in lines if line.user == room}
    return below.union(*(reach(lines, each) for each in below))


def test_the_committed_picture_is_what_the_imports_of_today_make() -> None:
    assert PICTURE.read_text(encoding="utf-8") == picture(), f"the rooms have changed: run {COMMAND} and commit"


def test_an_arrow_stands_for_an_import() -> None:
    assert Arrow("store", "domain") in arrows()
    assert not [arrow for arrow in arrows() if arrow.user == "domain"]


def test_what_is_imported_inside_functions_alone_is_drawn_as_asked_for() -> None:
    of_the_command_line = {arrow.used: arrow.later for arrow in arrows() if arrow.user == "command"}
    assert of_the_command_line["app"]
    assert not of_the_command_line["config"]


def test_leaving_out_what_follows_from_other_arrows_loses_nothing() -> None:
    every = arrows()
    few = drawn(every)
    assert len(few) < len(every)
    assert all(reach(few, room) == reach(every, room) for room in rooms())


def test_an_arrow_that_does_not_follow_from_others_stays() -> None:
    two_ways = [Arrow("a", "b"), Arrow("b", "c"), Arrow("a", "c"), Arrow("a", "d")]
    assert drawn(two_ways) == [Arrow("a", "b"), Arrow("b", "c"), Arrow("a", "d")]


def test_every_room_and_every_wing_is_named_in_the_picture() -> None:
    words = {text.text for text in Tree.fromstring(picture()).iter(f"{SVG}text")}  # noqa: S314 - our own drawing
    assert {rooms_picture.title(room) for room in rooms()} <= words
    assert {wing for wings in rooms().values() for wing in wings} <= words


def test_no_arrow_runs_through_a_room() -> None:
    drawing = Tree.fromstring(picture())  # noqa: S314 - our own drawing
    boxes = [
        tuple(float(each.attrib[name]) for name in ("x", "y", "width", "height"))
        for each in drawing.iter(f"{SVG}rect")
        if each.get("class") == "room"
    ]
    assert len(boxes) == len(rooms())
    for path in drawing.iter(f"{SVG}path"):
        if not path.attrib["class"].startswith("arrow"):
            continue
        points = [
            (float(x), float(y)) for x, y in re.findall(r"[ML ]?(-?[\d.]+) (-?[\d.]+)(?=[LQ ]|$)", path.attrib["d"])
        ]
        for (x, y), (to, down) in pairwise(points):
            for left, top, width, height in boxes:
                beside = max(x, to) <= left or min(x, to) >= left + width
                above_or_below = max(y, down) <= top or min(y, down) >= top + height
                assert beside or above_or_below, path.attrib["d"]


def test_a_room_without_a_place_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms_picture, "PLACES", {room: PLACES[room] for room in PLACES if room != "store"})
    with pytest.raises(LookupError, match="store: say in PLACES"):
        picture()


def test_an_arrow_that_would_point_upwards_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(rooms_picture, "PLACES", {**PLACES, "domain": Place(0, 10, 12, "decides")})
    assert main(tmp_path / "rooms.svg") == 1
    assert "uses domain: it must stand above it" in capsys.readouterr().err
    assert not (tmp_path / "rooms.svg").exists()


def test_the_picture_is_written_where_it_is_asked_for(tmp_path: Path) -> None:
    assert main(tmp_path / "rooms.svg") == 0
    assert (tmp_path / "rooms.svg").read_text(encoding="utf-8") == picture()
