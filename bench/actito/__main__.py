"""Actito: an export of the profile table imported, and webhooks for profiles that change again and again.

    [DATABASE_URL=postgres://…] python -m bench.actito [imports] [webhooks] [--rounds 5] [--lines 20000]

imports: from the upload to the last customer, the look and the job included, against the same lines brought into the
same tables by hand: COPY and a merge on PostgreSQL, executemany of upserts on SQLite. webhooks: posted to a real web
server while no worker runs, and while one does; how many readings follow, and whether the last state is everybody's.
"""

from __future__ import annotations

import argparse
import importlib
import sys

PARTS = ("imports", "webhooks")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=list(PARTS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--lines", type=int, default=20_000)
    asked = parser.parse_args()
    kept = [importlib.import_module(f"bench.actito.{part}").run(asked) for part in asked.parts or PARTS]
    sys.exit(0 if all(kept) else 1)


if __name__ == "__main__":
    main()
