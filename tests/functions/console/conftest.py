"""Browsers for the tests of the console."""

import pytest

from tests.conftest import Kindling
from tests.harness.cases import Gateway
from tests.harness.pages import Browser


@pytest.fixture
def outside(gateway: Gateway) -> Browser:
    """A browser of somebody who has not signed in."""
    return Browser(gateway)


@pytest.fixture
def browser(kindling: Kindling, outside: Browser) -> Browser:
    """A browser of the first tenant, with a key that may do everything."""
    outside.sign_in(kindling.api.key)
    return outside
