"""Comparing AgentMail's inboxes and domains with accounts, registrations and domains."""

from collections.abc import Iterator, Mapping

from kindling import providers
from kindling.accounts.model import parse_mark
from kindling.cleanups.model import CleanupKind
from kindling.domains import registrations
from kindling.inventory import owners
from kindling.inventory.model import Kind, Problem, Sighting
from kindling.inventory.owners import DomainRef
from kindling.inventory.pace import Pace
from kindling.inventory.rules import Outcome, is_settled
from kindling.platform import clock, tenancy
from kindling.platform.table import BATCH_GET_LIMIT
from kindling.providers.credentials import AGENTMAIL


def scan(pace: Pace) -> Iterator[Sighting]:
    """Orphaned inboxes and registrations, and rows whose inbox or registration is gone.

    Raises ProviderError, OutOfTime.
    """
    mail = providers.mail()
    names = {name for page in pace.over(mail.domain_pages()) for name in page}
    addresses: set[str] = set()
    hosts: set[str] = set()
    for page in pace.over(mail.inbox_pages()):
        marks = {inbox.inbox_id.lower(): parse_mark(inbox.client_id) for inbox in page}
        marked = {address: account_id for address, account_id in marks.items() if account_id}
        addresses |= set(marks)
        hosts |= {address.rpartition("@")[2] for address in marked}
        yield from _inboxes(marked)
    ordered = sorted(names)
    for start in range(0, len(ordered), BATCH_GET_LIMIT):
        pace.check()
        yield from _registrations(ordered[start : start + BATCH_GET_LIMIT], hosts)
    yield from _missing_inboxes(pace, addresses)
    yield from _missing_domains(pace, names)


def _inboxes(marked: Mapping[str, str]) -> Iterator[Sighting]:
    for address, owner in owners.classify_inboxes(marked).items():
        sighting = Sighting(
            kind=Kind.INBOX,
            problem=Problem.ORPHAN,
            target=address,
            subject_id=owner.subject_id,
            message=f"An inbox carries the mark of account {owner.subject_id}, which no row, cleanup or note explains.",
        )
        if owner.outcome == Outcome.REPORT:
            yield sighting
        elif owner.outcome == Outcome.REMOVE:
            message = "The inbox of an account that was deleted or never finished still exists."
            yield sighting.removable(owner.user_id, message)


def _registrations(names: list[str], hosts: set[str]) -> Iterator[Sighting]:
    recorded = registrations.by_name(names, tenancy.current())
    for name in names:
        if name not in recorded and name in hosts:
            message = "Inboxes of ours live on a registered domain that no note of ours names."
            yield Sighting(kind=Kind.MAIL_DOMAIN, problem=Problem.ORPHAN, target=name, message=message)
    references = [DomainRef(*owner, (name,)) for name, entry in recorded.items() for owner in entry.concerned]
    for reference, (outcome, name) in owners.classify_domains(references, CleanupKind.MAIL_DOMAIN).items():
        sighting = Sighting(
            kind=Kind.MAIL_DOMAIN,
            problem=Problem.ORPHAN,
            target=name,
            subject_id=reference.domain_id,
            message=f"A registration is held for domain {reference.domain_id}, which no row, cleanup or note explains.",
        )
        if outcome == Outcome.REPORT:
            yield sighting
        elif outcome == Outcome.REMOVE:
            message = "The registration of a domain that was deleted or never finished still exists."
            yield sighting.removable(reference.user_id, message)


def _missing_inboxes(pace: Pace, addresses: set[str]) -> Iterator[Sighting]:
    for account in pace.over(owners.accounts_here(AGENTMAIL)):
        address = account.email_address
        if address in addresses or not is_settled(account.created_at, clock.now()):
            continue
        if providers.mail().get_inbox(address) is None:
            yield Sighting(
                kind=Kind.INBOX,
                problem=Problem.GONE,
                target=address,
                subject_id=account.id,
                user_id=account.user_id,
                message="The account's inbox is gone at AgentMail: nothing can be sent from it.",
            )


def _missing_domains(pace: Pace, names: set[str]) -> Iterator[Sighting]:
    for domain in pace.over(owners.verified_here(AGENTMAIL)):
        if domain.domain in names or not is_settled(domain.created_at, clock.now()):
            continue
        if providers.mail().get_domain(domain.domain) is None:
            yield Sighting(
                kind=Kind.MAIL_DOMAIN,
                problem=Problem.GONE,
                target=domain.domain,
                subject_id=domain.id,
                user_id=domain.user_id,
                message="The domain's registration is gone at AgentMail; a trigger of its verification makes it anew.",
            )
