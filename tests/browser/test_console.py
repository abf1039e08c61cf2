"""The console in a real browser: how it looks, by keyboard alone, without scripts, and while something runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from kindling.console import api
from tests.browser.conftest import sign_in
from tests.conftest import Kindling
from tests.harness.accessibility import FOCUSABLE, FOCUSED, problems
from tests.harness.cases import Gateway
from tests.harness.story import Story
from tests.harness.template import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.system, pytest.mark.usefixtures("impatient")]

WIDTHS = (390, 1440)
# Where axe-core looks at a page, which takes it half a second.
JUDGED = {"light": 390, "dark": 1440}
CUT_OFF = "net::ERR_ABORTED"
# What the documentation shows: page, colours, width and height.
PICTURES = {
    "console-domain": ("domain", "light", 1240, 1400),
    "console-domain-dark": ("domain", "dark", 1240, 1400),
    "console-operation": ("failure", "light", 1240, 1060),
    "console-phone": ("domains", "light", 390, 844),
}


def opened(chromium: "Browser", origin: str, kindling: Kindling, *, scheme: str = "light", **more: Any) -> "Page":
    """A page of somebody who has signed in."""
    size = {"width": more.pop("width", 1440), "height": more.pop("height", 900)}
    page = chromium.new_context(viewport=size, color_scheme=scheme, **more).new_page()  # type: ignore[arg-type]
    sign_in(page, origin, kindling.api.key)
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_is_readable_and_complains_of_nothing(
    scheme: str, kindling: Kindling, told: Story, origin: str, chromium: "Browser"
) -> None:
    page = opened(chromium, origin, kindling, scheme=scheme)
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    # A request that the next page cuts off has not failed.
    page.on("requestfailed", lambda failed: None if failed.failure == CUT_OFF else complaints.append(failed.url))
    wrong = {}
    for name, path in {**told.pages, "refusal": "/console/domains/x", "nowhere": "/console/x"}.items():
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(origin + path)
            found = problems(page) if width == JUDGED[scheme] else []
            if page.evaluate("document.documentElement.scrollWidth") > width:
                found.append("it scrolls sideways")
            if found:
                wrong[f"{name} at {width}"] = found
    assert wrong == {}
    # Of the two that are not there.
    assert {text for text in complaints if "404" not in text} == set()


def test_signing_in_is_readable(origin: str, chromium: "Browser") -> None:
    page = chromium.new_context(color_scheme="dark").new_page()
    page.goto(f"{origin}/console")
    page.keyboard.type("nonsense")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert]")
    assert problems(page) == []


def test_the_checks_see_what_they_are_for(chromium: "Browser") -> None:
    page = chromium.new_context().new_page()
    page.set_content(
        """<html lang="en"><title>x</title><main><h1>x</h1><p id="a">x</p><p id="a" style="color: #888">pale</p>
        <details><summary>x</summary><input></details><table><tr><th scope="col">x</th></tr></table>
        <svg role="img" width="9" height="9"><title>x</title><text fill="#888">pale</text></svg></main>"""
    )
    found = "\n".join(problems(page))
    for expected in ("duplicate-id", "color-contrast", "label (critical)", "no caption", 'text "pale" has a contrast'):
        assert expected in found


def test_the_keyboard_reaches_everything_shows_where_it_is_and_is_not_held(
    kindling: Kindling, told: Story, origin: str, chromium: "Browser"
) -> None:
    page = opened(chromium, origin, kindling)
    for name in ("domain", "operation", "keys", "audit"):
        page.goto(origin + told.pages[name])
        wanted = page.evaluate(FOCUSABLE)
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        reached = set()
        for _ in range(wanted + 1):
            place, seen = page.evaluate(FOCUSED)
            if place in reached or page.evaluate("document.activeElement === document.body"):
                break
            assert seen, page.evaluate("document.activeElement.outerHTML")
            reached.add(place)
            page.keyboard.press("Tab")
        assert len(reached) == wanted, name
    page.goto(origin + told.pages["domain"])
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_a_newcomer_comes_from_a_key_to_a_warming_account_by_the_console_alone(
    kindling: Kindling, origin: str, chromium: "Browser"
) -> None:
    page = opened(chromium, origin, kindling)
    page.get_by_role("textbox", name="Domain").fill("acme.example")
    page.get_by_role("button", name="Register").click()
    page.wait_for_selector("h1:has-text('Onboard domain of acme.example')")
    page.get_by_role("link", name="acme.example", exact=True).click()
    kindling.clock.advance(minutes=10)
    page.get_by_role("button", name="Check DNS now").click()
    page.wait_for_selector("h1 .badge:has-text('verified')")
    page.get_by_role("link", name="Accounts", exact=True).first.click()
    page.get_by_label("Name before the @").fill("kim")
    page.get_by_label("Display name").fill("Kim of Acme")
    page.get_by_role("button", name="Make it").click()
    page.wait_for_selector("h1:has-text('Provision account of kim@acme.example')")
    page.get_by_role("link", name="kim@acme.example", exact=True).click()
    page.wait_for_selector("h1:has-text('kim@acme.example')")
    page.get_by_role("link", name="acme.example", exact=True).click()
    page.get_by_label("Recipients").fill("3")
    page.get_by_role("button", name="Ask the gate").click()
    page.wait_for_selector("text=Yes: the gate would admit 3 recipients now.")
    page.locator("summary", has_text="Delete domain").click()
    page.get_by_role("button", name="Yes, delete domain").click()
    page.wait_for_url("**/console/domains?done=deleted")
    assert page.get_by_text("There is no domain yet.").is_visible()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/console/sign-in")


def test_what_runs_is_followed_without_reloading(kindling: Kindling, origin: str, chromium: "Browser") -> None:
    domain = kindling.api.post("/api/email/domains", {"domain": "acme.example"}).body["domain"]
    page = opened(chromium, origin, kindling)
    page.goto(f"{origin}/console/domains/{domain['id']}")
    page.evaluate("window.kept = true")
    assert page.get_by_role("link", name="Refresh").is_visible()
    kindling.clock.advance(minutes=10)
    headers = {"authorization": f"Bearer {kindling.api.key}"}
    path = f"/api/email/domains/{domain['id']}/verify?poll=true"
    assert httpx.post(origin + path, headers=headers).json()["domain"]["status"] == "verified"
    page.wait_for_selector("h1 .badge.good:has-text('verified')")
    assert page.evaluate("window.kept") is True
    assert page.get_by_role("link", name="Refresh").count() == 0


def test_without_scripts_everything_works_that_changes_something(
    kindling: Kindling, origin: str, chromium: "Browser"
) -> None:
    domain = kindling.verified_domain()
    page = opened(chromium, origin, kindling, java_script_enabled=False)
    page.goto(f"{origin}/console/domains/{domain['id']}")
    page.get_by_label("Reason for the pause").fill("holidays")
    page.get_by_role("button", name="Pause warming").click()
    assert page.get_by_text("It is paused, before it phase 1: holidays").is_visible()
    page.locator("summary", has_text="Delete domain").click()
    assert page.get_by_role("button", name="Yes, delete domain").is_visible()


def test_what_the_api_has_not_answered_is_readable_and_sent_again_by_a_button(
    kindling: Kindling, gateway: Gateway, origin: str, chromium: "Browser", monkeypatch: pytest.MonkeyPatch
) -> None:
    domain = kindling.verified_domain()
    page = opened(chromium, origin, kindling)
    page.goto(f"{origin}/console/domains/{domain['id']}")
    page.get_by_label("Reason for the pause").fill("holidays")

    def lost(request: httpx.Request) -> httpx.Response:
        gateway(request)
        raise httpx.ReadTimeout("lost", request=request)

    with monkeypatch.context() as patch:
        patch.setattr(api, "transport", lambda: httpx.MockTransport(lost))
        page.get_by_role("button", name="Pause warming").click()
        page.wait_for_selector("h1:has-text('It is not known whether this was done')")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert problems(page) == []
    page.get_by_role("button", name="Send it again").click()
    page.wait_for_selector("text=Warming is paused.")
    assert page.get_by_text("It is paused, before it phase 1: holidays").is_visible()


def test_a_key_is_rotated_by_keyboard_and_the_new_one_can_be_copied(
    kindling: Kindling, origin: str, chromium: "Browser"
) -> None:
    page = opened(chromium, origin, kindling)
    page.goto(f"{origin}/console/keys")
    page.locator("summary", has_text="Rotate").press("Enter")
    page.get_by_label("Hours until the old key ends").fill("2")
    assert problems(page) == []
    page.get_by_role("button", name="Make the new key").press("Enter")
    page.wait_for_selector("code.secret:has-text('kd_live_')")
    assert problems(page) == []


def test_the_pictures_of_the_documentation_are_taken(
    kindling: Kindling, told: Story, origin: str, chromium: "Browser", request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """With `--write` they are kept."""
    folder = ROOT / "docs" if request.config.getoption("--write") else tmp_path
    for name, (shown, scheme, width, height) in PICTURES.items():
        page = opened(chromium, origin, kindling, scheme=scheme, width=width, height=height)
        page.goto(origin + told.pages[shown].partition("?")[0])
        page.screenshot(path=folder / f"{name}.jpg", type="jpeg", quality=72)
        assert (folder / f"{name}.jpg").stat().st_size < 200_000
