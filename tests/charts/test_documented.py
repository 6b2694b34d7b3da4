"""docs/expected-power.md: its tree, its figures and its picture are what the kiosk reads, works out and draws."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from kiosk.charts.fuse_tree import draw
from kiosk.charts.words import power, reason
from kiosk.config.sites import SiteBook
from kiosk.domain.charger import ChargerCard, Connector
from kiosk.domain.expectation import Expectation, Place
from kiosk.service.power import SitePower, TreeState, powered
from kiosk.upstream.chargepilot.reading import read_site
from kiosk.upstream.http import decode

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "expected-power.md").read_text(encoding="utf-8")
T0 = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
STATES = {"7MK4T": ("Available", "Charging"), "9QX6B": ("Available",), "4WN8D": ("Charging",)}
OUT_OF_REACH = "4WN8D"


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


def book() -> SiteBook:
    return SiteBook.model_validate(tomllib.loads(block("toml"), parse_float=Decimal))


def garage() -> SitePower:
    pilot = read_site(decode(block("json").encode()), "garage")
    assert pilot.tree is not None
    assert pilot.tree.complete
    chargers = [
        powered(
            ChargerCard(
                code, None, code != OUT_OF_REACH, tuple(_connectors(words)), tariff=None, preauth_minor=None, seen_at=T0
            ),
            book().charger(code),
            None,
            (),
        )
        for code, words in STATES.items()
    ]
    return SitePower(pilot.tree, TreeState.USED, T0, tuple(chargers))


def _connectors(words: tuple[str, ...]) -> list[Connector]:
    return [Connector(number, word, power_type="AC_3_PHASE") for number, word in enumerate(words, start=1)]


def labels() -> dict[Place, str]:
    (site,) = book().sites
    return {Place(one.code, number): bay.label for one in site.chargers for number, bay in one.bays.items()}


def picture() -> str:
    site = garage()
    assert site.tree is not None
    return draw(site.tree, site.chargers, site.expectations(T0), T0, labels=labels(), title="The garage of the example")


def row(label: str, one: Expectation) -> str:
    return f"| {label} | {power(one.now)} | {power(one.full)} | {reason(one.full.bound)} |"


def test_the_documented_figures_are_the_computed_ones() -> None:
    found = garage().expectations(T0)
    documented = re.findall(r"^\| \d .*\|$", PAGE, re.MULTILINE)
    assert documented == [row(labels()[place], one) for place, one in found.items()]


def test_the_figures_of_the_prose_are_those_of_the_table() -> None:
    (first, *_rest) = garage().expectations(T0).values()
    assert (first.now.amperes, first.full.amperes) == (Decimal("17.000"), Decimal("11.333"))
    assert (first.now.bound.sharers, first.full.bound.sharers) == (2, 3)


def test_the_main_fuse_leaves_what_the_prose_says() -> None:
    """Without the fuse below, two cars share it."""
    site = garage()
    assert site.tree is not None
    (main,) = site.tree.roots
    (level,) = main.children
    tree = replace(site.tree, roots=(replace(main, children=(replace(level, limit=None),)),))
    (first, *_rest) = replace(site, tree=tree).expectations(T0).values()
    (left,) = re.findall(r"63 \S 20 for the offices = (\d+) A", PAGE)
    assert first.now.amperes == Decimal(left) / 2


def test_the_documented_picture_is_what_is_drawn() -> None:
    assert (DOCS / "expected-power.svg").read_text(encoding="utf-8") == picture()


def test_the_documented_picture_shows_the_documented_figures() -> None:
    assert "now 11.7 kW, full 7.8 kW" in picture()
    assert "sets the power of 3 bays" in picture()
