"""Passes of Apple Wallet: made, served and pushed, as ratios taken in turn in one run.

    [DATABASE_URL=postgres://…] python -m bench.apple [make] [serve] [push] [--rounds 9]

make: whole passes against the bare signatures of the same key, and against other makers, each on one core; two threads
against one. serve: the web service against django-walletpass, which serves stored files, on the same granian. push:
pushes over one connection against aioapns and against a client for each push, at the same server.
"""

from __future__ import annotations

import argparse
import importlib
import sys

PARTS = ("make", "serve", "push")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=list(PARTS))
    parser.add_argument("--rounds", type=int, default=9)
    asked = parser.parse_args()
    kept = [importlib.import_module(f"bench.apple.{part}").run(asked.rounds) for part in asked.parts or PARTS]
    sys.exit(0 if all(kept) else 1)


if __name__ == "__main__":
    main()
