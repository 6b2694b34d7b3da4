"""Names that are drawn: keys, tokens and marks of a run come from its seed, so that the same seed is the same run."""

from __future__ import annotations

import random
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")
_SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@contextmanager
def drawn_names(seed: object) -> Iterator[None]:
    """Within, `secrets` draws from the seed. Only for a process that simulates: nothing made here is a secret."""
    draw = random.Random(f"{seed}/names")  # noqa: S311 - that is what it is for

    def of_length(nbytes: int | None = None) -> int:
        return 32 if nbytes is None else nbytes

    def token_urlsafe(nbytes: int | None = None) -> str:
        return "".join(draw.choice(_SIGNS) for _ in range(-(-of_length(nbytes) * 4 // 3)))

    def choice(several: Sequence[T]) -> T:
        return draw.choice(several)

    made: dict[str, Any] = {
        "token_hex": lambda nbytes=None: draw.randbytes(of_length(nbytes)).hex(),
        "token_bytes": lambda nbytes=None: draw.randbytes(of_length(nbytes)),
        "token_urlsafe": token_urlsafe,
        "choice": choice,
        "randbelow": draw.randrange,
    }
    before = {name: getattr(secrets, name) for name in made}
    vars(secrets).update(made)
    try:
        yield
    finally:
        vars(secrets).update(before)
