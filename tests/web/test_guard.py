"""The door: host, origin, token, session, CSRF, size and rate; and nothing secret leaves."""

from __future__ import annotations

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from bt_run.web.access import Access, Attempts, hash_password

WISH = {"symbol": "BTCUSDT", "interval": "1d", "strategy": "rsi"}


def test_the_token_in_the_address_begins_a_session_and_leaves_it(stranger, server):
    """The browser is sent on without it, with a cookie that scripts and other sites do not get."""
    answer = stranger.get(f"/?token={server.token}&view=1")
    cookie = answer.headers["set-cookie"]

    assert 303 == answer.status_code
    assert "/?view=1" == answer.headers["location"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert server.token not in cookie
    assert 200 == stranger.get("/").status_code


def test_the_way_on_leads_to_no_other_host(stranger, server):
    """An address of two slashes would be another server's."""
    location = stranger.get(f"//evil.example/?token={server.token}").headers.get("location", "/")

    assert location.startswith("/")
    assert not location.startswith("//")


CHANGES = [
    ("POST", "/api/v1/orders"),
    ("POST", "/api/v1/orders/check"),
    ("DELETE", "/api/v1/orders?symbol=BTCUSDT"),
    ("DELETE", "/api/v1/orders/bth-1"),
]


def test_no_order_without_session_and_csrf_token(client, stranger):
    """A cookie alone is what another page could send along."""
    for method, path in CHANGES:
        refuse_change(client, stranger, method, path)


def refuse_change(client, stranger, method, path):
    """Ask for a change in every wrong way, and once in the right one: then it is the wish that is wrong."""
    headers = {"idempotency-key": "a-key-of-mine"}

    assert 401 == stranger.request(method, path, headers=headers).status_code
    assert 403 == client.request(method, path, headers=headers).status_code
    assert 403 == client.request(method, path, headers={**headers, "x-csrf-token": "guess"}).status_code
    evil = {**headers, "x-csrf-token": client.csrf, "origin": "http://evil.example"}
    assert 403 == client.request(method, path, headers=evil).status_code
    assert 422 == client.request(method, path, headers={**headers, "x-csrf-token": client.csrf}).status_code


def test_a_signal_needs_no_session_but_the_right_host_and_no_other_page(stranger):
    """Only its path is open, and only for what TradingView sends."""
    assert 404 == stranger.post("/api/v1/signal", json={}).status_code
    assert 401 == stranger.post("/api/v1/signal/", json={}).status_code
    assert 421 == stranger.post("/api/v1/signal", json={}, headers={"host": "evil.example"}).status_code
    assert (
        403 == stranger.post("/api/v1/signal", json={}, headers={"origin": "http://evil.example"}).status_code
    )
    assert 413 == stranger.post("/api/v1/signal", content=b"x" * 70_000).status_code


PAGES = ("/", "/static/main.js", "/chart.js", "/api/v1/page", "/api/v1/openapi.json", "/api/v1/trading")
ACCOUNT = ("orders", "orders.csv", "balances", "positions", "trades?symbol=BTCUSDT")


def test_nothing_is_given_without_a_session(stranger):
    """Not even a script."""
    for path in (*PAGES, *(f"/api/v1/{name}" for name in ACCOUNT)):
        assert 401 == stranger.get(path).status_code, path
        assert 401 == stranger.get(path, params={"token": "wrong"}).status_code, path


def test_a_program_may_use_the_token_as_bearer(stranger, server):
    """No cookie, no CSRF token: no browser sends that header by itself."""
    good, bad = ({"authorization": f"Bearer {token}"} for token in (server.token, "wrong"))

    assert 200 == stranger.get("/api/v1/health", headers=good).status_code
    assert 401 == stranger.get("/api/v1/health", headers=bad).status_code
    assert 422 == stranger.post("/api/v1/backtest", headers=good, json={}).status_code


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1:9", "127.0.0.1", "127.0.0.1:8765.evil.example"])
def test_another_host_name_is_not_answered(client, host):
    """A stranger's name that points to this machine (DNS rebinding)."""
    assert 421 == client.get("/api/v1/ping", headers={"host": host}).status_code


def test_what_changes_something_needs_the_csrf_token_of_this_session(client):
    """Missing or wrong: refused; right: on to the wish itself."""
    assert 403 == client.post("/api/v1/backtest", json=WISH).status_code
    assert 403 == client.post("/api/v1/backtest", json=WISH, headers={"x-csrf-token": "x"}).status_code
    assert 422 == client.post("/api/v1/backtest", json={}, headers={"x-csrf-token": client.csrf}).status_code


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:9"])
def test_another_page_changes_nothing_and_opens_no_socket(client, stream, origin):
    """Also with the cookie and the CSRF token."""
    headers = {"origin": origin, "x-csrf-token": client.csrf}

    assert 403 == client.post("/api/v1/backtest", json=WISH, headers=headers).status_code
    with pytest.raises((InvalidStatus, ConnectionClosed)), stream(client, origin=origin) as page:
        page.hear()


def test_a_socket_without_a_session_is_refused(stranger, stream):
    """The page's own origin does not suffice."""
    with pytest.raises((InvalidStatus, ConnectionClosed)), stream(stranger) as page:
        page.hear()


def test_a_long_body_is_refused(client):
    """64 KiB are more than any wish."""
    answer = client.post("/api/v1/backtest", content=b"x" * 70_000, headers={"x-csrf-token": client.csrf})

    assert 413 == answer.status_code


def test_many_requests_are_slowed_down(client, desk):
    """A loop in a page must not stop the bot."""
    desk.access.requests = Attempts(20, 60.0)
    statuses = [client.get("/api/v1/ping").status_code for _ in range(25)]

    assert [200] * 20 + [429] * 5 == statuses


def test_every_answer_forbids_foreign_scripts_and_frames(client, stranger):
    """Also a refusal."""
    for answer in (client.get("/"), stranger.get("/"), client.get("/api/v1/nothing")):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert "nosniff" == answer.headers["x-content-type-options"]


def test_no_answer_holds_the_token(client, server):
    """Nor does the page."""
    for path in ("/", "/api/v1/page", "/api/v1/health", "/api/v1/openapi.json"):
        assert server.token not in client.get(path).text


@pytest.fixture
def with_password(desk):
    desk.access = Access(
        "another-token-of-more-than-32-letters", password_hash=hash_password("open sesame please")
    )
    return desk


def test_a_password_lets_in_and_a_wrong_one_does_not(with_password, stranger, server):
    """The page asks for it; five wrong ones, and one has to wait."""
    origin = {"origin": server.url}
    assert "/login" == stranger.get("/").headers["location"]
    assert 200 == stranger.get("/login").status_code
    wrong = stranger.post("/login", data={"password": "guess"}, headers=origin)
    right = stranger.post("/login", data={"password": "open sesame please"}, headers=origin)

    assert "/login?wrong" == wrong.headers["location"]
    assert "/" == right.headers["location"]
    assert 200 == stranger.get("/").status_code
    statuses = [
        stranger.post("/login", data={"password": "guess"}, headers=origin).status_code for _ in range(4)
    ]
    assert [303, 303, 303, 429] == statuses


def test_another_page_cannot_log_in(with_password, stranger):
    """Not with the right password either."""
    answer = stranger.post(
        "/login", data={"password": "open sesame please"}, headers={"origin": "http://evil.example"}
    )

    assert 403 == answer.status_code


def test_a_session_can_be_ended(client):
    """After that nothing is given."""
    assert 200 == client.post("/logout", headers={"x-csrf-token": client.csrf}).status_code
    assert 401 == client.get("/api/v1/page").status_code
