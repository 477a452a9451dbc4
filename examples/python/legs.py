"""Legs: the preface, end-to-end TLS, and the copy between a leg and a plain socket (docs/PROTOCOL.md, "A leg")."""

import dataclasses
import hashlib
import os
import socket
import ssl
import struct
import tempfile
import threading

from contract import preface
from identity import Identity, fingerprint, principal, split_address

ALPN = "drawbridge-e2e/1"
CHUNK = 64 * 1024
TIMEOUT_SECONDS = 10


@dataclasses.dataclass
class Peer:
    """Who has to be at the other end of a leg."""

    uri: str
    key_fingerprint: bytes


def dial_leg(address: str, token: bytes) -> socket.socket:
    """Dials the rendezvous and sends the preface. There is no answer."""
    leg = socket.create_connection(split_address(address), TIMEOUT_SECONDS)
    leg.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    body = preface.Preface(token=token).SerializeToString()
    leg.sendall(b"DBR1" + struct.pack(">H", len(body)) + body)
    return leg


def server_name(session_id: str, target: str) -> str:
    """The server name of a link's handshake, which binds it to its session and target."""
    digest = hashlib.sha256(f"{session_id}\0{target}".encode()).digest()
    return f"{digest[:16].hex()}.target.drawbridge.internal"


class EncryptedLeg:
    """End-to-end TLS over a leg, whose two directions end apart from each other.

    Python's SSLSocket cannot do that: its unwrap() waits for the other side's end. So the records are made in memory.
    """

    def __init__(self, leg: socket.socket, identity: Identity, name: str, peer: Peer, is_server: bool) -> None:
        self._leg = leg
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._lock = threading.Lock()
        self._ended = False
        context = _context(identity, name, is_server)
        self._tls = context.wrap_bio(
            self._incoming, self._outgoing, server_side=is_server, server_hostname=None if is_server else name
        )
        self._handshake()
        if self._tls.selected_alpn_protocol() != ALPN:
            raise ssl.SSLError("the other end does not speak " + ALPN)
        certificate = self._tls.getpeercert(True)
        if principal(certificate) != peer.uri or fingerprint(certificate) != peer.key_fingerprint:
            raise ssl.SSLError("the other end is not " + peer.uri)
        leg.settimeout(None)

    def send(self, data: bytes) -> None:
        """Encrypts and sends; returns once the kernel has taken it."""
        with self._lock:
            self._tls.write(data)
            self._leg.sendall(self._outgoing.read())

    def end(self) -> None:
        """Says that no more follows (close_notify); what the other end sends is still read."""
        with self._lock:
            try:
                self._tls.unwrap()
            except ssl.SSLWantReadError:
                pass  # it would now wait for the other end's close_notify
            self._leg.sendall(self._outgoing.read())

    def receive(self) -> bytes:
        """The next bytes; empty once the other end has ended. Raises ConnectionError where the leg was cut off."""
        records = b""
        while not self._ended:
            with self._lock:
                # All of it is taken at once: unwrap() refuses to end this side while bytes for it are unread.
                self._incoming.write(records)
                data = self._decrypt()
            if data or self._ended:
                return data
            records = self._leg.recv(CHUNK)
            if records == b"":
                raise ConnectionError("the leg was cut off before its end")
        return b""

    def _decrypt(self) -> bytes:
        chunks = []
        try:
            while chunk := self._tls.read(CHUNK):
                chunks.append(chunk)
            self._ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self._ended = True
        return b"".join(chunks)

    def close(self) -> None:
        _close(self._leg)

    def _handshake(self) -> None:
        while True:
            try:
                self._tls.do_handshake()
                self._leg.sendall(self._outgoing.read())
                return
            except ssl.SSLWantReadError:
                self._leg.sendall(self._outgoing.read())
            records = self._leg.recv(CHUNK)
            if records == b"":
                raise ConnectionError("the leg was closed during the handshake")
            self._incoming.write(records)


def carry(leg: EncryptedLeg, plain: socket.socket) -> None:
    """Copies both ways until both have ended; a cut on one side is a reset on the other."""

    def to_leg() -> None:
        try:
            while data := plain.recv(CHUNK):
                leg.send(data)
            leg.end()
        except OSError:
            leg.close()

    other_way = threading.Thread(target=to_leg, daemon=True)
    other_way.start()
    try:
        while data := leg.receive():
            plain.sendall(data)
        plain.shutdown(socket.SHUT_WR)
        other_way.join()
    except OSError:
        # An end without close_notify must not be passed on as one: SO_LINGER of 0 makes the close a reset.
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    finally:
        leg.close()
        _close(plain)


def _context(identity: Identity, name: str, is_server: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if is_server else ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=identity.authorities)
    context.set_alpn_protocols([ALPN])
    _load_own(context, identity)
    if is_server:
        # An alert as return value refuses the handshake.
        context.sni_callback = lambda _tls, asked, _context: (
            None if asked == name else ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        )
    return context


def _load_own(context: ssl.SSLContext, identity: Identity) -> None:
    """Python reads certificate and key from files only."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "own.pem")
        with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
            file.write(identity.key + identity.certificate)
        context.load_cert_chain(path)


def _close(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    sock.close()
