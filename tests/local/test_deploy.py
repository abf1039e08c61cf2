"""Which providers a local cloud talks to."""

import pytest

from local.deploy import real_providers
from local.settings import Refused

KEYS = {"AGENTMAIL_API_KEY": "a", "INSTANTLY_API_KEY": "i", "CLOUDFLARE_API_TOKEN": "c"}


def test_without_keys_it_talks_to_the_sandbox() -> None:
    assert not real_providers({"CLOUDFLARE_API_TOKEN": ""})


def test_with_every_key_it_talks_to_the_real_services() -> None:
    assert real_providers(KEYS)


def test_some_keys_are_a_mistake() -> None:
    with pytest.raises(Refused, match=r"Not set: INSTANTLY_API_KEY\."):
        real_providers({name: key for name, key in KEYS.items() if name != "INSTANTLY_API_KEY"})
