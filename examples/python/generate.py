"""Compiles the contract in proto/ to Python, into the folder `generated` beside this file."""

import pathlib
import sys

import grpc_tools
from grpc_tools import protoc

HERE = pathlib.Path(__file__).resolve().parent
PROTO = HERE.parent.parent / "proto"
GENERATED = HERE / "generated"


def main() -> int:
    GENERATED.mkdir(exist_ok=True)
    contract = sorted(str(path.relative_to(PROTO)) for path in PROTO.rglob("*.proto"))
    # The well-known types of protobuf come with the compiler where pip installed it, and with Debian's protobuf else.
    known = pathlib.Path(grpc_tools.__file__).parent / "_proto"
    options = [f"-I{folder}" for folder in (PROTO, known, "/usr/include") if pathlib.Path(folder).exists()]
    return protoc.main(["protoc", *options, f"--python_out={GENERATED}", f"--grpc_python_out={GENERATED}", *contract])


if __name__ == "__main__":
    sys.exit(main())
