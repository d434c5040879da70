"""Control by Telegram, against its Bot API on loopback."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from telegram_server import TOKEN, TelegramServer

from bt_run.alerts.settings import TelegramSettings
from bt_run.core.errors import NoAnswer
from bt_run.run.alerting.control.control import TelegramControl


class Run:
    """Answers with what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.open = threading.Event()
        self.open.set()

    def answer(self, action: str, argument: str) -> tuple[str, bytes | None]:
        """Say it."""
        self.open.wait(30)
        self.asked.append((action, argument))
        if action == "pause":
            raise NoAnswer("The bot hangs.")
        return f"{action}!", b"PNG" if action == "chart" else None


@pytest.fixture
def telegram() -> Iterator[TelegramServer]:
    """Serve Telegram's Bot API."""
    with TelegramServer().serving() as server:
        yield server


@pytest.fixture
def run() -> Run:
    """Give what is controlled."""
    return Run()


@pytest.fixture
def control(telegram: TelegramServer, run: Run) -> Iterator[TelegramControl]:
    """Listen to chat 55."""
    settings = TelegramSettings(TOKEN, frozenset({55}), telegram.url)
    made = TelegramControl(settings, run, poll_s=1).start()
    yield made
    run.open.set()
    made.close()


def wait_until(is_so: Callable[[], bool], limit_s: float = 15.0) -> None:
    """Look until it is so."""
    until = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < until, "waited too long"
        threading.Event().wait(0.01)


def test_a_listed_chat_is_answered(control: TelegramControl, telegram: TelegramServer, run: Run):
    """With text, with a picture, with the list of commands."""
    for text in ("/status", "/chart ETHUSDT", "/help", "hello"):
        telegram.say(55, text)
    wait_until(lambda: len(telegram.sent) == 4)

    assert [("status", ""), ("chart", "ethusdt")] == run.asked
    assert ["status!", "chart!"] == [sent.text for sent in telegram.sent[:2]]
    assert b"PNG" == telegram.sent[1].photo
    assert "/panic:" in telegram.sent[2].text
    assert "There is no command 'hello'" in telegram.sent[3].text


def test_panic_is_asked_again_with_a_button(control: TelegramControl, telegram: TelegramServer, run: Run):
    """And done when it is pressed."""
    telegram.say(55, "/panic")
    wait_until(lambda: len(telegram.sent) == 1)
    assert [] == run.asked
    button = telegram.sent[0].markup["inline_keyboard"][0][0]
    telegram.press(55, button["callback_data"])
    wait_until(lambda: len(telegram.sent) == 2)

    assert [("panic", "")] == run.asked


def test_a_stranger_gets_silence_and_a_line_in_the_log(
    control: TelegramControl, telegram: TelegramServer, run: Run, caplog: pytest.LogCaptureFixture
):
    """The next listed chat is answered all the same."""
    caplog.set_level(logging.WARNING)
    telegram.say(66, "/panic yes")
    telegram.press(66, "panic yes")
    telegram.say(55, "/status")
    wait_until(lambda: len(telegram.sent) == 1)

    assert [("status", "")] == run.asked
    assert "55" == telegram.sent[0].chat
    assert "chat 66 (66) is not listed" in caplog.text


def test_yesterdays_commands_are_not_obeyed(control: TelegramControl, telegram: TelegramServer, run: Run):
    """Telegram keeps them for a day."""
    telegram.say(55, "/resume", date=int(time.time()) - 3600)
    wait_until(lambda: len(telegram.sent) == 1)

    assert [] == run.asked
    assert "before the bot began" in telegram.sent[0].text


def test_what_cannot_be_done_is_said(control: TelegramControl, telegram: TelegramServer):
    """With the reason."""
    telegram.say(55, "/pause")
    wait_until(lambda: len(telegram.sent) == 1)

    assert "Not done: The bot hangs." == telegram.sent[0].text


@pytest.mark.slow
def test_a_run_that_hangs_does_not_keep_the_end(control: TelegramControl, telegram: TelegramServer, run: Run):
    """The control ends within its limit."""
    run.open.clear()
    telegram.say(55, "/status")
    wait_until(lambda: any("getUpdates" in request.path for request in telegram.requests))
    began = time.monotonic()
    control.close(limit_s=0.5)

    assert time.monotonic() - began < 5


def test_a_wrong_token_ends_it_without_showing_it(
    telegram: TelegramServer, run: Run, caplog: pytest.LogCaptureFixture
):
    """In the log stands that, and not the token."""
    caplog.set_level(logging.DEBUG)
    wrong = f"{TOKEN[:-1]}X"
    control = TelegramControl(TelegramSettings(wrong, frozenset({55}), telegram.url), run, poll_s=1).start()
    wait_until(lambda: "does not know the token" in caplog.text)
    control.close()

    assert wrong not in caplog.text
    assert wrong not in repr(TelegramSettings(wrong, frozenset({55})))
