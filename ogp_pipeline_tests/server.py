"""A real server on this computer that answers as it is told, also wrongly: slowly, cut off, with a login page."""

from __future__ import annotations

import ssl
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Gives the next answer that is laid down for a path; the last one again and again."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        server: Server = self.server
        server.requests[self.path].append(dict(self.headers))
        answers = server.answers[self.path]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        self.close_connection = True
        with suppress(ConnectionError, ssl.SSLError):  # the client may hang up
            answer(self)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posted[self.path].append(body)
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    """`answers`: path -> answers still to give; `requests`: path -> the headers of every request;
    `posted`: path -> the bodies that were posted."""

    daemon_threads = True

    def __init__(self) -> None:
        self.answers: dict[str, list[Answer]] = defaultdict(lambda: [given(b"", 404)])
        self.requests: dict[str, list[dict[str, str]]] = defaultdict(list)
        self.posted: dict[str, list[bytes]] = defaultdict(list)
        self.closing = threading.Event()
        self.scheme = "http"
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"127.0.0.1:{self.server_port}"

    def url(self, path: str) -> str:
        """The address of a path."""
        return f"{self.scheme}://{self.address}{path}"

    def handle_error(self, *_: object) -> None:
        pass  # a client that refuses the certificate hangs up


@contextmanager
def running(certificate: tuple[Path, Path] | None = None) -> Iterator[Server]:
    """A server in a thread of its own, over TLS where a certificate and its key are given."""
    server = Server()
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        server.scheme = "https"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


def given(body: bytes, status: int = 200, length: int | None = None, **headers: str) -> Answer:
    """An answer with a body; `length` is what it says to have, else the truth; `_` in a header is `-`."""

    def answer(handler: Handler) -> None:
        handler.send_response(status)
        if status != 304:
            handler.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def redirected(url: str) -> Answer:
    """An answer that sends the client elsewhere."""
    return given(b"", 302, Location=url)


def silent(handler: Handler) -> None:
    """No answer at all."""
    handler.server.closing.wait(30)


def dripping(handler: Handler) -> None:
    """A body that never ends and comes byte by byte, never silent for long."""
    handler.send_response(200)
    handler.end_headers()
    while not handler.server.closing.wait(0.02):
        handler.wfile.write(b"a")


def dripping_headers(handler: Handler) -> None:
    """The same before the body begins."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while not handler.server.closing.wait(0.02):
        handler.wfile.write(b"a")


def endless(handler: Handler) -> None:
    """A body without a length that comes fast and never ends."""
    handler.send_response(200)
    handler.end_headers()
    while not handler.server.closing.is_set():
        handler.wfile.write(b"a,b\n" * 10_000)


def cut_chunk(body: bytes) -> Answer:
    """A body in chunks whose last one never comes."""

    def answer(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(f"{len(body):x}\r\n".encode() + body + b"\r\n")

    return answer


def self_made_certificate(folder: Path, *names: str) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and some names, signed by itself, and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test server")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1")), *map(x509.DNSName, names)]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "server.pem", folder / "server.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths
