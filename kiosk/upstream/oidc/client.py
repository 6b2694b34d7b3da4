"""The operator's own directory, by OpenID Connect: where to send somebody, and who came back.

Authorization code flow with PKCE (RFC 7636), state and nonce (OpenID Connect Core 3.1). A code is sent once. A token
counts when its signature, issuer, audience, times and nonce are right; keys that the directory has changed are read
anew, at most once in a while.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from threading import Lock
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from kiosk.clock import Clock
from kiosk.domain.directory import DirectoryAway, DirectoryRefuses, Identity
from kiosk.upstream.errors import UpstreamError
from kiosk.upstream.http import Answer, Http, OnCall, TimeLimits, reported
from kiosk.upstream.values import as_object, as_text

LIMITS = TimeLimits(connect=3.0, write=3.0, read=8.0, total=10.0)
SKEW_SECONDS = 120
"""How far the directory's clock may be from ours."""
KEYS_LIVE = 3600.0
KEYS_AGAIN = 30.0
"""Seconds within which a key that nobody knows makes us read the keys once: tokens of strangers cost no more."""
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures with a key that only the directory has; never `none`, never one made with the client's secret."""
SCOPE = "openid profile email"
_NAMES = ("preferred_username", "upn", "email", "name")
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class OpenIdDirectory:
    """Safe to use from many threads. `transport` None is the network."""

    def __init__(
        self,
        issuer: str,
        client_id: str,
        client_secret: str,
        claim: str,
        *,
        clock: Clock,
        transport: httpx.BaseTransport | None = None,
        on_call: OnCall | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuer, self._client_id, self._secret, self._claim = issuer.rstrip("/"), client_id, client_secret, claim
        self._clock, self._transport, self._on_call, self._monotonic = clock, transport, on_call, monotonic
        self._lock = Lock()
        self._lines: dict[str, Http] = {}
        self._facts: tuple[float, Mapping[str, str]] | None = None
        self._keys: tuple[float, KeySet] | None = None

    def close(self) -> None:
        with self._lock:
            for line in self._lines.values():
                line.close()

    def address(self, back: str, state: str, nonce: str, verifier: str, *, anew: bool = False) -> str:
        """Where somebody is sent. `anew`: they prove once more who they are, however lately they did. Raises
        DirectoryAway.
        """
        query = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": back,
            "scope": SCOPE,
            "state": state,
            "nonce": nonce,
            "code_challenge": create_s256_code_challenge(verifier),
            "code_challenge_method": "S256",
            **({"prompt": "login", "max_age": "0"} if anew else {}),
        }
        door = self._known()["authorization_endpoint"]
        return f"{door}{'&' if '?' in door else '?'}{urlencode(query)}"

    def identity(self, code: str, back: str, nonce: str, verifier: str) -> Identity:
        """Who came back with that code, which is spent by this. Raises DirectoryAway, DirectoryRefuses."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": verifier}
        # RFC 6749 2.3.1: both are form-encoded before they are joined.
        pair = f"{quote(self._client_id, safe='')}:{quote(self._secret, safe='')}"
        headers = {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        answer = self._ask("token", "POST", self._known()["token_endpoint"], form=form, headers=headers)
        fields = as_object(answer.body) or {}
        if 400 <= answer.status < 500:
            raise DirectoryRefuses(f"the code was refused ({answer.status})")
        token = fields.get("id_token")
        if answer.status != 200 or not isinstance(token, str):
            raise DirectoryAway("no token came back")
        return self._identity(self._claims(token, nonce))

    def _identity(self, claims: Mapping[str, Any]) -> Identity:
        values = claims.get(self._claim)
        rows = values if isinstance(values, list) else [values]
        name = next((found for each in _NAMES if (found := as_text(claims.get(each), 200))), claims["sub"])
        proved = claims.get("auth_time")
        return Identity(
            issuer=self._issuer,
            subject=claims["sub"],
            name=name,
            values=frozenset(one for one in rows if isinstance(one, str)),
            proved_at=datetime.fromtimestamp(proved, UTC) if isinstance(proved, int) and 0 < proved < 2**33 else None,
        )

    def _claims(self, token: str, nonce: str) -> Mapping[str, Any]:
        try:
            found = self._opened(token)
            wanted = {"iss": self._known()["issuer"], "aud": self._client_id}
            options = {name: {"essential": True, "value": value} for name, value in wanted.items()}
            params = {"nonce": nonce, "client_id": self._client_id}
            claims = CodeIDToken(found.claims, found.header, options, params)
            claims.validate(now=int(self._clock.now().timestamp()), leeway=SKEW_SECONDS)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise DirectoryRefuses(f"its token does not hold: {type(error).__name__}") from None
        subject = found.claims.get("sub")
        if found.claims.get("nonce") != nonce or not isinstance(subject, str) or not 0 < len(subject) <= 255:
            raise DirectoryRefuses("its token is not the answer to our question")
        return found.claims

    def _opened(self, token: str) -> jwt.Token:
        """With the keys that are known; with newer ones when none of those fits."""
        try:
            return jwt.decode(token, self._key_set(KEYS_LIVE), algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            return jwt.decode(token, self._key_set(KEYS_AGAIN), algorithms=ALGORITHMS)

    def _key_set(self, longest: float) -> KeySet:
        """Not older than that. Raises DirectoryAway."""
        with self._lock:
            kept = self._keys
        now = self._monotonic()
        if kept is not None and now - kept[0] < longest:
            return kept[1]
        answer = self._ask("keys", "GET", self._known()["jwks_uri"])
        try:
            keys = KeySet.import_key_set(answer.body)  # type: ignore[arg-type]
        except (JoseError, ValueError, TypeError, KeyError, AttributeError):
            raise DirectoryAway("its keys cannot be read") from None
        with self._lock:
            self._keys = (now, keys)
        return keys

    def _known(self) -> Mapping[str, str]:
        """What it says of itself. Raises DirectoryAway."""
        with self._lock:
            kept = self._facts
        now = self._monotonic()
        if kept is not None and now - kept[0] < KEYS_LIVE:
            return kept[1]
        answer = self._ask("discovery", "GET", f"{self._issuer}/.well-known/openid-configuration")
        said = as_object(answer.body) or {}
        texts = {name: text for name in _ENDPOINTS if isinstance(text := said.get(name), str)}
        facts = {name: text for name, text in texts.items() if _usable(text, self._issuer)}
        issuer = said.get("issuer")
        # A slash at its end is part of its name, and easily lost when a setting is typed.
        if not isinstance(issuer, str) or issuer.rstrip("/") != self._issuer or len(facts) < len(_ENDPOINTS):
            raise DirectoryAway("what it says of itself is not usable: compare KIOSK_OIDC_ISSUER with its own word")
        facts["issuer"] = issuer
        with self._lock:
            self._facts = (now, facts)
        return facts

    def _ask(
        self,
        endpoint: str,
        method: str,
        url: str,
        *,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        place = urlsplit(url)
        path = place.path + (f"?{place.query}" if place.query else "")
        try:
            with reported(self._on_call, f"directory_{endpoint}") as call:
                line = self._line(f"{place.scheme}://{place.netloc}")
                return line.exchange(method, path, form=form, headers=headers, on_head=call)
        except UpstreamError as error:
            raise DirectoryAway(type(error).__name__) from None

    def _line(self, origin: str) -> Http:
        with self._lock:
            line = self._lines.get(origin)
            if line is None:
                line = self._lines[origin] = Http(origin, limits=LIMITS, transport=self._transport)
            return line


def _usable(url: str, issuer: str) -> bool:
    """Somewhere that people and we can be sent to, as safely as to the issuer itself."""
    place = urlsplit(url)
    return bool(place.hostname) and place.scheme == urlsplit(issuer).scheme and not place.fragment
