"""bt-run live --web: the page of the bot that runs."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

LIVE = "live -s macd --venue practice --data btc_1d.csv --speed 86400 --web --web-port 0".split()


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_it_prints_the_page_of_the_bot_and_ends_on_a_signal(
    work: Path, clean_env: dict[str, str], number: int, code: int
) -> None:
    """Without a journal of its own, too; nothing is left behind, neither a file nor a page."""
    with subprocess.Popen(
        [sys.executable, "-m", "bt_run", *LIVE], cwd=work, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env={**clean_env, "PYTHONUNBUFFERED": "1"},
    ) as bot, requests.Session() as session:  # fmt: skip
        try:
            session.trust_env = False
            url = bot.stdout.readline().strip()
            page = session.get(url, timeout=20)
            assert 200 == page.status_code
            until = time.monotonic() + 60
            told = {"running": False, "runs": []}
            while not (told["running"] and told["runs"]) and time.monotonic() < until:
                answer = session.get(f"{page.url}api/v1/runs", timeout=20)
                told = answer.json() if answer.ok else told
                time.sleep(0.05)
            bot.send_signal(number)
            output, errors = bot.communicate(timeout=60)
        finally:
            if bot.poll() is None:
                bot.kill()

    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{40,}", url)
    assert ["macd"] == [run["strategy"] for run in told["runs"]]
    assert (code, False) == (bot.returncode, "Traceback" in errors), errors
    assert "Ended:" in output
    assert [] == list(work.iterdir())
    with pytest.raises(requests.ConnectionError):
        session.get(page.url, timeout=5)
