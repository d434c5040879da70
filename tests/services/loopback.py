"""A server of HTTP on loopback, whose answers a test chooses."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs


@dataclass(frozen=True)
class Request:
    """One request: its path, what its form holds, its files, its body as it came."""

    path: str
    form: dict[str, str]
    files: dict[str, bytes]
    body: bytes


def read_form(content_type: str, body: bytes) -> tuple[dict[str, str], dict[str, bytes]]:
    """Read a form, urlencoded or in parts."""
    if "multipart" not in content_type:
        return {key: values[0] for key, values in parse_qs(body.decode(errors="replace")).items()}, {}
    message = BytesParser(policy=HTTP).parsebytes(
        b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body
    )
    form, files = {}, {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if part.get_filename():
            files[name] = content
        else:
            form[name] = content.decode()
    return form, files


@dataclass
class Loopback:
    """
    A server in threads of its own.

    `answer` gives status and body of a request; `hold` keeps every request waiting until it is set.
    """

    requests: list[Request] = field(default_factory=list)
    hold: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def answer(self, request: Request) -> tuple[int, bytes]:
        """Give what is answered."""
        return 200, b"{}"

    @contextmanager
    def serving(self) -> Iterator[Any]:
        """Serve while the block runs."""
        owner = self
        self.hold.set()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # the name is the library's
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                form, files = read_form(self.headers.get("Content-Type") or "", body)
                request = Request(self.path, form, files, body)
                owner.requests.append(request)
                owner.hold.wait(30)
                status, content = owner.answer(request)
                try:
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content)
                except OSError:  # the other side has given up waiting
                    self.close_connection = True

            do_GET = do_POST  # noqa: N815 - the library's name

            def log_message(self, *args: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        self.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.hold.set()
            server.shutdown()
            server.server_close()
            thread.join(5)
