"""Cut the text of a rule into words, numbers and signs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from bt_run.alerts.rules.parse_error import ParseError

__all__ = ["LONGEST", "Token", "cut"]

LONGEST = 500
"""Letters that a rule may have."""

_TOKEN = re.compile(
    r"""(?P<space>[ \t]+)
      | (?P<interval>[1-9][0-9]{0,3}(?:mo|[smhdwMDHW])(?![0-9A-Za-z_.]))
      | (?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?(?![0-9A-Za-z_.]))
      | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<sign><=|>=|==|!=|[-+*/<>(),.=])""",
    re.VERBOSE | re.ASCII,
)
_INSTEAD = {"&": "and", "|": "or", "!": "not", "≤": "<=", "≥": ">=", "÷": "/", "≠": "!=", "%": ""}


@dataclass(frozen=True, slots=True)
class Token:
    """One word, number or sign; words in small letters, the end as an empty sign."""

    kind: Literal["interval", "number", "word", "sign", "end"]
    text: str
    at: int


def cut(text: str) -> list[Token]:
    """Cut a rule; the last token is its end. Raises ParseError at the first letter that belongs to nothing."""
    if len(text) > LONGEST:
        raise ParseError(
            text[:LONGEST], LONGEST, f"A rule has at most {LONGEST} letters; this has {len(text)}."
        )
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ParseError(text, at, _strange(text, at))
        kind = match.lastgroup
        if kind != "space":
            word = match[0].lower() if kind == "word" else match[0]
            found.append(Token(kind, word, at))  # type: ignore[arg-type]  # the groups are the kinds
        at = match.end()
    return [*found, Token("end", "", len(text))]


def _strange(text: str, at: int) -> str:
    letter = text[at]
    if (letter.isdigit() and letter.isascii()) or letter == ".":
        return "This is no number. Write 30, 0.5 or 1e6."
    instead = _INSTEAD.get(letter)
    hint = f" Write {instead!r}." if instead else ""
    return f"A rule has no {letter!r}.{hint}"
