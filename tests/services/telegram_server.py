"""
Telegram's Bot API on loopback: getMe, sendMessage, sendPhoto, getUpdates, answerCallbackQuery.

Answers have the shape of https://core.telegram.org/bots/api; faults are given in `faults`, one a request.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from loopback import Loopback, Request

TOKEN = "123456789:AAbbCCddEEffGGhhIIjjKKllMMnnOOppQQr"  # noqa: S105  # of nobody's bot


@dataclass
class Sent:
    """A message that was taken: to whom, its text or caption, its photo."""

    chat: str
    text: str
    photo: bytes | None
    markup: Any


@dataclass
class TelegramServer(Loopback):
    """
    The server; `sent` are the messages in the order in which they came.

    A fault is a status (429 with `retry_after`, 500, 400, 403) or ``"hang"``, and is met by the next message.
    """

    sent: list[Sent] = field(default_factory=list)
    faults: list[Any] = field(default_factory=list)
    retry_after: int = 1
    updates: list[dict[str, Any]] = field(default_factory=list)
    news: threading.Event = field(default_factory=threading.Event)

    def answer(self, request: Request) -> tuple[int, bytes]:
        """Give what Telegram would."""
        _, token, method = request.path.split("/")
        if token != f"bot{TOKEN}":
            return self._no(401, "Unauthorized")
        return getattr(self, f"_{method}")(request)

    def say(self, chat: int, text: str, *, date: int | None = None, user: int | None = None) -> None:
        """Let somebody write to the bot."""
        person = {"id": user or chat, "is_bot": False, "first_name": "Ann"}
        message = {"message_id": len(self.updates) + 1, "date": date or int(time.time()), "text": text}
        message |= {"chat": {"id": chat, "type": "private", "first_name": "Ann"}, "from": person}
        message["entities"] = [{"type": "bot_command", "offset": 0, "length": len(text.split(maxsplit=1)[0])}]
        self._put({"message": message})

    def press(self, chat: int, data: str) -> None:
        """Let somebody press a button of the bot's."""
        person = {"id": chat, "is_bot": False, "first_name": "Ann"}
        message = {
            "message_id": 1,
            "date": int(time.time()),
            "chat": {"id": chat, "type": "private"},
            "text": "?",
        }
        query = {"id": "7", "from": person, "message": message, "chat_instance": "1", "data": data}
        self._put({"callback_query": query})

    def _put(self, update: dict[str, Any]) -> None:
        self.updates.append({"update_id": 1000 + len(self.updates), **update})
        self.news.set()

    def _sendMessage(self, request: Request) -> tuple[int, bytes]:  # noqa: N802  # Telegram's name
        return self._message(request, request.form.get("text", ""), None)

    def _sendPhoto(self, request: Request) -> tuple[int, bytes]:  # noqa: N802  # Telegram's name
        photo = request.files.get("photo") or next(iter(request.files.values()), None)
        return self._message(request, request.form.get("caption", ""), photo)

    def _message(self, request: Request, text: str, photo: bytes | None) -> tuple[int, bytes]:
        fault = self.faults.pop(0) if self.faults else None
        if fault == "hang":
            threading.Event().wait(30)
        if fault == 429:
            told = {
                "ok": False,
                "error_code": 429,
                "description": f"Too Many Requests: retry after {self.retry_after}",
            }
            return 429, json.dumps({**told, "parameters": {"retry_after": self.retry_after}}).encode()
        if fault is not None:
            return self._no(
                int(fault), {400: "Bad Request: chat not found"}.get(fault, "Internal Server Error")
            )
        markup = json.loads(request.form["reply_markup"]) if "reply_markup" in request.form else None
        self.sent.append(Sent(request.form["chat_id"], text, photo, markup))
        chat = {"id": int(request.form["chat_id"]), "type": "private"}
        return self._yes({"message_id": len(self.sent), "date": int(time.time()), "chat": chat, "text": text})

    def _getMe(self, request: Request) -> tuple[int, bytes]:  # noqa: N802  # Telegram's name
        return self._yes({"id": 123456789, "is_bot": True, "first_name": "bot", "username": "a_bot"})

    def _getUpdates(self, request: Request) -> tuple[int, bytes]:  # noqa: N802  # Telegram's name
        offset = int(request.form.get("offset", 0))
        until = time.monotonic() + float(request.form.get("timeout", 0))
        while True:
            self.news.clear()
            found = [update for update in self.updates if update["update_id"] >= offset]
            if found or not self.news.wait(max(0.0, until - time.monotonic())):
                return self._yes(found)

    def _answerCallbackQuery(self, request: Request) -> tuple[int, bytes]:  # noqa: N802  # Telegram's name
        return self._yes(result=True)

    @staticmethod
    def _yes(result: Any) -> tuple[int, bytes]:
        return 200, json.dumps({"ok": True, "result": result}).encode()

    @staticmethod
    def _no(status: int, words: str) -> tuple[int, bytes]:
        return status, json.dumps({"ok": False, "error_code": status, "description": words}).encode()
