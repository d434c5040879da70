"""
Services that carry messages: all that apprise knows, and Telegram through python-telegram-bot.

Telegram has its own sender because its limits must be kept: it says how many seconds it wants to be left alone,
which apprise does not pass on.
"""

from __future__ import annotations

import html
import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from bt_run.alerts.delivery import Outcome
from bt_run.alerts.masking import Secrets, mask_url, name_of, quiet_loggers
from bt_run.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["AppriseTarget", "Target", "make_targets"]

TELEGRAM_URL = "https://api.telegram.org"

_GAPS_S = {"discord": 2.0, "slack": 1.1, "mailto": 0.5, "mailtos": 0.5}
"""Seconds between two messages, by scheme; Discord takes 30 a minute of a webhook, Slack one a second."""


class Target(Protocol):
    """One place that messages go to. `name` shows no secret; `gap_s` is the least time between two messages."""

    name: str
    gap_s: float

    def send(self, title: str, body: str, image: bytes | None) -> Outcome:
        """Send a message with its chart, a PNG; waits for the service. Raises nothing."""


class AppriseTarget:
    """
    A service that apprise knows; charts go along where it takes attachments, in mail inside the text.

    Raises ConfigError where apprise does not understand the URL.
    """

    def __init__(self, url: str, secrets: Secrets) -> None:
        self.name = name_of(url)
        self.gap_s = _GAPS_S.get(url.partition("://")[0].lower(), 0.0)
        self._secrets = secrets
        self._plugin = _plugin(url)
        self._is_mail = hasattr(self._plugin, "inline")
        if self._is_mail:
            self._plugin.inline = True

    @property
    def takes_images(self) -> bool:
        """Whether the service takes a picture."""
        return bool(self._plugin.attachment_support)

    def send(self, title: str, body: str, image: bytes | None) -> Outcome:
        """Send a message; what apprise says about a failure is the reason."""
        from apprise import AppriseAttachment, NotifyFormat  # noqa: PLC0415  # takes time, and few runs send
        from apprise.attachment.memory import AttachMemory  # noqa: PLC0415

        attach = None
        if image is not None and self.takes_images:
            attach = AppriseAttachment()
            made: Any = AttachMemory
            attach.add(made(content=image, name="chart.png", mimetype="image/png"))
        with _listening() as said:
            try:
                sent = self._plugin.notify(
                    body=self._written(body or title),
                    title=title,
                    attach=attach,
                    body_format=NotifyFormat.HTML if self._is_mail else NotifyFormat.TEXT,
                )
            except Exception as error:  # noqa: BLE001  # a plugin of a hundred services; the message is tried again
                return Outcome(is_sent=False, reason=self._secrets.hide(f"{type(error).__name__}: {error}"))
        if sent:
            return Outcome(is_sent=True)
        return Outcome(is_sent=False, reason=self._secrets.hide(_reason(said)))

    def _written(self, body: str) -> str:
        """Write a mail's text as HTML: only there can a picture stand in it."""
        return html.escape(body).replace("\n", "<br/>\n") if self._is_mail else body

    def __repr__(self) -> str:
        return f"AppriseTarget({self.name})"


def make_targets(urls: Sequence[str], *, telegram_url: str = TELEGRAM_URL) -> tuple[Target, ...]:
    """
    Make a target of each URL, of a Telegram URL one for each chat.

    Args:
        urls: As apprise writes them, such as ``tgram://token/chat``, ``mailto://user:password@gmail.com``.
        telegram_url: The origin of the Bot API's server.

    Raises:
        ConfigError: a URL that apprise does not understand; it is shown masked.
    """
    from bt_run.alerts.telegram_target import TelegramTarget  # noqa: PLC0415

    secrets = Secrets(urls)
    quiet_loggers(secrets)
    found: dict[str, Target] = {}
    for url in urls:
        if url.lower().startswith("tgram://"):
            plugin = _plugin(url)
            made: list[Target] = [
                TelegramTarget(plugin.bot_token, str(chat), topic, secrets, base_url=telegram_url)
                for chat, topic in plugin.targets
            ]
            if not made:
                raise ConfigError(f"The alert URL {mask_url(url)} names no chat: tgram://TOKEN/CHAT_ID.")
        else:
            made = [AppriseTarget(url, secrets)]
        found |= {target.name: target for target in made}
    quiet_loggers(secrets)
    return tuple(found.values())


def _plugin(url: str) -> Any:
    """Let apprise make its plugin; its own words about a bad URL hold the URL, so they are not shown."""
    from apprise import Apprise  # noqa: PLC0415  # takes time, and few runs send

    with _listening():
        plugin = Apprise.instantiate(url.strip(), suppress_exceptions=True)
    if plugin is None and (needs := _missing_packages(url)):
        raise ConfigError(f"The alert URL {mask_url(url)} needs {needs} on this machine.")
    if plugin is None:
        raise ConfigError(
            f"The alert URL {mask_url(url)} is not understood. Write it as apprise does, such as "
            f"tgram://TOKEN/CHAT_ID, discord://ID/TOKEN or mailto://USER:PASSWORD@gmail.com."
        )
    return plugin


def _missing_packages(url: str) -> str:
    """Say what a service lacks on this machine, such as a library; empty where it lacks nothing."""
    from apprise import Apprise  # noqa: PLC0415  # takes time, and few runs send

    scheme = url.partition("://")[0].strip().lower()
    for told in Apprise().details(show_disabled=True, show_requirements=True)["schemas"]:
        names = {*(told["protocols"] or ()), *(told["secure_protocols"] or ())}
        if scheme in names and not told["enabled"]:
            needs = told["requirements"]
            packages = ", ".join(needs["packages_required"])
            return packages or str(needs["details"]).rstrip(".") or "another system"
    return ""


class _Ear(logging.Handler):
    """Keeps what is logged in one thread."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._thread = threading.get_ident()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.said.append(record.getMessage())


@contextmanager
def _listening() -> Iterator[list[str]]:
    """Hear what apprise logs in this thread, and keep it from the terminal."""
    logger, ear = logging.getLogger("apprise"), _Ear()
    logger.addHandler(ear)
    try:
        yield ear.said
    finally:
        logger.removeHandler(ear)


def _reason(said: Sequence[str]) -> str:
    return " ".join(line.strip() for line in said) or "the service did not take it"
