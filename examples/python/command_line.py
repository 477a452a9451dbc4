"""What the two programs' command lines have in common."""

import argparse
import pathlib
import signal
import sys
from typing import Callable

from identity import Identity, Refused, enroll


class CommandLine:
    """`enroll CODE --home DIR`, and one command of the program's own."""

    def __init__(self, description: str, command: str, kind: int) -> None:
        self._kind = kind
        self._parser = argparse.ArgumentParser(description=description)
        commands = self._parser.add_subparsers(dest="command", required=True)
        enrolling = commands.add_parser("enroll")
        enrolling.add_argument("code")
        self.command = commands.add_parser(command)
        for each in (enrolling, self.command):
            each.add_argument("--home", type=pathlib.Path, required=True)

    def run(self, start: Callable) -> int:
        """Runs what was asked for; `start` makes what then runs until it is told to stop."""
        options = self._parser.parse_args()
        try:
            if options.command == "enroll":
                code = sys.stdin.read() if options.code == "-" else options.code
                identity = enroll(code, self._kind)
                identity.save(options.home)
                print(f"enrolled as {identity.name} of {identity.provider}")
                return 0
            running = start(Identity.load(options.home), options)
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: running.stop())
            running.run()
            return 0
        except (Refused, ValueError) as error:
            print(error, file=sys.stderr)
            return 3
