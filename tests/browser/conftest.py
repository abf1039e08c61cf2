"""A real browser for the console: the Chromium of this machine, driven by Playwright; nothing is downloaded.

Without either of them these tests are skipped, and the summary says so once.
"""

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.conftest import Kindling
from tests.harness import story
from tests.harness.cases import Gateway
from tests.harness.site import served
from tests.harness.story import Story

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
HOW = (
    "the tests of the console in a browser were not run: they need Playwright (make test installs it) and Chromium "
    "(apt-get install chromium, or another package manager's)"
)


@pytest.fixture(scope="module")
def chromium() -> "Iterator[Browser]":
    """The browser, started once; while it runs, so does Playwright's event loop, which other tests must not meet."""
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        found = None
    if found is None:
        pytest.skip(HOW)
    with sync_playwright() as playwright:
        # The sandbox of Chromium does not run as root, as which containers do.
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def told(kindling: Kindling) -> Story:
    """What there is to see."""
    kindling.clock.advance(hours=5)
    return story.tell(kindling)


@pytest.fixture
def origin(gateway: Gateway) -> Iterator[str]:
    """Where the console is served."""
    with served(gateway) as address:
        yield address


def sign_in(page: "Page", origin: str, key: str) -> None:
    """Sign in, by the keyboard alone: the field has the focus."""
    page.goto(f"{origin}/console")
    page.wait_for_selector("input[name=api_key]:focus")
    page.keyboard.type(key)
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/domains")
