"""One order of stickers: which chargers of which site, in what size, on what paper; and the files it makes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kiosk.config.settings import SettingsError
from kiosk.config.sites import ChargerFacts, Site, SiteBook
from kiosk.stickers.code import address, is_trial, look_alikes, typed
from kiosk.stickers.colour import brand
from kiosk.stickers.layout import Facts, Sticker, lay_out
from kiosk.stickers.pdf import pdf
from kiosk.stickers.sheet import Page, sheets, single
from kiosk.stickers.sizes import SIZES, USUAL
from kiosk.stickers.svg import svg
from kiosk.stickers.words import in_order

Form = Literal["pdf", "svg"]
MOST_BLEED = 10


@dataclass(frozen=True)
class Order:
    """`site` may be left out when there is one, `codes` when all chargers are meant. `bleed` is in millimetres."""

    site: str | None = None
    codes: tuple[str, ...] = ()
    size: str = USUAL
    distance_cm: int = 0
    per_bay: bool = False
    sheet: bool = False
    bleed: int = 0
    marks: bool = False
    forms: tuple[Form, ...] = ("pdf", "svg")


@dataclass(frozen=True)
class Made:
    """Files by name, and sentences about what the operator should look at before printing."""

    files: dict[str, bytes]
    warnings: tuple[str, ...]

    def write(self, folder: Path) -> tuple[Path, ...]:
        """Writes over what an earlier order left there. Raises SettingsError."""
        paths = []
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, content in self.files.items():
                paths.append(folder / name)
                paths[-1].write_bytes(content)
        except OSError as error:
            raise SettingsError(f"The stickers cannot be written to {folder}: {error.strerror}.") from None
        return tuple(paths)


def make(book: SiteBook, public_url: str, order: Order) -> Made:
    """The files of an order. Raises SettingsError when it cannot be printed, or would lead drivers astray."""
    size = SIZES[order.size]
    if order.distance_cm > size.distance_cm:
        reach = [each for each in SIZES.values() if each.distance_cm >= order.distance_cm]
        advice = f"take {reach[0].name}" if reach else "no size is read from that far"
        raise SettingsError(f"A sticker of {size.name} mm is read from {size.distance_cm} cm at most: {advice}.")
    if not 0 <= order.bleed <= MOST_BLEED:
        raise SettingsError(f"The bleed is 0 to {MOST_BLEED} millimetres.")
    site = book.chosen_site(order.site)
    named = [
        (name, lay_out(facts, size))
        for charger in _chargers(site, order.codes)
        for name, facts in _facts(book, public_url, charger, order.per_bay)
    ]
    if order.sheet:
        pages = sheets([sticker for _, sticker in named], order.bleed, order.marks)
    else:
        pages = tuple(single(sticker, name, order.bleed, order.marks) for name, sticker in named)
    stickers = [sticker for _, sticker in named]
    return Made(_files(pages, book, site, order), tuple(dict.fromkeys(_warnings(book, public_url, stickers))))


def _chargers(site: Site, codes: tuple[str, ...]) -> Iterator[ChargerFacts]:
    wanted = dict.fromkeys(code.upper() for code in codes)
    here = {charger.code: charger for charger in site.chargers}
    if not here:
        raise SettingsError(f"Site {site.id} lists no charger in kiosk.toml.")
    for code in wanted or here:
        if code not in here:
            raise SettingsError(f"No charger of site {site.id} has the code {code}.")
        yield here[code]


def _facts(book: SiteBook, public_url: str, charger: ChargerFacts, per_bay: bool) -> Iterator[tuple[str, Facts]]:
    """The file name and the facts of each sticker of a charger."""
    operator = book.operator
    labels = {number: charger.bays[number].label for number in sorted(charger.bays)}
    if per_bay and labels:
        stickers = [(f"{charger.code}-{number}", label) for number, label in labels.items()]
    else:
        stickers = [(charger.code, " · ".join(labels.values()))]
    for name, label in stickers:
        yield (
            name,
            Facts(
                operator=operator.name,
                address=address(public_url, charger.code),
                domain=typed(public_url),
                code=charger.code,
                words=in_order(operator.languages, operator.default_language),
                label=label or None,
                helpline=operator.helpline.text if operator.helpline else None,
            ),
        )


def _files(pages: tuple[Page, ...], book: SiteBook, site: Site, order: Order) -> dict[str, bytes]:
    colour = brand(book.operator.hue)
    files: dict[str, bytes] = {}
    if "pdf" in order.forms:
        stem = re.sub(r"[^A-Za-z0-9]+", "-", site.id).strip("-") or "site"
        files[f"{stem}-{order.size}.pdf"] = pdf(pages, colour, f"{book.operator.name}, {site.name}")
    if "svg" in order.forms:
        files |= {f"{page.name}.svg": svg(page, colour).encode() for page in pages}
    return files


def _warnings(book: SiteBook, public_url: str, stickers: list[Sticker]) -> Iterator[str]:
    if is_trial(public_url):
        yield f"{public_url} is this machine: these stickers are for a trial, no driver can use them."
    if book.operator.helpline is None:
        yield "operator.helpline is missing in kiosk.toml: the stickers name nobody to call."
    for sticker in stickers:
        code, size = sticker.facts.code, sticker.size.name
        if letters := look_alikes(code):
            yield (
                f"Code {code} has {' and '.join(letters)}: 0 and O, 1 and I are mistaken when typed. "
                "Ask for another code before printing."
            )
        for text in sticker.small:
            yield f"{text!r} is smaller than 6 points at {size} mm: take a larger size or a shorter text."
