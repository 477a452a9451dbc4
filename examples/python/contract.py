"""The generated contract, under short names. `generate.py` makes it."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "generated"))

from drawbridge.v1 import admin_pb2 as admin  # noqa: E402
from drawbridge.v1 import common_pb2 as common  # noqa: E402
from drawbridge.v1 import control_pb2 as control  # noqa: E402
from drawbridge.v1 import control_pb2_grpc as control_grpc  # noqa: E402
from drawbridge.v1 import diagnostic_pb2 as diagnostic  # noqa: E402
from drawbridge.v1 import enrollment_pb2 as enrollment  # noqa: E402
from drawbridge.v1 import enrollment_pb2_grpc as enrollment_grpc  # noqa: E402
from drawbridge.v1 import preface_pb2 as preface  # noqa: E402
from drawbridge.v1 import registry_pb2 as registry  # noqa: E402
from drawbridge.v1 import session_pb2 as session  # noqa: E402
from drawbridge.v1 import session_pb2_grpc as session_grpc  # noqa: E402
from google.rpc import status_pb2 as status  # noqa: E402

__all__ = [
    "admin",
    "common",
    "control",
    "control_grpc",
    "diagnostic",
    "enrollment",
    "enrollment_grpc",
    "preface",
    "registry",
    "session",
    "session_grpc",
    "status",
]
