"""Passes of Google Wallet.

    python -m bench.google [build] [deliver] [--rounds 9]

build: the JSON of one object, in milliseconds, of a small card and of one with everything in three languages.
deliver: objects patched by one worker, against what its threads and the budget of the issuer allow.
"""

from __future__ import annotations

import argparse
import importlib
import sys

PARTS = ("build", "deliver")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=list(PARTS))
    parser.add_argument("--rounds", type=int, default=9)
    asked = parser.parse_args()
    kept = [importlib.import_module(f"bench.google.{part}").run(asked.rounds) for part in asked.parts or PARTS]
    sys.exit(0 if all(kept) else 1)


if __name__ == "__main__":
    main()
