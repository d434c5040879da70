"""A server of HTTP, with TLS or without, that keeps requests as they came and fails where a test wants."""

from __future__ import annotations

import datetime
import ipaddress
import json
import socket
import ssl
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: a close that throws away what was not read


def answer(body=b"{}", *lines, status="200 OK", length=None):
    """Write an answer."""
    said = len(body) if length is None else length
    head = [f"HTTP/1.1 {status}", f"Content-Length: {said}", *lines]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


@dataclass
class Wire:
    """
    A server that keeps every request as it came, by connection, and does with each what a test has planned.

    A plan is what is sent back, or one of these: "close" without an answer, "reset" in the middle of a request,
    "hold" until the test is over; a tuple is done in turn. Where nothing is planned, the time is told.
    """

    context: ssl.SSLContext | None = None
    plans: list[object] = field(default_factory=list)
    got: list[list[bytes]] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http{'s' if self.context else ''}://127.0.0.1:{self.port}"
        self._open = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def orders(self):
        """Give all requests that wanted to change something, whole or not."""
        return [request for requests_ in self.got for request in requests_ if not request.startswith(b"GET")]

    def stop_listening(self):
        """Take no more connections."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def close_idle(self):
        """Close all connections."""
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self._open.clear()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with suppress(OSError):
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            self._open.append(connection)
            self.got.append(mine := [])
            while self._one(connection, mine):
                pass
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        connection.close()

    def _one(self, connection, mine):
        came = connection.recv(20 if self._planned("reset") else 1 << 16)
        if not came:
            return False
        mine.append(came)
        if self._planned("reset"):
            self.plans.pop(0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self.arrived.set()
            connection.close()
            return False
        while not _is_whole(mine[-1]):
            if not (more := connection.recv(1 << 16)):
                return False
            mine[-1] += more
        if mine[-1].startswith(b"GET /api/v3/time"):
            connection.sendall(answer(json.dumps({"serverTime": 1_767_225_600_000}).encode()))
            return True
        self.arrived.set()
        plan = self.plans.pop(0)
        return all(self._do(connection, step) for step in (plan if isinstance(plan, tuple) else (plan,)))

    def _do(self, connection, step):
        if step == "hold":
            self.over.wait(20)
        elif step != "close":
            connection.sendall(step)
        return step != "close"

    def _planned(self, what):
        return self.plans[:1] == [what]


def _is_whole(request):
    head, end, body = request.partition(b"\r\n\r\n")
    lengths = [int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length")]
    return bool(end) and len(body) >= sum(lengths)


def write_certificate(folder: Path) -> Path:
    """Write a certificate for 127.0.0.1, signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    today = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "loopback.pem"
    forms = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(key.private_bytes(*forms) + made.public_bytes(serialization.Encoding.PEM))
    return path
