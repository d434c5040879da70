"""What somebody writes to the bot."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bt_run.run.alerting.control.conversation import (
    COMMANDS,
    PANIC_BUTTON,
    Conversation,
    Message,
    help_text,
)

T0 = 1_789_000_000_000


def hear(*messages: Message, chats: frozenset[int] = frozenset({55})) -> list[str]:
    """Give what is to be done about each of the messages."""
    talk, found = Conversation(chats, T0), []
    for message in messages:
        step, talk = talk.hear(message)
        found.append(step.action)
    return found


def say(text: str, after_s: int = 1, chat: int = 55, *, button: bool = False) -> Message:
    """Make a message."""
    return Message(chat, text, T0 + 1000 * after_s, is_button=button)


@pytest.mark.parametrize("text", ["/status", "/STATUS", " /status@my_bot ", "/status now"])
def test_a_command_is_understood(text: str):
    """With the bot's name behind it, as in groups, and in capitals."""
    assert ["status"] == hear(say(text))


def test_the_word_behind_a_command_is_kept():
    """For the chart's symbol."""
    step, _ = Conversation(frozenset({55}), T0).hear(say("/chart ETHUSDT"))

    assert ("chart", "ethusdt") == (step.action, step.argument)


def test_panic_asks_again():
    """The button or the word does it, within a minute, once."""
    assert ["ask panic", "panic", "too late"] == hear(
        say("/panic"), say("/panic yes", 61), say("/panic yes", 62)
    )
    assert ["ask panic", "panic"] == hear(say("/panic"), say(PANIC_BUTTON, 9, button=True))
    assert ["ask panic", "too late"] == hear(say("/panic"), say("/panic yes", 62))
    assert ["too late"] == hear(say("/panic yes"))
    assert ["too late"] == hear(say(PANIC_BUTTON, button=True))


def test_only_the_chat_that_was_asked_may_answer():
    """Another listed chat is asked itself."""
    both = frozenset({55, 66})

    assert ["ask panic", "too late"] == hear(say("/panic"), say("/panic yes", 2, 66), chats=both)


def test_what_was_written_before_is_not_obeyed():
    """Not even by somebody who is listed."""
    assert ["old", "old"] == hear(say("/panic", -1), say("/panic yes", -1))


def test_a_button_is_no_text():
    """The word of the button typed as a text is no command."""
    assert ["unknown"] == hear(say(PANIC_BUTTON))


@given(st.integers(), st.text(max_size=30), st.booleans())
def test_unknown_senders_get_silence(chat: int, text: str, is_button: bool):
    """Whatever they write."""
    if chat != 55:
        assert ["silence"] == hear(say(text, chat=chat, button=is_button))


@given(st.text(max_size=40), st.booleans())
def test_nothing_but_panic_yes_panics(text: str, is_button: bool):
    """Neither any text nor any button, without the question."""
    assert hear(say(text, button=is_button))[0] != "panic"


def test_the_help_lists_all_commands():
    """The ten of them."""
    assert 10 == len(COMMANDS)
    assert all(f"/{name}:" in help_text() for name in COMMANDS)
