"""The admin in a real browser on a running demo: every page, wide and narrow, light and dark."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Page, Playwright, Response, sync_playwright

from tests.live import free_port

pytestmark = [pytest.mark.slow, pytest.mark.long]
START_SECONDS = 120.0
NEW_PASSWORD = "another long password 42"
SIZES = {"wide": (1440, 900), "narrow": (375, 812)}
ANSWERS = {"wide": "No", "narrow": "Yes"}  # of somebody who said yes at the first start
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
LISTS = {
    "events": "/admin/portal/event/", "customers": "/admin/portal/customer/", "passes": "/admin/passes/walletpass/",
    "templates": "/admin/passes/passtemplate/", "connections": "/admin/actito/actitoconnection/",
    "certificates": "/admin/passes/applecredentials/", "scenarios": "/admin/actito/actitoscenario/",
    "didomi": "/admin/didomi/didomiconnection/", "pairings": "/admin/integrations/pairing/",
    "consents": "/admin/portal/consentrecord/", "keys": "/admin/portal/apikey/", "people": "/admin/portal/membership/",
}  # fmt: skip
# Chromium's own line on the console names no directive; this does.
TELL_VIOLATIONS = """document.addEventListener("securitypolicyviolation", event => console.error(
    `refused by policy: ${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`))"""


def environment(var: Path, database: str) -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if name not in {"PUBLIC_URL", "SANDBOX"}}
    # Playwright runs an event loop in this thread; the demo is a process of its own.
    return {**kept, "VAR_DIR": str(var), "PORT": str(free_port()), "PYTHONUNBUFFERED": "1", "DATABASE_URL": database}


@pytest.fixture
def demo(tmp_path: Path, own_database: str) -> Iterator[dict[str, Any]]:
    """A running demo: what var/demo.json says of it."""
    var, out = tmp_path / "var", tmp_path / "out.log"
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "demo"]
    with out.open("wb") as stream:
        process = subprocess.Popen(command, env=environment(var, own_database), stdout=stream, stderr=stream)
    try:
        deadline = time.monotonic() + START_SECONDS
        while "The portal serves on" not in out.read_text(errors="replace"):
            assert process.poll() is None, out.read_text(errors="replace")
            assert time.monotonic() < deadline, out.read_text(errors="replace")
            time.sleep(0.2)
        yield json.loads((var / "demo.json").read_text())
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


@dataclass
class Walk:
    """One browser window of a size, which keeps what went wrong and takes pictures, light and dark."""

    page: Page
    base: str
    pictures: Path
    name: str
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.add_init_script(TELL_VIOLATIONS)
        self.page.on("console", lambda message: self._note(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self._note(str(error)))
        self.page.on("response", self._see)

    def _note(self, text: str) -> None:
        self.wrong.append(f"{self.name} {self.page.url}: {text}")

    def _see(self, response: Response) -> None:
        if response.status >= 400:
            self._note(f"{response.status} {response.url}")

    def sign_in(self, admin: dict[str, str]) -> None:
        self.see("login", "/admin/")
        self.page.fill("input[name=username]", admin["username"])
        self.page.fill("input[name=password]", admin["password"])
        self.page.click("button[type=submit]")
        self.page.wait_for_url(f"{self.base}/admin/")

    def see(self, name: str, path: str) -> None:
        self.page.goto("about:blank")  # another #tab of the same page would not load it anew
        self.page.goto(self.base + path)
        self.page.wait_for_load_state("networkidle")
        self.picture(name)
        width = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if width > 0:
            self._note(f"{name} is {width} pixels wider than the window")

    def first(self, path: str) -> str:
        """The page of the first row of a list."""
        self.page.goto(self.base + path)
        return self.first_here()

    def first_here(self) -> str:
        return str(self.page.locator("#result_list tbody a").first.get_attribute("href"))

    def open_dialog(self, name: str, path: str, label: str) -> None:
        self.page.goto(self.base + path)
        more = self.page.locator("#header-inner span", has_text="more_horiz")
        if more.count() and more.first.is_visible():
            more.first.click()
        self.page.locator("#header-inner a", has_text=label).first.click()
        self.page.wait_for_selector("#dialog")
        self.picture(name)

    def picture(self, name: str) -> None:
        for scheme in SCHEMES:
            self.page.emulate_media(color_scheme=scheme)
            # The admin asks for the scheme when a page is loaded, and then marks the page with it.
            self.page.evaluate("on => document.documentElement.classList.toggle('dark', on)", scheme == "dark")
            self.page.screenshot(path=self.pictures / f"{name}-{self.name}-{scheme}.png", full_page=True)


def launch(playwright: Playwright) -> Browser:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("There is no Chromium on this machine.")
    return playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])


def walk_all(walk: Walk) -> None:
    walk.see("home", "/admin/")
    first = {}
    for name, path in LISTS.items():
        walk.see(name, path)
        first[name] = walk.first_here()
        walk.see(f"{name}-one", first[name])
    walk.see("trace", walk.first("/admin/portal/event/?kind=actito.profile"))
    walk.page.locator(".portal-step summary").first.click()
    walk.picture("trace-details")
    walk.see("template-begin", "/admin/passes/passtemplate/begin/")
    template = first["templates"]
    for tab in ("fields", "texts", "images"):
        walk.see(f"template-{tab}", f"{template}#{tab}")
    walk.open_dialog("publish", template, "Publish")
    walk.open_dialog("key", LISTS["keys"], "Make a key")
    walk.open_dialog("test", first["connections"], "Test connection")
    walk.page.locator("#dialog button[type=submit]").click()
    walk.page.get_by_text("The connection works").wait_for()
    walk.picture("tested")


def mapping_editor(walk: Walk, connection: str) -> None:
    """A real profile beside the lines; what is wrong with one is told while it is typed."""
    walk.see("mapping", f"{connection}#mappings")
    page = walk.page
    page.fill("input[name=preview_profile]", "anna.peeters@example.com")
    page.press("input[name=preview_profile]", "Enter")
    page.locator("#mapping-preview b", has_text="Anna").first.wait_for()
    page.select_option("#id_mappings-2-value_type", "date")
    page.locator(".portal-line-finding", has_text="cannot be read as this type").wait_for()
    page.select_option("#id_mappings-2-value_type", "money")
    page.locator("#id_mappings-2-value_type").evaluate(
        "one => one.closest('.form-group').querySelector('summary').click()"
    )
    page.fill("#id_mappings-2-currency", "EUR")
    page.press("#id_mappings-2-currency", "Tab")
    page.locator("#mapping-preview b", has_text="EUR").first.wait_for()
    walk.picture("mapping-preview")


def desk(walk: Walk, actito: str) -> None:
    """The marketer's page of the sandbox: a change is told to the portal, and the portal's answer shows."""
    page = walk.page
    page.goto(actito)
    page.fill("input[name='a.tier']", f"Tier {walk.name}")
    page.click("text=Save in Actito")
    page.locator(".said", has_text="Saved.").wait_for()
    page.frame_locator("iframe").get_by_text("200: taken").first.wait_for()
    page.click("text=Let the profile reach it")
    page.frame_locator("iframe").get_by_text("TRIGGER").first.wait_for()
    walk.picture("desk")


def consents(walk: Walk, didomi: str, pairing: str, answer: str) -> None:
    """Somebody chooses in the preference centre: the customer's page says so, and why, and Actito has confirmed it."""
    page, person = walk.page, "emma.dubois@example.com"
    walk.see("pairing-lines", f"{pairing}#mappings")
    walk.open_dialog("pairing-try", pairing, "Try it")
    page.locator("#dialog button[type=submit]").click()
    page.get_by_text("It would have subscribed").wait_for()
    walk.picture("pairing-tried")
    walk.see("comparison", f"{pairing.removesuffix('change/')}comparison/")
    page.goto(didomi)
    page.locator("text=" + person).first.click()
    page.select_option("select[name='purposes.newsletter']", label=answer)
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved: one event").wait_for()
    walk.picture("preference-centre")
    page.goto(f"{walk.base}/admin/portal/customer/?q={person}")
    customer = walk.first_here()
    deadline = time.monotonic() + 10
    while "confirmed by Actito" not in (said := sentence_of(walk, customer)) or answer.lower() not in said:
        assert time.monotonic() < deadline, said
        time.sleep(0.2)
    walk.see("customer-consents", customer)


def sentence_of(walk: Walk, customer: str) -> str:
    walk.page.goto(walk.base + customer)
    return walk.page.locator(".portal-consent").first.inner_text()


def forgotten_password(walk: Walk, address: str, mails: Path) -> None:
    """From the sign-in page to a password that is set, by the link in the mail."""
    walk.see("signin", "/admin/login/")
    walk.page.get_by_text("Forgot your password?").click()
    walk.page.wait_for_url("**/password-reset/")
    walk.picture("forgotten")
    walk.page.fill("input[name=email]", address)
    walk.page.click("button[type=submit]")
    walk.page.wait_for_url("**/password-reset/sent/")
    walk.picture("forgotten-sent")
    walk.see("forgotten-old-link", "/admin/password-reset/MQ/x-y/")
    walk.page.goto(walk.base + link_of(mails))
    walk.picture("forgotten-set")
    for name in ("new_password1", "new_password2"):
        walk.page.fill(f"input[name={name}]", NEW_PASSWORD)
    walk.page.click("button[type=submit]")
    walk.page.wait_for_url("**/password-reset/done/")
    walk.picture("forgotten-done")


def link_of(mails: Path) -> str:
    """The link in the newest mail, which is written in the background."""
    deadline = time.monotonic() + 10
    while not (found := sorted(mails.glob("*.log"), key=lambda file: file.stat().st_mtime)):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    (path,) = re.findall(r"https?://[^/]+(/admin/password-reset/\S+)", found[-1].read_text())
    shutil.rmtree(mails)
    return str(path)


def team(walk: Walk, name: str) -> None:
    """Adds a person, and looks at what can be done about them."""
    walk.open_dialog("person", LISTS["people"], "Add a person")
    walk.page.fill("#dialog input[name=username]", name)
    walk.page.locator("#dialog button[type=submit]").click()
    walk.page.get_by_text("A message is on its way to them.").wait_for()
    walk.picture("person-added")
    page = walk.page.locator("#result_list tbody a", has_text=name).first.get_attribute("href")
    walk.see("person-invited", str(page))
    walk.open_dialog("person-again", str(page), "Send the invitation again")


def publish(walk: Walk) -> None:
    """Changes a text, sees it in the dialog, publishes, and watches the job to its end."""
    template = walk.first(LISTS["templates"])
    walk.page.goto(f"{walk.base}{template}#fields")
    walk.page.locator("#fields-group input[name$=-label]").first.fill("My points")
    walk.page.locator("button[name=_continue]").click()
    walk.page.wait_for_load_state("networkidle")
    walk.open_dialog("publish-change", template, "Publish")
    assert "My points" in walk.page.locator("#dialog").inner_text()
    walk.page.locator("#dialog button[type=submit]").click()
    walk.page.wait_for_url("**/admin/portal/job/*/change/")
    walk.picture("publishing")
    walk.page.locator("#job .portal-head").get_by_text("Done").wait_for()  # the page brings itself up to date
    walk.picture("published")
    walk.see("jobs", "/admin/portal/job/")


def test_every_page_wide_and_narrow_light_and_dark(demo: dict[str, Any], tmp_path: Path) -> None:
    pictures = Path(os.environ.get("SCREENSHOTS") or tmp_path / "pictures")
    pictures.mkdir(parents=True, exist_ok=True)
    wrong: list[str] = []
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for size, (width, height) in SIZES.items():
            context = browser.new_context(viewport={"width": width, "height": height})
            walk = Walk(context.new_page(), demo["base_url"], pictures, size)
            walk.sign_in(demo["admin"])
            walk_all(walk)
            mapping_editor(walk, walk.first(LISTS["connections"]))
            desk(walk, demo["actito"]["base_url"])
            consents(walk, demo["didomi"]["base_url"], walk.first(LISTS["pairings"]), ANSWERS[size])
            if size == "wide":
                publish(walk)
            wrong += walk.wrong
            context.close()
        browser.close()
    assert not wrong, "\n".join(wrong)


def refuses_a_script(walk: Walk) -> None:
    """A script that stands in the page does not run, and the walk hears of it: else it would prove nothing."""
    heard = len(walk.wrong)
    walk.page.evaluate("document.head.append(Object.assign(document.createElement('script'), {text: 'ran = true'}))")
    walk.page.wait_for_timeout(200)
    assert walk.page.evaluate("typeof ran") == "undefined"
    assert any("refused by policy: script-src-elem inline" in line for line in walk.wrong[heard:])
    del walk.wrong[heard:]


def make_superuser(var: Path, database: str) -> dict[str, str]:
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "createsuperuser", "--noinput"]
    account = {"DJANGO_SUPERUSER_USERNAME": "root", "DJANGO_SUPERUSER_EMAIL": "root@example.com",
               "DJANGO_SUPERUSER_PASSWORD": NEW_PASSWORD}  # fmt: skip
    subprocess.run(command, env={**environment(var, database), **account}, check=True, timeout=60, capture_output=True)
    return {"username": "root", "password": NEW_PASSWORD}


def test_signing_in_the_team_and_a_cards_page(demo: dict[str, Any], tmp_path: Path, own_database: str) -> None:
    """Also that no page asks for what its policy refuses: `Walk` notes whatever the browser complains of."""
    pictures = Path(os.environ.get("SCREENSHOTS") or tmp_path / "pictures")
    pictures.mkdir(parents=True, exist_ok=True)
    root = make_superuser(tmp_path / "var", own_database)
    wrong: list[str] = []
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for size, (width, height) in SIZES.items():
            context = browser.new_context(viewport={"width": width, "height": height})
            walk = Walk(context.new_page(), demo["base_url"], pictures, size)
            forgotten_password(walk, "demo@example.com", tmp_path / "var" / "mail")
            walk.sign_in({**demo["admin"], "password": NEW_PASSWORD})
            team(walk, f"new-{size}@example.com")
            walk.see("password", "/admin/password_change/")
            refuses_a_script(walk)
            walk.page.goto(walk.base + walk.first(LISTS["passes"]))
            card = walk.page.locator("a[href*='/p/']").first.get_attribute("href")
            walk.see("card", str(card).removeprefix(walk.base))
            context.clear_cookies()
            walk.sign_in(root)
            for name in ("auth/user/", "auth/user/add/", "auth/user/1/password/", "portal/tenant/"):
                walk.see(f"root-{name.replace('/', '-')}", f"/admin/{name}")
            wrong += walk.wrong
            context.close()
        browser.close()
    assert not wrong, "\n".join(wrong)
