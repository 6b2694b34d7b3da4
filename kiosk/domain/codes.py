"""The code that is printed on a charger: how it is typed, what is impossible, and what it may have been meant to be."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Sequence

LONGEST = 10
"""Upstream takes codes of at most ten characters."""

_AROUND = "#.,;:!?()[]\"'"
_CODE = re.compile(r"[A-Z0-9]{1,10}")
_ALIKE = {"0": "O", "O": "0Q", "Q": "O", "1": "I", "I": "1", "8": "B", "B": "8", "5": "S", "S": "5", "2": "Z", "Z": "2"}


def normalise(typed: str) -> str:
    """Without spaces, dashes and what stands around it in a sentence, in upper case, with plain letters and digits."""
    plain = unicodedata.normalize("NFKC", typed[:200])
    return re.sub(r"[\s\-\N{EN DASH}\N{HYPHEN}\N{NON-BREAKING HYPHEN}_]+", "", plain).strip(_AROUND).upper()


def in_address(typed: str, host: str) -> str | None:
    """The code in an address of this kiosk's `host` that somebody typed or pasted; None when it is no such address."""
    text = re.sub(r"^(https?:/*)?(www\.)?", "", typed[:200].strip(), flags=re.IGNORECASE)
    place, _, path = text.partition("/")
    found = re.match(r"(?:c/)?([^/?#]+)/*(?:[?#]|$)", path, flags=re.IGNORECASE)
    same = _bare(place) == _bare(re.sub(r"^www\.", "", host, flags=re.IGNORECASE))
    return normalise(found[1]) if found is not None and same else None


def _bare(place: str) -> str:
    """A host as it is compared: without the ports that browsers leave out."""
    return re.sub(r":(443|80)$", "", place.casefold())


def point_id(typed: str) -> str:
    """The id of a charging point (`DE*LDN*E00101*1`), as it is compared: its letters and digits alone."""
    return re.sub(r"[^A-Z0-9]", "", typed[:200].upper())


def possible(code: str) -> bool:
    """Could be a charger's code at all: nobody is asked about anything else."""
    return _CODE.fullmatch(code) is not None


def meant(code: str, known: Sequence[str]) -> str | None:
    """The configured charger that was probably meant, or None. Never the code itself."""
    known = [one for one in known if one != code]
    for index, sign in enumerate(code):
        for other in _ALIKE.get(sign, ""):
            candidate = code[:index] + other + code[index + 1 :]
            if candidate in known:
                return candidate
    near = difflib.get_close_matches(code, known, n=1, cutoff=0.75)
    return near[0] if near else None


def looks_alike(code: str) -> bool:
    """It holds a sign that is easily taken for another one: O and 0, I and 1."""
    return any(sign in "O0I1" for sign in code)
