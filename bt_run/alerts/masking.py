"""Names for targets that show no secret, and the same for whatever libraries write about them."""

from __future__ import annotations

import hashlib
import logging
import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Secrets", "mask_url", "name_of", "quiet_loggers", "secret_parts"]

HIDDEN = "***"

_NAMES_ITS_HOST = frozenset(
    {"json", "jsons", "xml", "xmls", "form", "forms", "mailto", "mailtos", "http", "https"}
)
"""The host in their URLs is a machine; in other URLs a token stands there."""

_SHORTEST = 3
_LONGEST = 150
_LOGGERS = (
    "apprise",
    "asyncio",
    "httpcore",
    "httpcore.connection",
    "httpcore.http11",
    "httpx",
    "requests",
    "telegram",
    "telegram.Bot",
    "telegram.request",
    "urllib3",
    "urllib3.connectionpool",
)


def mask_url(url: str) -> str:
    """
    Give a URL as it may be shown: its scheme, the host where that is a machine, a Telegram chat's number.

    All else is hidden: users, passwords, tokens, paths and what follows a question mark.
    """
    scheme, mark, rest = url.strip().partition("://")
    if not mark or not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme):
        return HIDDEN
    scheme = scheme.lower()
    place = rest.partition("?")[0]
    if scheme == "tgram":
        chats = [part for part in place.split("/")[1:] if re.fullmatch(r"(-?\d{1,20}|@\w+)(:\d+)?", part)]
        return "/".join([f"tgram://{HIDDEN}", *chats])
    if scheme not in _NAMES_ITS_HOST:
        return f"{scheme}://{HIDDEN}" if rest.strip("/") else f"{scheme}://"
    authority, _, path = place.partition("/")
    host = authority.rpartition("@")[2]
    has_more = bool(path.strip("/")) or "?" in rest or "@" in authority
    return f"{scheme}://{host or HIDDEN}{'/' + HIDDEN if has_more else ''}"


def name_of(url: str) -> str:
    """Give a target's name: the masked URL and four digits of its hash, which tell two such targets apart."""
    return f"{mask_url(url)[:_LONGEST]} #{hashlib.sha256(url.strip().encode()).hexdigest()[:4]}"


def secret_parts(url: str) -> set[str]:
    """Give the pieces of a URL that must not be seen anywhere, as they stand there and decoded."""
    rest = url.strip().partition("://")[2]
    place, _, query = rest.partition("?")
    authority = place.partition("/")[0]
    pieces = set(place.split("/")) | {place, rest, query}
    for piece in (authority.rpartition("@")[0], authority):
        pieces |= {piece, *piece.split(":"), *piece.split("@")}
    pieces |= {value for _, value in parse_qsl(query) if not _is_plain(value)}
    found = {part for piece in pieces for part in (piece, unquote(piece))}
    shown = mask_url(url)
    return {part for part in found if len(part) >= _SHORTEST and part not in shown}


def _is_plain(value: str) -> bool:
    """An option's value that is no secret; hiding it would spoil sentences."""
    return value.lower() in {"true", "false", "yes", "html", "text", "markdown", "starttls", "insecure", "ssl"}


class Secrets(logging.Filter):
    """
    Hides the secrets of some URLs in any text; as a filter of `logging`, in what libraries log.

    Args:
        urls: Whose secrets.
        more: Other secrets, such as a bot's token.
    """

    def __init__(self, urls: Iterable[str] = (), *, more: Iterable[str] = ()) -> None:
        super().__init__()
        parts = {part for url in urls for part in secret_parts(url)} | {part for part in more if part}
        longest_first = sorted(parts, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def hide(self, text: str) -> str:
        """Give the text with each secret replaced."""
        return text if self._pattern is None else self._pattern.sub(HIDDEN, text)

    def filter(self, record: logging.LogRecord) -> bool:
        """Hide secrets in a line of a log."""
        said = record.getMessage()
        hidden = self.hide(said)
        if hidden != said:
            record.msg, record.args = hidden, None
        if (
            record.exc_info
            and record.exc_info[1] is not None
            and self.hide(str(record.exc_info[1])) != str(record.exc_info[1])
        ):
            record.exc_info = None
        return True

    def __repr__(self) -> str:
        return "Secrets(hidden)"


def quiet_loggers(secrets: Secrets) -> None:
    """
    Let the libraries that send log nothing secret, and nothing on the terminal.

    A filter of `logging` does not reach a logger's children, so it is put on each by its name.
    """
    known = [name for name in logging.root.manager.loggerDict if name.partition(".")[0] in _LOGGERS]
    for name in {*_LOGGERS, *known}:
        logger = logging.getLogger(name)
        logger.addFilter(secrets)
    for name in ("apprise", "telegram"):
        logger = logging.getLogger(name)
        if not any(isinstance(handler, logging.NullHandler) for handler in logger.handlers):
            logger.addHandler(logging.NullHandler())
