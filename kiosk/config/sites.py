"""Facts about the operator and the sites, from kiosk.toml: names, bays, time zones, languages. Works without a file.

Unknown keys fail at start with a sentence that names the key and the file.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from datetime import date
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from kiosk.config.languages import LANGUAGES, known
from kiosk.config.settings import SettingsError
from kiosk.config.texts import Words

Plug = Literal["type2", "ccs", "chademo", "schuko"]
LanguageCode = Annotated[str, AfterValidator(known)]
Text = Annotated[str, Field(min_length=1)]
Percent = Annotated[Decimal, Field(ge=0, le=100)]
Kilowatts = Annotated[Decimal, Field(gt=0, le=2000)]


class _Facts(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Helpline(_Facts):
    """`text` is what a driver reads, `tel` what a phone dials (`+498005550142`)."""

    text: Text
    tel: Annotated[str, Field(pattern=r"^\+?[0-9]{3,20}$")]


class Operator(_Facts):
    """Who sells. Everything but the name may be missing; `kiosk doctor` says what the law wants."""

    name: Text = "EV charging"
    legal_name: str | None = None
    address: str | None = None
    vat_number: str | None = None
    vat_percent: Percent | None = None
    helpline: Helpline | None = None
    helpline_free: bool = False
    imprint_url: Annotated[str, Field(pattern=r"^https://")] | None = None
    privacy_url: Annotated[str, Field(pattern=r"^https://")] | None = None
    accessibility: Words | None = None
    hue: Annotated[int, Field(ge=0, le=359)] = 208
    languages: Annotated[tuple[LanguageCode, ...], Field(min_length=1)] = Field(
        default_factory=lambda: tuple(LANGUAGES)
    )
    default_language: LanguageCode = "en"

    @model_validator(mode="after")
    def _default_is_offered(self) -> Self:
        if self.default_language not in self.languages:
            raise ValueError(f"default_language {self.default_language!r} is not among the languages")
        return self


class Bay(_Facts):
    """One connector as it is painted on the ground. `side` says where the cable is, in the driver's words.

    `phase` is the one (1, 2 or 3) that a connector of one phase hangs on. `accessible`: made for people who need more
    room, such as for a wheelchair; None: not known.
    """

    label: Text
    side: Words | None = None
    connector: Plug | None = None
    max_kw: Kilowatts | None = None
    phase: Annotated[int, Field(ge=1, le=3)] | None = None
    point_id: str | None = None
    accessible: bool | None = None


class ChargerFacts(_Facts):
    """One charger. `code` is the public code of its sticker; `bays` is keyed by connector number. `max_kw` is what each
    of its connectors can do, not all of them together; a bay's own `max_kw` goes before it.

    `station_ids` are its names in ChargePilot's fuse tree (none: the public code is its name there), `lab_id` its id or
    its identity at OCPPLAB. `card_reader` says where the next one is (rule EU-03), `installed_on` when everybody could
    charge there for the first time (rule EU-05).
    """

    code: Text
    label: Words | None = None
    place: Words | None = None
    max_kw: Kilowatts | None = None
    card_reader: Words | None = None
    installed_on: date | None = None
    point_ids: tuple[str, ...] = ()
    station_ids: tuple[Text, ...] = ()
    lab_id: Text | None = None
    bays: dict[Annotated[int, Field(ge=1)], Bay] = Field(default_factory=dict)

    @field_validator("code")
    @classmethod
    def _upper(cls, code: str) -> str:
        if not code.isalnum():
            raise ValueError("a charger code has letters and digits only, as on its sticker")
        return code.upper()


class TabletFacts(_Facts):
    """How the site's tablet behaves: seconds without a touch until it asks whether somebody is there (on pages that are
    read for long: `reading_seconds`), and how long it then waits, seen and heard, before it forgets everything.
    """

    idle_seconds: Annotated[int, Field(ge=20, le=600)] = 60
    reading_seconds: Annotated[int, Field(ge=20, le=1200)] = 120
    warning_seconds: Annotated[int, Field(ge=20, le=300)] = 30
    sound: bool = True

    @model_validator(mode="after")
    def _reading_takes_longer(self) -> Self:
        if self.reading_seconds < self.idle_seconds:
            raise ValueError("reading_seconds must not be less than idle_seconds")
        return self


class Site(_Facts):
    """A place with one name, one time zone and one `country`, by its two letters. `plugchoice_site` and
    `chargepilot_site` are its ids there. `vat_number` and `vat_percent` only where they differ from the operator's, as
    in another country. `volts` between phase and neutral, for what is expected of its bays.

    What drivers are told of it when it is set: `card_reader` says where it is, unless a charger has its own (EU-03);
    `opening_hours` and `renewable_percent` (EU-13); `signed_readings` where signed meter readings can be seen, or False
    where there are none (DE-12); `state_notice` what a state wants to be said (US-07); `no_idle_fee` that nothing is
    asked for standing there, by anybody.
    """

    id: Text
    name: Words
    timezone: str
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = None
    address: Text | None = None
    vat_number: Text | None = None
    vat_percent: Percent | None = None
    volts: Annotated[int, Field(ge=100, le=480)] = 230
    card_reader: Words | None = None
    opening_hours: Words | None = None
    renewable_percent: Annotated[int, Field(ge=0, le=100)] | None = None
    signed_readings: Literal[False] | Words | None = None
    state_notice: Words | None = None
    no_idle_fee: bool = False
    plugchoice_site: str | None = None
    chargepilot_site: Text | None = None
    tablet: TabletFacts = Field(default_factory=TabletFacts)
    chargers: tuple[ChargerFacts, ...] = ()

    @field_validator("timezone")
    @classmethod
    def _knownzone(cls, name: str) -> str:
        zone(name)
        return name

    @field_validator("plugchoice_site")
    @classmethod
    def _is_a_uuid(cls, text: str | None) -> str | None:
        if text is None:
            return None
        try:
            return str(UUID(text))
        except ValueError:
            raise ValueError("use the location's uuid at Plugchoice, as it stands in its address there") from None

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        labels = Counter(bay.label for charger in self.chargers for bay in charger.bays.values())
        for label, times in labels.items():
            if times > 1:
                raise ValueError(f"bay {label!r} stands twice in site {self.id!r}")
        stations = Counter(name for charger in self.chargers for name in charger.station_ids or (charger.code,))
        for name, times in stations.items():
            if times > 1:
                raise ValueError(f"station {name!r} stands twice in site {self.id!r}")
        labs = Counter(charger.lab_id for charger in self.chargers if charger.lab_id is not None)
        for name, times in labs.items():
            if times > 1:
                raise ValueError(f"lab_id {name!r} stands twice in site {self.id!r}")
        return self


_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]"
_ANY_SCHEME = r"^[A-Za-z][A-Za-z0-9+.-]*://\S+$"
_HTTP = r"^(https://\S+|http://(localhost|127\.0\.0\.1)(:[0-9]+)?(/\S*)?)$"


class Notify(_Facts):
    """Somebody who hears of what needs a person: by exactly one of `mail`, `webhook`, `ntfy` and `apprise`.

    `kinds` and `sites`: of which alone, all when left out. `after_minutes`: only of what is as old as that; `again`:
    once more after an hour and after a day. `quiet` are hours in which only alarms come, or nothing when
    `alarms_at_night` is false. `digest`: once a day at that time, instead of at once. Times are those of the first site
    meant.
    """

    name: Annotated[str, Field(min_length=1, max_length=60)]
    mail: Annotated[str, Field(pattern=r"^[^@\s<>,;]+@[^@\s<>,;]+$")] | None = Field(None, repr=False)
    webhook: Annotated[str, Field(pattern=_HTTP)] | None = Field(None, repr=False)
    ntfy: Annotated[str, Field(pattern=_HTTP)] | None = Field(None, repr=False)
    apprise: Annotated[str, Field(pattern=_ANY_SCHEME)] | None = Field(None, repr=False)
    kinds: tuple[Text, ...] = ()
    sites: tuple[Text, ...] = ()
    after_minutes: Annotated[int, Field(ge=0, le=10_080)] = 0
    again: bool = True
    quiet: Annotated[str, Field(pattern=rf"^{_CLOCK}-{_CLOCK}$")] | None = None
    alarms_at_night: bool = True
    digest: Annotated[str, Field(pattern=rf"^{_CLOCK}$")] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum(way is not None for way in (self.mail, self.webhook, self.ntfy, self.apprise)) != 1:
            raise ValueError(f"notify {self.name!r} needs exactly one of mail, webhook, ntfy and apprise")
        return self


class SiteBook(_Facts):
    """What kiosk.toml says, and neutral answers for what it does not say."""

    operator: Operator = Field(default_factory=Operator)
    sites: tuple[Site, ...] = ()
    notify: tuple[Notify, ...] = ()

    @model_validator(mode="after")
    def _everybody_differs(self) -> Self:
        names = Counter(one.name for one in self.notify)
        for name, times in names.items():
            if times > 1:
                raise ValueError(f"notify {name!r} stands twice")
        known = {site.id for site in self.sites}
        for one in self.notify:
            for site_id in one.sites:
                if site_id not in known:
                    raise ValueError(f"notify {one.name!r}: there is no site {site_id!r}")
        return self

    @model_validator(mode="after")
    def _codes_differ(self) -> Self:
        codes = Counter(charger.code for site in self.sites for charger in site.chargers)
        for code, times in codes.items():
            if times > 1:
                raise ValueError(f"charger {code} stands twice")
        ids = Counter(site.id for site in self.sites)
        for site_id, times in ids.items():
            if times > 1:
                raise ValueError(f"site {site_id!r} stands twice")
        return self

    @cached_property
    def _places(self) -> dict[str, tuple[Site, ChargerFacts]]:
        return {charger.code: (site, charger) for site in self.sites for charger in site.chargers}

    @property
    def codes(self) -> tuple[str, ...]:
        """Every configured charger, in the order of the file."""
        return tuple(self._places)

    def site(self, site_id: str) -> Site | None:
        return next((site for site in self.sites if site.id == site_id), None)

    @property
    def single_site(self) -> Site | None:
        """The site, when there is exactly one."""
        return self.sites[0] if len(self.sites) == 1 else None

    def chosen_site(self, site_id: str | None) -> Site:
        """The site with that id, or the only one when none is named. Raises SettingsError."""
        if not self.sites:
            raise SettingsError("kiosk.toml lists no site: set KIOSK_CONFIG and write the chargers into that file.")
        site = self.single_site if site_id is None else self.site(site_id)
        if site is not None:
            return site
        ids = ", ".join(each.id for each in self.sites)
        if site_id is None:
            raise SettingsError(f"There are several sites: choose one with --site ({ids}).")
        raise SettingsError(f"No site has the id {site_id!r}: there are {ids}.")

    def charger(self, code: str) -> ChargerFacts | None:
        place = self._places.get(code.upper())
        return place[1] if place else None

    def site_of(self, code: str) -> Site | None:
        place = self._places.get(code.upper())
        return place[0] if place else None

    def bay(self, code: str, connector_id: int) -> Bay | None:
        charger = self.charger(code)
        return charger.bays.get(connector_id) if charger else None

    def bay_label(self, code: str, connector_id: int) -> str:
        """What is painted on the bay; the connector's number where nothing is known."""
        bay = self.bay(code, connector_id)
        return bay.label if bay else str(connector_id)

    def neighbours(self, code: str) -> tuple[str, ...]:
        """The other chargers of the same site, in the order of the file."""
        site = self.site_of(code)
        return tuple(c.code for c in site.chargers if c.code != code.upper()) if site else ()

    def most_kw(self, code: str, connector_id: int) -> Decimal | None:
        """What the operator says that the connector can give."""
        charger, bay = self.charger(code), self.bay(code, connector_id)
        return (bay.max_kw if bay is not None else None) or (charger.max_kw if charger is not None else None)

    def country(self, code: str | None = None) -> str | None:
        """The country of a charger's site; of no such site, the one in which all sites are. None when unknown."""
        site = self.site_of(code) if code else None
        countries = {site.country} if site is not None else {each.country for each in self.sites}
        return countries.pop() if len(countries) == 1 else None

    def zone(self, code: str) -> ZoneInfo:
        """The time zone of a charger: its site's, or that of the only site, or UTC."""
        site = self.site_of(code) or self.single_site
        return zone(site.timezone) if site else ZoneInfo("UTC")

    def vat_percent(self, code: str) -> Decimal | None:
        """The rate that the prices of a charger include: its site's, else the operator's; None when nobody says one."""
        site = self.site_of(code)
        own = site.vat_percent if site is not None else None
        return own if own is not None else self.operator.vat_percent

    def seller(self, code: str, connector_id: int) -> dict[str, str | None]:
        """Who sells at that bay and where it is, as a receipt keeps it (rules R-01 to R-03)."""
        operator, site, charger, bay = (
            self.operator,
            self.site_of(code),
            self.charger(code),
            self.bay(code, connector_id),
        )
        percent = self.vat_percent(code)
        return {
            "name": operator.name,
            "legal_name": operator.legal_name,
            "address": operator.address,
            "vat_number": (site.vat_number if site else None) or operator.vat_number,
            "vat_percent": str(percent) if percent is not None else None,
            "helpline": operator.helpline.text if operator.helpline else None,
            "helpline_tel": operator.helpline.tel if operator.helpline else None,
            "site": str(site.name) if site else None,
            "site_address": site.address if site else None,
            "timezone": self.zone(code).key,
            "charger": _plain(charger.label) if charger else None,
            "place": _plain(charger.place) if charger else None,
            "bay": self.bay_label(code, connector_id),
            "point_id": bay.point_id if bay else None,
        }


def _plain(text: str | None) -> str | None:
    return None if text is None else str(text)


def load_site(path: Path | None) -> SiteBook:
    """The book of that file; a neutral one without a file. Raises SettingsError."""
    if path is None:
        return SiteBook()
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.") from None
    try:
        return SiteBook.model_validate(raw)
    except ValidationError as error:
        raise SettingsError(_sentence(path, error)) from None


def zone(name: str) -> ZoneInfo:
    """Raises ValueError, in words, for one that is not known."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"there is no time zone {name!r}; use a name such as Europe/Berlin") from None


def _sentence(path: Path, error: ValidationError) -> str:
    first: Any = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"] if part != "[key]")
    if first["type"] == "extra_forbidden":
        return f"{path}: {key} is not a key of this file; see docs/kiosk.example.toml for the list."
    if first["type"] == "missing":
        return f"{path}: {key} is missing."
    what = first["msg"].removeprefix("Value error, ")
    return f"{path}: {key + ': ' if key else ''}{what[0].lower()}{what[1:]}."
