"""An operator in Python: enrols, opens a session and listens on loopback for the client.

    operator_client.py enroll CODE --home DIR            (- reads the code from standard input)
    operator_client.py connect TENANT --home DIR [--target rdp] [--reason TEXT]

`connect` prints `listening HOST:PORT`; each connection there becomes a link. Ctrl-C or SIGTERM ends the session.
Known tenants are remembered in DIR/known_tenants.json; a changed key is refused.
"""

import json
import pathlib
import queue
import socket
import sys
import threading

import grpc

from command_line import CommandLine
from contract import common, session, session_grpc
from identity import Identity, Refused, refusal_of
from legs import EncryptedLeg, Peer, carry, dial_leg, server_name

END = object()


class OperatorSession:
    """One session: the Open stream, and the links that it hands out tickets for."""

    def __init__(self, identity: Identity, home: pathlib.Path, tenant: str, target: str, reason: str) -> None:
        self._identity = identity
        self._home = home
        self._tenant = tenant
        self._target = target
        self._requests: queue.Queue = queue.Queue()
        self._waiting: dict = {}
        self._next_request = 0
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        start = session.SessionStart(tenant=tenant, target=target, reason=reason, software="drawbridge-python-example/1")
        self._requests.put(session.OpenRequest(start=start))

    def run(self) -> None:
        """Holds the stream until the session is over."""
        with self._identity.channel() as channel:
            try:
                for response in session_grpc.SessionServiceStub(channel).Open(iter(self._requests.get, END)):
                    getattr(self, "_on_" + (response.WhichOneof("message") or "unknown"), _ignore)(response)
            except grpc.RpcError as error:
                raise refusal_of(error) from error
            finally:
                self._listener.close()

    def stop(self) -> None:
        self._requests.put(session.OpenRequest(goodbye=session.SessionGoodbye()))
        self._requests.put(END)

    def _on_pending(self, response: session.OpenResponse) -> None:
        print(f"waiting for the tenant's consent, {response.pending.within.seconds} s at most", file=sys.stderr)

    def _on_opened(self, response: session.OpenResponse) -> None:
        self._session_id = response.opened.session_id
        self._tenant_key = response.opened.tenant_key_fingerprint
        trust(self._home, self._tenant, self._tenant_key.hex())
        host, port = self._listener.getsockname()
        print(f"listening {host}:{port}", flush=True)
        threading.Thread(target=self._accept, daemon=True).start()

    def _on_link_ticket(self, response: session.OpenResponse) -> None:
        client = self._take(response.link_ticket.request_id)
        if client is not None:
            threading.Thread(target=self._link, args=(response.link_ticket, client), daemon=True).start()

    def _on_link_refused(self, response: session.OpenResponse) -> None:
        refused = response.link_refused
        client = self._take(refused.request_id)
        if client is not None:
            client.close()
        print(f"no link: {refused.reason.code}: {refused.reason.message}", file=sys.stderr)

    def _on_ended(self, response: session.OpenResponse) -> None:
        reason = response.ended.reason
        print(f"the session is over: {reason.code}: {reason.message}", file=sys.stderr)
        self._requests.put(END)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._next_request += 1
                self._waiting[self._next_request] = client
                request = session.LinkRequest(request_id=self._next_request)
            self._requests.put(session.OpenRequest(link_request=request))

    def _take(self, request_id: int) -> socket.socket:
        with self._lock:
            return self._waiting.pop(request_id, None)

    def _link(self, ticket: session.LinkTicket, client: socket.socket) -> None:
        identity = self._identity
        peer = Peer(f"drawbridge://{identity.provider}/tenant/{self._tenant}", self._tenant_key)
        try:
            leg = dial_leg(ticket.rendezvous_address or identity.address, ticket.token)
            name = server_name(self._session_id, self._target)
            carry(EncryptedLeg(leg, identity, name, peer, is_server=False), client)
        except OSError as error:
            print(f"a link ended: {error}", file=sys.stderr)
            client.close()


def trust(home: pathlib.Path, tenant: str, key: str) -> None:
    """Remembers a tenant's key at first use, and refuses another one later."""
    file = home / "known_tenants.json"
    known = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    if known.setdefault(tenant, key) != key:
        raise Refused(f"the key of tenant {tenant} has changed: compare it with the tenant, then remove it from {file}")
    file.write_text(json.dumps(known), encoding="utf-8")


def _ignore(_response: session.OpenResponse) -> None:
    """What is not known comes from a newer contract."""


def main() -> int:
    line = CommandLine("an operator of Drawbridge, in Python", "connect", common.PRINCIPAL_KIND_OPERATOR)
    line.command.add_argument("tenant")
    line.command.add_argument("--target", default="rdp")
    line.command.add_argument("--reason", default="")
    return line.run(
        lambda identity, options: OperatorSession(
            identity, options.home, options.tenant, options.target, options.reason
        )
    )


if __name__ == "__main__":
    sys.exit(main())
