"""What stands in front of the kiosk, as a browser meets it: which protocol it speaks, which headers arrive."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

LONGEST = 5.0
"""Seconds for the connection and the handshake, each."""
HTTP_2 = "h2"
HTTP_1 = "http/1.1"


def protocol_at(url: str, trust: ssl.SSLContext | None = None) -> str | None:
    """The protocol that the server at an https address chooses for a browser; None when nobody answers or the
    certificate is not trusted. A server that chooses none speaks HTTP/1.1.
    """
    place = urlsplit(url)
    context = trust or ssl.create_default_context()
    context.set_alpn_protocols([HTTP_2, HTTP_1])
    try:
        with (
            socket.create_connection((place.hostname or "", place.port or 443), timeout=LONGEST) as plain,
            context.wrap_socket(plain, server_hostname=place.hostname) as secured,
        ):
            return secured.selected_alpn_protocol() or HTTP_1
    except OSError:  # also what the ssl module raises, and a name that nobody knows
        return None


def headers_at(url: str, trust: ssl.SSLContext | None = None) -> Mapping[str, str] | None:
    """The headers of the first page at an https address, by their names in lower case; None when none comes in time."""
    place = urlsplit(url)
    line = http.client.HTTPSConnection(
        place.hostname or "", place.port or 443, timeout=LONGEST, context=trust or ssl.create_default_context()
    )
    try:
        line.request("HEAD", "/")
        return {name.lower(): value for name, value in line.getresponse().getheaders()}
    except (OSError, http.client.HTTPException):
        return None
    finally:
        line.close()
