"""Invite codes, enrolment and the files of an enrolled principal (docs/PROTOCOL.md, "Enrolment")."""

import base64
import dataclasses
import hashlib
import json
import os
import pathlib
import socket
import ssl

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from contract import common, enrollment, enrollment_grpc, status

SERVER_NAME = "cloud.drawbridge.internal"
TIMEOUT_SECONDS = 10
PEM = serialization.Encoding.PEM
DER = serialization.Encoding.DER


class Refused(Exception):
    """The other side said no. The text says what happened and what to do next."""


@dataclasses.dataclass
class Identity:
    """Who an enrolled principal is, and what it proves itself with. Certificates and key are PEM."""

    name: str
    provider: str
    address: str
    key: str
    certificate: str
    authorities: str

    def save(self, home: pathlib.Path) -> None:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = os.open(home / "identity.json", os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        with os.fdopen(file, "w", encoding="utf-8") as stream:
            json.dump(dataclasses.asdict(self), stream)

    @staticmethod
    def load(home: pathlib.Path) -> "Identity":
        return Identity(**json.loads((home / "identity.json").read_text(encoding="utf-8")))

    def channel(self) -> grpc.Channel:
        """A gRPC channel to the cloud redirector with this principal's certificate."""
        return _channel(self.address, self.authorities, self.key, self.certificate)


def fingerprint(certificate_der: bytes) -> bytes:
    """The SHA-256 of a certificate's public key, by which principals know each other."""
    key = x509.load_der_x509_certificate(certificate_der).public_key()
    return hashlib.sha256(key.public_bytes(DER, serialization.PublicFormat.SubjectPublicKeyInfo)).digest()


def principal(certificate_der: bytes) -> str:
    """The one URI in a certificate's subject alternative names."""
    names = x509.load_der_x509_certificate(certificate_der).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    (uri,) = names.value.get_values_for_type(x509.UniformResourceIdentifier)
    return uri


def decode_invite(code: str) -> enrollment.InviteCode:
    """What an invite code says. Raises ValueError for one that is mistyped."""
    prefix, text = code[:5], "".join(code[5:].split())
    if prefix != "DBI1-":
        raise ValueError("this is not an invite code: it does not begin with DBI1-")
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    body, checksum = data[:-4], data[-4:]
    if hashlib.sha256(body).digest()[:4] != checksum:
        raise ValueError("the invite code is mistyped: its checksum is wrong")
    return enrollment.InviteCode.FromString(body)


def enroll(code: str, kind: int) -> Identity:
    """Redeems an invite code; `kind` is one of contract.common.PrincipalKind."""
    invite = decode_invite(code)
    # An address may carry a priority and a weight before it; this example takes the first that is a plain one.
    address = next(entry.split()[-1] for entry in invite.addresses if not entry.startswith("_"))
    authority = _authority(address, invite.ca_fingerprint)
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    with _channel(address, authority) as channel:
        try:
            answer = enrollment_grpc.EnrollmentServiceStub(channel).Enroll(
                enrollment.EnrollRequest(
                    secret=invite.secret, certificate_request=request.public_bytes(DER), kind=kind
                ),
                timeout=TIMEOUT_SECONDS,
            )
        except grpc.RpcError as error:
            raise refusal_of(error) from error
    return Identity(
        name=answer.name,
        provider=answer.provider,
        address=address,
        key=key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode(),
        certificate=ssl.DER_cert_to_PEM_cert(answer.certificate),
        authorities="".join(ssl.DER_cert_to_PEM_cert(der) for der in answer.ca_certificates),
    )


def refusal_of(error: grpc.RpcError) -> Exception:
    """The Refusal in a failed call's details, as an exception; the error itself where it has none."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            for detail in status.Status.FromString(value).details:
                refusal = common.Refusal()
                if detail.Unpack(refusal):
                    return Refused(f"{refusal.code}: {refusal.message}. {refusal.remedy}".strip())
    return error


def split_address(address: str) -> tuple:
    """`host:port`, IPv6 in brackets, as host and port."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def _authority(address: str, wanted: bytes) -> str:
    """The CA certificate that the invite code's fingerprint names, from the server's own chain."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    with socket.create_connection(split_address(address), TIMEOUT_SECONDS) as raw:
        with context.wrap_socket(raw, server_hostname=SERVER_NAME) as secured:
            for certificate in _chain(secured):
                if hashlib.sha256(certificate).digest() == wanted:
                    return ssl.DER_cert_to_PEM_cert(certificate)
    raise Refused(f"the server at {address} is not the provider that made this code")


def _chain(secured: ssl.SSLSocket) -> list:
    if hasattr(secured, "get_unverified_chain"):
        return secured.get_unverified_chain()
    # Python 3.10 to 3.12 have it on the inner object only; 1 asks for DER.
    return [certificate.public_bytes(2) for certificate in secured._sslobj.get_unverified_chain()]


def _channel(address: str, authorities: str, key: str = "", certificate: str = "") -> grpc.Channel:
    own = (key.encode(), certificate.encode()) if key else (None, None)
    return grpc.secure_channel(
        address,
        grpc.ssl_channel_credentials(authorities.encode(), *own),
        options=(
            ("grpc.ssl_target_name_override", SERVER_NAME),
            ("grpc.keepalive_time_ms", 10_000),
            ("grpc.keepalive_timeout_ms", 5_000),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.max_pings_without_data", 0),
        ),
    )
