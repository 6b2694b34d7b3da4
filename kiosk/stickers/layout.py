"""Where all lies on one sticker, in millimetres from its upper left corner. Pure: the same facts, the same sticker.

Every text is measured and gets a place of its own; what is too long wraps or shrinks, and never leaves its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kiosk.config.settings import SettingsError
from kiosk.stickers.code import QUIET, matrix
from kiosk.stickers.letters import DOWN, UP, face, plain, unknown
from kiosk.stickers.sizes import Size
from kiosk.stickers.words import Words

Paint = Literal["brand", "ink", "white"]

SMALLEST = 2.1
"""Six points. Print below it is hard to read."""
LEAST_MODULE = 0.5
"""Four dots of a 203 dpi printer; finer codes are not read by every phone."""

_ROW = UP + DOWN
_BAND = 0.13
_FOOT = 0.03
_MARGIN = 0.05
_LARGEST_NAME = 0.5
_AIR = 0.94
_SHRINK = 0.97


@dataclass(frozen=True)
class Box:
    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height

    def grown(self, by: float) -> Box:
        return Box(self.x - by, self.y - by, self.width + 2 * by, self.height + 2 * by)


@dataclass(frozen=True)
class Fill:
    """A rectangle of one paint. `bleeds` are its edges on the cut: they are drawn on into the bleed."""

    box: Box
    paint: Paint
    bleeds: frozenset[Literal["top", "left", "right", "bottom"]] = frozenset()

    def with_bleed(self, bleed: float) -> Box:
        left, top, right, bottom = (bleed * (edge in self.bleeds) for edge in ("left", "top", "right", "bottom"))
        box = self.box
        return Box(box.x - left, box.y - top, box.width + left + right, box.height + top + bottom)


@dataclass(frozen=True)
class Line:
    """A line of text. `x` and `base` are where its base line begins."""

    text: str
    bold: bool
    paint: Paint
    size: float
    x: float
    base: float

    @property
    def box(self) -> Box:
        """From the highest accent to the lowest descender, as wide as the text runs."""
        width = face(self.bold).width(self.text, self.size)
        return Box(self.x, self.base - UP * self.size, width, _ROW * self.size)


@dataclass(frozen=True)
class Code:
    """The QR code. `box` is the square with the quiet zone, `rows` are the modules without it."""

    box: Box
    rows: tuple[tuple[bool, ...], ...]

    @property
    def module(self) -> float:
        return self.box.width / (len(self.rows) + 2 * QUIET)

    @property
    def side(self) -> float:
        """Of the code alone, without quiet zone."""
        return self.module * len(self.rows)

    def dark(self) -> tuple[Box, ...]:
        """The dark modules, joined to bars along each row."""
        bars: list[Box] = []
        left, top, step = self.box.x + QUIET * self.module, self.box.y + QUIET * self.module, self.module
        for y, row in enumerate(self.rows):
            start = 0
            for x in range(1, len(row) + 1):
                if x == len(row) or row[x] != row[start]:
                    if row[start]:
                        bars.append(Box(left + start * step, top + y * step, (x - start) * step, step))
                    start = x
        return tuple(bars)


@dataclass(frozen=True)
class Facts:
    """What one sticker says. `label` is the bay or bays as painted; it may be missing, and so may the helpline."""

    operator: str
    address: str
    domain: str
    code: str
    words: tuple[Words, ...]
    label: str | None = None
    helpline: str | None = None


@dataclass(frozen=True)
class Sticker:
    size: Size
    facts: Facts
    fills: tuple[Fill, ...]
    lines: tuple[Line, ...]
    code: Code

    @property
    def small(self) -> tuple[str, ...]:
        """The texts that came out smaller than six points."""
        return tuple(line.text for line in self.lines if line.size < SMALLEST)


@dataclass(frozen=True)
class _Run:
    text: str
    bold: bool = False
    paint: Paint = "ink"

    @property
    def width(self) -> float:
        """At a size of 1."""
        return face(self.bold).width(self.text)


@dataclass(frozen=True)
class _Text:
    """Rows across the sticker. `weight` is their share of the height that is left."""

    weight: float
    rows: list[list[_Run]]

    def lines(self, size: Size, y: float, share: float) -> list[Line]:
        place = Box(_MARGIN * size.width, y, (1 - 2 * _MARGIN) * size.width, self.weight * share)
        return _centred(self.rows, place, _AIR * _shrunk(self.rows, place))


def lay_out(facts: Facts, size: Size) -> Sticker:
    """Raises SettingsError for a character that cannot be drawn and for a code that would be too fine."""
    for text in (facts.operator, facts.domain, facts.code, facts.label or "", facts.helpline or ""):
        if letters := unknown(text):
            raise SettingsError(f"A sticker cannot print {letters[0]!r} of {plain(text)!r}: write it in Latin letters.")
    for text in (text for words in facts.words for text in (words.way, words.help)):
        if letters := unknown(text):
            raise SettingsError(f"A sticker cannot print {letters[0]!r} of {text!r}: its letters are not drawn yet.")
    white = Fill(Box(0, 0, size.width, size.height), "white", frozenset({"top", "left", "right", "bottom"}))
    fills, head = _head(facts, size)
    above, below = _texts(facts)
    # What the band, the code and the foot leave is shared by the texts, by their weights.
    free = size.height * (1 - _BAND - _FOOT) - size.square
    share = free / (above.weight + sum(part.weight for part in below))
    top = size.height * _BAND + above.weight * share
    code = Code(Box((size.width - size.square) / 2, top, size.square, size.square), matrix(facts.address))
    if code.module < LEAST_MODULE:
        raise SettingsError(
            f"KIOSK_PUBLIC_URL is too long for a sticker of {size.name} mm: its code would be too fine."
        )
    lines = [*head, *above.lines(size, size.height * _BAND, share)]
    y = code.box.bottom
    for part in below:
        lines += part.lines(size, y, share)
        y += part.weight * share
    return Sticker(size, facts, (white, *fills), tuple(lines), code)


def _head(facts: Facts, size: Size) -> tuple[list[Fill], list[Line]]:
    """The band with the operator's name, and the bay as a plate: white, like the number on the ground."""
    band = Box(0, 0, size.width, _BAND * size.height)
    fills = [Fill(band, "brand", frozenset({"top", "left", "right"}))]
    name = Box(_MARGIN * size.width, 0.1 * band.height, (1 - 2 * _MARGIN) * size.width, 0.8 * band.height)
    if not facts.label:
        return fills, _wrapped(plain(facts.operator), name, _LARGEST_NAME * name.height)
    label = [[_Run(plain(facts.label), True, "brand")]]
    room = Box(0, 0, 0.3 * name.width, 0.8 * name.height)
    label_size = _shrunk(label, room)
    width = max(label[0][0].width * label_size + 0.06 * name.width, name.height)
    plate = Box(name.right - width, name.y, width, name.height)
    rest = Box(name.x, name.y, plate.x - _MARGIN / 2 * size.width - name.x, name.height)
    lines = _wrapped(plain(facts.operator), rest, _LARGEST_NAME * name.height)
    return [*fills, Fill(plate, "white")], [*lines, *_centred(label, plate, label_size)]


def _texts(facts: Facts) -> tuple[_Text, tuple[_Text, ...]]:
    """What stands above the code, and what below it."""
    ways = _Text(len(facts.words), [[_Run(words.way, bold=number == 0)] for number, words in enumerate(facts.words)])
    code = _Text(3, [[_Run(plain(facts.code), True)]])
    domain = _Text(1.7, [[_Run(plain(facts.domain), True)]])
    if not facts.helpline:
        return ways, (code, domain)
    helps = " · ".join(dict.fromkeys(words.help for words in facts.words))
    return ways, (code, domain, _Text(1.5, [[_Run(f"{helps}  "), _Run(plain(facts.helpline), True)]]))


def _shrunk(rows: list[list[_Run]], place: Box) -> float:
    """The largest size at which all rows fit into the place."""
    widest = max(sum(run.width for run in row) for row in rows)
    return min(place.width / widest, place.height / len(rows) / _ROW)


def _centred(rows: list[list[_Run]], place: Box, size: float) -> list[Line]:
    lines: list[Line] = []
    y = place.y + (place.height - len(rows) * _ROW * size) / 2
    for row in rows:
        x = place.x + (place.width - sum(run.width for run in row) * size) / 2
        for run in row:
            lines.append(Line(run.text, run.bold, run.paint, size, x, y + UP * size))
            x += run.width * size
        y += _ROW * size
    return lines


def _wrapped(text: str, place: Box, largest: float) -> list[Line]:
    """A bold white paragraph on the left, centred in height, as large as it can be."""
    size = largest
    while True:
        rows = _broken(text, place.width / size)
        if rows and len(rows) * _ROW * size <= place.height:
            break
        size *= _SHRINK
    top = place.y + (place.height - len(rows) * _ROW * size) / 2
    bases = [top + (number * _ROW + UP) * size for number in range(len(rows))]
    return [Line(row, True, "white", size, place.x, base) for row, base in zip(rows, bases, strict=True)]


def _broken(text: str, width: float) -> list[str]:
    """The rows of a text at a size of 1, broken at blanks; none when a word is too wide."""
    bold, rows = face(True), [""]
    for word in text.split(" "):
        longer = f"{rows[-1]} {word}".strip()
        if bold.width(longer) <= width:
            rows[-1] = longer
        elif bold.width(word) <= width:
            rows.append(word)
        else:
            return []
    return rows
