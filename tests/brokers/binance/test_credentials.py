"""Keys come from the environment or .env, sign as Binance wants it, and show themselves to nobody."""

from __future__ import annotations

import base64
import os

import pytest
from Crypto.Hash import SHA256
from Crypto.PublicKey import ECC, RSA
from Crypto.Signature import eddsa, pkcs1_15

from brokers.binance.credentials import Credentials, find_credentials, variable_prefix
from brokers.binance.library import make_client
from brokers.binance.server_clock import ServerClock
from bt_run.core.errors import ConfigError
from bt_run.core.venue import VENUES

# The examples of Binance's own documentation.
KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"  # noqa: S105 - public
ORDER = {
    "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "0.1", "recvWindow": "5000",
    "timestamp": "1499827319559",
}  # fmt: skip


def query(params):
    return "&".join(f"{name}={value}" for name, value in params.items()).encode()


def found(environ=None, folder=None, venue="testnet"):
    return find_credentials(venue, environ=environ or {}, folder=folder)


@pytest.fixture
def write_key(tmp_path):
    def write(key, **options):
        path = tmp_path / "key.pem"
        text = key.export_key(format="PEM", **options)
        path.write_text(text if isinstance(text, str) else text.decode())
        return path

    return write


def test_the_documentation_s_rest_examples_are_signed_alike():
    """HMAC over the text as it is sent, percent-encoded."""
    credentials = Credentials(KEY, SECRET)

    assert (
        credentials.sign(query({"symbol": "LTCBTC", **ORDER}))
        == "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
    )
    encoded = "%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96"
    assert (
        credentials.sign(query({"symbol": encoded, **ORDER}))
        == "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3"
    )


def test_the_documentation_s_example_of_the_websocket_api_is_signed_alike():
    """All parameters sorted by name, as they are."""
    params = {
        "symbol": "BTCUSDT", "side": "SELL", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01000000",
        "price": "52000.00", "recvWindow": 100,
    }  # fmt: skip

    signed = Credentials(KEY, SECRET).signed(params, time_ms=1645423376532)

    assert "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24" == signed["signature"]
    assert (KEY, 1645423376532) == (signed["apiKey"], signed["timestamp"])


def test_the_library_signs_what_it_sends_as_we_do(script, scripted):
    """Whatever it puts into the body is what the signature is for."""
    client = make_client(script.venue, Credentials(KEY, SECRET), ServerClock())

    client._request("post", script.url + "/api/v3/order", True, data={"symbol": "BTCUSDT", "price": "0.1"})

    sent = script.params("POST /api/v3/order")
    signature = sent.pop("signature")
    assert Credentials(KEY, SECRET).sign(query(sent)) == signature
    assert "5000" == sent["recvWindow"]
    assert KEY == script.headers[-1]["X-MBX-APIKEY"]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_ed25519_keys_sign(write_key, script, line_end):
    """Also with line ends of Windows, which make the text as long as python-binance thinks RSA keys are."""
    private = ECC.generate(curve="Ed25519")
    path = write_key(private)
    path.write_bytes(path.read_text().replace("\n", line_end).encode() + line_end.encode())
    credentials = found({"BINANCE_TESTNET_API_KEY": KEY, "BINANCE_TESTNET_API_PRIVATE_KEY": str(path)})

    make_client(script.venue, credentials, ServerClock())._request(
        "get", script.url + "/api/v3/account", True, data={"a": "1"}
    )

    sent = script.params("GET /api/v3/account")
    signature = base64.b64decode(sent.pop("signature"))
    eddsa.new(private.public_key(), "rfc8032").verify(query(sent), signature)
    assert "Ed25519" == credentials.kind
    eddsa.new(private.public_key(), "rfc8032").verify(b"x", base64.b64decode(credentials.sign(b"x")))


def test_rsa_keys_sign_also_with_a_password(write_key, script):
    """PKCS#1 v1.5 over SHA-256, base64."""
    private = RSA.generate(1024)  # noqa: S505 - quick
    protection = {"protection": "PBKDF2WithHMAC-SHA512AndAES256-CBC", "prot_params": {"iteration_count": 1000}}
    path = write_key(private, passphrase="open", pkcs=8, **protection)  # noqa: S106
    environ = {"BINANCE_API_KEY": KEY, "BINANCE_API_PRIVATE_KEY": str(path)}
    with pytest.raises(ConfigError, match="BINANCE_API_PRIVATE_KEY_PASS"):
        found(environ, venue="mainnet")
    credentials = found(environ | {"BINANCE_API_PRIVATE_KEY_PASS": "open"}, venue="mainnet")

    make_client(script.venue, credentials, ServerClock())._request(
        "post", script.url + "/api/v3/order", True, data={"a": "1"}
    )

    sent = script.params("POST /api/v3/order")
    signature = base64.b64decode(sent.pop("signature"))
    pkcs1_15.new(private.public_key()).verify(SHA256.new(query(sent)), signature)
    assert "RSA" == credentials.kind


@pytest.mark.parametrize(
    ("venue", "prefix"),
    [
        ("testnet", "BINANCE_TESTNET"),
        ("demo", "BINANCE_DEMO"),
        ("mainnet", "BINANCE"),
        ("practice", "BT_RUN_PRACTICE"),
        ("my-lab.2", "BT_RUN_MY_LAB_2"),
    ],
)
def test_each_venue_has_variables_of_its_own(venue, prefix):
    """Nobody sends a testnet's key to the real exchange."""
    environ = {f"{prefix}_API_KEY": KEY, f"{prefix}_API_SECRET": SECRET}

    assert prefix == variable_prefix(venue)
    assert Credentials(KEY, SECRET) == found(environ, venue=venue)
    with pytest.raises(ConfigError):
        found(environ, venue="other")


def test_the_file_is_read_as_it_stands_and_the_environment_wins(tmp_path):
    """Dollar signs, quotes, `export`, comments; nothing reaches the process's environment."""
    before = dict(os.environ)
    (tmp_path / ".env").write_text(
        "# mine\nexport BINANCE_TESTNET_API_KEY='file'\nBINANCE_TESTNET_API_SECRET=a$HOME${B}c\nOTHER=\n"
    )

    assert Credentials("file", "a$HOME${B}c") == found({}, tmp_path)
    assert Credentials("env", "a$HOME${B}c") == found({"BINANCE_TESTNET_API_KEY": " env\n"}, tmp_path)
    assert Credentials("file", "a$HOME${B}c") == found({"BINANCE_TESTNET_API_KEY": ""}, tmp_path)
    assert before == dict(os.environ)


def test_the_current_folder_and_the_environment_are_the_default(tmp_path, monkeypatch):
    """As a user has it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BINANCE_DEMO_API_SECRET", SECRET)
    (tmp_path / ".env").write_text(f"BINANCE_DEMO_API_KEY={KEY}\n")

    assert Credentials(KEY, SECRET) == find_credentials("demo")


def test_without_a_key_two_sentences_say_how_to_get_one(tmp_path):
    """And how to go on without."""
    with pytest.raises(ConfigError) as caught:
        found({}, tmp_path)

    told = str(caught.value)
    assert "https://testnet.binance.vision with a GitHub login" in told
    assert "BINANCE_TESTNET_API_KEY and BINANCE_TESTNET_API_SECRET" in told
    assert told.endswith("--venue practice --data btc_1d.csv --speed max")
    assert 1 == told.count(". ")


def test_half_a_key_says_which_half(tmp_path):
    """The other one is set already."""
    with pytest.raises(ConfigError, match=r"set BINANCE_API_SECRET \(or BINANCE_API_PRIVATE_KEY, a PEM file\)"):
        found({"BINANCE_API_KEY": KEY}, tmp_path, "mainnet")
    with pytest.raises(ConfigError, match="set BT_RUN_PRACTICE_API_KEY in") as caught:
        found({"BT_RUN_PRACTICE_API_SECRET": SECRET}, tmp_path, "practice")
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"BINANCE_API_SECRET": "s", "BINANCE_API_PRIVATE_KEY": "p"}, "both set"),
        ({"BINANCE_API_PRIVATE_KEY": "nowhere/key.pem"}, "nowhere/key.pem cannot be read: No such file"),
        ({"BINANCE_API_PRIVATE_KEY": __file__}, "holds no Ed25519 or RSA private key"),
        ({"BINANCE_API_KEY": "k\u00fcche", "BINANCE_API_SECRET": "s"}, "characters that no key has"),
        ({"BINANCE_API_SECRET": "half ahalf"}, "The API secret holds blanks"),
    ],
)
def test_wrong_settings_are_told(environ, words, tmp_path):
    """A sentence for each, without the secret."""
    with pytest.raises(ConfigError, match=words):
        found({"BINANCE_API_KEY": KEY} | environ, tmp_path, "mainnet")


def test_the_venue_of_prices_alone_wants_no_key(tmp_path):
    """A key would not help: it takes no orders."""
    with pytest.raises(ConfigError, match="takes no orders"):
        found({"BT_RUN_DATA_API_KEY": KEY, "BT_RUN_DATA_API_SECRET": SECRET}, tmp_path, "data")


def test_a_public_key_or_one_of_another_curve_is_refused(write_key):
    """Only Ed25519 and RSA private keys sign."""
    for key in (ECC.generate(curve="Ed25519").public_key(), ECC.generate(curve="P-256")):
        environ = {"BINANCE_API_KEY": KEY, "BINANCE_API_PRIVATE_KEY": str(write_key(key))}
        with pytest.raises(ConfigError, match="holds no Ed25519 or RSA"):
            found(environ, venue="mainnet")


def test_an_unreadable_key_file_is_told(tmp_path):
    """Bytes that are no text."""
    (tmp_path / "key.der").write_bytes(b"\x80\x81")
    with pytest.raises(ConfigError, match="not a text file in PEM form"):
        found({"BINANCE_API_KEY": KEY, "BINANCE_API_PRIVATE_KEY": str(tmp_path / "key.der")}, venue="mainnet")


def test_nothing_that_python_writes_shows_a_secret():
    """Neither the key nor what signs."""
    held = {"one": [Credentials(KEY, SECRET)]}

    for text in (repr(held), str(held), f"{held['one'][0]}", f"{held['one'][0]!r}"):
        assert KEY not in text
        assert SECRET not in text
    assert "Credentials(HMAC, hidden)" == repr(held["one"][0])


def test_credentials_need_one_way_to_sign():
    """Neither none nor two."""
    with pytest.raises(ConfigError, match="a secret or a private key"):
        Credentials(KEY)


def test_the_library_is_pointed_at_the_venue_only():
    """No other address of python-binance's own can be met by mistake."""
    client = make_client(VENUES["testnet"], Credentials(KEY, SECRET), ServerClock())

    assert "https://testnet.binance.vision/api/v3/order" == client._create_api_uri("order")
    assert not client.session.trust_env
