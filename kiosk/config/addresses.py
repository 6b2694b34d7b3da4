"""Addresses, tokens and paths of outside systems as an operator may write them: which ones can be used at all."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from pydantic import SecretStr

_TOKEN = re.compile(r"[!-~]{1,512}", re.ASCII)
_LONG_TOKEN = re.compile(r"[!-~]{1,8192}", re.ASCII)
_PLACE_AT_S3 = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._-]+)*/?", re.ASCII)
_PATH = re.compile(r"/|(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+", re.ASCII)
CODE_PLACE = "{code}"
"""Where a charger's public code goes, in an address that an operator writes down."""
_WRONG = "use an address that begins with https:// (http:// is for this machine only)"


def is_loopback(host: str | None) -> bool:
    """This machine: what is there is a stand-in."""
    if host is None:
        return False
    try:
        return ip_address(host).is_loopback
    except ValueError:  # a name: 127.evil.example is one too, and anybody's
        return host == "localhost" or host.endswith(".localhost")


def is_path(url: str) -> bool:
    return url.startswith("/") and not url.startswith("//")


def address(url: str) -> str:
    """An https address, one of this machine, or a path of our own origin. Raises ValueError."""
    url = url.rstrip("/")
    if url and not (is_path(url) or _is_https_or_here(url)):
        raise ValueError(_WRONG)
    return url


def outside_address(url: str | None) -> str | None:
    """A whole address without a query, https or of this machine; None is left alone. Raises ValueError."""
    if url is not None and (not _is_https_or_here(url) or urlsplit(url).query or urlsplit(url).fragment):
        raise ValueError(_WRONG)
    return url.rstrip("/") if url is not None else None


def collector(url: str | None) -> str | None:
    """A whole address without a query, also of another machine of the operator's without https: nothing that goes there
    is secret. None is left alone. Raises ValueError.
    """
    if url is None:
        return None
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError("use a whole address such as http://127.0.0.1:4318, without a query")
    return url.rstrip("/")


def pattern_of_codes(url: str | None) -> str | None:
    """A whole address with `{code}` in its path or its query; None is left alone. Raises ValueError."""
    if url is None:
        return None
    before, place, after = url.partition(CODE_PLACE)
    inside = _is_https_or_here(before) and urlsplit(before).path.startswith("/")
    if not place or not inside or any(sign in before + after for sign in "{} \"'<>"):
        raise ValueError(f"use an address that begins with https:// and has {CODE_PLACE} once, after its host")
    return url


def token(given: SecretStr | None) -> SecretStr | None:
    """What can stand in a header; None is left alone. Raises ValueError, which does not repeat it."""
    return _checked(given, _TOKEN)


def long_token(given: SecretStr | None) -> SecretStr | None:
    """As `token`. OAuth's are often signed documents of a thousand letters and more."""
    return _checked(given, _LONG_TOKEN)


def path_prefix(prefix: str) -> str:
    """A path such as /ocpp, or / for none. Raises ValueError."""
    if not _PATH.fullmatch(prefix):
        raise ValueError("use a path such as /ocpp, or / for none")
    return prefix


def place_for_files(place: str | None) -> str | None:
    """A folder (`/mnt/books`), an address of WebDAV, or `s3://bucket/prefix`; None is left alone. Raises ValueError."""
    if place is None or place.startswith("/"):
        return place
    if place.startswith("s3://"):
        if not _PLACE_AT_S3.fullmatch(place):
            raise ValueError("of S3 it is s3://bucket or s3://bucket/prefix")
        return place.rstrip("/")
    usable = _is_https_or_here(place) and not any(sign in place for sign in "?#@")
    if not usable:
        raise ValueError(
            "use a folder that begins with /, an https:// address of WebDAV without user and password, or s3://bucket/prefix"
        )
    return place.rstrip("/")


def _checked(given: SecretStr | None, form: re.Pattern[str]) -> SecretStr | None:
    if given is not None and not form.fullmatch(given.get_secret_value()):
        raise ValueError("a token is printable text without blanks")
    return given


def _is_https_or_here(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host)))
