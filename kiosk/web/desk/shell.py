"""What stands around every page of the desk: the rooms that a person may enter, each with its count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask, Response, g, make_response, render_template, request

from kiosk.domain.desk import Role
from kiosk.web.desk.access import may_do


@dataclass(frozen=True, slots=True)
class Room:
    """A page that the navigation leads to. `count`: how much waits there for the person who asks; 0 is not shown."""

    endpoint: str
    name: Callable[[], str]
    role: Role = Role.VIEWER
    count: Callable[[], int] | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """One line of the navigation as this person sees it."""

    endpoint: str
    name: str
    count: int
    here: bool


_rooms: dict[int, Room] = {}
_LONGEST_LEFT_OUT = 40
"""Signs of it that are shown."""


def add_room(place: int, room: Room) -> None:
    """A blueprint says where its page stands in the navigation: smaller numbers first, each of them once."""
    if place in _rooms:
        raise ValueError(f"{_rooms[place].endpoint} stands at {place} already")
    _rooms[place] = room


def links() -> list[Link]:
    """The rooms that the person may enter, in their order."""
    return [
        Link(
            room.endpoint,
            room.name(),
            room.count() if room.count is not None else 0,
            (request.blueprint or "") == room.endpoint.partition(".")[0],
        )
        for _place, room in sorted(_rooms.items())
        if may_do(room.role)
    ]


def leave_out(what: str, said: str) -> None:
    """A part of the address means nothing, and so narrows nothing: the page says so. `what` in the reader's words."""
    g.setdefault("left_out", []).append((what, said[:_LONGEST_LEFT_OUT]))


def left_out() -> list[tuple[str, str]]:
    """What of this address was left out, each with what it was."""
    found: list[tuple[str, str]] = g.get("left_out", [])
    return found


def init_shell(app: Flask) -> None:
    """For pages that stand in the desk's frame and are drawn by others: those of errors."""
    app.jinja_env.globals.update(desk_links=links, left_out=left_out)


def page(template: str, status: int = 200, **more: object) -> Response:
    """A page of the desk in its frame, for somebody who is signed in."""
    return make_response(render_template(template, rooms=links(), **more), status)
