"""The main job from end to end, through the API's handlers."""

from tests.conftest import Kindling


def test_a_domain_is_verified_and_an_account_on_it_warms(kindling: Kindling) -> None:
    domain = kindling.verified_domain("acme.example")
    account = kindling.account("kim", domain)
    assert (account["status"], account["warmup_status"]) == ("warming", "warming")
