"""A name within a tenant: claimed by one domain, and released by that one alone."""

import pytest

from kindling.domains import claims
from kindling.domains.model import OnboardDomain
from kindling.errors import DomainExists

NAME = "acme.example"


def saga(domain_id: str) -> OnboardDomain:
    return OnboardDomain(operation_id="o", user_id="u", domain_id=domain_id, domain=NAME)


@pytest.mark.usefixtures("cloud")
def test_a_name_stays_with_the_domain_that_claimed_it_until_that_one_lets_go() -> None:
    claims.claim(saga("first"))
    claims.claim(saga("first"))
    with pytest.raises(DomainExists):
        claims.claim(saga("second"))
    # The second one's undo.
    claims.release(saga("second"))
    assert claims.domain_id_of("u", NAME) == "first"
    claims.release(saga("first"))
    claims.release(saga("first"))
    assert claims.domain_id_of("u", NAME) is None
    claims.claim(saga("second"))
    assert claims.domain_id_of("u", NAME) == "second"
