"""No secret of any service is shown."""

from __future__ import annotations

import logging
import re

import pytest
from apprise import Apprise

from bt_run.alerts.masking import Secrets, mask_url, name_of, secret_parts

SECRET = "s3cr3tW0rd"  # noqa: S105  # the mark that must not be seen


def urls() -> list[tuple[str, int]]:
    """Give a URL of each form of each service, its private parts marked, and how many these are."""
    found = []
    for told in Apprise().details(show_disabled=True)["schemas"]:
        tokens = told["details"]["tokens"]
        scheme = [*(told["protocols"] or ()), *(told["secure_protocols"] or ())][0]
        for template in told["details"]["templates"]:
            names = re.findall(r"{(\w+)}", template)
            private = [name for name in names if tokens.get(name, {}).get("private")]
            parts = {name: f"{SECRET}{place}" for place, name in enumerate(private)}
            parts |= {"schema": scheme, "host": "host.example", "port": "8080", "path": "/open/"}
            found.append((template.format_map({**dict.fromkeys(names, "open"), **parts}), len(private)))
    return found


def test_there_are_many_services():
    """Else the next test would check nothing."""
    assert len(urls()) > 300
    assert sum(count > 0 for _, count in urls()) > 200


def test_private_parts_of_every_service_are_hidden():
    """Those that apprise itself calls private; and they are among the parts that are hidden in logs."""
    shown = [url for url, _ in urls() if SECRET in mask_url(url) or SECRET in name_of(url)]
    unknown = [
        url
        for url, _ in urls()
        for secret in re.findall(rf"{SECRET}\d", url)
        if secret in Secrets([url]).hide(f"about {secret}")
    ]

    assert [] == shown
    assert [] == unknown


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("tgram://123:ABC/-10077/@channel/5:7?silent=yes", "tgram://***/-10077/@channel/5:7"),
        ("discord://1234567/abcdef", "discord://***"),
        ("json://ann:pw@10.0.0.1:8080/path?x=y", "json://10.0.0.1:8080/***"),
        ("json://10.0.0.1:8080", "json://10.0.0.1:8080"),
        ("mailto://ann:pw@gmail.com", "mailto://gmail.com/***"),
        ("dbus://", "dbus://"),
        ("nonsense", "***"),
        ("", "***"),
    ],
)
def test_what_is_left_of_a_url(url: str, masked: str):
    """Scheme, a machine's host, a chat's number."""
    assert masked == mask_url(url)


def test_two_targets_of_a_kind_have_two_names():
    """By four digits of their hash."""
    first, second = name_of("discord://1/abc"), name_of("discord://1/abd")

    assert first != second
    assert re.fullmatch(r"discord://\*\*\* #[0-9a-f]{4}", first)


def test_secrets_are_hidden_as_they_stand_and_decoded():
    """A password with percent signs is logged both ways."""
    secrets = Secrets(["json://ann:pass%20word@h"])

    assert "a *** and ***" == secrets.hide("a pass%20word and pass word")
    assert "pass word" in secret_parts("json://ann:pass%20word@h")
    assert "hidden" in repr(secrets)


def test_a_line_of_a_log_is_hidden_with_its_arguments(caplog: pytest.LogCaptureFixture):
    """And the exception that goes with it is left out where it holds one."""
    logger = logging.getLogger("test of masking")
    secrets = Secrets(more=["hunter22"])
    logger.addFilter(secrets)
    logger.warning("%s at %d", "hunter22", 5)
    logger.error("failed", exc_info=ValueError("hunter22"))
    logger.removeFilter(secrets)

    assert "*** at 5" in caplog.text
    assert "hunter22" not in caplog.text
