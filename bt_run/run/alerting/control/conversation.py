"""
What somebody writes to the bot, and what is to be done about it. Pure.

Only listed chats are answered. Panic asks again: its button, or ``/panic yes`` within a minute. What was
written before the bot began to listen is not obeyed: a panic of yesterday must not close a position of today.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ASK_PANIC", "COMMANDS", "PANIC_BUTTON", "Conversation", "Message", "Step", "help_text"]

Action = Literal[
    "status", "position", "orders", "profit", "daily", "pause", "resume", "panic", "chart", "help", "ask panic",
    "unknown", "too late", "silence", "old"
]  # fmt: skip

COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "status": "How the run stands.",
        "position": "What it holds.",
        "orders": "Open orders.",
        "profit": "What it has earned.",
        "daily": "What today (UTC) has brought.",
        "pause": "Open no new positions.",
        "resume": "Allow new positions again.",
        "panic": "Cancel all orders, close the position, end. Asks again.",
        "chart": "A chart: /chart, or /chart ETHUSDT.",
        "help": "This list.",
    }
)
"""All commands with their one line, in the order of the help."""

PANIC_BUTTON = "panic yes"
"""What the button of the question says when it is pressed."""

ASK_PANIC = (
    "Panic cancels all orders of the bot, sells its position at market, and ends it.\n"
    "Press the button, or write /panic yes within 60 seconds."
)

PATIENCE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Message:
    """Something that came: from which chat, who wrote it, the text (or what a button said), when."""

    chat: int
    text: str
    time_ms: int
    is_button: bool = False
    sender: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done, and with which word behind the command."""

    action: Action
    argument: str = ""


@dataclass(frozen=True, slots=True)
class Conversation:
    """
    What is remembered between messages.

    `chats` may give commands. `began_ms` is when the bot began to listen, Telegram's seconds in ms. `asked_ms`
    is when a chat was asked about panic.
    """

    chats: frozenset[int]
    began_ms: int
    asked_ms: Mapping[int, int] = field(default_factory=dict)

    def hear(self, message: Message) -> tuple[Step, Conversation]:
        """Say what a message wants, and what is remembered from then on."""
        if message.chat not in self.chats:
            return Step("silence"), self
        if not message.is_button and message.time_ms < self.began_ms:
            return Step("old"), self
        word, argument = _split(message)
        if word != "panic":
            return Step(word, argument) if word in COMMANDS else Step("unknown", word), self  # type: ignore[arg-type]  # one of them
        if argument != "yes":
            return Step("ask panic"), self._asked(message.chat, message.time_ms)
        asked = self.asked_ms.get(message.chat)
        after = self._asked(message.chat, None)
        if asked is None or message.time_ms > asked + PATIENCE_MS:
            return Step("too late"), after
        return Step("panic"), after

    def _asked(self, chat: int, time_ms: int | None) -> Conversation:
        asked = {known: at for known, at in self.asked_ms.items() if known != chat}
        if time_ms is not None:
            asked[chat] = time_ms
        return Conversation(self.chats, self.began_ms, asked)


def _split(message: Message) -> tuple[str, str]:
    """Read ``/status@my_bot word`` or what a button says."""
    text = message.text.strip()
    if message.is_button and text == PANIC_BUTTON:
        return "panic", "yes"
    match = re.match(r"/([A-Za-z_]+)(?:@\w+)?(?:\s+(\S+))?", text)
    if match is None:
        return text[:20], ""
    return match[1].lower(), (match[2] or "").lower()


def help_text() -> str:
    """List the commands."""
    return "\n".join(f"/{name}: {line}" for name, line in COMMANDS.items())
