"""Stored backtests over the interface."""

from __future__ import annotations

import pytest

from bt_run.run.desk.results import ResultFolder

WISH = {"symbol": "BTCUSDT", "interval": "1d", "strategy": "sar", "parameters": {}}


@pytest.fixture
def keep(client):
    """Give a sender of wishes to keep."""
    headers = {"x-csrf-token": client.csrf}
    return lambda name, **changes: client.post(
        "/api/v1/results", json={"name": name, "backtest": {**WISH, **changes}}, headers=headers
    )


def test_a_backtest_of_the_page_is_kept_and_listed(client, keep, stream, desk, tmp_path):
    """With the numbers and the account of the backtest that the page showed."""
    desk.results = ResultFolder(tmp_path)
    with stream(client) as page:
        page.say({"do": "look", "id": 1, "symbol": "BTCUSDT", "interval": "1d"})
        while page.hear()["type"] != "snapshot":
            pass
        shown = client.post("/api/v1/backtest", json=WISH, headers={"x-csrf-token": client.csrf}).json()
        answer = keep("mine")
    told = client.get("/api/v1/results").json()
    curve = client.get("/api/v1/results/mine").json()

    assert 200 == answer.status_code, answer.text
    assert [answer.json()] == told["results"]
    assert shown["metrics"] == told["results"][0]["metrics"]
    assert (shown["equity"], shown["times"], False) == (curve["equity"], curve["times"], curve["by_trade"])


def test_without_a_folder_nothing_is_kept(client, keep):
    """A sentence says how."""
    assert {"folder": "", "results": []} == client.get("/api/v1/results").json()
    for answer in (keep("mine"), client.get("/api/v1/results/mine")):
        assert (422, True) == (answer.status_code, "--results" in answer.json()["detail"])


def test_what_nobody_looks_at_is_not_run(keep, desk, tmp_path):
    """The bars are those of a chart; and no file is written."""
    desk.results = ResultFolder(tmp_path)

    assert 422 == keep("mine", symbol="ETHUSDT").status_code
    assert 422 == keep("../mine").status_code
    assert [] == list(tmp_path.iterdir())


def test_the_page_is_there(client, stranger):
    """For who is let in."""
    assert "Backtests and live runs" in client.get("/compare").text
    assert 401 == stranger.get("/compare").status_code
