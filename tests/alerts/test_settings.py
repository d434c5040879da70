"""The table [alerts] and the environment."""

from __future__ import annotations

from datetime import time

import pytest

from bt_run.alerts.settings import AlertSettings, parse_seconds
from bt_run.core.errors import ConfigError

TOKEN = "123456789:AAbbCCddEEffGGhhIIjjKKllMMnnOOppQQr"  # noqa: S105  # of nobody's bot


def test_all_that_can_be_set_is_read():
    """With the targets of the environment behind those of the file."""
    table = {
        "urls": ["json://h"],
        "events": ["signal", "error"],
        "cool-down": {"signal": "10m"},
        "quiet": "22:00-7:00",
        "time-zone": "Europe/Berlin",
        "disconnected-after": 30,
        "charts": False,
        "telegram": {"chats": [55]},
    }
    environ = {"BT_RUN_ALERT_URLS": "json://i, discord://a/b\njson://h", "BT_RUN_TELEGRAM_TOKEN": TOKEN}
    settings = AlertSettings.of(table, environ)

    assert ("json://h", "json://i", "discord://a/b") == settings.urls
    assert ({"signal", "error"}, {"signal": 600.0}) == (settings.policy.kinds, settings.policy.cool_downs)
    assert (time(22), time(7), "Europe/Berlin") == (
        settings.policy.quiet.start,
        settings.policy.quiet.end,
        str(settings.policy.quiet.zone),
    )
    assert (30.0, False) == (settings.disconnected_after_s, settings.charts)
    assert (frozenset({55}), True) == (settings.telegram.chats, settings.telegram.is_on)


def test_without_anything_alerts_are_off():
    """And so is control by Telegram, also with a token alone: nobody is listed."""
    assert not AlertSettings.of({}, {}).is_on
    assert not AlertSettings.of({}, {"BT_RUN_TELEGRAM_TOKEN": TOKEN}).is_on


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"url": []}, "[alerts] has no setting 'url'. Did you mean 'urls'?"),
        ({"events": ["signals"]}, "there is no alert 'signals'. Did you mean 'signal'?"),
        ({"quiet": "22-7"}, "Write 22:00-07:00"),
        ({"quiet": "25:00-07:00"}, "Write 22:00-07:00"),
        ({"quiet": "07:00-07:00"}, "no time at all"),
        ({"time-zone": "Europe/Berlim"}, "no time zone 'Europe/Berlim'"),
        ({"cool-down": {"signal": "soon"}}, "'soon' is not a time"),
        ({"urls": [1]}, "urls is a list of texts"),
        ({"charts": "yes"}, "charts is true or false"),
        ({"telegram": {"token": "x"}}, "belongs into the environment"),
        ({"telegram": {"chat": [1]}}, "Did you mean 'chats'?"),
        ({"telegram": {"chats": ["me"]}}, "a list of chat numbers"),
        ({"telegram": {"chats": [1]}}, "BT_RUN_TELEGRAM_TOKEN is not set"),
    ],
)
def test_a_mistake_is_named(table: dict, words: str):
    """With the file, the key, and what to write."""
    with pytest.raises(ConfigError) as caught:
        AlertSettings.of(table, {}, source="mine.toml")

    assert words in str(caught.value)
    assert "mine.toml" in str(caught.value)


def test_no_secret_is_in_a_repr():
    """Neither a target's nor the bot's token."""
    settings = AlertSettings.of(
        {"urls": [f"tgram://{TOKEN}/55", "json://ann:hunter22@h"], "telegram": {"chats": [55]}},
        {"BT_RUN_TELEGRAM_TOKEN": TOKEN},
    )

    assert TOKEN not in repr(settings)
    assert "hunter22" not in repr(settings)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("15m", 900), ("2h", 7200), (5, 5), ("0", 0)]
)
def test_times_are_read(text: str, seconds: float):
    """With a unit, or as seconds."""
    assert seconds == parse_seconds(text)
