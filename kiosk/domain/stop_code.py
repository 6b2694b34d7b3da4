"""Six digits that prove at a site's tablet whose charge it is: shown to the owner, derived from the session's key.

All of it is arithmetic. The newest of the kiosk's secrets makes the code, every one in the list accepts it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

DIGITS = 6
_PURPOSE = b"kiosk.stop-code:"


def stop_code(key: str, secrets: Sequence[str], turn: int = 0) -> str:
    """The code of a session, as its owner sees it. Who only watches does not learn it. With every `turn` it is another
    one: whoever knew the last one, and had to give back the right to act, knows nothing any more.
    """
    return _code(key, secrets[0], turn)


def stop_code_fits(key: str, typed: str, secrets: Sequence[str], turn: int = 0) -> bool:
    """Whether that is the session's code, under the newest secret or an older one. Spaces do not count."""
    plain = "".join(typed.split())
    if len(plain) != DIGITS or not (plain.isascii() and plain.isdigit()):
        return False
    return any(hmac.compare_digest(plain, _code(key, secret, turn)) for secret in secrets)


def spaced(code: str) -> str:
    """As people read it: `482 913`."""
    return f"{code[:3]}\N{NO-BREAK SPACE}{code[3:]}"


def _code(key: str, secret: str, turn: int) -> str:
    told = key if turn == 0 else f"{key}#{turn}"  # no key has that sign in it
    digest = hmac.new(secret.encode(), _PURPOSE + told.encode(), hashlib.sha256).digest()
    return f"{int.from_bytes(digest[:8], 'big') % 10**DIGITS:0{DIGITS}d}"
