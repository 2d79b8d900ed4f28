"""The chargers of a benchmark: identifiers and Basic passwords, in a file for all processes."""

import json
import secrets

TAG = "BENCHTAG"


def make(path, count):
    """Write a fleet of `count` chargers with distinct passwords to `path` and return the path."""
    chargers = [[f"BENCH{number:06}", secrets.token_hex(16)] for number in range(count)]
    path.write_text(json.dumps({"tag": TAG, "chargers": chargers}))
    path.chmod(0o600)
    return path


def read(path):
    """The accepted id tag and the (identifier, password) pairs of the fleet at `path`."""
    content = json.loads(path.read_text())
    return content["tag"], [tuple(charger) for charger in content["chargers"]]
