"""Targets: what reaches a service, and what is told of one that does not take it."""

from __future__ import annotations

import base64
import email
import json
import logging
import socket
import struct
from collections.abc import Iterator
from email.policy import default

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from loopback import Loopback
from telegram_server import TOKEN, TelegramServer

from bt_run.alerts.target import make_targets
from bt_run.core.errors import ConfigError


class Mailbox:
    """Keeps the mails that come."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []

    async def handle_DATA(self, server, session, envelope) -> str:  # noqa: N802  # aiosmtpd's name
        """Take a mail."""
        self.mails.append(envelope.content)
        return "250 OK"


def free_port() -> int:
    """Give a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    """Serve SMTP on loopback; gives the mailbox and its port."""
    box = Mailbox()
    controller = Controller(
        box,
        hostname="127.0.0.1",
        port=free_port(),
        authenticator=lambda *args: AuthResult(success=True),
        auth_require_tls=False,
    )
    controller.start()
    try:
        yield box, controller.port
    finally:
        controller.stop()


def size_of(picture: bytes) -> tuple[int, int]:
    """Give width and height as a PNG says them."""
    return struct.unpack(">II", picture[16:24])


def test_a_webhook_gets_text_and_chart(webhook: Loopback, image: bytes):
    """As JSON, the chart in base64."""
    (target,) = make_targets([webhook.url.replace("http", "json")])

    outcome = target.send("BTCUSDT long", "at 64,000", image)

    told = json.loads(webhook.requests[0].body)
    assert outcome.is_sent
    assert ("BTCUSDT long", "at 64,000") == (told["title"], told["message"])
    assert image == base64.b64decode(told["attachments"][0]["base64"])


def test_a_mail_has_the_chart_inside(mailbox: tuple[Mailbox, int], image: bytes):
    """The text shows the picture, which lies in the mail itself and is what was drawn."""
    box, port = mailbox
    url = f"mailto://me:secretword@127.0.0.1:{port}?mode=insecure&from=bot@example.org&to=me@example.org"
    (target,) = make_targets([url])

    outcome = target.send("BTCUSDT long", "rsi(14) < 30\nat 64,000", image)

    mail = email.message_from_bytes(box.mails[0], policy=default)
    parts = {part.get_content_type(): part for part in mail.walk()}
    picture = parts["image/png"]
    assert outcome.is_sent
    assert "BTCUSDT long" == mail["Subject"]
    assert "inline" == picture.get_content_disposition()
    assert f"cid:{picture['Content-ID'].strip('<>')}" in parts["text/html"].get_content()
    assert (3, 2) == size_of(picture.get_payload(decode=True))
    assert "rsi(14) &lt; 30<br/>" in parts["text/html"].get_content()
    assert "rsi(14) < 30" in parts["text/plain"].get_content()


def test_telegram_gets_the_chart_with_the_text_below(telegram: TelegramServer, image: bytes):
    """One message; without a chart it is text."""
    (target,) = make_targets([f"tgram://{TOKEN}/55"], telegram_url=telegram.url)

    assert target.send("long", "at 64,000", image).is_sent
    assert target.send("long", "", None).is_sent
    assert ["long\nat 64,000", "long"] == [sent.text for sent in telegram.sent]
    assert [image, None] == [sent.photo for sent in telegram.sent]


def test_each_chat_is_a_target(telegram: TelegramServer):
    """So that one that fails is tried again without the others."""
    targets = make_targets([f"tgram://{TOKEN}/55/-10077"], telegram_url=telegram.url)

    for target in targets:
        target.send("x", "", None)
    gaps = {target.name.partition(" ")[0]: target.gap_s for target in targets}

    assert {"55", "-10077"} == {sent.chat for sent in telegram.sent}
    assert gaps["tgram://***/-10077"] > gaps["tgram://***/55"] > 1


@pytest.mark.parametrize(
    ("fault", "wait_s", "is_final"),
    [(429, 7.0, False), (500, None, False), (400, None, True), (403, None, True)],
)
def test_what_telegram_says_is_understood(telegram: TelegramServer, fault: int, wait_s: float, is_final: bool):
    """It names its pause; it refuses for good; or it is tried again."""
    telegram.faults, telegram.retry_after = [fault], 7
    (target,) = make_targets([f"tgram://{TOKEN}/55"], telegram_url=telegram.url)

    outcome = target.send("long", "", None)

    assert (False, wait_s, is_final) == (outcome.is_sent, outcome.wait_s, outcome.is_final)
    assert outcome.reason


def test_a_telegram_that_hangs_is_left(telegram: TelegramServer):
    """After its patience; the message may be tried again."""
    (target,) = make_targets([f"tgram://{TOKEN}/55"], telegram_url=telegram.url)
    target._patience_s = 0.2
    telegram.hold.clear()

    outcome = target.send("long", "", None)

    assert (False, False) == (outcome.is_sent, outcome.is_final)
    assert "did not answer in time" in outcome.reason


SECRET_URLS = [
    f"tgram://{TOKEN}/55",
    "discord://1234567890123456/verySecretToken_abc",
    "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
    "json://ann:pass%20word@127.0.0.1:9/deep/path?+X-Key=headerSecret",
    "mailto://ann:hunter22@127.0.0.1:9?mode=insecure&to=ann@example.org&from=b@example.org",
    "jsons://ann:passphrase@127.0.0.1:9",
]


SECRETS = [TOKEN, TOKEN.split(":")[1], "verySecretToken", "TIiajkdnl", "pass%20word", "pass word"]
SECRETS += ["headerSecret", "hunter22", "passphrase"]


@pytest.mark.parametrize("url", SECRET_URLS, ids=lambda url: url.partition(":")[0])
def test_no_secret_is_seen_anywhere(url: str, caplog: pytest.LogCaptureFixture):
    """Not in a target's name, nor in the reason of a failure, nor in what libraries log at any level."""
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "telegram", "apprise"):
        caplog.set_level(logging.DEBUG, logger=name)
    (target,) = make_targets([url], telegram_url="http://127.0.0.1:9")
    if not url.startswith(("discord", "slack")):
        outcome = target.send("long", "", None)
        assert not outcome.is_sent
        assert outcome.reason
        said = outcome.reason
    else:
        said = ""

    for secret in SECRETS:
        for text in (said, target.name, repr(target), caplog.text):
            assert secret not in text


@pytest.mark.parametrize("url", ["nonsense", "tgram://x/y", "discord://only-one-part", "json://"])
def test_a_url_that_is_not_understood_is_refused_masked(url: str):
    """With an example of a right one, and without what stands in it."""
    with pytest.raises(ConfigError) as caught:
        make_targets([url])

    assert "is not understood" in str(caught.value) or "names no chat" in str(caught.value)
    assert "only-one-part" not in str(caught.value)


def test_a_service_that_lacks_a_library_is_told_so():
    """By the library's name."""
    with pytest.raises(ConfigError, match=r"growl://\*\*\* needs gntp"):
        make_targets(["growl://host"])
