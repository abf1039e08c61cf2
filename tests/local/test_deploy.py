"""The selection of real providers or the sandbox."""

import pytest

from local.deploy import real_providers
from local.settings import Refused

KEYS = {"AGENTMAIL_API_KEY": "a", "INSTANTLY_API_KEY": "i", "CLOUDFLARE_API_TOKEN": "c"}


def test_without_keys_the_sandbox_is_used() -> None:
    assert not real_providers({"CLOUDFLARE_API_TOKEN": ""})


def test_with_every_key_the_real_providers_are_used() -> None:
    assert real_providers(KEYS)


def test_some_but_not_all_keys_are_refused() -> None:
    with pytest.raises(Refused, match=r"Not set: INSTANTLY_API_KEY\."):
        real_providers({name: key for name, key in KEYS.items() if name != "INSTANTLY_API_KEY"})
