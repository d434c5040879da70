"""
Who may trade: the account's API keys, and whether a request is signed with one of them.

What is signed, of REST: the query string and the body as they were sent, byte for byte, with nothing between,
without the signature. Of the WebSocket API: all parameters but the signature, sorted by name, not encoded.
Source: rest-api.md and web-socket-api.md of binance-spot-api-docs (read 2026-07-21).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import random
import re
import secrets
import string
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from Crypto.PublicKey import ECC
from Crypto.Signature import eddsa

from bt_run.core.errors import ConfigError
from bt_run.practice.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

__all__ = [
    "Ed25519Key",
    "HmacKey",
    "Key",
    "Keys",
    "ed25519_key",
    "made_key",
    "rest_payload",
    "socket_payload",
    "socket_text",
]

_LETTERS = string.ascii_letters + string.digits
_KEY_LENGTH = 64
_KEY_FORM = re.compile(r"[A-Za-z0-9]{64}")
_SIGNATURE = re.compile(rb"(?:^|&)signature=([^&]*)")


@dataclass(frozen=True, slots=True)
class HmacKey:
    """An API key with a secret that both sides know."""

    api_key: str
    secret: str = field(repr=False)

    def fits(self, payload: bytes, signature: str) -> bool:
        """Tell whether `signature`, in hex of either case, is this key's for `payload`."""
        own = hmac.new(self.secret.encode(), payload, hashlib.sha256).hexdigest()
        return hmac.compare_digest(own.encode(), signature.lower().encode())


@dataclass(frozen=True, slots=True)
class Ed25519Key:
    """An API key whose owner alone can sign; `public_key` as PEM."""

    api_key: str
    public_key: str

    def fits(self, payload: bytes, signature: str) -> bool:
        """Tell whether `signature`, in base64, is this key's for `payload`."""
        verifier = eddsa.new(ECC.import_key(self.public_key), "rfc8032")
        try:
            verifier.verify(payload, base64.b64decode(signature, validate=True))
        except (ValueError, binascii.Error):
            return False
        return True


Key = HmacKey | Ed25519Key


def made_key(seed: int | None = None) -> HmacKey:
    """Make a key and its secret, 64 characters each: the same from the same seed, or of real chance."""
    draw = secrets.SystemRandom() if seed is None else random.Random(f"api key {seed}")  # noqa: S311 - practice
    first, second = ("".join(draw.choices(_LETTERS, k=_KEY_LENGTH)) for _ in range(2))
    return HmacKey(first, second)


def ed25519_key(public_key: str) -> Ed25519Key:
    """
    Make the API key of a public key in PEM; the same key gives the same name.

    Raises:
        ConfigError: it is not an Ed25519 public key.
    """
    try:
        found = ECC.import_key(public_key)
    except (ValueError, IndexError, TypeError) as error:
        raise ConfigError(f"This is not a public key in PEM form: {error}.") from error
    if found.curve != "Ed25519" or found.has_private():
        raise ConfigError("This is not an Ed25519 public key. Make one: openssl pkey -in KEY.pem -pubout.")
    pem = found.export_key(format="PEM")
    name = random.Random(f"api key {pem}").choices(_LETTERS, k=_KEY_LENGTH)  # noqa: S311 - a name, not a secret
    return Ed25519Key("".join(name), pem)


class Keys:
    """The keys of the account; all of them may do everything. Keys can be taken away while it runs."""

    def __init__(self, keys: Iterable[Key]) -> None:
        self._keys = {key.api_key: key for key in keys}

    def __iter__(self) -> Iterable[Key]:
        return iter(tuple(self._keys.values()))

    def add(self, key: Key) -> None:
        """Accept one more key."""
        self._keys[key.api_key] = key

    def revoke(self, api_key: str) -> None:
        """Accept a key no more; nothing happens where it is unknown."""
        self._keys.pop(api_key, None)

    def find(self, api_key: str | None) -> Key:
        """Find a key by its name; raises Refusal -2014 where it cannot be one, -2015 where it is unknown."""
        if not api_key or not _KEY_FORM.fullmatch(api_key):
            raise Refusal(-2014, "API-key format invalid.", status=401)
        found = self._keys.get(api_key)
        if found is None:
            raise Refusal(-2015, "Invalid API-key, IP, or permissions for action.", status=401)
        return found

    def verify(self, api_key: str | None, payload: bytes, signature: str) -> Key:
        """Find the key that signed; raises Refusal as `find`, and -1022 where the signature is not its own."""
        key = self.find(api_key)
        if not key.fits(payload, signature):
            raise Refusal(-1022, "Signature for this request is not valid.")
        return key


def rest_payload(query: bytes, body: bytes) -> tuple[bytes, str | None]:
    """Give what a REST request had to sign, and its decoded signature: None where it holds none."""
    signature = None
    parts = []
    for part in (query, body):
        found = _SIGNATURE.search(part)
        if found is not None and signature is None:
            signature = unquote_to_bytes(found[1]).decode("latin-1")
            part = (part[: found.start()] + part[found.end() :]).removeprefix(b"&")  # noqa: PLW2901
        parts.append(part)
    return b"".join(parts), signature


def socket_payload(params: Mapping[str, Any]) -> bytes:
    """Give what a request of the WebSocket API had to sign."""
    pairs = (f"{name}={socket_text(params[name])}" for name in sorted(params) if name != "signature")
    return "&".join(pairs).encode()


def socket_text(value: Any) -> str:
    """Write a JSON value as parameters are written: ``true``, ``5000``, ``["BTCUSDT"]``, text as it is."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return "[" + ",".join(f'"{item}"' for item in value) + "]"
    return "" if value is None else str(value)
