"""The kiosk of these tests with a fuse tree: both chargers of its site hang on one fuse."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

from kiosk.config.sites import SiteBook
from kiosk.domain.fuses import FuseTree

from .conftest import BOOK, Kiosk

SITE = "marktplatz"


def with_pilot(kiosk: Kiosk, tree: FuseTree | None = None, **charger: Any) -> Kiosk:
    """From now on the site has a fuse tree, `tree` when one was read. `charger` changes what is said of the first."""
    book = deepcopy(BOOK)
    book["sites"][0]["chargepilot_site"] = "42"  # type: ignore[index]
    book["sites"][0]["chargers"][0].update(charger)  # type: ignore[index]
    kiosk.book = SiteBook.model_validate(book)
    kiosk.app.extensions["kiosk"] = replace(kiosk.app.extensions["kiosk"], site=kiosk.book)
    if tree is not None:
        kiosk.store.save_tree(SITE, tree, kiosk.now)
    return kiosk
