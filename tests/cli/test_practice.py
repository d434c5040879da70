"""``bt-run practice`` as typed: a process that is reached, asked, traded with and ended."""

from __future__ import annotations

import hashlib
import hmac
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from decimal import Decimal
from urllib.parse import urlencode

import pytest
import requests
from Crypto.PublicKey import ECC

from bt_run.core.interval import Interval
from bt_run.practice.identity import HEADER, NAME
from bt_run.practice.signing import HmacKey, made_key
from feeds.csv_file import read_bars
from feeds.recording.capture_bars import read_capture

ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}


class Process:
    """The command in a process of its own, its output read line by line."""

    def __init__(self, words, work, env):
        self.begun = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bt_run", "practice", "--port", "0", *words],
            cwd=work,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines = []
        self.coming = queue.Queue()
        self.reader = threading.Thread(target=self._read)
        self.reader.start()
        self.session = requests.Session()
        self.session.trust_env = False

    def read_until(self, beginning, limit_s=30.0):
        """Read lines until one begins so; gives the rest of that line."""
        until = time.monotonic() + limit_s
        while True:
            for line in self.lines:
                if line.startswith(beginning):
                    return line.removeprefix(beginning).strip()
            line = self.coming.get(timeout=max(0.0, until - time.monotonic()))
            if line is None:
                pytest.fail(f"no line {beginning!r} in {self.lines}; {self.process.stderr.read()}")
            self.lines.append(line)

    def _read(self):
        for line in self.process.stdout:
            self.coming.put(line.rstrip("\n"))
        self.coming.put(None)

    @property
    def url(self):
        """Give where it listens; waits until that is printed."""
        return self.read_until("url: ")

    def signed(self, verb, path, **params):
        """Ask with the key that was printed."""
        key, secret = self.read_until("key: "), self.read_until("secret: ")
        payload = urlencode({**params, "timestamp": time.time_ns() // 1_000_000})
        signature = hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
        return self.session.request(
            verb, f"{self.url}{path}?{payload}&signature={signature}", headers={"X-MBX-APIKEY": key}, timeout=20
        )

    def control(self, verb, path, body=None):
        """Ask the control endpoint."""
        return self.session.request(verb, f"{self.url}/practice/{path}", json=body, timeout=20).json()

    def end(self, number=signal.SIGTERM):
        """End it; gives the exit code, all of stdout, and stderr."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        begun = time.monotonic()
        self.process.wait(20)
        self.took = time.monotonic() - begun
        self.reader.join(10)
        while (line := self.coming.get(timeout=1)) is not None:
            self.lines.append(line)
        err = self.process.stderr.read()
        self.close()
        return self.process.returncode, "\n".join([*self.lines, ""]), err

    def close(self):
        """Kill it where it still runs, and let go of all that it took."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        self.reader.join(10)
        self.process.stdout.close()
        self.process.stderr.close()
        self.session.close()


@pytest.fixture
def start(work, clean_env):
    """Give what starts a practice exchange."""
    running = []

    def begin(*words, env=None):
        running.append(Process(words, work, clean_env | (env or {})))
        return running[-1]

    yield begin
    for found in running:
        found.close()


def test_it_is_reached_traded_with_and_ended_as_its_output_says(start):
    """The whole first minute: URL and key, an order, SIGTERM, balances."""
    found = start("--data", "btc_1d.csv", "--symbol", "BTCUSDT", "--speed", "60")
    ping = found.session.get(f"{found.url}/api/v3/ping", timeout=20)
    order = found.signed("POST", "/api/v3/order", **ORDER).json()
    found.read_until("  bt-run data capture")
    code, out, err = found.end()

    assert (NAME, "FILLED") == (ping.headers[HEADER], order["status"])
    assert (0, True) == (code, found.took < 2), err
    assert f"{NAME} 0.1.0: not Binance, no real money" == found.lines[0]
    assert "BTCUSDT 1d, synthetic data" in out
    assert "clock: 2018-12-30T00:00:00Z, speed 60" in out
    port = found.url.rpartition(":")[2]
    assert f"export BT_RUN_REST_URL=http://127.0.0.1:{port}\n" in out
    assert f"export BT_RUN_STREAM_URL=ws://127.0.0.1:{port}\n" in out
    assert f"export BT_RUN_WS_API_URL=ws://127.0.0.1:{port}\n" in out
    key, secret = found.read_until("key: "), found.read_until("secret: ")
    assert f"export BT_RUN_PRACTICE_API_KEY={key}\n" in out
    assert f"export BT_RUN_PRACTICE_API_SECRET={secret}\n" in out
    assert "  bt-run live --strategy sar --venue practice --symbol BTCUSDT\n" in out
    assert "1 orders, 1 trades" in out
    spent = 10_000 - Decimal(order["cummulativeQuoteQty"])
    assert "balance: 0.00999 BTC" in out
    assert f"balance: {spent.normalize():f} USDT" in out
    assert f"{NAME}: listening on" in err
    assert f"{NAME}: stopped" in err
    assert "Traceback" not in err


def test_ctrl_c_ends_it_too(start):
    """With the exit code of an interruption; and a seed makes the same key each time."""
    found = start("--data", "btc_1d.csv", "--quiet", "--speed", "max", "--seed", "7")
    assert made_key(7) == HmacKey(found.read_until("key: "), found.read_until("secret: "))
    found.read_until("export BT_RUN_WS_API_URL=")
    code, out, err = found.end(signal.SIGINT)

    assert (130, "", True) == (code, err, found.took < 2)
    assert "balance: 10000 USDT" in out


def test_everything_can_be_chosen(start, work):
    """Several symbols, balances, fees, filters, faults, keys, and the clock by request."""
    (work / "filters.json").write_text('{"*": {"NOTIONAL": {"minNotional": "50"}}}')
    (work / "faults.json").write_text('[{"kind": "unknown_outcome", "method": "order.test"}]')
    (work / "public.pem").write_text(ECC.generate(curve="Ed25519").public_key().export_key(format="PEM"))
    key = {"BT_RUN_PRACTICE_API_KEY": "a" * 64, "BT_RUN_PRACTICE_API_SECRET": "b" * 64}
    words = [
        *("--data", "BTCUSDT=btc_1d.csv", "--data", "ETHUSDT=btc_1d.csv", "--step", "--at", "2020-01-01"),
        *("--balance", "500USDT", "--balance", "1.5ETH", "--maker-fee", "0", "--taker-fee", "0.2%"),
        *("--fee-asset", "quote", "--spread", "4", "--filters", "filters.json", "--faults", "faults.json"),
        *("--no-limits", "--ed25519-public-key", "public.pem"),
    ]
    found = start(*words, env=key)
    status = found.control("GET", "status")
    account = found.signed("GET", "/api/v3/account", omitZeroBalances="true").json()
    rules = found.session.get(f"{found.url}/api/v3/exchangeInfo?symbol=ETHUSDT", timeout=20).json()
    tested = found.signed("POST", "/api/v3/order/test", **ORDER).json()
    moved = found.control("POST", "step", {"bars": 2})

    assert ("a" * 64, "b" * 64) == (found.read_until("key: "), found.read_until("secret: "))
    assert 64 == len(found.read_until("ed25519 key: "))
    assert ("2020-01-01T00:00:00Z", True) == (status["time"], status["paused"])
    assert {"BTCUSDT", "ETHUSDT"} == set(status["symbols"])
    assert {"ETH": "1.50000000", "USDT": "500.00000000"} == {
        row["asset"]: row["free"] for row in account["balances"]
    }
    assert "0.00200000" == account["commissionRates"]["taker"]
    assert "50.00000000" == next(
        item["minNotional"] for item in rules["symbols"][0]["filters"] if item["filterType"] == "NOTIONAL"
    )
    assert -1007 == tested["code"]
    assert (2, "2020-01-03T00:00:00Z") == (moved["moved"], moved["time"])


@pytest.mark.slow
def test_a_state_outlives_the_process(start, work):
    """Also one that is killed: the key, the order and the balances are there again."""
    words = ("--data", "btc_1d.csv", "--state", "state.json", "--step")
    first = start(*words)
    price = first.session.get(f"{first.url}/api/v3/ticker/price?symbol=BTCUSDT", timeout=20).json()["price"]
    resting = {**ORDER, "type": "LIMIT", "timeInForce": "GTC", "price": f"{Decimal(price) / 2:.2f}"}
    first.signed("POST", "/api/v3/order", **resting, newClientOrderId="kept")
    until = time.monotonic() + 10
    while not (work / "state.json").exists() or "kept" not in (work / "state.json").read_text():
        assert time.monotonic() < until
        time.sleep(0.05)
    first.process.kill()
    first.process.wait(10)
    second = start(*words)

    (order,) = second.signed("GET", "/api/v3/openOrders").json()
    assert ("kept", "NEW") == (order["clientOrderId"], order["status"])
    assert second.read_until("key: ") == first.read_until("key: ")
    assert "(as it was saved)" in second.read_until("clock: ")
    assert "goes on; --at, --balance and --seed do not count" in second.read_until("state: state.json")
    assert "0 trades" in second.end()[1]


@pytest.mark.slow
def test_our_download_and_capture_work_against_it(start, bt_run, work):
    """Pointed at it as its output says: the bars of the data, the frames of the clock."""
    found = start("--data", "btc_1d.csv", "--speed", "172800", "--at", "2020-01-01")
    found.read_until("  bt-run data capture")
    exports = dict(re.findall(r"export (\w+)=(\S+)", "\n".join(found.lines)))
    download, capture = (
        line.split("bt-run ")[1].split() for line in found.lines if line.startswith("  bt-run data")
    )
    kept_out = bt_run("data", "download", "-s", "BTCUSDT", "-i", "1d", env=exports | {"BT_RUN_STORE": "store"})
    downloaded = bt_run(*download, env=exports)
    captured = bt_run(*capture[:-1], "1s", env=exports)

    assert 2 == kept_out.returncode
    assert "is a practice exchange, and the store is for bars of the real market" in kept_out.stderr
    assert 0 == downloaded.returncode, downloaded.stderr
    bars = read_bars(work / "practice.csv").bars
    assert (867, 1_502_928_000_000) == (len(bars.between(None, 1_577_836_799_999)), bars.open_time[0])
    assert 0 == captured.returncode, captured.stderr
    assert "no gaps" in captured.stdout
    recorded = read_capture(work / "captures", interval=Interval.parse("1d")).bars
    assert len(recorded)
    assert recorded.open_time[0] >= bars.open_time[-1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "Missing option '--data'"),
        (["--data", "none.csv"], "none.csv"),
        (
            ["--data", "btc_1d.csv", "--symbol", "coin"],
            "'COIN' trades in is not clear. Name it with its quote asset",
        ),
        (["--data", "btc_1d.csv", "--speed", "0"], "is not a speed"),
        (["--data", "btc_1d.csv", "--balance", "USDT"], "is not a balance"),
        (["--data", "btc_1d.csv", "--taker-fee", "5"], "is not a fee"),
        (["--data", "btc_1d.csv", "--at", "soon"], "is not a date or time"),
        (["--data", "btc_1d.csv", "--data", "btc_1d.csv"], "BTCUSDT is given twice"),
        (["--data", "A=x", "--data", "B=y", "--symbol", "X"], "--symbol is for one --data"),
        (["--data", "ETHUSDT=btc_1d.csv", "--symbol", "X"], "names a symbol, and --symbol another"),
        (["--data", "btc_1d.csv", "--faults", "none.json"], "none.json cannot be read"),
        (["--data", "btc_1d.csv", "--ed25519-public-key", "none.pem"], "none.pem cannot be read"),
        (["--data", "btc_1d.csv", "--host", "203.0.113.1"], "cannot listen on 203.0.113.1"),
    ],
)
def test_what_is_wrong_is_told_in_a_sentence(bt_run, words, said):
    """And the exit code is that of a wrong option or of unusable data."""
    ran = bt_run("practice", "--port", "0", *words)

    assert ran.returncode in (2, 3)
    assert said in ran.stderr


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"BT_RUN_PRACTICE_API_KEY": "a" * 64}, "belong together"),
        (
            {"BT_RUN_PRACTICE_API_KEY": "a" * 64, "BT_RUN_PRACTICE_API_SECRET": "short"},
            "API_SECRET must be 64 letters and digits",
        ),
    ],
)
def test_a_key_of_the_environment_must_be_one(bt_run, env, said):
    """Its value is not shown."""
    ran = bt_run("practice", "--port", "0", "--data", "btc_1d.csv", env=env)

    assert 2 == ran.returncode
    assert said in ran.stderr
    assert "short" not in ran.stderr


def test_a_port_that_is_taken_is_told(start, bt_run, work):
    """Two cannot have the same; who comes second leaves the state of the first alone."""
    found = start("--data", "btc_1d.csv", "--quiet", "--state", "state.json", "--step")
    port, state = found.url.rpartition(":")[2], work / "state.json"
    until = time.monotonic() + 10
    while not state.exists():
        assert time.monotonic() < until
        time.sleep(0.05)
    written = state.stat().st_mtime_ns
    ran = bt_run("practice", "--data", "btc_1d.csv", "--port", port, "--state", "state.json")

    assert 2 == ran.returncode
    assert "Address already in use. Choose another port" in ran.stderr
    assert written == state.stat().st_mtime_ns


def test_the_command_is_listed(bt_run):
    """With its one line, and its help with examples."""
    assert "practice" in bt_run("--help").stdout
    help_text = bt_run("practice", "--help").stdout
    assert "bt-run practice --data btc_1d.csv --symbol BTCUSDT --speed 60" in help_text


def test_a_status_line_says_how_it_is(tmp_path):
    """Clock, prices, orders, faults, who holds."""
    from bt_run.cli.practice_view import balance_lines, status_line
    from bt_run.practice.market.data_file import MarketRequest
    from bt_run.practice.plan import PracticePlan, prepare

    found = prepare(PracticePlan((MarketRequest("btc_1d.csv"),), step=True))
    line = status_line(found)
    found.exchange.advance(found.exchange.next_time() or 0)

    assert re.fullmatch(r"2018-12-30T00:00:00Z \| paused \| BTCUSDT [\d,.]+ \| 0 open orders", line), line
    assert ["balance: 10000 USDT"] == balance_lines(found)


def test_every_line_of_the_log_has_the_name(start):
    """Also what the server underneath says; a request that is no HTTP is told in one line."""
    found = start("--data", "btc_1d.csv", "--step")
    where = ("127.0.0.1", int(found.url.rpartition(":")[2]))
    for text in (
        b"GET / HTTP/1.1\r\nHost: x\r\nbad header\r\n\r\n",
        b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n",
    ):
        with socket.create_connection(where, timeout=20) as connection:
            connection.sendall(text)
            assert connection.recv(100).startswith(b"HTTP/1.")
    lines = found.end()[2].splitlines()

    assert 4 == len(lines), lines
    assert all(re.match(rf"\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\dZ {NAME}: ", line) for line in lines), lines


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--speed", "60"], "speed 60, a 1d bar in 24 min"),
        (["--speed", "1"], "speed 1"),
        (["--step"], "steps on request"),
    ],
)
def test_it_says_how_long_a_bar_takes(start, words, said):
    """Who replays days at sixty times real time waits; that must not look as if nothing came."""
    found = start("--data", "btc_1d.csv", *words)

    assert found.read_until("clock: ").startswith(f"2018-12-30T00:00:00Z, {said}")
