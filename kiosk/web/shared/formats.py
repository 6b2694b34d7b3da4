"""Figures in the reader's format: money, energy, times. A no-break space before the unit, a true minus sign.

Each function is a template filter and global of the same name.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from babel import Locale as Conventions
from babel.dates import format_date, format_skeleton
from babel.numbers import NumberPattern, parse_pattern
from flask import Flask
from markupsafe import Markup, escape

from kiosk.config.languages import Locale
from kiosk.domain.money import Money, shown_decimals, stripe_exponent
from kiosk.web.shared.i18n import locale
from kiosk.web.shared.parts import parts
from kiosk.web.shared.text import _, pgettext

NBSP = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"

_LETTER_BEFORE_FIGURE = re.compile(r"(?<=[^\W\d_])(?=-?\d)")
_SMALL_COINS = {"GBP": "p"}
"""Where a kilowatt hour is priced in the small coin by law (UK-02)."""


def money(amount: Money) -> str:
    """`€9.47`, `9,47 €`, `ISK 500`. As many decimals as the currency has; a unit price keeps its smaller parts."""
    return _money(amount, locale())


def kwh_price(amount: Money) -> str:
    """The price of a kWh: `€0.49`; in pounds it is `49p`, in whatever language (UK-02)."""
    coin = _SMALL_COINS.get(amount.currency)
    if coin is None:
        return money(amount)
    pence = amount.major.scaleb(shown_decimals(amount.currency)).normalize()
    return f"{number(pence, max(0, -int(pence.as_tuple().exponent)))}{coin}"


@lru_cache(maxsize=4096)
def _money(amount: Money, reader: Locale) -> str:
    """Kept, because a page names the same price and the same hold up to a dozen times."""
    conventions = _conventions(reader.conventions)
    exact = amount.major
    digits = shown_decimals(amount.currency)
    if exact != round(exact, digits):
        digits = stripe_exponent(amount.currency)
    pattern = _pattern(conventions.currency_formats["standard"].pattern, digits)
    text = pattern.apply(exact, conventions, currency=amount.currency, currency_digits=False)
    if reader.point is not None:
        text = text.replace(conventions.number_symbols["latn"]["decimal"], reader.point)
    return _true_minus(_LETTER_BEFORE_FIGURE.sub(NBSP, text))


def number(value: Decimal | int, decimals: int = 0) -> str:
    """A figure with that many decimals, rounded half up."""
    return _number(value, decimals, _reader())


@lru_cache(maxsize=4096)
def _number(value: Decimal | int, decimals: int, conventions: Conventions) -> str:
    rounded = Decimal(value).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP) + 0  # + 0: no "-0.0"
    return _true_minus(_pattern(conventions.decimal_formats[None].pattern, decimals).apply(rounded, conventions))


def kwh(energy: Decimal) -> str:
    """Energy in kWh with two decimals."""
    return f"{number(energy, 2)}{NBSP}kWh"


def kwh_exact(energy: Decimal) -> str:
    """Energy in kWh as it was told, for a bill: with two decimals at least, and no zeros after the third."""
    told = -int(energy.as_tuple().exponent)
    needed = -int(energy.normalize().as_tuple().exponent)
    return f"{number(energy, max(2, needed, min(told, 3)))}{NBSP}kWh"


def kw(power: Decimal) -> str:
    """Power in kW with one decimal."""
    return f"{number(power, 1)}{NBSP}kW"


def percent(value: Decimal | int) -> str:
    """`percent(19)` is nineteen per cent; up to two decimals are kept."""
    shown = Decimal(value).quantize(Decimal("0.01"), ROUND_HALF_UP).normalize()
    decimals = max(0, -int(shown.as_tuple().exponent))
    conventions = _reader()
    pattern = _pattern(conventions.percent_formats[None].pattern, decimals)
    return _true_minus(pattern.apply(shown / 100, conventions))


def clock(moment: datetime, zone: tzinfo, beside: datetime | None = None) -> str:
    """`14:03` in that zone, `2:03 PM` in America; `09:10 on 19 Nov` when it is another day than `beside`.

    `beside` is a moment of the day that goes without saying: now, or the day that stands on the page already. An hour
    that comes twice carries its zone: `02:40 (UTC+2)`. A language that has a word for it adds that: `14:03 Uhr`, so no
    text has it beside a time of its own.
    """
    return _clock(moment, zone, beside, "%M")


def clock_s(moment: datetime, zone: tzinfo, beside: datetime | None = None) -> str:
    """The same to the second: `14:03:12`."""
    return _clock(moment, zone, beside, "%M:%S")


def figures_s(moment: datetime, zone: tzinfo) -> str:
    """The figures of that clock alone, without the words of a language around them: where scripts soon write an age of
    the same width in their place."""
    return _figures(moment.astimezone(zone), "%M:%S")


def _clock(moment: datetime, zone: tzinfo, beside: datetime | None, minutes: str) -> str:
    local = moment.astimezone(zone)
    today = (beside or parts().clock.now()).astimezone(zone).date()
    # Translators: a time such as 14:03, as it stands in sentences and beside figures.
    text = pgettext("time of day", "%(time)s", time=_figures(local, minutes))
    if _comes_twice(local):
        text = f"{text} ({_offset(local)})"
    return text if local.date() == today else _("%(time)s on %(day)s", time=text, day=_short_day(local, today))


def _figures(local: datetime, minutes: str) -> str:
    conventions = _reader()
    if not _twelve_hours(conventions):
        return local.strftime(f"%H:{minutes}")
    half = conventions.periods["am" if local.hour < 12 else "pm"]
    return f"{local.hour % 12 or 12}:{local.strftime(minutes)}{NBSP}{half}"


@lru_cache(maxsize=64)
def _twelve_hours(conventions: Conventions) -> bool:
    return "a" in conventions.time_formats["short"].pattern


def _comes_twice(local: datetime) -> bool:
    """The clock shows that time once more on the same night, because it is set back."""
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


def _offset(local: datetime) -> str:
    """`UTC+2`, `UTC+5:30`: the same signs in every language, and never two zones by one name."""
    minutes = (local.utcoffset() or timedelta(0)) // timedelta(minutes=1)
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'+' if minutes >= 0 else MINUS}{hours}" + (f":{rest:02}" if rest else "")


def _short_day(local: datetime, today: date) -> str:
    """`19 Nov`; of another year `31 Dec 2025`."""
    form = "MMMd" if local.year == today.year else "yMMMd"
    return str(format_skeleton(form, local, locale=_reader()))


def short_date(one: date) -> str:
    """`19 Nov`, without its year: of days that stand side by side."""
    return str(format_skeleton("MMMd", datetime(one.year, one.month, one.day, tzinfo=UTC), locale=_reader()))


def day(moment: datetime, zone: tzinfo) -> str:
    """`20 November 2026` in that zone."""
    return str(format_date(moment.astimezone(zone).date(), format="long", locale=_reader()))


def short_day(day: date) -> str:
    """`20 Nov`: where the year goes without saying."""
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    return _short_day(noon, day)


def same_day(one: datetime, other: datetime, zone: tzinfo) -> bool:
    """Both are of one day in that zone."""
    return one.astimezone(zone).date() == other.astimezone(zone).date()


def duration(length: timedelta) -> str:
    """`1 h 17 min`, `2 min 40 s`, `40 s`: two units at most, a zero one is left out, never below zero."""
    seconds = max(0, length // timedelta(seconds=1))
    hours, minutes, rest = seconds // 3600, seconds % 3600 // 60, seconds % 60
    pairs = ((hours, "h"), (minutes, "min")) if hours else ((minutes, "min"), (rest, "s"))
    shown = [f"{count}{NBSP}{unit}" for count, unit in pairs if count]
    return " ".join(shown) or f"0{NBSP}s"


def whole_minutes(length: timedelta) -> str:
    """`1 h 17 min`, `2 min`: what has begun of the next minute is left out."""
    return duration(timedelta(minutes=length // timedelta(minutes=1)))


def time_tag(moment: datetime, text: str) -> Markup:
    """`<time datetime="2026-11-20T13:03:12Z">text</time>`: the exact moment for machines."""
    return Markup('<time datetime="{}">{}</time>').format(stamp(moment), escape(text))


def stamp(moment: datetime) -> str:
    """The moment in UTC as machines read it, to the second: `2026-11-20T13:03:12Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def breakable(host: str) -> Markup:
    """A name of the internet that, where it is longer than its line, goes on below after a dot."""
    return Markup(".<wbr>").join(host.split("."))


ALL = (
    money,
    kwh_price,
    number,
    kwh,
    kwh_exact,
    kw,
    percent,
    clock,
    clock_s,
    figures_s,
    day,
    duration,
    whole_minutes,
    time_tag,
    stamp,
    breakable,
)


def init_formats(app: Flask) -> None:
    for function in ALL:
        app.jinja_env.filters[function.__name__] = function
        app.jinja_env.globals[function.__name__] = function


def _reader() -> Conventions:
    return _conventions(locale().conventions)


@lru_cache(maxsize=64)
def _conventions(name: str) -> Conventions:
    return Conventions.parse(name)


@lru_cache(maxsize=64)
def _pattern(text: str, decimals: int) -> NumberPattern:
    pattern = parse_pattern(text)
    pattern.frac_prec = (decimals, decimals)
    return pattern


def _true_minus(text: str) -> str:
    return text.replace("-", MINUS)
