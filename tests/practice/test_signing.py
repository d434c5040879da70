"""Keys and signatures: the vectors of Binance's documentation, and what is refused."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from Crypto.PublicKey import ECC
from Crypto.Signature import eddsa
from hypothesis import given
from hypothesis import strategies as st

from bt_run.core.errors import ConfigError
from bt_run.practice.refusal import Refusal
from bt_run.practice.signing import HmacKey, Keys, ed25519_key, made_key, rest_payload, socket_payload

# The example of rest-api.md and web-socket-api.md, in halves: it looks like a real key.
DOCS = HmacKey(
    "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zv" + "sw0MuIgwCIPy6utIco14y7Ju91duEh8A",
    "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP" + "1e3UZjInClVN65XAbvqqM6A7H5fATj0j",
)
FIRST = b"symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC"
SECOND = b"quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
ORDER = FIRST + b"&" + SECOND
DIGITS = b"%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96"


@pytest.mark.parametrize(
    ("query", "body", "signature"),
    [
        (b"", ORDER, "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"),
        (ORDER, b"", "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"),
        (FIRST, SECOND, "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77"),
        (
            ORDER.replace(b"LTCBTC", DIGITS),
            b"",
            "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3",
        ),
    ],
)
def test_the_documented_rest_signatures_fit(query, body, signature):
    """Query, body, both (with nothing between), and an encoded symbol: the examples of the documentation."""
    end = b"&signature=" + signature.encode()
    sent = (query + end, body) if not body else (query, body + end)
    payload, found = rest_payload(*sent)

    assert query + body == payload
    assert DOCS is Keys([DOCS]).verify(DOCS.api_key, payload, found)
    assert DOCS.fits(payload, signature.upper())


def test_the_documented_socket_signature_fits():
    """Parameters are sorted, the key is one of them, and numbers count as text."""
    params = {
        "symbol": "BTCUSDT",
        "side": "SELL",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "0.01000000",
        "price": "52000.00",
        "recvWindow": 100,
        "timestamp": 1645423376532,
        "apiKey": DOCS.api_key,
        "signature": "is not signed",
    }

    assert DOCS.fits(socket_payload(params), "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24")


def test_a_socket_payload_is_not_encoded():
    """Characters of any script stand as they are."""
    payload = socket_payload({"c": True, "b": ["X"], "a": "测试"})

    assert 'a=测试&b=["X"]&c=true'.encode() == payload


@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_the_signature_may_stand_anywhere(place):
    """What is signed is the rest, with its separators."""
    sent = {"first": b"signature=s&a=1&b=2", "middle": b"a=1&signature=s&b=2", "last": b"a=1&b=2&signature=s"}

    assert (b"a=1&b=2", "s") == rest_payload(sent[place], b"")


@given(st.binary(min_size=1, max_size=40))
def test_one_changed_byte_spoils_a_signature(change):
    """No other payload has the same signature."""
    key = made_key(1)
    signed = hmac.new(key.secret.encode(), ORDER, hashlib.sha256).hexdigest()

    assert key.fits(ORDER, signed)
    assert not key.fits(ORDER + change, signed)


def test_ed25519_signs_with_a_key_that_never_leaves_the_client():
    """The public key is enough to verify; another signature is refused."""
    private = ECC.generate(curve="Ed25519")
    key = ed25519_key(private.public_key().export_key(format="PEM"))
    signature = base64.b64encode(eddsa.new(private, "rfc8032").sign(ORDER)).decode()
    keys = Keys([DOCS, key])

    assert key is keys.verify(key.api_key, ORDER, signature)
    assert key == ed25519_key(key.public_key)
    for wrong in (signature[:-8] + "AAAAAAA=", "not base64", ""):
        with pytest.raises(Refusal) as caught:
            keys.verify(key.api_key, ORDER, wrong)
        assert (-1022, "Signature for this request is not valid.") == (caught.value.code, caught.value.reason)


@pytest.mark.parametrize(
    ("api_key", "code", "words"),
    [
        (None, -2014, "API-key format invalid."),
        ("short", -2014, "API-key format invalid."),
        ("x" * 64, -2015, "Invalid API-key, IP, or permissions for action."),
    ],
)
def test_who_is_not_known_may_not_trade(api_key, code, words):
    """A key that cannot be one, and one that is not ours: HTTP 401."""
    with pytest.raises(Refusal) as caught:
        Keys([DOCS]).find(api_key)

    assert (code, words, 401) == (caught.value.code, caught.value.reason, caught.value.status)


def test_a_key_can_be_taken_away():
    """What was accepted is refused from then on."""
    keys = Keys([DOCS])
    keys.revoke(DOCS.api_key)

    assert [] == list(keys)
    with pytest.raises(Refusal):
        keys.find(DOCS.api_key)


def test_the_same_seed_makes_the_same_key_and_no_seed_another():
    """Scripts can know the key; without a seed nobody can guess it."""
    assert made_key(7) == made_key(7)
    assert len({made_key(7).api_key, made_key(8).api_key, made_key().api_key, made_key().api_key}) == 4
    assert made_key(7).secret not in repr(made_key(7))


@pytest.mark.parametrize(
    "text", ["", "no key", ECC.generate(curve="P-256").public_key().export_key(format="PEM")]
)
def test_what_is_not_an_ed25519_key_is_refused_with_a_sentence(text):
    """The user can mend it."""
    with pytest.raises(ConfigError, match="public key"):
        ed25519_key(text)
