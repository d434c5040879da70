"""A chat of Telegram's as a target: text, or a chart with the text below it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from bt_run.alerts.delivery import Outcome
from bt_run.alerts.masking import name_of

if TYPE_CHECKING:
    from bt_run.alerts.masking import Secrets

__all__ = ["TelegramTarget", "make_bot"]

_CAPTION = 1024
_TEXT = 4096
_CHAT_GAP_S, _GROUP_GAP_S = 1.05, 3.1
"""Telegram takes one message a second of a chat, and 20 a minute of a group."""


class TelegramTarget:
    """
    One chat.

    Args:
        token: The bot's.
        chat: Its number, negative for a group, or ``@name`` of a channel.
        topic: Of a forum, None for none.
        secrets: Hides the token in reasons.
        base_url: The origin of the Bot API's server.
    """

    def __init__(
        self,
        token: str,
        chat: str,
        topic: int | None,
        secrets: Secrets,
        *,
        base_url: str,
        patience_s: float = 15.0,
    ) -> None:
        place = chat if topic is None else f"{chat}:{topic}"
        self.name = name_of(f"tgram://{token}/{place}")
        self.gap_s = _GROUP_GAP_S if chat.startswith(("-", "@")) else _CHAT_GAP_S
        self._token = token
        self._chat = chat
        self._topic = topic
        self._secrets = secrets
        self._base_url = base_url
        self._patience_s = patience_s

    def send(self, title: str, body: str, image: bytes | None) -> Outcome:
        """Send a message; tells how long Telegram wants to be left alone where it says so."""
        text = f"{title}\n{body}".strip()
        try:
            asyncio.run(asyncio.wait_for(self._send(text, image), self._patience_s))
        except Exception as error:  # noqa: BLE001  # each kind is told apart there; a bug of ours is told too
            return outcome_of(error, self._secrets)
        return Outcome(is_sent=True)

    async def _send(self, text: str, image: bytes | None) -> None:
        from telegram.error import BadRequest  # noqa: PLC0415  # takes time, and few runs send

        bot, request = make_bot(self._token, self._base_url)
        to: dict[str, Any] = {"chat_id": self._chat, "message_thread_id": self._topic}
        try:
            if image is not None:
                try:
                    await bot.send_photo(photo=image, filename="chart.png", caption=text[:_CAPTION], **to)
                except BadRequest as error:
                    if "photo" not in str(error).lower():
                        raise
                else:
                    return
            await bot.send_message(text=text[:_TEXT], **to)
        finally:
            await request.shutdown()

    def __repr__(self) -> str:
        return f"TelegramTarget({self.name})"


def make_bot(token: str, base_url: str, *, read_s: float = 10.0) -> tuple[Any, Any]:
    """Make a bot of python-telegram-bot and the connections to close after it."""
    from telegram import Bot  # noqa: PLC0415  # takes time, and few runs send
    from telegram.request import HTTPXRequest  # noqa: PLC0415

    request = HTTPXRequest(
        connection_pool_size=4, connect_timeout=5.0, read_timeout=read_s, media_write_timeout=10.0
    )
    bot = Bot(token, base_url=f"{base_url.rstrip('/')}/bot", request=request, get_updates_request=request)
    return bot, request


def outcome_of(error: Exception, secrets: Secrets) -> Outcome:
    """Tell what an error of Telegram's means for the message."""
    from telegram.error import BadRequest, ChatMigrated, EndPointNotFound, Forbidden, InvalidToken, RetryAfter  # noqa: PLC0415

    if isinstance(error, TimeoutError):
        return Outcome(is_sent=False, reason="Telegram did not answer in time")
    reason = secrets.hide(f"Telegram: {error}")
    if isinstance(error, RetryAfter):
        wait = error._retry_after  # a timedelta; the public name warns until it is one too
        return Outcome(is_sent=False, reason=reason, wait_s=wait.total_seconds())
    final = BadRequest | ChatMigrated | EndPointNotFound | Forbidden | InvalidToken
    return Outcome(is_sent=False, reason=reason, is_final=isinstance(error, final))
