"""Comparing Instantly's accounts and tags with accounts and tenants."""

import re
from collections.abc import Iterator

from kindling import providers
from kindling.accounts import enabling
from kindling.accounts import lookup as accounts
from kindling.accounts.model import PENDING, parse_mark
from kindling.accounts.warmup import TAG_MARK, WARMUP_TAG
from kindling.inventory import owners
from kindling.inventory.model import Kind, Problem, Sighting
from kindling.inventory.owners import Classification
from kindling.inventory.pace import Pace
from kindling.inventory.rules import Outcome, is_settled
from kindling.platform import clock, tenancy
from kindling.platform.tenancy import SHARED
from kindling.providers.credentials import INSTANTLY
from kindling.providers.model import WarmupTag

_TENANT_TAG = re.compile(f"{TAG_MARK}([0-9a-f-]{{36}})")


def scan(pace: Pace) -> Iterator[Sighting]:
    """Orphaned warmup accounts and tags, and accounts whose warmup account is gone. Raises ProviderError, OutOfTime.

    All accounts are listed, because one whose provisioning failed before it had tags is known by its address only.
    """
    warmup = providers.warmup()
    tags = [tag for page in pace.over(warmup.tag_pages(TAG_MARK)) for tag in page]
    tagged: set[str] = set()
    for tag in tags:
        if tag.label.strip() == WARMUP_TAG:
            pages = pace.over(warmup.account_pages(tag.id))
            tagged |= {account.email.lower() for page in pages for account in page}
    addresses: set[str] = set()
    for page in pace.over(warmup.account_pages()):
        listed = {account.email.lower() for account in page}
        addresses |= listed
        yield from _accounts(listed, tagged)
    yield from _missing(pace, addresses)
    for tag in pace.over(iter(tags)):
        yield from _tag(tag)


def is_unused(tag_id: str, user_id: str) -> bool:
    """Whether a tenant's tag is on no warmup account, and the tenant has no account."""
    return not providers.warmup().some_tagged(tag_id) and not accounts.has_accounts(user_id)


def _accounts(addresses: set[str], tagged: set[str]) -> Iterator[Sighting]:
    for address, owner in owners.classify_warmup_accounts(addresses).items():
        sighting = Sighting(
            kind=Kind.WARMUP_ACCOUNT,
            problem=Problem.ORPHAN,
            target=address,
            subject_id=owner.subject_id,
            message="A warmup account of ours is there that no row, cleanup or note explains.",
        )
        # Without tag, claim and record of an end it was not created by Kindling.
        ours = address in tagged or owner.subject_id
        removable = owner.outcome == Outcome.REMOVE and not _has_another_inbox(address, owner)
        if removable:
            message = "The warmup of an account that was deleted or never finished still exists."
            yield sighting.removable(owner.user_id, message)
        elif owner.outcome != Outcome.NOTHING and ours:
            yield sighting


def _has_another_inbox(address: str, owner: Classification) -> bool:
    """Whether the address has an inbox of another account than the ended ones, whose rows may have been lost."""
    if not owner.ended:
        return False
    # Its tenant may have its own AgentMail.
    with tenancy.working_for(owner.user_id or SHARED):
        inbox = providers.mail().get_inbox(address)
    return inbox is not None and parse_mark(inbox.client_id) not in {record.subject_id for record in owner.ended}


def _missing(pace: Pace, addresses: set[str]) -> Iterator[Sighting]:
    for account in pace.over(owners.accounts_here(INSTANTLY)):
        if enabling.resume(account):
            continue
        # A pending account may have no warmup account; its tenant retries the warmup.
        expected = account.state != PENDING and is_settled(account.created_at, clock.now())
        if not expected or account.email_address in addresses:
            continue
        if providers.warmup().get_account(account.email_address) is None:
            yield Sighting(
                kind=Kind.WARMUP_ACCOUNT,
                problem=Problem.GONE,
                target=account.email_address,
                subject_id=account.id,
                user_id=account.user_id,
                message="The account's warmup is gone at Instantly: its reputation is built and watched no more.",
            )


def _tag(tag: WarmupTag) -> Iterator[Sighting]:
    tenant = _TENANT_TAG.fullmatch(tag.label.strip())
    if tenant and is_unused(tag.id, tenant[1]):
        yield Sighting(
            kind=Kind.TAG,
            problem=Problem.ORPHAN,
            target=tag.label.strip(),
            subject_id=tag.id,
            user_id=tenant[1],
            message="The tenant's tag is on no account, and the tenant has none.",
            safe=True,
        )
