"""A small OpenID provider on this machine: the operator's own directory, with a page that lets the chosen person in."""

from __future__ import annotations

import base64
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import unquote, urlencode

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from flask import Flask, Response, jsonify, redirect, request
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from werkzeug.serving import WSGIRequestHandler, make_server

from kiosk.clock import Clock

CLIENT, SECRET = "kiosk desk", "a secret of the client: with % and ü"


class Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - the name is werkzeug's
        """Tests say what happened."""


class Provider:
    """`claims` is what its tokens say beside the usual; `spoil` changes the next ones; `lose`: the answer to a code is
    lost after it was spent. `ahead` is how far its clock is before ours.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.issuer = ""
        self.claims: dict[str, Any] = {"sub": "248289761001", "preferred_username": "Kim.Lind", "groups": ["desk"]}
        self.spoil: dict[str, Any] = {}
        self.says: dict[str, Any] = {}
        self.ahead = timedelta(0)
        self.signed_in_for = timedelta(0)
        self.lose = self.down = False
        self.refuse = ""
        self.asked: list[str] = []
        self.rotate()
        self._codes: dict[str, dict[str, str]] = {}
        self.app = Flask("directory")
        self.app.before_request(self._note)
        self.app.get("/.well-known/openid-configuration")(self._discovery)
        self.app.get("/authorize")(self._authorize)
        self.app.post("/token")(self._token)
        self.app.get("/keys")(self._keys)

    def rotate(self) -> None:
        """From now on tokens are signed with another key."""
        self.key = ECKey.generate_key("P-256", {"kid": secrets.token_hex(4), "use": "sig", "alg": "ES256"})

    def _note(self) -> Response | None:
        self.asked.append(request.path)
        return Response(status=503) if self.down else None

    def _discovery(self) -> Response:
        return jsonify(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize?tenant=1",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                **self.says,
            }
        )

    def _keys(self) -> Any:
        return jsonify(KeySet([self.key]).as_dict(private=False))

    def _authorize(self) -> Any:
        asked = request.args
        if (asked["client_id"], asked["response_type"], asked["code_challenge_method"]) != (CLIENT, "code", "S256"):
            return Response("unknown client", 400)
        if "openid" not in asked["scope"].split() or not asked["redirect_uri"].endswith("/desk/sign-in/directory/back"):
            return Response("not registered", 400)
        if self.refuse:
            return redirect(
                f"{asked['redirect_uri']}?{urlencode({'error': self.refuse, 'state': asked['state']})}", 303
            )
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked.to_dict()
        return redirect(f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}", 303)

    def _token(self) -> Any:
        name, _, secret = (
            base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode().partition(":")
        )
        begun = self._codes.pop(request.form["code"], None)
        right = (unquote(name), unquote(secret)) == (CLIENT, SECRET)
        if not right or begun is None or begun["redirect_uri"] != request.form["redirect_uri"]:
            return jsonify(error="invalid_grant"), 400
        if create_s256_code_challenge(request.form["code_verifier"]) != begun["code_challenge"]:
            return jsonify(error="invalid_grant"), 400
        if self.lose:
            return Response(status=502)
        return jsonify(token_type="Bearer", access_token="unused", id_token=self.token(begun))

    def token(self, begun: dict[str, str]) -> str:
        now = self.clock.now() + self.ahead
        proved = now if begun.get("prompt") == "login" else now - self.signed_in_for
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "nonce": begun["nonce"],
            "iat": int(now.timestamp()),
            "exp": int((now + timedelta(minutes=5)).timestamp()),
            "auth_time": int(proved.timestamp()),
            **self.claims,
            **self.spoil,
        }
        kept = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode({"alg": "ES256", "kid": self.key.kid}, kept, self.key)


@contextmanager
def open_provider(clock: Clock) -> Iterator[Provider]:
    provider = Provider(clock)
    server = make_server("127.0.0.1", 0, provider.app, threaded=True, request_handler=Quiet)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield provider
    server.shutdown()
    server.server_close()
    thread.join()
