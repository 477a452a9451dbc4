"""Checks Python's reading and writing of the contract against the golden vectors of test/contract/vectors.

    check_vectors.py FOLDER

Ends with 1 and names the vectors that differ.
"""

import json
import pathlib
import sys

from google.protobuf import json_format, symbol_database

import contract  # noqa: F401  registers the contract's messages


def main() -> int:
    messages = symbol_database.Default()
    checked = 0
    wrong = []
    for file in sorted(pathlib.Path(sys.argv[1]).glob("*.json")):
        for vector in json.loads(file.read_text(encoding="utf-8")):
            kind = messages.GetSymbol(vector["message"])
            binary = bytes.fromhex(vector["hex"])
            read = json_format.MessageToDict(kind.FromString(binary))
            written = json_format.ParseDict(vector["json"], kind()).SerializeToString(deterministic=True)
            if read != vector["json"] or written != binary:
                wrong.append(f"{vector['message']}: {vector['what']}")
            checked += 1
    for line in wrong:
        print(line, file=sys.stderr)
    print(f"{checked} vectors, {len(wrong)} differ")
    return 1 if wrong or checked == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
