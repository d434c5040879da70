"""No wish, however strange, makes the interface fail: schemathesis over its own OpenAPI document."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings

from brokers.binance.limits import RequestLimits
from bt_run.journal.alert_tables import AlertTables
from bt_run.web.access import Attempts


# The server's threads are in this process, and draw random numbers while a wish is made up.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
@pytest.mark.slow
def test_no_wish_makes_it_fail(server, desk, account, tmp_path, monkeypatch):
    """Whatever is asked for, no answer is a 5xx, but a 502 that says what an exchange did not do."""
    # So many questions use up the weight of a minute, and then each would wait for the next.
    monkeypatch.setattr(RequestLimits, "room_s", lambda limits, weight, *, urgent=False: 0.0)
    desk.journal = str(tmp_path / "bot.sqlite")
    AlertTables(desk.journal).close()
    desk.signal_secret = "a secret that nobody guesses"  # noqa: S105  # of a test
    desk.access.requests = desk.access.signals = Attempts(1_000_000, 60.0)
    headers = {"authorization": f"Bearer {server.token}"}
    schema = schemathesis.openapi.from_url(f"{server.url}/api/v1/openapi.json", headers=headers)
    operations = [found.ok() for found in schema.get_all_operations()]
    for operation in operations:

        @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        @given(case=operation.as_strategy())
        def check(case):
            answer = case.call(headers=headers, timeout=120)
            told = answer.status_code == 502 and answer.json()["detail"]

            assert answer.status_code < 500 or told, f"{case.method} {case.path}: {answer.status_code}"

        check()

    assert len(operations) >= 18
