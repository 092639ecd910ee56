from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from integrations.actito.sandbox import ActitoSandbox
from integrations.actito.tokens import tokens as actito_tokens
from integrations.didomi.sandbox import DidomiSandbox
from integrations.didomi.tokens import tokens as didomi_tokens
from integrations.pairing import hub
from tests.integrations.didomi.arrivals_world import ORGANISATION
from tests.integrations.didomi.conftest import judged  # noqa: F401 - what is sent to Didomi, here too
from tests.integrations.didomi.didomi_world import KEY, SECRET
from tests.integrations.pairing.activation.activation_world import Brand, a_brand


@pytest.fixture
def brand(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Brand]:
    """With both systems, and nobody in them."""
    monkeypatch.setattr(hub, "GRACE", timedelta(0))  # nothing reports here: the clock of the worker runs ahead
    actito_tokens._kept.clear()
    didomi_tokens._kept.clear()
    actito, didomi = ActitoSandbox(), DidomiSandbox(organization=ORGANISATION, api_key=KEY, secret=SECRET)
    actito.start()
    didomi.start()
    yield a_brand(actito, didomi)
    actito.stop()
    didomi.stop()
