"""Golden passes before judges that share no code with the portal: tests/judges."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import transaction
from pytest_django import Settings

from passes.apple.bundle import build
from tests.passes import world
from tests.passes.apple.golden_kit import GOLDEN, case_of, pass_of, template_of

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

JUDGES = Path(__file__).parents[2] / "judges"
# What the judge of pass.json drops although Apple has it.
FALSE_POSITIVES = {"additions-balance": ["logoSymbolName"]}


@contextmanager
def rolled_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture
def cards(tmp_path: Path, settings: Settings) -> dict[str, Path]:
    """Every golden pass as a file, its certificate and key beside it."""
    settings.PUBLIC_URL = "https://wallet.example.com"
    found = {}
    for path in GOLDEN:
        with rolled_back():
            case = case_of(path)
            held = pass_of(case, template_of(case))
            apple = held.template.apple
            assert apple
            found[path.stem] = tmp_path / f"{path.stem}.pkpass"
            found[path.stem].write_bytes(build(held))
            signers = {"wwdr": apple.intermediate, "signerCert": apple.certificate, "signerKey": apple.private_key}
            found[path.stem].with_suffix(".certificates").write_text(json.dumps(signers))
    return found


def run(*command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)


@pytest.mark.skipif(not shutil.which("openssl"), reason="the openssl command line is the judge here")
def test_they_are_packed_and_signed_as_apple_wants_them(cards: dict[str, Path], tmp_path: Path) -> None:
    root = tmp_path / "root.pem"
    root.write_text(world.authority().root_pem)

    judged = run(sys.executable, JUDGES / "package.py", root, *cards.values())

    assert (judged.returncode, judged.stderr) == (0, ""), judged.stdout


def test_the_judge_of_packages_refuses_what_is_damaged(cards: dict[str, Path], tmp_path: Path) -> None:
    root, card = tmp_path / "root.pem", next(iter(cards.values()))
    root.write_text(world.authority().root_pem)
    with zipfile.ZipFile(card, "a") as archive:
        archive.writestr("extra.txt", "not in the manifest")

    judged = run(sys.executable, JUDGES / "package.py", root, card)

    assert (judged.returncode, "manifest.json" in judged.stdout) == (1, True)


@pytest.mark.skipif(not (JUDGES / "node_modules").exists(), reason="make judges has not been called")
def test_a_schema_of_every_key_drops_nothing_of_them(cards: dict[str, Path]) -> None:
    for card in cards.values():
        zipfile.ZipFile(io.BytesIO(card.read_bytes())).extractall(card.with_suffix(""))

    judged = run("node", JUDGES / "schema.mjs", *(card.with_suffix("") for card in cards.values()))

    assert judged.returncode == 0, judged.stderr
    verdicts = [json.loads(line) for line in judged.stdout.splitlines()]
    told = dict(zip(cards, verdicts, strict=True))
    assert {name: verdict["dropped"] for name, verdict in told.items() if verdict["dropped"]} == FALSE_POSITIVES
    assert [words for verdict in verdicts for words in verdict["said"]] == []
