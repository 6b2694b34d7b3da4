"""The pictures of the desk in docs/screens: its main pages in light and dark, some of them on a phone."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser

from tests.browser.desk_screens import DESK_SCREENS
from tests.browser.desk_world import DeskWorld
from tests.browser.phone import Phone
from tests.browser.png import with_palette

Look = Literal["light", "dark", "phone"]
_SCHEMES: dict[Look, Literal["light", "dark"]] = {"light": "light", "dark": "dark", "phone": "light"}

DESK_PICTURES: dict[str, tuple[Look, ...]] = {
    "desk-sign-in": ("light",),
    "desk-now": ("light", "dark", "phone"),
    "desk-queue": ("light", "dark", "phone"),
    "desk-case": ("light", "dark", "phone"),
    "desk-sessions-found": ("light",),
    "desk-session": ("light", "dark", "phone"),
    "desk-stop": ("light",),
    "desk-refund": ("light",),
    "desk-reconcile": ("light", "dark"),
    "desk-reconcile-line": ("light",),
    "desk-report": ("light",),
    "desk-plots": ("light",),
    "desk-setup": ("light",),
    "desk-keys": ("light",),
    "desk-account": ("light",),
}


def wanted_of_desk(names: Sequence[str]) -> Iterator[tuple[str, Look]]:
    """Each picture, the looks one after the other."""
    for look in _SCHEMES:
        for name, looks in DESK_PICTURES.items():
            if look in looks and (not names or name in names):
                yield name, look


def take_desk(browser: Browser, assets: Path, names: Sequence[str], folder: Path) -> list[str]:
    """Makes them, each as long as its page; their file names."""
    wanted = list(wanted_of_desk(names))
    if not wanted:
        return []
    with tempfile.TemporaryDirectory() as made:
        world = DeskWorld(Path(made), assets)
        known: dict[tuple[str | None, Look], Phone] = {}
        for name, look in wanted:
            screen = DESK_SCREENS[name]
            if (screen.who, look) not in known:
                width, scheme = 390 if look == "phone" else 1120, _SCHEMES[look]
                known[screen.who, look] = Phone(browser, world.address, world.edge, width=width, scheme=scheme)
                if screen.who is not None:
                    world.sign_in(known[screen.who, look].page, screen.who)
            page = known[screen.who, look].page
            screen.come(world, page)
            picture = page.screenshot(animations="disabled", full_page=True)
            screen.settled(world)
            blank = known[screen.who, look].context.new_page()
            (folder / f"{name}-{look}.png").write_bytes(with_palette(blank, picture))
            blank.close()
        for phone in known.values():
            phone.close()
        world.close()
    return [f"{name}-{look}.png" for name, look in wanted]
