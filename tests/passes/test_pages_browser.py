"""A customer's way to a card in a real browser without scripts: their link, the button, the page of the card."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.live import serving
from tests.passes.test_pages import ANDROID, IPHONE, MAC, WINDOWS
from tests.test_browser import SCHEMES, launch

pytestmark = pytest.mark.slow
MAKE = """
from passes.links import link_to_get
from tests.passes import world
design = world.template(issue="link", fields=[world.POINTS, world.NAME])
for name in ("iphone", "android", "mac", "windows"):
    print(link_to_get(design, world.customer(first_name=name)).split("/", 3)[3])
"""
DEVICES = {
    "iphone": (IPHONE, 390, 844), "android": (ANDROID, 360, 800), "mac": (MAC, 1280, 800),
    "windows": (WINDOWS, 1440, 900),
}  # fmt: skip


@pytest.fixture
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        one = launch(playwright)
        yield one
        one.close()


def see(page: Page, name: str, pictures: Path) -> None:
    """Takes pictures light and dark; nothing may be wider than the screen."""
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        page.screenshot(path=pictures / f"{name}-{scheme}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), name


def test_from_the_link_to_the_card(browser: Browser, tmp_path: Path, own_database: str) -> None:
    pictures = Path(os.environ.get("SCREENSHOTS") or tmp_path / "pictures")
    pictures.mkdir(parents=True, exist_ok=True)
    with serving(tmp_path, own_database, MAKE) as server:
        for address, (name, (agent, width, height)) in zip(server.secret.split(), DEVICES.items(), strict=True):
            options: dict[str, Any] = {"java_script_enabled": False, "accept_downloads": True}
            context = browser.new_context(user_agent=agent, viewport={"width": width, "height": height}, **options)
            page = context.new_page()
            wrong: list[str] = []
            page.on("console", lambda message, wrong=wrong: wrong.append(message.text))

            page.goto(f"http://127.0.0.1:{server.port}/{address}")
            see(page, f"get-{name}", pictures)
            page.get_by_role("button", name="Get the card").click()
            page.get_by_text(name, exact=False).first.wait_for()
            see(page, f"pass-{name}", pictures)

            with page.expect_download() as download:
                page.locator("a[href$='/apple']").click()
            assert download.value.suggested_filename == "pass.pkpass"
            assert wrong == []
            context.close()
