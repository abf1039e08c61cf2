"""Browsers for the tests of the console."""

from pathlib import Path

import pytest

from tests.conftest import Kindling
from tests.harness.pages import Browser


@pytest.fixture
def outside(kindling: Kindling, tmp_path: Path) -> Browser:
    """A browser of somebody who has not signed in."""
    return Browser(tmp_path)


@pytest.fixture
def browser(kindling: Kindling, outside: Browser) -> Browser:
    """A browser of the first tenant, with a key that may do everything."""
    outside.sign_in(kindling.api.key)
    return outside
