"""The thread that listens to Telegram and answers."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from typing import TYPE_CHECKING, Any, Protocol

from bt_run.alerts.masking import Secrets, quiet_loggers
from bt_run.alerts.telegram_target import make_bot
from bt_run.core.background import BackgroundLoop
from bt_run.core.errors import BtRunError
from bt_run.run.alerting.control.conversation import (
    ASK_PANIC,
    PANIC_BUTTON,
    Conversation,
    Message,
    help_text,
)

if TYPE_CHECKING:
    from bt_run.alerts.settings import TelegramSettings
    from bt_run.run.alerting.control.conversation import Step

__all__ = ["Controlled", "TelegramControl"]

_log = logging.getLogger(__name__)

_POLL_S = 25
_AGAIN_S = (1.0, 2.0, 5.0, 15.0, 30.0)
_TEXT = 4096


class Controlled(Protocol):
    """What can be asked of a run; called in the control's own threads, and may take long."""

    def answer(self, action: str, argument: str) -> tuple[str, bytes | None]:
        """Do what a command wants, and give what to say, with a picture or None. Raises BtRunError."""


class TelegramControl:
    """
    Listens and answers until it is closed; in a thread of its own.

    Args:
        settings: Token, chats, server.
        run: What is asked.
        poll_s: How long one question to Telegram stays open.
    """

    def __init__(self, settings: TelegramSettings, run: Controlled, *, poll_s: int = _POLL_S) -> None:
        self._settings = settings
        self._run = run
        self._poll_s = poll_s
        self._secrets = Secrets(more=[settings.token, settings.token.partition(":")[2]])
        self._talk = Conversation(settings.chats, int(time.time()) * 1000)
        self._background = BackgroundLoop("telegram control")
        self._background.at_stop(self._hang_up)
        self._listening: asyncio.Task[None] | None = None
        self._is_idle = threading.Event()
        self._is_idle.set()

    def start(self) -> TelegramControl:
        """Begin to listen."""
        self._background.start()
        self._background.submit(self._start_listening())
        return self

    def close(self, *, limit_s: float = 4.0) -> None:
        """End within about `limit_s`; an answer that is being given is given first, if half of it is enough."""
        until = time.monotonic() + limit_s
        self._is_idle.wait(limit_s / 2)
        self._background.stop(limit_s=max(0.0, until - time.monotonic()))

    # In the thread.

    async def _hang_up(self) -> None:
        """Let the question that is open end in order: its connection has tasks of its own."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait([self._listening])

    async def _start_listening(self) -> None:
        self._listening = asyncio.create_task(self._listen())
        await asyncio.wait([self._listening])

    async def _listen(self) -> None:
        from telegram.error import InvalidToken, RetryAfter, TelegramError  # noqa: PLC0415  # takes time

        quiet_loggers(self._secrets)
        bot, request = make_bot(self._settings.token, self._settings.url, read_s=self._poll_s + 10.0)
        offset, failures = None, 0
        try:
            while True:
                try:
                    updates = await bot.get_updates(
                        offset=offset,
                        timeout=self._poll_s,
                        allowed_updates=["message", "callback_query"],
                    )
                except InvalidToken:
                    _log.warning("Control by Telegram has ended: Telegram does not know the token.")
                    return
                except TelegramError as error:
                    failures += 1
                    pause = _AGAIN_S[min(failures, len(_AGAIN_S)) - 1]
                    if isinstance(error, RetryAfter):
                        pause = max(pause, error._retry_after.total_seconds())
                    _log.warning("Telegram does not answer: %s", self._secrets.hide(str(error)))
                    await asyncio.sleep(pause)
                    continue
                failures = 0
                for update in updates:
                    offset = update.update_id + 1
                    self._is_idle.clear()
                    try:
                        await self._meet(bot, update)
                    finally:
                        self._is_idle.set()
        finally:
            await request.shutdown()

    async def _meet(self, bot: Any, update: Any) -> None:
        from telegram.error import TelegramError  # noqa: PLC0415  # takes time

        message = _message_of(update)
        if message is None:
            return
        step, self._talk = self._talk.hear(message)
        if step.action == "silence":
            _log.warning(
                "Telegram: chat %d (%s) is not listed and gets no answer.", message.chat, message.sender
            )
            return
        try:
            if message.is_button:
                await bot.answer_callback_query(update.callback_query.id)
            await self._answer(bot, message, step)
        except TelegramError as error:
            _log.warning("Telegram: an answer was not sent: %s", self._secrets.hide(str(error)))

    async def _answer(self, bot: Any, message: Message, step: Step) -> None:
        text, picture, markup = await self._words(step)
        if picture is not None:
            await bot.send_photo(message.chat, photo=picture, filename="chart.png", caption=text[:1024])
        else:
            await bot.send_message(message.chat, text=text[:_TEXT], reply_markup=markup)

    async def _words(self, step: Step) -> tuple[str, bytes | None, Any]:
        if step.action == "ask panic":
            return ASK_PANIC, None, _panic_button()
        if step.action == "unknown":
            return f"There is no command {step.argument!r}.\n{help_text()}", None, None
        if step.action in _SAID:
            return _SAID[step.action], None, None
        try:
            text, picture = await self._background.call_blocking(
                lambda: self._run.answer(step.action, step.argument)
            )
        except BtRunError as error:
            return f"Not done: {error}", None, None
        return text, picture, None


_SAID = {
    "help": help_text(),
    "too late": "Nothing was done: that was no answer to a question of the last minute.",
    "old": "This was written before the bot began to listen. Write it again.",
}


def _message_of(update: Any) -> Message | None:
    """Read an update of Telegram's; None for one that is neither a text nor a button."""
    query = update.callback_query
    if query is not None and query.message is not None and query.data:
        now_ms = time.time_ns() // 1_000_000
        return Message(
            query.message.chat.id, query.data, now_ms, is_button=True, sender=str(query.from_user.id)
        )
    message = update.message
    if message is None or not message.text:
        return None
    sender = "" if message.from_user is None else str(message.from_user.id)
    return Message(message.chat.id, message.text, round(message.date.timestamp() * 1000), sender=sender)


def _panic_button() -> Any:
    from telegram import InlineKeyboardButton, InlineKeyboardMarkup  # noqa: PLC0415  # takes time

    return InlineKeyboardMarkup([[InlineKeyboardButton("Yes, panic", callback_data=PANIC_BUTTON)]])
