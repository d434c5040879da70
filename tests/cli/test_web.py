"""bt-run web: what it refuses before it listens, and how it ends."""

from __future__ import annotations

import re
import signal

import pytest
import requests

from bt_run.cli.main import run


def test_another_machine_needs_a_password_and_a_name(capsys, monkeypatch, tmp_path):
    """It says where the password stands, and what a tunnel would be."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BT_RUN_WEB_PASSWORD", raising=False)
    assert 2 == run(["web", "--host", "192.0.2.1", "--no-browser"])
    assert "BT_RUN_WEB_PASSWORD" in capsys.readouterr().err
    monkeypatch.setenv("BT_RUN_WEB_PASSWORD", "long enough to be one")
    assert 2 == run(["web", "--host", "0.0.0.0", "--no-browser"])  # noqa: S104  # it is refused
    assert "--name" in capsys.readouterr().err
    monkeypatch.setenv("BT_RUN_WEB_PASSWORD", "short")
    assert 2 == run(["web", "--host", "192.0.2.1", "--no-browser"])
    told = capsys.readouterr().err
    assert "12 characters" in told
    assert "short" not in told.replace("shorter", "")


def test_a_port_that_is_taken_is_told(capsys):
    """With what to do."""
    from bt_run.web.serve import bind

    with bind("127.0.0.1", 0) as taken:
        taken.listen()
        port = str(taken.getsockname()[1])

        assert 2 == run(["web", "--port", port, "--no-browser"])
    assert "--port" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_prints_its_address_and_ends_on_a_signal(bt_run_started, number):
    """Alone on its port; the token lets in."""
    words = [
        "web",
        "--no-browser",
        "--port",
        "0",
        "--venue",
        "practice",
        "--data",
        "btc_1d.csv",
        "--speed",
        "60",
    ]
    process = bt_run_started(*words, env={"PYTHONUNBUFFERED": "1"})
    url = process.stdout.readline().strip()
    with requests.Session() as session:
        session.trust_env = False
        page = session.get(url, timeout=20)
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)

    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{40,}", url)
    assert 200 == page.status_code
    assert "token" not in page.url
    assert process.returncode in (0, 130, 143)
    assert "Traceback" not in errors
