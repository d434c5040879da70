"""
Client order ids of orders that no bot made: ``bth-6k0fhx2p7c3m9d4b8z1q-0``, by hand or by a signal.

They follow from what the asker called the wish. So the same wish has the same ids, however often it comes, and
the exchange itself refuses the second of two that are open. No run of bt-run gives such an id, so each takes
such an order for a stranger's.
"""

from __future__ import annotations

import hashlib
import re

__all__ = ["HAND_PREFIX", "hand_id", "hand_list_id", "is_hand_id"]

HAND_PREFIX = "bth-"

_DIGITS = "0123456789bcdfghjkmnpqrstvwxz"
_WIDTH = 20
_ID = re.compile(rf"bth-[{_DIGITS}]{{{_WIDTH}}}-[0-9l]", re.ASCII)


def hand_id(venue: str, key: str, leg: int) -> str:
    """Name an order by venue, key of the wish (not empty) and leg (0 to 9) within it; 26 characters."""
    return f"{HAND_PREFIX}{_digest(venue, key)}-{leg:d}"


def hand_list_id(venue: str, key: str) -> str:
    """Name the list that the orders of a wish make."""
    return f"{HAND_PREFIX}{_digest(venue, key)}-l"


def is_hand_id(text: str) -> bool:
    """Tell whether an id was given here."""
    return bool(_ID.fullmatch(text))


def _digest(venue: str, key: str) -> str:
    """Shorten to 20 of 29 characters, 97 bits: two wishes never meet."""
    number = int.from_bytes(hashlib.sha256(f"{venue}\n{key}".encode()).digest())
    text = ""
    for _ in range(_WIDTH):
        number, digit = divmod(number, len(_DIGITS))
        text += _DIGITS[digit]
    return text
