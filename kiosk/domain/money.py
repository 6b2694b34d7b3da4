"""Money: an integer of minor units with its currency, and what a minor unit is.

Upstream's amounts are Stripe's (the currency is that of the connected Stripe account), so the exponent is Stripe's,
which differs from ISO 4217 in a few places. Source: Stripe's currency page (zero-decimal, three-decimal and special
cases) and ISO 4217 list one.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

_TWO = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF "
    "CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG "
    "HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR "
    "MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD "
    "SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD "
    "XCG YER ZAR ZMW ZWG"
)
_ZERO = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE = "BHD IQD JOD KWD LYD OMR TND"
_FOUR = "CLF UYW"

ISO_EXPONENTS: dict[str, int] = {
    code: exponent for codes, exponent in ((_TWO, 2), (_ZERO, 0), (_THREE, 3), (_FOUR, 4)) for code in codes.split()
}
"""ISO 4217: decimals of every currency that is money to a driver (no metals, funds of issue or test codes)."""

_STRIPE_DIFFERS = {
    "MGA": 0,  # ISO has two decimals, Stripe counts whole ariary
    "ISK": 2,  # ISO has none, Stripe counts hundredths that are always 00
    "UGX": 2,  # the same; Stripe also lists it as zero-decimal, so an amount that is not a multiple of 100 is refused
}
_STRIPE_WHOLE = frozenset({"ISK", "UGX"})


class UnknownCurrency(ValueError):
    """A code that is not an ISO 4217 currency. Showing such an amount could be wrong by a factor of 100."""


class CurrencyMismatch(ValueError):
    """Two amounts of different currencies were added or compared."""


def currency_code(text: str) -> str:
    """The upper-case ISO code of `text` in any case. Raises UnknownCurrency."""
    code = text.strip().upper()
    if code not in ISO_EXPONENTS:
        raise UnknownCurrency("not an ISO 4217 currency")
    return code


def stripe_exponent(currency: str) -> int:
    """Decimals of Stripe's minor unit of an upper-case ISO code."""
    return _STRIPE_DIFFERS.get(currency, ISO_EXPONENTS[currency])


def step_minor(currency: str) -> int:
    """The smallest amount that Stripe accepts in this currency, in minor units: other amounts are multiples of it."""
    if currency in _STRIPE_WHOLE:
        return 100
    return 10 if ISO_EXPONENTS[currency] == 3 else 1


def shown_decimals(currency: str) -> int:
    """With how many decimals an amount is printed: those of the currency, and no more than Stripe counts."""
    return min(ISO_EXPONENTS[currency], stripe_exponent(currency))


def shown_step(currency: str) -> int:
    """The smallest difference that such a print can show, in minor units. A unit price may be printed finer."""
    return int(10 ** (stripe_exponent(currency) - shown_decimals(currency)))


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in Stripe's minor units. Negative amounts are allowed (differences); floats are not."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise TypeError("money is an integer of minor units")
        if self.currency not in ISO_EXPONENTS:
            raise UnknownCurrency("not an upper-case ISO 4217 currency")

    @property
    def major(self) -> Decimal:
        """The amount as people write it, with as many decimals as the minor unit has."""
        return Decimal(self.minor).scaleb(-stripe_exponent(self.currency))

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other), self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.minor <= self._same(other)

    def _same(self, other: Money) -> int:
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} do not mix")
        return other.minor
