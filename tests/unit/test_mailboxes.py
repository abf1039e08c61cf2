"""The mailbox provider of a recipient, and the class in which it is counted."""

import pytest

from kindling.metrics import mailboxes
from kindling.metrics.mailboxes import WITHOUT_COMPLAINT_REPORTS, by_class, class_of, domain_of, provider_of
from kindling.metrics.model import APPLE, GMAIL, MAILBOX_PROVIDERS, MICROSOFT, OTHER, OWN, YAHOO
from kindling.platform.names import normal_form


@pytest.mark.parametrize(
    ("provider", "domains"),
    [
        (GMAIL, "gmail.com googlemail.com"),
        (
            MICROSOFT,
            "outlook.com outlook.fr outlook.com.br outlook.co.th hotmail.com hotmail.co.uk hotmail.es",
        ),
        (MICROSOFT, "live.com live.nl live.com.mx live.co.uk msn.com passport.com windowslive.com"),
        (YAHOO, "yahoo.com yahoo.co.uk yahoo.com.br yahoo.de yahoo.co.in ymail.com rocketmail.com myyahoo.com"),
        (YAHOO, "aol.com aol.de aim.com verizon.net netscape.net att.net sbcglobal.net comcast.net"),
        (APPLE, "icloud.com me.com mac.com privaterelay.appleid.com"),
        # Yahoo Japan is another company; what is below a provider's domain is not the provider's mail.
        (OTHER, "yahoo.co.jp ymail.ne.jp example.com gmail.com.example google.com mail.gmail.com outlook.example"),
    ],
)
def test_a_domain_tells_its_mailbox_provider(provider: str, domains: str) -> None:
    assert {domain: provider_of(domain) for domain in domains.split()} == dict.fromkeys(domains.split(), provider)


def test_every_domain_of_the_list_is_a_domain_name_of_a_known_provider() -> None:
    listed = mailboxes._PROVIDERS
    assert [domain for domain in listed if normal_form(domain) != domain] == []
    assert set(listed.values()) == set(MAILBOX_PROVIDERS) - {OTHER}
    assert set(MAILBOX_PROVIDERS) > WITHOUT_COMPLAINT_REPORTS == {GMAIL, APPLE}


def test_a_recipient_in_an_own_domain_is_that_and_any_other_is_its_mailbox_providers() -> None:
    assert domain_of("Kim@Acme.Example") == "acme.example"
    assert class_of("Kim@ACME.example", {"acme.example"}) == OWN
    assert class_of("kim@mail.acme.example", {"acme.example"}) == class_of("", {"acme.example"}) == OTHER
    recipients = ["a@gmail.com", "b@GoogleMail.com", "kim@acme.example", "c@x.example"]
    assert by_class(recipients, {"acme.example"}) == {GMAIL: 2, OWN: 1, OTHER: 1}
