"""`python package.py root.pem card.pkpass …`: whether passes are packed and signed as Apple wants; 1 if not.

A judge: Python's own zipfile and hashlib, and the openssl command line; nothing of the portal.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

OUTSIDE = {"manifest.json", "signature"}


def wrong(card: Path, root: Path) -> Iterator[str]:
    with zipfile.ZipFile(card) as archive:
        if broken := archive.testzip():
            yield f"{broken} is damaged"
        names = archive.namelist()
        files = {name: archive.read(name) for name in names}
    if len(names) != len(files):
        yield "a file is there twice"
    if missing := {"pass.json", "icon.png", *OUTSIDE} - set(names):
        yield f"{sorted(missing)} are missing"
        return
    hashes = {name: hashlib.sha1(data).hexdigest() for name, data in files.items() if name not in OUTSIDE}
    if json.loads(files["manifest.json"]) != hashes:
        yield "manifest.json does not have every file's SHA-1, and only those"
    yield from unsigned(files, root.resolve())


def unsigned(files: dict[str, bytes], root: Path) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        for name in OUTSIDE:
            (Path(folder) / name).write_bytes(files[name])
        of = ["openssl", "cms", "-inform", "DER", "-in", "signature"]
        verify = ["-verify", "-binary", "-content", "manifest.json", "-CAfile", str(root), "-purpose", "any"]
        done = subprocess.run([*of, *verify], cwd=folder, capture_output=True, check=False)
        if done.returncode:
            yield f"the signature: {done.stderr.decode().strip()}"
        shown = subprocess.run([*of, "-cmsout", "-print", "-noout"], cwd=folder, capture_output=True, check=False)
        if b"signingTime" not in shown.stdout:
            yield "the signature has no time"


def main(root: str, *cards: str) -> int:
    found = [f"{card}: {said}" for card in cards for said in wrong(Path(card), Path(root))]
    print("\n".join(found) or f"{len(cards)} passes are packed and signed as they should be.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
