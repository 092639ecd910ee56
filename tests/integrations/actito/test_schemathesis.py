"""Everything that the published description allows and forbids, asked of the real server over real sockets."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import Server, serving

pytestmark = [pytest.mark.slow, pytest.mark.long]

SCHEMATHESIS = str(Path(sys.executable).with_name("schemathesis"))
# A flood is the limiter's own test; here it would hide what the listeners answer.
NO_LIMIT = {"WEBHOOK_RATE": "100000", "WEBHOOK_BURST": "100000"}
OUR_TENANT = '[parameters]\n"path.tenantId" = "verdi"\n'
# A body that fits may still name what is not there.
OUR_PASS = """
[parameters]
"path.tenantId" = "verdi"
"path.passId" = "{serial}"

[[operations]]
include-operation-id = ["createPass", "changePass", "listPasses", "listLinks"]
checks.positive_data_acceptance.expected-statuses = ["2xx", "400", "422"]
"""
MAKE_PASS = """
from tests.passes.test_api import Till
from tests import factories
till = Till("verdi")
print(till.secret, factories.PassFactory.make(template=till.template, customer=till.anna).serial_number)
"""


@pytest.fixture
def server(tmp_path: Path, own_database: str) -> Iterator[Server]:
    with serving(tmp_path, own_database, **NO_LIMIT) as one:
        yield one


def ask(server: Server, directory: Path, phases: str, examples: int, config: str, *more: str) -> None:
    """All checks, data that fits and data that does not, the same in every run."""
    (directory / "schemathesis.toml").write_text(config, encoding="utf-8")
    address = f"http://127.0.0.1:{server.port}"
    command = [
        SCHEMATHESIS, "run", f"{address}/api/schema/", "--url", address, "--header", f"X-API-KEY: {server.secret}",
        "--checks", "all", "--mode", "all", "--phases", phases,
        "--max-examples", str(examples), "--seed", "20260101", "--generation-database", "none", "--continue-on-failure",
        *more,
    ]  # fmt: skip
    ended = subprocess.run(
        command, cwd=directory, env=server.environment, capture_output=True, text=True, timeout=400, check=False
    )
    assert ended.returncode == 0, ended.stdout[-20_000:] + ended.stderr[-2_000:]


def test_the_listeners_keep_to_their_description(server: Server, tmp_path: Path) -> None:
    ask(server, tmp_path, "examples,coverage,fuzzing", 50, OUR_TENANT, "--include-path-regex", "/webhooks/")


def test_the_passes_keep_to_their_description(tmp_path: Path, own_database: str) -> None:
    with serving(tmp_path, own_database, make=MAKE_PASS, **NO_LIMIT) as one:
        one.secret, serial = one.secret.split()
        config = OUR_PASS.format(serial=serial)
        ask(one, tmp_path, "examples,coverage,fuzzing", 25, config, "--include-path-regex", "/passes")


def test_no_other_tenant_tells_more(server: Server, tmp_path: Path) -> None:
    ask(server, tmp_path, "examples,fuzzing", 25, "", "--exclude-path-regex", "/oauth/token")


def test_the_token_endpoint_keeps_to_its_description(server: Server, tmp_path: Path) -> None:
    """A secret in the header and one in the body fit the schema, and RFC 6749 (2.3) refuses them together."""
    checks = ("--include-path-regex", "/oauth/token", "--exclude-checks", "positive_data_acceptance")
    ask(server, tmp_path, "examples,fuzzing", 25, "", *checks)
