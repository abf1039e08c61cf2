"""The steps of the saga `onboard_domain`, their undos, and the step that deletes a domain's row. All are idempotent."""

from typing import Any

from kindling import providers
from kindling.domains import claims, publishing, registrations, removal, verification
from kindling.domains.model import ONBOARD, DnsSync, Domain, DomainStatus, OffboardDomain, OnboardDomain, checks
from kindling.domains.ownership import Ownership
from kindling.domains.verification import Look, Outcome
from kindling.errors import DomainTaken, ProviderUnavailable
from kindling.operations import service as operations
from kindling.platform import clock
from kindling.platform.table import Part
from kindling.providers.model import MailDomain


def claim_name(saga: OnboardDomain) -> None:
    """Claim the name within the tenant. Raises DomainExists."""
    claims.claim(saga)


def release_name(saga: OnboardDomain, caught: dict[str, str]) -> str:
    """Release the name and close the operation as failed; the sentence that says why the saga failed.

    `caught` is the output of the saga's Catch: Error, Cause and Step.
    """
    claims.release(saga)
    return operations.fail(
        saga.user_id, saga.operation_id, caught, kind=ONBOARD, name=saga.domain, subject_id=saga.domain_id
    )


def register_domain(saga: OnboardDomain) -> None:
    """Register the domain at the mail provider, unless it is registered already. Raises ProviderError."""
    registrations.register(saga.domain, saga.user_id, saga.domain_id)


def deregister_domain(saga: OnboardDomain) -> None:
    """Remove the registration when no other domain needs it, unless it existed before Kindling."""
    removal.deregister(saga.domain, saga.user_id, saga.domain_id)


def publish_dns(saga: OnboardDomain) -> DnsSync:
    """Publish the missing records, if the zone is the tenant's and no other record conflicts. Raises ProviderError."""
    wanted = verification.records(_live(saga), saga.domain, _proof(saga))
    return publishing.publish(saga.domain, saga.user_id, saga.domain_id, wanted).sync


def unpublish_dns(saga: OnboardDomain) -> None:
    """Remove the records that carry this domain's mark, and no others."""
    removal.unpublish(saga.domain, saga.user_id, saga.domain_id)


def retire_domain(retirement: OffboardDomain) -> None:
    """Delete the row, release the name and schedule the cleanups of the provider's resources."""
    # Imported here and below: the other steps do not need the topics that the transactions include.
    from kindling.domains import commits

    commits.retire(retirement)


def trigger_verification(saga: OnboardDomain) -> None:
    """Have the mail provider check the domain's records. Raises ProviderError."""
    verification.trigger(_live(saga))


def save_domain(saga: OnboardDomain, dns_sync: dict[str, Any], *, triggered: bool) -> None:
    """Write the row, with the status that a first look at the mail provider and DNS gives it; see `verification`."""
    live = _live(saga)
    now = clock.timestamp()
    proof = _proof(saga)
    domain = Domain(
        id=saga.domain_id,
        user_id=saga.user_id,
        domain=saga.domain,
        agentmail_domain_id=live.domain_id,
        status=DomainStatus.VERIFYING if triggered else DomainStatus.PENDING,
        dns_records=verification.records(live, saga.domain, proof),
        dns_sync=DnsSync.model_validate(dns_sync),
        type=saga.type,
        catch_all_enabled=saga.catch_all_enabled,
        checks=checks(live.records, saga.domain),
        ownership=proof,
        last_dns_check=now,
        verification_triggered_at=now if triggered else None,
        created_at=now,
        updated_at=now,
    )
    outcome = verification.decide(domain, Look(live, verification.survey(saga.domain)), clock.now())
    domain = domain.model_copy(update={"ownership": outcome.proof})
    try:
        _commit(saga, _with_outcome(domain, outcome) if live.status == "VERIFIED" else domain, outcome.claim)
    except DomainTaken:
        # Another tenant has verified the name since the look: the next check decides.
        _commit(saga, domain, [])


def _with_outcome(domain: Domain, outcome: Outcome) -> Domain:
    verified_at = domain.created_at if outcome.status == DomainStatus.VERIFIED else None
    changes = {"status": outcome.status, "status_reason": outcome.reason, "verified_at": verified_at}
    return domain.model_copy(update=changes)


def _commit(saga: OnboardDomain, domain: Domain, claim: Part) -> None:
    from kindling.domains import commits

    commits.save(domain, saga.operation_id, verification.due_fields(domain), claim=claim)


def _live(saga: OnboardDomain) -> MailDomain:
    live = providers.mail().get_domain(saga.domain)
    if live is None:
        raise ProviderUnavailable("AgentMail does not know the domain yet.")
    return live


def _proof(saga: OnboardDomain) -> Ownership:
    return Ownership(challenge=verification.challenge(saga.user_id, saga.domain))
