"""Settings from the environment (or a `.env`): addresses, secrets and limits. Facts about the operator are in `site`.

Whatever is unknown, half set or dangerous fails at start with one sentence that names the setting and what to do.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from kiosk.config import addresses
from kiosk.config.addresses import CODE_PLACE, is_path
from kiosk.config.addresses import is_loopback as is_loopback

PREFIX = "KIOSK_"
PLUGCHOICE_URL = "https://app.plugchoice.com/api/v3"
STRIPE_JS_URL = "https://js.stripe.com/endive/stripe.js"
STRIPE_API_URL = "https://api.stripe.com"
CHARGEPILOT_URL = "https://chargepilot-api.tmhusa.energy/rest/v1"
LIMITED = ("get_charger", "start", "get_session", "confirm", "stop", "cancel", "receipt_email", "operator")
"""What has a limit at Plugchoice: its public endpoints, each by itself, and the operator's user as a whole."""
MOST_A_MINUTE = 100_000
LEAST_SECRET = 32
"""Characters of a secret key: 32 random letters are well over 128 bits."""

_SECRET_KEYS = ("sk_live_", "rk_live_", "sk_test_", "rk_test_")
_LIVE_KEYS = ("sk_live_", "rk_live_", "pk_live_")


class SettingsError(Exception):
    """The kiosk must not start. The text is one sentence for the operator, and never holds a secret."""


class LiveKeyRefused(SettingsError):
    """A live payment key met a stand-in: no card field may be shown."""


def _default_public_url(data: dict[str, Any]) -> str:
    """This machine, when the back office is a stand-in. With a real one it must be told."""
    if is_loopback(urlsplit(data.get("plugchoice_url", PLUGCHOICE_URL)).hostname):
        return f"http://localhost:{data.get('port', 8000)}"
    return ""


def _default_chargepilot_url(data: dict[str, Any]) -> str | None:
    return CHARGEPILOT_URL if data.get("chargepilot_key") and data.get("chargepilot_secret") else None


class Settings(BaseSettings):
    """Read once at start by `load_settings`, then frozen. Built directly, it does not look at the environment."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        hide_input_in_errors=True,
        env_ignore_empty=True,
    )

    secret_key: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        description="signs cookies and encrypts tokens; the newest first, older ones behind a comma still open"
    )
    plugchoice_url: str = Field(PLUGCHOICE_URL, description="Plugchoice's API")
    plugchoice_limits: Annotated[tuple[tuple[str, int], ...], NoDecode] = Field(
        (), description="requests a minute that were agreed with Plugchoice, such as get_session=120,operator=1000"
    )
    plugchoice_token: SecretStr | None = Field(None, description="operator's token: keeps the board of bays fresh")
    data_dir: Path = Field(Path("data"), description="folder for the database and the compressed static files")
    database_url: str = Field(
        default_factory=lambda data: f"sqlite:///{data.get('data_dir', Path('data'))}/kiosk.db",
        repr=False,  # a server's address may hold a password
        description="where sessions are kept",
    )
    port: int = Field(8000, validation_alias="PORT", ge=0, le=65535, description="where the server listens")
    bind: str = Field("127.0.0.1", description="address that the server listens at; 0.0.0.0 in a container")
    public_url: str = Field(default_factory=_default_public_url, description="the one address that drivers see")
    config: Path | None = Field(None, description="path of kiosk.toml: the operator and the sites")
    stripe_js_url: str = Field(STRIPE_JS_URL, description="Stripe's browser script; other values are for a stand-in")
    stripe_api_url: str = Field(STRIPE_API_URL, description="Stripe's API; other values are for a stand-in")
    stripe_api_key: SecretStr | None = Field(None, description="reads the proof that a hold has ended")
    stripe_refund_key: SecretStr | None = Field(None, description="a second key, for refunds from the desk alone")
    stripe_webhook_secret: SecretStr | None = Field(None, description="opens /webhooks/stripe")
    ocpplab_url: str | None = Field(None, description="OCPPLAB's gateway: virtual chargers for `kiosk rehearse`")
    ocpplab_token: SecretStr | None = Field(None, description="bearer token for OCPPLAB")
    ocpplab_prefix: str = Field("/ocpp", description="generation of OCPPLAB's paths: /ocpp, /evcharger or /")
    chargepilot_key: SecretStr | None = Field(None, description="key for ChargePilot, which knows the sites' fuses")
    chargepilot_secret: SecretStr | None = Field(None, description="signs the requests to ChargePilot")
    chargepilot_url: str | None = Field(default_factory=_default_chargepilot_url, description="ChargePilot's API")
    chargepilot_path: Literal["full", "short"] = Field("full", description="which part of its path is signed")
    tablet_card_entry: bool = Field(False, description="card payment on the tablet's screen; ends PCI's SAQ A")
    trusted_proxies: int = Field(0, ge=0, le=10, description="proxies in front whose forwarded headers are believed")
    trusted_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="other names that the kiosk answers to, besides its public address and this machine's own"
    )
    start_deadline_seconds: int = Field(120, ge=30, le=3600, description="paid, but not charging: then cancelled")
    power_deadline_seconds: int = Field(
        180, ge=30, le=3600, description="taken up, and the meter is known to say zero: then stopped"
    )
    longest_wait_hours: int = Field(
        12, ge=1, le=144, description="a car or a paused bay that waits for longer is stopped"
    )
    max_streams: int = Field(500, ge=1, le=100_000, description="open event streams; beyond it pages poll")
    smtp_host: str | None = Field(None, description="own mail server: sends receipts to those who ask after the end")
    smtp_port: int = Field(587, ge=1, le=65535, description="its port")
    smtp_security: Literal["starttls", "tls", "none"] = Field("starttls", description="none only on this machine")
    smtp_user: str | None = Field(None, description="who signs in there")
    smtp_password: SecretStr | None = Field(None, description="with which password")
    smtp_from: str | None = Field(None, pattern=r"^[^@\s<>,;]+@[^@\s<>,;]+$", description="the sender's address")
    notify_secret: SecretStr | None = Field(
        None, min_length=32, description="signs the webhooks of kiosk.toml's notify"
    )
    ntfy_token: SecretStr | None = Field(None, description="signs in at the ntfy server of kiosk.toml's notify")
    oidc_issuer: str | None = Field(None, description="the operator's own directory, for signing in at the desk")
    oidc_client_id: str | None = Field(None, description="as what the kiosk is known there")
    oidc_client_secret: SecretStr | None = Field(None, description="with which secret")
    oidc_claim: str = Field("groups", min_length=1, description="the claim that says what somebody may do")
    oidc_roles: str | None = Field(
        None, description="what its values are good for, such as bosses=owner,desk=support@garage"
    )
    desk_passwords: bool = Field(True, description="people may sign in at the desk with a password of the kiosk's")
    metrics_token: SecretStr | None = Field(None, description="opens /metrics from other machines")
    otlp_endpoint: str | None = Field(
        None, validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT", description="takes traces, by OTLP over HTTP"
    )
    sentry_dsn: SecretStr | None = Field(None, description="takes faults: Sentry, or whatever speaks as it does")
    worker_class: Literal["gthread", "gevent"] = Field("gthread", description="kind of gunicorn worker")
    log_format: Literal["json", "console"] = Field("json", description="JSON lines, or text for people")
    demo_speed: int = Field(10, ge=1, le=600, description="seconds of the demo's world in one real second")
    sell_unlisted: bool = Field(False, description="sell chargers that are not the operator's own, too")
    unlisted_url: str | None = Field(None, description="where drivers pay at other operators' chargers, with {code}")
    personal_data_days: int = Field(30, ge=1, le=3650, description="days until e-mail and device data are erased")
    backup_folder: Path | None = Field(None, description="where encrypted backups go, best to another disk")
    backup_minutes: int = Field(60, ge=5, le=1440, description="minutes from one backup to the next")
    backup_keep: int = Field(72, ge=2, le=10_000, description="so many backups stay, and the last of each of 14 days")
    export_to: str | None = Field(None, description="where the tables of each month go: folder, WebDAV or S3")
    export_user: str | None = Field(None, description="who signs in there; of S3 the id of the access key")
    export_password: SecretStr | None = Field(None, description="with which password; of S3 the secret key")
    export_s3_url: str | None = Field(None, description="the S3 service, where it is not Amazon's own")
    export_region: str = Field("us-east-1", pattern=r"^[a-z0-9-]{1,40}$", description="its region")
    readings_days: int = Field(400, ge=180, le=3650, description="days until readings and webhooks are erased")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is passed in, so that a test or the demo cannot catch a stray variable."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

    @field_validator("secret_key", "trusted_hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("secret_key")
    @classmethod
    def _long_enough(cls, keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if not keys or any(len(key.get_secret_value()) < LEAST_SECRET for key in keys):
            raise ValueError(
                f"each key needs at least {LEAST_SECRET} characters; make one with "
                "`python3 -c 'import secrets; print(secrets.token_urlsafe(48))'`"
            )
        return keys

    @field_validator("data_dir", "config", "backup_folder")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        return path.expanduser().absolute() if path is not None else None

    @field_validator("config")
    @classmethod
    def _is_there(cls, path: Path | None) -> Path | None:
        if path is not None and not path.is_file():
            raise ValueError(f"there is no file {path}; give the path of kiosk.toml or leave the setting out")
        return path

    @field_validator("bind")
    @classmethod
    def _listens(cls, host: str) -> str:
        try:
            ip_address(host.removeprefix("[").removesuffix("]"))
        except ValueError:
            if host != "localhost":
                raise ValueError("it is an address such as 127.0.0.1 or 0.0.0.0, and the port is PORT") from None
        return host

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, url: str) -> str:
        if url.startswith("sqlite:///"):
            return url
        if not url.startswith("postgresql://"):
            raise ValueError("use sqlite:///<path> or postgresql://<user>@<host>/<name>, or leave the setting out")
        if find_spec("psycopg") is None:
            raise ValueError("PostgreSQL needs the package psycopg: pip install 'charge-kiosk[postgres]'")
        try:
            name = urlsplit(url).path.strip("/")
        except ValueError:
            name = ""
        if not name:
            raise ValueError("it names no database: postgresql://<user>@<host>/<name>")
        return url

    @field_validator("plugchoice_limits", mode="before")
    @classmethod
    def _agreed(cls, given: object) -> object:
        """`name=number`, apart by commas; what is not named keeps the documented limit."""
        if not isinstance(given, str):
            return given
        rows = [part.strip() for part in given.split(",") if part.strip()]
        agreed: dict[str, int] = {}
        for row in rows:
            name, _, number = (part.strip() for part in row.partition("="))
            whole = number.isascii() and number.isdigit() and 1 <= int(number[:9]) <= MOST_A_MINUTE
            if name not in LIMITED or name in agreed or not whole or len(number) > len(str(MOST_A_MINUTE)):
                raise ValueError(
                    f"use one name=number for each of {', '.join(LIMITED)}, with 1 to {MOST_A_MINUTE} requests a minute"
                )
            agreed[name] = int(number)
        return tuple(agreed.items())

    _addresses = field_validator("plugchoice_url", "stripe_api_url", "stripe_js_url", "public_url")(addresses.address)
    _outside = field_validator("ocpplab_url", "chargepilot_url", "oidc_issuer", "export_s3_url")(
        addresses.outside_address
    )
    _collector = field_validator("otlp_endpoint")(addresses.collector)
    _pattern = field_validator("unlisted_url")(addresses.pattern_of_codes)
    _place = field_validator("export_to")(addresses.place_for_files)
    _tokens = field_validator("ocpplab_token", "chargepilot_key", "metrics_token", "ntfy_token")(addresses.token)
    _long_token = field_validator("plugchoice_token")(addresses.long_token)
    _prefix = field_validator("ocpplab_prefix")(addresses.path_prefix)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if is_path(self.plugchoice_url) or is_path(self.stripe_api_url):
            raise ValueError("KIOSK_PLUGCHOICE_URL and KIOSK_STRIPE_API_URL need a whole address, not a path.")
        if not self.public_url:
            raise ValueError("KIOSK_PUBLIC_URL is missing: set the address that drivers see, with https://.")
        parts = urlsplit(self.public_url)
        if not parts.hostname or parts.path or parts.query or parts.fragment or parts.username:
            raise ValueError("KIOSK_PUBLIC_URL must be a bare origin such as https://charge.example, without a path.")
        if self.stripe_api_url != STRIPE_API_URL and self.stripe_api_key is None:
            raise ValueError("KIOSK_STRIPE_API_URL is set without KIOSK_STRIPE_API_KEY: set both, or leave both out.")
        if (self.ocpplab_url is None) != (self.ocpplab_token is None):
            raise ValueError("KIOSK_OCPPLAB_URL and KIOSK_OCPPLAB_TOKEN belong together: set both, or leave both out.")
        pilot = (self.chargepilot_url, self.chargepilot_key, self.chargepilot_secret)
        if any(pilot) and not all(pilot):
            raise ValueError(
                "KIOSK_CHARGEPILOT_KEY and KIOSK_CHARGEPILOT_SECRET belong together, and KIOSK_CHARGEPILOT_URL needs "
                "both: set them all, or leave them all out."
            )
        if (self.smtp_host is None) != (self.smtp_from is None):
            raise ValueError("KIOSK_SMTP_HOST and KIOSK_SMTP_FROM belong together: set both, or leave both out.")
        if (self.smtp_user is None) != (self.smtp_password is None):
            raise ValueError("KIOSK_SMTP_USER and KIOSK_SMTP_PASSWORD belong together: set both, or leave both out.")
        if self.backup_folder is not None and not self.sqlite:
            raise ValueError("KIOSK_BACKUP_FOLDER is for SQLite: PostgreSQL is backed up by its own tools, as pg_dump.")
        if (self.export_user is None) != (self.export_password is None):
            raise ValueError(
                "KIOSK_EXPORT_USER and KIOSK_EXPORT_PASSWORD belong together: set both, or leave both out."
            )
        if self.export_to is None and (self.export_user is not None or self.export_s3_url is not None):
            raise ValueError("KIOSK_EXPORT_TO is missing: say where the tables go, or leave the others out.")
        if self.export_to is not None and self.export_to.startswith("s3://") and self.export_user is None:
            raise ValueError("KIOSK_EXPORT_TO is at S3: set KIOSK_EXPORT_USER and KIOSK_EXPORT_PASSWORD as well.")
        directory = (self.oidc_issuer, self.oidc_client_id, self.oidc_client_secret, self.oidc_roles)
        if any(directory) and not all(directory):
            raise ValueError(
                "KIOSK_OIDC_ISSUER, KIOSK_OIDC_CLIENT_ID, KIOSK_OIDC_CLIENT_SECRET and KIOSK_OIDC_ROLES belong "
                "together: set them all, or leave them all out."
            )
        if not self.desk_passwords and self.oidc_issuer is None:
            raise ValueError("KIOSK_DESK_PASSWORDS=false lets nobody in without KIOSK_OIDC_ISSUER: set that as well.")
        if self.smtp_security == "none" and self.smtp_host is not None and not is_loopback(self.smtp_host):
            raise ValueError("KIOSK_SMTP_SECURITY=none is only for a mail server on this machine: use starttls or tls.")
        self._refuse_mixed_worlds()
        self._refuse_mixed_keys()
        return self

    def _refuse_mixed_keys(self) -> None:
        """The key that may write is another one than the key that reads, of the same world, and never needed for it."""
        if self.stripe_refund_key is None:
            return
        refund = self.stripe_refund_key.get_secret_value()
        if self.stripe_api_key is None:
            raise ValueError(
                "KIOSK_STRIPE_REFUND_KEY is set without KIOSK_STRIPE_API_KEY: set both, or leave the first one out."
            )
        if not refund.startswith(_SECRET_KEYS):
            raise ValueError("KIOSK_STRIPE_REFUND_KEY is no key of Stripe's: it begins with rk_live_ or rk_test_.")
        if refund == self.stripe_api_key.get_secret_value():
            raise ValueError(
                "KIOSK_STRIPE_REFUND_KEY is the same as KIOSK_STRIPE_API_KEY: make a second, restricted one that may "
                "write refunds, and let the other one read alone."
            )
        if refund.startswith(_LIVE_KEYS) is not self.live_stripe_key:
            raise ValueError(
                "KIOSK_STRIPE_REFUND_KEY and KIOSK_STRIPE_API_KEY are of two worlds: both are live keys, or both are "
                "test keys."
            )

    def _refuse_mixed_worlds(self) -> None:
        """Real cards never meet a stand-in, and a stand-in never meets real money."""
        if not self.real_stripe_js and not self.stands_in_for_plugchoice:
            raise ValueError(
                "KIOSK_STRIPE_JS_URL points at a stand-in while KIOSK_PLUGCHOICE_URL is a real one: "
                "leave KIOSK_STRIPE_JS_URL out."
            )
        if self.stripe_api_url != STRIPE_API_URL and not self.stands_in_for_plugchoice:
            raise ValueError(
                "KIOSK_STRIPE_API_URL points at a stand-in while KIOSK_PLUGCHOICE_URL is a real one: "
                "leave KIOSK_STRIPE_API_URL out."
            )
        if not self.live_stripe_key:
            return
        if not self.real_stripe_js:
            raise ValueError(
                "KIOSK_STRIPE_API_KEY is a live key while KIOSK_STRIPE_JS_URL points at a stand-in: "
                "leave KIOSK_STRIPE_JS_URL out, or use a test key."
            )
        if self.stripe_api_url != STRIPE_API_URL:
            raise ValueError(
                "KIOSK_STRIPE_API_KEY is a live key while KIOSK_STRIPE_API_URL points at a stand-in: "
                "leave KIOSK_STRIPE_API_URL out, or use a test key."
            )
        if self.stands_in_for_plugchoice:
            raise ValueError(
                "KIOSK_STRIPE_API_KEY is a live key while KIOSK_PLUGCHOICE_URL is a stand-in: "
                "set the real KIOSK_PLUGCHOICE_URL, or use a test key."
            )

    # --- what the rest of the kiosk asks

    @property
    def secret_keys(self) -> tuple[str, ...]:
        """The newest first: it signs and encrypts; all of them open."""
        return tuple(key.get_secret_value() for key in self.secret_key)

    @property
    def https(self) -> bool:
        """Drivers reach the kiosk over TLS."""
        return self.public_url.startswith("https://")

    @property
    def public_host(self) -> str:
        """The address as drivers read it, e.g. `charge.example`."""
        return urlsplit(self.public_url).netloc

    @property
    def listen(self) -> str:
        """Address and port, as gunicorn takes them."""
        host = self.bind.removeprefix("[").removesuffix("]")
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"

    @property
    def hosts(self) -> frozenset[str]:
        """The names under which browsers may ask, without a port. Machines may ask how it is under any."""
        return frozenset({urlsplit(self.public_url).hostname or "", *(name.lower() for name in self.trusted_hosts)})

    def unlisted_page(self, code: str) -> str | None:
        """The page of another operator's charger; None when nobody has said where those are."""
        return self.unlisted_url.replace(CODE_PLACE, code) if self.unlisted_url is not None else None

    @property
    def sqlite(self) -> bool:
        return self.database_url.startswith("sqlite:")

    @property
    def database_file(self) -> Path | None:
        """The SQLite file, whether or not it is there; None with a server."""
        return Path(self.database_url.removeprefix("sqlite:///")) if self.sqlite else None

    @property
    def database(self) -> str:
        """Where sessions are kept, as it may be read by anybody: a file, or a server without its password."""
        if self.sqlite:
            return str(self.database_file)
        parts = urlsplit(self.database_url)
        return f"{parts.path.strip('/')} at {parts.hostname or 'this machine'}"

    @property
    def stands_in_for_plugchoice(self) -> bool:
        """The back office is on this machine, so no charger and no money is real."""
        return is_loopback(urlsplit(self.plugchoice_url).hostname)

    @property
    def real_stripe_js(self) -> bool:
        parts = urlsplit(self.stripe_js_url)
        return parts.scheme == "https" and parts.netloc == "js.stripe.com"

    @property
    def stripe_js_origin(self) -> str:
        """Origin of the browser script; empty when it is served by the kiosk's own address."""
        parts = urlsplit(self.stripe_js_url)
        return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""

    @property
    def live_stripe_key(self) -> bool:
        return self.stripe_api_key is not None and self.stripe_api_key.get_secret_value().startswith(_LIVE_KEYS)

    @property
    def live_money(self) -> bool:
        """Real cards can be charged: the back office is real. Its own test mode cannot be told from here."""
        return not self.stands_in_for_plugchoice

    def check_publishable_key(self, key: str) -> None:
        """Raise LiveKeyRefused when a live key came with a session whose card field would be a stand-in's."""
        if key.startswith("pk_live_") and not self.real_stripe_js:
            raise LiveKeyRefused(
                "A live payment key was received while KIOSK_STRIPE_JS_URL points at a stand-in: "
                "leave KIOSK_STRIPE_JS_URL out."
            )


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings of the process, or of `environ` alone. The environment wins over `.env`. Raises SettingsError."""
    given = _process_environment() if environ is None else dict(environ)
    _refuse_unknown(given)
    return build_settings(**_Given(Settings, given)())


def build_settings(**values: Any) -> Settings:
    """Settings from values by field name. Raises SettingsError where `Settings(...)` would raise pydantic's error."""
    try:
        return Settings(**values)
    except ValidationError as error:
        raise SettingsError(_sentence(error)) from None


def without_password(url: str) -> str:
    """A database's address as it may be printed."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    return parts._replace(netloc=parts.netloc.replace(f":{parts.password}@", ":********@")).geturl()


def variable(field: str) -> str:
    """The name of a field's variable in the environment."""
    alias = Settings.model_fields[field].validation_alias
    return alias if isinstance(alias, str) else f"{PREFIX}{field.upper()}"


class _Given(EnvSettingsSource):
    """Reads the variables that `load_settings` was given, with pydantic-settings' own rules for names and types."""

    def __init__(self, settings: type[BaseSettings], given: Mapping[str, str]) -> None:
        self._given = {name.lower(): value for name, value in given.items() if value != ""}
        super().__init__(settings)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return self._given


def _process_environment() -> dict[str, str]:
    from_file = {name: value for name, value in dotenv_values(".env").items() if value is not None}
    return {**from_file, **os.environ}


def _refuse_unknown(given: Mapping[str, str]) -> None:
    names = [variable(field) for field in Settings.model_fields]
    for name in sorted(given):
        if name.startswith(PREFIX) and name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            advice = f"did you mean {near[0]}?" if near else "see docs/settings.md for the list."
            raise SettingsError(f"{name} is not a setting of the kiosk: {advice}")


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    where, what = first["loc"], first["msg"].removeprefix("Value error, ")
    if not where:
        return what
    field = str(where[0])
    name = variable(field) if field in Settings.model_fields else field
    if first["type"] == "missing":
        if field == "secret_key":
            what = f"set it to at least {LEAST_SECRET} random characters"
        return f"{name} is missing: {what}."
    if first["type"] == "extra_forbidden":
        return f"{name} is not a setting of the kiosk: see docs/settings.md for the list."
    what = what[0].lower() + what[1:]
    return f"{name} cannot be used: {what}."
