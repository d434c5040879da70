"""Passwords in texts that people read."""

from __future__ import annotations

import re

__all__ = ["HIDDEN", "hide_password"]

HIDDEN = "***"
"""What stands in the place of a secret."""

_OF_USER = re.compile(r"(?P<before>\b[a-z][a-z0-9+.-]*://[^:/?#@]*:).*(?=@)", re.IGNORECASE)
_OF_QUERY = re.compile(r"(?P<before>[?&][^\s=&]*passw[^\s=&]*=)[^\s&]*", re.IGNORECASE)


def hide_password(text: str) -> str:
    """
    Put `HIDDEN` where a URL in the text holds a password: after the user's name, or among its parameters.

    Rather too much is hidden than too little: all up to the last ``@``, for a password may be unquoted.
    """
    hidden = _OF_USER.sub(rf"\g<before>{HIDDEN}", text)
    return _OF_QUERY.sub(rf"\g<before>{HIDDEN}", hidden)
