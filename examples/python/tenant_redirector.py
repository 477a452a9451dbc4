"""A tenant redirector in Python: enrols, holds the control connection and serves links.

    tenant_redirector.py enroll CODE --home DIR          (- reads the code from standard input)
    tenant_redirector.py run --home DIR --target rdp=127.0.0.1:3389 [--target …] --allow OPERATOR [--allow …]

`run` prints `connected` once it is welcome. Operators that are not named by --allow are refused: the decision is the
tenant's own. It does not dial again after a lost connection: a real one does, with a random, growing pause.
"""

import platform
import queue
import socket
import sys
import threading

import grpc

from command_line import CommandLine
from contract import common, control, control_grpc
from identity import Identity, refusal_of, split_address
from legs import EncryptedLeg, Peer, carry, dial_leg, server_name

END = object()
TIMEOUT_SECONDS = 10


class TenantRedirector:
    """The control connection, and the sessions that were accepted on it."""

    def __init__(self, identity: Identity, targets: dict, allowed: list) -> None:
        self._identity = identity
        self._targets = targets
        self._allowed = allowed
        self._requests: queue.Queue = queue.Queue()
        self._sessions: dict = {}
        hello = control.Hello(
            protocol_version=1,
            software="drawbridge-python-example/1",
            host_name=socket.gethostname(),
            platform=platform.system().lower(),
            targets=[common.Target(name=name, address=address) for name, address in targets.items()],
        )
        self._requests.put(control.ConnectRequest(hello=hello))

    def run(self) -> None:
        """Holds the stream until it is over."""
        with self._identity.channel() as channel:
            try:
                for response in control_grpc.ControlServiceStub(channel).Connect(iter(self._requests.get, END)):
                    getattr(self, "_on_" + (response.WhichOneof("message") or "unknown"), _ignore)(response)
            except grpc.RpcError as error:
                raise refusal_of(error) from error

    def stop(self) -> None:
        reason = common.Refusal(code="closed", message="the tenant redirector was stopped")
        self._requests.put(control.ConnectRequest(goodbye=control.ControlGoodbye(reason=reason)))
        self._requests.put(END)

    def _on_welcome(self, response: control.ConnectResponse) -> None:
        print(f"connected to {response.welcome.provider} as {response.welcome.tenant}", flush=True)

    def _on_session_offer(self, response: control.ConnectResponse) -> None:
        offer = response.session_offer
        answer = control.SessionAnswer(session_id=offer.session_id)
        if offer.target not in self._targets:
            answer.refused.code = "target-not-found"
            answer.refused.message = f"this tenant has no target {offer.target}"
        elif offer.operator not in self._allowed:
            answer.refused.code = "consent-refused"
            answer.refused.message = f"this tenant does not admit {offer.operator}"
        else:
            self._sessions[offer.session_id] = offer
            answer.accepted.decided_by = "policy"
        self._requests.put(control.ConnectRequest(session_answer=answer))

    def _on_session_close(self, response: control.ConnectResponse) -> None:
        self._sessions.pop(response.session_close.session_id, None)

    def _on_link_offer(self, response: control.ConnectResponse) -> None:
        threading.Thread(target=self._link, args=(response.link_offer,), daemon=True).start()

    def _on_goodbye(self, response: control.ConnectResponse) -> None:
        reason = response.goodbye.reason
        print(f"the provider said goodbye: {reason.code}: {reason.message}", file=sys.stderr)
        self._requests.put(END)

    def _link(self, link: control.LinkOffer) -> None:
        answer = control.LinkAnswer(link_id=link.link_id)
        offer = self._sessions.get(link.session_id)
        try:
            if offer is None:
                raise OSError(f"there is no session {link.session_id}")
            target = socket.create_connection(split_address(self._targets[offer.target]), TIMEOUT_SECONDS)
            target.settimeout(None)
            leg = dial_leg(link.rendezvous_address or self._identity.address, link.token)
        except OSError as error:
            answer.refused.code = "target-unreachable"
            answer.refused.message = str(error)
            self._requests.put(control.ConnectRequest(link_answer=answer))
            return
        answer.accepted.SetInParent()
        self._requests.put(control.ConnectRequest(link_answer=answer))
        peer = Peer(f"drawbridge://{self._identity.provider}/operator/{offer.operator}", offer.operator_key_fingerprint)
        name = server_name(offer.session_id, offer.target)
        try:
            carry(EncryptedLeg(leg, self._identity, name, peer, is_server=True), target)
        except OSError as error:
            print(f"a link ended: {error}", file=sys.stderr)
            leg.close()
            target.close()


def _ignore(_response: control.ConnectResponse) -> None:
    """What is not known comes from a newer contract."""


def main() -> int:
    line = CommandLine("a tenant redirector of Drawbridge, in Python", "run", common.PRINCIPAL_KIND_TENANT)
    line.command.add_argument("--target", action="append", required=True, metavar="NAME=HOST:PORT")
    line.command.add_argument("--allow", action="append", default=[], metavar="OPERATOR")
    return line.run(
        lambda identity, options: TenantRedirector(
            identity, dict(target.split("=", 1) for target in options.target), options.allow
        )
    )


if __name__ == "__main__":
    sys.exit(main())
